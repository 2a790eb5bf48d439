import * as Result from "effect/Result";
import type { Interval } from "../Interval.ts";
import type { StatisticsError } from "../StatisticsError.ts";
import { inUnit, problem, wholeAtLeast, type Numbers } from "./Check.ts";
import { sortedQuantile } from "./Quantile.ts";
import { Xoshiro128 } from "../Random.ts";

/** A coefficient of agreement. */
export interface Agreement {
  readonly estimate: number;
  /** Null where drawing items again too often leaves one class only, so that nothing varies. */
  readonly interval: Interval | null;
  /** Items that at least two ratings tell something about. */
  readonly items: number;
  /** Ratings of these items. */
  readonly ratings: number;
}

/** How the interval is found. */
export interface AgreementOptions {
  /** Confidence level in (0, 1); default 0.95. */
  readonly level?: number;
  /** How often items are drawn again; default 1000, at least 100. 0: no interval. */
  readonly resamples?: number;
  /** Any whole number; default 0. The same seed and input give the same interval, bit for bit. */
  readonly seed?: number;
}

/** The estimate, and its interval from drawing items again with replacement. */
export const summarised = (
  what: { readonly operation: string; readonly items: number; readonly ratings: number },
  statistic: (weight: Numbers | undefined) => number,
  options: AgreementOptions,
  who: string,
): Result.Result<Agreement, StatisticsError> => {
  const { operation, items, ratings } = what;
  const { level = 0.95, resamples = 1000, seed = 0 } = options;
  const bad =
    inUnit(operation, "level", level) ??
    (resamples === 0 ? undefined : wholeAtLeast(operation, "resamples", resamples, 100)) ??
    wholeAtLeast(operation, "seed", seed, Number.MIN_SAFE_INTEGER);
  if (bad !== undefined) return Result.fail(bad);
  if (items === 0) {
    return Result.fail(
      problem(
        operation,
        "tooFew",
        "ratings",
        `no item was ${who}`,
        "Agreement needs overlap: have some items annotated by more than one",
      ),
    );
  }
  const estimate = statistic(undefined);
  if (Number.isNaN(estimate)) {
    return Result.fail(
      problem(
        operation,
        "oneClass",
        "ratings",
        `all ${ratings} ratings are of one class, so that chance explains any agreement`,
        "Annotate items of other classes too, or report the share of equal labels",
      ),
    );
  }
  const random = Xoshiro128.fromSeed(seed);
  const weight = new Float64Array(items);
  const drawn: Array<number> = [];
  for (let resample = 0; resample < resamples; resample++) {
    weight.fill(0);
    for (let draw = 0; draw < items; draw++) weight[random.below(items)]! += 1;
    const value = statistic(weight);
    if (!Number.isNaN(value)) drawn.push(value);
  }
  const sorted = Float64Array.from(drawn).toSorted();
  const interval: Interval | null =
    items < 2 || drawn.length === 0 || drawn.length < 0.9 * resamples
      ? null
      : {
          estimate,
          lower: sortedQuantile(sorted, (1 - level) / 2),
          upper: sortedQuantile(sorted, (1 + level) / 2),
          level,
          method: "item-bootstrap-percentile",
        };
  return Result.succeed({ estimate, interval, items, ratings });
};
