/** Random checks of random tables: each has one outcome, and rows fail as plain code says they do. */
import { assert, describe, it } from "@effect/vitest";
import { Check, Column, Contract } from "@ml-pipe/core";
import * as fc from "fast-check";
import * as Effect from "effect/Effect";
import {
  rawOf,
  reasonsOf,
  services,
  telling,
  temporaryFolder,
  values,
  writeParquet,
} from "../test-fixtures/tables.ts";
import { examine } from "./internal/examine.ts";
import { kinds } from "./internal/kinds/kinds.ts";
import * as Validate from "./Validate.ts";

const nullable = { nullable: true } as const;
const Thing = Contract.make("thing", {
  version: "1",
  owner: "lab",
  columns: {
    i: Column.int(nullable),
    j: Column.int(nullable),
    x: Column.float(nullable),
    y: Column.float(nullable),
    s: Column.string(nullable),
    t: Column.string(nullable),
  },
});
type Check_ = Check.Check<Contract.Row<typeof Thing>>;

interface Row {
  readonly i: number | null;
  readonly j: number | null;
  readonly x: number | null;
  readonly y: number | null;
  readonly s: string | null;
  readonly t: string | null;
}

const int = fc.option(fc.integer({ min: -2, max: 3 }));
const float = fc.option(fc.constantFrom(0, -1.5, 0.5, 2, 1e300, -1e300, NaN, Infinity, -Infinity));
const text = fc.option(fc.constantFrom("", " ", "a", "ab ", "NA", "it's", "é", "\t", "1.5"));
const row: fc.Arbitrary<Row> = fc.record({ i: int, j: int, x: float, y: float, s: text, t: text });
const rows = fc.array(row, { maxLength: 9 });

const sqlOf = (value: number | string | null): string =>
  value === null ? "NULL" : `'${String(value).replace("Infinity", "inf").replaceAll("'", "''")}'`;
const tableOf = (all: ReadonlyArray<Row>): string => {
  const columns = "i INTEGER, j INTEGER, x DOUBLE, y DOUBLE, s VARCHAR, t VARCHAR";
  const cells = ({ i, j, x, y, s, t }: Row) => `(${[i, j, x, y, s, t].map(sqlOf).join(", ")})`;
  return all.length === 0
    ? `${values(columns, "(NULL, NULL, NULL, NULL, NULL, NULL)")} LIMIT 0`
    : values(columns, ...all.map(cells));
};

/** A check, and what plain code says of a row: whether it passes, or null if it is not judged. */
type Judged = readonly [
  Check_,
  (row: Row, index: number, all: ReadonlyArray<Row>) => boolean | null,
];

const given =
  <T>(pick: (row: Row) => T | null, holds: (value: T) => boolean): Judged[1] =>
  (row) => {
    const value = pick(row);
    return value === null ? null : holds(value);
  };
const both =
  <T>(
    a: (row: Row) => T | null,
    b: (row: Row) => T | null,
    holds: (a: T, b: T) => boolean,
  ): Judged[1] =>
  (row) => {
    const [left, right] = [a(row), b(row)];
    return left === null || right === null ? null : holds(left, right);
  };
const present = (...cells: ReadonlyArray<unknown>) => cells.filter((one) => one !== null).length;
const finite = Number.isFinite;

const limit = fc.integer({ min: -2, max: 3 });
const judged: fc.Arbitrary<Judged> = fc.oneof(
  fc.constant<Judged>([Check.notNull("i"), ({ i }) => i !== null]),
  fc.constant<Judged>([Check.isNull("s"), ({ s }) => s === null]),
  limit.map((n): Judged => [
    Check.between("x", { atLeast: n }),
    given(
      ({ x }) => x,
      (x) => finite(x) && x >= n,
    ),
  ]),
  fc.tuple(limit, limit).map(([a, b]): Judged => {
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    return [
      Check.between("i", { between: [low, high] }),
      given(
        ({ i }) => i,
        (i) => i >= low && i <= high,
      ),
    ];
  }),
  fc.constant<Judged>([
    Check.positive("x"),
    given(
      ({ x }) => x,
      (x) => finite(x) && x > 0,
    ),
  ]),
  fc.constant<Judged>([
    Check.nonNegative("i"),
    given(
      ({ i }) => i,
      (i) => i >= 0,
    ),
  ]),
  fc.constant<Judged>([Check.wholeNumber("y"), given(({ y }) => y, Number.isInteger)]),
  fc.subarray(["a", "ab ", "NA", "it's", ""]).map((list): Judged => [
    Check.inSet("s", list),
    given(
      ({ s }) => s,
      (s) => list.includes(s),
    ),
  ]),
  fc.subarray([-1.5, 0.5, 2]).map((list): Judged => [
    Check.notInSet("x", list),
    given(
      ({ x }) => x,
      (x) => finite(x) && !list.includes(x),
    ),
  ]),
  limit.map((n): Judged => [
    Check.length("s", { atMost: n }),
    given(
      ({ s }) => s,
      (s) => [...s].length <= n,
    ),
  ]),
  fc.constant<Judged>([
    Check.notBlank("s"),
    given(
      ({ s }) => s,
      (s) => /\S/.test(s),
    ),
  ]),
  fc.constant<Judged>([
    Check.trimmed("s"),
    given(
      ({ s }) => s,
      (s) => s.trim() === s,
    ),
  ]),
  fc.constant<Judged>([
    Check.parsesAs("t", "float"),
    given(
      ({ t }) => t,
      (t) => t.trim() !== "" && finite(Number(t)),
    ),
  ]),
  fc.constant<Judged>([
    Check.greaterThan("x", "y"),
    both(
      ({ x }) => x,
      ({ y }) => y,
      (x, y) => finite(x) && finite(y) && x > y,
    ),
  ]),
  fc.constant<Judged>([
    Check.greaterOrEqual("i", "x"),
    both(
      ({ i }) => i,
      ({ x }) => x,
      (i, x) => finite(x) && i >= x,
    ),
  ]),
  fc.constant<Judged>([
    Check.equal("s", "t"),
    both(
      ({ s }) => s,
      ({ t }) => t,
      (s, t) => s === t,
    ),
  ]),
  fc.constant<Judged>([
    Check.sumEquals(["i", "j"], 1),
    both(
      ({ i }) => i,
      ({ j }) => j,
      (i, j) => i + j === 1,
    ),
  ]),
  fc.constant<Judged>([Check.anyPresent(["i", "s"]), ({ i, s }) => present(i, s) >= 1]),
  fc.constant<Judged>([Check.onePresent(["i", "s", "x"]), ({ i, s, x }) => present(i, s, x) === 1]),
  fc.constant<Judged>([
    Check.allOrNonePresent(["s", "t"]),
    ({ s, t }) => present(s, t) === 0 || present(s, t) === 2,
  ]),
  fc.constant<Judged>([
    Check.distinctWithinRow(["i", "j"]),
    both(
      ({ i }) => i,
      ({ j }) => j,
      (i, j) => i !== j,
    ),
  ]),
  fc.constant<Judged>([
    Check.sql("sql", ["i", "j"], "i < j"),
    both(
      ({ i }) => i,
      ({ j }) => j,
      (i, j) => i < j,
    ),
  ]),
  fc.constant<Judged>([
    Check.unique(["i", "s"]),
    ({ i, s }, index, all) =>
      i === null || s === null
        ? null
        : !all.slice(0, index).some((one) => one.i === i && one.s === s),
  ]),
  fc.boolean().map((orEqual): Judged => [
    Check.increasing("i", { orEqual }),
    ({ i }, index, all) => {
      const before = all.slice(0, index).findLast((one) => one.i !== null)?.i ?? null;
      return i === null ? null : before === null || (orEqual ? i >= before : i > before);
    },
  ]),
  fc.constant<Judged>([
    Check.determines(["i"], "s"),
    ({ i, s }, _, all) =>
      i === null || s === null
        ? null
        : new Set(all.flatMap((one) => (one.i === i && one.s !== null ? [one.s] : []))).size === 1,
  ]),
);

const runs = { numRuns: 20 };

describe("random checks of random tables", () => {
  it.effect("fail for the rows that plain code says, which are quarantined", () =>
    Effect.gen(function* () {
      const property = fc.asyncProperty(
        rows,
        fc.array(judged, { minLength: 1, maxLength: 8 }),
        (all, some) => Effect.runPromiseWith(context)(Effect.scoped(compare(all, some))),
      );
      const context = yield* Effect.context<Effect.Services<ReturnType<typeof compare>>>();
      yield* Effect.promise(() => fc.assert(property, runs));
    }).pipe(Effect.provide(services(1))),
  );

  it.effect("have one outcome each, whatever they say, and none passes that says nothing", () =>
    Effect.gen(function* () {
      const property = fc.asyncProperty(rows, fc.array(anything, { maxLength: 12 }), (all, specs) =>
        Effect.runPromiseWith(context)(Effect.scoped(survive(all, specs))),
      );
      const context = yield* Effect.context<Effect.Services<ReturnType<typeof survive>>>();
      yield* Effect.promise(() => fc.assert(property, runs));
    }).pipe(Effect.provide(services(1))),
  );
});

/** Runs checks as a stage and compares the quarantine with what plain code says. */
const compare = Effect.fnUntraced(function* (all: ReadonlyArray<Row>, some: ReadonlyArray<Judged>) {
  const checks = some.map(([{ spec }], index): Check_ => ({
    spec: { ...spec, name: `check ${index}` },
  }));
  const expected = all.map((row, index) =>
    some.flatMap(([, holds], place) =>
      holds(row, index, all) === false ? [`check ${place}`] : [],
    ),
  );
  const data = yield* rawOf(Thing, tableOf(all));
  const stage = Validate.table(Thing, { checks, uniqueRows: false, quarantine: { atMost: 1 } });
  const { told, value, error } = yield* telling(stage.run({ data }));
  const exhibit = told.exhibits.find(({ title }) => title === "Checks");
  const outcomes = new Map(
    (exhibit?._tag === "table" ? exhibit.rows : []).map(([name, , , outcome]) => [name, outcome]),
  );
  for (const [index, [, holds]] of some.entries()) {
    const verdicts = new Set(all.map((row, place) => holds(row, place, all)));
    const right = verdicts.has(false) ? "failed" : verdicts.has(true) ? "passed" : "could not run";
    assert.strictEqual(outcomes.get(`check ${index}`), right, JSON.stringify(checks[index]?.spec));
  }
  if (value === undefined) {
    // No valid row is left, or there was none.
    assert.strictEqual(error?._tag, "ContractBroken");
    return;
  }
  const found = new Map(yield* reasonsOf(value.quarantine));
  assert.strictEqual(value.checked.rows + value.quarantine.rows, all.length);
  for (const [index, names] of expected.entries()) {
    const reasons = found.get(index);
    const own = (Array.isArray(reasons) ? reasons : [])
      .map((reason) => String(reason).split(":")[0])
      .filter((name) => name?.startsWith("check"));
    assert.deepStrictEqual(own.toSorted(), names.toSorted(), `row ${index}`);
  }
});

const names = fc.constantFrom("i", "j", "x", "y", "s", "t", "missing", "~row", '"');
const json = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.5, 1e308, "a", "", "[", "i > 0", "i >", "avg(i)", true, null),
  fc.constantFrom(["a"], [], [[1, "a"]], { a: 1 }, "2001-01-01", "int", "email", "thing"),
);
/** Checks as a file might have them, sense or nonsense. */
const anything: fc.Arbitrary<Check.CheckSpec> = fc.record(
  {
    kind: fc.constantFrom(...kinds.keys(), "nonsense"),
    name: fc.uuid(),
    columns: fc.array(names, { maxLength: 3 }),
    args: fc.dictionary(
      fc.constantFrom(
        "atLeast",
        "atMost",
        "values",
        "patterns",
        "q",
        "format",
        "type",
        "pattern",
        "condition",
        "expression",
        "contract",
        "column",
        "orEqual",
        "total",
        "atMostMs",
        "within",
        "by",
      ),
      json,
      { maxKeys: 4 },
    ),
    mostly: fc.constantFrom(0, 0.5, 1),
    where: fc.constantFrom(
      "i > 0",
      "true",
      "false",
      "s = 'a'",
      "1; SELECT 2",
      ")",
      "",
      "missing > 1",
    ),
    severity: fc.constantFrom("fail", "warn", "info"),
  },
  { requiredKeys: ["kind", "name", "columns", "args", "severity"] },
);

const survive = Effect.fnUntraced(function* (
  all: ReadonlyArray<Row>,
  specs: ReadonlyArray<Check.CheckSpec>,
) {
  const folder = yield* temporaryFolder;
  const file = `${folder}/things.parquet`;
  yield* writeParquet(file, tableOf(all));
  const relation = `(${tableOf([])})`;
  const others = new Map([["thing", { contract: Thing, relation }]]);
  const request = { contract: Thing, checks: specs, others, uniqueRows: true, asOf: 0 };
  const { results } = yield* examine(file, request);
  for (const { name, kind, columns } of specs) {
    const those = results.filter(({ check }) => check.name === name);
    assert.strictEqual(those.length, 1);
    if (kind === "nonsense" || columns.some((column) => !Object.hasOwn(Thing.columns, column))) {
      assert.strictEqual(those[0]?.judged.outcome, "could not run");
    }
  }
});
