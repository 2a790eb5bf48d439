import * as Result from "effect/Result";
import type { Interval } from "./Interval.ts";
import {
  finite,
  inUnit,
  masses,
  parallel,
  problem,
  wholeAtLeast,
  type Numbers,
} from "./internal/Check.ts";
import { normal, student } from "./internal/Inverse.ts";
import { sortedQuantile } from "./internal/Quantile.ts";
import { Xoshiro128 } from "./Random.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/** Options of the block bootstrap. */
export interface BootstrapOptions {
  /** Confidence level in (0, 1); default 0.95. */
  readonly level?: number;
  /** How often the blocks are drawn again; default 2000, at least 100. */
  readonly resamples?: number;
  /** Any whole number; default 0. The same seed and input give the same interval, bit for bit. */
  readonly seed?: number;
  /**
   * Widen the percentiles for few blocks; default true. The plain percentile interval of K blocks is too narrow, about
   * as a normal interval with divisor K is: at 10 blocks a nominal 95 % holds some 90 %. Expanding makes up for it
   * (Hesterberg, The American Statistician 69(4), 2015) and changes nothing that matters for 100 blocks.
   */
  readonly expanded?: boolean;
}

/**
 * The interval of the mean of `a[i] - b[i]` when rows of one block (a day, a user, a store) resemble each other and
 * blocks do not: whole blocks are drawn again with replacement. `blocks[i]` is the id of the block of row i, any
 * integers, in any order. The statistic is (sum of differences) / (rows) over the drawn blocks.
 *
 * Sums and counts per block are taken once: O(rows + resamples x blocks) time. Numbers from xoshiro128**.
 *
 * Source: cluster bootstrap, Davison & Hinkley, Bootstrap Methods, 1997, section 3.8; Field & Welsh, JRSS B 69(3),
 * 2007. Percentile limits (Efron 1979), expanded by default (see `BootstrapOptions`). Have 10 blocks or more.
 * Errors: `empty`, `lengthMismatch`, `notFinite`, `tooFew` (one block), `outOfRange` (an option).
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const baseline = [5, 6, 4, 7, 5, 6]
 * const candidate = [4, 4, 3, 6, 5, 5]
 * const day = Int32Array.of(1, 1, 2, 2, 3, 3)
 * const gain = Result.getOrThrow(Interval.blockBootstrap(baseline, candidate, day, { seed: 7 }))
 * gain.estimate // 1
 * ```
 */
export const blockBootstrap = (
  a: Numbers,
  b: Numbers,
  blocks: Int32Array,
  options: BootstrapOptions = {},
): Result.Result<Interval, StatisticsError> => {
  const operation = "blockBootstrap";
  const bad =
    parallel(operation, "a", a, "b", b) ??
    parallel(operation, "a", a, "blocks", blocks) ??
    finite(operation, "a", a) ??
    finite(operation, "b", b);
  if (bad !== undefined) return Result.fail(bad);
  const { dense, size } = numbered(blocks);
  const sums = new Float64Array(size);
  const counts = new Float64Array(size);
  for (let i = 0; i < a.length; i++) {
    const block = dense[i]!;
    sums[block]! += a[i]! - b[i]!;
    counts[block]! += 1;
  }
  return resampled(operation, sums, counts, options);
};

/**
 * `blockBootstrap` from the sum and the row count of each block, as one `GROUP BY` gives them: one element per block.
 * Use it when the rows are in DuckDB: only the blocks leave it. The order of blocks matters to the drawn numbers, so
 * `ORDER BY` the block.
 *
 * Errors: as `blockBootstrap`, and `outOfRange` for a count that is not positive.
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const gain = Result.getOrThrow(Interval.bootstrapTotals([3, 2, 1], [2, 2, 2], { resamples: 500 }))
 * gain.estimate // 1
 * ```
 */
export const bootstrapTotals = (
  sums: Numbers,
  counts: Numbers,
  options: BootstrapOptions = {},
): Result.Result<Interval, StatisticsError> => resampled("bootstrapTotals", sums, counts, options);

/**
 * `bootstrapTotals` of any statistic that follows from sums over rows, such as a ratio, a correlation or F1:
 * `sums[k][b]` is the sum of quantity k over the rows of block b, and `statistic` gets the k sums of the drawn blocks
 * (in an array that is used again: keep nothing of it). A draw in which the statistic is NaN, such as one without a
 * positive row, is left out; where more than one draw in twenty is, there is no interval.
 *
 * Source, options and errors as `bootstrapTotals`; `degenerate` where the statistic is NaN, or often in draws.
 *
 * @example
 * ```ts
 * import { Interval } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * // Precision over three days, from the true and the false positives of each.
 * const precision = Result.getOrThrow(
 *   Interval.bootstrapStatistic([[8, 9, 7], [2, 1, 4]], ([hits = 0, misses = 0]) => hits / (hits + misses))
 * )
 * precision.estimate // 0.774
 * ```
 */
export const bootstrapStatistic = (
  sums: ReadonlyArray<Numbers>,
  statistic: (sums: Float64Array) => number,
  options: BootstrapOptions = {},
): Result.Result<Interval, StatisticsError> => {
  const operation = "bootstrapStatistic";
  const [first = []] = sums;
  for (const [index, one] of sums.entries()) {
    const bad =
      parallel(operation, "sums[0]", first, `sums[${index}]`, one) ??
      finite(operation, `sums[${index}]`, one);
    if (bad !== undefined) return Result.fail(bad);
  }
  return drawn(operation, sums, first.length, statistic, options);
};

const resampled = (
  operation: string,
  sums: Numbers,
  counts: Numbers,
  options: BootstrapOptions,
): Result.Result<Interval, StatisticsError> => {
  const bad =
    parallel(operation, "sums", sums, "counts", counts) ??
    finite(operation, "sums", sums) ??
    masses(operation, "counts", counts) ??
    positive(operation, counts);
  return bad === undefined
    ? drawn(operation, [sums, counts], sums.length, ([sum = 0, rows = 0]) => sum / rows, options)
    : Result.fail(bad);
};

/** Share of draws that may have no statistic. */
const mostWithout = 0.05;

const drawn = (
  operation: string,
  sums: ReadonlyArray<Numbers>,
  size: number,
  statistic: (sums: Float64Array) => number,
  options: BootstrapOptions,
): Result.Result<Interval, StatisticsError> => {
  const { level = 0.95, resamples = 2000, seed = 0, expanded = true } = options;
  const bad =
    inUnit(operation, "level", level) ??
    wholeAtLeast(operation, "resamples", resamples, 100) ??
    wholeAtLeast(operation, "seed", seed, Number.MIN_SAFE_INTEGER) ??
    (size < 2 ? oneBlock(operation) : undefined);
  if (bad !== undefined) return Result.fail(bad);
  const total = new Float64Array(sums.length);
  // Block by block, so that those of a drawn block lie side by side.
  const byBlock = new Float64Array(size * sums.length);
  for (const [k, one] of sums.entries()) {
    for (let block = 0; block < size; block++) {
      total[k]! += one[block]!;
      byBlock[block * sums.length + k] = one[block]!;
    }
  }
  const estimate = statistic(total);
  const random = Xoshiro128.fromSeed(seed);
  const found = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    total.fill(0);
    for (let draw = 0; draw < size; draw++) {
      const at = random.below(size) * sums.length;
      for (let k = 0; k < total.length; k++) total[k]! += byBlock[at + k]!;
    }
    found[resample] = statistic(total);
  }
  // NaN is sorted to the end.
  found.sort();
  const first = found.findIndex(Number.isNaN);
  const draws = first === -1 ? found : found.subarray(0, first);
  if (Number.isNaN(estimate) || draws.length < resamples * (1 - mostWithout)) {
    return Result.fail(withoutStatistic(operation, resamples - draws.length, resamples));
  }
  const tail = expanded ? expandedTail((1 - level) / 2, size) : (1 - level) / 2;
  return Result.succeed({
    estimate,
    lower: sortedQuantile(draws, tail),
    upper: sortedQuantile(draws, 1 - tail),
    level,
    method: expanded ? "block-bootstrap-expanded-percentile" : "block-bootstrap-percentile",
  });
};

const oneBlock = (operation: string): StatisticsError =>
  problem(
    operation,
    "tooFew",
    "blocks",
    "all rows are in one block, which says nothing about variation between blocks",
    "Use a finer block (an hour for a day), wait for more blocks, or treat the result as inconclusive",
  );

const withoutStatistic = (operation: string, without: number, resamples: number): StatisticsError =>
  problem(
    operation,
    "degenerate",
    "statistic",
    `the statistic cannot be computed in ${without} of ${resamples} draws`,
    "Take more rows or coarser blocks, so that each draw has what the statistic is about",
  );

/** Hesterberg 2015: the tail Phi(-sqrt(K / (K - 1)) t), t the Student quantile with K - 1 degrees. */
const expandedTail = (tail: number, size: number): number => {
  const z = -Math.sqrt(size / (size - 1)) * student(1 - tail, size - 1);
  // Phi by bisection of its inverse: called once per interval.
  let low = Number.MIN_VALUE;
  let high = tail;
  if (normal(low) >= z) return 0;
  for (let step = 0; step < 1100; step++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (normal(middle) < z) low = middle;
    else high = middle;
  }
  return high;
};

const positive = (operation: string, counts: Numbers): StatisticsError | undefined => {
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0) {
      return problem(
        operation,
        "outOfRange",
        "counts",
        `counts[${i}] is 0`,
        "Leave out blocks without rows",
        i,
      );
    }
  }
  return undefined;
};

/** Blocks numbered 0, 1, ... in order of id, so that the order of rows does not change the interval. */
const numbered = (blocks: Int32Array): { readonly dense: Int32Array; readonly size: number } => {
  const ids = blocks.toSorted();
  let size = 0;
  for (let i = 0; i < ids.length; i++) {
    if (i === 0 || ids[i] !== ids[i - 1]) ids[size++] = ids[i]!;
  }
  const first = ids[0]!;
  const span = ids[size - 1]! - first + 1;
  const dense = new Int32Array(blocks.length);
  if (span <= 4 * blocks.length + 1024) {
    const index = new Int32Array(span);
    for (let k = 0; k < size; k++) index[ids[k]! - first] = k;
    for (let i = 0; i < blocks.length; i++) dense[i] = index[blocks[i]! - first]!;
    return { dense, size };
  }
  for (let i = 0; i < blocks.length; i++) {
    let low = 0;
    let high = size - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ids[middle]! < blocks[i]!) low = middle + 1;
      else high = middle;
    }
    dense[i] = low;
  }
  return { dense, size };
};
