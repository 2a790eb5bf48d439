/** What a column's profile says: shares, moments, quantiles, frequent values, counts in bins. */
import * as Result from "effect/Result";
import { problem } from "../statistics/internal/Check.ts";
import type { StatisticsError } from "../statistics/StatisticsError.ts";
import { relativeError, type Span, spansOf, spansOfDays } from "./Buckets.ts";
import type { ColumnProfile, Values } from "./ColumnProfile.ts";
import { estimate, standardError } from "./Distinct.ts";

/** Rows of the profiled part: those with a value and those without. */
export const rowsOf = ({ nulls, present }: ColumnProfile): number => nulls + present;

/**
 * The share of rows without a value; undefined without rows.
 *
 * @example
 * ```ts
 * import { Profile } from "@ml-pipe/data";
 *
 * const share = Profile.nullShare({ type: "boolean", nulls: 1, present: 3, trues: 2 }); // 0.25
 * ```
 */
export const nullShare = (column: ColumnProfile): number | undefined => {
  const rows = rowsOf(column);
  return rows === 0 ? undefined : column.nulls / rows;
};

/** The mean of the finite values, or the share of true ones of a boolean; undefined without one. */
export const mean = ({ present, trues, number }: ColumnProfile): number | undefined => {
  if (trues !== undefined) return present === 0 ? undefined : trues / present;
  const moments = number?.moments;
  return moments === undefined || moments === null || moments.count === 0
    ? undefined
    : moments.mean;
};

/** The standard deviation of the finite values, with divisor n - 1; undefined below two. */
export const standardDeviation = ({ number }: ColumnProfile): number | undefined => {
  const moments = number?.moments;
  if (moments === undefined || moments === null || moments.count < 2) return undefined;
  return Math.sqrt(moments.m2 / (moments.count - 1));
};

/**
 * Skewness (g1 = m3 / m2^(3/2), of the population) and excess kurtosis (g2) of the finite values: exact
 * for listed values, else right to about 1 % where the standard deviation is a hundredth of the largest
 * magnitude or more. Undefined without variation.
 *
 * Source: Joanes & Gill, The Statistician 47(1), 1998.
 */
export const shape = ({
  number,
}: ColumnProfile): { readonly skewness: number; readonly kurtosis: number } | undefined => {
  const moments = number?.moments;
  if (moments === undefined || moments === null || !(moments.m2 > 0)) return undefined;
  const { count, m2, m3, m4 } = moments;
  return {
    skewness: (Math.sqrt(count) * m3) / m2 ** 1.5,
    kurtosis: (count * m4) / (m2 * m2) - 3,
  };
};

/** How many different values a column has. */
export interface DistinctCount {
  readonly count: number;
  /** Counted, not estimated. */
  readonly exact: boolean;
  /** Of the estimate, as a share of it; 0 if exact. */
  readonly standardError: number;
}

/**
 * The number of different values, without nulls, NaN and infinities: exact where the values are listed,
 * else estimated with a standard error of 2.3 %. Undefined if it cannot be told, after merging sketches
 * of different DuckDB versions.
 */
export const distinct = (column: ColumnProfile): DistinctCount | undefined => {
  const { present, trues, values } = column;
  if (trues !== undefined) {
    return exactly([trues, present - trues].filter((rows) => rows > 0).length);
  }
  if (values !== undefined && values !== null) return exactly(values.length);
  if (column.distinct === undefined || column.distinct === null) return undefined;
  return { count: Math.min(estimate(column.distinct), present), exact: false, standardError };
};

const exactly = (count: number): DistinctCount => ({ count, exact: true, standardError: 0 });

/** The most frequent values, by rows and then by value; undefined if values are not listed. */
export const frequent = ({ values }: ColumnProfile, most = 20): Values | undefined =>
  values === undefined || values === null
    ? undefined
    : values.toSorted((a, b) => b.rows - a.rows).slice(0, most);

/** Values on an axis in ascending order: of numbers, or instants in epoch milliseconds. */
export const spans = ({ values, number, instant }: ColumnProfile): ReadonlyArray<Span> => {
  if (number !== undefined && values !== undefined && values !== null) {
    return values.map(({ value, rows }) => ({ lower: Number(value), upper: Number(value), rows }));
  }
  if (number !== undefined) return spansOf(number.magnitudes);
  return instant === undefined ? [] : spansOfDays(instant.days);
};

/** Number of rows on the axis of {@link spans}. */
export const onAxis = (column: ColumnProfile): number =>
  spans(column).reduce((sum, { rows }) => sum + rows, 0);

/**
 * By how much {@link quantile} may be off: a share of the value for numbers (0 if values are listed),
 * the width of a bucket in milliseconds for instants.
 */
export const quantileError = ({ values, number, instant }: ColumnProfile): number => {
  if (number !== undefined) {
    return values !== undefined && values !== null ? 0 : relativeError(number.magnitudes.level);
  }
  return instant === undefined ? 0 : 2 ** instant.days.level * 86_400_000;
};

/**
 * The smallest value that at least the share `p` of the rows with a finite value does not exceed (type 1
 * of Hyndman & Fan, The American Statistician 50(4), 1996), up to {@link quantileError}. Fails with
 * `outOfRange` for a `p` outside of [0, 1], and with `empty` for a column without such values.
 *
 * @example
 * ```ts
 * import { Profile } from "@ml-pipe/data";
 * import * as Result from "effect/Result";
 *
 * const medianOf = (column: Profile.ColumnProfile): number | undefined =>
 *   Result.getOrUndefined(Profile.quantile(column, 0.5));
 * ```
 */
export const quantile = (
  column: ColumnProfile,
  p: number,
): Result.Result<number, StatisticsError> => {
  if (!(p >= 0 && p <= 1)) {
    return Result.fail(
      problem(
        "quantile",
        "outOfRange",
        "p",
        `p is ${p}, it lies in [0, 1]`,
        "Use 0.5 for the median",
      ),
    );
  }
  const all = spans(column);
  const rows = all.reduce((sum, each) => sum + each.rows, 0);
  const { number, instant } = column;
  const [min, max] = [number?.min ?? instant?.min ?? NaN, number?.max ?? instant?.max ?? NaN];
  if (rows === 0) {
    return Result.fail(
      problem(
        "quantile",
        "empty",
        "column",
        "no finite value to rank",
        "Profile a column that has numbers or instants",
      ),
    );
  }
  let rank = Math.max(1, Math.ceil(p * rows));
  for (const span of all) {
    rank -= span.rows;
    if (rank <= 0)
      return Result.succeed(Math.min(max, Math.max(min, middle(span, number !== undefined))));
  }
  return Result.succeed(max);
};

/** The value that is nearest, relatively, to all of a bucket of magnitudes; the middle of a day. */
const middle = ({ lower, upper }: Span, relative: boolean): number =>
  lower === upper || !relative ? (lower + upper) / 2 : 2 / (1 / lower + 1 / upper);

/**
 * Rows between `edges`, strictly ascending: `counts[0]` below the first edge, `counts[i]` from edge
 * `i - 1` up to below edge `i`, and the last from the last edge on. Exact if edges are those of buckets
 * (see {@link spans}) or values are listed; else the rows of the bucket that holds an edge are taken as
 * spread evenly in it.
 *
 * @example
 * ```ts
 * import { Profile } from "@ml-pipe/data";
 *
 * const below18 = (age: Profile.ColumnProfile): number => Profile.histogramOn(age, [18])[0] ?? 0;
 * ```
 */
export const histogramOn = (column: ColumnProfile, edges: ArrayLike<number>): Float64Array => {
  const counts = new Float64Array(edges.length + 1);
  let bin = 0;
  for (const { lower, upper, rows } of spans(column)) {
    let from = lower;
    while (bin < edges.length && edges[bin]! <= from) bin++;
    let at = bin;
    while (at < edges.length && edges[at]! < upper) {
      counts[at]! += (rows * (edges[at]! - from)) / (upper - lower);
      from = edges[at]!;
      at++;
    }
    counts[at]! += lower === upper ? rows : (rows * (upper - from)) / (upper - lower);
  }
  return counts;
};
