/** Checks of one value of each row: presence, limits, sets and the form of text. */
import type { OfAny, OfInstants, OfNumbers, OfSame, OfText } from "./CheckSpec.ts";
import { type Limits, limits, make, type RowOptions } from "./options.ts";

/**
 * A value in every row.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.notNull("delay", { where: "NOT cancelled" });
 * ```
 */
export const notNull = <const N extends string>(column: N, options?: RowOptions): OfAny<N> =>
  make("not-null", [column], options);

/**
 * No value in any row: such as what must be unknown before the outcome.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.isNull("arrivedAt", { where: "cancelled" });
 * ```
 */
export const isNull = <const N extends string>(column: N, options?: RowOptions): OfAny<N> =>
  make("null", [column], options);

/**
 * Values within limits, both inclusive; of numbers or of instants. NaN and ±Infinity are within none.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const delay = Check.between("delay", { between: [-60, 1440], mostly: 0.999 });
 * const since = Check.between("at", { atLeast: new Date("2001-01-01") });
 * ```
 */
export const between = <const N extends string, T extends number | Date>(
  column: N,
  options: Limits<T> & RowOptions,
): OfSame<N, T> => make("between", [column], options, limits("between", options));

/**
 * Numbers above 0.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.positive("distance");
 * ```
 */
export const positive = <const N extends string>(column: N, options?: RowOptions): OfNumbers<N> =>
  make("positive", [column], options);

/**
 * Numbers of 0 or more.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.nonNegative("amount");
 * ```
 */
export const nonNegative = <const N extends string>(
  column: N,
  options?: RowOptions,
): OfNumbers<N> => make("non-negative", [column], options);

/**
 * Numbers without a fraction, such as counts that arrive as doubles.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.wholeNumber("items");
 * ```
 */
export const wholeNumber = <const N extends string>(
  column: N,
  options?: RowOptions,
): OfNumbers<N> => make("whole-number", [column], options);

/**
 * Numbers within so many standard deviations of the mean: |x − mean| ≤ `atMost` · sd, with the sample
 * standard deviation over the same rows. It takes a pass more, after the one that finds both.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.zScore("amount", { atMost: 6, severity: "warn" });
 * ```
 */
export const zScore = <const N extends string>(
  column: N,
  options: { readonly atMost: number } & RowOptions,
): OfNumbers<N> =>
  make("z-score", [column], options, limits("z-score", { atMost: options.atMost }));

/**
 * Values from a set.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.inSet("cabin", ["economy", "business"], { mostly: 0.99 });
 * ```
 */
export const inSet = <const N extends string, T extends string | number | boolean>(
  column: N,
  values: ReadonlyArray<T>,
  options?: RowOptions,
): OfSame<N, T> => make("in-set", [column], options, { values: [...values] });

/**
 * No value from a set.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.notInSet("airport", ["XXX", "ZZZ"]);
 * ```
 */
export const notInSet = <const N extends string, T extends string | number | boolean>(
  column: N,
  values: ReadonlyArray<T>,
  options?: RowOptions,
): OfSame<N, T> => make("not-in-set", [column], options, { values: [...values] });

/**
 * Text that a regular expression (RE2) matches as a whole; with a list, one of them does.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.matches("flight", ["[A-Z]{2}\\d{1,4}", "N\\d{3}"]);
 * ```
 */
export const matches = <const N extends string>(
  column: N,
  pattern: string | ReadonlyArray<string>,
  options?: RowOptions,
): OfText<N> => make("matches", [column], options, { patterns: [pattern].flat() });

/**
 * Text in which a regular expression (RE2) is found nowhere; with a list, none of them is.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.notMatches("note", "(?i)password");
 * ```
 */
export const notMatches = <const N extends string>(
  column: N,
  pattern: string | ReadonlyArray<string>,
  options?: RowOptions,
): OfText<N> => make("not-matches", [column], options, { patterns: [pattern].flat() });

/**
 * Text of so many characters (code points).
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.length("country", { equals: 2 });
 * ```
 */
export const length = <const N extends string>(
  column: N,
  options: Limits & RowOptions,
): OfText<N> => make("length", [column], options, limits("length", options));

/** A form that text can have. */
export type TextFormat = "email" | "url" | "uuid" | "ipv4" | "json" | "card-number" | "iso-date";

/**
 * Text in a well-known form. `card-number`: 12 to 19 digits, spaces and hyphens aside, with a right
 * check digit (Luhn, ISO/IEC 7812-1). `email` and `url` are as browsers take them (HTML living
 * standard), `url` with http or https.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.format("contact", "email", { severity: "warn" });
 * ```
 */
export const format = <const N extends string>(
  column: N,
  form: TextFormat,
  options?: RowOptions,
): OfText<N> => make("format", [column], options, { format: form });

/**
 * Text that is a date or time in a format of `strptime`, such as `%d.%m.%Y`.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.dateFormat("born", "%Y-%m-%d");
 * ```
 */
export const dateFormat = <const N extends string>(
  column: N,
  pattern: string,
  options?: RowOptions,
): OfText<N> => make("date-format", [column], options, { pattern });

/**
 * Text that can be read as another type: a column of numbers that is kept as text.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.parsesAs("amount", "float", { mostly: 0.95 });
 * ```
 */
export const parsesAs = <const N extends string>(
  column: N,
  type: "boolean" | "int" | "float" | "timestamp",
  options?: RowOptions,
): OfText<N> => make("parses-as", [column], options, { type });

/**
 * Text with a character that is not white space.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.notBlank("title");
 * ```
 */
export const notBlank = <const N extends string>(column: N, options?: RowOptions): OfText<N> =>
  make("not-blank", [column], options);

/**
 * Text without white space at its ends.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.trimmed("city");
 * ```
 */
export const trimmed = <const N extends string>(column: N, options?: RowOptions): OfText<N> =>
  make("trimmed", [column], options);

/**
 * No text that stands for a missing value: empty, `NA`, `N/A`, `NaN`, `null`, `none`, `nil`, `-`, `?`,
 * in upper or lower case, with or without white space around it.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.noNullWords("city");
 * ```
 */
export const noNullWords = <const N extends string>(column: N, options?: RowOptions): OfText<N> =>
  make("no-null-words", [column], options);

/**
 * No instant after the one at which the table is validated (`asOf`).
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.notInFuture("paidAt");
 * ```
 */
export const notInFuture = <const N extends string>(
  column: N,
  options?: RowOptions,
): OfInstants<N> => make("not-in-future", [column], options);
