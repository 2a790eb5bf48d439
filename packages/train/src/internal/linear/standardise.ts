/** How the features of a linear model are standardised. */
import * as Effect from "effect/Effect";
import type { Column } from "../trainingData.ts";

/** How features are standardised: `(x − mean) / sd`, a missing x counting as the mean. */
export interface Scaling {
  readonly mean: Float64Array;
  /** Population standard deviation; 1 for a feature that never varies. */
  readonly sd: Float64Array;
  /** 1 if the feature has at least two different values in rows that weigh something. */
  readonly varies: Uint8Array;
}

/** Weighted means and standard deviations of the values that are not missing, in two passes per column. */
export const standardise: (
  columns: ReadonlyArray<Column>,
  weights: Column | undefined,
) => Effect.Effect<Scaling> = Effect.fnUntraced(function* (columns, weights) {
  const mean = new Float64Array(columns.length);
  const sd = new Float64Array(columns.length).fill(1);
  const varies = new Uint8Array(columns.length);
  for (const [j, column] of columns.entries()) {
    let known = 0;
    let all = 0;
    let sum = 0;
    for (let i = 0; i < column.length; i++) {
      const x = column[i]!;
      const w = weights === undefined ? 1 : weights[i]!;
      all += w;
      if (x === x) {
        known += w;
        sum += w * x;
      }
    }
    const m = known > 0 ? sum / known : 0;
    let squares = 0;
    for (let i = 0; i < column.length; i++) {
      const d = column[i]! - m;
      if (d === d) squares += (weights === undefined ? 1 : weights[i]!) * d * d;
    }
    mean[j] = m;
    // A missing value counts as the mean: it adds to the rows and not to the squares.
    const deviation = known > 0 ? Math.sqrt(squares / all) : 0;
    // A constant column's mean is off by rounding, which is not variation.
    if (deviation > 1e-12 * Math.abs(m)) {
      sd[j] = deviation;
      varies[j] = 1;
    }
    yield* Effect.yieldNow;
  }
  return { mean, sd, varies };
});
