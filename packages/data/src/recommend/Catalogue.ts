/** Catalogues: a table with one row for each item, and what is known of it. */
import { type Contract, Digest } from "@ml-pipe/core";
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
