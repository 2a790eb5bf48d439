/** What a stage of boosted trees takes, by type. */
import { Transform } from "@ml-pipe/data";
import { expectTypeOf, it } from "vitest";
import { Amount, Buys, Kind } from "../test-fixtures/visits.ts";
import * as Train from "./Train.ts";

it("takes labels of every kind", () => {
  expectTypeOf(Train.boostedTrees(Buys)).toEqualTypeOf<Train.TrainStage<typeof Buys.contract>>();
  Train.boostedTrees(Amount, { objective: "absoluteError" });
  Train.boostedTrees(Amount, { query: "shop" });
  Train.boostedTrees(Kind, { categorical: ["days"] });
  Train.boostedTrees(Amount, { quantile: 0.9, monotone: { age: "increasing" } });
});

it("names features and columns that there are", () => {
  // @ts-expect-error Type '"aged"' is not assignable to type '"age" | "copies" | "days"'
  Train.boostedTrees(Buys, { categorical: ["aged"] });
  // @ts-expect-error 'aged' does not exist in type '{ readonly age?: Direction; readonly copies?: Direction;
  Train.boostedTrees(Buys, { monotone: { aged: "increasing" } });
  // @ts-expect-error Type '"shop"' is not assignable to type 'NumberColumns<
  Train.boostedTrees(Buys, { weight: "shop" });
  // @ts-expect-error Type '"label"' is not assignable
  Train.boostedTrees(Buys, { query: "label" });
});

it("leaves the names to a transformation, which makes them", () => {
  const prepare = Transform.make(Buys, ($) => ({ shop: Transform.ordinal($.shop), age: $.age }));
  Train.boostedTrees(Buys, { prepare, categorical: ["shop"], monotone: { age: "decreasing" } });
});

it("has objectives that fit the label", () => {
  // @ts-expect-error only a label that is a number has a choice of objectives
  Train.boostedTrees(Buys, { objective: "squaredError" });
  // @ts-expect-error only a label that is a number has quantiles
  Train.boostedTrees(Kind, { quantile: 0.5 });
  // @ts-expect-error classes have no order to rank rows by
  Train.boostedTrees(Kind, { query: "shop" });
  // @ts-expect-error several classes have no monotone constraints: what one gains, another loses
  Train.boostedTrees(Kind, { monotone: { age: "increasing" } });
});
