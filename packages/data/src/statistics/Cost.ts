import * as Result from "effect/Result";
import type { Confusion } from "./Classification.ts";
import {
  binary,
  finite,
  masses,
  noNaN,
  parallel,
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

const cells = (table: Confusion): ReadonlyArray<number> => [
  table.truePositive,
  table.falsePositive,
  table.falseNegative,
  table.trueNegative,
];
