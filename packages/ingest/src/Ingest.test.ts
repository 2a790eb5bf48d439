import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract, type Finding, Stage } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import * as Ingest from "./Ingest.ts";

const Trip = Contract.make("trip", {
  version: "2.0.0",
  owner: "fleet",
  columns: {
    at: Column.timestamp({ description: "departure" }),
    km: Column.float({ unit: "km" }),
    seats: Column.int({ nullable: true }),
    from: Column.string(),
  },
});
const select = `SELECT TIMESTAMP '2001-01-01' AS "at", 1.5::FLOAT AS km, 4::SMALLINT AS seats, 'A' AS "from"`;

const provided = Effect.provide(Duckdb.Duckdb.layer({ threads: 1 }));

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-test-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

const parquetFile = Effect.fnUntraced(function* (query: string, name = "trips.parquet") {
  const file = path.join(yield* temporaryFolder, name);
  const db = yield* Duckdb.Duckdb;
  yield* db.execute("write", `COPY (${query}) TO ${Duckdb.literal(file)} (FORMAT parquet)`);
  return file;
});

/** What ingesting fails with. */
const errorOf = (location: Ingest.LocalFile) =>
  Effect.flip(Ingest.parquet(Trip, { path: location }).run({}));

describe("Ingest.parquet", () => {
  it.effect("reads a file in place", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(`${select} FROM range(3)`);
      const table = yield* Ingest.parquet(Trip, { path: file }).run({});
      const content = yield* Effect.promise(() => Artifact.digestFile(file));
      assert.deepInclude(table, { role: "raw", rows: 3, split: null });
      assert.deepStrictEqual(table.contract, {
        name: "trip",
        version: "2.0.0",
        digest: Trip.digest,
      });
      assert.deepStrictEqual(table.data, { _tag: "source", file: { path: file, ...content } });
    }).pipe(provided),
  );

  it.effect("takes a URL, a relative path, and a file of a package", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(select, "a[1] b=2.parquet");
      const rowsOf = (location: Ingest.LocalFile) =>
        Effect.map(Ingest.parquet(Trip, { path: location }).run({}), ({ rows }) => rows);
      assert.strictEqual(yield* rowsOf(pathToFileURL(file)), 1);
      assert.strictEqual(yield* rowsOf(path.relative(process.cwd(), file)), 1);
      const Flight = Contract.make("flight", {
        version: "1",
        owner: "ops",
        columns: { date: Column.timestamp(), delay: Column.int() },
      });
      const location = Ingest.packageFile(
        "vega-datasets",
        "data/flights-3m.parquet",
        import.meta.url,
      );
      const flights = yield* Ingest.parquet(Flight, { path: location }).run({});
      assert.strictEqual(flights.rows, 3_000_000);
    }).pipe(provided),
  );

  it("is shown by where its file is, the same on every machine", () => {
    const location = Ingest.packageFile("vega-datasets", "data/x.parquet", import.meta.url);
    const { info } = Ingest.parquet(Trip, { path: location, name: "read" });
    assert.strictEqual(info.name, "read");
    assert.strictEqual(info.description, "reads vega-datasets/data/x.parquet in place");
  });

  it.effect("accepts every type that converts without loss", () =>
    Effect.gen(function* () {
      const types = ["TINYINT", "INTEGER", "BIGINT", "UBIGINT"];
      for (const type of types) {
        const query = `SELECT NOW() AS "at", 1::${type} AS km, 1::${type} AS seats, 'x' AS "from"`;
        const file = yield* parquetFile(query);
        assert.strictEqual((yield* Ingest.parquet(Trip, { path: file }).run({})).rows, 1);
      }
      for (const type of ["DATE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"]) {
        const query = `SELECT '2001-01-01'::${type} AS "at", 1.5::DOUBLE AS km, 1 AS seats, 'x' AS "from"`;
        const file = yield* parquetFile(query);
        assert.strictEqual((yield* Ingest.parquet(Trip, { path: file }).run({})).rows, 1);
      }
    }).pipe(provided),
  );

  it.effect("leaves an extra column out, with a finding", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(`${select}, 7 AS luck`);
      const findings: Array<Finding.Finding> = [];
      yield* Ingest.parquet(Trip, { path: file })
        .run({})
        .pipe(
          Effect.provideService(Stage.Reporter, (event) =>
            Effect.sync(() => event._tag === "Finding" && findings.push(event.finding)),
          ),
        );
      assert.strictEqual(findings.length, 1);
      assert.deepInclude(findings[0], { check: "luck.extra", severity: "warn", owner: "fleet" });
      assert.strictEqual(findings[0]?.found, '"luck" (INTEGER), which is left out');
    }).pipe(provided),
  );
});

describe("the columns do not fit", () => {
  it.effect("every problem in one error: missing, renamed, of another type", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(
        `SELECT '2001-01-01' AS "at", 1.5 AS km, 4.0::DOUBLE AS seats, 'A' AS origin`,
      );
      const error = yield* errorOf(file);
      assert.strictEqual(error._tag, "SchemaMismatch");
      assert.strictEqual(
        error.message,
        [
          `${file} does not keep the contract "trip" 2.0.0 of fleet (4 problems):`,
          `  column "at": expected timestamp (TIMESTAMP or DATE), found VARCHAR. Ask fleet to deliver it as TIMESTAMP, or convert it before ingest.`,
          `  column "km": expected float (DOUBLE), found DECIMAL(2,1). Ask fleet to deliver it as DOUBLE, or convert it before ingest.`,
          `  column "seats": expected int (BIGINT), found DOUBLE. Ask fleet to deliver it as BIGINT, or convert it before ingest.`,
          `  column "from": expected string (VARCHAR), found no such column, but "origin" (VARCHAR). Was "from" renamed to "origin"? Then rename it back, or change the contract together with fleet.`,
        ].join("\n"),
      );
      assert.isTrue(Stage.stops in error);
    }).pipe(provided),
  );

  it.effect("a name in other case is another name", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(select.replace("AS km", "AS KM"));
      assert.include((yield* errorOf(file)).message, 'Was "km" renamed to "KM"?');
    }).pipe(provided),
  );

  it.effect("a missing column without a likely successor", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(`SELECT 1.5 AS km, 4 AS seats, 'A' AS "from"`);
      const { message } = yield* errorOf(file);
      assert.include(
        message,
        'column "at": expected timestamp (TIMESTAMP or DATE), found no such column.',
      );
    }).pipe(provided),
  );

  it.effect("no rows", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(`${select} LIMIT 0`);
      const error = yield* errorOf(file);
      assert.strictEqual(error._tag, "EmptyTable");
      assert.strictEqual(
        error.message,
        `${file} has no rows, so nothing under the contract "trip" 2.0.0 can be checked. Ask fleet why the export is empty.`,
      );
      assert.isTrue(Stage.stops in error);
    }).pipe(provided),
  );
});

describe("the file is not there, or not what it should be", () => {
  it.effect("a missing file names those beside it", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(select);
      const wrong = file.replace("trips", "trip");
      const error = yield* errorOf(wrong);
      assert.strictEqual(error._tag, "SourceMissing");
      assert.strictEqual(
        error.message,
        `${wrong} does not exist. Check its name; in that folder there are trips.parquet.`,
      );
      const csv = yield* errorOf(file.replace(".parquet", ".csv"));
      assert.include(csv.message, 'its folder has no file that ends with ".csv"');
      const nowhere = yield* errorOf("no/such/trips.parquet");
      assert.include(nowhere.message, `a relative one starts at ${process.cwd()}`);
    }).pipe(provided),
  );

  it.effect("a missing package", () =>
    Effect.gen(function* () {
      const error = yield* errorOf(
        Ingest.packageFile("no-such-data", "x.parquet", import.meta.url),
      );
      assert.strictEqual(error._tag, "PackageMissing");
      assert.include(error.message, "Run: npm install no-such-data");
    }).pipe(provided),
  );

  it.effect("a folder", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const error = yield* errorOf(folder);
      assert.strictEqual(
        error.message,
        `cannot read ${folder}: it is a folder, not a file. Name one Parquet file.`,
      );
    }).pipe(provided),
  );

  it.effect("a file without read access", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(select);
      // The superuser may read everything: what the system says stands in for it there.
      fs.chmodSync(file, 0);
      const readable = yield* Effect.promise(() =>
        fs.promises.access(file, fs.constants.R_OK).then(
          () => true,
          () => false,
        ),
      );
      const result = yield* Effect.result(Ingest.parquet(Trip, { path: file }).run({}));
      assert.strictEqual(result._tag, readable ? "Success" : "Failure");
      if (result._tag === "Failure") {
        assert.include(result.failure.message, "EACCES. Give this user read access.");
      }
    }).pipe(provided),
  );

  const formats: ReadonlyArray<
    readonly [what: string, content: string | Uint8Array, next: string]
  > = [
    ["CSV text", "at,km\n2001-01-01,1.5\n", "Source.csv"],
    ["JSON text", '[{"km": 1}]', "Source.json"],
    ["gzip data", gzipSync("at,km\n"), "gunzip"],
    ["a zip archive", "PK\x03\x04....", "unzip"],
    ["an Arrow (Feather) file", "ARROW1\0\0", "Source.arrow"],
    [
      "a Git LFS pointer, not the file itself",
      "version https://git-lfs.github.com/spec/v1\n",
      "git lfs pull",
    ],
    ["a web page", "<!doctype html><title>404</title>", "address"],
    ["an encrypted Parquet file", "PARE....PARE", "Decrypt"],
    ["plain text", "hello", "Check the path"],
    ["binary data", new Uint8Array([0, 1, 2, 250]), "Check the path"],
    ["an empty file", "", "Export or download it again"],
  ];
  for (const [what, content, next] of formats) {
    it.effect(`${what} is not Parquet`, () =>
      Effect.gen(function* () {
        const file = path.join(yield* temporaryFolder, "trips.parquet");
        fs.writeFileSync(file, content);
        const error = yield* errorOf(file);
        assert.strictEqual(error._tag, "WrongFormat");
        assert.include(error.message, `${file} is not a Parquet file: it looks like ${what}. `);
        assert.include(error.message, next);
      }).pipe(provided),
    );
  }

  it.effect("a Parquet file that was cut off, anywhere", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(`${select} FROM range(2000)`);
      const whole = fs.readFileSync(file);
      for (const bytes of [4, 8, 11, 12, Math.floor(whole.length / 2), whole.length - 1]) {
        fs.writeFileSync(file, whole.subarray(0, bytes));
        const error = yield* errorOf(file);
        assert.strictEqual(error._tag, "SourceBroken", `after ${bytes} bytes`);
        assert.strictEqual(
          error.message,
          `${file} is a damaged Parquet file: it ends after ${bytes} bytes without the footer that every Parquet file has, so it was cut off. Copy or download it again; if it stays so, ask for a new export.`,
        );
      }
    }).pipe(provided),
  );

  it.effect("a footer that is damaged", () =>
    Effect.gen(function* () {
      const file = yield* parquetFile(select);
      const bytes = fs.readFileSync(file);
      const length = bytes.readUInt32LE(bytes.length - 8);
      bytes.fill(0xff, bytes.length - 8 - length, bytes.length - 8);
      fs.writeFileSync(file, bytes);
      const error = yield* errorOf(file);
      assert.strictEqual(error._tag, "SourceBroken");
      assert.include(error.message, file);
    }).pipe(provided),
  );
});
