/** What a feature store can do, whatever keeps the buckets. */
import type * as Effect from "effect/Effect";
import type { Bucket } from "../internal/aggregates.ts";
import type { Buckets } from "../internal/historyIndex.ts";
import type { Contribution, Outcome } from "./contributions.ts";
import type { FeatureStoreError } from "./FeatureStoreError.ts";
import type { StoredSeries } from "./prune.ts";
import type { Series } from "./series.ts";

/** How far a series reaches. Hops are numbered since 1970-01-01 UTC. */
export interface Head {
  /** The first hop that is kept. */
  readonly fromHop: number;
  /** Hops before this one are those of a batch: rows that arrive one by one do not change them. */
  readonly batchHop: number;
  /** Everything that was known before this instant is in it (epoch milliseconds). */
  readonly knownUntil: number;
}

/** What is kept of one entity. */
export interface EntityState {
  /** Absent if the series was never materialised. */
  readonly head: Head | undefined;
  /** For each history of the series its buckets; absent if nothing is known of the entity. */
  readonly buckets: ReadonlyArray<Buckets> | undefined;
}

/** An entity to look up. */
export interface Read {
  readonly series: Series;
  readonly entity: string;
}

/** One bucket: what each history of a series keeps of an entity and hop. */
export interface StoredBucket {
  readonly entity: string;
  readonly hop: number;
  readonly columns: ReadonlyArray<Bucket>;
}

/** Hops of a batch, which take the place of what is there. */
export interface Replacement {
  /** The hops that are replaced, with a digest of each; those without rows have none. */
  readonly hops: ReadonlyMap<number, string | undefined>;
  readonly buckets: ReadonlyArray<StoredBucket>;
  /** From here on the series reaches so far, unless it reaches farther already. */
  readonly head: Head;
}

/** The rows of a stream as far as they concern one series. */
export interface Addition {
  readonly series: Series;
  readonly contributions: ReadonlyArray<Contribution>;
  /** Everything that was known before this instant has been appended. */
  readonly knownUntil: number | undefined;
}

/** A feature store. What an operation writes to a series is written as a whole or not at all. */
export interface FeatureStoreShape {
  /** How it is called in messages: a file, a server. */
  readonly name: string;
  /** Whether `Effect.runSync` runs what it does: true of a store in this process. */
  readonly synchronous: boolean;
  readonly heads: (
    series: ReadonlyArray<Series>,
  ) => Effect.Effect<ReadonlyArray<Head | undefined>, FeatureStoreError>;
  /** Looks entities up, all in one round trip. */
  readonly read: (
    reads: ReadonlyArray<Read>,
  ) => Effect.Effect<ReadonlyArray<EntityState>, FeatureStoreError>;
  /** The digest of each hop that came from a batch. */
  readonly digests: (
    series: Series,
  ) => Effect.Effect<ReadonlyMap<number, string>, FeatureStoreError>;
  readonly replace: (
    series: Series,
    replacement: Replacement,
  ) => Effect.Effect<void, FeatureStoreError>;
  /**
   * What became of each contribution. All series take the rows or none does: where one was never
   * materialised, which has no outcomes, nothing is written.
   */
  readonly append: (
    additions: ReadonlyArray<Addition>,
  ) => Effect.Effect<ReadonlyArray<ReadonlyArray<Outcome> | undefined>, FeatureStoreError>;
  /** All series that the store has, by feature set. */
  readonly stored: Effect.Effect<ReadonlyArray<StoredSeries>, FeatureStoreError>;
  /** Drops series, each as a whole, unless it was written since; says which. */
  readonly drop: (
    series: ReadonlyArray<StoredSeries>,
  ) => Effect.Effect<ReadonlyArray<StoredSeries>, FeatureStoreError>;
}
