/**
 * Recommendations: for each user a list of items in order. What every source of candidates hands over
 * and what a product shows are tables under this one contract, so that they can be merged, judged and
 * compared whatever made them.
 */
import { type Charter, Column, Contract } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
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

const ListRule = Schema.Struct({ lists: Schema.NonEmptyString });

/**
 * A baseline of a charter that is a list for each user, such as what is most popular: names the source of
 * the lists, as `Recommender.candidates` writes it.
 *
 * @example
 * ```ts
 * import { Recommendations } from "@ml-pipe/data";
 *
 * const popular = Recommendations.baseline({
 *   name: "most popular", description: "what most users liked, for everybody", source: "popularity",
 * });
 * ```
 */
export const baseline = ({
  source,
  ...named
}: {
  readonly name: string;
  readonly description: string;
  readonly source: string;
}): Charter.Baseline => ({ ...named, rule: { lists: source } });

/** The source of lists that a baseline names; null if it is no list. */
export const sourceOf = ({ rule }: Charter.Baseline): string | null =>
  Schema.is(ListRule)(rule) ? rule.lists : null;
