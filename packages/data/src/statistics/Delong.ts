import * as Result from "effect/Result";
import type { Interval } from "./Interval.ts";
import { inUnit, noNaN, parallel, problem, rankable, type Numbers } from "./internal/Check.ts";
import { normal } from "./internal/Inverse.ts";
import { ascendingOrder } from "./internal/Ranking.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/**
 * The area under the ROC curve with its DeLong interval: no assumption on the distribution of scores, ties handled.
 * **Rows must be independent.** Limits are cut at 0 and 1; with fewer than some 30 rows in the smaller class, or an
 * area near 1, it is too narrow (Qin & Hotilovac, Stat. Methods Med. Res. 17(2), 2008).
 *
 * Source: DeLong, DeLong & Clarke-Pearson, Biometrics 44(3), 1988, in O(n log n) by the placements of Sun & Xu, IEEE
 * Signal Processing Letters 21(11), 2014. Errors as `Classification.rocAuc`; `tooFew` with one row in a class;
 * `degenerate` when the scores separate the classes perfectly: the variance is then zero and the interval would prove
 * what it cannot; `outOfRange` (level).
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const auc = Result.getOrThrow(Interval.aucInterval([0.1, 0.4, 0.35, 0.8, 0.7], [0, 0, 1, 1, 1]))
 * auc.estimate // 0.8333
 * ```
 */
export const aucInterval = (
  scores: Numbers,
  labels: Numbers,
  level: number = 0.95,
): Result.Result<Interval, StatisticsError> => {
  const operation = "aucInterval";
  const bad =
    inUnit(operation, "level", level) ??
    rankable(operation, scores, labels) ??
    twoOfEach(operation, labels);
  if (bad !== undefined) return Result.fail(bad);
  const placed = placements(scores, labels);
  const estimate = area(placed, labels);
  const deviation = Math.sqrt(variance(placed, labels, estimate));
  if (deviation === 0) {
    return Result.fail(
      problem(
        operation,
        "degenerate",
        "scores",
        `the area is ${estimate} and its estimated variance is zero`,
        "Perfect separation is more often a leak than a model: look for a feature that knows the label, or test on more rows",
      ),
    );
  }
  const reach = normal((1 + level) / 2) * deviation;
  return Result.succeed({
    estimate,
    lower: Math.max(0, estimate - reach),
    upper: Math.min(1, estimate + reach),
    level,
    method: "delong",
  });
};

/**
 * The difference in area under the ROC curve of two scores **on the same rows** (first less second), with its DeLong
 * interval. Pairing makes it much narrower than two separate intervals suggest. Same formula, assumptions and sources
 * as `aucInterval`; limits cut at -1 and 1. Two scores that rank alike give width zero at 0: no difference was seen.
 *
 * Errors as `aucInterval`; `degenerate` only when the difference is not zero but its variance is.
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const labels = [0, 0, 0, 1, 1, 1]
 * const gain = Result.getOrThrow(
 *   Interval.aucDifference([0.1, 0.4, 0.3, 0.35, 0.8, 0.7], [0.5, 0.4, 0.3, 0.35, 0.8, 0.2], labels)
 * )
 * gain.estimate // 0.4444
 * ```
 */
export const aucDifference = (
  first: Numbers,
  second: Numbers,
  labels: Numbers,
  level: number = 0.95,
): Result.Result<Interval, StatisticsError> => {
  const operation = "aucDifference";
  const bad =
    inUnit(operation, "level", level) ??
    parallel(operation, "first", first, "second", second) ??
    rankable(operation, first, labels) ??
    noNaN(operation, "second", second) ??
    twoOfEach(operation, labels);
  if (bad !== undefined) return Result.fail(bad);
  const placed = placements(first, labels);
  const other = placements(second, labels);
  for (let i = 0; i < placed.length; i++) placed[i]! -= other[i]!;
  const estimate = area(placed, labels);
  const deviation = Math.sqrt(variance(placed, labels, estimate));
  if (deviation === 0 && estimate !== 0) {
    return Result.fail(
      problem(
        operation,
        "degenerate",
        "scores",
        `the areas differ by ${estimate} and the estimated variance of that is zero`,
        "One score separates perfectly and the other not at all: look for a leak, or test on more rows",
      ),
    );
  }
  const reach = normal((1 + level) / 2) * deviation;
  return Result.succeed({
    estimate,
    lower: Math.max(-1, estimate - reach),
    upper: Math.min(1, estimate + reach),
    level,
    method: "delong-difference",
  });
};

const twoOfEach = (operation: string, labels: Numbers): StatisticsError | undefined => {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i]!;
  return positives >= 2 && labels.length - positives >= 2
    ? undefined
    : problem(
        operation,
        "tooFew",
        "labels",
        `${positives} positives and ${labels.length - positives} negatives: one row says nothing about variation`,
        "Have at least two rows of each class, better thirty",
      );
};

/**
 * DeLong's structural components, one per row: for a positive the share of negatives scored below it, for a negative
 * the share of positives scored above it, ties counting one half.
 */
const placements = (scores: Numbers, labels: Numbers): Float64Array => {
  const n = scores.length;
  const order = ascendingOrder(scores);
  const placed = new Float64Array(n);
  let positives = 0;
  for (let i = 0; i < n; i++) positives += labels[i]!;
  const negatives = n - positives;
  let positivesBelow = 0;
  let negativesBelow = 0;
  let start = 0;
  while (start < n) {
    const score = scores[order[start]!]!;
    let end = start;
    let positivesHere = 0;
    while (end < n && scores[order[end]!] === score) {
      positivesHere += labels[order[end]!]!;
      end++;
    }
    const negativesHere = end - start - positivesHere;
    const ofPositive = (negativesBelow + negativesHere / 2) / negatives;
    const ofNegative = (positives - positivesBelow - positivesHere / 2) / positives;
    for (let k = start; k < end; k++) {
      const row = order[k]!;
      placed[row] = labels[row] === 1 ? ofPositive : ofNegative;
    }
    positivesBelow += positivesHere;
    negativesBelow += negativesHere;
    start = end;
  }
  return placed;
};

/** The mean placement of the positives, which is the area (or the difference of two). */
const area = (placed: Float64Array, labels: Numbers): number => {
  let sum = 0;
  let positives = 0;
  for (let i = 0; i < placed.length; i++) {
    if (labels[i] === 1) {
      sum += placed[i]!;
      positives++;
    }
  }
  return sum / positives;
};

const variance = (placed: Float64Array, labels: Numbers, mean: number): number => {
  let positives = 0;
  let ofPositives = 0;
  let ofNegatives = 0;
  for (let i = 0; i < placed.length; i++) {
    const deviation = placed[i]! - mean;
    if (labels[i] === 1) {
      ofPositives += deviation * deviation;
      positives++;
    } else {
      ofNegatives += deviation * deviation;
    }
  }
  const negatives = placed.length - positives;
  return ofPositives / (positives - 1) / positives + ofNegatives / (negatives - 1) / negatives;
};
