/** Texts that are nearly the same, by MinHash and then exactly. */
import { randomUUID } from "node:crypto";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { FeatureRows } from "./sameFeatures.ts";

/** What {@link nearTexts} found in one column. */
export interface NearTexts {
  readonly column: string;
  /** Texts compared. */
  readonly compared: number;
  /** Texts that are nearly another one, exact copies not counted. */
  readonly rows: number;
  /** Pairs of these with different labels. */
  readonly conflicting: number;
  /** Row numbers of the first pairs. */
  readonly pairs: ReadonlyArray<readonly [number, number]>;
}

/** Texts compared at most; of more, a sample by a hash of the row's number. */
const mostTexts = 20_000;
/** Characters of a text that are read. */
const longest = 5000;
/** Share of common pieces from which two texts are nearly the same. */
const similar = 0.8;
const gram = 5;
const bands = 8;
const perBand = 4;
const shown = 10;

/**
 * Texts are compared by the Jaccard similarity of their sets of five-character pieces, in lower case and
 * with white space made one: 0.8 or more is nearly the same. MinHash (Broder, Compression and Complexity of
 * Sequences, 1997) in eight bands of four (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, 2020,
 * section 3.4) finds 98 % of pairs at 0.8 and 99.99 % at 0.9 without comparing all; each is then checked
 * exactly. A text is compared with the first one of its bucket, so that boilerplate costs no more than
 * anything else.
 */
export const nearTexts = Effect.fnUntraced(function* (
  { relation, label }: FeatureRows,
  column: string,
): Effect.fn.Return<NearTexts, Duckdb.DuckdbError, Duckdb.Duckdb | Scope.Scope> {
  const db = yield* Duckdb.Duckdb;
  const operation = `find near-duplicate texts in ${column}`;
  const [name, given] = [column, label].map(Duckdb.identifier);
  const [count] = yield* db.rows(
    operation,
    `SELECT count(*)::DOUBLE AS n FROM ${relation} WHERE ${name} IS NOT NULL AND ${given} IS NOT NULL`,
  );
  const step = Math.max(1, Math.ceil(Number(count?.["n"] ?? 0) / mostTexts));
  const texts = Duckdb.identifier(`near texts ${randomUUID()}`);
  // Not acquireRelease: it could not be interrupted while it searches.
  yield* Effect.addFinalizer(() =>
    Effect.ignore(db.execute("forget the texts compared", `DROP TABLE IF EXISTS ${texts}`)),
  );
  const text = `left(trim(regexp_replace(lower(${name}), '\\s+', ' ', 'g')), ${longest})`;
  yield* db.execute(
    operation,
    `CREATE TABLE ${texts} AS
       SELECT r, l, t, list_distinct(list_transform(range(1, greatest(length(t) - ${gram - 2}, 2)), lambda i : hash(substr(t, i, ${gram})))) AS grams
       FROM (SELECT file_row_number AS r, CAST(${given} AS VARCHAR) AS l, ${text} AS t FROM ${relation}
         WHERE ${name} IS NOT NULL AND ${given} IS NOT NULL AND hash(file_row_number) % ${step} = 0) WHERE t <> ''`,
  );
  const least = (k: number) =>
    `list_min(list_transform(grams, lambda h : xor(h, ${masks[k]}::UBIGINT)))`;
  const band = (b: number) =>
    `hash(${b}, ${Array.from({ length: perBand }, (_, k) => least(b * perBand + k)).join(", ")})`;
  const found = yield* db.rows(
    operation,
    `WITH banded AS (SELECT r, unnest([${Array.from({ length: bands }, (_, b) => band(b)).join(", ")}]) AS bucket FROM ${texts}),
     candidates AS (SELECT DISTINCT first, r FROM (SELECT r, min(r) OVER (PARTITION BY bucket) AS first FROM banded) WHERE r <> first),
     pairs AS (
       SELECT a.r AS a, b.r AS b, a.l <> b.l AS differ FROM candidates c JOIN ${texts} a ON a.r = c.first JOIN ${texts} b ON b.r = c.r
       WHERE a.t <> b.t AND len(list_intersect(a.grams, b.grams)) >= ${similar} * (len(a.grams) + len(b.grams) - len(list_intersect(a.grams, b.grams)))
     )
     SELECT (SELECT count(*)::DOUBLE FROM ${texts}) AS compared,
       (SELECT count(DISTINCT r)::DOUBLE FROM (SELECT a AS r FROM pairs UNION ALL SELECT b FROM pairs)) AS rows,
       (SELECT count(*)::DOUBLE FROM pairs WHERE differ) AS conflicting,
       (SELECT list([a::DOUBLE, b::DOUBLE] ORDER BY a, b) FROM (SELECT a, b FROM pairs ORDER BY a, b LIMIT ${shown})) AS pairs`,
  );
  const of = (what: string) => Number(found[0]?.[what] ?? 0);
  const pairs: unknown = found[0]?.["pairs"];
  return {
    column,
    compared: of("compared"),
    rows: of("rows"),
    conflicting: of("conflicting"),
    pairs: (Array.isArray(pairs) ? pairs : []).map((pair) => [Number(pair[0]), Number(pair[1])]),
  };
});

/** Numbers by which hashes are turned about, so that each has another smallest one: SplitMix64 from 1. */
const masks: ReadonlyArray<bigint> = Array.from({ length: bands * perBand }, (_, k) => {
  const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
  let z = wrap(0x9e3779b97f4a7c15n * BigInt(k + 2));
  z = wrap((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = wrap((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
});
