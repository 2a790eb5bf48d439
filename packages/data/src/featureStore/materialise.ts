/** From a batch into the store: buckets are computed in DuckDB, and hops that changed are written. */
import { randomUUID } from "node:crypto";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { Duckdb, type DuckdbError, identifier } from "../Duckdb.ts";
import { columnsOf } from "../Expr.ts";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { type Bucket, isList } from "../internal/aggregates.ts";
import { toSql } from "../internal/compile.ts";
import { bucketColumn, bucketSql, key, knownSql } from "../internal/featureSql.ts";
import type { FeatureStoreError } from "./FeatureStoreError.ts";
import { type Series, seriesOf } from "./series.ts";
import type { FeatureStoreShape, Head, StoredBucket } from "./shape.ts";

/** Buckets that are read and written at a time. */
const chunkBuckets = 50_000;

/** What was done to one series. */
export interface Written {
  readonly features: ReadonlyArray<string>;
  readonly hopsWritten: number;
  readonly hopsKept: number;
  readonly bucketsWritten: number;
  readonly knownUntil: Date;
}

/** A series, how far the store has it, and the hops from `start` to before `end` that are to be there. */
interface Due {
  readonly series: Series;
  readonly before: Head | undefined;
  readonly start: number;
  readonly end: number;
}

/** Writes the series of a feature set; says what was done to each. */
export const materialiseAll = Effect.fnUntraced(function* (
  store: FeatureStoreShape,
  spec: FeatureSetSpec,
  relation: string,
  until: Date,
): Effect.fn.Return<ReadonlyArray<Written>, DuckdbError | FeatureStoreError, Duckdb> {
  const all = seriesOf(spec);
  const heads = yield* store.heads(all);
  const due = all.map((series, index): Due => {
    const end = Math.floor(until.getTime() / series.hopMs);
    const before = heads[index];
    const start = Math.max(end - series.keptHops, before?.fromHop ?? -Infinity);
    return { series, before, start, end };
  });
  // When a row became known takes longest to compute: once for all series that say so alike.
  const groups = Map.groupBy(due, ({ series: { family } }) => JSON.stringify(family[0].knownAt));
  const written = yield* Effect.forEach(groups.values(), (group) =>
    Effect.scoped(
      Effect.gen(function* () {
        const rows = yield* temporaryTable(
          "find the rows that became known",
          knownRowsSql(spec, group, relation),
        );
        return yield* Effect.forEach(group, (one) => materialise(store, spec, one, rows, until));
      }),
    ),
  );
  return written.flat();
});

/** The rows that became known in the hops of some series, with the columns that these read. */
const knownRowsSql = (spec: FeatureSetSpec, due: ReadonlyArray<Due>, relation: string): string => {
  const histories = due.flatMap(({ series }) => series.family);
  const columns = new Set([
    ...(spec.decidedAt === undefined ? [] : [spec.decidedAt]),
    ...histories.flatMap(({ by, of }) => [...by, ...columnsOf(of)]),
  ]);
  const names = [...columns].map(identifier).join(", ");
  const claimed = histories[0] === undefined ? "NULL" : toSql(histories[0].knownAt);
  const from = Math.min(...due.map(({ series, start }) => start * series.hopMs));
  const to = Math.max(...due.map(({ series, end }) => end * series.hopMs));
  return `FROM (
      SELECT ${names}, ${knownSql(spec, '"~claimed"')} AS "~known"
      FROM (SELECT ${names}, ${claimed} AS "~claimed" FROM ${relation}))
    WHERE "~known" >= epoch_ms(${from}) AND "~known" < epoch_ms(${to})`;
};

/** The rows of a query as a table that goes with the scope. */
const temporaryTable = Effect.fnUntraced(function* (
  operation: string,
  query: string,
): Effect.fn.Return<string, DuckdbError, Duckdb | Scope.Scope> {
  const db = yield* Duckdb;
  const name = identifier(`~${randomUUID()}`);
  yield* Effect.addFinalizer(() =>
    Effect.ignore(db.execute("forget a table", `DROP TABLE IF EXISTS ${name}`)),
  );
  yield* db.execute(operation, `CREATE TABLE ${name} AS ${query}`);
  return name;
});

const materialise = Effect.fnUntraced(function* (
  store: FeatureStoreShape,
  spec: FeatureSetSpec,
  { series, before, start, end }: Due,
  rows: string,
  until: Date,
): Effect.fn.Return<Written, DuckdbError | FeatureStoreError, Duckdb | Scope.Scope> {
  const db = yield* Duckdb;
  const { hopMs, features, family } = series;
  const operation = `materialise the history by ${family[0].by.join(", ")}`;
  const buckets = yield* temporaryTable(
    operation,
    `FROM (${bucketSql(spec, family, rows, '"~known"')}) WHERE "~hop" >= ${start} AND "~hop" < ${end}`,
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
    found.map((row) => {
      const size = Number(row["buckets"]);
      return [Number(row["hop"]), { digest: `${size} ${String(row["digest"])}`, size }];
    }),
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
    const { digest, size: more = 0 } = batch.get(hop) ?? {};
    if (size > 0 && size + more > chunkBuckets) yield* write(hop, hop * hopMs);
    chunk.set(hop, digest);
    size += more;
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
  return `SELECT CAST([${keys.join(", ")}] AS VARCHAR[]) AS key, CAST("~hop" AS DOUBLE) AS hop, ${names.join(", ")}
    FROM ${buckets} WHERE "~hop" IN (${[...hops.keys()].join(", ")})`;
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
