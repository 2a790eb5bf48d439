import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import type { Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  outcomes,
  rawOf,
  reasonsOf,
  rowsOf,
  services,
  telling,
  values,
} from "../test-fixtures/tables.ts";
import * as Validate from "./Validate.ts";

const provided = Effect.provide(services());

/** One column `x` under a contract of its own. */
const contractOf = (x: Column.Column<unknown>, more: Partial<Contract.ContractOptions<{}>> = {}) =>
  Contract.make("thing", { version: "1.2.0", owner: "makers", ...more, columns: { x } });

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
      const column = Column.string({ pattern: "(?=a)a" });
      const { outcomes, error } = yield* check(column, "VARCHAR", "'a'");
      assert.strictEqual(outcomes["x.pattern"], "could not run");
      assert.include(String(error?.message), "x.pattern");
      assert.include(String(error?.message), "the pattern is not supported");
    }).pipe(provided),
  );
});

describe("the types of a checked table", () => {
  const Wide = Contract.make("wide", {
    version: "1",
    owner: "lab",
    columns: {
      t: Column.timestamp(),
      tz: Column.timestamp(),
      ns: Column.timestamp(),
      d: Column.timestamp(),
      i: Column.int(),
      f: Column.float(),
      n: Column.float(),
      b: Column.boolean(),
      s: Column.string(),
    },
    eventTime: "t",
  });

  it.effect("are canonical, whatever fits in the file; rows come by event time", () =>
    Effect.gen(function* () {
      const query = values(
        "t TIMESTAMP_MS, tz TIMESTAMPTZ, ns TIMESTAMP_NS, d DATE, i UTINYINT, f FLOAT, n INTEGER, b BOOLEAN, s VARCHAR, extra INTEGER",
        "('2001-01-02', '2001-01-01 12:00:00+02', '2001-01-01 00:00:00.123456789', '2001-01-01', 7, 0.5, 3, true, 'x', 1)",
        "('2001-01-01', '2001-01-01 12:00:00+02', '2001-01-01', '2001-01-01', 8, 0.5, 3, true, 'x', 1)",
      );
      const data = yield* rawOf(Wide, query);
      const { checked } = yield* Validate.table(Wide).run({ data });
      const [first, second] = yield* rowsOf(checked);
      assert.deepStrictEqual(Object.keys(first ?? {}), Object.keys(Wide.columns));
      assert.deepStrictEqual([first?.["i"], second?.["i"]], ["8", "7"]);
      assert.strictEqual(second?.["tz"], "2001-01-01 10:00:00");
      assert.strictEqual(second?.["ns"], "2001-01-01 00:00:00.123456");
      assert.strictEqual(second?.["d"], "2001-01-01 00:00:00");
      assert.strictEqual(second?.["n"], 3);
    }).pipe(provided),
  );
});

describe("the checks of a table", () => {
  const Reading = Contract.make("reading", {
    version: "2.0.0",
    owner: "sensors",
    columns: { at: Column.timestamp(), id: Column.int(), value: Column.float({ nullable: true }) },
    eventTime: "at",
    key: ["id"],
    freshness: "1 day",
    minRows: 2,
    maxRows: 5,
  });
  const columns = "at TIMESTAMP, id INTEGER, value DOUBLE";
  const row = (day: number, id: number, value: number | string) =>
    `('2001-06-0${day}', ${id}, ${value === "NULL" ? value : `'${value}'`})`;
  const run = Effect.fnUntraced(function* (
    rows: ReadonlyArray<string>,
    options: Validate.TableOptions<typeof Reading> = {},
  ) {
    const data = yield* rawOf(Reading, values(columns, ...rows));
    const validate = Validate.table(Reading, {
      asOf: "2001-06-05",
      quarantine: { atMost: 0.9 },
      ...options,
    });
    return yield* telling(validate.run({ data }));
  });

  it.effect("pass", () =>
    Effect.gen(function* () {
      const { told, value } = yield* run([row(4, 1, 1), row(3, 2, "NULL")]);
      assert.deepStrictEqual(told.findings, []);
      assert.isTrue(Object.values(outcomes(told)).every((outcome) => outcome === "passed"));
      assert.strictEqual(value?.checked.rows, 2);
      assert.strictEqual(value?.quarantine.rows, 0);
      assert.deepStrictEqual(Object.keys(outcomes(told)), [
        "schema",
        "rows.count",
        "freshness",
        "at.not-later",
        "at.type",
        "at.not-null",
        "id.type",
        "id.not-null",
        "value.type",
        "value.finite",
        "key.unique",
        "rows.unique",
      ]);
    }).pipe(provided),
  );

  it.effect("rows.count", () =>
    Effect.gen(function* () {
      const few = yield* run([row(4, 1, 1)]);
      assert.include(String(few.error?.message), "rows.count: expected 2 to 5 rows, found 1 row.");
      const many = yield* run([1, 2, 3, 4, 5, 6].map((id) => row(4, id, 1)));
      assert.include(String(many.error?.message), "found 6 rows");
    }).pipe(provided),
  );

  it.effect("freshness: the boundary passes, older stops", () =>
    Effect.gen(function* () {
      const rows = [row(4, 1, 1), row(3, 2, 1)];
      const fresh = yield* run(rows);
      assert.strictEqual(outcomes(fresh.told)["freshness"], "passed");
      const stale = yield* run(rows, { asOf: "2001-06-05T00:00:01Z" });
      assert.strictEqual(outcomes(stale.told)["freshness"], "failed");
      assert.include(
        String(stale.error?.message),
        "expected an event at most 1 day before 2001-06-05 00:00:01 UTC, found the newest event at 2001-06-04 00:00:00 UTC",
      );
    }).pipe(provided),
  );

  it.effect("freshness is not fooled by an event in the future", () =>
    Effect.gen(function* () {
      const { told, error } = yield* run([row(1, 1, 1), `('2101-01-01', 2, '1')`]);
      assert.strictEqual(outcomes(told)["freshness"], "failed");
      assert.strictEqual(outcomes(told)["at.not-later"], "failed");
      assert.include(String(error?.message), "warn at.not-later");
    }).pipe(provided),
  );

  it.effect("freshness is judged by the clock without asOf", () =>
    Effect.gen(function* () {
      const Now = Contract.make("now", {
        version: "1",
        owner: "lab",
        columns: { at: Column.timestamp() },
        eventTime: "at",
        freshness: "1 day",
      });
      // The virtual clock of tests stands at 1970-01-01.
      const data = yield* rawOf(Now, values("at TIMESTAMP", "('1969-12-31 12:00:00')"));
      const { told } = yield* telling(Validate.table(Now).run({ data }));
      assert.strictEqual(outcomes(told)["freshness"], "passed");
    }).pipe(provided),
  );

  it.effect("freshness without an event time could not run, which stops", () =>
    Effect.gen(function* () {
      const contract = contractOf(Column.int(), { freshness: "1 day" });
      const data = yield* rawOf(contract, values("x INTEGER", "(1)"));
      const { error, told } = yield* telling(Validate.table(contract).run({ data }));
      assert.strictEqual(outcomes(told)["freshness"], "could not run");
      assert.include(String(error?.message), "could not run: the contract has no event time");
    }).pipe(provided),
  );

  it.effect("rows.unique keeps the first of equal rows; null equals null", () =>
    Effect.gen(function* () {
      const rows = [row(4, 1, "NULL"), row(4, 2, 2), row(4, 1, "NULL"), row(4, 1, "NULL")];
      const { told, value } = yield* run(rows);
      assert.deepStrictEqual(yield* reasonsOf(value!.quarantine), [
        [2, ["rows.unique: duplicate of row 0", "key.unique: the same id as row 0"]],
        [3, ["rows.unique: duplicate of row 0", "key.unique: the same id as row 0"]],
      ]);
      assert.strictEqual(value?.checked.rows, 2);
      assert.deepInclude(
        told.findings.find(({ check }) => check === "rows.unique"),
        { rows: 2 },
      );
    }).pipe(provided),
  );

  it.effect("key.unique keeps the first row that passes the other checks", () =>
    Effect.gen(function* () {
      const rows = [row(4, 1, "NaN"), row(4, 1, 5), row(3, 1, 6), row(4, 2, 1)];
      const { value } = yield* run(rows);
      assert.deepStrictEqual(yield* reasonsOf(value!.quarantine), [
        [
          0,
          ["value.finite: expected finite numbers, found nan", "key.unique: the same id as row 1"],
        ],
        [2, ["key.unique: the same id as row 1"]],
      ]);
    }).pipe(provided),
  );

  it.effect("equal rows are left alone if they may repeat", () =>
    Effect.gen(function* () {
      const Log = Contract.make("log", {
        version: "1",
        owner: "lab",
        columns: { x: Column.int() },
      });
      const data = yield* rawOf(Log, values("x INTEGER", "(1)", "(1)"));
      const { told, value } = yield* telling(Validate.table(Log, lenient).run({ data }));
      assert.strictEqual(value?.checked.rows, 2);
      assert.isUndefined(outcomes(told)["rows.unique"]);
    }).pipe(provided),
  );
});

describe("a row check", () => {
  const Trip = Contract.make("trip", {
    version: "1",
    owner: "fleet",
    columns: { km: Column.float({ nullable: true }), paid: Column.float({ nullable: true }) },
  });
  const run = (severity: "fail" | "warn", ...rows: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const data = yield* rawOf(Trip, values("km DOUBLE, paid DOUBLE", ...rows));
      const rule: Validate.RowCheck<typeof Trip> = {
        name: "paid-km",
        expected: "at most the km driven",
        holds: ($) => $.paid.lte($.km),
        severity,
      };
      return yield* telling(Validate.table(Trip, { ...lenient, rows: [rule] }).run({ data }));
    });

  it.effect("sets rows aside with the values that fail; null does not fail", () =>
    Effect.gen(function* () {
      const { value, told } = yield* run("fail", "(5, 5)", "(5, 6)", "(NULL, 6)");
      assert.deepStrictEqual(yield* reasonsOf(value!.quarantine), [
        [1, ["paid-km: expected at most the km driven, found paid = 6.0, km = 5.0"]],
      ]);
      assert.strictEqual(
        told.findings[0]?.found,
        '1 row (33.3 %); null for 1 row (33.3 %), such as "paid = 6.0, km = 5.0"',
      );
    }).pipe(provided),
  );

  it.effect("that warns leaves the rows", () =>
    Effect.gen(function* () {
      const { value, told } = yield* run("warn", "(5, 6)", "(5, 5)");
      assert.strictEqual(value?.checked.rows, 2);
      assert.deepInclude(told.findings[0], { check: "paid-km", severity: "warn", rows: 1 });
      assert.deepStrictEqual(told.findings[0]?.sample, [0]);
    }).pipe(provided),
  );

  it.effect("that is null everywhere could not run", () =>
    Effect.gen(function* () {
      const { told } = yield* run("fail", "(5, NULL)", "(6, NULL)");
      assert.strictEqual(outcomes(told)["paid-km"], "could not run");
      assert.include(
        told.findings.map(({ check }) => check),
        "paid-km",
      );
    }).pipe(provided),
  );

  it("has a name of its own", () => {
    const rule: Validate.RowCheck<typeof Trip> = {
      name: "one",
      expected: "",
      holds: ($) => $.km.gt(0),
    };
    assert.throws(
      () => Validate.table(Trip, { rows: [rule, rule] }),
      'two row checks are named "one"',
    );
  });
});

describe("options", () => {
  const One = contractOf(Column.int());

  it("are refused where they mean nothing", () => {
    assert.throws(() => Validate.table(One, { quarantine: { atMost: 2 } }), "a share from 0 to 1");
    assert.throws(() => Validate.table(One, { asOf: "soon" }), 'asOf "soon" is not a date');
    assert.throws(() => Validate.table(One, { asOf: "2001-07-01T00:00" }), "with a zone");
  });

  it("are parameters of the stage", () => {
    const { params, name } = Validate.table(One, { asOf: "2001-07-01", name: "check" }).info;
    assert.strictEqual(name, "check");
    assert.deepInclude(params, { asOf: "2001-07-01T00:00:00.000Z", atMost: 0.01 });
  });

  it("make a contract for what is set aside, whose names never collide", () => {
    const Odd = Contract.make("odd", {
      version: "1",
      owner: "lab",
      columns: { row: Column.int({ min: 3 }), reasons: Column.string() },
    });
    const { columns, name } = Validate.quarantineOf(Odd);
    assert.strictEqual(name, "odd-quarantine");
    assert.deepStrictEqual(Object.keys(columns), ["row", "reasons", "row_", "reasons_"]);
    assert.isUndefined(columns["row"]?.spec.min);
  });

  it.effect("a table of another contract is refused", () =>
    Effect.gen(function* () {
      const Other = Contract.make("other", {
        version: "1",
        owner: "lab",
        columns: { x: Column.int() },
      });
      const data = yield* rawOf(Other, values("x INTEGER", "(1)"));
      const cast: Table.AnyTable = data;
      const { error } = yield* telling(Validate.table(One).run({ data: cast as never }));
      assert.strictEqual(error?._tag, "InputMismatch");
      assert.include(String(error?.message), "a raw table under contract thing 1.2.0");
    }).pipe(provided),
  );
});
