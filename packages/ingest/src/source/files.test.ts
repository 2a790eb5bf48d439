import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as fs from "node:fs";
import * as path from "node:path";
import { ingested, services, temporaryFolder, written } from "../ingest.fixture.ts";
import * as Location from "../Location.ts";
import * as Source from "../Source.ts";

const provided = Effect.provide(services);

const Ride = Contract.make("ride", {
  version: "1",
  owner: "fleet",
  columns: {
    seats: Column.int(),
    from: Column.string({ nullable: true }),
  },
});

/** Writes queries as Parquet files into a new folder. */
const parquet = Effect.fnUntraced(function* (files: { readonly [name: string]: string }) {
  const folder = yield* temporaryFolder;
  const db = yield* Duckdb.Duckdb;
  for (const [name, query] of Object.entries(files)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    yield* db.execute("write", `COPY (${query}) TO ${Duckdb.literal(file)} (FORMAT parquet)`);
  }
  return folder;
});

describe("many files", () => {
  it.effect("a glob is read in the order of its paths; hidden files do not count", () =>
    Effect.gen(function* () {
      const text = "seats,from\n";
      const [first = ""] = yield* written({
        "a/2.csv": `${text}2,b\n`,
        "10.csv": `${text}10,c\n`,
        "a/.hidden.csv": "x",
        "note.txt": "x",
      });
      const folder = path.dirname(path.dirname(first));
      const source = Source.csv(Location.glob("**/*.csv", { in: folder }));
      const { rows } = yield* ingested(source, { contract: Ride });
      assert.deepStrictEqual(rows, [
        { seats: "10", from: "c" },
        { seats: "2", from: "b" },
      ]);
      const none = yield* Effect.flip(ingested(Source.csv(Location.glob("*.tsv", { in: folder }))));
      assert.strictEqual(none._tag, "NoFiles");
      assert.include(none.message, "*.tsv: there is no file. Check the pattern");
    }).pipe(provided),
  );

  it.effect("folders named column=value are columns, in the contract's types", () =>
    Effect.gen(function* () {
      const Lake = Contract.make("lake", {
        version: "1",
        owner: "fleet",
        columns: {
          year: Column.int(),
          region: Column.string({ nullable: true }),
          seats: Column.int(),
        },
      });
      const folder = yield* parquet({
        "year=2001/region=A%20B/x.parquet": "SELECT 1::INTEGER AS seats",
        "year=2002/region=__HIVE_DEFAULT_PARTITION__/x.parquet": "SELECT 2::INTEGER AS seats",
      });
      const source = Source.parquet(Location.glob("**/*.parquet", { in: folder }), {
        partitions: true,
      });
      const { rows } = yield* ingested(source, { contract: Lake });
      assert.deepStrictEqual(rows, [
        { year: "2001", region: "A B", seats: "1" },
        { year: "2002", region: null, seats: "2" },
      ]);
      const wrong = yield* parquet({
        "year=soon/region=A/x.parquet": "SELECT 1::INTEGER AS seats",
      });
      const error = yield* ingested(
        Source.parquet(Location.glob("**/*.parquet", { in: wrong }), { partitions: true }),
        { contract: Lake },
      ).pipe(Effect.flip);
      assert.include(error.message, 'column "year": expected a whole number, found "soon"');
    }).pipe(provided),
  );

  it.effect("a folder is no file", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const error = yield* Effect.flip(ingested(Source.csv(folder), { contract: Ride }));
      assert.strictEqual(
        error.message,
        `cannot read ${folder}: it is a folder, not a file. Name a file, or the files in it with Location.glob.`,
      );
    }).pipe(provided),
  );

  it.effect("drift between files is found and named", () =>
    Effect.gen(function* () {
      const folder = yield* parquet({
        "1.parquet": `SELECT 1::INTEGER AS seats, 'A' AS "from"`,
        "2.parquet": `SELECT 2::BIGINT AS seats, 'B' AS "from", 7 AS luck`,
        "3.parquet": `SELECT 3::INTEGER AS seats`,
      });
      const source = Source.parquet(Location.glob("*.parquet", { in: folder }));
      const error = yield* Effect.flip(ingested(source, { contract: Ride }));
      assert.strictEqual(error._tag, "SchemaDrift");
      assert.strictEqual(
        error.message.replaceAll(`${folder}/`, ""),
        [
          `the files of *.parquet differ from 1.parquet, under the contract "ride" 1 of fleet:`,
          `  2.parquet: column "seats" has another type: expected INTEGER, found BIGINT`,
          `  2.parquet: column "luck" is new: expected no such column, found INTEGER`,
          `  3.parquet: column "from" is missing: expected VARCHAR, found no such column`,
          `Ask fleet to deliver one shape; or take what fits with drift: "fit".`,
        ].join("\n"),
      );
      const { rows, findings } = yield* ingested(source, { contract: Ride, drift: "fit" });
      assert.deepStrictEqual(
        rows.map(({ seats, from }) => [seats, from]),
        [
          ["1", "A"],
          ["2", "B"],
          ["3", null],
        ],
      );
      assert.deepStrictEqual(
        findings.map(({ check }) => check),
        ["seats.drift", "luck.drift", "from.drift", "from.absent", "luck.extra"],
      );
      const csv = yield* written({ "a.csv": "seats,from\n1,A\n", "b.csv": "seats\n2\n" });
      const differs = yield* Effect.flip(ingested(Source.csv(csv), { contract: Ride }));
      assert.include(differs.message, `b.csv: column "from" is missing: expected text`);
      const required = yield* Effect.flip(
        ingested(Source.csv(csv.toReversed()), { contract: Ride, drift: "fit" }),
      );
      assert.strictEqual(required._tag, "SchemaMismatch");
    }).pipe(provided),
  );

  it.effect("values of another width convert without loss, or are set aside", () =>
    Effect.gen(function* () {
      const folder = yield* parquet({
        "1.parquet": `SELECT unnest([1, 18446744073709551615]::UBIGINT[]) AS seats, 'A' AS "from"`,
      });
      const { rows, rejected } = yield* ingested(Source.parquet(`${folder}/1.parquet`), {
        contract: Ride,
      });
      assert.deepStrictEqual(rows, [{ seats: "1", from: "A" }]);
      assert.deepStrictEqual(
        rejected.map(({ line, raw }) => [line, raw]),
        [["2", '{"seats":18446744073709551615,"from":"A"}']],
      );
    }).pipe(provided),
  );

  it.effect("the same files give the same bytes, whatever the number of threads", () =>
    Effect.gen(function* () {
      const lines = Array.from({ length: 30_000 }, (_, n) => `${n},${n % 7 === 0 ? "" : `x${n}`}`);
      const files = yield* written({
        "a.csv": `seats,from\n${lines.join("\n")}\n`,
        "b.csv": `seats,from\n${lines.toReversed().join("\n")}\n`,
      });
      const digests = yield* Effect.forEach([1, 2, 2], (threads) =>
        ingested(Source.csv(files), { contract: Ride }).pipe(
          Effect.map(({ table }) => table.data),
          Effect.provide(Duckdb.Duckdb.layer({ threads })),
        ),
      );
      assert.deepStrictEqual(digests[1], digests[0]);
      assert.deepStrictEqual(digests[2], digests[0]);
    }).pipe(provided),
  );
});
