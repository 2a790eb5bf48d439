import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import { relationOf, withTables } from "../test-fixtures/tables.ts";
import { Duckdb } from "./Duckdb.ts";
import * as Expr from "./Expr.ts";
import { toClosure, toSql } from "./internal/compile.ts";
import { kindOf, problemsOf } from "./internal/kinds.ts";
import type { Scalar } from "./internal/operators.ts";

const hostile = `it"s'; -- \u{1F6EB}`;

const Everything = Contract.make("everything", {
  version: "1",
  owner: "lab",
  columns: {
    x: Column.float({ nullable: true }),
    [hostile]: Column.float({ nullable: true }),
    n: Column.int({ nullable: true }),
    yes: Column.boolean({ nullable: true }),
    text: Column.string({ nullable: true }),
    at: Column.timestamp({ nullable: true }),
  },
});

type Row = { readonly [column: string]: number | boolean | string | Date | null };

const scalar = (value: Row[string] | undefined): Scalar =>
  value instanceof Date ? value.getTime() : (value ?? null);

/** Evaluates in both compilers: one query for all expressions over one row each. */
const both = Effect.fnUntraced(function* (cases: ReadonlyArray<readonly [Expr.Ast, Row]>) {
  const db = yield* Duckdb;
  const found: Array<{ readonly sql: Scalar; readonly js: Scalar }> = [];
  const size = 40;
  for (let start = 0; start < cases.length; start += size) {
    const batch = cases.slice(start, start + size);
    const asked = batch.map(
      ([ast], index) => `(SELECT ${outputSql(ast)} FROM one WHERE i = ${index}) AS c${index}`,
    );
    const rows = batch.map(([, row], index) => ({ ...row, i: index }));
    const WithIndex = Contract.make("indexed", {
      version: "1",
      owner: "lab",
      columns: { ...Everything.columns, i: Column.int() },
    });
    const [values] = yield* db.rows(
      "evaluate",
      `WITH one AS MATERIALIZED (SELECT * FROM ${relationOf(WithIndex, rows)}) SELECT ${asked.join(",\n")}`,
    );
    for (const [index, [ast, row]] of batch.entries()) {
      const scalars = Object.fromEntries(Object.keys(row).map((key) => [key, scalar(row[key])]));
      const js = toClosure(ast, () => () => null)(scalars);
      found.push({ sql: fromSql(ast, values?.[`c${index}`]), js });
    }
  }
  return found;
});

/** Numbers as text of 17 digits, instants as epoch milliseconds: both exact. */
const outputSql = (ast: Expr.Ast): string => {
  const sql = toSql(ast);
  return kindOf(ast) === "time" ? `CAST(epoch_ms(${sql}) AS VARCHAR)` : `CAST(${sql} AS VARCHAR)`;
};

const fromSql = (ast: Expr.Ast, value: unknown): Scalar => {
  if (value === null || value === undefined) return null;
  const kind = kindOf(ast);
  if (kind === "number" || kind === "time") return Number(value);
  return kind === "boolean" ? value === "true" : String(value);
};

const equal = (a: Scalar, b: Scalar): boolean => a === b;

const edgeNumbers = [
  0,
  -0,
  1,
  -1,
  0.1,
  1 / 3,
  2.5,
  -2.5,
  0.5,
  60,
  1440,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 53),
  1e308,
  -1e308,
  5e-324,
  1e-310,
  1.7976931348623157e308,
  0.30000000000000004,
  1e21,
  525_600,
  4.5e9,
  1.44e11,
  1e18,
];
const number = fc.oneof(
  fc.constantFrom(...edgeNumbers),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -2000, max: 2000 }),
);
const int = fc.oneof(fc.constantFrom(0, 1, -1, 2 ** 53 - 1, 1 - 2 ** 53), fc.integer());
const text = fc.oneof(
  fc.constantFrom(
    "",
    "JFK",
    "it's",
    '"',
    "--",
    "'; DROP TABLE one; --",
    "\\",
    "\u{1F6EB}",
    "\u{10FFFF}",
    "\uFFFD",
    "a\u0000b",
    "ß",
    "İ",
    " ",
  ),
  fc.string({ unit: "grapheme", maxLength: 6 }),
);
const instantEdges = [
  "1969-12-31T23:59:59.999Z",
  "1970-01-01T00:00:00Z",
  "1904-02-29T12:00:00Z",
  "2000-02-29T23:59:59.999Z",
  "2001-12-31T23:59:59Z",
  "2002-01-01T00:00:00Z",
  "1900-03-01T00:00:00Z",
  "2024-02-29T00:00:00.001Z",
  "2001-04-01T02:30:00Z",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999Z",
];
const instant = fc.oneof(
  fc.constantFrom(...instantEdges).map((iso) => new Date(iso)),
  fc.integer({ min: -4e12, max: 8e12 }).map((ms) => new Date(ms)),
  fc.constantFrom(8.64e15, -8.64e15, 8.64e15 - 1).map((ms) => new Date(ms)),
);
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 6 });

const row: fc.Arbitrary<Row> = fc.record({
  x: orNull(number),
  [hostile]: orNull(number),
  n: orNull(int),
  yes: orNull(fc.boolean()),
  text: orNull(text),
  at: orNull(instant),
});

const call = (operator: Expr.OperatorName, ...args: ReadonlyArray<Expr.Ast>): Expr.Ast => ({
  _tag: "call",
  operator,
  args,
});
const column = (
  name: string,
  type: "int" | "float" | "boolean" | "string" | "timestamp",
): Expr.Ast => ({
  _tag: "column",
  name,
  type,
});
const literal = (value: string | number | boolean | null): Expr.Ast => ({ _tag: "literal", value });

const asts = fc.letrec<{ number: Expr.Ast; boolean: Expr.Ast; text: Expr.Ast; time: Expr.Ast }>(
  (tie) => {
    const options = { depthSize: "small", withCrossShrink: true } as const;
    const nothing = fc.constant(literal(null));
    const of = (operator: Expr.OperatorName, ...args: ReadonlyArray<fc.Arbitrary<Expr.Ast>>) =>
      fc.tuple(...args).map((made) => call(operator, ...made));
    const n = tie("number");
    const b = tie("boolean");
    const s = tie("text");
    const t = tie("time");
    return {
      number: fc.oneof(
        options,
        {
          arbitrary: fc.constantFrom(
            column("x", "float"),
            column(hostile, "float"),
            column("n", "int"),
          ),
          weight: 3,
        },
        { arbitrary: number.map(literal), weight: 2 },
        { arbitrary: nothing, weight: 1 },
        ...(["add", "subtract", "multiply", "divide", "orElse"] as const).map((name) => ({
          arbitrary: of(name, n, n),
          weight: 2,
        })),
        ...(["hourOfDay", "minuteOfDay", "dayOfWeek"] as const).map((name) => ({
          arbitrary: of(name, t),
          weight: 1,
        })),
      ),
      boolean: fc.oneof(
        options,
        { arbitrary: fc.constant(column("yes", "boolean")), weight: 2 },
        { arbitrary: fc.boolean().map(literal), weight: 1 },
        { arbitrary: nothing, weight: 1 },
        ...(["equals", "greaterThan", "greaterOrEqual", "lessThan", "lessOrEqual"] as const).map(
          (name) => ({ arbitrary: of(name, n, n), weight: 1 }),
        ),
        ...(["and", "or", "orElse"] as const).map((name) => ({
          arbitrary: of(name, b, b),
          weight: 2,
        })),
        { arbitrary: of("not", b), weight: 2 },
        { arbitrary: of("equals", s, s), weight: 2 },
        { arbitrary: of("equals", t, t), weight: 1 },
        ...[n, b, s, t].map((arg) => ({ arbitrary: of("isNull", arg), weight: 1 })),
      ),
      text: fc.oneof(
        options,
        { arbitrary: fc.constant(column("text", "string")), weight: 3 },
        { arbitrary: text.map(literal), weight: 2 },
        { arbitrary: of("orElse", s, s), weight: 1 },
      ),
      time: fc.oneof(
        options,
        { arbitrary: fc.constant(column("at", "timestamp")), weight: 3 },
        { arbitrary: nothing, weight: 1 },
        { arbitrary: of("plusMinutes", t, n), weight: 3 },
        { arbitrary: of("orElse", t, t), weight: 1 },
      ),
    };
  },
);
const anyAst = fc.oneof(asts.number, asts.boolean, asts.text, asts.time);

const operatorsIn = (ast: Expr.Ast): ReadonlyArray<string> =>
  ast._tag === "call" ? [ast.operator, ...ast.args.flatMap(operatorsIn)] : [];

const $ = Expr.columns(Everything);
const empty: Row = { x: null, [hostile]: null, n: null, yes: null, text: null, at: null };

/** The one value on which both compilers agree. */
const agreed = Effect.fnUntraced(function* (expr: Pick<Expr.Expr<unknown>, "ast">, values: Row) {
  const [found] = yield* both([[expr.ast, { ...empty, ...values }]]);
  assert.deepStrictEqual(found?.sql, found?.js);
  return found?.js;
});

describe("both compilers", () => {
  it.live(
    "agree on generated expressions and rows, and no query raises",
    () =>
      Effect.gen(function* () {
        const cases = fc.sample(fc.tuple(anyAst, row), { numRuns: 2400, seed: 20010601 });
        const found = yield* both(cases);
        for (const [index, { sql, js }] of found.entries()) {
          if (equal(sql, js)) continue;
          assert.fail(
            `SQL gives ${String(sql)}, the closure ${String(js)} for ${JSON.stringify(cases[index])}`,
          );
        }
        assert.strictEqual(found.length, 2400);
        const used = new Set(cases.flatMap(([ast]) => operatorsIn(ast)));
        assert.deepStrictEqual(
          [...Expr.OperatorName.literals].filter((name) => !used.has(name)),
          [],
        );
        assert.isAbove(found.filter(({ js }) => js !== null).length, 800);
      }).pipe(withTables),
    30_000,
  );

  it.effect("agree on numbers at the edges", () =>
    Effect.gen(function* () {
      for (const [a, b] of [
        [1, 0],
        [0, 0],
        [1e308, 1e-10],
        [-5e-324, 2],
      ] as const) {
        const quotient = a / b;
        const expected = Number.isFinite(quotient) ? quotient : null;
        assert.strictEqual(yield* agreed($.x.dividedBy(b), { x: a }), expected);
      }
      assert.strictEqual(yield* agreed($.x.times(10), { x: 1e308 }), null);
      assert.strictEqual(yield* agreed($.x.plus(0.2), { x: 0.1 }), 0.30000000000000004);
      assert.strictEqual(yield* agreed($.n.plus(2), { n: 2 ** 53 - 1 }), 2 ** 53);
      assert.strictEqual(yield* agreed($.x.equals(0.30000000000000004), { x: 0.1 + 0.2 }), true);
      // An infinite step on the way is missing, even if the end would be finite.
      assert.strictEqual(yield* agreed($.x.times(10).dividedBy(100), { x: 1e308 }), null);
    }).pipe(withTables),
  );

  it.effect("follow Kleene's logic", () =>
    Effect.gen(function* () {
      const unknown = $.x.gt(0);
      assert.strictEqual(yield* agreed(unknown.and(false), {}), false);
      assert.strictEqual(yield* agreed(unknown.and(true), {}), null);
      assert.strictEqual(yield* agreed(unknown.or(true), {}), true);
      assert.strictEqual(yield* agreed(unknown.or(false), {}), null);
      assert.strictEqual(yield* agreed(unknown.not(), {}), null);
      assert.strictEqual(yield* agreed(unknown.isNull(), {}), true);
      assert.strictEqual(yield* agreed($.x.orElse(7), {}), 7);
    }).pipe(withTables),
  );

  it.effect("take text as it is", () =>
    Effect.gen(function* () {
      for (const value of ["'", "--", "\\'", "a\u0000b", "\u{1F6EB}", "é"]) {
        assert.strictEqual(yield* agreed($.text.equals(value), { text: value }), true);
        assert.strictEqual(yield* agreed($.text.equals(`${value} `), { text: value }), false);
      }
      // No Unicode normalisation, and upper and lower case differ.
      assert.strictEqual(yield* agreed($.text.equals("e\u0301"), { text: "é" }), false);
      assert.strictEqual(yield* agreed($.text.equals("jfk"), { text: "JFK" }), false);
    }).pipe(withTables),
  );

  it.effect("know the calendar", () =>
    Effect.gen(function* () {
      // ISO 8601 weekdays of known dates: the Moon landing was on a Sunday.
      const days = [
        ["1969-07-20T20:17:40Z", 7],
        ["1970-01-01T00:00:00Z", 4],
        ["2000-02-29T23:59:59.999Z", 2],
        ["1900-03-01T00:00:00Z", 4],
        ["2001-06-01T00:00:00Z", 5],
        ["2024-12-30T12:00:00Z", 1],
      ] as const;
      for (const [iso, day] of days) {
        assert.strictEqual(yield* agreed($.at.dayOfWeek(), { at: new Date(iso) }), day, iso);
      }
      const before = new Date("1969-12-31T23:59:59.999Z");
      assert.strictEqual(yield* agreed($.at.hourOfDay(), { at: before }), 23);
      assert.strictEqual(yield* agreed($.at.minuteOfDay(), { at: before }), 1439);
      assert.strictEqual(
        yield* agreed($.at.minuteOfDay(), { at: new Date("2001-01-01T00:00Z") }),
        0,
      );
    }).pipe(withTables),
  );

  it.effect("add fractions of minutes, rounded to milliseconds, and stop where dates end", () =>
    Effect.gen(function* () {
      const at = new Date("2000-02-28T23:59:00Z");
      const after = (minutes: number) => agreed($.at.plusMinutes(minutes), { at });
      assert.strictEqual(yield* after(1), Date.parse("2000-02-29T00:00:00Z"));
      assert.strictEqual(yield* after(0.5), at.getTime() + 30_000);
      assert.strictEqual(yield* after(1 / 3), at.getTime() + 20_000);
      assert.strictEqual(yield* after(2.5 / 60_000), at.getTime() + 3);
      assert.strictEqual(yield* after(-2.5 / 60_000), at.getTime() - 3);
      assert.strictEqual(yield* after(1e300), null);
      assert.strictEqual(yield* after(-1e18), null);
    }).pipe(withTables),
  );

  it.live("stay short for a deep formula", () =>
    Effect.gen(function* () {
      const deep = Array.from({ length: 60 }).reduce<Expr.NumberExpr>((sum) => sum.plus($.x), $.x);
      assert.isBelow(toSql(deep.ast).length, 20_000);
      assert.strictEqual(yield* agreed(deep, { x: 2 }), 122);
      const late = Array.from({ length: 20 }).reduce<Expr.TimeExpr>(
        (t) => t.plusMinutes($.x.plus(1)),
        $.at,
      );
      assert.strictEqual(yield* agreed(late, { at: new Date(0), x: 2 }), 60 * 60_000);
    }).pipe(withTables),
  );

  it.effect("truncate a stored instant to milliseconds, also before 1970", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const [found] = yield* db.rows(
        "truncate",
        `SELECT CAST(epoch_ms(${toSql(column("at", "timestamp"))}) AS DOUBLE) AS ms
         FROM (SELECT TIMESTAMP '1969-12-31 23:59:59.999500' AS at)`,
      );
      assert.strictEqual(found?.["ms"], -1);
    }).pipe(withTables),
  );
});

describe("Ast", () => {
  it("goes through JSON unchanged", () => {
    const decode = Schema.decodeUnknownSync(Schema.toCodecJson(Expr.Ast));
    const encode = Schema.encodeSync(Schema.toCodecJson(Expr.Ast));
    fc.assert(
      fc.property(anyAst, (ast) => {
        const json: unknown = JSON.parse(JSON.stringify(encode(ast)));
        // JSON has one zero, and so have expressions: nothing tells 0 from -0.
        assert.deepEqual(JSON.stringify(decode(json)), JSON.stringify(ast));
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it("refuses what is no expression", () => {
    const refused = (json: unknown) =>
      assert.strictEqual(Schema.decodeUnknownResult(Expr.Ast)(json)._tag, "Failure");
    refused({ _tag: "call", operator: "eval", args: [] });
    refused({ _tag: "literal", value: Number.NaN });
    refused({ _tag: "column", name: "x", type: "blob" });
    refused({
      _tag: "history",
      aggregate: "mean",
      by: [],
      of: literal(1),
      knownAt: literal(1),
      windowMs: 0,
      hopMs: 1,
    });
  });

  it("is typed: what does not fit together is found before a query is", () => {
    const problem = (ast: Expr.Ast) => problemsOf(ast, ["boolean"]).join("; ");
    assert.strictEqual(
      problem(call("greaterThan", column("text", "string"), literal(1))),
      'column "text" is text where a number is expected',
    );
    assert.strictEqual(problem(call("not")), "not takes 1 arguments, not 0");
    assert.strictEqual(problem(literal(5)), "5 is a number where yes or no is expected");
    assert.strictEqual(
      problem(call("equals", literal("a"), literal(1))),
      "1 is a number where text is expected",
    );
    assert.strictEqual(problem(call("equals", literal(null), literal(1))), "");
    fc.assert(
      fc.property(asts.boolean, (ast) => problem(ast) === ""),
      { numRuns: 300 },
    );
  });
});

describe("columns", () => {
  it("know when they are known, and pass it on", () => {
    const Trip = Contract.make("trip", {
      version: "1",
      owner: "lab",
      columns: { km: Column.float(), minutes: Column.float({ availableAt: "outcome" }) },
    });
    const trip = Expr.columns(Trip);
    assert.strictEqual(trip.km.plus(1).gt(3).not().availableAt, "decision");
    assert.strictEqual(trip.km.dividedBy(trip.minutes).availableAt, "outcome");
    assert.deepStrictEqual(
      [...Expr.columnsOf(trip.km.dividedBy(trip.minutes).ast)],
      ["km", "minutes"],
    );
  });

  it("refuse operands that are not values", () => {
    assert.throws(() => $.x.plus(Number.NaN), /finite number.*not NaN/);
    assert.throws(() => $.x.gt(Number.POSITIVE_INFINITY), /finite number/);
    const cast: number = JSON.parse("[1]");
    assert.throws(() => $.x.gt(cast), /another expression/);
  });
});
