import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { finite, inUnit, parallel, problem, wholeAtLeast, type Numbers } from "./internal/Check.ts";
import { normal, student } from "./internal/Inverse.ts";
import type { StatisticsError } from "./StatisticsError.ts";

export {
  blockBootstrap,
  type BootstrapOptions,
  bootstrapStatistic,
  bootstrapTotals,
} from "./BlockBootstrap.ts";
export { aucDifference, aucInterval } from "./Delong.ts";
export {
  differenceOf,
  groupDifference,
  rateDifference,
  type Rates,
  type Sums,
} from "./RateDifference.ts";

/** How the limits of an interval were found. */
export const IntervalMethod = Schema.Literals([
  "student-t",
  "normal",
  "block-bootstrap-percentile",
  "block-bootstrap-expanded-percentile",
  "item-bootstrap-percentile",
  "wilson",
  "delong",
  "delong-difference",
  "linearised",
  "mover",
  "delta",
]);

/** See the value of the same name. */
export type IntervalMethod = typeof IntervalMethod.Type;

/**
 * A two-sided confidence interval: `lower` and `upper` around `estimate`, in its unit, at confidence `level` (0.95 for
 * 95 %), found by `method`. A schema, so that it can be stored as evidence.
 *
 * A gate that asks "at least g better" passes when `lower >= g`, fails when `upper < g`, and is inconclusive between.
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 *
 * const decide = (gain: Interval.Interval, smallest: number) =>
 *   gain.lower >= smallest ? "passed" : gain.upper < smallest ? "failed" : "inconclusive"
 * ```
 */
export const Interval = Schema.Struct({
  estimate: Schema.Finite,
  lower: Schema.Finite,
  upper: Schema.Finite,
  level: Schema.Finite,
  method: IntervalMethod,
});

/** See the value of the same name. */
export type Interval = typeof Interval.Type;

/** Options of the intervals of a mean. */
export interface MeanOptions {
  /** Confidence level in (0, 1); default 0.95. */
  readonly level?: number;
  /** `"student-t"` (default) is right for few rows too; `"normal"` is its limit for many. */
  readonly method?: "student-t" | "normal";
}

/**
 * The interval of the mean of `a[i] - b[i]`, row by row: say the cost under the baseline less the cost under the
 * candidate. **Rows must be independent.** For rows that share a day, a user or a batch use `blockBootstrap`: this
 * one would be far too narrow.
 *
 * Source: Student, Biometrika 6(1), 1908: mean +- t s / sqrt(n), s with n - 1. Two passes (Chan, Golub & LeVeque,
 * The American Statistician 37(3), 1983). All differences equal give an interval of width zero.
 * Errors: `empty`, `lengthMismatch`, `notFinite`, `tooFew` (one row), `outOfRange` (level).
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const gain = Result.getOrThrow(Interval.meanDifference([3, 4, 6], [2, 2, 3]))
 * gain.estimate // 2
 * ```
 */
export const meanDifference = (
  a: Numbers,
  b: Numbers,
  options: MeanOptions = {},
): Result.Result<Interval, StatisticsError> => {
  const operation = "meanDifference";
  const bad =
    parallel(operation, "a", a, "b", b) ??
    finite(operation, "a", a) ??
    finite(operation, "b", b) ??
    (a.length < 2 ? oneRow(operation, "a") : undefined);
  if (bad !== undefined) return Result.fail(bad);
  const n = a.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += a[i]! - b[i]!;
  const mean = sum / n;
  let squares = 0;
  let drift = 0;
  for (let i = 0; i < n; i++) {
    const deviation = a[i]! - b[i]! - mean;
    squares += deviation * deviation;
    drift += deviation;
  }
  const variance = Math.max(0, squares - (drift * drift) / n) / (n - 1);
  return ofMoments(operation, { count: n, mean, standardDeviation: Math.sqrt(variance) }, options);
};

/** What `meanFromMoments` needs: one row of an aggregate query. */
export interface SampleMoments {
  /** Rows. */
  readonly count: number;
  readonly mean: number;
  /** With divisor n - 1: DuckDB's `stddev_samp`. */
  readonly standardDeviation: number;
}

/**
 * The interval of a mean from its count, mean and standard deviation, as one SQL aggregate gives them. Same formula,
 * assumption and options as `meanDifference`.
 *
 * Errors: `tooFew` (fewer than two rows), `notFinite`, `negative` (deviation), `outOfRange` (level, count).
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const mean = Result.getOrThrow(
 *   Interval.meanFromMoments({ count: 100, mean: 5, standardDeviation: 2 }, { method: "normal" })
 * )
 * mean.lower // 4.608
 * ```
 */
export const meanFromMoments = (
  moments: SampleMoments,
  options: MeanOptions = {},
): Result.Result<Interval, StatisticsError> => ofMoments("meanFromMoments", moments, options);

const ofMoments = (
  operation: string,
  moments: SampleMoments,
  options: MeanOptions,
): Result.Result<Interval, StatisticsError> => {
  const level = options.level ?? 0.95;
  const method = options.method ?? "student-t";
  const { count, mean, standardDeviation } = moments;
  const bad =
    inUnit(operation, "level", level) ??
    wholeAtLeast(operation, "count", count, 0) ??
    (count < 2 ? oneRow(operation, "count") : undefined) ??
    finite(operation, "mean", [mean]) ??
    finite(operation, "standardDeviation", [standardDeviation]);
  if (bad !== undefined) return Result.fail(bad);
  if (standardDeviation < 0) {
    return Result.fail(
      problem(
        operation,
        "negative",
        "standardDeviation",
        `standardDeviation is ${standardDeviation}`,
        "Check the query that produced it",
      ),
    );
  }
  const p = (1 + level) / 2;
  const reach =
    ((method === "normal" ? normal(p) : student(p, count - 1)) * standardDeviation) /
    Math.sqrt(count);
  return Result.succeed({
    estimate: mean,
    lower: mean - reach,
    upper: mean + reach,
    level,
    method,
  });
};

const oneRow = (operation: string, argument: string): StatisticsError =>
  problem(
    operation,
    "tooFew",
    argument,
    "fewer than two rows say nothing about variation",
    "Wait for more rows, or treat the result as inconclusive",
  );

/**
 * The Wilson score interval of a proportion: honest near 0 and 1 and for few trials, where the textbook interval is
 * not. `successes` of `trials`, both whole. No continuity correction. The limits lie in [0, 1].
 *
 * Source: Wilson, JASA 22(158), 1927; recommended by Brown, Cai & DasGupta, Statistical Science 16(2), 2001.
 * Errors: `outOfRange` (counts not whole, more successes than trials, no trials, level).
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const rate = Result.getOrThrow(Interval.wilson(0, 20))
 * rate.upper // 0.1611
 * ```
 */
export const wilson = (
  successes: number,
  trials: number,
  level: number = 0.95,
): Result.Result<Interval, StatisticsError> => {
  const bad =
    inUnit("wilson", "level", level) ??
    wholeAtLeast("wilson", "trials", trials, 1) ??
    wholeAtLeast("wilson", "successes", successes, 0);
  if (bad !== undefined) return Result.fail(bad);
  if (successes > trials) {
    return Result.fail(
      problem(
        "wilson",
        "outOfRange",
        "successes",
        `${successes} successes of ${trials} trials`,
        "Pass (successes, trials), in this order",
      ),
    );
  }
  const z = normal((1 + level) / 2);
  const share = successes / trials;
  const spread = (z * z) / trials;
  const centre = (share + spread / 2) / (1 + spread);
  const reach =
    (z * Math.sqrt((share * (1 - share)) / trials + spread / trials / 4)) / (1 + spread);
  return Result.succeed({
    estimate: share,
    lower: successes === 0 ? 0 : Math.max(0, centre - reach),
    upper: successes === trials ? 1 : Math.min(1, centre + reach),
    level,
    method: "wilson",
  });
};
