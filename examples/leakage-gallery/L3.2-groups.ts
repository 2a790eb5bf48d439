/**
 * L3.2: will this person like this film? The number of the person is a feature. A random split puts other
 * ratings of the same person into training; for a new person it says nothing.
 */
import { fileURLToPath } from "node:url";
import {
  Column,
  Contract,
  Duckdb,
  Features,
  FeatureSet,
  Split,
  Table,
  Train,
} from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { audited, type Example, rocAuc } from "./gallery.ts";

const columns = {
  person: Column.int(),
  year: Column.int({ nullable: true, description: "of the film" }),
  rating: Column.float({ availableAt: "outcome" }),
} as const;
const common = { version: "1.0.0", owner: "catalogue", columns } as const;

/** Nobody said what rows belong to. */
const Rating = Contract.make("rating", common);
/** With the group, a split that shares it between parts does not compile. */
const GroupedRating = Contract.make("grouped-rating", { ...common, group: "person" });

const Likes = FeatureSet.make("likes", {
  version: "1.0.0",
  of: Rating,
  label: ($) => $.rating.gte(4),
  features: ($) => ({ number: $.person, year: $.year }),
});
const GroupedLikes = FeatureSet.make("grouped-likes", {
  version: "1.0.0",
  of: GroupedRating,
  label: ($) => $.rating.gte(4),
  features: ($) => ({ number: $.person, year: $.year }),
});

const file = Duckdb.literal(fileURLToPath(new URL("data/movielens.csv.gz", import.meta.url)));
const query = `SELECT CAST(userId AS BIGINT) AS person, CAST(year AS BIGINT) AS year, CAST(rating AS DOUBLE) AS rating
  FROM read_csv(${file}) ORDER BY person, movieId`;

const shares = { validation: 0.2, test: 0.2 };
const trees = { maxTrees: 100, minSamplesLeaf: 10 } as const;

export const example = Effect.gen(function* () {
  const ratings = yield* Table.write(Rating, "checked", { query });
  const grouped = yield* Table.write(GroupedRating, "checked", { query });
  const leaky = yield* Split.random(Likes.contract, shares).run({
    data: yield* Features.stage(Likes).run({ data: ratings }),
  });
  const parts = yield* Split.byGroup(GroupedLikes.contract, shares).run({
    data: yield* Features.stage(GroupedLikes).run({ data: grouped }),
  });
  const peeked = yield* Train.boostedTrees(Likes, trees).run(leaky);
  const model = yield* Train.boostedTrees(GroupedLikes, trees).run(parts);
  return {
    kind: "L3.2",
    leaky: yield* rocAuc(Likes, peeked, leaky.test),
    caught: yield* audited(Likes, leaky, "leakage.undeclared-group"),
    honest: yield* rocAuc(GroupedLikes, model, parts.test),
  } satisfies Example;
});
