/** The stages that compute a feature set over a table, and the state that serves it online. */
import { type Artifact, Stage } from "@ml-pipe/core";
import type { Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError } from "./Duckdb.ts";
import type { FeatureSet, FeatureSetSpec } from "./FeatureSet.ts";
import * as FeatureStore from "./FeatureStore.ts";
import type { HistoryState } from "./History.ts";
import type { BucketColumn } from "./internal/aggregates.ts";
import {
  bucketColumn,
  bucketNames,
  bucketSql,
  familiesOf,
  featureSql,
  key,
} from "./internal/featureSql.ts";
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
export const stage = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet<C, Out>,
) =>
  Stage.make("features", {
    description: `computes ${set.spec.features.length} features as of each decision`,
    input: { data: Table.of(set.source, "checked") },
    output: Table.of(set.contract, "checked"),
    params: { featureSet: set.spec.name, version: set.spec.version, digest: set.digest },
    run: Effect.fnUntraced(function* ({ data }, { progress }) {
      const relation = yield* Table.relation(data, { rowNumbers: true });
      const table = yield* Table.write(set.contract, "checked", {
        query: featureSql(set.spec, relation, { tie: ["file_row_number"] }),
      });
      yield* progress({ label: "rows", rows: table.rows });
      return table;
    }),
  });

/** What {@link materialise} can fail with. */
export type MaterialiseError = DuckdbError | Table.ReadError | FeatureStore.FeatureStoreError;

/**
 * A stage that writes the state of a feature set's histories from a checked table into the feature store,
 * from where releases are served: see `FeatureStore.materialise`. Running it again with the same rows
 * writes nothing.
 *
 * `until` is a date (midnight UTC) or an ISO 8601 instant with a zone: the table has all that was known by
 * then. It is stated, not taken from the clock, so that a replay over recorded data sees no later outcome.
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
export const materialise = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet<C, Out>,
  options: { readonly until: string },
): Stage.Stage<
  { readonly data: Table.Table<C, "checked"> },
  FeatureStore.Materialised,
  {},
  MaterialiseError,
  Duckdb | Artifact.ArtifactStore | FeatureStore.FeatureStore
> => {
  const until = new Date(instantOf(options.until, "materialise"));
  if (familiesOf(set.spec).length === 0) {
    throw new TypeError(
      `materialise: "${set.spec.name}" has no histories, so a service needs no state`,
    );
  }
  return Stage.make("materialise", {
    description: `writes the state of ${set.spec.name} into the feature store`,
    input: { data: Table.of(set.source, "checked") },
    output: FeatureStore.Materialised,
    params: { featureSet: set.digest, until: until.toISOString() },
    cache: "never",
    run: Effect.fnUntraced(function* ({ data }, { exhibit, progress }) {
      const done = yield* FeatureStore.materialise(set, data, { until });
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
 * The state of a feature set's histories as it was known at an instant: what a service must hold to
 * serve requests from then on. Covers one window back, up to the last full hop before `at`.
 *
 * With it, `FeatureSet.compileRow` gives a request what the batch gives a row decided in the same hop.
 * For later requests it misses the outcomes that became known since: take a new state at least once a
 * hop.
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
): Effect.fn.Return<
  ReadonlyArray<HistoryState>,
  DuckdbError | Table.ReadError,
  Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb;
  const relation = yield* Table.relation(source);
  const families = yield* Effect.forEach(familiesOf(spec), (family) =>
    Effect.gen(function* () {
      const [{ by, hopMs, windowMs }] = family;
      const end = Math.floor(at.getTime() / hopMs);
      const start = end - windowMs / hopMs;
      const keys = by.map((_, index) => key(index));
      const byKey =
        keys.length === 0
          ? "HAVING count(*) > 0"
          : `GROUP BY ${keys.join(", ")} ORDER BY ${keys.join(", ")}`;
      const lists = family.flatMap((history, index) =>
        bucketNames(history).map((name) => bucketColumn(index, name)),
      );
      const rows = yield* db.rows(
        `read the history by ${by.join(", ")}`,
        `SELECT CAST([${keys.map((one) => `to_json(${one})`).join(", ")}] AS VARCHAR[]) AS key,
           list(CAST("~hop" AS DOUBLE) ORDER BY "~hop") AS hop,
           ${lists.map((name) => `list(${name} ORDER BY "~hop") AS ${name}`).join(", ")}
         FROM (${bucketSql(spec, family, relation)})
         WHERE "~hop" >= ${start} AND "~hop" < ${end}
         ${byKey}`,
      );
      return family.map((history, index) => ({
        history,
        entities: rows.map((row) => ({
          key: listOf(row["key"]).map((json) => JSON.parse(String(json ?? "null"))),
          hop: listOf(row["hop"]).map(Number),
          columns: Object.fromEntries(
            bucketNames(history).map((name) => [
              name,
              columnOf(listOf(row[bucketColumn(index, name).slice(1, -1)])),
            ]),
          ),
        })),
      }));
    }),
  );
  return families.flat();
});

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : []);

const numberOf = (value: unknown): number | null => (value === null ? null : Number(value));

/** A column of buckets: of numbers, or of lists of numbers. */
const columnOf = (values: ReadonlyArray<unknown>): BucketColumn =>
  values.some(Array.isArray)
    ? values.map((one) => (one === null ? null : listOf(one).map(Number)))
    : values.map(numberOf);
