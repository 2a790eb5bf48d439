/** Transformations that must not compile, with the words that the author sees. */
import { Column, Contract } from "@ml-pipe/core";
import { it } from "vitest";
import * as FeatureSet from "./FeatureSet.ts";
import type * as Table from "./Table.ts";
import * as Transform from "./Transform.ts";

const Person = Contract.make("person", {
  version: "1",
  owner: "lab",
  columns: {
    age: Column.int(),
    city: Column.string(),
    happy: Column.boolean({ availableAt: "outcome" }),
    note: Column.string({ availableAt: "outcome" }),
  },
});
const set = FeatureSet.make("person-features", {
  version: "1",
  of: Person,
  keep: ["city", "note"],
  features: ($) => ({ age: $.age }),
  label: ($) => $.happy,
});
const prepare = Transform.make(set, ($) => ({
  age: Transform.scale(Transform.impute($.age, { with: "mean" })),
  city: Transform.targetMean($.city),
}));

declare const train: Table.Table<typeof set.contract, "train">;
declare const test: Table.Table<typeof set.contract, "test">;
declare const checked: Table.Table<typeof set.contract, "checked">;
declare const other: Table.Table<typeof Person, "train">;

it("is fitted on train only", () => {
  Transform.fit(prepare, train);
  // @ts-expect-error Type '"test"' is not assignable to type '"train"'
  Transform.fit(prepare, test);
  // @ts-expect-error Type '"checked"' is not assignable to type '"train"'
  Transform.fit(prepare, checked);
  // @ts-expect-error is not assignable to parameter of type
  Transform.fit(prepare, other);
});

it("reads what is known at the decision, and what the table has", () => {
  // @ts-expect-error Type '"outcome"' is not assignable to type '"decision"'
  Transform.make(set, ($) => ({ label: $.label }));
  // @ts-expect-error is not assignable to
  Transform.make(set, ($) => ({ note: Transform.oneHot($.note) }));
  // @ts-expect-error Property 'height' does not exist on type
  Transform.make(set, ($) => ({ height: $.height }));
});

it("scales numbers and encodes text", () => {
  // @ts-expect-error is not assignable to parameter of type
  Transform.make(set, ($) => ({ city: Transform.scale($.city) }));
  // @ts-expect-error is not assignable to parameter of type
  Transform.make(set, ($) => ({ age: Transform.oneHot($.age) }));
  // @ts-expect-error is not assignable to type
  Transform.make(set, ($) => ({ city: $.city }));
  // @ts-expect-error is not assignable to parameter of type
  Transform.make(set, ($) => ({ city: Transform.scale(Transform.oneHot($.city)) }));
});
