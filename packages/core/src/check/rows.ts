/** Checks of several values of one row. A row in which one of them is null does not fail, unless said. */
import type { OfAlike, OfAny, OfNumbers, OfOrdered } from "./CheckSpec.ts";
import { make, type RowOptions } from "./options.ts";

/**
 * The first value is greater than the second: numbers, or instants that come later.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.greaterThan("arrivedAt", "departedAt", { owner: "flight-operations" });
 * ```
 */
export const greaterThan = <const A extends string, const B extends string>(
  column: A,
  than: B,
  options?: RowOptions,
): OfOrdered<A | B> => make("greater-than", [column, than], options);

/**
 * The first value is greater than the second or equal to it.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.greaterOrEqual("gross", "net");
 * ```
 */
export const greaterOrEqual = <const A extends string, const B extends string>(
  column: A,
  than: B,
  options?: RowOptions,
): OfOrdered<A | B> => make("greater-or-equal", [column, than], options);

/**
 * Two columns have the same value.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.equal("currency", "accountCurrency");
 * ```
 */
export const equal = <const A extends string, const B extends string>(
  column: A,
  to: B,
  options?: RowOptions,
): OfAlike<A | B> => make("equal", [column, to], options);

/** The values of a row, one for each column. */
type Tuple<Names extends ReadonlyArray<string>> = {
  readonly [I in keyof Names]: string | number | boolean;
};

/**
 * The values of two or more columns are one of the combinations.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.combinationInSet(["country", "currency"], [["DE", "EUR"], ["US", "USD"]]);
 * ```
 */
export const combinationInSet = <const Names extends ReadonlyArray<string>>(
  columns: Names,
  values: ReadonlyArray<Tuple<Names>>,
  options?: RowOptions,
): OfAny<Names[number]> =>
  make("combination-in-set", columns, options, { values: values.map((row) => [...row]) });

/**
 * The sum of columns equals another column, or a number; by default within 10⁻⁹ of the larger of the
 * two sides (at least of 1).
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const invoice = Check.sumEquals(["net", "tax"], "gross", { tolerance: 0.005 });
 * const shares = Check.sumEquals(["a", "b", "c"], 1);
 * ```
 */
export const sumEquals = <const Names extends string, const Total extends string | number>(
  columns: ReadonlyArray<Names>,
  total: Total,
  options: { readonly tolerance?: number } & RowOptions = {},
): OfNumbers<Names | Extract<Total, string>> => {
  const { tolerance } = options;
  return make("sum-equals", [...columns, ...(typeof total === "string" ? [total] : [])], options, {
    ...(typeof total === "number" ? { total } : {}),
    ...(tolerance === undefined ? {} : { tolerance }),
  });
};

/**
 * At least one of the columns has a value.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.anyPresent(["email", "phone"]);
 * ```
 */
export const anyPresent = <const N extends string>(
  columns: ReadonlyArray<N>,
  options?: RowOptions,
): OfAny<N> => make("any-present", columns, options);

/**
 * Exactly one of the columns has a value.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.onePresent(["companyId", "personId"]);
 * ```
 */
export const onePresent = <const N extends string>(
  columns: ReadonlyArray<N>,
  options?: RowOptions,
): OfAny<N> => make("one-present", columns, options);

/**
 * All of the columns have a value, or none has.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.allOrNonePresent(["latitude", "longitude"]);
 * ```
 */
export const allOrNonePresent = <const N extends string>(
  columns: ReadonlyArray<N>,
  options?: RowOptions,
): OfAny<N> => make("all-or-none-present", columns, options);

/**
 * The columns of a row have different values; nulls are left out.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.distinctWithinRow(["origin", "destination"]);
 * ```
 */
export const distinctWithinRow = <const N extends string>(
  columns: ReadonlyArray<N>,
  options?: RowOptions,
): OfAlike<N> => make("distinct-within-row", columns, options);

/**
 * A condition in SQL (DuckDB) that every row must meet: one expression over the named columns, with
 * functions that depend on nothing but their arguments. No subquery, no aggregate, no file. A row for
 * which it is null does not fail.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.sql("speed", ["km", "minutes"], "km / (minutes / 60) < 1000");
 * ```
 */
export const sql = <const N extends string>(
  name: string,
  columns: ReadonlyArray<N>,
  condition: string,
  options?: Omit<RowOptions, "name">,
): OfAny<N> => make("sql", columns, { ...options, name }, { condition });
