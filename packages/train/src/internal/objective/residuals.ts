/**
 * Losses of the residual r = F − y, which is the state of a row.
 *
 * Squared error: loss r², gradient r, hessian 1 (of half of it). Quantile q (the pinball loss; Koenker & Bassett
 * 1978, "Regression quantiles"): loss −q·r where r < 0, else (1−q)·r; the gradient is its slope, the
 * hessian 1 stands in for the one that is 0, and a leaf is worth the quantile of its residuals (Friedman
 * 2001, algorithm 3). Absolute error: loss |r|, slope ±1, else as the quantile ½. A residual of 0 has the slope of
 * those below, as in scikit-learn 1.9.
 */
import { byRow, type Objective, type ScoredRows } from "./Objective.ts";
import { weightedQuantile } from "./weightedQuantile.ts";

/** See the head of this file. */
export const squaredError = (data: ScoredRows): Objective =>
  ofResiduals(data, { loss: (r) => r * r, slope: (r) => r, leafValue: null });

/** See the head of this file. */
export const absoluteError = (data: ScoredRows): Objective =>
  ofResiduals(data, {
    loss: Math.abs,
    slope: (r) => (r > 0 ? 1 : -1),
    leafValue: quantileOfResiduals(data, 0.5),
  });

/** See the head of this file. */
export const quantile = (data: ScoredRows, q: number): Objective =>
  ofResiduals(data, {
    loss: (r) => (r < 0 ? -q * r : (1 - q) * r),
    slope: (r) => (r > 0 ? 1 - q : -q),
    leafValue: quantileOfResiduals(data, q),
  });

const quantileOfResiduals =
  ({ labels, raw, weights }: ScoredRows, q: number) =>
  (index: Int32Array): number =>
    weightedQuantile(
      Float64Array.from(index, (i) => labels[i]! - raw[i]!),
      weights === null ? null : Float64Array.from(index, (i) => weights[i]!),
      q,
    );

const ofResiduals = (
  data: ScoredRows,
  of: {
    readonly loss: (residual: number) => number;
    readonly slope: (residual: number) => number;
    readonly leafValue: Objective["leafValue"];
  },
): Objective => {
  const { raw, labels, state } = data;
  return byRow(data, 1, {
    visit: (i) => of.loss((state[i] = raw[i]! - labels[i]!)),
    gradient: (i) => of.slope(state[i]!),
    hessian: () => 1,
    leafValue: of.leafValue,
  });
};
