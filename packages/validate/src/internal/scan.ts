/** The one scan: all aggregates of all checks, each asked for once. */
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/** SQL of one query for all aggregates over the rows; the values come as `a0`, `a1`, … */
export const scanSql = (rows: string, asks: ReadonlyArray<string>): string =>
  `WITH rows AS (${rows}) SELECT ${asks.map((ask, index) => `${ask} AS a${index}`).join(",\n  ")} FROM rows`;

/** Computes aggregates in one pass; gives a look-up by their SQL. */
export const scan = Effect.fnUntraced(function* (
  rows: string,
  asks: Iterable<string>,
): Effect.fn.Return<(ask: string) => unknown, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const distinct = [...new Set(asks)];
  const [values] = yield* db.rows("check the rows", scanSql(rows, distinct));
  const byAsk = new Map(distinct.map((ask, index) => [ask, values?.[`a${index}`]]));
  return (ask) => byAsk.get(ask);
});

/** The patterns that DuckDB does not understand, by column, with what it says. */
export const unsupportedPatterns = Effect.fnUntraced(function* (
  patterns: ReadonlyArray<readonly [column: string, pattern: string]>,
): Effect.fn.Return<ReadonlyMap<string, string>, never, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const tried = yield* Effect.forEach(patterns, ([column, pattern]) =>
    db.rows("try a pattern", `SELECT regexp_full_match('', ${Duckdb.literal(pattern)})`).pipe(
      Effect.map((): ReadonlyArray<readonly [string, string]> => []),
      Effect.catch(({ problem }) =>
        Effect.succeed([[column, `the pattern is not supported (${problem})`] as const]),
      ),
    ),
  );
  return new Map(tried.flat());
});
