import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import type { Charter } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import { relationOf, withTables } from "../test-fixtures/tables.ts";
import { Duckdb } from "./Duckdb.ts";
import type * as Expr from "./Expr.ts";
import * as Rule from "./Rule.ts";

const Features = Contract.make("features", {
  version: "1",
  owner: "lab",
  columns: {
    at: Column.timestamp(),
    hour: Column.float({ nullable: true }),
    origin: Column.string({ nullable: true }),
    label: Column.boolean({ availableAt: "outcome", nullable: true }),
  },
});

const evening = Rule.baseline(Features, {
  name: "evening rule",
  description: "warn from 19:00 on, except in JFK",
  when: ($) => $.hour.gte(19).and($.origin.equals("JFK").not()),
});

const withRule = (rule: Charter.Baseline["rule"]): Charter.Baseline => ({ ...evening, rule });

describe("Rule", () => {
  it.effect("decides alike in SQL and in the closure, and no where it has no answer", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const { sql, decide } = yield* Rule.compile(evening);
      const row = fc.record({
        at: fc.constant(new Date(0)),
        hour: fc.option(fc.constantFrom(0, 18.999, 19, 23), { nil: null }),
        origin: fc.option(fc.constantFrom("JFK", "LGA", "it's"), { nil: null }),
        label: fc.constant(null),
      });
      const rows = fc.sample(row, { numRuns: 100, seed: 3 });
      const found = yield* db.rows(
        "decide",
        `SELECT ${sql} AS d FROM ${relationOf(Features, rows)}`,
      );
      const closure = rows.map(({ hour, origin }) => (decide({ hour, origin }) ? 1 : 0));
      assert.deepStrictEqual(
        found.map(({ d }) => d),
        closure,
      );
      assert.isTrue(closure.includes(1));
      assert.isFalse(decide({ hour: null, origin: "LGA" }));
      assert.isFalse(decide({ hour: 23, origin: null }));
      assert.isTrue(decide({ hour: 19, origin: "LGA" }));
    }).pipe(withTables),
  );

  it.effect("is data: it goes through JSON", () =>
    Effect.gen(function* () {
      const again: Charter.Baseline = JSON.parse(JSON.stringify(evening));
      assert.strictEqual((yield* Rule.compile(again)).sql, (yield* Rule.compile(evening)).sql);
    }),
  );

  it.effect("is refused if it is no formula that says yes or no", () =>
    Effect.gen(function* () {
      const refusal = (rule: Charter.Baseline["rule"]) =>
        Effect.map(Effect.flip(Rule.compile(withRule(rule))), ({ message }) => message);
      assert.match(
        yield* refusal(false),
        /^the baseline "evening rule" cannot be evaluated: .*Make it with Rule\.baseline for yes or no, Rule\.numberBaseline for a number, Rule\.classBaseline for a class\.$/s,
      );
      assert.match(
        yield* refusal({ _tag: "literal", value: 5 }),
        /5 is a number where yes or no is expected/,
      );
      assert.match(
        yield* refusal({ _tag: "call", operator: "greaterThan", args: [] }),
        /greaterThan takes 2 arguments, not 0/,
      );
      const options = {
        by: [],
        knownAt: { _tag: "column", name: "at", type: "timestamp" },
        windowMs: 2,
        hopMs: 1,
      } as const;
      const history = {
        _tag: "history",
        aggregate: "count",
        of: { _tag: "literal", value: 1 },
        ...options,
      } as const;
      assert.match(
        yield* refusal({
          _tag: "call",
          operator: "greaterThan",
          args: [history, { _tag: "literal", value: 1 }],
        }),
        /it contains a history/,
      );
    }),
  );

  it.effect("predicts a number or a class, where it has an answer", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const about = { name: "later", description: "" };
      const rules = [
        yield* Rule.predictionSql(
          Rule.numberBaseline(Features, { ...about, value: ($) => $.hour.plus(1) }),
          "number",
        ),
        yield* Rule.predictionSql(
          Rule.numberBaseline(Features, { ...about, value: () => 12 }),
          "number",
        ),
        yield* Rule.predictionSql(
          Rule.classBaseline(Features, { ...about, class: ($) => $.origin }),
          "text",
        ),
      ];
      const rows = relationOf(Features, [
        { at: new Date(0), hour: 3, origin: "JFK", label: null },
        { at: new Date(0), hour: null, origin: null, label: null },
      ]);
      const found = yield* db.rows(
        "predict",
        `SELECT ${rules.map((rule, index) => `${rule} AS r${index}`).join(", ")} FROM ${rows}`,
      );
      assert.deepStrictEqual(found, [
        { r0: 4, r1: 12, r2: "JFK" },
        { r0: null, r1: 12, r2: null },
      ]);
      const { message } = yield* Effect.flip(Rule.predictionSql(evening, "number"));
      assert.match(message, /and is yes or no where a number is expected/);
    }).pipe(withTables),
  );

  it("is refused where it is written if it peeks at the outcome", () => {
    const peek = (when: ($: Expr.Columns<typeof Features>) => Expr.Expr<boolean>) => () =>
      Rule.baseline(Features, {
        name: "peek",
        description: "",
        when: ($) => Object.assign(Object.create(null), when($)),
      });
    assert.throws(
      peek(($) => $.label),
      /"peek" cannot be evaluated: it uses a column that is known only after the decision/,
    );
    assert.throws(
      peek(($) => $.hour.gt(1).and($.label)),
      /known only after/,
    );
    assert.doesNotThrow(peek(($) => $.hour.gt(1)));
  });
});
