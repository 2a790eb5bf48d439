/** The scan: all aggregates of all checks, each asked for once, in one pass for each relation. */
import type { Contract } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type Ask, type Result, type RowsThatFail, rowNumbers, sampleSize } from "./Check.ts";

/** The value of an aggregate that cannot be computed on this data, and why. */
export class NoValue {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/** The values of aggregates, and what they cost. */
export interface Scanned {
  /** The value of what was asked, or {@link NoValue}. */
  readonly valueOf: (ask: Ask) => unknown;
  readonly passes: number;
}

const canonicalRows = "rows";

/** Computes aggregates: one pass over the rows, and one for each other relation that is asked. */
export const scan = Effect.fnUntraced(function* (
  operation: string,
  rows: string,
  asks: Iterable<Ask>,
): Effect.fn.Return<Scanned, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const byRelation = new Map<string, Wanted>();
  for (const ask of asks) {
    const { key, from, sql, of } = placed(ask, rows);
    const wanted = byRelation.get(key) ?? { from, of, asks: new Set() };
    wanted.asks.add(sql);
    byRelation.set(key, wanted);
  }
  const values = new Map<string, ReadonlyMap<string, unknown>>();
  for (const [key, { from, of, asks }] of byRelation) {
    const found = yield* Effect.forEach(together([...asks]), (some) =>
      select(operation, of, from, some),
    );
    values.set(key, new Map(found.flatMap((part) => [...part])));
  }
  return {
    valueOf: (ask) => {
      const { key, sql } = placed(ask, rows);
      return values.get(key)?.get(sql);
    },
    passes: byRelation.size,
  };
});

/** Aggregates over one relation made of the canonical rows `of` a table or of a reference. */
interface Wanted {
  readonly from: string;
  readonly of: string;
  readonly asks: Set<string>;
}

const placed = (ask: Ask, rows: string) => {
  const {
    from,
    sql,
    rows: of = rows,
  } = typeof ask === "string" ? { from: canonicalRows, sql: ask } : ask;
  return { key: `${from}\n${of}`, from, sql, of };
};

/** Aggregates of one query. Planning one takes time in the square of their number. */
const mostTogether = 256;

/**
 * Aggregates in groups for one query each. Those that begin with the same column stay together, so that
 * a file of columns is still read once.
 */
const together = (asks: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  if (asks.length <= mostTogether) return [asks];
  const byColumn = Map.groupBy(asks, (ask) => /"(?:~\w+ )?((?:[^"]|"")*)"/.exec(ask)?.[1] ?? "");
  const groups: Array<Array<string>> = [[]];
  for (const those of byColumn.values()) {
    const last = groups.at(-1) ?? [];
    if (last.length > 0 && last.length + those.length > mostTogether) groups.push([...those]);
    else last.push(...those);
  }
  return groups;
};

/**
 * One pass. If an aggregate cannot be computed on this data (out of range, text that is no number), the
 * others are asked for without it: halves are tried until it stands alone.
 */
const select = (
  operation: string,
  rows: string,
  from: string,
  asks: ReadonlyArray<string>,
): Effect.Effect<ReadonlyMap<string, unknown>, Duckdb.DuckdbError, Duckdb.Duckdb> => {
  const selected = asks.map((ask, index) => `${ask} AS a${index}`).join(",\n  ");
  const sql = `WITH ${canonicalRows} AS (${rows}) SELECT ${selected} FROM ${from}`;
  return Duckdb.Duckdb.use((db) => db.rows(operation, sql)).pipe(
    Effect.map(
      ([values]): ReadonlyMap<string, unknown> =>
        new Map(asks.map((ask, index) => [ask, values?.[`a${index}`]])),
    ),
    Effect.catch((error) => {
      const [first] = asks;
      if (!isAboutValues(error) || first === undefined) return Effect.fail(error);
      if (asks.length === 1) return Effect.succeed(new Map([[first, new NoValue(error.problem)]]));
      const middle = Math.ceil(asks.length / 2);
      return Effect.forEach([asks.slice(0, middle), asks.slice(middle)], (half) =>
        select(operation, rows, from, half),
      ).pipe(Effect.map((halves) => new Map(halves.flatMap((half) => [...half]))));
    }),
  );
};

/** Whether an error is due to values or to the text of a check, not to the file or the machine. */
export const isAboutValues = ({ problem }: Duckdb.DuckdbError): boolean =>
  /^(Out of Range|Conversion|Invalid Input|Mismatch Type|Binder|Catalog|Parser|Not implemented) Error/.test(
    problem,
  ) && !problem.includes("Failed to read file");

/**
 * Adds to failed checks which rows fail first, and a value. A second pass, but only where something
 * fails: keeping samples of every check would slow the scan by half.
 */
export const withSamples = Effect.fnUntraced(function* (
  rows: string,
  results: ReadonlyArray<Result>,
): Effect.fn.Return<
  { readonly results: ReadonlyArray<Result>; readonly passes: number },
  Duckdb.DuckdbError,
  Duckdb.Duckdb
> {
  const failed = ({ check, judged }: Result) =>
    judged.outcome === "failed" && check.rows?.search === undefined ? check.rows : undefined;
  const sampleOf = ({ fails }: RowsThatFail) =>
    `min("~row", ${sampleSize}) FILTER (WHERE ${fails})`;
  const exampleOf = ({ fails, found }: RowsThatFail) => `min(${found}) FILTER (WHERE ${fails})`;
  const asks = results.flatMap((result) => {
    const those = failed(result);
    if (those === undefined) return [];
    return [sampleOf(those), ...(those.example ? [exampleOf(those)] : [])];
  });
  const { valueOf, passes } = yield* scan("name rows that fail", rows, asks);
  const named = results.map((result): Result => {
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
  return { results: named, passes };
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
