/** Checks of a row against other rows, of the same table or of another. */
import type { Check, OfAny, OfOrdered } from "./CheckSpec.ts";
import { make, type Options, type RowOptions } from "./options.ts";

/**
 * No two rows with the same values in a column, or in all of several. The first such row stays, the
 * later ones fail. Rows with a null among them do not count; for a primary key, name it in the contract.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const one = Check.unique("id");
 * const together = Check.unique(["flight", "date"], { where: "NOT cancelled" });
 * ```
 */
export const unique = <const N extends string>(
  columns: N | ReadonlyArray<N>,
  options?: RowOptions,
): OfAny<N> => make("unique", [columns].flat(), options);

/**
 * Values that increase from row to row in the order of the source; with `orEqual`, that do not
 * decrease. A row is compared with the nearest one before it that has a value.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.increasing("sequence");
 * ```
 */
export const increasing = <const N extends string>(
  column: N,
  options: { readonly orEqual?: boolean } & RowOptions = {},
): OfOrdered<N> => make("increasing", [column], options, { orEqual: options.orEqual ?? false });

/**
 * Values that decrease from row to row in the order of the source; with `orEqual`, that do not
 * increase. A row is compared with the nearest one before it that has a value.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.decreasing("remaining", { orEqual: true });
 * ```
 */
export const decreasing = <const N extends string>(
  column: N,
  options: { readonly orEqual?: boolean } & RowOptions = {},
): OfOrdered<N> => make("decreasing", [column], options, { orEqual: options.orEqual ?? false });

/**
 * Rows that are equal in some columns have one value in another: a functional dependency, such as one
 * label for equal features. All rows of a group with more than one value fail. Nulls do not count.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const label = Check.determines(["distance", "origin"], "late", { mostly: 0.99 });
 * ```
 */
export const determines = <const N extends string, const D extends string>(
  columns: ReadonlyArray<N>,
  determined: D,
  options?: RowOptions,
): OfAny<N | D> => make("determines", [...columns, determined], options);

/** A contract, as far as a check of another table needs it. */
interface Referenced {
  readonly name: string;
  readonly columns: { readonly [column: string]: { readonly schema: { readonly Type: unknown } } };
}
type ValueOf<
  C extends Referenced,
  K extends keyof C["columns"],
> = C["columns"][K]["schema"]["Type"];

/**
 * Values that occur in a column of another table: a foreign key. Nulls do not count. The stage that
 * validates takes the other table as an input of its own, see `references` of `Validate.table`.
 *
 * @example
 * ```ts
 * import { Check, Column, Contract } from "@ml-pipe/core";
 *
 * const Customer = Contract.make("customer", {
 *   version: "1.0.0", owner: "sales", columns: { id: Column.int() }, key: ["id"],
 * });
 * const check = Check.references("customerId", Customer, "id");
 * ```
 */
export const references = <
  const N extends string,
  const C extends Referenced,
  const K extends keyof C["columns"] & string,
>(
  column: N,
  to: C,
  key: K,
  options?: RowOptions,
): Check<{ readonly [P in N]: ValueOf<C, K> | null }> =>
  make("references", [column], options, { contract: to.name, column: key }, `.${to.name}`);

/**
 * The column has exactly the values that a column of another table has.
 *
 * @example
 * ```ts
 * import { Check, Column, Contract } from "@ml-pipe/core";
 *
 * const Store = Contract.make("store", {
 *   version: "1.0.0", owner: "sales", columns: { id: Column.string() },
 * });
 * const check = Check.sameValuesAs("store", Store, "id", { severity: "warn" });
 * ```
 */
export const sameValuesAs = <
  const N extends string,
  const C extends Referenced,
  const K extends keyof C["columns"] & string,
>(
  column: N,
  other: C,
  key: K,
  options?: Options,
): Check<{ readonly [P in N]: ValueOf<C, K> | null }> =>
  make(
    "same-values-as",
    [column],
    options,
    { contract: other.name, column: key },
    `.${other.name}`,
  );
