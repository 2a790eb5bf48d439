/** The two-sample Kolmogorov–Smirnov statistic of the rows themselves, in SQL. */
import { type DriftReport, Duckdb, Profile, TableSchema } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/**
 * Replaces the bounds of the statistic by its value, and judges by it where it is the method. One column
 * after the other: each is sorted, out of core if it does not fit into memory.
 */
export const withExactKs = Effect.fnUntraced(function* (
  report: DriftReport.DriftReport,
  relations: { readonly before: string; readonly now: string },
): Effect.fn.Return<DriftReport.DriftReport, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const values = yield* valuesOf(relations.before);
  const columns = yield* Effect.forEach(report.columns, (drift) =>
    Effect.gen(function* () {
      if (drift.ks === null || drift.ks.lower === drift.ks.upper) return drift;
      const [row] = yield* db.rows(
        `compare "${drift.column}" with the reference`,
        ksSql(values.get(drift.column) ?? Duckdb.identifier(drift.column), relations),
      );
      const exact = Number(row?.["ks"]);
      const ks = { lower: exact, upper: exact };
      const enough = drift.byChance !== null && drift.byChance < drift.atMost;
      if (drift.method !== "ks" || !enough) return { ...drift, ks };
      const { why: _between, ...judged } = drift;
      const outcome = exact > drift.atMost ? ("failed" as const) : ("passed" as const);
      return { ...judged, ks, distance: exact, outcome };
    }),
  );
  return { ...report, columns };
});

/** SQL of what is profiled of a relation, by name: columns, and parts of them. */
const valuesOf = Effect.fnUntraced(function* (relation: string) {
  const types = yield* TableSchema.describe(relation);
  const { columns } = Profile.profiledOf(
    types.map(({ name, type }) => ({ name, sql: Duckdb.identifier(name), sqlType: type })),
  );
  return new Map(columns.map(({ name, sql }) => [name, sql]));
});

/** Counts of both up to each value, compared as whole numbers until the last division. */
const ksSql = (
  column: string,
  { before, now }: { readonly before: string; readonly now: string },
): string => {
  const value = `CAST(${column} AS DOUBLE)`;
  const from = (relation: string, was: number) =>
    `SELECT ${value} AS v, ${was} AS was FROM ${relation} WHERE isfinite(${value})`;
  return `WITH each AS (
    SELECT v, sum(was) AS b, count(*) - sum(was) AS n
    FROM (${from(before, 1)} UNION ALL ${from(now, 0)}) GROUP BY v
  ), total AS (SELECT sum(b) AS b, sum(n) AS n FROM each), run AS (
    SELECT sum(b) OVER o AS b, sum(n) OVER o AS n FROM each WINDOW o AS (ORDER BY v)
  )
  SELECT CAST(max(abs(run.b * total.n - run.n * total.b)) AS DOUBLE)
    / CAST(any_value(total.b) AS DOUBLE) / CAST(any_value(total.n) AS DOUBLE) AS ks
  FROM run, total`;
};
