/** Training that must not compile, with the words that the author sees. */
import type { Ref } from "@ml-pipe/core";
import type { Model, Table } from "@ml-pipe/data";
import { it } from "vitest";
import { Amount, Buys, Kind } from "../test-fixtures/visits.ts";
import * as Space from "./Space.ts";
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
  Train.outOfFold(Amount, { estimator: { kind: "linear", link: "log", exposure: "days" } });
  // @ts-expect-error is not assignable to type
  Train.outOfFold(Kind, { estimator: { kind: "linear", link: "log" } });
  // @ts-expect-error is not assignable to type
  Train.outOfFold(Buys, { estimator: { kind: "boosted-trees", quantile: 0.5 } });
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

it("hands only train and validation rows over to Python", () => {
  const python = Train.python(Buys, { script: "train.py", weight: "copies" });
  python.run({ train, validation });
  // @ts-expect-error Type '"test"' is not assignable to type '"train"'
  python.run({ train: test, validation });
  // @ts-expect-error Type '"test"' is not assignable to type '"validation"'
  python.run({ train, validation: test });
  // @ts-expect-error Type '"shop"' is not assignable to type
  Train.python(Buys, { script: "train.py", weight: "shop" });
  // @ts-expect-error Property 'script' is missing
  Train.python(Buys, {});
  // @ts-expect-error Type '"test"' is not assignable to type '"train"'
  Train.onnx(Buys, { file: "buys.onnx" }).run({ train: test, validation });
});

declare const trainRef: Ref.Ref<typeof train, never, never>;
declare const validationRef: Ref.Ref<typeof validation, never, never>;
declare const testRef: Ref.Ref<typeof test, never, never>;
const space = { l2: Space.float({ from: 0.1, to: 10 }), link: Space.choice("identity", "log") };

it("searches on train and validation rows only", () => {
  const search = Train.search(Buys, { space, train: ({ l2 }) => Train.linear(Buys, { l2 }) });
  search({ train: trainRef, validation: validationRef });
  // @ts-expect-error Type '"test"' is not assignable to type '"train"'
  search({ train: testRef, validation: validationRef });
  // @ts-expect-error Type '"test"' is not assignable to type '"validation"'
  search({ train: trainRef, validation: testRef });
});

it("gives a trainer what the space has", () => {
  Train.search(Amount, { space, train: (point) => Train.linear(Amount, point) });
  // @ts-expect-error Property 'l1' does not exist on type
  Train.search(Buys, { space, train: ({ l1 }) => Train.linear(Buys, { l1 }) });
  // @ts-expect-error Type 'string' is not assignable to type 'number'
  Train.search(Amount, { space, train: ({ link }) => Train.linear(Amount, { l2: link }) });
});

it("compares by a loss that fits the label", () => {
  const common = { space, trials: 3 };
  Train.search(Buys, { ...common, train: () => Train.linear(Buys), loss: "brier" });
  // @ts-expect-error Type '"absolute"' is not assignable to type
  Train.search(Buys, { ...common, train: () => Train.linear(Buys), loss: "absolute" });
  // @ts-expect-error Type '"brier"' is not assignable to type
  Train.search(Amount, { ...common, train: () => Train.linear(Amount), loss: "brier" });
});
