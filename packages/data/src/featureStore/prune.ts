/** Series that no feature set needs any more. */
import * as Clock from "effect/Clock";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import type { FeatureStoreError } from "./FeatureStoreError.ts";
import { seriesOf } from "./series.ts";
import type { FeatureStoreShape } from "./shape.ts";

/** A series as a store has it. */
export const StoredSeries = Schema.Struct({
  /** Names what is kept: another formula, window or entity is another series. */
  id: Schema.String,
  featureSet: Schema.String,
  /** What was known before this instant is in it. */
  knownUntil: Schema.DateFromString,
  /** When somebody last wrote to it. */
  writtenAt: Schema.DateFromString,
}).annotate({ title: "StoredSeries" });
/** See {@link StoredSeries}. */
export type StoredSeries = typeof StoredSeries.Type;

/** What is dropped, and whether. */
export interface PruneOptions {
  /** What was written within this time stays: somebody feeds it, and may serve from it soon. */
  readonly idle: Duration.Input;
  /** Drops nothing: says what would go. */
  readonly dry?: boolean;
}

/** What became of the series of a store. */
export interface Pruned {
  /** They are gone, or would be. */
  readonly dropped: ReadonlyArray<StoredSeries>;
  /** Nobody needs them, but they were written lately. */
  readonly lately: ReadonlyArray<StoredSeries>;
  /** How many series the feature sets need. */
  readonly needed: number;
}

/** See `FeatureStore.prune`. */
export const pruneIn = Effect.fnUntraced(function* (
  store: FeatureStoreShape,
  served: ReadonlyArray<FeatureSetSpec>,
  { idle, dry = false }: PruneOptions,
): Effect.fn.Return<Pruned, FeatureStoreError> {
  const needed = new Set(served.flatMap((spec) => seriesOf(spec).map(({ id }) => id)));
  const stored = yield* store.stored;
  const unneeded = stored.filter(({ id }) => !needed.has(id));
  const idleMs = Duration.toMillis(Duration.fromInputUnsafe(idle));
  const since = (yield* Clock.currentTimeMillis) - idleMs;
  const isOld = ({ writtenAt }: StoredSeries) => writtenAt.getTime() <= since;
  const old = unneeded.filter(isOld);
  return {
    dropped: dry ? old : yield* store.drop(old),
    lately: unneeded.filter((one) => !isOld(one)),
    needed: stored.length - unneeded.length,
  };
});
