import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { ingested, services, Trip, written } from "../ingest.fixture.ts";
import * as Ingest from "../Ingest.ts";
import * as Source from "../Source.ts";

const header = "at,km,seats,late,from\n";
const provided = Effect.provide(services);

/** Ingests text as a CSV file. */
const csv = Effect.fnUntraced(function* (
  content: string | Uint8Array,
  options: Source.CsvOptions = {},
  rest: Parameters<typeof ingested>[1] = {},
) {
  const [file = ""] = yield* written({ "trips.csv": content });
  return yield* ingested(Source.csv(file, options), rest);
});

describe("Source.csv", () => {
  it.effect("reads values in the contract's types, in the order of the file", () =>
    Effect.gen(function* () {
      const { rows, rejected, table } = yield* csv(
        `${header}2001-01-01,1.5,4,true,A\n2001-01-01T10:15:30.5+02:00,-2e3,9007199254740993,FALSE,"B, ""x""\nline"\r\n,,,,\n2001-06-01 10:15Z,.5,+5,1,""\n`,
      );
      assert.deepStrictEqual(rejected, []);
      assert.deepStrictEqual(rows, [
        { at: "2001-01-01 00:00:00", km: 1.5, seats: "4", late: true, from: "A" },
        {
          at: "2001-01-01 08:15:30.5",
          km: -2000,
          seats: "9007199254740993",
          late: false,
          from: 'B, "x"\nline',
        },
        { at: null, km: null, seats: null, late: null, from: null },
        { at: "2001-06-01 10:15:00", km: 0.5, seats: "5", late: true, from: "" },
      ]);
      assert.strictEqual(table.rows, 4);
    }).pipe(provided),
  );

  const bad: ReadonlyArray<readonly [column: string, text: string]> = [
    ["seats", "abc"],
    ["seats", "1.5"],
    ["seats", " 4"],
    ["seats", "9223372036854775808"],
    ["seats", "1e3"],
    ["seats", "1_000"],
    ["seats", "0x10"],
    ["km", "1,5"],
    ["km", "1e999"],
    ["km", "--1"],
    ["late", "yes"],
    ["at", "2001-02-30"],
    ["at", "2001-13-01T00:00:00Z"],
    ["at", "2001-01-01T24:00:00Z"],
    ["at", "01.02.2001"],
    ["at", "2001-01-01T10:00:00+25:00"],
  ];
  it.effect("a value that is not exactly one of the type rejects its record", () =>
    Effect.gen(function* () {
      const columns = ["at", "km", "seats", "late", "from"];
      const lines = bad.map(([column, text]) =>
        columns.map((name) => (name === column ? `"${text}"` : "")).join(","),
      );
      const { rows, rejected } = yield* csv(`${header}2001-01-01,,,,\n${lines.join("\n")}\n`);
      assert.strictEqual(rows.length, 1);
      const expected = {
        at: "a time",
        km: "a number",
        seats: "a whole number",
        late: "true or false",
      };
      assert.deepStrictEqual(
        rejected.map(({ line, reasons }) => [line, reasons]),
        bad.map(([column, text], index) => [
          String(index + 3),
          JSON.stringify([
            `column "${column}": expected ${Reflect.get(expected, column)}, found "${text}"`,
          ]),
        ]),
      );
    }).pipe(provided),
  );

  it.effect("keeps every record that is none, with its line, its text and the reason", () =>
    Effect.gen(function* () {
      const { rows, rejected } = yield* csv(
        [
          "at,km,seats,late,from",
          "2001-01-01,1,1,true,A",
          "2001-01-01,1,1,true",
          "2001-01-01,1,1,true,A,more",
          '2001-01-01,1,1,true,"two',
          'lines"',
          '2001-01-01,1,1,true,"x"y',
          "",
          "2001-01-01,x,y,true,A",
          '2001-01-01,1,1,true,"never closed',
          "2001-01-02,1,1,true,B",
        ].join("\n"),
      );
      assert.deepStrictEqual(
        rows.map(({ from }) => from),
        ["A", "two\nlines", "B"],
      );
      assert.deepStrictEqual(
        rejected.map(({ file: _, ...rest }) => rest),
        [
          {
            line: "3",
            raw: "2001-01-01,1,1,true",
            reasons: '["expected 5 fields, found 4"]',
          },
          {
            line: "4",
            raw: "2001-01-01,1,1,true,A,more",
            reasons: '["expected 5 fields, found 6"]',
          },
          {
            line: "7",
            raw: '2001-01-01,1,1,true,"x"y',
            reasons: '["text after a closing quote"]',
          },
          {
            line: "9",
            raw: "2001-01-01,x,y,true,A",
            reasons:
              '["column \\"km\\": expected a number, found \\"x\\"","column \\"seats\\": expected a whole number, found \\"y\\""]',
          },
          {
            line: "10",
            raw: '2001-01-01,1,1,true,"never closed',
            reasons: '["a quote is opened and never closed"]',
          },
        ],
      );
    }).pipe(provided),
  );

  it.effect("fails by default, naming file, line, text and reason", () =>
    Effect.gen(function* () {
      const [file = ""] = yield* written({
        "trips.csv": `${header}2001-01-01,1,x,true,A\n,,,,B\n`,
      });
      const error = yield* Effect.flip(Ingest.table(Trip, Source.csv(file)).run({}));
      assert.strictEqual(error._tag, "RecordsRejected");
      assert.include(
        error.message,
        `${file} does not keep the contract "trip" 2.0.0 of fleet: 1 of 2 records (50 %) cannot be read; at most 0 % may.\n  ${file}:2: column "seats": expected a whole number, found "x"\n    2001-01-01,1,x,true,A\n`,
      );
      const within = yield* ingested(Source.csv(file), { quarantine: { atMost: 0.5 } });
      assert.strictEqual(within.rows.length, 1);
      assert.deepInclude(within.findings[0], {
        check: "records.readable",
        severity: "warn",
        rows: 1,
      });
      const above = yield* Effect.flip(
        ingested(Source.csv(file), { quarantine: { atMost: 0.49 } }),
      );
      assert.strictEqual(above._tag, "RecordsRejected");
    }).pipe(provided),
  );

  it.effect("dialects: what is not declared is found by the contract's columns", () =>
    Effect.gen(function* () {
      for (const delimiter of [",", ";", "\t", "|"]) {
        const text = `seats,from\n1,"a,b;c\td|e"\n`.replaceAll(/,(?=from|")/g, delimiter);
        const { rows } = yield* csv(text, {}, { contract: Small });
        assert.deepStrictEqual(rows, [{ seats: "1", from: "a,b;c\td|e" }], delimiter);
      }
    }).pipe(provided),
  );

  it.effect(
    "dialects: quote, escape, comment, lines before, no header, nulls, spaces, decimals",
    () =>
      Effect.gen(function* () {
        const dialect = yield* csv(
          "exported by X\n# seats;from\nseats;from\n1; 'it\\'s; \\\\' \n#2;x\n 3 ; NA \n",
          {
            delimiter: ";",
            quote: "'",
            escape: "\\",
            comment: "#",
            skipLines: 1,
            nulls: ["NA"],
            trim: true,
          },
          { contract: Small },
        );
        assert.deepStrictEqual(dialect.rejected, []);
        assert.deepStrictEqual(dialect.rows, [
          { seats: "1", from: "it's; \\" },
          { seats: "3", from: null },
        ]);
        const bare = yield* csv("A,1\r\nB,2", { header: ["from", "seats"] }, { contract: Small });
        assert.deepStrictEqual(bare.rows, [
          { seats: "1", from: "A" },
          { seats: "2", from: "B" },
        ]);
        const quoted = yield* csv(
          '"seats","from"\n"",""\n',
          { quotedNulls: true },
          { contract: Small },
        );
        assert.deepStrictEqual(quoted.rows, [{ seats: null, from: null }]);
        const german = yield* csv(
          "at;km;seats;late;from\n31.12.2001 14:05;-1,5;2;ja;Köln\n31.12.2001 14:05;1.5;2;nein;x\n",
          {
            decimal: ",",
            timestamps: { at: "%d.%m.%Y %H:%M" },
            booleans: { true: ["ja"], false: ["nein"] },
          },
        );
        assert.deepStrictEqual(german.rows, [
          { at: "2001-12-31 14:05:00", km: -1.5, seats: "2", late: true, from: "Köln" },
        ]);
        assert.include(german.rejected[0]?.["reasons"], 'expected a number, found \\"1.5\\"');
      }).pipe(provided),
  );

  it.effect("encodings and packings", () =>
    Effect.gen(function* () {
      const text = "seats,from\n1,Zürich €\n";
      const utf16 = Buffer.from(`\ufeff${text}`, "utf16le");
      const swapped = Buffer.from(utf16).swap16();
      const latin = Buffer.from(text.replace("€", "\x80"), "latin1");
      const files: ReadonlyArray<readonly [Uint8Array, Source.CsvOptions]> = [
        [Buffer.from(text), {}],
        [Buffer.from(`\ufeff${text}`), {}],
        [utf16, {}],
        [swapped, {}],
        [utf16.subarray(2), { encoding: "utf-16le" }],
        [latin, { encoding: "windows-1252" }],
        [gzipSync(text), {}],
        [zstdCompressSync(text), {}],
        [Buffer.concat([gzipSync("seats,from\n"), gzipSync("1,Zürich €\n")]), {}],
        [gzipSync(utf16), {}],
      ];
      for (const [index, [bytes, options]] of files.entries()) {
        const { rows } = yield* csv(bytes, options, { contract: Small });
        assert.deepStrictEqual(rows, [{ seats: "1", from: "Zürich €" }], String(index));
      }
      const wrong = yield* csv(latin, {}, { contract: Small }).pipe(Effect.flip);
      assert.include(wrong.message, "not UTF-8 text");
      const odd = yield* csv(utf16.subarray(0, 9), {}, { contract: Small }).pipe(Effect.flip);
      assert.include(odd.message, "its bytes are no text in the declared encoding");
      const cut = yield* csv(gzipSync(text.repeat(500)).subarray(0, 60)).pipe(Effect.flip);
      assert.include(cut.message, "is a damaged CSV file: it cannot be unpacked");
    }).pipe(provided),
  );

  it.effect("times without a zone are in the column's zone", () =>
    Effect.gen(function* () {
      const Local = Contract.make("local", {
        version: "1",
        owner: "fleet",
        columns: { at: Column.timestamp({ zone: "Europe/Berlin" }) },
      });
      const { rows, rejected } = yield* csv(
        "at\n2026-03-29T01:30\n2026-03-29T02:30\n2026-10-25 02:30:00\n2026-01-01\n2026-01-01T00:00:00Z\n",
        {},
        { contract: Local },
      );
      assert.deepStrictEqual(
        rows.map(({ at }) => at),
        [
          "2026-03-29 00:30:00",
          "2026-10-25 01:30:00",
          "2025-12-31 23:00:00",
          "2026-01-01 00:00:00",
        ],
      );
      // The clocks jump over it.
      assert.deepStrictEqual(
        rejected.map(({ line }) => line),
        ["3"],
      );
    }).pipe(provided),
  );

  it.effect("what is no CSV, and what has other columns", () =>
    Effect.gen(function* () {
      const errors: ReadonlyArray<readonly [string | Uint8Array, tag: string, text: string]> = [
        ["", "WrongFormat", "an empty file"],
        [
          "PAR1....PAR1",
          "WrongFormat",
          "a Parquet file. Read it with Ingest.table and Source.parquet",
        ],
        ["<!doctype html><title>404</title>", "WrongFormat", "a web page"],
        [header, "EmptyTable", "has no rows"],
        ["at,km,seats,late,From\n", "SchemaMismatch", 'Was "from" renamed to "From"?'],
        [`${header.trim()},from\n`, "SchemaMismatch", "twice"],
        ["{}", "SchemaMismatch", "5 problems"],
      ];
      for (const [content, tag, text] of errors) {
        const error = yield* Effect.flip(csv(content));
        assert.strictEqual(error._tag, tag);
        assert.include(error.message, text);
      }
      const extra = yield* csv("luck,seats,from\n7,1,A\n", {}, { contract: Small });
      assert.deepStrictEqual(extra.rows, [{ seats: "1", from: "A" }]);
      assert.deepInclude(extra.findings[0], { check: "luck.extra", severity: "warn" });
      const missing = yield* Effect.flip(ingested(Source.csv("no/such.csv")));
      assert.strictEqual(missing._tag, "SourceMissing");
    }).pipe(provided),
  );

  it("refuses options that cannot be", () => {
    for (const options of [
      { delimiter: "" },
      { delimiter: "ab" },
      { delimiter: '"' },
      { encoding: "klingon" },
      { skipLines: -1 },
    ]) {
      assert.throws(() => Source.csv("x.csv", options));
    }
  });
});

const Small = Contract.make("small", {
  version: "1",
  owner: "fleet",
  columns: { seats: Column.int({ nullable: true }), from: Column.string({ nullable: true }) },
});
