/**
 * Interactions: a table of who did what with which item, as recommenders read it. Says which columns of
 * a contract are the user, the item, the rating and the time, and from which rating on an interaction
 * counts as liked.
 */
import { type Column, type Contract, Digest } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { identifier } from "../Duckdb.ts";

/** Interactions as data: digested, and stored with what is trained on them. */
export const InteractionsSpec = Schema.Struct({
  /** Name of the contract; interactions are recognised again by it. */
  name: Schema.String,
  contract: Digest.Digest,
  user: Schema.String,
  item: Schema.String,
  /** The time of an interaction: the contract's event time. */
  decidedAt: Schema.optionalKey(Schema.String),
  rating: Schema.optionalKey(
    Schema.Struct({
      column: Schema.String,
      /** From this rating on, the user liked the item. */
      likedFrom: Schema.Finite,
    }),
  ),
});
/** See {@link InteractionsSpec}. */
export type InteractionsSpec = typeof InteractionsSpec.Type;

/** The columns of `C` that can name a user or an item: text or whole numbers, never missing. */
export type Identifiers<C extends Contract.Contract> = {
  readonly [K in keyof C["columns"] & string]: C["columns"][K] extends Column.Column<
    string | number
  >
    ? K
    : never;
}[keyof C["columns"] & string];

/** The columns of `C` that hold numbers, never missing. */
export type Numbers<C extends Contract.Contract> = {
  readonly [K in keyof C["columns"] & string]: C["columns"][K] extends Column.Column<number>
    ? K
    : never;
}[keyof C["columns"] & string];

/** Which columns are what. */
export interface InteractionsOptions<C extends Contract.Contract> {
  readonly user: Identifiers<C>;
  readonly item: Identifiers<C>;
  /**
   * What the user gave, and from which value on the item counts as liked. Without it every interaction
   * does, as with clicks and purchases.
   */
  readonly rating?: { readonly column: Numbers<C>; readonly likedFrom: number };
}

/** Interactions under contract `C`. */
export interface Interactions<out C extends Contract.Contract = Contract.Contract> {
  readonly contract: C;
  readonly spec: InteractionsSpec;
  readonly digest: Digest.Digest;
}

/**
 * Says which columns of a contract are the user, the item and the rating. Throws a `TypeError` if one is
 * none of the contract's, or user and item are one column.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Interactions } from "@ml-pipe/data";
 *
 * const Rating = Contract.make("rating", {
 *   version: "1", owner: "films", eventTime: "at",
 *   columns: {
 *     user: Column.int(), film: Column.int(), at: Column.timestamp(),
 *     stars: Column.float({ min: 0.5, max: 5, availableAt: "outcome" }),
 *   },
 * });
 * const Ratings = Interactions.make(Rating, {
 *   user: "user", item: "film", rating: { column: "stars", likedFrom: 4 },
 * });
 * ```
 */
export const make = <C extends Contract.Contract>(
  contract: C,
  { user, item, rating }: InteractionsOptions<C>,
): Interactions<C> => {
  const { name, columns, eventTime } = contract.spec;
  const unknown = [user, item, rating?.column].find(
    (column) => column !== undefined && columns[column] === undefined,
  );
  if (unknown !== undefined) {
    throw new TypeError(`interactions: the contract "${name}" has no column "${unknown}"`);
  }
  if (String(user) === String(item)) {
    throw new TypeError(`interactions: "${user}" cannot be both the user and the item`);
  }
  if (rating !== undefined && !Number.isFinite(rating.likedFrom)) {
    throw new TypeError(`interactions: likedFrom is ${rating.likedFrom}; give a rating`);
  }
  const spec: InteractionsSpec = {
    name,
    contract: contract.digest,
    user,
    item,
    ...(eventTime === undefined ? {} : { decidedAt: eventTime }),
    ...(rating === undefined ? {} : { rating: { ...rating } }),
  };
  return { contract, spec, digest: Digest.ofJson(spec) };
};

/** An identifier as text, the same for a number in whichever type. */
export const textSql = (column: string): string => `CAST(${identifier(column)} AS VARCHAR)`;

/** Whether a row says nothing, in SQL: no user, no item or no finite rating. {@link pairsSql} leaves it out. */
export const unreadableSql = ({ user, item, rating }: InteractionsSpec): string => {
  const missing = [user, item].map((column) => `${identifier(column)} IS NULL`);
  const infinite =
    rating === undefined
      ? []
      : [`NOT coalesce(isfinite(CAST(${identifier(rating.column)} AS DOUBLE)), FALSE)`];
  return `(${[...missing, ...infinite].join(" OR ")})`;
};

/**
 * One row for each user and item of a relation under the contract: `user` and `item` as text, `liked`,
 * and `rating`, the last one given (how often they met, where there is no rating). Rows without a user,
 * an item or a finite rating are left out.
 */
export const pairsSql = (spec: InteractionsSpec, relation: string): string => {
  const { user, item, rating, decidedAt } = spec;
  const ids = `${textSql(user)} AS user, ${textSql(item)} AS item`;
  const known = `${identifier(user)} IS NOT NULL AND ${identifier(item)} IS NOT NULL`;
  if (rating === undefined) {
    return `(SELECT ${ids}, count(*)::DOUBLE AS rating, true AS liked FROM ${relation} WHERE ${known} GROUP BY ALL)`;
  }
  const given = `CAST(${identifier(rating.column)} AS DOUBLE)`;
  const last = decidedAt === undefined ? given : `(${identifier(decidedAt)}, ${given})`;
  return `(SELECT *, rating >= ${rating.likedFrom} AS liked FROM (SELECT ${ids}, arg_max(${given}, ${last}) AS rating
    FROM ${relation} WHERE ${known} AND isfinite(${given}) GROUP BY ALL))`;
};
