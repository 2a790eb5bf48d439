/** The one scan: all aggregates of all checks, each asked for once. */
import type { Contract } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type Check, type Judged, type RowsThatFail, rowNumbers, sampleSize } from "./Check.ts";

/** A check and its outcome. */
export interface Result {
  readonly check: Check;
  readonly judged: Judged;
}

/** Computes aggregates in one pass; gives a look-up by their SQL. */
export const scan = Effect.fnUntraced(function* (
  operation: string,
  rows: string,
  asks: Iterable<string>,
): Effect.fn.Return<(ask: string) => unknown, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const distinct = [...new Set(asks)];
  const selected = distinct.map((ask, index) => `${ask} AS a${index}`).join(",\n  ");
  const [values] = yield* db.rows(operation, `WITH rows AS (${rows}) SELECT ${selected} FROM rows`);
  const byAsk = new Map(distinct.map((ask, index) => [ask, values?.[`a${index}`]]));
  return (ask) => byAsk.get(ask);
});

/**
 * Adds to failed checks which rows fail first, and a value. A second pass, but only where something
 * fails: keeping samples of every check would slow the scan by half.
 */
export const withSamples = Effect.fnUntraced(function* (
  rows: string,
  results: ReadonlyArray<Result>,
): Effect.fn.Return<ReadonlyArray<Result>, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const failed = (result: Result) =>
    result.judged.outcome === "failed" ? result.check.rows : undefined;
  const sampleOf = ({ fails }: RowsThatFail) =>
    `min("~row", ${sampleSize}) FILTER (WHERE ${fails})`;
  const exampleOf = ({ fails, found }: RowsThatFail) => `min(${found}) FILTER (WHERE ${fails})`;
  const asks = results.flatMap((result) => {
    const those = failed(result);
    if (those === undefined) return [];
    return [sampleOf(those), ...(those.example ? [exampleOf(those)] : [])];
  });
  if (asks.length === 0) return results;
  const valueOf = yield* scan("name rows that fail", rows, asks);
  return results.map((result) => {
    const those = failed(result);
    if (those === undefined) return result;
    const value = those.example ? valueOf(exampleOf(those)) : null;
    const such = typeof value === "string" ? `, such as ${JSON.stringify(value)}` : "";
    const sample = rowNumbers(valueOf(sampleOf(those)));
    return {
      check: result.check,
      judged: { ...result.judged, found: result.judged.found + such, sample },
    };
  });
});

/** The patterns of a contract that DuckDB does not understand, by column, with what it says. */
export const unsupportedPatterns = Effect.fnUntraced(function* (
  contract: Contract.Contract,
): Effect.fn.Return<ReadonlyMap<string, string>, never, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const unsupported = new Map<string, string>();
  for (const [column, { pattern }] of Object.entries(contract.spec.columns)) {
    if (pattern === undefined) continue;
    const sql = `SELECT regexp_full_match('', ${Duckdb.literal(pattern)})`;
    const tried = yield* Effect.result(db.rows("try a pattern", sql));
    if (tried._tag === "Failure") {
      unsupported.set(column, `the pattern is not supported (${tried.failure.problem})`);
    }
  }
  return unsupported;
});
