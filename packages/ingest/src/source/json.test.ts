import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { gzipSync } from "node:zlib";
import { ingested, services, written } from "../ingest.fixture.ts";
import * as Source from "../Source.ts";

const provided = Effect.provide(services);

/** Ingests text as a JSON file. */
const json = Effect.fnUntraced(function* (
  content: string | Uint8Array,
  options: Source.JsonOptions = {},
  rest: Parameters<typeof ingested>[1] = {},
) {
  const [file = ""] = yield* written({ "trips.json": content });
  return yield* ingested(Source.json(file, options), rest);
});

describe("Source.json", () => {
  it.effect("reads values in the contract's types; big integers keep all digits", () =>
    Effect.gen(function* () {
      const lines = [
        '{"at": "2001-01-01T10:00:00+01:00", "km": 1.5, "seats": 9007199254740993, "late": true, "from": "A\\n\\"B\\""}',
        '{"at": null, "km": 12345678901234567890123, "seats": -4.0, "late": false}',
        "",
        '{"from": "\\u001e\\u001f", "km": 0}',
      ];
      const { rows, rejected } = yield* json(`\ufeff${lines.join("\r\n")}`);
      assert.deepStrictEqual(rejected, []);
      assert.deepStrictEqual(rows, [
        {
          at: "2001-01-01 09:00:00",
          km: 1.5,
          seats: "9007199254740993",
          late: true,
          from: 'A\n"B"',
        },
        { at: null, km: 1.2345678901234568e22, seats: "-4", late: false, from: null },
        { at: null, km: 0, seats: null, late: null, from: "\u001e\u001f" },
      ]);
    }).pipe(provided),
  );

  const bad: ReadonlyArray<readonly [line: string, reason: string]> = [
    ['{"seats": "4"}', 'column "seats": expected a whole number, found "4"'],
    ['{"seats": 4.5}', 'column "seats": expected a whole number, found "4.5"'],
    ['{"seats": 9223372036854775808}', 'found "9223372036854775808"'],
    ['{"seats": true}', 'column "seats": expected a whole number, found "true"'],
    ['{"km": "1.5"}', 'column "km": expected a number, found "1.5"'],
    ['{"km": 1e999}', 'column "km": expected a number'],
    ['{"late": 1}', 'column "late": expected true or false, found "1"'],
    ['{"from": 7}', 'column "from": expected text, found "7"'],
    ['{"from": {"a": 1}}', 'column "from": expected text, found "{"a":1}"'],
    ['{"at": 1}', 'column "at": expected a time, found "1"'],
    ['{"at": "2001-02-29"}', 'column "at": expected a time, found "2001-02-29"'],
    ['{"seats": 1, "seats": 2}', "a key occurs twice"],
    ['{"seats": 1', "not valid JSON"],
    ["seats", "not valid JSON"],
    ["{'seats': 1}", "not valid JSON"],
    ['{"from": "\\ud800"}', "not valid JSON"],
    ["[1]", "expected an object, found array"],
    ["null", "expected an object, found null"],
    ["5", "expected an object, found number"],
  ];
  it.effect("wrong types and bad lines are set aside with their line", () =>
    Effect.gen(function* () {
      const lines = ['{"seats": 1, "km": 1, "late": true, "from": "", "at": "2001-01-01"}'];
      const { rows, rejected } = yield* json([...lines, ...bad.map(([line]) => line)].join("\n"));
      assert.strictEqual(rows.length, 1);
      assert.strictEqual(rejected.length, bad.length);
      for (const [index, [line, reason]] of bad.entries()) {
        const { line: at, raw, reasons } = rejected[index] ?? {};
        assert.deepStrictEqual([at, raw], [String(index + 2), line]);
        assert.include(String(reasons).replaceAll('\\"', '"'), reason);
      }
      const bytes = Buffer.concat([
        Buffer.from('{"seats": 1}\n{"from": "'),
        Buffer.of(0xff, 0x22, 0x7d),
      ]);
      const { rejected: unreadable } = yield* json(bytes);
      assert.strictEqual(unreadable[0]?.["reasons"], '["not UTF-8 text"]');
    }).pipe(provided),
  );

  it.effect("an array, however it is laid out", () =>
    Effect.gen(function* () {
      const text = `\n[ {"seats": 1, "from": "],[\\""},{"seats":2},\n  {\n "seats": 3,\n "from": "x"\n }\n, 7 ]\n`;
      const { rows, rejected } = yield* json(gzipSync(text));
      assert.deepStrictEqual(
        rows.map(({ seats, from }) => [seats, from]),
        [
          ["1", '],["'],
          ["2", null],
          ["3", "x"],
        ],
      );
      assert.deepStrictEqual([rejected.length, rejected[0]?.["line"]], [1, "7"]);
      const empty = yield* Effect.flip(json("[]"));
      assert.strictEqual(empty._tag, "EmptyTable");
      for (const [cut, problem] of [
        ['[{"seats": 1}', "it ends on line 1 before the array does"],
        ['[{"seats": 1},\n{"seats": 2', "it ends on line 2 before the array does"],
        ['[{"seats": 1}] x', 'expected nothing after the array, found "x"'],
      ] as const) {
        const error = yield* Effect.flip(json(cut));
        assert.strictEqual(error._tag, "SourceBroken");
        assert.include(error.message, problem);
      }
      const { rejected: commas } = yield* json('[{"seats": 1},,{"seats": 2},]');
      assert.deepStrictEqual(
        commas.map(({ reasons }) => reasons),
        ['["no value"]', '["no value"]'],
      );
    }).pipe(provided),
  );

  it.effect("nested values by path; extra and missing keys are named", () =>
    Effect.gen(function* () {
      const Place = Contract.make("place", {
        version: "1",
        owner: "fleet",
        columns: {
          city: Column.string(),
          "a/b": Column.int(),
          at: Column.timestamp({ nullable: true }),
        },
      });
      const paths = { city: "/address/0/city" };
      const text = '{"address": [{"city": "Köln"}], "a/b": 1, "luck": 7, "at": 1000000000.5}\n';
      const { rows, findings } = yield* json(
        text,
        { paths, timestamps: { at: "epoch" } },
        { contract: Place },
      );
      assert.deepStrictEqual(rows, [{ city: "Köln", "a/b": "1", at: "2001-09-09 01:46:40.5" }]);
      assert.deepStrictEqual(
        findings.map(({ check }) => check),
        ["luck.extra"],
      );
      const error = yield* Effect.flip(json('{"a/b": 1, "town": "x"}', {}, { contract: Place }));
      assert.strictEqual(error._tag, "SchemaMismatch");
      assert.include(
        error.message,
        'column "city": expected string (VARCHAR), found no such column',
      );
      const sparse = yield* json('{"a/b": 1, "city": "x"}', {}, { contract: Place });
      assert.deepStrictEqual(
        sparse.findings.map(({ check }) => check),
        ["at.absent"],
      );
    }).pipe(provided),
  );
});
