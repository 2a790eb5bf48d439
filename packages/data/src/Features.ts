/** The stages that compute a feature set over a table, and the state that serves it online. */
import { type Artifact, Stage } from "@ml-pipe/core";
import type { Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError } from "./Duckdb.ts";
import type { FeatureSet, FeatureSetSpec, WithState } from "./FeatureSet.ts";
import * as FeatureStore from "./FeatureStore.ts";
import { bucketsSql } from "./featureStore/materialise.ts";
import { seriesOf } from "./featureStore/series.ts";
import { isText } from "./internal/aggregates.ts";
import { bucketColumn, featureSql } from "./internal/featureSql.ts";
import type { EntityBuckets } from "./internal/historyIndex.ts";
import { key } from "./internal/hops.ts";
import { lookupColumn } from "./internal/lookupSql.ts";
import * as Lookup from "./Lookup.ts";
import type { Snapshot } from "./OnlineFeatures.ts";
import { instantOf } from "./split/time.ts";
import * as Table from "./Table.ts";

/**
 * A stage that computes a feature set over a checked table. Rows come out in order of decision,
 * those of one instant in the order of the table; each sees only what was known before it.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { Features, type FeatureSet } from "@ml-pipe/data";
 *
 * const stageFor = <C extends Contract.Contract, Out extends Contract.Contract>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Features.stage(set);
 * ```
 */
export const stage = <
  C extends Contract.Contract,
  Out extends Contract.Contract,
  Ls extends Lookup.Lookups = {},
>(
  set: FeatureSet<C, Out, Ls>,
): Stage.Stage<
  { readonly data: Table.Table<C, "checked"> } & Lookup.Tables<Ls>,
  Table.Table<Out, "checked">,
  {},
  DuckdbError | Table.ReadError | Table.WriteError,
  Duckdb | Artifact.ArtifactStore
> =>
  Stage.make("features", {
    description: `computes ${set.spec.features.length} features as of each decision`,
    input: { data: Table.of(set.source, "checked"), ...Lookup.inputs(set.lookups) },
    output: Table.of(set.contract, "checked"),
    params: {
      featureSet: set.spec.name,
      version: set.spec.version,
      digest: set.digest,
      features: set.spec.features.map(({ name }) => name),
    },
    run: Effect.fnUntraced(function* ({ data, ...tables }, { progress }) {
      const relation = yield* Table.relation(data, { rowNumbers: true });
      const lookups = yield* Lookup.relations(set.spec, tables);
      const table = yield* Table.write(set.contract, "checked", {
        query: featureSql(set.spec, relation, { tie: ["file_row_number"], lookups }),
      });
      yield* progress({ label: "rows", rows: table.rows });
      return table;
    }),
  });

/** What {@link materialise} can fail with. */
export type MaterialiseError = DuckdbError | Table.ReadError | FeatureStore.FeatureStoreError;

/**
 * A stage that writes the state of a feature set's histories and lookups from checked tables into the feature store,
 * from where releases are served: see `FeatureStore.materialise`. Running it again with the same rows
 * writes nothing.
 *
 * `until` is a date (midnight UTC) or an ISO 8601 instant with a zone: the table has all that was known by
 * then. It is stated, not taken from the clock, so that a replay over recorded data sees no later outcome.
 *
 * What depends on the request is computed when there is one, and what is fitted on training rows is a
 * `Transform`: a set without a feature that depends on the entity and the time alone does not compile.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { Features, type FeatureSet } from "@ml-pipe/data";
 *
 * const stageFor = <C extends Contract.Contract, Out extends Contract.Contract>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Features.materialise(set, { until: "2001-06-01" });
 * ```
 */
export const materialise = <
  C extends Contract.Contract,
  Out extends Contract.Contract,
  Ls extends Lookup.Lookups = {},
  S extends FeatureSet<C, Out, Ls> = FeatureSet<C, Out, Ls>,
>(
  set: FeatureSet<C, Out, Ls> & S & WithState<S>,
  options: { readonly until: string },
): Stage.Stage<
  { readonly data: Table.Table<C, "checked"> } & Lookup.Tables<Ls>,
  FeatureStore.Materialised,
  {},
  MaterialiseError,
  Duckdb | Artifact.ArtifactStore | FeatureStore.FeatureStore
> => {
  const until = new Date(instantOf(options.until, "materialise"));
  if (seriesOf(set.spec).length === 0) {
    throw new TypeError(
      `materialise: "${set.spec.name}" has no histories and looks nothing up, so a service needs no state`,
    );
  }
  return Stage.make("materialise", {
    description: `writes the state of ${set.spec.name} into the feature store`,
    input: { data: Table.of(set.source, "checked"), ...Lookup.inputs(set.lookups) },
    output: FeatureStore.Materialised,
    params: { featureSet: set.digest, until: until.toISOString() },
    cache: "never",
    run: Effect.fnUntraced(function* (tables, { exhibit, progress }) {
      const done = yield* FeatureStore.materialise(set, tables, { until });
      const written = done.series.reduce((sum, one) => sum + one.bucketsWritten, 0);
      yield* progress({ label: "buckets written", rows: written });
      yield* exhibit({
        _tag: "table",
        title: "Feature store",
        caption: `the state of ${set.spec.name}`,
        columns: ["features", "known until", "hops written", "hops kept", "buckets written"],
        rows: done.series.map((one) => [
          one.features.join(", "),
          one.knownUntil.toISOString(),
          one.hopsWritten,
          one.hopsKept,
          one.bucketsWritten,
        ]),
      });
      return done;
    }),
  });
};

/**
 * The state of a feature set's histories and lookups as it was known at an instant: what a service must
 * hold to serve requests from then on. Covers one window back, up to the last full hop before `at`; of
 * each lookup the row that is found from then on.
 *
 * With it, `FeatureSet.compileRow` gives a request what the batch gives a row decided in the same hop.
 * For later requests it misses what became known since: take a new state at least once a hop.
 *
 * @example
 * ```ts
 * import { Features, FeatureSet, type Table } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const server = (set: FeatureSet.FeatureSet, source: Table.AnyTable) =>
 *   Features.stateAt(set.spec, source, new Date("2001-06-01T00:00:00Z")).pipe(
 *     Effect.map((state) => FeatureSet.compileRow(set.spec, state)),
 *   );
 * ```
 */
export const stateAt = Effect.fnUntraced(function* (
  spec: FeatureSetSpec,
  source: Table.AnyTable,
  at: Date,
  lookups: { readonly [name: string]: Table.AnyTable } = {},
): Effect.fn.Return<Snapshot, DuckdbError | Table.ReadError, Duckdb | Artifact.ArtifactStore> {
  const db = yield* Duckdb;
  const relation = yield* Table.relation(source);
  const others = yield* Lookup.relations(spec, lookups);
  const states = yield* Effect.forEach(seriesOf(spec), (series) =>
    Effect.gen(function* () {
      const { by, hopMs, windowHops, keeps } = series;
      const end = Math.floor(at.getTime() / hopMs);
      const keys = by.map((_, index) => key(index));
      const buckets = `${bucketsSql(spec, series, { data: relation, lookups: others })}
        WHERE "~hop" >= ${end - windowHops} AND "~hop" < ${end}`;
      const columns = series.columns.flatMap((names, member) =>
        names.map((name) => bucketColumn(member, name)),
      );
      const byKey =
        keys.length === 0
          ? "HAVING count(*) > 0"
          : `GROUP BY ${keys.join(", ")} ORDER BY ${keys.join(", ")}`;
      const rows = yield* db.rows(
        `read the state of ${series.features.join(", ")}`,
        `SELECT CAST([${keys.map((one) => `to_json(${one})`).join(", ")}] AS VARCHAR[]) AS key,
           list(CAST("~hop" AS DOUBLE) ORDER BY "~hop") AS hop,
           ${columns.map((name) => `list(${name} ORDER BY "~hop") AS ${name}`).join(", ")}
         FROM (${keeps.lookup === undefined ? buckets : newestOfSql(keys, buckets)})
         ${byKey}`,
      );
      const entitiesOf = (member: number) =>
        rows.map((row) => ({
          key: listOf(row["key"]).map((json) => JSON.parse(String(json ?? "null"))),
          hop: listOf(row["hop"]).map(Number),
          columns: Object.fromEntries(
            (series.columns[member] ?? []).map((name) => [
              name,
              columnOf(name, listOf(row[bucketColumn(member, name).slice(1, -1)])),
            ]),
          ),
        }));
      return keeps.family === undefined
        ? [{ lookup: keeps.lookup.digest, entities: entitiesOf(0) }]
        : keeps.family.map((history, member) => ({ history, entities: entitiesOf(member) }));
    }),
  );
  return states.flat();
});

/** The bucket of each entity that is found from now on. */
const newestOfSql = (keys: ReadonlyArray<string>, buckets: string): string =>
  `${buckets} QUALIFY row_number() OVER (${keys.length === 0 ? "" : `PARTITION BY ${keys.join(", ")} `}ORDER BY ${lookupColumn("event")} DESC, ${lookupColumn("known")} DESC) = 1`;

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : []);

const numberOf = (value: unknown): number | null => (value === null ? null : Number(value));

/** A column of buckets: of numbers, of lists of numbers, or of texts. */
const columnOf = (name: string, values: ReadonlyArray<unknown>): EntityBuckets["columns"][string] =>
  isText(name)
    ? values.map((one) => (one === null ? null : String(one)))
    : values.some(Array.isArray)
      ? values.map((one) => (one === null ? null : listOf(one).map(Number)))
      : values.map(numberOf);
