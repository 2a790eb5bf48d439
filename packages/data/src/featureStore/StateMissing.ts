import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import type { Series } from "./series.ts";
import type { FeatureStoreShape } from "./shape.ts";

/** The store has no state of some features: nothing was materialised, or the features were edited since. */
export class StateMissing extends Schema.TaggedError<StateMissing>()("StateMissing", {
  featureSet: Schema.String,
  store: Schema.String,
  features: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return `the feature store ${this.store} has no state of ${this.features.join(", ")} of "${this.featureSet}" as they are defined now. Materialise the feature set: Features.materialise in a pipeline, or for a release: ml-pipe features materialise RELEASE --until DATE`;
  }
}

/** Fails unless something was found for each series. */
export const requireState = (
  { name, features }: FeatureSetSpec,
  store: FeatureStoreShape,
  series: ReadonlyArray<Series>,
  found: ReadonlyArray<unknown>,
): Effect.Effect<void, StateMissing> => {
  const missing = new Set(
    series.flatMap((one, index) => (found[index] === undefined ? one.features : [])),
  );
  return missing.size === 0
    ? Effect.void
    : Effect.fail(
        new StateMissing({
          featureSet: name,
          store: store.name,
          features: features.map((one) => one.name).filter((one) => missing.has(one)),
        }),
      );
};
