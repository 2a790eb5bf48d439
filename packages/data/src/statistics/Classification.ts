import * as Result from "effect/Result";
import {
  binary,
  masses,
  noNaN,
  type Numbers,
  parallel,
  problem,
  rankable,
  scored,
  wholeAtLeast,
} from "./internal/Check.ts";
import { thresholdCounts } from "./internal/Ranking.ts";
import type { StatisticsError } from "./StatisticsError.ts";

export {
  expectedCalibrationError,
  reliability,
  type ReliabilityBin,
  type ReliabilityOptions,
} from "./Calibration.ts";

/**
 * Area under the ROC curve: the probability that a random positive is scored above a random negative, ties
 * counting one half. Exact; O(n) in memory and in time but for the sort.
 *
 * `scores` in any unit, higher meaning more positive (infinities allowed); `labels` 0 or 1; `weights`, if given, one
 * non-negative number per row (a row of weight 2 counts as two rows). Result in [0, 1].
 *
 * Source: Mann–Whitney U divided by the number of pairs (Hanley & McNeil, Radiology 143(1), 1982).
 * Errors: `empty`, `lengthMismatch`, `notFinite` (NaN score), `notBinary`, `oneClass` (also when all the weight is on
 * one class), `negative`, `allZero`.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const auc = Result.getOrThrow(Classification.rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])) // 0.75
 * ```
 */
export const rocAuc = (
  scores: Numbers,
  labels: Numbers,
  weights?: Numbers,
): Result.Result<number, StatisticsError> => {
  const bad =
    rankable("rocAuc", scores, labels) ??
    (weights === undefined
      ? undefined
      : (parallel("rocAuc", "scores", scores, "weights", weights) ??
        masses("rocAuc", "weights", weights)));
  if (bad !== undefined) return Result.fail(bad);
  const { falsePositive, size, truePositive } = thresholdCounts(scores, labels, weights);
  const positives = truePositive[size - 1]!;
  const negatives = falsePositive[size - 1]!;
  if (positives === 0 || negatives === 0) {
    return Result.fail(
      problem(
        "rocAuc",
        "oneClass",
        "weights",
        `all the weight is on ${positives === 0 ? "negatives" : "positives"}`,
        "Give some row of each class a positive weight",
      ),
    );
  }
  // Pairs won: each negative at this score loses to all positives above it and half of those beside it.
  let pairs = 0;
  let positivesAbove = 0;
  let negativesAbove = 0;
  for (let g = 0; g < size; g++) {
    const positivesHere = truePositive[g]!;
    const negativesHere = falsePositive[g]!;
    pairs += ((negativesHere - negativesAbove) * (positivesHere + positivesAbove)) / 2;
    positivesAbove = positivesHere;
    negativesAbove = negativesHere;
  }
  return Result.succeed(pairs / positives / negatives);
};

/**
 * Average precision: the mean precision over the positives in order of score, the area under the precision–recall
 * curve as a step function: sum over thresholds of (R_k - R_(k-1)) P_k. Its value for a random ranking is the share of
 * positives. Not interpolated, so it is not optimistic (Davis & Goadrich, ICML 2006); scikit-learn's definition.
 *
 * Same arguments and errors as `rocAuc`, without weights.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const ap = Result.getOrThrow(Classification.averagePrecision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])) // 0.8333
 * ```
 */
export const averagePrecision = (
  scores: Numbers,
  labels: Numbers,
): Result.Result<number, StatisticsError> => {
  const bad = rankable("averagePrecision", scores, labels);
  if (bad !== undefined) return Result.fail(bad);
  const { falsePositive, size, truePositive } = thresholdCounts(scores, labels);
  const positives = truePositive[size - 1]!;
  let sum = 0;
  let above = 0;
  for (let g = 0; g < size; g++) {
    const here = truePositive[g]!;
    sum += (here - above) * (here / (here + falsePositive[g]!));
    above = here;
  }
  return Result.succeed(sum / positives);
};

/** A ROC curve as three parallel arrays, from (0, 0) to (1, 1); `threshold[0]` is Infinity: nothing is positive. */
export interface RocCurve {
  readonly threshold: Float64Array;
  readonly falsePositiveRate: Float64Array;
  readonly truePositiveRate: Float64Array;
}

/**
 * The ROC curve for a plot: true- against false-positive rate when scores of at least the threshold are positive.
 *
 * At most `maxPoints` points (default 200, at least 2), each a genuine point of the full curve, spread evenly along
 * it; all points if there are no more than that. Do not integrate a thinned curve: `rocAuc` is exact.
 *
 * Source: Fawcett, Pattern Recognition Letters 27(8), 2006. Errors as `rocAuc`, and `outOfRange` for `maxPoints`.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const curve = Result.getOrThrow(Classification.rocCurve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]))
 * curve.truePositiveRate // [0, 0.5, 0.5, 1, 1]
 * ```
 */
export const rocCurve = (
  scores: Numbers,
  labels: Numbers,
  maxPoints: number = 200,
): Result.Result<RocCurve, StatisticsError> => {
  const bad =
    wholeAtLeast("rocCurve", "maxPoints", maxPoints, 2) ?? rankable("rocCurve", scores, labels);
  if (bad !== undefined) return Result.fail(bad);
  const counts = thresholdCounts(scores, labels);
  const positives = counts.truePositive[counts.size - 1]!;
  const negatives = counts.falsePositive[counts.size - 1]!;
  const kept = Math.min(counts.size + 1, maxPoints);
  const threshold = new Float64Array(kept);
  const falsePositiveRate = new Float64Array(kept);
  const truePositiveRate = new Float64Array(kept);
  threshold[0] = Infinity;
  let points = 1;
  let wanted = 1;
  for (let g = 0; g < counts.size; g++) {
    const x = counts.falsePositive[g]! / negatives;
    const y = counts.truePositive[g]! / positives;
    const last = g === counts.size - 1;
    // Length along the curve, 0 to 2, in steps of 2 / (maxPoints - 1).
    const reached = Math.floor(((x + y) / 2) * (maxPoints - 1));
    if (!last && counts.size + 1 > maxPoints && (reached < wanted || wanted >= maxPoints - 1))
      continue;
    threshold[points] = counts.threshold[g]!;
    falsePositiveRate[points] = x;
    truePositiveRate[points] = y;
    points++;
    wanted = reached + 1;
  }
  return Result.succeed({
    threshold: threshold.slice(0, points),
    falsePositiveRate: falsePositiveRate.slice(0, points),
    truePositiveRate: truePositiveRate.slice(0, points),
  });
};

/** A precision–recall curve as three parallel arrays, from recall 0 at precision 1; `threshold[0]` is Infinity. */
export interface PrecisionRecallCurve {
  readonly threshold: Float64Array;
  readonly recall: Float64Array;
  readonly precision: Float64Array;
}

/**
 * The precision–recall curve for a plot, when scores of at least the threshold are positive. At most `maxPoints`
 * points (default 200), spread evenly over recall; its area is `averagePrecision`, which is exact.
 *
 * Source: Davis & Goadrich, ICML 2006. Errors as `rocCurve`.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const curve = Result.getOrThrow(
 *   Classification.precisionRecallCurve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
 * )
 * curve.precision // [1, 1, 0.5, 0.667, 0.5]
 * ```
 */
export const precisionRecallCurve = (
  scores: Numbers,
  labels: Numbers,
  maxPoints: number = 200,
): Result.Result<PrecisionRecallCurve, StatisticsError> => {
  const bad =
    wholeAtLeast("precisionRecallCurve", "maxPoints", maxPoints, 2) ??
    rankable("precisionRecallCurve", scores, labels);
  if (bad !== undefined) return Result.fail(bad);
  const { falsePositive, size, threshold, truePositive } = thresholdCounts(scores, labels);
  const positives = truePositive[size - 1]!;
  const kept: Array<number> = [];
  for (let g = 0; g < size; g++) {
    // Steps of recall: each of them keeps the last point in it.
    const stepOf = (at: number) => Math.floor((truePositive[at]! / positives) * (maxPoints - 2));
    const last = g === size - 1;
    if (size + 1 <= maxPoints || last || stepOf(g) !== stepOf(g + 1)) kept.push(g);
  }
  return Result.succeed({
    threshold: Float64Array.from([Infinity, ...kept.map((g) => threshold[g]!)]),
    recall: Float64Array.from([0, ...kept.map((g) => truePositive[g]! / positives)]),
    precision: Float64Array.from([
      1,
      ...kept.map((g) => truePositive[g]! / (truePositive[g]! + falsePositive[g]!)),
    ]),
  });
};

/**
 * Log loss, in nats per row: minus the mean log probability given to what happened. A proper score: only honest
 * probabilities minimise it. Probabilities are clipped to [2.2e-16, 1 - 2.2e-16] (the float64 epsilon, as
 * scikit-learn does), so one certain and wrong row costs 36.04 and not infinity.
 *
 * Source: Good, JRSS B 14(1), 1952. Errors: `empty`, `lengthMismatch`, `outOfRange` or `notFinite`, `notBinary`.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const loss = Result.getOrThrow(Classification.logLoss([0.5, 0.5], [0, 1])) // 0.6931
 * ```
 */
export const logLoss = (
  probabilities: Numbers,
  labels: Numbers,
): Result.Result<number, StatisticsError> => {
  const bad = scored("logLoss", probabilities, labels);
  if (bad !== undefined) return Result.fail(bad);
  const least = Number.EPSILON;
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = Math.min(Math.max(probabilities[i]!, least), 1 - least);
    sum -= Math.log(labels[i] === 1 ? p : 1 - p);
  }
  return Result.succeed(sum / probabilities.length);
};

/**
 * Brier score: the mean squared difference of probability and outcome, 0 (perfect) to 1. A proper score.
 *
 * Source: Brier, Monthly Weather Review 78(1), 1950, in the two-class form of half his sum. Errors as `logLoss`.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const brier = Result.getOrThrow(Classification.brierScore([0.1, 0.9, 0.8, 0.3], [0, 1, 1, 0])) // 0.0375
 * ```
 */
export const brierScore = (
  probabilities: Numbers,
  labels: Numbers,
): Result.Result<number, StatisticsError> => {
  const bad = scored("brierScore", probabilities, labels);
  if (bad !== undefined) return Result.fail(bad);
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const error = probabilities[i]! - labels[i]!;
    sum += error * error;
  }
  return Result.succeed(sum / probabilities.length);
};

/** How many rows (or how much weight) fell in each cell of decision against outcome. */
export interface Confusion {
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly falseNegative: number;
  readonly trueNegative: number;
}

/**
 * Counts of decisions against outcomes when rows scored at least `threshold` are decided positive (ties go to
 * positive, as in `rocCurve`). One class alone is fine. `threshold` may be infinite, not NaN.
 *
 * Errors: `empty`, `lengthMismatch`, `notFinite`, `notBinary`.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const table = Result.getOrThrow(Classification.confusion([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.4))
 * table // { truePositive: 1, falsePositive: 1, falseNegative: 1, trueNegative: 1 }
 * ```
 */
export const confusion = (
  scores: Numbers,
  labels: Numbers,
  threshold: number,
): Result.Result<Confusion, StatisticsError> => {
  const bad =
    parallel("confusion", "scores", scores, "labels", labels) ??
    noNaN("confusion", "scores", scores) ??
    binary("confusion", "labels", labels) ??
    noNaN("confusion", "threshold", [threshold]);
  if (bad !== undefined) return Result.fail(bad);
  let truePositive = 0;
  let predicted = 0;
  let positives = 0;
  for (let i = 0; i < scores.length; i++) {
    const label = labels[i]!;
    positives += label;
    if (scores[i]! >= threshold) {
      predicted++;
      truePositive += label;
    }
  }
  return Result.succeed({
    truePositive,
    falsePositive: predicted - truePositive,
    falseNegative: positives - truePositive,
    trueNegative: scores.length - predicted - positives + truePositive,
  });
};

/** Rates of a confusion table, each in [0, 1], or null where the definition divides zero by zero. */
export interface Rates {
  /** Right decisions among all. */
  readonly accuracy: number;
  /** True positives among rows decided positive; null if none was. */
  readonly precision: number | null;
  /** True positives among positives; null if there are none. */
  readonly recall: number | null;
  /** True negatives among negatives; null if there are none. */
  readonly specificity: number | null;
  /** 2 TP / (2 TP + FP + FN); null if there is no positive and none was decided. */
  readonly f1: number | null;
  /** Mean of recall and specificity; null if either is. */
  readonly balancedAccuracy: number | null;
  /** Matthews' correlation of decision and outcome, −1 to 1; null if all outcomes or all decisions are the same. */
  readonly matthews: number | null;
}

/**
 * Accuracy, precision, recall, specificity, F1 and Matthews' correlation of a confusion table. Where scikit-learn warns and says 0, this says
 * null: a rate of nothing is no number, and a gate must not pass or fail on it.
 *
 * Sources: van Rijsbergen, Information Retrieval, 1979; Matthews, Biochim. Biophys. Acta 405(2), 1975. Errors: `notFinite`, `negative`, `allZero`.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const rates = Result.getOrThrow(
 *   Classification.rates({ truePositive: 30, falsePositive: 10, falseNegative: 20, trueNegative: 40 })
 * )
 * rates.precision // 0.75
 * rates.recall // 0.6
 * ```
 */
export const rates = (table: Confusion): Result.Result<Rates, StatisticsError> => {
  const { falseNegative, falsePositive, trueNegative, truePositive } = table;
  const total = truePositive + falsePositive + falseNegative + trueNegative;
  const bad = masses("rates", "table", [truePositive, falsePositive, falseNegative, trueNegative]);
  if (bad !== undefined) return Result.fail(bad);
  return Result.succeed({
    accuracy: (truePositive + trueNegative) / total,
    precision: share(truePositive, truePositive + falsePositive),
    recall: share(truePositive, truePositive + falseNegative),
    specificity: share(trueNegative, trueNegative + falsePositive),
    f1: share(2 * truePositive, 2 * truePositive + falsePositive + falseNegative),
    balancedAccuracy: balanced(table),
    matthews: share(
      truePositive * trueNegative - falsePositive * falseNegative,
      Math.sqrt(truePositive + falsePositive) *
        Math.sqrt(truePositive + falseNegative) *
        Math.sqrt(trueNegative + falsePositive) *
        Math.sqrt(trueNegative + falseNegative),
    ),
  });
};

const balanced = ({ falseNegative, falsePositive, trueNegative, truePositive }: Confusion) => {
  const recall = share(truePositive, truePositive + falseNegative);
  const specificity = share(trueNegative, trueNegative + falsePositive);
  return recall === null || specificity === null ? null : (recall + specificity) / 2;
};

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
