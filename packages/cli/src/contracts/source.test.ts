import { assert, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/ml-pipe";
import { moduleSource } from "./source.ts";

it("columns of several values are written as they are called", () => {
  const { spec } = Contract.make("product", {
    version: "1.0.0",
    owner: "shop",
    columns: {
      tags: Column.list(Column.string({ pattern: "[a-z]+" }), { nullable: true }),
      maker: Column.struct({ city: Column.string(), "made in": Column.int({ nullable: true }) }),
      vector: Column.embedding(2, { description: "of the title" }),
      price: Column.float({ min: 0 }),
    },
  });
  const source = moduleSource([{ spec, comments: { head: [], columns: {}, parts: {} } }]);
  for (const line of [
    'tags: Column.list(Column.string({ pattern: "[a-z]+" }), { nullable: true }),',
    'maker: Column.struct({ city: Column.string(), "made in": Column.int({ nullable: true }) }),',
    'vector: Column.embedding(2, { description: "of the title" }),',
    "price: Column.float({ min: 0 }),",
  ]) {
    assert.include(source, line);
  }
});
