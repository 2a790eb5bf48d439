import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { outcomes, rawOf, reasonsOf, services, telling, values } from "../test-fixtures/tables.ts";
import * as Validate from "./Validate.ts";

const provided = Effect.provide(services());

/** A contract of one column `x`. */
const contractOf = (x: Column.Column<unknown>) =>
  Contract.make("thing", { version: "1.2.0", owner: "makers", columns: { x } });

const lenient = { quarantine: { atMost: 0.99 }, uniqueRows: false };

/** Validates one column; gives the outcomes and the reasons of what was set aside. */
const check = Effect.fnUntraced(function* (
  x: Column.Column<unknown>,
  type: string,
  ...cells: ReadonlyArray<string>
) {
  const contract = contractOf(x);
  const data = yield* rawOf(contract, values(`x ${type}`, ...cells.map((cell) => `(${cell})`)));
  const { told, value, error } = yield* telling(Validate.table(contract, lenient).run({ data }));
  const reasons = value === undefined ? [] : yield* reasonsOf(value.quarantine);
  return { told, outcomes: outcomes(told), reasons, value, error };
});

describe("the checks of a column", () => {
  it.effect("not-null", () =>
    Effect.gen(function* () {
      const bad = yield* check(Column.int(), "INTEGER", "1", "NULL", "3");
      assert.strictEqual(bad.outcomes["x.not-null"], "failed");
      assert.deepStrictEqual(bad.reasons, [
        [1, ["x.not-null: expected a value in every row, found null"]],
      ]);
      assert.deepInclude(bad.told.findings[0], { check: "x.not-null", rows: 1, owner: "makers" });
      assert.deepStrictEqual(bad.told.findings[0]?.sample, [1]);
      const good = yield* check(Column.int(), "INTEGER", "1", "2");
      assert.strictEqual(good.outcomes["x.not-null"], "passed");
      assert.deepStrictEqual(good.told.findings, []);
      const allowed = yield* check(Column.int({ nullable: true }), "INTEGER", "1", "NULL");
      assert.isUndefined(allowed.outcomes["x.not-null"]);
      assert.strictEqual(allowed.value?.checked.rows, 2);
    }).pipe(provided),
  );

  it.effect("range, inclusive", () =>
    Effect.gen(function* () {
      const column = Column.int({ min: -1, max: 2.5, unit: "km" });
      const bad = yield* check(column, "BIGINT", "-2", "-1", "2", "3");
      assert.deepStrictEqual(bad.reasons, [
        [0, ["x.range: expected from -1 to 2.5 km, found -2"]],
        [3, ["x.range: expected from -1 to 2.5 km, found 3"]],
      ]);
      assert.strictEqual(bad.told.findings[0]?.found, "2 rows (50 %); values from -2 to 3 km");
      const good = yield* check(column, "BIGINT", "-1", "2");
      assert.strictEqual(good.outcomes["x.range"], "passed");
    }).pipe(provided),
  );

  it.effect("compares a decimal bound with the nearest double", () =>
    Effect.gen(function* () {
      const column = Column.float({ max: 0.1 });
      const { reasons } = yield* check(column, "DOUBLE", "'0.1'", "'0.10000000000000002'");
      assert.deepStrictEqual(
        reasons.map(([row]) => row),
        [1],
      );
    }).pipe(provided),
  );

  it.effect("finite: NaN and infinities are found once, and never pass", () =>
    Effect.gen(function* () {
      const column = Column.float({ min: 0, max: 9, nullable: true });
      const bad = yield* check(column, "DOUBLE", "'NaN'", "'inf'", "'-inf'", "'1'", "NULL");
      assert.deepStrictEqual(
        bad.reasons,
        ["nan", "inf", "-inf"].map((value, row) => [
          row,
          [`x.finite: expected finite numbers, found ${value}`],
        ]),
      );
      assert.strictEqual(bad.outcomes["x.range"], "passed");
      const good = yield* check(column, "FLOAT", "1", "NULL");
      assert.strictEqual(good.outcomes["x.finite"], "passed");
    }).pipe(provided),
  );

  it.effect("values", () =>
    Effect.gen(function* () {
      const column = Column.string({ values: ["a", "it's"] });
      const bad = yield* check(column, "VARCHAR", "'a'", "'A'", "'it''s'", "'b'");
      assert.deepStrictEqual(
        bad.reasons.map(([row]) => row),
        [1, 3],
      );
      assert.strictEqual(bad.told.findings[0]?.found, '2 rows (50 %), such as "A"');
      const good = yield* check(column, "VARCHAR", "'a'");
      assert.strictEqual(good.outcomes["x.values"], "passed");
    }).pipe(provided),
  );

  it.effect("pattern: the whole value must match", () =>
    Effect.gen(function* () {
      const column = Column.string({ pattern: "[A-Z]{3}|x" });
      const bad = yield* check(column, "VARCHAR", "'ABC'", "'ABCD'", "'x'", "E'ABC\\n'", "''");
      assert.deepStrictEqual(
        bad.reasons.map(([row]) => row),
        [1, 3, 4],
      );
      const good = yield* check(column, "VARCHAR", "'ABC'");
      assert.strictEqual(good.outcomes["x.pattern"], "passed");
    }).pipe(provided),
  );

  it.effect("type: whole numbers beyond 2^53, also of unsigned columns", () =>
    Effect.gen(function* () {
      const signed = yield* check(Column.int(), "BIGINT", "9007199254740991", "-9007199254740992");
      assert.deepStrictEqual(signed.reasons, [
        [1, ["x.type: expected whole numbers within ±(2^53 − 1), found -9007199254740992"]],
      ]);
      const unsigned = yield* check(Column.int(), "UBIGINT", "1", "18446744073709551615");
      assert.deepStrictEqual(unsigned.reasons, [
        [1, ["x.type: expected whole numbers within ±(2^53 − 1), found 18446744073709551615"]],
      ]);
      const float = yield* check(Column.float(), "BIGINT", "1", "9007199254740993");
      assert.deepStrictEqual(
        float.reasons.map(([row]) => row),
        [1],
      );
      const good = yield* check(Column.int(), "SMALLINT", "1");
      assert.strictEqual(good.outcomes["x.type"], "passed");
    }).pipe(provided),
  );

  it.effect("type: instants that a JavaScript date does not have", () =>
    Effect.gen(function* () {
      const cells = ["'2001-01-01'", "'275761-01-01'", "'290000-01-01 (BC)'", "NULL"];
      const bad = yield* check(Column.timestamp({ nullable: true }), "TIMESTAMP", ...cells);
      assert.deepStrictEqual(
        bad.reasons.map(([row]) => row),
        [1, 2],
      );
      const good = yield* check(Column.timestamp(), "DATE", "'2001-01-01'");
      assert.strictEqual(good.outcomes["x.type"], "passed");
    }).pipe(provided),
  );

  it.effect("a column of nulls: its checks could not run, which is a finding", () =>
    Effect.gen(function* () {
      const column = Column.float({ min: 0, nullable: true });
      const { told, outcomes, value } = yield* check(column, "DOUBLE", "NULL", "NULL");
      assert.strictEqual(outcomes["x.range"], "could not run");
      assert.strictEqual(outcomes["x.finite"], "could not run");
      assert.deepStrictEqual(
        told.findings.map(({ check, severity, found }) => [check, severity, found]),
        [
          ["x.finite", "warn", "could not run: every value is null"],
          ["x.range", "warn", "could not run: every value is null"],
        ],
      );
      assert.strictEqual(value?.checked.rows, 2);
    }).pipe(provided),
  );

  it.effect("a pattern that DuckDB does not support could not run, which stops", () =>
    Effect.gen(function* () {
      const column = Column.string({ pattern: "a{2000}" });
      const { outcomes, error } = yield* check(column, "VARCHAR", "'a'");
      assert.strictEqual(outcomes["x.pattern"], "could not run");
      assert.include(String(error?.message), "x.pattern");
      assert.include(String(error?.message), "the pattern is not supported");
    }).pipe(provided),
  );
});
