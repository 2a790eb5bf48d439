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
const contractOf = (
  x: Column.Column<unknown>,
  more: Partial<Contract.ContractOptions<{}, undefined, undefined>> = {},
) => Contract.make("thing", { version: "1.2.0", owner: "makers", ...more, columns: { x } });

const lenient = { quarantine: { atMost: 0.99 }, uniqueRows: false };

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

  it.effect("leave rows without an event time in their order, which may tell something", () =>
    Effect.gen(function* () {
      const Thing = contractOf(Column.int());
      const data = yield* rawOf(Thing, values("x INTEGER", "(3)", "(1)", "(2)"));
      const { checked } = yield* Validate.table(Thing).run({ data });
      assert.deepStrictEqual(
        (yield* rowsOf(checked)).map(({ x }) => x),
        ["3", "1", "2"],
      );
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
        "rows.unique",
        "key.unique",
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
        {
          rows: 2,
          next: "They are quarantined; send them to sensors. If different things may have the same values, say uniqueRows: false.",
        },
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
      return yield* telling(Validate.table(Trip, { ...lenient, checks: [rule] }).run({ data }));
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
      () => Validate.table(Trip, { checks: [rule, rule] }),
      'two checks are named "one"',
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
