import type { Metric } from "@ml-pipe/core";
import * as Result from "effect/Result";
import { finite, inUnit, parallel, problem, type Numbers } from "./internal/Check.ts";
import { sortedQuantile } from "./internal/Quantile.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/** How far predicted numbers are off, in the unit of the numbers where nothing else is said. */
export interface Errors {
  /** Mean of `|p − y|`. */
  readonly meanAbsolute: number;
  readonly medianAbsolute: number;
  /** The largest `|p − y|`. */
  readonly largest: number;
  /** Mean of `(p − y)²`, in the square of the unit. */
  readonly meanSquared: number;
  /** Its root. */
  readonly rootMeanSquared: number;
  /** Mean of `p − y`: above 0, too much is predicted. */
  readonly bias: number;
  /** Coefficient of determination, 1 less the squared error over that of the mean; null where no number differs. */
  readonly r2: number | null;
  /** Mean of `|p − y| / |y|` over the rows whose number is not 0, and how many rows are left out for it. */
  readonly meanAbsolutePercentage: number | null;
  readonly zeros: number;
  /** Mean of `2 |p − y| / (|p| + |y|)`, from 0 to 2; where both are 0, the row counts as right. */
  readonly symmetricPercentage: number;
}

/**
 * Errors of predicted numbers. `predicted` and `actual` are finite numbers of the same rows.
 *
 * A percentage of zero is no number: such rows are left out of `meanAbsolutePercentage`, where scikit-learn divides
 * them by the float64 epsilon, which says nothing but that there are some.
 *
 * Sources: Hyndman & Koehler, Int. J. Forecasting 22(4), 2006; the symmetric percentage as in the M4 competition
 * (Makridakis et al., Int. J. Forecasting 36(1), 2020). Errors: `empty`, `lengthMismatch`, `notFinite`.
 *
 * @example
 * ```ts
 * import { Regression } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const errors = Result.getOrThrow(Regression.errors([2.5, 0, 2, 8], [3, -0.5, 2, 7]))
 * errors.meanAbsolute // 0.5
 * ```
 */
export const errors = (
  predicted: Numbers,
  actual: Numbers,
): Result.Result<Errors, StatisticsError> => {
  const bad = numbers("errors", predicted, actual);
  if (bad !== undefined) return Result.fail(bad);
  const rows = actual.length;
  const off = new Float64Array(rows);
  let [sum, squares, bias, percentage, zeros, symmetric] = [0, 0, 0, 0, 0, 0];
  for (let row = 0; row < rows; row++) {
    const [p, y] = [predicted[row]!, actual[row]!];
    const distance = Math.abs(p - y);
    off[row] = distance;
    sum += y;
    squares += distance * distance;
    bias += p - y;
    if (y === 0) zeros++;
    else percentage += distance / Math.abs(y);
    if (distance > 0) symmetric += (2 * distance) / (Math.abs(p) + Math.abs(y));
  }
  const mean = sum / rows;
  let variation = 0;
  for (let row = 0; row < rows; row++) variation += (actual[row]! - mean) ** 2;
  const absolute = off.reduce((total, one) => total + one, 0);
  off.sort();
  return Result.succeed({
    meanAbsolute: absolute / rows,
    medianAbsolute: sortedQuantile(off, 0.5),
    largest: off[rows - 1]!,
    meanSquared: squares / rows,
    rootMeanSquared: Math.sqrt(squares / rows),
    bias: bias / rows,
    r2: variation === 0 ? null : 1 - squares / variation,
    meanAbsolutePercentage: zeros === rows ? null : percentage / (rows - zeros),
    zeros,
    symmetricPercentage: symmetric / rows,
  });
};

/**
 * What each row's error costs by a charter's metric, for a paired comparison of two predictions
 * (`Interval.blockBootstrap`): its mean is the metric. See `Metric.NumberError` in `@ml-pipe/core` for the kinds.
 *
 * Source of the pinball loss: Koenker & Bassett, Econometrica 46(1), 1978. Errors as {@link errors}, and `outOfRange`
 * for a quantile that is none.
 *
 * @example
 * ```ts
 * import { Regression } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * // One unit left over costs 1, one unit short costs 3.
 * const costs = Result.getOrThrow(Regression.rowErrors([10, 10], [8, 12], { over: 1, under: 3 })) // [2, 6]
 * ```
 */
export const rowErrors = (
  predicted: Numbers,
  actual: Numbers,
  error: Metric.NumberError,
): Result.Result<Float64Array, StatisticsError> => {
  const bad =
    numbers("rowErrors", predicted, actual) ??
    (typeof error === "object" && "quantile" in error
      ? inUnit("rowErrors", "quantile", error.quantile)
      : undefined);
  if (bad !== undefined) return Result.fail(bad);
  const cost = costOf(error);
  return Result.succeed(
    Float64Array.from({ length: actual.length }, (_, row) => cost(predicted[row]! - actual[row]!)),
  );
};

/** What it costs to be off by so much. */
const costOf = (error: Metric.NumberError): ((off: number) => number) => {
  if (error === "absolute") return Math.abs;
  if (error === "squared") return (off) => off * off;
  const { over, under } =
    "quantile" in error ? { over: 1 - error.quantile, under: error.quantile } : error;
  return (off) => (off > 0 ? over : under) * Math.abs(off);
};

/**
 * Mean Poisson deviance of predicted rates against counts: `2 · mean(y ln(y / p) − (y − p))`, 0 for perfect
 * predictions. Predictions are above 0, counts 0 or more (whole or not).
 *
 * Source: McCullagh & Nelder, Generalized Linear Models, 1989, section 2.3. Errors as {@link errors}, and `outOfRange`.
 *
 * @example
 * ```ts
 * import { Regression } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const deviance = Result.getOrThrow(Regression.poissonDeviance([0.5, 0.5, 2, 2], [1, 0, 1, 2])) // 0.5
 * ```
 */
export const poissonDeviance = (
  predicted: Numbers,
  actual: Numbers,
): Result.Result<number, StatisticsError> =>
  deviance("poissonDeviance", predicted, actual, 0, (p, y) =>
    y === 0 ? 2 * p : 2 * (y * Math.log(y / p) - (y - p)),
  );

/**
 * Mean gamma deviance: `2 · mean(ln(p / y) + y / p − 1)`, which counts errors in proportion to the number. Both are
 * above 0. Source and errors as {@link poissonDeviance}.
 *
 * @example
 * ```ts
 * import { Regression } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const deviance = Result.getOrThrow(Regression.gammaDeviance([0.5, 0.5, 2, 2], [2, 0.5, 1, 4])) // 1.057
 * ```
 */
export const gammaDeviance = (
  predicted: Numbers,
  actual: Numbers,
): Result.Result<number, StatisticsError> =>
  deviance(
    "gammaDeviance",
    predicted,
    actual,
    Number.MIN_VALUE,
    (p, y) => 2 * (Math.log(p / y) + y / p - 1),
  );

const deviance = (
  operation: string,
  predicted: Numbers,
  actual: Numbers,
  least: number,
  ofRow: (p: number, y: number) => number,
): Result.Result<number, StatisticsError> => {
  const bad =
    numbers(operation, predicted, actual) ??
    atLeast(operation, "predicted", predicted, Number.MIN_VALUE) ??
    atLeast(operation, "actual", actual, least);
  if (bad !== undefined) return Result.fail(bad);
  let sum = 0;
  for (let row = 0; row < actual.length; row++) sum += ofRow(predicted[row]!, actual[row]!);
  return Result.succeed(sum / actual.length);
};

const numbers = (
  operation: string,
  predicted: Numbers,
  actual: Numbers,
): StatisticsError | undefined =>
  parallel(operation, "predicted", predicted, "actual", actual) ??
  finite(operation, "predicted", predicted) ??
  finite(operation, "actual", actual);

const atLeast = (
  operation: string,
  name: string,
  values: Numbers,
  least: number,
): StatisticsError | undefined => {
  for (let i = 0; i < values.length; i++) {
    if (values[i]! >= least) continue;
    return problem(
      operation,
      "outOfRange",
      name,
      `${name}[${i}] is ${values[i]}, which must be ${least > 0 ? "above 0" : "0 or more"}`,
      "Use a squared or absolute error for numbers like these",
      i,
    );
  }
  return undefined;
};
