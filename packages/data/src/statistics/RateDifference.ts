import * as Result from "effect/Result";
import { finite, inUnit, parallel, problem, type Numbers } from "./internal/Check.ts";
import { student } from "./internal/Inverse.ts";
import type { Interval } from "./Interval.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/** A rate by blocks (days, groups, single rows) that resemble each other no more than any others do. */
export interface Rates {
  /** Rows of each block that count, and of those the ones that hit: the rate is the one sum over the other. */
  readonly trials: Numbers;
  readonly hits: Numbers;
}

/**
 * The difference of two rates over the same blocks, first less second: say the selection rates of two groups of people
 * over days. Rows of one block may resemble each other, also those of the two groups.
 *
 * By linearisation (the delta method on ratios of sums): each block moves the difference by
 * (h - p n) / N of the first less that of the second; variance K / (K - 1) times the sum of their squares, Student's t
 * with K - 1 degrees. It is the cluster-robust interval of a regression on the group (Liang & Zeger, Biometrika 73(1),
 * 1986). Limits are cut at -1 and 1. Have some ten hits and misses in each.
 * Errors: `lengthMismatch`, `empty`, `notFinite`, `tooFew` (one block, or no trials), `degenerate` (no variation).
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const north = { trials: [10, 10, 10], hits: [4, 6, 5] }
 * const south = { trials: [10, 10, 10], hits: [2, 3, 3] }
 * const difference = Result.getOrThrow(Interval.rateDifference(north, south))
 * difference.estimate // 0.2333
 * ```
 */
export const rateDifference = (
  first: Rates,
  second: Rates,
  level: number = 0.95,
): Result.Result<Interval, StatisticsError> =>
  Result.map(linearised("rateDifference", first, second, level), (found) => ({
    ...found,
    lower: Math.max(-1, found.lower),
    upper: Math.min(1, found.upper),
  }));

/** The sum of some quantity (costs, errors) by blocks, and of how many rows: its mean is the one over the other. */
export interface Sums {
  readonly counts: Numbers;
  readonly sums: Numbers;
}

/**
 * The difference of two means over the same blocks, first less second, as {@link rateDifference} has it, but of any
 * quantity: say what the errors of two groups of people cost. Limits are not cut.
 *
 * Errors: as {@link rateDifference}.
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const north = { counts: [10, 10, 10], sums: [40, 60, 50] }
 * const south = { counts: [10, 10, 10], sums: [20, 30, 30] }
 * const difference = Result.getOrThrow(Interval.groupDifference(north, south))
 * difference.estimate // 2.333
 * ```
 */
export const groupDifference = (
  first: Sums,
  second: Sums,
  level: number = 0.95,
): Result.Result<Interval, StatisticsError> =>
  linearised(
    "groupDifference",
    { trials: first.counts, hits: first.sums },
    { trials: second.counts, hits: second.sums },
    level,
  );

const linearised = (
  operation: string,
  first: Rates,
  second: Rates,
  level: number,
): Result.Result<Interval, StatisticsError> => {
  const bad =
    inUnit(operation, "level", level) ??
    parallel(operation, "first.trials", first.trials, "first.hits", first.hits) ??
    parallel(operation, "second.trials", second.trials, "second.hits", second.hits) ??
    parallel(operation, "first.trials", first.trials, "second.trials", second.trials) ??
    finite(operation, "first.trials", first.trials) ??
    finite(operation, "first.hits", first.hits) ??
    finite(operation, "second.trials", second.trials) ??
    finite(operation, "second.hits", second.hits);
  if (bad !== undefined) return Result.fail(bad);
  const [a, b] = [rateOf(first), rateOf(second)];
  let [blocks, squares] = [0, 0];
  for (let block = 0; block < first.trials.length; block++) {
    if (first.trials[block] === 0 && second.trials[block] === 0) continue;
    blocks++;
    squares += (moved(first, a, block) - moved(second, b, block)) ** 2;
  }
  if (blocks < 2 || a.trials === 0 || b.trials === 0) {
    return Result.fail(
      problem(
        operation,
        "tooFew",
        "trials",
        `${a.trials} and ${b.trials} trials in ${blocks} blocks`,
        "Have trials on both sides and at least two blocks, better thirty",
      ),
    );
  }
  const deviation = Math.sqrt((blocks / (blocks - 1)) * squares);
  if (deviation === 0) {
    return Result.fail(
      problem(
        operation,
        "degenerate",
        "hits",
        `the rates ${a.rate} and ${b.rate} do not vary between blocks`,
        "All hits or none: wait for more rows, the interval would prove what it cannot",
      ),
    );
  }
  const estimate = a.rate - b.rate;
  const reach = student((1 + level) / 2, blocks - 1) * deviation;
  return Result.succeed({
    estimate,
    lower: estimate - reach,
    upper: estimate + reach,
    level,
    method: "linearised",
  });
};

interface Rate {
  readonly trials: number;
  readonly rate: number;
}

const rateOf = ({ trials, hits }: Rates): Rate => {
  let [all, hit] = [0, 0];
  for (let block = 0; block < trials.length; block++) {
    all += trials[block]!;
    hit += hits[block]!;
  }
  return { trials: all, rate: hit / all };
};

const moved = ({ trials, hits }: Rates, of: Rate, block: number): number =>
  (hits[block]! - of.rate * trials[block]!) / of.trials;

/**
 * The difference of two estimates from different rows, first less second, from their intervals: say of a gain on train
 * rows and the gain on test rows. Whatever the intervals' shape: the method of variance estimates recovery.
 *
 * Source: Zou & Donner, Statistics in Medicine 27(10), 2008. **The estimates must be independent.**
 * Errors: `outOfRange` (levels that differ).
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const gap = (train: Interval.Interval, test: Interval.Interval) =>
 *   Result.getOrThrow(Interval.differenceOf(train, test)).upper
 * ```
 */
export const differenceOf = (
  first: Interval,
  second: Interval,
): Result.Result<Interval, StatisticsError> => {
  if (first.level !== second.level) {
    return Result.fail(
      problem(
        "differenceOf",
        "outOfRange",
        "level",
        `the levels are ${first.level} and ${second.level}`,
        "Pass two intervals of one level",
      ),
    );
  }
  const estimate = first.estimate - second.estimate;
  const below = Math.hypot(first.estimate - first.lower, second.upper - second.estimate);
  const above = Math.hypot(first.upper - first.estimate, second.estimate - second.lower);
  return Result.succeed({
    estimate,
    lower: estimate - below,
    upper: estimate + above,
    level: first.level,
    method: "mover",
  });
};
