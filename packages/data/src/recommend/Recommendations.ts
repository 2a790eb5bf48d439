/**
 * Recommendations: for each user a list of items in order. What every source of candidates hands over
 * and what a product shows are tables under this one contract, so that they can be merged, judged and
 * compared whatever made them.
 */
import { Column, Contract } from "@ml-pipe/core";
import type * as Table from "../Table.ts";

/**
 * The contract of a table of recommendations. Users and items are text, whatever they are in the
 * interactions; ranks of a user are 1, 2, 3 … without a gap.
 *
 * @example
 * ```ts
 * import { Recommendations, Table } from "@ml-pipe/data";
 *
 * const lists = Table.of(Recommendations.contract, "checked");
 * ```
 */
export const contract = Contract.make("recommendations", {
  version: "1.0.0",
  owner: "recommender",
  description: "for each user, items from the first to the last place",
  key: ["user", "item"],
  columns: {
    user: Column.string(),
    item: Column.string(),
    rank: Column.int({ min: 1, description: "place in the user's list" }),
    score: Column.float({
      description: "how well the item fits; comparable within a user only",
    }),
    source: Column.string({ description: "what proposed the item" }),
  },
});

/** A table of recommendations. */
export type Recommendations = Table.Table<typeof contract, "checked">;
