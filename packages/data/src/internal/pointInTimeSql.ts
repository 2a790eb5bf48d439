/**
 * A point-in-time join as SQL.
 *
 * A row can be found from the later of two moments on: when its event is past the embargo, and when it
 * is known. In the order of that moment, only rows that are newer than all before them are ever the
 * newest; what is left is one step function for each key, which an as-of join reads. So both times count
 * although an as-of join compares only one, in O(n log n).
 */
import { identifier } from "../Duckdb.ts";
import type { Ast } from "../Expr.ts";
import { toSql } from "./compile.ts";

/** What is joined. */
export interface PointInTimeSql {
  /** Relations with a column `file_row_number`. */
  readonly left: string;
  readonly right: string;
  /** All columns of the left one. */
  readonly columns: ReadonlyArray<string>;
  readonly at: string;
  readonly event: string;
  readonly knownAt: Ast | undefined;
  readonly by: ReadonlyArray<string>;
  readonly take: ReadonlyArray<readonly [as: string, column: string]>;
  readonly toleranceMs: number | null;
  readonly embargoMs: number;
}

/** The steps of a join: see {@link joinSql}. */
export interface JoinSql {
  /** For each row of the left table: its number, what was taken, and how old that is. */
  readonly found: string;
  /** The left table in its order with what was taken, from the relation that holds `found`. */
  readonly rows: (found: string) => string;
  /** One row: how many matched, how old they are in minutes, and how many rows nothing can find. */
  readonly counts: (found: string) => string;
}

/** A join as queries. */
export const joinSql = (join: PointInTimeSql): JoinSql => {
  const { left, right, columns, by, take, toleranceMs, embargoMs } = join;
  const time = (column: string) => `CAST(${identifier(column)} AS TIMESTAMP)`;
  const [at, event] = [time(join.at), time(join.event)];
  const known = join.knownAt === undefined ? event : toSql(join.knownAt);
  const keys = by.map((_, index) => `"~k${index}"`);
  const keyColumns = by.map((column, index) => `${identifier(column)} AS ${keys[index]}`);
  const values = take.map((_, index) => `"~v${index}"`);
  const valueColumns = take.map(([, column], index) => `${identifier(column)} AS ${values[index]}`);
  // Strictly before: the next microsecond, the resolution of a timestamp.
  const past = `${event} + INTERVAL '${embargoMs} milliseconds' + INTERVAL '1 microsecond'`;
  const usable = [event, known, ...by.map(identifier)]
    .map((sql) => `${sql} IS NOT NULL`)
    .join(" AND ");
  const partition = `PARTITION BY ${keys.join(", ")}`;
  const young =
    toleranceMs === null
      ? `r."~event" IS NOT NULL`
      : `r."~event" >= l."~at" - INTERVAL '${toleranceMs} milliseconds'`;
  const taken = values.map((value) => `CASE WHEN ${young} THEN r.${value} END AS ${value}`);
  return {
    found: `
WITH candidates AS (
  SELECT ${[...keyColumns, ...valueColumns].join(", ")}, ${event} AS "~event",
    greatest(${past}, ${known}) AS "~from", ${known} AS "~known", file_row_number AS "~row"
  FROM ${right} WHERE ${usable}
), ranked AS (
  SELECT * EXCLUDE ("~known", "~row"),
    row_number() OVER (${partition} ORDER BY "~event", "~known", "~row") AS "~rank" FROM candidates
), steps AS (
  SELECT * FROM ranked
  WINDOW findable AS (${partition} ORDER BY "~from", "~rank" ROWS UNBOUNDED PRECEDING)
  QUALIFY "~rank" = max("~rank") OVER findable AND "~from" IS DISTINCT FROM lead("~from") OVER findable
), rows AS (
  SELECT file_row_number AS "~row", ${at} AS "~at", ${keyColumns.join(", ")} FROM ${left}
)
SELECT l."~row", ${taken.join(", ")},
  CASE WHEN ${young} THEN epoch(l."~at" - r."~event") / 60 END AS "~minutes"
FROM rows l ASOF LEFT JOIN steps r
  ON ${keys.map((key) => `l.${key} = r.${key}`).join(" AND ")} AND l."~at" >= r."~from"`,
    rows: (found) => `
SELECT ${[
      ...columns.map((column) => `l.${identifier(column)}`),
      ...take.map(([as], index) => `f.${values[index]} AS ${identifier(as)}`),
    ].join(", ")}
FROM ${left} l JOIN ${found} f ON l.file_row_number = f."~row"
ORDER BY l.file_row_number`,
    counts: (found) => `
SELECT CAST(count("~minutes") AS DOUBLE) AS matched, quantile_cont("~minutes", 0.5) AS median,
  quantile_cont("~minutes", 0.95) AS p95, max("~minutes") AS oldest,
  CAST((SELECT count(*) FROM ${right} WHERE NOT (${usable})) AS DOUBLE) AS unusable
FROM ${found}`,
  };
};
