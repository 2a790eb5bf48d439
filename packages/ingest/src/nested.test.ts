/** Columns of lists, structs and embeddings from the sources that have them. */
import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as arrow from "apache-arrow";
import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as Ingest from "./Ingest.ts";
import { ingested, rowsOf, services, temporaryFolder, written } from "./ingest.fixture.ts";
import * as Source from "./Source.ts";

const Product = Contract.make("product", {
  version: "1",
  owner: "shop",
  columns: {
    tags: Column.list(Column.string({ nullable: true }), { nullable: true }),
    sizes: Column.list(Column.int(), { nullable: true }),
    maker: Column.struct(
      { city: Column.string(), since: Column.timestamp({ nullable: true }) },
      { nullable: true },
    ),
    vector: Column.embedding(2, { nullable: true }),
  },
});

const good = {
  tags: ["a", null, 'say "b"'],
  sizes: [1, 2],
  maker: { city: "Ulm", since: "2001-06-01T10:00:00Z", extra: 1 },
  vector: [0.5, -1],
};
const expected = {
  tags: ["a", null, 'say "b"'],
  sizes: ["1", "2"],
  maker: { city: "Ulm", since: "2001-06-01 10:00:00" },
  vector: [0.5, -1],
};
const nothing = { tags: null, sizes: null, maker: null, vector: null };

/** DuckDB gives lists and structs as objects of its own. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("lists, structs and embeddings", () => {
  it.effect("are read from JSON; what is none is set aside with the reason", () =>
    Effect.gen(function* () {
      const records = [
        good,
        nothing,
        { ...good, sizes: [1, 2.5] },
        { ...good, maker: { city: 5 } },
        { ...good, vector: "[1, 2]" },
        { ...good, tags: {} },
      ];
      const [file = ""] = yield* written({
        "p.jsonl": records.map((one) => JSON.stringify(one)).join("\n"),
      });
      const found = yield* ingested(Source.json(file), { contract: Product });
      assert.deepStrictEqual(plain(found.rows), [expected, nothing]);
      assert.deepStrictEqual(
        found.rejected.map(({ line, reasons }) => [
          Number(line),
          /column \\"(\w+)/.exec(String(reasons))?.[1],
        ]),
        [
          [3, "sizes"],
          [4, "maker"],
          [5, "vector"],
          [6, "tags"],
        ],
      );
    }).pipe(Effect.provide(services)),
  );

  it.effect("are read from Parquet in other widths, and with more fields", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb.Duckdb;
      const file = path.join(yield* temporaryFolder, "p.parquet");
      yield* db.execute(
        "write",
        `COPY (SELECT ['a', NULL, 'say "b"'] AS tags, [1, 2]::SMALLINT[] AS sizes,
           {'since': TIMESTAMP_MS '2001-06-01 10:00', 'extra': 1, 'city': 'Ulm'} AS maker,
           [0.5, -1]::FLOAT[2] AS vector) TO ${Duckdb.literal(file)} (FORMAT parquet)`,
      );
      const found = yield* ingested(Source.parquet(file), { contract: Product });
      assert.deepStrictEqual(plain(found.rows), [expected]);
    }).pipe(Effect.provide(services)),
  );

  it.effect("are refused where the file has another type, naming both", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb.Duckdb;
      const file = path.join(yield* temporaryFolder, "p.parquet");
      yield* db.execute(
        "write",
        `COPY (SELECT 'a' AS tags, ['1'] AS sizes, {'town': 'Ulm'} AS maker, [true] AS vector)
         TO ${Duckdb.literal(file)} (FORMAT parquet)`,
      );
      const error = yield* Effect.flip(Ingest.parquet(Product, { path: file }).run({}));
      for (const words of [
        "list (VARCHAR[])",
        "list (BIGINT[])",
        'struct (STRUCT("city" VARCHAR, "since" TIMESTAMP))',
        "embedding (DOUBLE[])",
        "STRUCT(town VARCHAR)",
      ]) {
        assert.include(error.message, words);
      }
    }).pipe(Effect.provide(services)),
  );

  it.effect("are read from a field of a CSV file that holds JSON", () =>
    Effect.gen(function* () {
      const field = (value: unknown) => `"${JSON.stringify(value).replaceAll('"', '""')}"`;
      const line = (tags: string) => [tags, ...[good.sizes, good.maker, good.vector].map(field)];
      const [file = ""] = yield* written({
        "p.csv": [
          Object.keys(good).join(),
          line(field(good.tags)).join(),
          line("not json").join(),
        ].join("\n"),
      });
      const found = yield* ingested(Source.csv(file), { contract: Product });
      assert.deepStrictEqual(plain(found.rows), [expected]);
      assert.strictEqual(found.rejected.length, 1);
      assert.strictEqual((yield* rowsOf(found.table)).length, 1);
    }).pipe(Effect.provide(services)),
  );

  it.effect("are read from texts of SQLite that hold JSON", () =>
    Effect.gen(function* () {
      const file = path.join(yield* temporaryFolder, "p.sqlite");
      const db = new DatabaseSync(file);
      db.exec("CREATE TABLE products (tags, sizes, maker, vector)");
      const insert = db.prepare("INSERT INTO products VALUES (?, ?, ?, ?)");
      const texts = [good.tags, good.sizes, good.maker, good.vector].map((one) =>
        JSON.stringify(one),
      );
      insert.run(...texts);
      insert.run(null, null, null, null);
      insert.run("a,b", ...texts.slice(1));
      db.close();
      const found = yield* ingested(Source.sqlite(file, { table: "products" }), {
        contract: Product,
      });
      assert.deepStrictEqual(plain(found.rows), [expected, nothing]);
      assert.match(String(found.rejected[0]?.reasons), /column \\?"tags\\?": expected/);
    }).pipe(Effect.provide(services)),
  );

  it.effect("are read from lists of Arrow files; a struct is refused by name", () =>
    Effect.gen(function* () {
      const listOf = (type: arrow.DataType) => new arrow.List(arrow.Field.new("item", type, true));
      const folder = yield* temporaryFolder;
      const write = (name: string, table: arrow.Table) => {
        const file = path.join(folder, name);
        fs.writeFileSync(file, arrow.tableToIPC(table, "file"));
        return file;
      };
      const { maker: _, ...listed } = Product.columns;
      const Listed = Contract.make("listed", { version: "1", owner: "shop", columns: listed });
      const vectors = new arrow.FixedSizeList(2, arrow.Field.new("item", new arrow.Float32()));
      const lists = new arrow.Table({
        tags: arrow.vectorFromArray([good.tags, null, ["x"]], listOf(new arrow.Utf8())),
        sizes: arrow.vectorFromArray(
          [[1n, 9007199254740993n], null, [3n]],
          listOf(new arrow.Int64()),
        ),
        vector: arrow.vectorFromArray([[0.5, -1], null, [0.1, Number.NaN]], vectors),
      });
      const found = yield* ingested(Source.arrow(write("lists.arrow", lists)), {
        contract: Listed,
      });
      assert.deepStrictEqual(plain(found.rows), [
        { tags: good.tags, sizes: ["1", "9007199254740993"], vector: [0.5, -1] },
        { tags: null, sizes: null, vector: null },
        { tags: ["x"], sizes: ["3"], vector: [Math.fround(0.1), "NaN"] },
      ]);
      const city = new arrow.Struct([arrow.Field.new("city", new arrow.Utf8())]);
      const struct = new arrow.Table({ maker: arrow.vectorFromArray([{ city: "Ulm" }], city) });
      const error = yield* Effect.flip(
        Ingest.table(Product, Source.arrow(write("struct.arrow", struct))).run({}),
      );
      assert.match(
        error.message,
        /column "maker": expected struct \(.*\), found Struct<{city:Utf8}>/,
      );
    }).pipe(Effect.provide(services)),
  );
});
