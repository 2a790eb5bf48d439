/**
 * Checks of a figure of the whole column: nulls, moments, order statistics, lengths. Figures of numbers
 * are of the finite ones. All of them but those that say so come from the one scan of the table.
 */
import type { OfAny, OfNumbers, OfSame, OfText } from "./CheckSpec.ts";
import {
  type FigureLimits,
  type Limits,
  limits,
  make,
  makeFigure,
  type Options,
  requireShare,
} from "./options.ts";

/** A figure of a column of numbers within limits. */
const figure =
  (kind: string) =>
  <const N extends string>(column: N, options: FigureLimits & Options): OfNumbers<N> =>
    makeFigure(kind, [column], options);

/**
 * The share of rows without a value.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.nullShare("delay", { atMost: 0.01 });
 * ```
 */
export const nullShare = <const N extends string>(
  column: N,
  options: FigureLimits & Options,
): OfAny<N> => makeFigure("null-share", [column], options);

/**
 * The number of rows without a value.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.nullCount("delay", { atMost: 100 });
 * ```
 */
export const nullCount = <const N extends string>(
  column: N,
  options: FigureLimits & Options,
): OfAny<N> => makeFigure("null-count", [column], options);

/**
 * The smallest value, of numbers or of instants.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.min("temperature", { between: [-60, 0] });
 * ```
 */
export const min = <const N extends string, T extends number | Date>(
  column: N,
  options: Limits<T> & Options,
): OfSame<N, T> => make("min", [column], options, limits("min", options));

/**
 * The largest value, of numbers or of instants.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.max("at", { atLeast: new Date("2001-06-30") });
 * ```
 */
export const max = <const N extends string, T extends number | Date>(
  column: N,
  options: Limits<T> & Options,
): OfSame<N, T> => make("max", [column], options, limits("max", options));

/**
 * The arithmetic mean.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.mean("delay", { between: [0, 20] });
 *
 * // No more than a tenth away from the mean of another table, by the name of its contract.
 * const alike = Check.mean("delay", { relativeTo: { name: "flight" }, within: 0.1 });
 * ```
 */
export const mean = figure("mean");

/**
 * The sum.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.sum("share", { between: [0.999, 1.001] });
 * ```
 */
export const sum = figure("sum");

/**
 * The sample standard deviation (n − 1).
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.standardDeviation("delay", { atLeast: 1 });
 * ```
 */
export const standardDeviation = figure("standard-deviation");

/**
 * The sample variance (n − 1).
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.variance("delay", { atLeast: 1 });
 * ```
 */
export const variance = figure("variance");

/**
 * The coefficient of variation: the sample standard deviation divided by |mean|.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.coefficientOfVariation("price", { atMost: 2 });
 * ```
 */
export const coefficientOfVariation = figure("coefficient-of-variation");

/**
 * The skewness G₁ of a sample (adjusted Fisher–Pearson, as `scipy.stats.skew(bias=False)` and
 * `pandas.Series.skew`; Joanes and Gill 1998). Needs three values that are not all equal.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.skewness("delay", { between: [-1, 10] });
 * ```
 */
export const skewness = figure("skewness");

/**
 * The excess kurtosis G₂ of a sample (0 for a normal distribution; as `scipy.stats.kurtosis(bias=False)`
 * and `pandas.Series.kurt`; Joanes and Gill 1998). Needs four values that are not all equal.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.kurtosis("delay", { atMost: 100 });
 * ```
 */
export const kurtosis = figure("kurtosis");

/**
 * The share of zeros among the values.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.zeroShare("rainfall", { atMost: 0.9 });
 * ```
 */
export const zeroShare = figure("zero-share");

/**
 * The median, exact: the mean of the two middle values if their number is even. It takes a pass of its
 * own and keeps the column in memory; for a large table, see {@link approxQuantile}.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.median("delay", { between: [-10, 10] });
 * ```
 */
export const median = figure("median");

/**
 * A quantile, exact, with linear interpolation (type 7 of Hyndman and Fan 1996, as `numpy.quantile`).
 * It takes a pass of its own and keeps the column in memory; for a large table, see
 * {@link approxQuantile}.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.quantile("delay", 0.9, { atMost: 60 });
 * ```
 */
export const quantile = <const N extends string>(
  column: N,
  q: number,
  options: FigureLimits & Options,
): OfNumbers<N> => quantileOf("quantile", column, q, options);

/**
 * A quantile from a t-digest of the one scan, in constant memory. Its error is one of rank, not of
 * value. Measured with DuckDB 1.5.6 for quantiles from 0.001 to 0.999 of 10⁶ values (uniform, normal,
 * lognormal, exponential, Pareto, two far apart, ascending, descending; one thread and two): at most 0.26 % of
 * the rows, mostly below 0.05 %.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.approxQuantile("delay", 0.99, { atMost: 180 });
 * ```
 */
export const approxQuantile = <const N extends string>(
  column: N,
  q: number,
  options: FigureLimits & Options,
): OfNumbers<N> => quantileOf("approx-quantile", column, q, options);

const quantileOf = <const N extends string>(
  kind: string,
  column: N,
  q: number,
  options: FigureLimits & Options,
): OfNumbers<N> => {
  requireShare(kind, "the quantile", q);
  return makeFigure(kind, [column], options, { q }, `-${q}`);
};

/**
 * The distance between the exact first and third quartile. It takes a pass, as {@link quantile}.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.interquartileRange("delay", { atLeast: 5 });
 * ```
 */
export const interquartileRange = figure("interquartile-range");

/**
 * The median of the distances to the median, exact and not scaled (as
 * `scipy.stats.median_abs_deviation`). It takes a pass, as {@link quantile}.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.medianAbsoluteDeviation("delay", { atMost: 30 });
 * ```
 */
export const medianAbsoluteDeviation = figure("median-absolute-deviation");

/**
 * Pearson's correlation of two columns, over the rows that have both.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.correlation("distance", "minutes", { atLeast: 0.9 });
 * ```
 */
export const correlation = <const A extends string, const B extends string>(
  column: A,
  other: B,
  options: FigureLimits & Options,
): OfNumbers<A | B> => makeFigure("correlation", [column, other], options);

/**
 * The length of the shortest text, in characters (code points).
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.minLength("review", { atLeast: 1 });
 * ```
 */
export const minLength = <const N extends string>(
  column: N,
  options: FigureLimits & Options,
): OfText<N> => makeFigure("min-length", [column], options);

/**
 * The length of the longest text, in characters (code points).
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.maxLength("review", { atMost: 5000 });
 * ```
 */
export const maxLength = <const N extends string>(
  column: N,
  options: FigureLimits & Options,
): OfText<N> => makeFigure("max-length", [column], options);

/**
 * The mean length of the texts, in characters (code points).
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.meanLength("review", { between: [50, 500] });
 * ```
 */
export const meanLength = <const N extends string>(
  column: N,
  options: FigureLimits & Options,
): OfText<N> => makeFigure("mean-length", [column], options);
