/** Catalogues: a table with one row for each item, and what is known of it. */
import { type Column, type Contract, Digest } from "@ml-pipe/core";
import { identifier, literal } from "../Duckdb.ts";
import type { Identifiers } from "./Interactions.ts";

/** The items under contract `C`, named by one of its columns. */
export interface Catalogue<out C extends Contract.Contract = Contract.Contract> {
  readonly contract: C;
  /** The column that names an item, as the interactions do. */
  readonly item: string;
  readonly digest: Digest.Digest;
}

/**
 * Says which column of a contract names the item. Throws a `TypeError` if it has no such column.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Catalogue } from "@ml-pipe/data";
 *
 * const Film = Contract.make("film", {
 *   version: "1", owner: "films", key: ["film"],
 *   columns: { film: Column.int(), title: Column.string(), genres: Column.string() },
 * });
 * const Films = Catalogue.make(Film, { item: "film" });
 * ```
 */
export const make = <C extends Contract.Contract>(
  contract: C,
  { item }: { readonly item: Identifiers<C> },
): Catalogue<C> => {
  if (contract.spec.columns[item] === undefined) {
    throw new TypeError(`catalogue: the contract "${contract.name}" has no column "${item}"`);
  }
  return { contract, item, digest: Digest.ofJson({ contract: contract.digest, item }) };
};

/** The columns of `C` that hold text. */
export type Texts<C extends Contract.Contract> = {
  readonly [K in keyof C["columns"] & string]: C["columns"][K] extends Column.Column<string | null>
    ? K
    : never;
}[keyof C["columns"] & string];

/** A text column that describes an item by tags between separators. */
export interface Tags<C extends Contract.Contract = Contract.Contract> {
  readonly by: Texts<C>;
  readonly separator: string;
}

/** The different tags of an item as a list in SQL; of the relation `table`. */
export const tagsSql = (
  { by, separator }: { readonly by: string; readonly separator: string },
  table: string,
): string =>
  `list_distinct(list_filter(list_transform(string_split(${table}.${identifier(by)}, ${literal(separator)}), lambda x: trim(x)), lambda x: x <> ''))`;

/** The cosine of two sets of tags, as vectors of ones; 0 where one has none. */
export const tagCosineSql = (a: string, b: string): string =>
  `coalesce(len(list_intersect(${a}, ${b})) / nullif(sqrt(len(${a})::DOUBLE * len(${b})), 0), 0)`;
