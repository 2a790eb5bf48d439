/** How old the state of features is. */
import * as Schema from "effect/Schema";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import type { Series } from "./series.ts";
import type { Head } from "./shape.ts";

/** How old the state of a feature is. */
export const FeatureFreshness = Schema.Struct({
  feature: Schema.String,
  /** What was known before this instant is in the store. */
  knownUntil: Schema.DateFromString,
  /** The feature changes at most once in so many milliseconds. */
  hopMillis: Schema.Finite,
  /** How far the state falls short of what a decision at that instant needs; 0 if it does not. */
  ageMillis: Schema.Finite,
});
/** See {@link FeatureFreshness}. */
export type FeatureFreshness = typeof FeatureFreshness.Type;

/** The freshness of each feature that the heads are about. */
export const freshnessOf = (
  spec: FeatureSetSpec,
  series: ReadonlyArray<Series>,
  heads: ReadonlyArray<Head | undefined>,
  at: number,
): ReadonlyArray<FeatureFreshness> =>
  spec.features.flatMap(({ name }) => {
    const found = series.flatMap(({ features, hopMs }, index) => {
      const head = heads[index];
      if (head === undefined || !features.includes(name)) return [];
      return [{ hopMs, knownUntil: head.knownUntil, age: ageOf(head, hopMs, at) }];
    });
    const [oldest] = found.toSorted((a, b) => b.age - a.age || a.knownUntil - b.knownUntil);
    if (oldest === undefined) return [];
    return [
      {
        feature: name,
        knownUntil: new Date(oldest.knownUntil),
        hopMillis: oldest.hopMs,
        ageMillis: oldest.age,
      },
    ];
  });

/** How far a state falls short of what a decision needs: all up to the last full hop before it. */
export const ageOf = ({ knownUntil }: Pick<Head, "knownUntil">, hopMs: number, at: number) =>
  Math.max(0, Math.floor(at / hopMs) * hopMs - knownUntil);
