/** Splits by time: into four periods, and into four periods of which no two share a group. */
import { type Contract, Stage } from "@ml-pipe/core";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import { Duckdb, identifier } from "../Duckdb.ts";
import * as Table from "../Table.ts";
import { whole } from "../Words.ts";
import { requireDisjointTables, requireOrdered, rowsOfPart, splitId, writePart } from "./parts.ts";
import {
  type Dated,
  findingsOfReasons,
  findingsOfUnknown,
  type Grouped,
  type GivenReasons,
  givenReasons,
  requireOffered,
  type Ungrouped,
} from "./refusal.ts";
import { type Cuts, periodsOf, textOf, timeRoles, within } from "./time.ts";

/** How a split by time cuts. */
export interface ByTimeOptions extends Cuts {
  /**
   * How long before each cut rows are left out: their outcome was not known yet when the next period
   * began. Default: none are.
   */
  readonly embargo?: Duration.Input;
}

/**
 * A stage that splits a table by its event time. The embargo leaves out the rows just before each cut:
 * their outcome was not known yet when the next period began. Fails with {@link EmptySplit} if a part
 * has no rows.
 *
 * A contract with a group does not fit, by type: its rows go through {@link byTimeAndGroup}.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Split } from "@ml-pipe/data";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1", owner: "lab", eventTime: "at", columns: { at: Column.timestamp() },
 * });
 * const split = Split.byTime(Trip, {
 *   validation: "2001-04-15", test: "2001-05-01", live: "2001-06-01", embargo: "1 day",
 * });
 * ```
 */
export const byTime = <
  C extends Contract.Contract,
  const Group extends string | undefined = undefined,
>(
  contract: C & Dated<C> & Ungrouped<C, Group>,
  options: ByTimeOptions & { readonly ignoreGroup?: Group },
) => {
  const { ignoreGroup, ...cuts } = options;
  const reasons = givenReasons({ ignoreGroup });
  requireOffered("split by time", contract, { time: true, group: false }, reasons);
  return make<C>(contract, cuts, { reasons });
};

/**
 * A stage that splits a table by its event time so that no group is in two parts: of each group, only
 * the rows of the part in which it is first seen are kept. What is judged on the test part is then
 * about groups that are new, as of that time.
 *
 * Rows of a group after the part in which it began are left out, and so are those in the embargo and
 * those without a group or a time; the split says how many of each.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Split } from "@ml-pipe/data";
 *
 * const Visit = Contract.make("visit", {
 *   version: "1", owner: "ward", eventTime: "at", group: "patient",
 *   columns: { at: Column.timestamp(), patient: Column.string() },
 * });
 * const split = Split.byTimeAndGroup(Visit, {
 *   validation: "2001-04-15", test: "2001-05-01", live: "2001-06-01",
 * });
 * ```
 */
export const byTimeAndGroup = <C extends Contract.Contract>(
  contract: C & Dated<C> & Grouped<C>,
  options: ByTimeOptions,
) => {
  requireOffered("split by time and group", contract, { time: true, group: true }, {});
  return make<C>(contract, options, { reasons: {}, group: contract.spec.group });
};

const make = <C extends Contract.Contract>(
  contract: C,
  { embargo = 0, ...cuts }: ByTimeOptions,
  { reasons, group }: { readonly reasons: GivenReasons; readonly group?: string | undefined },
) => {
  const column = contract.spec.eventTime ?? "";
  const embargoMs = Duration.toMillis(Duration.fromInputUnsafe(embargo));
  const periods = periodsOf(cuts, embargoMs);
  const params = {
    by: column,
    ...(group === undefined ? {} : { group }),
    ...reasons,
    ...cuts,
    embargoMs,
  };
  const partSql = `CASE ${timeRoles.map((role, part) => `WHEN ${within(column, periods[role])} THEN ${part}`).join(" ")} END`;
  return Stage.make("split", {
    description: `splits by ${column}${group === undefined ? "" : ` and ${group}`}`,
    input: { data: Table.of(contract, "checked") },
    outputs: {
      train: Table.of(contract, "train"),
      validation: Table.of(contract, "validation"),
      test: Table.of(contract, "test"),
      live: Table.of(contract, "live"),
    },
    params,
    run: Effect.fnUntraced(function* ({ data }, { exhibit, finding, progress }) {
      const relation = yield* Table.relation(data, { rowNumbers: true });
      const split = splitId(data, params);
      const assigned =
        group === undefined
          ? undefined
          : yield* Table.scratch(
              "find the part of each group",
              firstPartSql(relation, group, partSql),
            );
      const newGroup = group === undefined ? "" : ` and is of a ${group} that is first seen then`;
      const write = <R extends (typeof timeRoles)[number]>(role: R) => {
        const { from, to } = periods[role];
        return writePart(contract, role, split, {
          from:
            assigned === undefined
              ? `(FROM ${relation} WHERE ${within(column, periods[role])})`
              : rowsOfPart(relation, assigned, timeRoles.indexOf(role)),
          empty: {
            because: `none has its ${column} from ${textOf(from)} to ${textOf(to)}${newGroup}`,
            next: "Move the cut, or ingest data of that period.",
          },
        });
      };
      const tables = {
        train: yield* write("train"),
        validation: yield* write("validation"),
        test: yield* write("test"),
        live: yield* write("live"),
      };
      const parts = timeRoles.map((role) => tables[role]);
      yield* requireOrdered(parts, column, embargoMs);
      const laws = group === undefined ? [] : [{ of: "group", columns: [group] } as const];
      yield* requireDisjointTables(parts, laws);
      const used = parts.reduce((sum, { rows }) => sum + rows, 0);
      yield* progress({ label: "rows", rows: used });
      const left = yield* leftOut(relation, data.rows - used, { column, group, partSql });
      const notes = Object.values(reasons).map(
        (reason) => `groups are not kept together: ${reason}`,
      );
      yield* exhibit({
        _tag: "table",
        title: group === undefined ? "Split by time" : "Split by time and group",
        caption: [...left.texts, ...notes].join("; "),
        columns: ["role", "from", "to", "rows"],
        rows: timeRoles.map((role) => [
          role,
          textOf(periods[role].from),
          textOf(periods[role].to),
          tables[role].rows,
        ]),
      });
      yield* Effect.forEach(
        [
          ...findingsOfReasons(contract, reasons),
          ...findingsOfUnknown(contract, "time", left.undated),
          ...findingsOfUnknown(contract, "group", left.alone),
        ],
        finding,
      );
      return tables;
    }, Effect.scoped),
  });
};

/** Of each group, the rows of the part in which it is first seen. */
const firstPartSql = (relation: string, group: string, partSql: string): string =>
  `SELECT "~row", "~part"
   FROM (SELECT file_row_number AS "~row", ${identifier(group)} AS "~group", ${partSql} AS "~part" FROM ${relation})
   WHERE "~group" IS NOT NULL AND "~part" IS NOT NULL
   QUALIFY "~part" = min("~part") OVER (PARTITION BY "~group")`;

/** Which rows are in no part, and why. */
const leftOut = Effect.fnUntraced(function* (
  relation: string,
  rows: number,
  by: { readonly column: string; readonly group: string | undefined; readonly partSql: string },
) {
  const { column, group } = by;
  const db = yield* Duckdb;
  const undated = `${identifier(column)} IS NULL`;
  const alone = group === undefined ? "FALSE" : `${identifier(group)} IS NULL`;
  const [found] = yield* db.rows(
    "count the rows that are left out",
    `SELECT CAST(count(*) FILTER (${undated}) AS DOUBLE) AS undated,
       CAST(count(*) FILTER (NOT ${undated} AND ${alone}) AS DOUBLE) AS alone,
       CAST(count(*) FILTER (NOT ${undated} AND NOT ${alone} AND ${by.partSql} IS NULL) AS DOUBLE) AS embargo
     FROM ${relation}`,
  );
  const of = (name: string) => Number(found?.[name] ?? 0);
  const later = rows - of("undated") - of("alone") - of("embargo");
  const texts = [
    `${whole(of("embargo"))} rows lie in the embargo before a cut and are left out`,
    ...(of("undated") === 0
      ? []
      : [`${whole(of("undated"))} rows have no ${column} and are left out`]),
    ...(of("alone") === 0 ? [] : [`${whole(of("alone"))} rows have no ${group} and are left out`]),
    ...(group === undefined
      ? []
      : [
          `${whole(later)} rows come after the part in which their ${group} began and are left out`,
        ]),
  ];
  return { undated: of("undated"), alone: of("alone"), texts };
});
