import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Duckdb, identifier, literal } from "./Duckdb.ts";

const forever = "SELECT count(*) AS n FROM range(1000000000000) t(i) WHERE sin(i) > 2";

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-test-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

describe("Duckdb", () => {
  it.effect("names the operation that failed", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const error = yield* Effect.flip(db.rows("count the flights", "SELECT nothing FROM nowhere"));
      assert.match(error.message, /^cannot count the flights: Catalog Error.*nowhere/);
      const raised = yield* Effect.flip(db.execute("convert", "SELECT CAST('x' AS INTEGER)"));
      assert.match(raised.message, /^cannot convert: Conversion Error/);
    }).pipe(Effect.provide(Duckdb.layer())),
  );

  it.live("stops a query when it is interrupted, at once and before the caller goes on", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      for (const after of [0, 1, 100]) {
        const start = performance.now();
        const exit = yield* Effect.exit(db.rows("never end", forever).pipe(Effect.timeout(after)));
        assert.isTrue(Exit.isFailure(exit));
        assert.isBelow(performance.now() - start, 3000);
      }
      const reading = db.numericColumns("read", {
        from: "range(1000000000000) t(i)",
        select: ["i"],
        rows: 1000,
      });
      assert.match((yield* Effect.flip(reading)).message, /expected 1000 rows, found more/);
      // Nothing runs on behind our back: both threads are free, and only this connection is open.
      const [open] = yield* db.rows("count", "SELECT * FROM duckdb_connection_count()");
      assert.strictEqual(Number(open?.["count"]), 1);
      assert.deepStrictEqual(yield* db.rows("add", "SELECT 40 + 2 AS n"), [{ n: 42 }]);
    }).pipe(Effect.provide(Duckdb.layer({ threads: 2 }))),
  );

  it.live("runs queries side by side", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const sums = yield* Effect.forEach(
        Array.from({ length: 16 }, (_, index) => index),
        (index) =>
          db.rows("sum", `SELECT CAST(sum(i) + ${index} AS DOUBLE) AS n FROM range(100000) t(i)`),
        { concurrency: "unbounded" },
      );
      assert.deepStrictEqual(
        sums.map(([row]) => row?.["n"]),
        sums.map((_, index) => 4999950000 + index),
      );
    }).pipe(Effect.provide(Duckdb.layer({ threads: 2 }))),
  );

  it.effect("is in UTC, wherever it runs", () =>
    Effect.gen(function* () {
      const before = process.env["TZ"];
      process.env["TZ"] = "America/New_York";
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (before === undefined) delete process.env["TZ"];
          else process.env["TZ"] = before;
        }),
      );
      const db = yield* Duckdb;
      const [found] = yield* db.rows(
        "read a time",
        "SELECT hour(TIMESTAMPTZ '2001-06-01 12:00:00+00') AS h, CAST(TIMESTAMPTZ '2001-06-01 12:00:00+00' AS TIMESTAMP)::VARCHAR AS t",
      );
      assert.deepStrictEqual(found, { h: "12", t: "2001-06-01 12:00:00" });
    }).pipe(Effect.provide(Duckdb.layer())),
  );

  it.live("spills what does not fit its memory", () =>
    Effect.gen(function* () {
      const folder = path.join(yield* temporaryFolder, "spill");
      const program = Effect.gen(function* () {
        const db = yield* Duckdb;
        const [found] = yield* db.rows(
          "group",
          "SELECT CAST(count(*) AS DOUBLE) AS n FROM (SELECT hash(i) AS h FROM range(4000000) t(i) GROUP BY h)",
        );
        assert.strictEqual(found?.["n"], 4_000_000);
        assert.isTrue(fs.existsSync(folder));
      });
      yield* program.pipe(
        Effect.provide(Duckdb.layer({ memoryLimit: "60MB", threads: 1, temporaryFolder: folder })),
      );
    }),
  );

  it.effect("reads numbers as typed arrays, a missing one as NaN", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const { rows, columns } = yield* db.numericColumns("read", {
        from: "(SELECT i, CASE WHEN i % 3 > 0 THEN i / 2 END AS half, i % 2 = 0 AS even FROM range(5000) t(i))",
        select: ["i", "half", "even"],
        rows: 5000,
      });
      const expected = Array.from({ length: 5000 }, (_, i) => i);
      assert.strictEqual(rows, 5000);
      assert.deepStrictEqual([...(columns[0] ?? [])], expected);
      assert.deepStrictEqual(
        [...(columns[1] ?? [])],
        expected.map((i) => (i % 3 > 0 ? i / 2 : Number.NaN)),
      );
      assert.deepStrictEqual(
        [...(columns[2] ?? [])],
        expected.map((i) => (i % 2 === 0 ? 1 : 0)),
      );
      const short = db.numericColumns("read", { from: "range(5) t(i)", select: ["i"], rows: 6 });
      assert.match((yield* Effect.flip(short)).message, /cannot read: expected 6 rows, found 5/);
      const none = yield* db.numericColumns("read", {
        from: "range(0) t(i)",
        select: ["i"],
        rows: 0,
      });
      assert.strictEqual(none.rows, 0);
    }).pipe(Effect.provide(Duckdb.layer())),
  );

  it.effect("makes a relation of typed arrays for as long as the scope lives", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const size = 5000;
      const columns = {
        'a "b': Float64Array.from({ length: size }, (_, i) => (i === 7 ? NaN : i / 2)),
        c: new Float64Array(size).fill(-Infinity),
      };
      let name = "";
      yield* Effect.scoped(
        Effect.gen(function* () {
          name = yield* db.fromColumns("write", columns);
          const [row] = yield* db.rows(
            "sum",
            `SELECT sum("a ""b") AS a, count("a ""b")::INTEGER AS n, min(c) = '-inf'::DOUBLE AS c FROM ${name}`,
          );
          assert.deepStrictEqual(row, { a: (size * (size - 1)) / 4 - 3.5, n: size - 1, c: true });
        }),
      );
      const gone = yield* Effect.flip(db.rows("read", `FROM ${name}`));
      assert.include(gone.message, "does not exist");
      const uneven = { a: Float64Array.of(1), b: new Float64Array() };
      yield* Effect.flip(Effect.scoped(db.fromColumns("write", uneven)));
    }).pipe(Effect.provide(Duckdb.layer())),
  );

  it.effect("quotes any text and any name", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      for (const text of [
        "it's",
        "'; DROP TABLE x; --",
        "\\",
        "a\u0000b",
        "\u0000",
        "\u{1F6EB}",
        "",
      ]) {
        const [found] = yield* db.rows("quote", `SELECT ${literal(text)} AS t`);
        assert.strictEqual(found?.["t"], text);
      }
      for (const name of ['a"b', "select", "--", "'", "\u{1F6EB}", "x; DROP TABLE y"]) {
        assert.deepStrictEqual(yield* db.rows("quote", `SELECT 1 AS ${identifier(name)}`), [
          { [name]: 1 },
        ]);
      }
    }).pipe(Effect.provide(Duckdb.layer())),
  );
});
