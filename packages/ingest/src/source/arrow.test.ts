import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as fs from "node:fs";
import { ingested, services, written } from "../ingest.fixture.ts";
import * as Source from "../Source.ts";

const provided = Effect.provide(services);
const fixture = (name: string) => new URL(`../../test-fixtures/${name}.arrow`, import.meta.url);
const nullable = { nullable: true } as const;

const Typed = Contract.make("typed", {
  version: "1",
  owner: "lab",
  columns: {
    small: Column.int(nullable),
    big: Column.int(nullable),
    half: Column.float(nullable),
    double: Column.float(nullable),
    flag: Column.boolean(nullable),
    text: Column.string(nullable),
    large: Column.string(nullable),
    category: Column.string(nullable),
    s: Column.timestamp(nullable),
    ms: Column.timestamp(nullable),
    us: Column.timestamp({ nullable: true, zone: "Europe/Berlin" }),
    ns: Column.timestamp(nullable),
    day: Column.timestamp(nullable),
    date_ms: Column.timestamp(nullable),
  },
});

const none = Object.fromEntries(Object.keys(Typed.columns).map((column) => [column, null]));
const expected = [
  {
    small: 1,
    big: "9007199254740993",
    half: 1.5,
    double: 0.1,
    flag: true,
    text: "",
    large: "x".repeat(700),
    category: "a",
    s: "2001-09-09 01:46:40",
    ms: "2001-09-09 01:46:40.123",
    us: "2001-09-08 23:46:40.123456",
    ns: "2001-09-09 01:46:40.123456",
    day: "1970-01-01 00:00:00",
    date_ms: "1970-01-02 00:00:00",
  },
  none,
  {
    small: -128,
    big: "-9223372036854775808",
    half: "NaN",
    double: "Infinity",
    flag: false,
    text: "Köln\n\u001f\u001e",
    large: "y",
    category: "b",
    s: "1969-12-31 23:59:59",
    ms: "1969-12-31 23:59:59.999",
    us: "1969-12-31 22:59:59.999999",
    ns: "1969-12-31 23:59:59.999999",
    day: "1969-12-31 00:00:00",
    date_ms: "1970-01-01 00:00:00",
  },
];

describe("Source.arrow", () => {
  for (const name of ["stream", "file"]) {
    it.effect(`reads what Arrow for C++ wrote as a ${name}`, () =>
      Effect.gen(function* () {
        const { rows, findings } = yield* ingested(Source.arrow(fixture(name)), {
          contract: Typed,
        });
        const small = (row: object) => ({
          ...row,
          small: Reflect.get(row, "small")?.toString() ?? null,
        });
        assert.deepStrictEqual(rows, expected.map(small));
        assert.deepStrictEqual(
          findings.map(({ check }) => check),
          ["unsigned.extra", "price.extra"],
        );
      }).pipe(provided),
    );
  }

  it.effect("unsigned integers beyond 64 bits with sign are set aside; other types are named", () =>
    Effect.gen(function* () {
      const Unsigned = Contract.make("unsigned", {
        version: "1",
        owner: "lab",
        columns: { unsigned: Column.int(nullable) },
      });
      const { rows, rejected } = yield* ingested(Source.arrow(fixture("file")), {
        contract: Unsigned,
      });
      assert.strictEqual(rows.length, 2);
      assert.include(rejected[0]?.["reasons"], "18446744073709551615");
      const Price = Contract.make("price", {
        version: "1",
        owner: "lab",
        columns: { price: Column.float(), text: Column.int() },
      });
      const error = yield* Effect.flip(
        ingested(Source.arrow(fixture("file")), { contract: Price }),
      );
      assert.strictEqual(error._tag, "SchemaMismatch");
      assert.include(error.message, 'column "price": expected float (DOUBLE), found Decimal');
      assert.include(error.message, 'column "text": expected int (BIGINT), found VARCHAR');
    }).pipe(provided),
  );

  it.effect("compressed buffers", () =>
    Effect.gen(function* () {
      const Small = Contract.make("small", {
        version: "1",
        owner: "lab",
        columns: { big: Column.int(nullable), text: Column.string(nullable) },
      });
      const { rows } = yield* ingested(Source.arrow(fixture("zstd")), { contract: Small });
      assert.deepStrictEqual(
        rows,
        expected.map(({ big, text }) => ({ big, text })),
      );
      const error = yield* Effect.flip(ingested(Source.arrow(fixture("lz4")), { contract: Small }));
      assert.strictEqual(error._tag, "SourceBroken");
      assert.include(error.message, "compressed with LZ4");
    }).pipe(provided),
  );

  it.effect("what was cut off, and what is something else", () =>
    Effect.gen(function* () {
      const stream = fs.readFileSync(fixture("stream"));
      const file = fs.readFileSync(fixture("file"));
      const [cutStream = "", cutFile = "", text = ""] = yield* written({
        "stream.arrow": stream.subarray(0, -8),
        "file.arrow": file.subarray(0, 2000),
        "text.arrow": "a,b\n1,2\n",
      });
      for (const cut of [cutStream, cutFile]) {
        const error = yield* Effect.flip(ingested(Source.arrow(cut), { contract: Typed }));
        assert.strictEqual(error._tag, "SourceBroken");
        assert.include(error.message, "so it was cut off");
      }
      const error = yield* Effect.flip(ingested(Source.arrow(text), { contract: Typed }));
      assert.strictEqual(error._tag, "WrongFormat");
      assert.include(error.message, "looks like CSV text");
    }).pipe(provided),
  );
});
