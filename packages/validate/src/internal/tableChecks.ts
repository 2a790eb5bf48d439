/** The checks of a table as a whole, and of single rows by formula. */
import type { Contract } from "@ml-pipe/core";
import { Duckdb, type TableSchema } from "@ml-pipe/data";
import { blocked, type Check, couldNotRun } from "./Check.ts";
import { durationText, instantText, numberText, rowsOf, rowsText } from "./words.ts";

/** The columns of the file fit the contract. */
export const schemaChecks = (
  problems: ReadonlyArray<TableSchema.SchemaProblem>,
  columns: number,
): ReadonlyArray<Check> =>
  problems.length === 0
    ? [
        {
          name: "schema",
          expected: `${columns} columns of the contract's names and types`,
          severity: "fail",
          asks: [],
          judge: () => ({ outcome: "passed", found: `${columns} columns` }),
        },
      ]
    : problems.map(({ column, expected, found, next }) => ({
        name: `${column}.schema`,
        column,
        expected,
        severity: "fail",
        asks: [],
        judge: () => ({ outcome: "failed", found, next }),
      }));

/** The number of rows is within the contract's limits; at least one. */
export const countCheck = ({ spec }: Contract.Contract): Check => {
  const atLeast = Math.max(spec.minRows ?? 1, 1);
  const { maxRows } = spec;
  const expected =
    maxRows === undefined
      ? `at least ${rowsText(atLeast)}`
      : `${numberText(atLeast)} to ${rowsText(maxRows)}`;
  return {
    name: "rows.count",
    expected,
    severity: "fail",
    asks: ["count(*)"],
    judge: ([count]) => {
      const rows = Number(count);
      const kept = rows >= atLeast && rows <= (maxRows ?? Infinity);
      return { outcome: kept ? "passed" : "failed", found: rowsText(rows) };
    },
  };
};

/**
 * The newest event is young enough, and none lies after the instant of the check. The second keeps the
 * first honest: one wrong year in the future would make any table look fresh.
 */
export const freshnessChecks = (
  { spec }: Contract.Contract,
  asOf: number,
  readable: ReadonlySet<string>,
): ReadonlyArray<Check> => {
  const { eventTime, freshnessMs } = spec;
  const at = instantText(asOf);
  const freshness =
    freshnessMs === undefined
      ? undefined
      : {
          name: "freshness",
          expected: `an event at most ${durationText(freshnessMs)} before ${at}`,
        };
  if (eventTime === undefined || !readable.has(eventTime)) {
    const why =
      eventTime === undefined
        ? "the contract has no event time"
        : `the column "${eventTime}" cannot be read`;
    return freshness === undefined ? [] : [blocked(freshness, "fail", why)];
  }
  const column = Duckdb.identifier(eventTime);
  const later = `${column} > epoch_ms(${asOf})`;
  const timely: Check = {
    name: `${eventTime}.not-later`,
    column: eventTime,
    expected: `no event after ${at}`,
    severity: "warn",
    asks: ["count(*)", `count(${column})`, `count_if(${later})`],
    judge: ([all, judged, failing]) => {
      if (Number(judged) === 0) return noTime(eventTime, Number(all));
      const rows = Number(failing);
      return rows === 0
        ? { outcome: "passed", found: "every row" }
        : { outcome: "failed", found: rowsOf(rows, Number(all)), rows };
    },
    rows: { fails: later, found: `CAST(${column} AS VARCHAR)`, aside: false, example: false },
  };
  if (freshness === undefined || freshnessMs === undefined) return [timely];
  const newestSql = `max(${column}) FILTER (WHERE ${column} BETWEEN make_timestamp(0 - 8640000000000000000) AND epoch_ms(${asOf}))`;
  return [
    {
      ...freshness,
      column: eventTime,
      severity: "fail",
      asks: ["count(*)", `CAST(epoch_ms(${newestSql}) AS DOUBLE)`],
      judge: ([all, newest]) => {
        if (newest === null || newest === undefined) return noTime(eventTime, Number(all));
        const age = asOf - Number(newest);
        const when = age === 0 ? "just then" : `${durationText(age)} before`;
        return {
          outcome: age <= freshnessMs ? "passed" : "failed",
          found: `the newest event at ${instantText(Number(newest))}, ${when}`,
        };
      },
    },
    timely,
  ];
};

const noTime = (eventTime: string, rows: number) =>
  couldNotRun(rows === 0 ? "the table has no rows" : `no row has a "${eventTime}" up to then`);
