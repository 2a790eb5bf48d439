/** What a stage of boosted trees takes, by type. */
import { expectTypeOf, it } from "vitest";
import { Amount, Buys, Kind } from "../test-fixtures/visits.ts";
import * as Train from "./Train.ts";

it("takes labels of every kind", () => {
  expectTypeOf(Train.boostedTrees(Buys)).toEqualTypeOf<Train.TrainStage<typeof Buys.contract>>();
  Train.boostedTrees(Amount, { objective: "absoluteError" });
  Train.boostedTrees(Amount, { query: "shop" });
  Train.boostedTrees(Kind, { categorical: ["days"] });
});

it("names features and columns that there are", () => {
  // @ts-expect-error Argument of type '{ categorical: "aged"[]; }' is not assignable
  Train.boostedTrees(Buys, { categorical: ["aged"] });
  // @ts-expect-error Argument of type '{ monotone: { aged: "increasing"; }; }' is not assignable
  Train.boostedTrees(Buys, { monotone: { aged: "increasing" } });
  // @ts-expect-error Type '"shop"' is not assignable to type 'NumberColumns<
  Train.boostedTrees(Buys, { weight: "shop" });
  // @ts-expect-error Type '"label"' is not assignable
  Train.boostedTrees(Buys, { query: "label" });
});

it("has objectives that fit the label", () => {
  // @ts-expect-error Type 'string' is not assignable to type 'undefined'
  Train.boostedTrees(Buys, { objective: "squaredError" });
  // @ts-expect-error Type 'number' is not assignable to type 'undefined'
  Train.boostedTrees(Kind, { quantile: 0.5 });
});
