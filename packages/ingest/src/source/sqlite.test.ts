import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ingested, services, temporaryFolder, Trip, written } from "../ingest.fixture.ts";
import * as Ingest from "../Ingest.ts";
import * as Source from "../Source.ts";

const provided = Effect.provide(services);

/** A database file with a table of trips. */
const database = Effect.fnUntraced(function* (...statements: ReadonlyArray<string>) {
  const file = path.join(yield* temporaryFolder, "fleet.sqlite");
  const db = yield* Effect.acquireRelease(
    Effect.sync(() => new DatabaseSync(file)),
    (db) => Effect.sync(() => db.close()),
  );
  db.exec('CREATE TABLE "my trips" (at, km REAL, seats INTEGER, late, "from" TEXT)');
  for (const statement of statements) db.exec(statement);
  return { db, file };
});
const insert = (values: string) => `INSERT INTO "my trips" VALUES ${values}`;

describe("Source.sqlite", () => {
  it.effect("holds each value to the contract, since SQLite's columns have no strict types", () =>
    Effect.gen(function* () {
      const { file } = yield* database(
        insert(`('2001-01-01T10:00:00Z', 1.5, 9007199254740993, 1, 'it''s "A"')`),
        insert(`(NULL, NULL, NULL, NULL, NULL), ('2001-01-01', 2, 3, 0, '')`),
        insert(`('soon', 'x', 'four', 2, x'00ff')`),
      );
      const { rows, rejected } = yield* ingested(Source.sqlite(file, { table: "my trips" }));
      assert.deepStrictEqual(rows, [
        {
          at: "2001-01-01 10:00:00",
          km: 1.5,
          seats: "9007199254740993",
          late: true,
          from: `it's "A"`,
        },
        { at: null, km: null, seats: null, late: null, from: null },
        { at: "2001-01-01 00:00:00", km: 2, seats: "3", late: false, from: "" },
      ]);
      assert.deepStrictEqual(
        rejected.map(({ line, raw }) => [line, raw]),
        [["4", "soon,x,four,2,00ff"]],
      );
    }).pipe(provided),
  );

  it.effect("a query; a change that is only in the log is another version", () =>
    Effect.gen(function* () {
      const { db, file } = yield* database(
        "PRAGMA journal_mode = WAL",
        insert("(1000000000, 1, 1, 1, 'A')"),
      );
      const source = Source.sqlite(file, {
        query: `SELECT * FROM "my trips" WHERE km > 0`,
        timestamps: { at: "epoch" },
      });
      const { rows } = yield* ingested(source);
      assert.strictEqual(rows[0]?.["at"], "2001-09-09 01:46:40");
      const before = yield* source.versions;
      db.exec(insert("(1000000000, 2, 1, 1, 'B')"));
      assert.notDeepEqual(yield* source.versions, before);
      assert.strictEqual((yield* ingested(source)).rows.length, 2);
    }).pipe(provided),
  );

  it.effect("what is wrong has a type", () =>
    Effect.gen(function* () {
      const { file } = yield* database();
      const [text = ""] = yield* written({ "no.sqlite": "hello, this is no database at all" });
      const errorOf = (file: string, table: string) =>
        Effect.flip(Ingest.table(Trip, Source.sqlite(file, { table })).run({}));
      const empty = yield* errorOf(file, "my trips");
      assert.strictEqual(empty._tag, "EmptyTable");
      const missing = yield* errorOf(file, "trips");
      assert.strictEqual(missing._tag, "DatabaseFailed");
      assert.include(missing.message, "no such table: trips. Check the table or the query");
      assert.include((yield* errorOf(text, "trips")).message, "file is not a database");
      assert.strictEqual((yield* errorOf("no/such.sqlite", "x"))._tag, "SourceMissing");
      const writes = Source.sqlite(file, { query: insert("(1, 1, 1, 1, 'x')") });
      assert.include((yield* Effect.flip(ingested(writes))).message, "readonly");
    }).pipe(provided),
  );
});
