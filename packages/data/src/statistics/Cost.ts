import { Metric } from "@ml-pipe/core";
import * as Result from "effect/Result";
import type { Confusion } from "./Classification.ts";
import {
  binary,
  finite,
  masses,
  noNaN,
  parallel,
  placesIn,
  problem,
  type Numbers,
} from "./internal/Check.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/**
 * What each outcome of a decision costs, in `unit` (say "EUR" or "minutes") per decision. A gain is a negative cost.
 * The four are absolute: charge the cost of acting (a call, a review) to both positives.
 */
export interface CostMatrix {
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly falseNegative: number;
  readonly trueNegative: number;
  readonly unit: string;
}

/** A cost over some decisions, in the unit of its matrix. */
export interface ExpectedCost {
  readonly perDecision: number;
  readonly total: number;
  readonly decisions: number;
  readonly unit: string;
}

/**
 * The mean and total cost of the decisions counted in a confusion table: sum of count x cost.
 *
 * Source: Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001, section 1.
 * Errors: `notFinite` (a cost or count), `negative` or `allZero` (counts).
 *
 * @example
 * ```ts
 * import { Cost } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const cost = Result.getOrThrow(
 *   Cost.expectedCost(
 *     { truePositive: 30, falsePositive: 10, falseNegative: 20, trueNegative: 40 },
 *     { truePositive: 1, falsePositive: 1, falseNegative: 5, trueNegative: 0, unit: "EUR" }
 *   )
 * )
 * cost.perDecision // 1.4
 * ```
 */
export const expectedCost = (
  table: Confusion,
  matrix: CostMatrix,
): Result.Result<ExpectedCost, StatisticsError> => {
  const counts = cells(table);
  const bad =
    masses("expectedCost", "table", counts) ?? finite("expectedCost", "matrix", cells(matrix));
  if (bad !== undefined) return Result.fail(bad);
  const decisions =
    table.truePositive + table.falsePositive + table.falseNegative + table.trueNegative;
  const total =
    table.truePositive * matrix.truePositive +
    table.falsePositive * matrix.falsePositive +
    table.falseNegative * matrix.falseNegative +
    table.trueNegative * matrix.trueNegative;
  return Result.succeed({ perDecision: total / decisions, total, decisions, unit: matrix.unit });
};

/**
 * The probability from which deciding positive is the cheaper choice:
 * p* = (FP - TN) / (FP - TN + FN - TP). It holds for **calibrated** probabilities: check
 * `Classification.expectedCalibrationError` first. At p = p* both decisions cost the same.
 *
 * Source: Elkan 2001, equation 2. A matrix under which one decision is always at least as cheap (FP <= TN or
 * FN <= TP, his "reasonableness" conditions) is a `degenerate` error; a cost that is not finite is `notFinite`.
 *
 * @example
 * ```ts
 * import { Cost } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const threshold = Result.getOrThrow(
 *   Cost.optimalThreshold({ truePositive: 0, falsePositive: 1, falseNegative: 4, trueNegative: 0, unit: "EUR" })
 * ) // 0.2
 * ```
 */
export const optimalThreshold = (matrix: CostMatrix): Result.Result<number, StatisticsError> => {
  const bad = finite("optimalThreshold", "matrix", cells(matrix));
  if (bad !== undefined) return Result.fail(bad);
  const wronglyPositive = matrix.falsePositive - matrix.trueNegative;
  const wronglyNegative = matrix.falseNegative - matrix.truePositive;
  if (wronglyPositive <= 0 || wronglyNegative <= 0) {
    return Result.fail(
      problem(
        "optimalThreshold",
        "degenerate",
        "matrix",
        wronglyPositive <= 0
          ? `a false positive (${matrix.falsePositive} ${matrix.unit}) costs no more than a true negative (${matrix.trueNegative})`
          : `a false negative (${matrix.falseNegative} ${matrix.unit}) costs no more than a true positive (${matrix.truePositive})`,
        "Being wrong must cost more than being right in both classes, or no model is needed: correct the costs",
      ),
    );
  }
  return Result.succeed(wronglyPositive / (wronglyPositive + wronglyNegative));
};

/**
 * The cost of each row's decision, when rows scored at least `threshold` are decided positive, for a paired
 * comparison of two models (`Interval.meanDifference`, `Interval.blockBootstrap`). In the unit of the matrix.
 *
 * Writes into `into` if given (same length, to reuse memory), else into a new array.
 * Errors: `empty`, `lengthMismatch`, `notFinite`, `notBinary`.
 *
 * @example
 * ```ts
 * import { Cost } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const matrix = { truePositive: 1, falsePositive: 2, falseNegative: 5, trueNegative: 0, unit: "EUR" }
 * const costs = Result.getOrThrow(Cost.rowCosts([0.9, 0.9, 0.1, 0.1], [1, 0, 1, 0], 0.5, matrix)) // [1, 2, 5, 0]
 * ```
 */
export const rowCosts = (
  scores: Numbers,
  labels: Numbers,
  threshold: number,
  matrix: CostMatrix,
  into?: Float64Array,
): Result.Result<Float64Array, StatisticsError> => {
  const costs = into ?? new Float64Array(scores.length);
  const bad =
    parallel("rowCosts", "scores", scores, "labels", labels) ??
    parallel("rowCosts", "scores", scores, "into", costs) ??
    noNaN("rowCosts", "scores", scores) ??
    binary("rowCosts", "labels", labels) ??
    noNaN("rowCosts", "threshold", [threshold]) ??
    finite("rowCosts", "matrix", cells(matrix));
  if (bad !== undefined) return Result.fail(bad);
  const { falseNegative, falsePositive, trueNegative, truePositive } = matrix;
  for (let i = 0; i < scores.length; i++) {
    const positive = labels[i] === 1;
    costs[i] =
      scores[i]! >= threshold
        ? positive
          ? truePositive
          : falsePositive
        : positive
          ? falseNegative
          : trueNegative;
  }
  return Result.succeed(costs);
};

/** What choosing among classes costs: `costs[actual · choices.length + chosen]`, in the metric's unit. */
export interface ChoiceMatrix {
  readonly classes: ReadonlyArray<string>;
  /** The classes, and other ways out, in the order in which they are written. */
  readonly choices: ReadonlyArray<string>;
  readonly costs: Float64Array;
  readonly unit: string;
}

/**
 * The costs of a charter's metric as a matrix. One under which some choice is never dearer than any other, whatever
 * the class, is a `degenerate` error: no model is needed (the counterpart of Elkan's "reasonableness" for several
 * classes, 2001, section 1).
 *
 * @example
 * ```ts
 * import { Metric } from "@ml-pipe/core"
 * import { Cost } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const matrix = Result.getOrThrow(Cost.choiceMatrix(Metric.misclassification(["cat", "dog"])))
 * matrix.costs // [0, 1, 1, 0]
 * ```
 */
export const choiceMatrix = (
  metric: Metric.ClassMetric,
): Result.Result<ChoiceMatrix, StatisticsError> => {
  const classes = Object.keys(metric.classCosts);
  const choices = Metric.choicesOf(metric);
  const costs = Float64Array.from(
    classes.flatMap((actual) =>
      choices.map((chosen) => metric.classCosts[actual]?.[chosen] ?? Number.NaN),
    ),
  );
  const bad = finite("choiceMatrix", "classCosts", costs);
  if (bad !== undefined) return Result.fail(bad);
  const cost = (actual: number, chosen: number) => costs[actual * choices.length + chosen]!;
  const always = choices.findIndex((_, one) =>
    choices.every((__, other) =>
      classes.every((___, actual) => cost(actual, one) <= cost(actual, other)),
    ),
  );
  return always === -1
    ? Result.succeed({ classes, choices, costs, unit: metric.unit })
    : Result.fail(
        problem(
          "choiceMatrix",
          "degenerate",
          "classCosts",
          `choosing "${choices[always]}" costs no more than any other choice, whatever the class`,
          "Being wrong must cost more than being right, or no model is needed: correct the costs",
        ),
      );
};

/**
 * The choice with the lowest expected cost for each row, `argmin over choices of Σ p(class) · cost(class, choice)`; of
 * equally cheap ones the first. It holds for **calibrated** probabilities, given row by row, one for each class of the
 * matrix.
 *
 * Source: Elkan 2001, equation 1. Errors: `lengthMismatch`, `notFinite` (NaN).
 *
 * @example
 * ```ts
 * import { Metric } from "@ml-pipe/core"
 * import { Cost } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const matrix = Result.getOrThrow(Cost.choiceMatrix(Metric.misclassification(["cat", "dog"])))
 * const chosen = Result.getOrThrow(Cost.cheapest([0.9, 0.1, 0.4, 0.6], matrix)) // [0, 1]
 * ```
 */
export const cheapest = (
  probabilities: Numbers,
  { classes, choices, costs }: ChoiceMatrix,
): Result.Result<Float64Array, StatisticsError> => {
  const bad =
    probabilities.length % classes.length === 0
      ? noNaN("cheapest", "probabilities", probabilities)
      : problem(
          "cheapest",
          "lengthMismatch",
          "probabilities",
          `${probabilities.length} probabilities are not ${classes.length} for each row`,
          "Pass one probability for each class of the matrix, row by row",
        );
  if (bad !== undefined) return Result.fail(bad);
  const chosen = new Float64Array(probabilities.length / classes.length);
  for (let row = 0; row < chosen.length; row++) {
    let [best, least] = [0, Infinity];
    for (let choice = 0; choice < choices.length; choice++) {
      let cost = 0;
      for (let one = 0; one < classes.length; one++) {
        cost += probabilities[row * classes.length + one]! * costs[one * choices.length + choice]!;
      }
      if (cost < least) [best, least] = [choice, cost];
    }
    chosen[row] = best;
  }
  return Result.succeed(chosen);
};

/**
 * What each row's choice cost, by the class that it turned out to be, for a paired comparison (`Interval.blockBootstrap`).
 * Errors: `empty`, `lengthMismatch`, `outOfRange` (a choice or class that is none).
 *
 * @example
 * ```ts
 * import { Metric } from "@ml-pipe/core"
 * import { Cost } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const matrix = Result.getOrThrow(Cost.choiceMatrix(Metric.misclassification(["cat", "dog"])))
 * const costs = Result.getOrThrow(Cost.choiceCosts([0, 1], [0, 0], matrix)) // [0, 1]
 * ```
 */
export const choiceCosts = (
  chosen: Numbers,
  labels: Numbers,
  { classes, choices, costs }: ChoiceMatrix,
): Result.Result<Float64Array, StatisticsError> => {
  const bad =
    parallel("choiceCosts", "chosen", chosen, "labels", labels) ??
    placesIn("choiceCosts", "chosen", chosen, choices.length) ??
    placesIn("choiceCosts", "labels", labels, classes.length);
  return bad === undefined
    ? Result.succeed(
        Float64Array.from(
          { length: labels.length },
          (_, row) => costs[labels[row]! * choices.length + chosen[row]!]!,
        ),
      )
    : Result.fail(bad);
};

const cells = (table: Confusion): ReadonlyArray<number> => [
  table.truePositive,
  table.falsePositive,
  table.falseNegative,
  table.trueNegative,
];
