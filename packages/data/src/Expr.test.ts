import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import {
  agree,
  anyAst,
  asts,
  both,
  call,
  column,
  Everything,
  literal,
  operatorsIn,
  type Row,
  row,
} from "../test-fixtures/expressions.ts";
import { withTables } from "../test-fixtures/tables.ts";
import { Duckdb } from "./Duckdb.ts";
import * as Expr from "./Expr.ts";
import { toSql } from "./internal/compile.ts";
import { problemsOf } from "./internal/kinds.ts";
import { operatorNames } from "./internal/operators.ts";

const $ = Expr.columns(Everything);
const empty: Row = Object.fromEntries(Object.keys(Everything.columns).map((name) => [name, null]));

/** The one value on which both compilers agree. */
const agreed = Effect.fnUntraced(function* (expr: Pick<Expr.Expr<unknown>, "ast">, values: Row) {
  const [answers] = yield* both([expr.ast], [{ ...empty, ...values }]);
  const [found] = answers ?? [];
  assert.deepStrictEqual(found?.sql, found?.js);
  return found?.js;
});

/** How many pairs of an expression and a row are compared; a nightly run asks for more. */
const cases = Number(process.env["ML_PIPE_PARITY_CASES"] ?? 6000);
const rowsOfOne = 40;

describe("both compilers", () => {
  it.live(
    "agree on generated expressions and rows, and no query raises",
    () =>
      Effect.gen(function* () {
        const seed = Number(process.env["ML_PIPE_PARITY_SEED"] ?? 20010601);
        const expressions = fc.sample(anyAst, { numRuns: Math.ceil(cases / rowsOfOne), seed });
        let [known, compared] = [0, 0];
        for (let start = 0; start < expressions.length; start += 30) {
          const some = expressions.slice(start, start + 30);
          const rows = fc.sample(row, { numRuns: rowsOfOne, seed: seed + start });
          for (const [index, answers] of (yield* both(some, rows)).entries()) {
            const ast = some[index] ?? literal(null);
            for (const [at, answer] of answers.entries()) {
              compared++;
              if (answer.js !== null) known++;
              if (agree(ast, answer)) continue;
              assert.fail(
                `SQL gives ${String(answer.sql)}, the closure ${String(answer.js)} for ${JSON.stringify(ast)} on ${JSON.stringify(rows[at])}`,
              );
            }
          }
        }
        assert.isAtLeast(compared, cases);
        assert.isAbove(known, cases / 3);
      }).pipe(withTables),
    600_000,
  );

  it("are asked about every operator", () => {
    const used = new Set(
      fc.sample(anyAst, { numRuns: 2000, seed: 1 }).flatMap((ast) => operatorsIn(ast)),
    );
    assert.deepStrictEqual(
      operatorNames.filter((name) => !used.has(name)),
      [],
    );
  });

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

  it.effect("count and order text by code points", () =>
    Effect.gen(function* () {
      const plane = "a\u{1F6EB}b";
      assert.strictEqual(yield* agreed($.text.length(), { text: plane }), 3);
      assert.strictEqual(yield* agreed($.text.substring(1, 1), { text: plane }), "\u{1F6EB}");
      // In UTF-16 the surrogate of the first comes before the second.
      assert.strictEqual(yield* agreed($.text.gt("\uFFFD"), { text: "\u{1F6EB}" }), true);
      assert.strictEqual(yield* agreed($.text.lowerAscii(), { text: "ÀSS" }), "Àss");
      assert.strictEqual(yield* agreed($.text.trim(), { text: "  a\t " }), "a\t");
      assert.strictEqual(yield* agreed($.text.trim(), { text: " \u2003a\u00a0" }), "\u2003a\u00a0");
    }).pipe(withTables),
  );

  it.effect("look into lists and structs, and measure vectors", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* agreed($.tags.length(), { tags: ["a", null] }), 2);
      assert.strictEqual(yield* agreed($.tags.at(1), { tags: ["a", "b"] }), "b");
      assert.strictEqual(yield* agreed($.tags.at(2), { tags: ["a", "b"] }), null);
      assert.strictEqual(yield* agreed($.tags.contains("b"), { tags: ["a", null, "b"] }), true);
      assert.strictEqual(yield* agreed($.tags.contains("c"), { tags: ["a", null] }), false);
      assert.strictEqual(yield* agreed($.tags.contains("c"), {}), null);
      assert.strictEqual(yield* agreed($.counts.contains($.n), { counts: [3], n: 3 }), true);
      const at = new Date("2026-06-01T10:00:00.123Z");
      assert.strictEqual(yield* agreed($.times.contains($.at), { times: [at], at }), true);
      const place = { city: "Ulm", "it's": 2, open: true, since: at };
      assert.strictEqual(yield* agreed($.place.city.length(), { place }), 3);
      assert.strictEqual(yield* agreed($.place["it's"].plus(1), { place }), 3);
      assert.strictEqual(yield* agreed($.place.since.hourOfDay(), { place }), 10);
      assert.strictEqual(yield* agreed($.place.open.not(), {}), null);
      const vectors = { one: [1, 2, 2], other: [2, 0, 1] };
      assert.strictEqual(yield* agreed($.one.dot($.other), vectors), 4);
      assert.strictEqual(yield* agreed($.one.norm(), vectors), 3);
      assert.strictEqual(yield* agreed($.one.at(2), vectors), 2);
      assert.strictEqual(yield* agreed($.one.cosine($.one), vectors), 1);
      assert.strictEqual(
        yield* agreed($.one.cosine($.other), { ...vectors, one: [0, 0, 0] }),
        null,
      );
      for (const one of [[], [1, 2], [1, 2, null], [1, 2, NaN]]) {
        assert.strictEqual(yield* agreed($.one.dot($.other), { ...vectors, one }), null);
        if (one.length !== 2) assert.strictEqual(yield* agreed($.one.norm(), { one }), null);
      }
      assert.strictEqual(yield* agreed($.one.dot($.one), { one: [1e200, 0, 0] }), null);
      assert.throws(() => $.tags.at(-1), /whole number from 0/);
      const small = Expr.columns(
        Contract.make("small", { version: "1", owner: "lab", columns: { v: Column.embedding(2) } }),
      );
      assert.throws(() => $.one.dot(small.v), /embeddings of 3 and 2 numbers/);
    }).pipe(withTables),
  );

  it.effect("match as RE2 does, in linear time", () =>
    Effect.gen(function* () {
      const backtracking = `${"a".repeat(5000)}!`;
      assert.strictEqual(yield* agreed($.text.matches("(a*)*b"), { text: backtracking }), false);
      // `.` is any character but a line break, \\d and \\w are ASCII.
      assert.strictEqual(yield* agreed($.text.matches("."), { text: "\n" }), false);
      assert.strictEqual(yield* agreed($.text.matches("."), { text: "\u2028" }), true);
      assert.strictEqual(yield* agreed($.text.matches("\\d"), { text: "\u0663" }), false);
      assert.strictEqual(yield* agreed($.text.extract("(a)|(b)", 2), { text: "xa" }), "");
      assert.strictEqual(yield* agreed($.text.extract("b+"), { text: "abbc" }), "bb");
      assert.strictEqual(yield* agreed($.text.extract("z"), { text: "abc" }), null);
      assert.throws(() => $.text.matches("(?=a)b"), /matches takes a regular expression of RE2/);
      assert.throws(() => $.text.matches("(a)\\1"), /no back-references/);
      assert.throws(() => $.text.extract("(a)", 2), /asks for group 2 of a pattern that has 1/);
    }).pipe(withTables),
  );

  it.effect("hash by SHA-256: the test vectors of FIPS 180-4", () =>
    Effect.gen(function* () {
      const vectors = [
        ["", 0xe3b0c44298fc1],
        ["abc", 0xba7816bf8f01c],
        ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 0x248d6a61d2063],
      ] as const;
      for (const [text, first52] of vectors) {
        assert.strictEqual(yield* agreed($.text.hashBucket(1009), { text }), first52 % 1009);
      }
      assert.throws(() => $.text.hashBucket(0), /number of buckets from 1/);
    }).pipe(withTables),
  );

  it.effect("read decimal numbers, and nothing else", () =>
    Effect.gen(function* () {
      const cases = [
        ["12", 12],
        ["-1.50e3", -1500],
        ["+.5", 0.5],
        ["5.", 5],
        ["0.1", 0.1],
        ["1e400", null],
        ["1_000", null],
        ["1,000", null],
        [" 1", null],
        ["0x10", null],
        ["NaN", null],
        ["inf", null],
        ["", null],
      ] as const;
      for (const [text, value] of cases) {
        assert.strictEqual(yield* agreed($.text.parseNumber(), { text }), value, text);
      }
    }).pipe(withTables),
  );

  it.effect("take what is no number for missing", () =>
    Effect.gen(function* () {
      for (const x of [NaN, Infinity, -Infinity]) {
        assert.strictEqual(yield* agreed($.x.isNull(), { x }), true);
        assert.strictEqual(yield* agreed($.x.gt(0), { x }), null);
      }
    }).pipe(withTables),
  );

  it.effect("read wall clocks of zones", () =>
    Effect.gen(function* () {
      const hour = (iso: string, zone: string) =>
        agreed($.at.minuteOfDay(zone), { at: new Date(iso) });
      // New York leaps from 02:00 to 03:00; the hour from 01:00 comes twice in autumn.
      assert.strictEqual(yield* hour("2001-04-01T06:59:00Z", "America/New_York"), 119);
      assert.strictEqual(yield* hour("2001-04-01T07:00:00Z", "America/New_York"), 180);
      assert.strictEqual(yield* hour("2001-10-28T05:30:00Z", "America/New_York"), 90);
      assert.strictEqual(yield* hour("2001-10-28T06:30:00Z", "America/New_York"), 90);
      assert.strictEqual(yield* hour("2024-01-01T00:00:00Z", "Asia/Kolkata"), 330);
      assert.strictEqual(yield* hour("1971-06-01T00:00:00Z", "Africa/Monrovia"), 1395);
      assert.strictEqual(yield* hour("1969-12-31T23:59:59Z", "Asia/Kolkata"), null);
      assert.strictEqual(yield* hour("2100-01-01T00:00:00Z", "Asia/Kolkata"), null);
      assert.throws(() => $.at.hourOfDay("+02:00"), /time zone of the IANA database/);
      assert.throws(() => $.at.hourOfDay("Berlin"), /time zone of the IANA database/);
    }).pipe(withTables),
  );

  it.effect("clamp months, and cut down to units", () =>
    Effect.gen(function* () {
      const at = (iso: string) => ({ at: new Date(iso) });
      const jan31 = at("2024-01-31T08:00:00Z");
      assert.strictEqual(yield* agreed($.at.plusMonths(1), jan31), Date.parse("2024-02-29T08:00Z"));
      assert.strictEqual(
        yield* agreed($.at.plusMonths(-11), jan31),
        Date.parse("2023-02-28T08:00Z"),
      );
      const thursday = at("2026-01-01T12:34:56.789Z");
      const starts = [
        ["minute", "2026-01-01T12:34:00Z"],
        ["hour", "2026-01-01T12:00:00Z"],
        ["day", "2026-01-01T00:00:00Z"],
        ["week", "2025-12-29T00:00:00Z"],
        ["month", "2026-01-01T00:00:00Z"],
        ["quarter", "2026-01-01T00:00:00Z"],
        ["year", "2026-01-01T00:00:00Z"],
      ] as const;
      for (const [unit, start] of starts) {
        assert.strictEqual(yield* agreed($.at.startOf(unit), thursday), Date.parse(start), unit);
      }
      // 2020 had 53 ISO weeks; the first days of 2021 are in the last of them.
      assert.strictEqual(yield* agreed($.at.isoWeek(), at("2021-01-03T00:00:00Z")), 53);
      assert.strictEqual(yield* agreed($.at.isoWeek(), at("2021-01-04T00:00:00Z")), 1);
      assert.strictEqual(yield* agreed($.at.gte(new Date("2026-01-01")), thursday), true);
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
      problem(call("add", [column("text", "string"), literal(1)])),
      'add is a number where yes or no is expected; column "text" is text where a number is expected',
    );
    assert.strictEqual(problem(call("not", [])), "not takes 1 arguments, not 0");
    assert.strictEqual(problem(literal(5)), "5 is a number where yes or no is expected");
    assert.strictEqual(
      problem(call("equals", [literal("a"), literal(1)])),
      "1 is a number where text is expected",
    );
    assert.strictEqual(problem(call("equals", [literal(null), literal(1)])), "");
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
