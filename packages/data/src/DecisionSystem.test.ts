import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import { relationOf, withTables } from "../test-fixtures/tables.ts";
import * as DecisionSystem from "./DecisionSystem.ts";
import * as Duckdb from "./Duckdb.ts";
import * as FeatureSet from "./FeatureSet.ts";

const Payment = Contract.make("payment", {
  version: "1",
  owner: "payments",
  columns: {
    amount: Column.float({ nullable: true }),
    trusted: Column.boolean({ nullable: true }),
    land: Column.string({ nullable: true }),
    fraud: Column.boolean({ availableAt: "outcome" }),
  },
});
const Payments = FeatureSet.make("payments", {
  version: "1",
  of: Payment,
  keep: ["amount", "trusted"],
  features: ($) => ({ size: $.amount }),
  label: ($) => $.fraud,
});

const Checks = DecisionSystem.make("card checks", Payments, ($) => [
  DecisionSystem.always("above the limit", $.amount.gt(10_000)),
  DecisionSystem.never("trusted merchant", $.trusted),
  DecisionSystem.never("small", $.amount.lt(5)),
]);

describe("DecisionSystem", () => {
  it("is decided by the first rule that holds; one without an answer does not", () => {
    const overrule = DecisionSystem.overrule(Checks);
    assert.deepStrictEqual(overrule({ amount: 20_000, trusted: true }), {
      name: "above the limit",
      act: true,
    });
    assert.deepStrictEqual(overrule({ amount: 2, trusted: true }), {
      name: "trusted merchant",
      act: false,
    });
    assert.deepStrictEqual(overrule({ amount: 2, trusted: null }), { name: "small", act: false });
    assert.isUndefined(overrule({ amount: 100, trusted: false }));
    assert.isUndefined(overrule({ amount: null, trusted: null }));
  });

  it.effect("says of a request what it says of the row of a table", () =>
    Effect.gen(function* () {
      const rows = fc.sample(
        fc.record({
          amount: fc.constantFrom(null, -0, 4.999, 5, 10_000, 10_000.01),
          trusted: fc.constantFrom(null, true, false),
          land: fc.constant(null),
          fraud: fc.boolean(),
        }),
        { numRuns: 60, seed: 5 },
      );
      const db = yield* Duckdb.Duckdb;
      const sql = DecisionSystem.rulesSql(Checks);
      const found = yield* db.rows(
        "apply the rules",
        `SELECT ${sql.map((rule, at) => `${rule} AS r${at}`).join(", ")} FROM ${relationOf(Payment, rows)}`,
      );
      const overrule = DecisionSystem.overrule(Checks);
      const names = Checks.spec.rules.map(({ name }) => name);
      assert.deepStrictEqual(
        found.map((row) => names.find((_, at) => row[`r${at}`] === 1)),
        rows.map((row) => overrule(row)?.name),
      );
    }).pipe(withTables),
  );

  it("refuses what means nothing, all of it at once", () => {
    const land = { ast: { _tag: "column", name: "land", type: "string" } } as const;
    const when = { ...land, availableAt: "decision" } as never;
    assert.throws(
      () =>
        DecisionSystem.make("checks", Payments, ($) => [
          DecisionSystem.never("a", $.trusted),
          DecisionSystem.never("a", when),
        ]),
      /two rules have one name; the rule "a" reads "land"; add it to keep of the feature set; the rule "a": /,
    );
    assert.throws(() => DecisionSystem.make("checks", Payments, () => []), /it has no rules/);
  });
});
