import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { tableOf, withTables } from "../test-fixtures/tables.ts";
import { Duckdb } from "./Duckdb.ts";
import * as Table from "./Table.ts";

const Point = Contract.make("point", {
  version: "1",
  owner: "lab",
  columns: { x: Column.float() },
});
const rows = [{ x: 1 }, { x: 2 }];

const count = Stage.make("count", {
  input: { data: Table.of(Point, "train") },
  output: Schema.Int,
  run: ({ data }) => Effect.succeed(data.rows),
});

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-test-"))),
  (made) => Effect.sync(() => fs.rmSync(made, { recursive: true, force: true })),
);

describe("Table.of", () => {
  it.effect("takes its own table, also after JSON", () =>
    Effect.gen(function* () {
      const table = yield* tableOf(Point, "train", rows);
      assert.strictEqual(yield* count.run({ data: table }), 2);
      const schema = Table.of(Point, "train");
      const json: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(schema)(table)));
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(schema)(json), table);
      assert.strictEqual(Contract.contractOf(schema)?.name, "point");
    }).pipe(withTables),
  );

  it.effect("refuses another role, contract or version of the contract, and says so", () =>
    Effect.gen(function* () {
      const table = yield* tableOf(Point, "train", rows);
      // What the compiler refuses, built with a cast.
      const refusal = (other: Table.AnyTable) =>
        Effect.map(
          Effect.flip(count.run({ data: other as typeof table })),
          (error) => error.message,
        );

      const expected =
        /stage "count" cannot take its input "data": .*[Ee]xpected a train table under contract point 1 \(sha256-/s;
      assert.match(yield* refusal({ ...table, role: "test" }), expected);
      const Renamed = Contract.make("place", {
        version: "1",
        owner: "lab",
        columns: Point.columns,
      });
      assert.match(yield* refusal(yield* tableOf(Renamed, "train", rows)), expected);
      const Next = Contract.make("point", { version: "2", owner: "lab", columns: Point.columns });
      assert.match(yield* refusal(yield* tableOf(Next, "train", rows)), expected);
      // The same name and version, but other promises: only the digest tells.
      const Changed = Contract.make("point", {
        version: "1",
        owner: "lab",
        columns: { x: Column.float({ min: 0 }) },
      });
      assert.match(yield* refusal(yield* tableOf(Changed, "train", rows)), expected);
    }).pipe(withTables),
  );
});

describe("Table.write", () => {
  it.effect("makes equal bytes of equal rows, on any number of threads", () =>
    Effect.gen(function* () {
      const Wide = Contract.make("wide", {
        version: "1",
        owner: "lab",
        columns: { i: Column.int(), half: Column.float(), name: Column.string() },
      });
      const query =
        "SELECT i, i / 2 AS half, 'n' || i % 100 AS name FROM range(400000) t(i) ORDER BY (i * 7919) % 400000";
      const digest = (threads: number) =>
        Table.write(Wide, "raw", { query }).pipe(
          Effect.map(Table.digestOf),
          Effect.provide(
            Layer.mergeAll(Duckdb.layer({ threads }), Artifact.ArtifactStore.layerTemporary),
          ),
        );
      const digests = [yield* digest(1), yield* digest(2), yield* digest(4), yield* digest(2)];
      assert.strictEqual(new Set(digests).size, 1);
    }),
  );

  it.live("leaves nothing behind when it fails or is interrupted", () =>
    Effect.gen(function* () {
      const state = yield* folder;
      const files = () =>
        fs
          .readdirSync(state, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile());
      const program = Effect.gen(function* () {
        const failed = yield* Effect.flip(
          Table.write(Point, "raw", {
            query:
              "SELECT CASE WHEN i = 90000 THEN error('bad row') ELSE i END AS x FROM range(100000) t(i)",
          }),
        );
        assert.match(failed.message, /^cannot write the raw table under point: .*bad row/);
        const endless = Table.write(Point, "raw", {
          query: "SELECT random() AS x FROM range(100000000000)",
        });
        yield* Effect.flip(endless.pipe(Effect.timeout(300)));
        assert.deepStrictEqual(
          files()
            .map(({ name }) => name)
            .filter((name) => !/lock|pid|owner/.test(name)),
          [],
        );
      });
      yield* program.pipe(
        Effect.provide(
          Layer.mergeAll(Duckdb.layer({ threads: 2 }), Artifact.ArtifactStore.layer(state)),
        ),
      );
    }),
  );

  it.effect("writes and reads under a path with any characters", () =>
    Effect.gen(function* () {
      const state = path.join(yield* folder, "it's [a] *?{x,y} \u{1F6EB}");
      const program = Effect.gen(function* () {
        const db = yield* Duckdb;
        const table = yield* tableOf(Point, "raw", rows);
        assert.strictEqual(table.rows, 2);
        assert.deepStrictEqual(
          yield* db.rows("read", `FROM ${yield* Table.relation(table)}`),
          rows,
        );
      });
      yield* program.pipe(
        Effect.provide(Layer.mergeAll(Duckdb.layer(), Artifact.ArtifactStore.layer(state))),
      );
    }),
  );

  it.effect("writes a table without rows", () =>
    Effect.gen(function* () {
      const table = yield* tableOf(Point, "raw", []);
      assert.strictEqual(table.rows, 0);
      const db = yield* Duckdb;
      assert.deepStrictEqual(yield* db.rows("read", `FROM ${yield* Table.relation(table)}`), []);
    }).pipe(withTables),
  );
});

describe("Table.relation", () => {
  it.effect("fails if the artifact is gone or cut off", () =>
    Effect.gen(function* () {
      const store = yield* Artifact.ArtifactStore;
      const table = yield* tableOf(Point, "raw", rows);
      if (table.data._tag !== "artifact") return assert.fail("expected an artifact");
      const file = yield* store.path(table.data.artifact);
      fs.chmodSync(file, 0o644);
      fs.truncateSync(file, 10);
      assert.match(
        (yield* Effect.flip(Table.relation(table))).message,
        /does not match its digest/,
      );
      fs.rmSync(file);
      assert.match((yield* Effect.flip(Table.relation(table))).message, /is not there/);
    }).pipe(withTables),
  );

  it.effect("fails if a source file changed or vanished", () =>
    Effect.gen(function* () {
      const file = path.join(yield* folder, "source.parquet");
      const db = yield* Duckdb;
      yield* db.execute("write", `COPY (SELECT 1.0::DOUBLE AS x) TO '${file}' (FORMAT parquet)`);
      const { digest, bytes } = yield* Effect.promise(() => Artifact.digestFile(file));
      const source = { _tag: "source", file: { path: file, digest, bytes } } as const;
      const table = Table.make(Point, "raw", { rows: 1, split: null, data: source });
      assert.deepStrictEqual(yield* db.rows("read", `FROM ${yield* Table.relation(table)}`), [
        { x: 1 },
      ]);
      assert.strictEqual(Table.digestOf(table), digest);
      fs.appendFileSync(file, "x");
      const changed = yield* Effect.flip(Table.relation(table));
      assert.match(
        changed.message,
        /changed since it was ingested \(expected sha256-.*, found sha256-.*ingest the new file/,
      );
      fs.rmSync(file);
      assert.match((yield* Effect.flip(Table.relation(table))).message, /found no file/);
    }).pipe(withTables),
  );
});
