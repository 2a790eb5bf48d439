/** Checks of a contract and of a stage: what they do to the hand-over, by severity, share and condition. */
import { assert, describe, it } from "@effect/vitest";
import { Check, Column, Contract } from "@ml-pipe/core";
import { Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { outcomes, rawOf, reasonsOf, services, telling, values } from "../test-fixtures/tables.ts";
import * as Validate from "./Validate.ts";

const provided = Effect.provide(services());

const about = {
  version: "2.0.0",
  owner: "fleet",
  columns: {
    km: Column.float({ nullable: true, unit: "km" }),
    city: Column.string({ nullable: true }),
  },
} as const;
const Trip = Contract.make("trip", about);
const lenient = { quarantine: { atMost: 0.9 }, uniqueRows: false };
const four = values("km DOUBLE, city VARCHAR", "(1, 'A')", "(2, 'A')", "(3, 'B')", "(9, 'b')");

/** Validates four trips. */
const run = Effect.fnUntraced(function* (
  checks: ReadonlyArray<Validate.AnyCheck<typeof Trip>>,
  options: Validate.TableOptions<typeof Trip> = lenient,
) {
  const data = yield* rawOf(Trip, four);
  return yield* telling(Validate.table(Trip, { ...options, checks }).run({ data }));
});

describe("expectations of a contract", () => {
  it.effect("are checked by themselves, with those of the stage", () =>
    Effect.gen(function* () {
      const Expecting = Contract.make("trip", {
        ...about,
        expectations: [Check.mean("km", { between: [3, 5] }), Check.matches("city", "[A-Z]")],
      });
      const data = yield* rawOf(Expecting, four);
      const checks = [Check.distinctCount("city", { atMost: 2 })];
      const stage = Validate.table(Expecting, { ...lenient, checks });
      const { told, error } = yield* telling(stage.run({ data }));
      const found = outcomes(told);
      assert.strictEqual(found["km.mean"], "passed");
      assert.strictEqual(found["city.matches"], "failed");
      assert.strictEqual(found["city.distinct-count"], "failed");
      assert.include(
        String(error?.message),
        "fail city.distinct-count: expected number of different values at most 2, found 3. Ask fleet to deliver data that keeps the contract.",
      );
      const exhibit = told.exhibits.find(({ title }) => title === "Checks");
      assert.match(String(exhibit?.caption), /^6 of 8 checks passed, in 3 passes over the rows$/);
      assert.deepStrictEqual(exhibit?._tag === "table" ? exhibit.rows.slice(-3) : [], [
        ["km.mean", "mean from 3 to 5 km", "3.75 km", "passed", null, "stops"],
        [
          "city.matches",
          "text that matches [A-Z]",
          '1 row (25 %), such as "b"',
          "failed",
          1,
          "quarantines; stops if more than 90 % of the rows fail",
        ],
        [
          "city.distinct-count",
          "number of different values at most 2",
          "3",
          "failed",
          null,
          "stops",
        ],
      ]);
    }).pipe(provided),
  );
});

describe("a check of rows", () => {
  it.effect("sets the rows that fail aside, with all reasons", () =>
    Effect.gen(function* () {
      const checks = [Check.between("km", { atMost: 2 }), Check.matches("city", "[A-Z]")];
      const { value } = yield* run(checks);
      assert.deepStrictEqual(yield* reasonsOf(value!.quarantine), [
        [2, ["km.between: expected values at most 2 km, found 3.0"]],
        [
          3,
          [
            "km.between: expected values at most 2 km, found 9.0",
            "city.matches: expected text that matches [A-Z], found b",
          ],
        ],
      ]);
      assert.strictEqual(value?.checked.rows, 2);
    }).pipe(provided),
  );

  it.effect("that a search found are set aside too, and count once", () =>
    Effect.gen(function* () {
      const { value, told } = yield* run([
        Check.unique("city"),
        Check.decreasing("km", { where: "city = 'A'" }),
        Check.between("km", { atMost: 8 }),
      ]);
      assert.deepStrictEqual(yield* reasonsOf(value!.quarantine), [
        [1, ["city.unique: the same city as row 0", "km.decreasing: 2.0 after 1.0"]],
        [3, ["km.between: expected values at most 8 km, found 9.0"]],
      ]);
      assert.deepStrictEqual(
        told.findings.map(({ check, severity, rows, sample }) => [check, severity, rows, sample]),
        [
          ["city.unique", "warn", 1, [1]],
          ["km.decreasing", "warn", 1, [1]],
          ["km.between", "warn", 1, [3]],
        ],
      );
    }).pipe(provided),
  );

  it.effect("that warns or tells leaves the rows", () =>
    Effect.gen(function* () {
      const { value, told } = yield* run([
        Check.between("km", { atMost: 2, severity: "warn", owner: "billing" }),
        Check.unique("city", { severity: "info", description: "Cities are few." }),
      ]);
      assert.strictEqual(value?.checked.rows, 4);
      assert.deepStrictEqual(
        told.findings.map(({ severity, owner, next }) => [severity, owner, next]),
        [
          ["warn", "billing", "Ask billing to deliver data that keeps the contract."],
          ["info", "fleet", "Ask fleet to deliver data that keeps the contract. Cities are few."],
        ],
      );
    }).pipe(provided),
  );

  it.effect("may fail for a share of the rows, which stay", () =>
    Effect.gen(function* () {
      const { value, told } = yield* run([Check.between("km", { atMost: 3, mostly: 0.75 })]);
      assert.strictEqual(value?.checked.rows, 4);
      assert.deepStrictEqual(told.findings, []);
      const exhibit = told.exhibits.find(({ title }) => title === "Checks");
      assert.deepStrictEqual(exhibit?._tag === "table" ? exhibit.rows.at(-1) : undefined, [
        "km.between",
        "values at most 3 km, for at least 0.75 of the rows",
        "1 row (25 %) fail, which is tolerated",
        "passed",
        1,
        "stops if more than 25 % of the rows fail it",
      ]);
    }).pipe(provided),
  );

  it.effect("stops if more do, with the rows in quarantine", () =>
    Effect.gen(function* () {
      const { error } = yield* run([Check.between("km", { atMost: 2, mostly: 0.75 })]);
      assert.include(String(error?.message), "fail km.between: expected values at most 2 km");
      assert.include(String(error?.message), "found 2 rows (50 %)");
      assert.include(String(error?.message), "The failing rows with their reasons are in");
    }).pipe(provided),
  );
});

describe("a condition", () => {
  it.effect("that no row meets keeps a check from running", () =>
    Effect.gen(function* () {
      const { told, error } = yield* run([
        Check.mean("km", { atMost: 2, where: "city = 'Z'" }),
        Check.positive("km", { where: "city = 'Z'" }),
      ]);
      assert.deepStrictEqual(
        told.findings.map(({ check, severity, found }) => [check, severity, found]),
        [
          ["km.mean", "fail", "could not run: no row meets its condition"],
          ["km.positive", "warn", "could not run: no row meets its condition"],
        ],
      );
      assert.strictEqual(error?._tag, "ContractBroken");
    }).pipe(provided),
  );

  it.effect("that is no condition stops, and says why", () =>
    Effect.gen(function* () {
      const { told, error } = yield* run([
        Check.positive("km", { where: "town = 'Z'" }),
        Check.mean("km", { atMost: 9, where: "km > 1; DROP TABLE x" }),
        Check.sql("far", ["km"], "km > (SELECT 1)"),
        Check.matches("city", "[A-"),
        Check.sql("cast", ["city"], "CAST(city AS INTEGER) > 1"),
      ]);
      assert.deepStrictEqual(
        told.findings.map(({ check, severity }) => [check, severity]),
        [
          ["km.positive", "fail"],
          ["km.mean", "fail"],
          ["far", "fail"],
          ["city.matches", "fail"],
          ["cast", "fail"],
        ],
      );
      const message = String(error?.message);
      assert.include(
        message,
        `could not run: town = 'Z' is not understood: it may read "km", "city", not "town"`,
      );
      assert.include(message, "it has a subquery");
      assert.include(message, "missing ]");
      assert.include(message, "Could not convert string 'A' to INT32");
    }).pipe(provided),
  );
});

describe("other tables", () => {
  const City = Contract.make("city", {
    version: "1",
    owner: "atlas",
    columns: { name: Column.string() },
  });
  const known = Check.references("city", City, "name");

  it.effect("are inputs of the stage", () =>
    Effect.gen(function* () {
      const data = yield* rawOf(Trip, four);
      const cities = yield* Table.write(City, "checked", {
        query: "SELECT 'A' AS name UNION ALL SELECT 'C' ORDER BY name",
      });
      const stage = Validate.table(Trip, {
        ...lenient,
        references: { cities: City },
        checks: [known, Check.rowCountRatio(City, { atMost: 2 })],
      });
      assert.deepStrictEqual(Object.keys(stage.info.inputs).toSorted(), ["cities", "data"]);
      const { value } = yield* telling(stage.run({ data, cities }));
      assert.deepStrictEqual(yield* reasonsOf(value!.quarantine), [
        [2, ["city.references.city: B is not in city.name"]],
        [3, ["city.references.city: b is not in city.name"]],
      ]);
    }).pipe(provided),
  );

  it.effect("are not needed for a key that points into its own", () =>
    Effect.gen(function* () {
      const Part = Contract.make("part", {
        version: "1",
        owner: "works",
        columns: { id: Column.int(), of: Column.int({ nullable: true }) },
      });
      const data = yield* rawOf(
        Part,
        values("id INTEGER, of INTEGER", "(1, NULL)", "(2, 1)", "(3, 9)"),
      );
      const checks = [Check.references("of", Part, "id")];
      const { value } = yield* telling(Validate.table(Part, { ...lenient, checks }).run({ data }));
      assert.deepStrictEqual(yield* reasonsOf(value!.quarantine), [
        [2, ["of.references.part: 9 is not in part.id"]],
      ]);
    }).pipe(provided),
  );

  it.effect("that are not given keep a check from running", () =>
    Effect.gen(function* () {
      const { told } = yield* run([known]);
      assert.deepInclude(told.findings[0], {
        severity: "fail",
        found: `could not run: no table under the contract "city" is given: name it in "references" of Validate.table`,
      });
    }).pipe(provided),
  );

  it("have names of their own", () => {
    assert.throws(() => Validate.table(Trip, { references: { data: City } }), `named "data"`);
    assert.throws(
      () => Validate.table(Trip, { references: { a: City, b: City } }),
      `two references are under the contract "city"`,
    );
  });
});

describe("a stage with checks", () => {
  it("refuses two of one name, those of the columns included", () => {
    const twice = [Check.mean("km", { atMost: 1 }), Check.mean("km", { atLeast: 0 })];
    assert.throws(() => Validate.table(Trip, { checks: twice }), 'two checks are named "km.mean"');
    const Strict = Contract.make("strict", { ...about, columns: { km: Column.float() } });
    assert.throws(
      () => Validate.table(Strict, { checks: [Check.notNull("km")] }),
      'two checks are named "km.not-null"',
    );
  });

  it("has them as parameters, formulas included", () => {
    const { params } = Validate.table(Trip, {
      checks: [
        Check.mean("km", { atMost: 1 }),
        { name: "near", expected: "near", holds: ($) => $.km.lt(9) },
      ],
    }).info;
    const text = JSON.stringify(params);
    assert.include(text, '"kind":"mean"');
    assert.include(text, '"kind":"formula"');
    assert.include(text, '"operator":"lessThan"');
  });
});
