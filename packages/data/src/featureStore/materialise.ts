/** From a batch into the store: buckets are computed in DuckDB, and hops that changed are written. */
import { randomUUID } from "node:crypto";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { Duckdb, type DuckdbError, identifier } from "../Duckdb.ts";
import { columnsOf } from "../Expr.ts";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { type Bucket, isList, isText } from "../internal/aggregates.ts";
import { toSql } from "../internal/compile.ts";
import { bucketColumn, bucketSql, type Family } from "../internal/featureSql.ts";
import { key, knownSql } from "../internal/hops.ts";
import { lookupBucketSql } from "../internal/lookupSql.ts";
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
interface Due<S extends Series = Series> {
  readonly series: S;
  readonly before: Head | undefined;
  readonly start: number;
  readonly end: number;
}

/** The relations whose rows are written: those of histories, and those of lookups by name. */
export interface Rows {
  readonly data: string;
  readonly lookups: { readonly [name: string]: string };
}

/** The buckets of a series, as a query that can be narrowed down. */
export const bucketsSql = (spec: FeatureSetSpec, { keeps }: Series, rows: Rows): string => {
  if (keeps.lookup === undefined) return `FROM (${bucketSql(spec, keeps.family, rows.data)})`;
  const { name } = keeps.lookup;
  const relation = rows.lookups[name];
  if (relation === undefined) throw new TypeError(`there is no table of the lookup "${name}"`);
  return `FROM (${lookupBucketSql(keeps.lookup, relation)})`;
};

/** Writes the series of a feature set; says what was done to each. */
export const materialiseAll = Effect.fnUntraced(function* (
  store: FeatureStoreShape,
  spec: FeatureSetSpec,
  relations: Rows,
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
  const groups = Map.groupBy(due.filter(isOfHistories), ({ series }) =>
    JSON.stringify(series.keeps.family[0].knownAt),
  );
  const written = yield* Effect.forEach(groups.values(), (group) =>
    Effect.scoped(
      Effect.gen(function* () {
        const rows = yield* temporaryTable(
          "find the rows that became known",
          knownRowsSql(spec, group, relations.data),
        );
        return yield* Effect.forEach(group, (one) =>
          materialise(
            store,
            one,
            `FROM (${bucketSql(spec, one.series.keeps.family, rows, '"~known"')})`,
            until,
          ),
        );
      }),
    ),
  );
  const lookups = due.filter(({ series }) => series.keeps.lookup !== undefined);
  const lookedUp = yield* Effect.forEach(lookups, (one) =>
    materialise(store, one, bucketsSql(spec, one.series, relations), until),
  );
  return [...written.flat(), ...lookedUp];
});

type OfHistories = Series & { readonly keeps: { readonly family: Family } };

const isOfHistories = (due: Due): due is Due<OfHistories> => due.series.keeps.family !== undefined;

/** The rows that became known in the hops of some series, with the columns that these read. */
const knownRowsSql = (
  spec: FeatureSetSpec,
  due: ReadonlyArray<Due<OfHistories>>,
  relation: string,
): string => {
  const histories = due.flatMap(({ series }) => series.keeps.family);
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
  { series, before, start, end }: Due,
  itsBuckets: string,
  until: Date,
): Effect.fn.Return<Written, DuckdbError | FeatureStoreError, Duckdb | Scope.Scope> {
  const db = yield* Duckdb;
  const { hopMs, features } = series;
  const operation = `materialise ${features.join(", ")}`;
  const buckets = yield* temporaryTable(
    operation,
    `${itsBuckets} WHERE "~hop" >= ${start} AND "~hop" < ${end}`,
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

const chunkSql = ({ by, columns }: Series, buckets: string, hops: ReadonlyMap<number, unknown>) => {
  const keys = by.map((_, index) => `to_json(${key(index)})`);
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
        if (value === null || isText(name)) return [name, value === null ? null : String(value)];
        return [name, isList(name) ? listOf(value).map(Number) : Number(value)];
      }),
    ),
  ),
});

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : []);
