/** The stage that watches how old the state in the feature store is. */
import { type Contract, Stage } from "@ml-pipe/core";
import { FeatureSet, FeatureStore } from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { FeatureStale } from "./Signals.ts";

/** How {@link freshness} watches. */
export interface FreshnessOptions {
  /**
   * By how much the state may fall short of what a decision needs, which is all that was known up to the
   * last full hop. Default: by nothing.
   */
  readonly maxAge?: Duration.Input;
  /** The instant of the decisions. Default: now, by the clock. */
  readonly asOf?: Date;
}

/** How old the state of a feature set is. */
export const Freshness = Schema.Struct({
  featureSet: Schema.String,
  asOf: Schema.DateFromString,
  maxAgeMillis: Schema.Finite,
  /** Each feature that needs a state: with a history, or looked up. */
  features: Schema.Array(FeatureStore.FeatureFreshness),
}).annotate({ title: "Freshness" });
/** See {@link Freshness}. */
export type Freshness = typeof Freshness.Type;

/** The stage that {@link freshness} makes. */
export type FreshnessStage = Stage.Stage<
  {},
  Freshness,
  { readonly stale: (typeof FeatureStale.payload)["Type"] },
  FeatureStore.StateMissing | FeatureStore.FeatureStoreError,
  FeatureStore.FeatureStore
>;

/**
 * A stage that asks the feature store how old the state of each feature is: a finding for each that is
 * older than it may be, and one {@link FeatureStale}, whatever its size, for a hook that materialises
 * again or alerts. Run it on a schedule of its own. Fails with `StateMissing` if nothing was materialised.
 *
 * @example
 * ```ts
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Monitor } from "@ml-pipe/monitor";
 *
 * const stageFor = (set: FeatureSet.FeatureSet) => Monitor.freshness(set, { maxAge: "2 hours" });
 * ```
 */
export const freshness = <C extends Contract.Contract>(
  set: FeatureSet.FeatureSet<C>,
  { maxAge = 0, asOf }: FreshnessOptions = {},
): FreshnessStage => {
  const maxAgeMillis = Duration.toMillis(Duration.fromInputUnsafe(maxAge));
  const { owner } = set.source.spec;
  if (FeatureSet.entitiesOf(set.spec).length === 0) {
    throw new TypeError(
      `freshness: "${set.spec.name}" has no histories and looks nothing up, so nothing of it ages`,
    );
  }
  return Stage.make("freshness", {
    description: `watches how old the state of ${set.spec.name} is`,
    input: {},
    output: Freshness,
    signals: { stale: FeatureStale },
    params: {
      featureSet: set.digest,
      maxAgeMillis,
      ...(asOf === undefined ? {} : { asOf: asOf.toISOString() }),
    },
    cache: "never",
    run: Effect.fnUntraced(function* (_, { emit, exhibit, finding }) {
      const at = asOf ?? new Date(yield* Clock.currentTimeMillis);
      const features = yield* FeatureStore.freshness(set.spec, at);
      for (const { feature, knownUntil, ageMillis } of features) {
        if (ageMillis <= maxAgeMillis) continue;
        yield* finding({
          check: `freshness.${feature}`,
          severity: "warn",
          owner,
          expected: `all that was known up to the last full hop before ${at.toISOString()}${maxAgeMillis === 0 ? "" : `, or at most ${wordsOf(maxAgeMillis)} less`}`,
          found: `what was known until ${knownUntil.toISOString()}: ${wordsOf(ageMillis)} less`,
          next: "Look at what appends to the feature store, or materialise it again.",
        });
      }
      yield* exhibit({
        _tag: "table",
        title: "Freshness of features",
        caption: `for decisions at ${at.toISOString()}`,
        columns: ["feature", "known until", "falls short by"],
        rows: features.map((one) => [
          one.feature,
          one.knownUntil.toISOString(),
          one.ageMillis === 0 ? "nothing" : wordsOf(one.ageMillis),
        ]),
      });
      const [oldest] = features.toSorted(
        (a, b) => b.ageMillis / b.hopMillis - a.ageMillis / a.hopMillis,
      );
      if (oldest !== undefined) {
        yield* emit("stale", {
          at,
          value: oldest.ageMillis / oldest.hopMillis,
          payload: oldest,
        });
      }
      return { featureSet: set.spec.name, asOf: at, maxAgeMillis, features };
    }),
  });
};

const wordsOf = (millis: number): string => Duration.format(Duration.millis(millis));
