/** Training that must not compile, with the words that the author sees. */
import type { Model, Table } from "@ml-pipe/data";
import { it } from "vitest";
import { Amount, Buys, Kind } from "../test-fixtures/visits.ts";
import * as Train from "./Train.ts";

declare const model: Model.Model<typeof Buys.contract>;
declare const other: Model.Model<typeof Kind.contract>;
declare const train: Table.Table<typeof Buys.contract, "train">;
declare const validation: Table.Table<typeof Buys.contract, "validation">;
declare const test: Table.Table<typeof Buys.contract, "test">;

it("calibrates on validation rows only", () => {
  Train.calibrate(Buys).run({ model, validation });
  // @ts-expect-error Type '"train"' is not assignable to type '"validation"'
  Train.calibrate(Buys).run({ model, validation: train });
  // @ts-expect-error Type '"test"' is not assignable to type '"validation"'
  Train.calibrate(Buys).run({ model, validation: test });
  // @ts-expect-error Type '"kind"' is not assignable to type '"buys"'
  Train.calibrate(Buys).run({ model: other, validation });
});

it("calibrates probabilities, not numbers", () => {
  Train.calibrate(Kind);
  // @ts-expect-error is not assignable to parameter of type
  Train.calibrate(Amount);
});

it("has links, exposures and quantiles for numbers only", () => {
  Train.linear(Amount, { link: "log", exposure: "days" });
  // @ts-expect-error Type 'string' is not assignable to type 'undefined'
  Train.linear(Buys, { link: "log" });
  // @ts-expect-error Type 'number' is not assignable to type 'undefined'
  Train.constant(Kind, { quantile: 0.5 });
});

it("weighs rows by a number of the table", () => {
  Train.linear(Buys, { weight: "copies" });
  // @ts-expect-error Type '"shop"' is not assignable to type
  Train.linear(Buys, { weight: "shop" });
  // @ts-expect-error Type '"label"' is not assignable to type
  Train.linear(Amount, { weight: "label" });
});

it("trains on train rows", () => {
  // @ts-expect-error Type '"test"' is not assignable to type '"train"'
  Train.linear(Buys).run({ train: test, validation });
  // @ts-expect-error Type '"test"' is not assignable to type '"validation"'
  Train.linear(Buys).run({ train, validation: test });
});
