/**
 * Random bytes, and files that were whole before some of their bytes changed. Whatever a file holds, a
 * source answers with a typed error, or with every record accounted for: it neither crashes, nor hangs,
 * nor passes silently.
 */
import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import * as fs from "node:fs";
import * as path from "node:path";
import { ingested, services, temporaryFolder } from "./ingest.fixture.ts";
import { CsvRecords } from "./internal/csvRecords.ts";
import { JsonArray, JsonLines } from "./internal/jsonRecords.ts";
import { SpoolWriter } from "./internal/SpoolWriter.ts";
import type { FormatError } from "./source/files.ts";
import * as Source from "./Source.ts";

/** More runs look deeper: `FUZZ_RUNS=2000 npx vitest --project unit fuzz`. */
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 12);

const header = "at,km,seats,late,from\n";

/** Text that is nearly CSV or JSON: what a reader stumbles over is frequent in it. */
const nearly = (...words: ReadonlyArray<string>) =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom(...words, "\n", "\r\n", "\r", " ", "\u001e", "\u001f", "\0", "é", "\ufeff"),
        fc.string({ maxLength: 4 }),
      ),
      { maxLength: 60 },
    )
    .map((parts) => Buffer.from(parts.join("")));

const csvText = nearly(",", '"', '""', "2001-01-01", "1.5", "4", "true", "A", header);
const jsonText = nearly(
  '{"',
  '":',
  "{",
  "}",
  "[",
  "]",
  ",",
  '"',
  "\\",
  '{"seats":4}',
  "null",
  "1e5",
);
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));

/** A whole file with some bytes changed, cut out or put in. */
const mutated = (whole: Buffer) =>
  fc
    .array(
      fc.record({
        at: fc.nat(whole.length),
        remove: fc.nat(8),
        insert: fc.uint8Array({ maxLength: 4 }),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((changes) =>
      changes.reduce(
        (now, { at, remove, insert }) =>
          Buffer.concat([now.subarray(0, at), insert, now.subarray(at + remove)]),
        whole,
      ),
    );

describe("cutting into records", () => {
  const cut = async (
    content: Buffer,
    chunkSize: number,
    make: (sink: { rows: SpoolWriter; rejects: SpoolWriter }) => {
      push: (bytes: Buffer) => void;
      end: () => void;
      records: number;
    },
    folder: string,
  ) => {
    const rows = await SpoolWriter.open(path.join(folder, "rows"));
    const rejects = await SpoolWriter.open(path.join(folder, "rejects"));
    const cutter = make({ rows, rejects });
    for (let at = 0; at < content.length; at += chunkSize) {
      cutter.push(content.subarray(at, at + chunkSize));
    }
    cutter.end();
    await rows.close();
    await rejects.close();
    assert.strictEqual(rows.records + rejects.records, cutter.records);
    return [
      fs.readFileSync(path.join(folder, "rows"), "latin1"),
      fs.readFileSync(path.join(folder, "rejects"), "latin1"),
    ];
  };

  const dialects = [
    { delimiter: ",", quote: '"', escape: '"', comment: "", trim: false },
    { delimiter: "\t", quote: "'", escape: "\\", comment: "#", trim: true },
    { delimiter: "|", quote: "", escape: "", comment: "", trim: true },
  ];

  it.effect("does not depend on how the bytes arrive", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.oneof(csvText, jsonText, bytes),
            fc.integer({ min: 1, max: 7 }),
            async (content, chunkSize) => {
              const cutters = [
                ...dialects.map(
                  (dialect) => (sink: { rows: SpoolWriter; rejects: SpoolWriter }) =>
                    new CsvRecords(dialect, sink, { header: undefined, skip: 0 }),
                ),
                (sink: { rows: SpoolWriter; rejects: SpoolWriter }) => new JsonLines(sink),
                (sink: { rows: SpoolWriter; rejects: SpoolWriter }) => new JsonArray(sink),
              ];
              for (const make of cutters) {
                const whole = await cut(content, content.length || 1, make, folder);
                assert.deepStrictEqual(await cut(content, chunkSize, make, folder), whole);
              }
            },
          ),
          { numRuns: 8 * numRuns },
        ),
      );
    }),
  );
});

/** Ingests bytes; what they hold is accounted for, or an error says what is wrong. */
const outcomeOf = Effect.fnUntraced(function* (
  folder: string,
  content: Buffer,
  source: (file: string) => Source.Source<FormatError>,
) {
  const file = path.join(folder, "fuzz.data");
  fs.writeFileSync(file, content);
  const result = yield* Effect.result(Effect.scoped(ingested(source(file)))).pipe(
    Effect.timeout("20 seconds"),
  );
  if (result._tag === "Success") {
    assert.isAtLeast(result.success.rows.length, 1);
    return "read";
  }
  // A query that failed, or a timeout, would be an error of ours.
  const { _tag, message } = result.failure;
  assert.include(expected, _tag, message);
  assert.isAbove(message.length, 20);
  return _tag;
});

const expected = ["WrongFormat", "SourceBroken", "SchemaMismatch", "EmptyTable", "RecordsRejected"];

const property = (
  name: string,
  source: (file: string) => Source.Source<FormatError>,
  content: Effect.Effect<fc.Arbitrary<Buffer>, Duckdb.DuckdbError, Duckdb.Duckdb>,
  share = 1,
) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const arbitrary = yield* content;
      const context = yield* Effect.context<Effect.Services<ReturnType<typeof outcomeOf>>>();
      const run = Effect.runPromiseWith(context);
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(arbitrary, async (one) => {
            await run(outcomeOf(folder, one, source));
          }),
          { numRuns: Math.ceil(numRuns * share) },
        ),
      );
    }).pipe(Effect.provide(services)),
  );

describe("whatever a file holds", () => {
  const csv = Buffer.from(
    `${header}2001-01-01,1.5,4,true,"A ""b"""\n2001-01-02T10:00Z,-1,5,false,\n,,,,"two\nlines"\n`,
  );
  const json = Buffer.from(
    '{"at":"2001-01-01","km":1.5,"seats":4,"late":true,"from":"A\\n"}\n{"km":-1e3,"seats":null}\n',
  );
  property(
    "CSV",
    (file) => Source.csv(file),
    Effect.succeed(fc.oneof(mutated(csv), csvText, bytes)),
  );
  property(
    "JSON",
    (file) => Source.json(file),
    Effect.succeed(fc.oneof(mutated(json), jsonText, bytes)),
  );
  property(
    "Parquet",
    (file) => Source.parquet(file),
    Effect.gen(function* () {
      const file = path.join(fs.mkdtempSync("/tmp/ml-pipe-test-"), "x.parquet");
      const db = yield* Duckdb.Duckdb;
      yield* db.execute(
        "write",
        `COPY (SELECT TIMESTAMP '2001-01-01' AS "at", 1.5::DOUBLE AS km, i AS seats, true AS late, 'A' || i AS "from" FROM range(50) t(i)) TO ${Duckdb.literal(file)} (FORMAT parquet)`,
      );
      const whole = fs.readFileSync(file);
      fs.rmSync(path.dirname(file), { recursive: true });
      return fc.oneof(
        mutated(whole),
        bytes.map((one) => Buffer.concat([Buffer.from("PAR1"), one])),
      );
    }),
  );
  const arrow = fs.readFileSync(new URL("../test-fixtures/file.arrow", import.meta.url));
  const stream = fs.readFileSync(new URL("../test-fixtures/stream.arrow", import.meta.url));
  property(
    "Arrow",
    (file) => Source.arrow(file),
    Effect.succeed(fc.oneof(mutated(arrow), mutated(stream), bytes)),
    // A thread for each takes its time.
    0.2,
  );
});

const Cells = Contract.make("cells", {
  version: "1",
  owner: "fleet",
  columns: { a: Column.string({ nullable: true }), b: Column.string({ nullable: true }) },
});

/** Text of any characters that UTF-8 can write, with those frequent that mean something somewhere. */
const cell = fc.oneof(
  fc.constant(null),
  fc.string({ unit: "binary", maxLength: 6 }),
  fc
    .array(fc.constantFrom(",", '"', "\n", "\r", "\u001e", "\u001f", "\\", " ", "é"), {
      maxLength: 5,
    })
    .map((parts) => parts.join("")),
);

it.live("what is written as CSV or yielded as rows comes back as it was", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder;
    const context = yield* Effect.context<Effect.Services<ReturnType<typeof outcomeOf>>>();
    const run = Effect.runPromiseWith(context);
    const quoted = (text: string | null) =>
      text === null ? "" : `"${text.replaceAll('"', '""')}"`;
    yield* Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ a: cell, b: cell }), { minLength: 1, maxLength: 200 }),
          fc.constantFrom("\n", "\r\n", "\r"),
          async (rows, end) => {
            const file = path.join(folder, "cells.csv");
            const lines = rows.map(({ a, b }) => `${quoted(a)},${quoted(b)}`);
            fs.writeFileSync(file, ["a,b", ...lines].join(end));
            for (const source of [Source.csv(file), Source.rows("cells", () => rows)]) {
              const read = await run(ingested<unknown>(source, { contract: Cells }));
              assert.deepStrictEqual(read.rows, rows);
              assert.deepStrictEqual(read.rejected, []);
            }
          },
        ),
        { numRuns },
      ),
    );
  }).pipe(Effect.provide(services)),
);
