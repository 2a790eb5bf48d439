import { assert, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { FeatureSet } from "@ml-pipe/data";
import * as Result from "effect/Result";
import * as Request from "./Request.ts";

const known = {
  tags: Column.list(Column.string({ nullable: true })),
  maker: Column.struct({ city: Column.string(), since: Column.timestamp() }),
  vector: Column.embedding(2),
};
const Asked = Contract.make("asked", { version: "1", owner: "shop", columns: known });
const Product = Contract.make("product", {
  version: "1",
  owner: "shop",
  columns: { ...known, sold: Column.boolean({ availableAt: "outcome" }) },
});
const Products = FeatureSet.make("products", {
  version: "1",
  of: Product,
  label: ($) => $.sold,
  features: ($) => ({
    tags: $.tags.length(),
    year: $.maker.since.year(),
    norm: $.vector.norm(),
  }),
});
const good = {
  tags: ["a", null],
  maker: { city: "Ulm", since: "2001-06-01T10:00:00Z" },
  vector: [3, 4],
};

it("a request may hold lists, structs and vectors; what is wrong in them is named", () => {
  const check = Request.checker(Asked.spec);
  const request = Result.getOrThrow(check(good));
  const features = FeatureSet.compileRow(Products.spec)(request);
  assert.deepStrictEqual([...features], [2, 2001, 5]);
  const example = Request.exampleOf(Asked.spec, new Date(0));
  assert.isTrue(Result.isSuccess(check(example)));
  const wrong = check({
    tags: "a",
    maker: { city: 5, since: "2001-06-01T10:00:00Z" },
    vector: [1],
  });
  assert.deepStrictEqual(Result.isFailure(wrong) ? wrong.failure.map(({ field }) => field) : [], [
    "tags",
    "maker",
    "vector",
  ]);
});
