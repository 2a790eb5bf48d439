/** What validation finds inside lists, structs and embeddings. */
import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { outcomes, rawOf, reasonsOf, rowsOf, services, telling } from "../test-fixtures/tables.ts";
import * as Validate from "./Validate.ts";

const Product = Contract.make("product", {
  version: "1",
  owner: "shop",
  columns: {
    id: Column.int(),
    tags: Column.list(Column.string({ pattern: "[a-z]+" }), { nullable: true }),
    sizes: Column.list(Column.int({ min: 1, nullable: true }), { nullable: true }),
    maker: Column.struct({
      city: Column.string({ values: ["Ulm", "Bonn"] }),
      score: Column.float({ nullable: true }),
    }),
    vector: Column.embedding(2),
  },
});

const row = (id: number, change: { readonly [column: string]: string } = {}) => {
  const columns = {
    id: String(id),
    tags: "['a', 'b']",
    sizes: "[1, NULL]",
    maker: "{'city': 'Ulm', 'score': 0.5::DOUBLE}",
    vector: "[0.5, 1]::DOUBLE[]",
    ...change,
  };
  return `SELECT ${Object.entries(columns)
    .map(([name, sql]) => `${sql} AS ${name}`)
    .join(", ")}`;
};

const bad: ReadonlyArray<{ readonly [column: string]: string }> = [
  { tags: "['a', 'B']" },
  { tags: "['a', NULL]" },
  { sizes: "[1, 0]" },
  { maker: "{'city': 'Rome', 'score': NULL::DOUBLE}" },
  { maker: "{'city': 'Ulm', 'score': 'nan'::DOUBLE}" },
  { maker: "{'city': NULL::VARCHAR, 'score': 1::DOUBLE}" },
  { maker: "NULL::STRUCT(city VARCHAR, score DOUBLE)" },
  { vector: "[0.5]::DOUBLE[]" },
  { vector: "[0.5, NULL]::DOUBLE[]" },
  { vector: "[0.5, 'inf'::DOUBLE]" },
];

describe("lists, structs and embeddings", () => {
  it.effect("pass whole, and each part that is wrong is found and set aside", () =>
    Effect.gen(function* () {
      const good = [row(0), row(1, { tags: "NULL::VARCHAR[]", sizes: "[]::BIGINT[]" })];
      const rows = [...good, ...bad.map((change, index) => row(index + 2, change))];
      const data = yield* rawOf(Product, rows.join(" UNION ALL "));
      const { told, value } = yield* telling(
        Validate.table(Product, { quarantine: { atMost: 0.99 }, uniqueRows: false }).run({ data }),
      );
      assert.deepStrictEqual(
        [outcomes(told)["tags.parts"], outcomes(told)["vector.type"]],
        ["failed", "passed"],
      );
      assert.isDefined(value);
      if (value === undefined) return;
      assert.deepStrictEqual(
        (yield* rowsOf(value.checked)).map(({ id }) => Number(id)),
        [0, 1],
      );
      const reasons = yield* reasonsOf(value.quarantine);
      assert.deepStrictEqual(
        reasons.map(([at]) => at),
        bad.map((_, index) => index + 2),
      );
      const text = JSON.stringify(reasons);
      for (const check of ["tags.parts", "sizes.parts", "maker.parts", "maker.not-null"]) {
        assert.include(text, check);
      }
      assert.include(text, "vector.parts");
    }).pipe(Effect.provide(services())),
  );
});
