/** Stages that recommend without knowing the user: what is popular, and what chance draws. */
import { type Contract, Stage } from "@ml-pipe/core";
import { Duckdb, Interactions, Recommender, Table } from "@ml-pipe/data";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import { type RecommenderStage, requireRows, storePart } from "./pairs.ts";

/** How {@link popularity} counts. */
export interface PopularityOptions {
  /**
   * After this time an interaction counts half, as of the last one in the train table; needs an event
   * time. Default: all count the same.
   */
  readonly halfLife?: Duration.Input;
}

/** Decayed counts are added as whole numbers, so that the order in which threads add them is all one. */
const fixedPoint = 2 ** 30;

/**
 * A stage that orders items by how many users liked them: the same list for everybody, less what each
 * has met. The baseline that a recommender must beat.
 *
 * Throws a `TypeError` for a half-life without an event time, or one that is not above 0.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { Interactions } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract>(interactions: Interactions.Interactions<C>) =>
 *   Train.popularity(interactions, { halfLife: "365 days" });
 * ```
 */
export const popularity = <C extends Contract.Contract>(
  interactions: Interactions.Interactions<C>,
  { halfLife }: PopularityOptions = {},
): RecommenderStage<C> => {
  const { spec, digest } = interactions;
  const halfLifeMs =
    halfLife === undefined ? null : Duration.toMillis(Duration.fromInputUnsafe(halfLife));
  if (halfLifeMs !== null && (!(halfLifeMs > 0) || spec.decidedAt === undefined)) {
    throw new TypeError(
      spec.decidedAt === undefined
        ? `popularity: ${spec.name} has no event time, so nothing can decay`
        : "popularity: the half-life must be longer than nothing",
    );
  }
  return Stage.make("popularity", {
    description: "counts how many users liked each item",
    input: { train: Table.of(interactions.contract, "train") },
    output: Recommender.of(interactions),
    params: { interactions: digest, halfLifeMs },
    run: Effect.fnUntraced(function* ({ train }) {
      const relation = yield* Table.relation(train);
      return Recommender.make(interactions, train, {
        kind: "popularity",
        form: {
          _tag: "scores",
          scores: yield* storeLearnt(
            halfLifeMs === null
              ? `SELECT item, count(*)::DOUBLE AS score FROM ${Interactions.pairsSql(spec, relation)}
               WHERE liked GROUP BY item ORDER BY item`
              : decayedSql(spec, relation, halfLifeMs),
          ),
        },
      });
    }),
  });
};

const storeLearnt = (query: string) => Effect.flatMap(storePart(query), requireRows);

/** Each user counts once for an item, as of the last time that they liked it. */
const decayedSql = (
  { user, item, rating, decidedAt = "" }: Interactions.InteractionsSpec,
  relation: string,
  halfLifeMs: number,
): string => {
  const at = `epoch_ms(CAST(${Duckdb.identifier(decidedAt)} AS TIMESTAMP))`;
  const liked =
    rating === undefined
      ? "true"
      : `CAST(${Duckdb.identifier(rating.column)} AS DOUBLE) >= ${rating.likedFrom} AND isfinite(CAST(${Duckdb.identifier(rating.column)} AS DOUBLE))`;
  const last = `SELECT ${Interactions.textSql(user)} AS user, ${Interactions.textSql(item)} AS item, max(${at}) AS liked
    FROM ${relation} WHERE ${liked} GROUP BY ALL HAVING user IS NOT NULL AND item IS NOT NULL AND liked IS NOT NULL`;
  const now = `(SELECT max(${at}) FROM ${relation})`;
  const weight = `round(${fixedPoint} * pow(0.5, (${now} - liked) / ${halfLifeMs}.0))`;
  return `SELECT item, CAST(sum(CAST(${weight} AS HUGEINT)) AS DOUBLE) / ${fixedPoint} AS score
    FROM (${last}) GROUP BY item ORDER BY item`;
};

/**
 * A stage that recommends by chance: what anything must beat, and what coverage and novelty look like
 * without any knowledge.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { Interactions } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract>(interactions: Interactions.Interactions<C>) =>
 *   Train.randomItems(interactions, { seed: 1 });
 * ```
 */
export const randomItems = <C extends Contract.Contract>(
  interactions: Interactions.Interactions<C>,
  { seed = 0 }: { readonly seed?: number } = {},
): RecommenderStage<C> => {
  if (!Number.isSafeInteger(seed))
    throw new TypeError(`randomItems: the seed ${seed} is not whole`);
  return Stage.make("randomItems", {
    description: "recommends by chance",
    input: { train: Table.of(interactions.contract, "train") },
    output: Recommender.of(interactions),
    params: { interactions: interactions.digest, seed },
    run: Effect.fnUntraced(function* ({ train }) {
      const relation = yield* Table.relation(train);
      const item = Interactions.textSql(interactions.spec.item);
      return Recommender.make(interactions, train, {
        kind: "random items",
        form: {
          _tag: "random",
          seed,
          items: yield* storeLearnt(
            `SELECT DISTINCT ${item} AS item FROM ${relation} WHERE ${item} IS NOT NULL ORDER BY item`,
          ),
        },
      });
    }),
  });
};
