/** A model compiled for scoring, and the functions that turn raw scores into predictions. */

/** A compiled model. Keeps scratch space of its own, so it serves one call at a time. */
export interface Scorer {
  /** Scores per row. */
  readonly width: number;
  /**
   * Writes the scores of `count` rows to `out`, row after row from `at`. Row `i` has its features at
   * `rows[i * features]` and after; a feature that is not there counts as missing.
   */
  readonly score: (rows: ArrayLike<number>, count: number, out: Float64Array, at: number) => void;
}

/**
 * From raw score to prediction: `identity`, `logit` (raw scores are log-odds of a probability), `log`
 * (logarithms of a rate), `softmax` (the scores of a row are logarithms of its classes'
 * probabilities, up to a constant).
 */
export type Link = "identity" | "logit" | "log" | "softmax";

/** `1 / (1 + e^−x)`: the probability of log-odds `x`. */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Turns the raw scores `scores[from..to]` of whole rows into predictions, in place. */
export const applyLink = (
  link: Link,
  width: number,
  scores: Float64Array,
  from: number,
  to: number,
): void => {
  if (link === "logit") {
    for (let i = from; i < to; i++) scores[i] = sigmoid(scores[i]!);
  } else if (link === "log") {
    for (let i = from; i < to; i++) scores[i] = Math.exp(scores[i]!);
  } else if (link === "softmax") {
    for (let row = from; row < to; row += width) softmax(scores, row, row + width);
  }
};

/** Shifted by the largest, so that nothing overflows. */
const softmax = (scores: Float64Array, from: number, to: number): void => {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) largest = Math.max(largest, scores[i]!);
  let sum = 0;
  for (let i = from; i < to; i++) sum += scores[i] = Math.exp(scores[i]! - largest);
  for (let i = from; i < to; i++) scores[i] = scores[i]! / sum;
};
