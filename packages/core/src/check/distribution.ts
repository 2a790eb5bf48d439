/**
 * Checks of how values are spread: how many different ones there are, and how often each occurs. Counts
 * are exact, from one GROUP BY for each column that all its checks share, unless the name says `approx`.
 */
import type { OfAny, OfSame } from "./CheckSpec.ts";
import { type FigureLimits, make, makeFigure, type Options } from "./options.ts";

/** A figure of a column of any type within limits. */
const figure =
  (kind: string) =>
  <const N extends string>(column: N, options: FigureLimits & Options): OfAny<N> =>
    makeFigure(kind, [column], options);

/**
 * The number of different values.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.distinctCount("country", { between: [150, 250] });
 * ```
 */
export const distinctCount = figure("distinct-count");

/**
 * About how many different values there are: HyperLogLog in the one scan, in constant memory. It is
 * coarse: DuckDB's has 64 registers, a standard error of 1.04 / √64 = 13 %. Measured with DuckDB 1.5.6 on
 * whole numbers, floats and texts of 100 to 10⁶ different values: a root mean square error of 10 % to 15 %,
 * one estimate in twenty off by 20 % to 30 % or more, the worst of 1,880 by 60 %. Counts from about 10 on are
 * not exact either. Give it wide limits; take {@link distinctCount} where less matters.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.approxDistinctCount("user", { atLeast: 100_000 });
 * ```
 */
export const approxDistinctCount = figure("approx-distinct-count");

/**
 * The number of different values divided by the number of values.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.distinctShare("user", { atLeast: 0.1 });
 * ```
 */
export const distinctShare = figure("distinct-share");

/**
 * The share of the values that occur exactly once.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.uniqueShare("session", { atLeast: 0.99 });
 * ```
 */
export const uniqueShare = figure("unique-share");

/**
 * The number of values that occur exactly once divided by the number of different values.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.uniqueValueRatio("session", { atLeast: 0.9 });
 * ```
 */
export const uniqueValueRatio = figure("unique-value-ratio");

/**
 * The share of the most common value. A column with one value only has 1; one that is almost constant
 * is near it.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.mostCommonShare("country", { atMost: 0.95 });
 * ```
 */
export const mostCommonShare = figure("most-common-share");

/**
 * How even classes are: the count of the rarest value divided by the count of the most common.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.classBalance("label", { atLeast: 0.1, severity: "warn" });
 * ```
 */
export const classBalance = figure("class-balance");

/**
 * Shannon's entropy −Σ p ln p of the values, in nats (as `scipy.stats.entropy` of the counts).
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.entropy("country", { atLeast: 1 });
 * ```
 */
export const entropy = figure("entropy");

/**
 * The most common value is one of these. Of values that are equally common, all count.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.mostCommon("status", ["delivered"]);
 * ```
 */
export const mostCommon = <const N extends string, T extends string | number | boolean>(
  column: N,
  values: ReadonlyArray<T>,
  options?: Options,
): OfSame<N, T> => make("most-common", [column], options, { values: [...values] });

/**
 * Each of these values occurs at least once.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.contains("weekday", [1, 2, 3, 4, 5, 6, 7]);
 * ```
 */
export const contains = <const N extends string, T extends string | number | boolean>(
  column: N,
  values: ReadonlyArray<T>,
  options?: Options,
): OfSame<N, T> => make("contains", [column], options, { values: [...values] });

/**
 * The mutual information Σ p(x,y) ln(p(x,y) / (p(x) p(y))) of two columns, in nats (as
 * `sklearn.metrics.mutual_info_score`), over the rows that have both. A pass for each pair.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.mutualInformation("plan", "churned", { atMost: 0.5 });
 * ```
 */
export const mutualInformation = <const A extends string, const B extends string>(
  column: A,
  other: B,
  options: FigureLimits & Options,
): OfAny<A | B> => makeFigure("mutual-information", [column, other], options);

/**
 * Cramér's V of two columns, √(χ² / (n · min(rows − 1, columns − 1))), without a correction for bias (as
 * `scipy.stats.contingency.association`), over the rows that have both. A pass for each pair.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.cramersV("browser", "country", { atMost: 0.5 });
 * ```
 */
export const cramersV = <const A extends string, const B extends string>(
  column: A,
  other: B,
  options: FigureLimits & Options,
): OfAny<A | B> => makeFigure("cramers-v", [column, other], options);
