import * as Result from "effect/Result";
import type { Population } from "./Drift.ts";
import {
  ascending,
  finite,
  masses,
  noNaN,
  notEmpty,
  parallel,
  problem,
  type Numbers,
} from "./internal/Check.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/**
 * The two-sample Kolmogorov–Smirnov statistic, exact: the largest difference of the two empirical distribution
 * functions, in [0, 1]. Both arrays ascending, no NaN; lengths may differ. O(n + m). An effect size: no p-value.
 *
 * Source: Smirnov, Bull. Math. Univ. Moscou 2, 1939; Conover, Practical Nonparametric Statistics, 1999, section 6.3.
 * Errors: `empty`, `notFinite` (NaN), `unsorted`.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const ks = Result.getOrThrow(Drift.ksSorted([1, 2, 3, 4], [3, 4, 5, 6])) // 0.5
 * ```
 */
export const ksSorted = (
  reference: Numbers,
  current: Numbers,
): Result.Result<number, StatisticsError> => {
  const bad = sorted("ksSorted", "reference", reference) ?? sorted("ksSorted", "current", current);
  if (bad !== undefined) return Result.fail(bad);
  const n = reference.length;
  const m = current.length;
  let i = 0;
  let j = 0;
  let most = 0;
  while (i < n && j < m) {
    const x = Math.min(reference[i]!, current[j]!);
    while (i < n && reference[i] === x) i++;
    while (j < m && current[j] === x) j++;
    most = Math.max(most, Math.abs(i / n - j / m));
  }
  return Result.succeed(most);
};

/** Between these lies the exact Kolmogorov–Smirnov statistic of the rows that were binned. */
export interface KsBounds {
  /** The largest difference at a bin edge: what is usually reported. */
  readonly lower: number;
  /** The most it could be inside a bin, given the counts. */
  readonly upper: number;
}

/**
 * Kolmogorov–Smirnov from counts in common bins, in ascending order of value, missing left out. A histogram sees the
 * distribution functions at its edges only, so it gives a **lower bound** of the statistic; the upper bound follows
 * from the counts on both sides of the bin. More bins bring the two together.
 *
 * Errors: `empty`, `lengthMismatch`, `notFinite`, `negative`, `allZero`.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const ks = Result.getOrThrow(Drift.ksBinned({ counts: [5, 5, 0] }, { counts: [0, 5, 5] }))
 * ks.lower // 0.5
 * ```
 */
export const ksBinned = (
  reference: Population,
  current: Population,
): Result.Result<KsBounds, StatisticsError> => {
  const bad = binned("ksBinned", reference, current);
  if (bad !== undefined) return Result.fail(bad);
  const n = sum(reference.counts);
  const m = sum(current.counts);
  let before = 0;
  let now = 0;
  let lower = 0;
  let upper = 0;
  for (let i = 0; i < reference.counts.length; i++) {
    const nextBefore = before + reference.counts[i]!;
    const nextNow = now + current.counts[i]!;
    lower = Math.max(lower, Math.abs(nextBefore / n - nextNow / m));
    upper = Math.max(upper, nextBefore / n - now / m, nextNow / m - before / n);
    before = nextBefore;
    now = nextNow;
  }
  return Result.succeed({ lower: Math.min(1, lower), upper: Math.min(1, upper) });
};

/** Options of the Wasserstein distances. */
export interface WassersteinOptions {
  /**
   * The unit of the result: the standard deviation of the reference, from a query, say. If absent it is computed
   * from the reference as given (divisor n). 1 gives the distance in the unit of the column.
   */
  readonly standardDeviation?: number;
  /** The least standard deviation divided by, so that a constant reference has a distance; default 0.001, as Evidently. */
  readonly deviationFloor?: number;
}

/**
 * 1-Wasserstein (earth mover's) distance of two ascending samples, exact, over the standard deviation of the
 * reference: by how many standard deviations values moved on average. Lengths may differ. O(n + m).
 *
 * Source: Vallender, Theory Probab. Appl. 18(4), 1974: the area between the two distribution functions; normed as
 * Evidently does. Errors: `empty`, `notFinite`, `unsorted`, `outOfRange` (an option).
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const moved = Result.getOrThrow(Drift.wassersteinSorted([0, 1, 3], [5, 6, 8], { standardDeviation: 1 })) // 5
 * ```
 */
export const wassersteinSorted = (
  reference: Numbers,
  current: Numbers,
  options: WassersteinOptions = {},
): Result.Result<number, StatisticsError> => {
  const operation = "wassersteinSorted";
  const bad =
    finite(operation, "reference", reference) ??
    finite(operation, "current", current) ??
    sorted(operation, "reference", reference) ??
    sorted(operation, "current", current);
  if (bad !== undefined) return Result.fail(bad);
  const n = reference.length;
  const m = current.length;
  let i = 0;
  let j = 0;
  let area = 0;
  let at = Math.min(reference[0]!, current[0]!);
  while (i < n || j < m) {
    const x =
      i === n ? current[j]! : j === m ? reference[i]! : Math.min(reference[i]!, current[j]!);
    area += (x - at) * Math.abs(i / n - j / m);
    at = x;
    while (i < n && reference[i] === x) i++;
    while (j < m && current[j] === x) j++;
  }
  return normed(operation, area, options, () => deviation(reference));
};

/**
 * 1-Wasserstein distance over the reference standard deviation from counts in common bins, missing left out:
 * `edges` has one element more than the counts, strictly ascending and finite, and rows are taken as spread evenly
 * within their bin. It is off by at most the mean bin width of a row, over the standard deviation. So is the
 * standard deviation if computed here: pass the one of the query.
 *
 * Source and errors as `wassersteinSorted`, and `lengthMismatch`, `negative`, `allZero`.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const moved = Result.getOrThrow(
 *   Drift.wassersteinBinned([0, 1, 2, 3], { counts: [4, 4, 0] }, { counts: [0, 4, 4] }, { standardDeviation: 1 })
 * ) // 1
 * ```
 */
export const wassersteinBinned = (
  edges: Numbers,
  reference: Population,
  current: Population,
  options: WassersteinOptions = {},
): Result.Result<number, StatisticsError> => {
  const operation = "wassersteinBinned";
  const bins = reference.counts.length;
  const bad =
    binned(operation, reference, current) ??
    finite(operation, "edges", edges) ??
    ascending(operation, "edges", edges, true) ??
    (edges.length === bins + 1
      ? undefined
      : problem(
          operation,
          "lengthMismatch",
          "edges",
          `${edges.length} edges for ${bins} bins`,
          `Pass ${bins + 1}: the lower edge of the first bin up to the upper edge of the last`,
        ));
  if (bad !== undefined) return Result.fail(bad);
  const n = sum(reference.counts);
  const m = sum(current.counts);
  let gap = 0;
  let area = 0;
  for (let i = 0; i < bins; i++) {
    const next = gap + reference.counts[i]! / n - current.counts[i]! / m;
    area += areaUnder(gap, next, edges[i + 1]! - edges[i]!);
    gap = next;
  }
  return normed(operation, area, options, () => binnedDeviation(edges, reference.counts, n));
};

/**
 * 1-Wasserstein distance from the quantiles of both at the same evenly spaced probabilities 0, 1/k, ..., 1, as
 * `quantile_cont` of DuckDB gives them: the area between the two quantile functions, linear in between. Ascending,
 * at least two. `standardDeviation` is needed: quantiles do not tell it.
 *
 * Source and errors as `wassersteinSorted`.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const moved = Result.getOrThrow(Drift.wassersteinQuantiles([0, 5, 10], [1, 6, 11], { standardDeviation: 2 })) // 0.5
 * ```
 */
export const wassersteinQuantiles = (
  reference: Numbers,
  current: Numbers,
  options: WassersteinOptions & { readonly standardDeviation: number },
): Result.Result<number, StatisticsError> => {
  const operation = "wassersteinQuantiles";
  const bad =
    parallel(operation, "reference", reference, "current", current) ??
    finite(operation, "reference", reference) ??
    finite(operation, "current", current) ??
    sorted(operation, "reference", reference) ??
    sorted(operation, "current", current) ??
    (reference.length >= 2
      ? undefined
      : problem(
          operation,
          "tooFew",
          "reference",
          "one quantile is no distribution",
          "Pass 11 or more, from 0 to 1",
        ));
  if (bad !== undefined) return Result.fail(bad);
  const steps = reference.length - 1;
  let area = 0;
  for (let i = 0; i < steps; i++) {
    area += areaUnder(reference[i]! - current[i]!, reference[i + 1]! - current[i + 1]!, 1 / steps);
  }
  return normed(operation, area, options, () => options.standardDeviation);
};

/** The integral of |f| over `width`, f going linearly from `from` to `to`. */
const areaUnder = (from: number, to: number, width: number): number =>
  from * to >= 0
    ? (width * Math.abs(from + to)) / 2
    : (width * (from * from + to * to)) / (2 * (Math.abs(from) + Math.abs(to)));

const normed = (
  operation: string,
  area: number,
  options: WassersteinOptions,
  computed: () => number,
): Result.Result<number, StatisticsError> => {
  const floor = options.deviationFloor ?? 0.001;
  const given = options.standardDeviation ?? computed();
  if (!(floor > 0) || !(given >= 0) || !Number.isFinite(given)) {
    return Result.fail(
      problem(
        operation,
        "outOfRange",
        "options",
        `standardDeviation is ${given} and deviationFloor ${floor}`,
        "The first must be finite and not negative, the second positive",
      ),
    );
  }
  return Result.succeed(area / Math.max(given, floor));
};

const deviation = (values: Numbers): number => {
  const mean = sum(values) / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  return Math.sqrt(squares / values.length);
};

/** Rows spread evenly in their bins: variance between the middles plus width^2 / 12 within. */
const binnedDeviation = (edges: Numbers, counts: Numbers, rows: number): number => {
  let mean = 0;
  for (let i = 0; i < counts.length; i++)
    mean += ((counts[i]! / rows) * (edges[i]! + edges[i + 1]!)) / 2;
  let variance = 0;
  for (let i = 0; i < counts.length; i++) {
    const width = edges[i + 1]! - edges[i]!;
    variance +=
      (counts[i]! / rows) * (((edges[i]! + edges[i + 1]!) / 2 - mean) ** 2 + (width * width) / 12);
  }
  return Math.sqrt(variance);
};

const sum = (values: Numbers): number => {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
};

const sorted = (operation: string, name: string, values: Numbers): StatisticsError | undefined =>
  notEmpty(operation, name, values) ??
  noNaN(operation, name, values) ??
  ascending(operation, name, values, false);

const binned = (
  operation: string,
  reference: Population,
  current: Population,
): StatisticsError | undefined =>
  parallel(operation, "reference.counts", reference.counts, "current.counts", current.counts) ??
  masses(operation, "reference.counts", reference.counts) ??
  masses(operation, "current.counts", current.counts);
