/** From a batch into the store: buckets are computed in DuckDB, and hops that changed are written. */
import { randomUUID } from "node:crypto";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { Duckdb, type DuckdbError, identifier } from "../Duckdb.ts";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { type Bucket, isList } from "../internal/aggregates.ts";
import { bucketColumn, bucketSql, key } from "../internal/featureSql.ts";
import type { FeatureStoreError } from "./FeatureStoreError.ts";
import type { Series } from "./series.ts";
import type { FeatureStoreShape, StoredBucket } from "./shape.ts";

/** Buckets that are read and written at a time. */
const chunkBuckets = 50_000;

/** Writes one series; says what it did. */
export const materialiseSeries = Effect.fnUntraced(function* (
  store: FeatureStoreShape,
  spec: FeatureSetSpec,
  series: Series,
  relation: string,
  until: Date,
): Effect.fn.Return<
  {
    readonly features: ReadonlyArray<string>;
    readonly hopsWritten: number;
    readonly hopsKept: number;
    readonly bucketsWritten: number;
    readonly knownUntil: Date;
  },
  DuckdbError | FeatureStoreError,
  Duckdb | Scope.Scope
> {
  const db = yield* Duckdb;
  const { hopMs, keptHops, features, family } = series;
  const operation = `materialise the history by ${family[0].by.join(", ")}`;
  const [before] = yield* store.heads([series]);
  const end = Math.floor(until.getTime() / hopMs);
  const start = Math.max(end - keptHops, before?.fromHop ?? -Infinity);
  const buckets = identifier(`buckets ${randomUUID()}`);
  yield* Effect.addFinalizer(() =>
    Effect.ignore(db.execute("forget buckets", `DROP TABLE IF EXISTS ${buckets}`)),
  );
  yield* db.execute(
    operation,
    `CREATE TABLE ${buckets} AS FROM (${bucketSql(spec, family, relation)})
       WHERE "~hop" >= ${start} AND "~hop" < ${end}`,
  );
  // The hash is DuckDB's own: another version of it only means that hops are written again.
  const found = yield* db.rows(
    operation,
    `SELECT CAST("~hop" AS DOUBLE) AS hop, CAST(count(*) AS DOUBLE) AS buckets,
         CAST(sum(CAST(hash(b) AS HUGEINT)) AS VARCHAR) AS digest
       FROM ${buckets} AS b GROUP BY "~hop" ORDER BY "~hop"`,
  );
  const known = yield* store.digests(series);
  const batch = new Map(
    found.map((row) => [
      Number(row["hop"]),
      {
        digest: `${String(row["buckets"])} ${String(row["digest"])}`,
        rows: Number(row["buckets"]),
      },
    ]),
  );
  // What the stream has written since the last batch is replaced, also where the batch has nothing.
  const streamed = before?.batchHop ?? end;
  const hops = new Set([...batch.keys(), ...known.keys()]);
  for (let hop = Math.max(streamed, start); hop < end; hop++) hops.add(hop);
  const changed = [...hops]
    .filter((hop) => hop >= start && hop < end)
    .filter((hop) => hop >= streamed || known.get(hop) !== batch.get(hop)?.digest)
    .toSorted((a, b) => a - b);

  let [bucketsWritten, chunk, size] = [0, new Map<number, string | undefined>(), 0];
  const write = Effect.fnUntraced(function* (batchHop: number, knownUntil: number) {
    const rows = size === 0 ? [] : yield* db.rows(operation, chunkSql(series, buckets, chunk));
    yield* store.replace(series, {
      hops: chunk,
      buckets: rows.map((row) => bucketOf(series, row)),
      head: { fromHop: start, batchHop, knownUntil },
    });
    bucketsWritten += rows.length;
    [chunk, size] = [new Map(), 0];
  });
  for (const hop of changed) {
    const { digest, rows = 0 } = batch.get(hop) ?? {};
    if (size > 0 && size + rows > chunkBuckets) yield* write(hop, hop * hopMs);
    chunk.set(hop, digest);
    size += rows;
  }
  yield* write(end, until.getTime());
  const [after] = yield* store.heads([series]);
  return {
    features,
    hopsWritten: changed.length,
    hopsKept: batch.size - changed.filter((hop) => batch.has(hop)).length,
    bucketsWritten,
    knownUntil: new Date(after?.knownUntil ?? until),
  };
}, Effect.scoped);

const chunkSql = (
  { family, columns }: Series,
  buckets: string,
  hops: ReadonlyMap<number, unknown>,
) => {
  const keys = family[0].by.map((_, index) => `to_json(${key(index)})`);
  const names = columns.flatMap((names, history) =>
    names.map((name) => bucketColumn(history, name)),
  );
  const between = [...hops.keys()];
  return `SELECT CAST([${keys.join(", ")}] AS VARCHAR[]) AS key, CAST("~hop" AS DOUBLE) AS hop, ${names.join(", ")}
    FROM ${buckets} WHERE "~hop" IN (${between.join(", ")})`;
};

const bucketOf = (
  { columns }: Series,
  row: { readonly [column: string]: unknown },
): StoredBucket => ({
  entity: JSON.stringify(listOf(row["key"]).map((json) => JSON.parse(String(json ?? "null")))),
  hop: Number(row["hop"]),
  columns: columns.map((names, history): Bucket =>
    Object.fromEntries(
      names.map((name) => {
        const value = row[bucketColumn(history, name).slice(1, -1)] ?? null;
        if (value === null) return [name, null];
        return [name, isList(name) ? listOf(value).map(Number) : Number(value)];
      }),
    ),
  ),
});

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : []);
