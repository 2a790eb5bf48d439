/**
 * The feature store: the state of a feature set's histories and lookups, kept fresh for those who serve. A
 * batch writes it ({@link materialise}), rows that arrive one by one go on from there ({@link append}), and
 * both give the same values, which are those of the batch.
 *
 * It keeps, for each history, what its aggregate needs of each entity and hop, and for each lookup the newest
 * row that became known in the hop. Hops that a batch has read are the batch's: a row of such a hop that
 * arrives later is in the next batch. Later hops are the stream's, in which every event counts once.
 */
import * as path from "node:path";
import type { Artifact, Contract } from "@ml-pipe/core";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Duckdb, DuckdbError } from "./Duckdb.ts";
import type { FeatureSet, FeatureSetSpec } from "./FeatureSet.ts";
import { type Contribution, contributionOf, type Outcome } from "./featureStore/contributions.ts";
import type { FeatureStoreError } from "./featureStore/FeatureStoreError.ts";
import { type FeatureFreshness, freshnessOf } from "./featureStore/freshness.ts";
import { materialiseAll } from "./featureStore/materialise.ts";
import { type Pruned, pruneIn, type PruneOptions } from "./featureStore/prune.ts";
import { type Series, seriesOf } from "./featureStore/series.ts";
import type { FeatureStoreShape } from "./featureStore/shape.ts";
import { openSqlite } from "./featureStore/sqlite.ts";
import { requireState, type StateMissing } from "./featureStore/StateMissing.ts";
import type { Request } from "./internal/rowProgram.ts";
import * as Lookup from "./Lookup.ts";
import * as Table from "./Table.ts";

export { FeatureStoreError } from "./featureStore/FeatureStoreError.ts";
export { FeatureFreshness } from "./featureStore/freshness.ts";
export { type Pruned, type PruneOptions, StoredSeries } from "./featureStore/prune.ts";
export { StateMissing } from "./featureStore/StateMissing.ts";
export type { FeatureStoreShape } from "./featureStore/shape.ts";

/** How the embedded store is set up. */
export interface EmbeddedOptions {
  /** What entities that were looked up lately may take in memory. Default 64 MiB. */
  readonly cacheBytes?: number;
}

/**
 * The feature store. The embedded one is a SQLite file that any number of processes read and write;
 * `FeatureStoreRedis` keeps it in Redis.
 *
 * @example
 * ```ts
 * import { type FeatureSet, FeatureStore, type Table } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const nightly = (set: FeatureSet.FeatureSet, trips: Table.Table) =>
 *   FeatureStore.materialise(set, { data: trips }, { until: new Date("2026-06-01T00:00:00Z") }).pipe(
 *     Effect.provide(FeatureStore.FeatureStore.layer(".ml-pipe")),
 *   );
 * ```
 */
export class FeatureStore extends Context.Service<FeatureStore, FeatureStoreShape>()(
  "@ml-pipe/data/FeatureStore",
) {
  /** The embedded store in `folder/features.sqlite`, which is made when it is first used. */
  static readonly layer = (
    folder: string,
    { cacheBytes = 64 * 1024 ** 2 }: EmbeddedOptions = {},
  ): Layer.Layer<FeatureStore> =>
    Layer.effect(
      FeatureStore,
      Effect.suspend(() => openSqlite(fileIn(folder), cacheBytes)),
    );

  /** The same in memory: gone with the layer. */
  static readonly layerMemory: Layer.Layer<FeatureStore> = Layer.effect(
    FeatureStore,
    Effect.suspend(() => openSqlite(":memory:", 1024 ** 2)),
  );
}

/** The file of the embedded store in a state folder. */
export const fileIn = (folder: string): string => path.join(folder, "features.sqlite");

/** What {@link materialise} did to the histories of one family, or to a lookup. */
export const MaterialisedSeries = Schema.Struct({
  /** The features that are made of them. */
  features: Schema.Array(Schema.String),
  /** Hops that were written, because they are new or because their rows changed. */
  hopsWritten: Schema.Int,
  hopsKept: Schema.Int,
  bucketsWritten: Schema.Int,
  /** What was known before this instant is in the store. */
  knownUntil: Schema.DateFromString,
});

/** What {@link materialise} did. */
export const Materialised = Schema.Struct({
  featureSet: Schema.String,
  series: Schema.Array(MaterialisedSeries),
}).annotate({ title: "Materialised" });
/** See {@link Materialised}. */
export type Materialised = typeof Materialised.Type;

/**
 * Writes the state of a feature set's histories and lookups from tables into the store: what was known
 * before the last full hop before `until`, one window back. The tables must have all of it. Hops whose rows did not
 * change are left as they are. Buckets are computed in DuckDB; memory stays bounded.
 *
 * A process that is killed meanwhile leaves whole hops; run it again, and it goes on.
 *
 * @example
 * ```ts
 * import { type FeatureSet, FeatureStore, type Table } from "@ml-pipe/data";
 *
 * const upToJune = (set: FeatureSet.FeatureSet, trips: Table.Table) =>
 *   FeatureStore.materialise(set, { data: trips }, { until: new Date("2026-06-01T00:00:00Z") });
 * ```
 */
export const materialise = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Ls extends Lookup.Lookups,
>(
  set: FeatureSet<C, Contract.Contract, Ls>,
  tables: { readonly data: Table.Table<C> } & Lookup.Tables<Ls>,
  { until }: { readonly until: Date },
): Effect.fn.Return<
  Materialised,
  DuckdbError | Table.ReadError | FeatureStoreError,
  Duckdb | Artifact.ArtifactStore | FeatureStore
> {
  if (Number.isNaN(until.getTime())) throw new TypeError("materialise: until is no instant");
  const store = yield* FeatureStore;
  const rows = {
    data: yield* Table.relation(tables.data),
    lookups: yield* Lookup.relations(set.spec, tables),
  };
  const series = yield* materialiseAll(store, set.spec, rows, until);
  return { featureSet: set.spec.name, series };
});

/** Rows to append do not keep the contract. Nothing was appended. Lists everything that is wrong. */
export class RowsInvalid extends Schema.TaggedError<RowsInvalid>()("RowsInvalid", {
  contract: Schema.String,
  owner: Schema.String,
  rows: Schema.Array(Schema.Struct({ row: Schema.Int, problem: Schema.String })),
}) {
  override get message(): string {
    const lines = this.rows.map(({ row, problem }) => `  row ${row}: ${problem}`);
    return `rows do not keep the contract "${this.contract}", so none was appended:\n${lines.join("\n")}\nSet them aside, and ask ${this.owner} why.`;
  }
}

/** What became of the rows that were given to {@link append}. */
export interface Appended {
  readonly rows: number;
  /** They are in the state now. */
  readonly applied: number;
  /** They had been before: nothing changed. */
  readonly repeated: number;
  /** What they say became known in hops that a batch has read: they are in it, or come with the next. */
  readonly covered: number;
  /** They had been applied with other values, which stay until the next batch. */
  readonly changed: number;
  /** Their outcome is not known yet: append them when it is. */
  readonly unknown: number;
}

/**
 * Adds rows to the state, as they become known: each to the hop in which it did, whatever the order in
 * which they arrive. A row counts once, by the key of its contract (all its columns, if it has none), so
 * repeating what was appended changes nothing. Rows are given with their outcome.
 *
 * `knownUntil` says that everything known before this instant has now been appended, which is what
 * freshness is measured by. Without it nothing is claimed.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { type FeatureSet, FeatureStore } from "@ml-pipe/data";
 *
 * const onLanding = <C extends Contract.Contract>(
 *   set: FeatureSet.FeatureSet<C>,
 *   flight: Contract.Row<C>,
 * ) => FeatureStore.append(set, [flight], { knownUntil: new Date() });
 * ```
 */
export const append = <C extends Contract.Contract>(
  set: FeatureSet<C>,
  rows: ReadonlyArray<Contract.Row<C>>,
  options: { readonly knownUntil?: Date } = {},
): Effect.Effect<Appended, AppendError, FeatureStore> =>
  take(set.spec, intakeOf(set), rows, options);

/** What {@link append} can fail with. */
export type AppendError = RowsInvalid | StateMissing | FeatureStoreError;

/**
 * Adds rows of another table to the state of a lookup, as they become known: the same as {@link append}
 * for the rows that features look up.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { type FeatureSet, FeatureStore, type Lookup } from "@ml-pipe/data";
 *
 * const onReport = <C extends Contract.Contract, Ls extends Lookup.Lookups, N extends keyof Ls & string>(
 *   set: FeatureSet.FeatureSet<C, Contract.Contract, Ls>,
 *   lookup: N,
 *   row: Contract.Row<Ls[N]["contract"]>,
 * ) => FeatureStore.appendLookup(set, lookup, [row], { knownUntil: new Date() });
 * ```
 */
export const appendLookup = <Ls extends Lookup.Lookups, N extends keyof Ls & string>(
  set: FeatureSet<Contract.Contract, Contract.Contract, Ls>,
  lookup: N,
  rows: ReadonlyArray<Contract.Row<Ls[N]["contract"]>>,
  options: { readonly knownUntil?: Date } = {},
): Effect.Effect<Appended, AppendError, FeatureStore> =>
  take(set.spec, intakeOf(set, lookup), rows, options);

const take = Effect.fnUntraced(function* (
  spec: FeatureSetSpec,
  { check, series }: Intake,
  rows: ReadonlyArray<object>,
  options: { readonly knownUntil?: Date },
): Effect.fn.Return<Appended, AppendError, FeatureStore> {
  const store = yield* FeatureStore;
  const checked = yield* Effect.fromResult(check(rows));
  const knownUntil = options.knownUntil?.getTime();
  const outcomes = yield* store.append(
    series.map(({ series, contribute }) => ({
      series,
      contributions: checked.map(contribute),
      knownUntil,
    })),
  );
  const all = series.map((one) => one.series);
  yield* requireState(spec, store, all, outcomes);
  const counts = { applied: 0, repeated: 0, covered: 0, changed: 0, unknown: 0 };
  for (let row = 0; row < rows.length; row++) {
    const ofRow = new Set(outcomes.map((one) => one?.[row]));
    const outcome = precedence.find((one) => ofRow.has(one));
    if (outcome !== undefined) counts[outcome]++;
  }
  return { rows: rows.length, ...counts };
});

/** What is said of a row that several histories treat differently. */
const precedence: ReadonlyArray<Outcome> = ["changed", "applied", "repeated", "covered", "unknown"];

/** How the rows of a stream are taken in. */
interface Intake {
  readonly check: (
    rows: ReadonlyArray<object>,
  ) => Result.Result<ReadonlyArray<Request>, RowsInvalid>;
  readonly series: ReadonlyArray<{
    readonly series: Series;
    readonly contribute: (row: Request) => Contribution;
  }>;
}

/** Compiled once for each feature set, and each of its lookups: rows may come one by one. */
const intakeOf = (
  { source, spec, lookups }: FeatureSet<Contract.Contract, Contract.Contract, Lookup.Lookups>,
  lookup?: string,
): Intake => {
  const ofSet = intakes.get(spec) ?? new Map<string | undefined, Intake>();
  intakes.set(spec, ofSet);
  const known = ofSet.get(lookup);
  if (known !== undefined) return known;
  const contract = lookup === undefined ? source : lookups[lookup]?.contract;
  if (contract === undefined) throw new TypeError(`"${spec.name}" has no lookup "${lookup}"`);
  const intake = {
    check: checker(contract),
    series: seriesOf(spec)
      .filter(({ keeps }) => keeps.lookup?.name === lookup)
      .map((series) => ({ series, contribute: contributionOf(spec, series) })),
  };
  ofSet.set(lookup, intake);
  return intake;
};

const intakes = new WeakMap<FeatureSetSpec, Map<string | undefined, Intake>>();

const checker = ({ name, spec, columns }: Contract.Contract): Intake["check"] => {
  const schemas = Object.entries(columns).map(([name, { schema }]) => [name, schema] as const);
  const decode = Schema.decodeUnknownResult(
    Schema.toType(Schema.Struct(Object.fromEntries(schemas))),
    { errors: "all", onExcessProperty: "error" },
  );
  return (rows) => {
    const problems: Array<{ readonly row: number; readonly problem: string }> = [];
    const checked = rows.map((row, index): Request => {
      const decoded = decode(row);
      if (Result.isSuccess(decoded)) return decoded.success;
      if (problems.length < maxProblems) {
        // Each problem on a line of its own, as the message has it.
        const found = decoded.failure.message.split("\n  at ").join(" at ").split("\n");
        for (const problem of found) problems.push({ row: index, problem });
      }
      return {};
    });
    return problems.length === 0
      ? Result.succeed(checked)
      : Result.fail(new RowsInvalid({ contract: name, owner: spec.owner, rows: problems }));
  };
};

/** With so many problems, no further row is named. */
const maxProblems = 20;

/**
 * How old the state of each feature that needs one is, for decisions at an instant. The oldest counts,
 * where a feature has several.
 *
 * @example
 * ```ts
 * import { type FeatureSet, FeatureStore } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const stale = (set: FeatureSet.FeatureSet, now: Date) =>
 *   Effect.map(FeatureStore.freshness(set.spec, now), (features) =>
 *     features.filter(({ ageMillis }) => ageMillis > 0).map(({ feature }) => feature),
 *   );
 * ```
 */
export const freshness = Effect.fnUntraced(function* (
  spec: FeatureSetSpec,
  at: Date,
): Effect.fn.Return<
  ReadonlyArray<FeatureFreshness>,
  StateMissing | FeatureStoreError,
  FeatureStore
> {
  const store = yield* FeatureStore;
  const series = seriesOf(spec);
  const heads = yield* store.heads(series);
  yield* requireState(spec, store, series, heads);
  return freshnessOf(spec, series, heads, at.getTime());
});

/**
 * Drops series that none of the given feature sets needs and that nobody wrote to lately, with all that is
 * kept of them. Give it every set that is served from this store, by whomever. A series that somebody
 * writes to meanwhile stays.
 *
 * @example
 * ```ts
 * import { type FeatureSet, FeatureStore } from "@ml-pipe/data";
 *
 * const tidy = (served: ReadonlyArray<FeatureSet.FeatureSet>) =>
 *   FeatureStore.prune(
 *     served.map(({ spec }) => spec),
 *     { idle: "7 days" },
 *   );
 * ```
 */
export const prune = (
  served: ReadonlyArray<FeatureSetSpec>,
  options: PruneOptions,
): Effect.Effect<Pruned, FeatureStoreError, FeatureStore> =>
  Effect.flatMap(FeatureStore, (store) => pruneIn(store, served, options));
