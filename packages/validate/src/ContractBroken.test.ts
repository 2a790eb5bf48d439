/** Data that breaks its contract: what whoever must act on it reads. */
import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract, Stage } from "@ml-pipe/core";
import { Duckdb, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as fs from "node:fs";
import * as path from "node:path";
import {
  outcomes,
  rawFile,
  rawOf,
  services,
  telling,
  temporaryFolder,
  values,
  writeParquet,
} from "../test-fixtures/tables.ts";
import * as Validate from "./Validate.ts";

const provided = Effect.provide(services());

const Order = Contract.make("order", {
  version: "3.1.0",
  owner: "sales",
  columns: {
    amount: Column.float({ min: 0, unit: "EUR" }),
    country: Column.string({ pattern: "[A-Z]{2}" }),
  },
});
const columns = "amount DOUBLE, country VARCHAR";
const validate = Validate.table(Order, { uniqueRows: false });

const broken = Effect.fnUntraced(function* (
  query: string,
  stage: ReturnType<typeof Validate.table<typeof Order>> = validate,
) {
  const data = yield* rawOf(Order, query);
  const { error, told } = yield* telling(stage.run({ data }));
  assert.strictEqual(error?._tag, "ContractBroken");
  if (!(error instanceof Validate.ContractBroken)) throw new Error("not broken");
  return { error, told };
});

describe("ContractBroken", () => {
  it.effect("lists every finding with counts and row numbers, and where the failing rows are", () =>
    Effect.gen(function* () {
      const rows = ["(-1, 'DE')", "(5, 'de')", "(-2, 'fr')", "(NULL, 'DE')", "(5, 'DE')"];
      const { error } = yield* broken(values(columns, ...rows));
      const [first, ...lines] = error.message.split("\n");
      assert.match(String(first), /raw\.parquet breaks the contract "order" 3\.1\.0 of sales:$/);
      const ask = "Ask sales to deliver data that keeps the contract.";
      assert.deepStrictEqual(lines.slice(0, 4), [
        `  fail amount.not-null: expected a value in every row, found 1 row (20 %) (row 3). ${ask}`,
        `  fail amount.range: expected at least 0 EUR, found 2 rows (40 %); values from -2 to 5 EUR (row 0, 2). ${ask}`,
        `  fail country.pattern: expected text that matches [A-Z]{2}, found 2 rows (40 %), such as "de" (row 1, 2). ${ask}`,
        "4 rows (80 %) fail; at most 1 % may.",
      ]);
      assert.match(
        String(lines[4]),
        /^The failing rows with their reasons are in .+\. Where the contract is wrong, change it together with sales\.$/,
      );
      const db = yield* Duckdb.Duckdb;
      const reasons = yield* db.rows(
        "read",
        `SELECT reasons FROM ${Table.parquet(error.quarantine ?? "")} WHERE "row" = 2`,
      );
      assert.deepStrictEqual(JSON.parse(String(reasons[0]?.["reasons"])), [
        "amount.range: expected at least 0 EUR, found -2.0",
        "country.pattern: expected text that matches [A-Z]{2}, found fr",
      ]);
    }).pipe(provided),
  );

  it.effect("stops a run instead of breaking it", () =>
    Effect.gen(function* () {
      const { error } = yield* broken(values(columns, "(-1, 'DE')"));
      assert.isTrue(error[Stage.stops]);
    }).pipe(provided),
  );

  it.effect("says that no row is valid, even where any share may fail", () =>
    Effect.gen(function* () {
      const all = Validate.table(Order, { quarantine: { atMost: 1 } });
      const { error } = yield* broken(values(columns, "(-1, 'DE')", "(-2, 'DE')"), all);
      assert.include(error.message, "All 2 rows fail: no valid row is left.");
    }).pipe(provided),
  );

  it.effect("an empty table: no check ran, and that is what it says", () =>
    Effect.gen(function* () {
      const query = `${values(columns, "(1, 'DE')")} LIMIT 0`;
      const { error, told } = yield* broken(query);
      assert.include(error.message, "fail rows.count: expected at least 1 row, found 0 rows.");
      assert.include(
        error.message,
        "could not run: amount.not-null, amount.finite, amount.range, country.not-null, country.pattern",
      );
      assert.deepStrictEqual(outcomes(told), {
        schema: "passed",
        "rows.count": "failed",
        "amount.type": "passed",
        "amount.not-null": "could not run",
        "amount.finite": "could not run",
        "amount.range": "could not run",
        "country.type": "passed",
        "country.not-null": "could not run",
        "country.pattern": "could not run",
      });
      assert.strictEqual(told.findings.length, 6);
    }).pipe(provided),
  );

  it.effect("a missing and a renamed column: the others are still checked", () =>
    Effect.gen(function* () {
      const { error, told } = yield* broken(values("Amount DOUBLE", "(1)"), Validate.table(Order));
      assert.include(error.message, 'Was "amount" renamed to "Amount"?');
      assert.include(
        error.message,
        "fail country.schema: expected string (VARCHAR), found no such column. Ask sales to deliver it again.",
      );
      assert.strictEqual(outcomes(told)["amount.range"], "could not run");
      assert.strictEqual(outcomes(told)["rows.unique"], "could not run");
      assert.strictEqual(outcomes(told)["rows.count"], "passed");
    }).pipe(provided),
  );

  it.effect("a column of another type", () =>
    Effect.gen(function* () {
      const { error } = yield* broken(values("amount VARCHAR, country VARCHAR", "('1', 'DE')"));
      assert.include(
        error.message,
        "fail amount.schema: expected float (DOUBLE), found VARCHAR. Ask sales to deliver it as DOUBLE, or convert it before ingest.",
      );
    }).pipe(provided),
  );

  it.effect("the share that may fail is inclusive", () =>
    Effect.gen(function* () {
      const rows = ["(-1, 'DE')", "(1, 'DE')", "(2, 'DE')", "(3, 'DE')"];
      const data = yield* rawOf(Order, values(columns, ...rows));
      const run = (atMost: number) =>
        telling(Validate.table(Order, { quarantine: { atMost } }).run({ data }));
      assert.strictEqual((yield* run(0.25)).value?.checked.rows, 3);
      assert.strictEqual((yield* run(0.24)).error?._tag, "ContractBroken");
    }).pipe(provided),
  );
});

describe("a damaged file", () => {
  it.effect("whose footer is whole is found by the scan, and named", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = path.join(folder, "orders.parquet");
      const many = `SELECT i / 7.0 AS amount, 'DE' AS country FROM range(5000) r(i)`;
      yield* writeParquet(file, many);
      const bytes = fs.readFileSync(file);
      bytes.fill(0xff, 64, 1024);
      fs.writeFileSync(file, bytes);
      const data = yield* rawFile(Order, file, 5000);
      const { error } = yield* telling(validate.run({ data }));
      assert.strictEqual(error?._tag, "TableUnreadable");
      assert.include(
        String(error?.message),
        `${file}, under the contract "order", cannot be read to its end`,
      );
      assert.include(String(error?.message), "ask sales for a new export");
    }).pipe(provided),
  );

  it.effect("that changed since ingest is refused", () =>
    Effect.gen(function* () {
      const data = yield* rawOf(Order, values(columns, "(1, 'DE')"));
      if (data.data._tag === "source") fs.appendFileSync(data.data.file.path, "x");
      const { error } = yield* telling(validate.run({ data }));
      assert.strictEqual(error?._tag, "SourceChanged");
    }).pipe(provided),
  );

  it.effect("a failed validation leaves no half-written table", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      yield* Effect.gen(function* () {
        const data = yield* rawOf(Order, values(columns, "(-1, 'DE')", "(2, 'DE')"));
        yield* telling(validate.run({ data }));
      }).pipe(Effect.provide(Artifact.ArtifactStore.layer(folder)));
      assert.deepStrictEqual(fs.readdirSync(path.join(folder, "tmp")), []);
    }).pipe(provided),
  );
});

describe("odd names", () => {
  it.effect(
    "a path with a pattern's characters, quotes in names, a column named file_row_number",
    () =>
      Effect.gen(function* () {
        const Odd = Contract.make("odd", {
          version: "1",
          owner: "o'brien",
          columns: {
            'a "b"': Column.int({ max: 1 }),
            file_row_number: Column.int(),
            row: Column.string({ values: ["it's"], nullable: true }),
          },
          key: ["file_row_number"],
        });
        const folder = path.join(yield* temporaryFolder, "x[1]*? 'y'=1");
        fs.mkdirSync(folder);
        const file = path.join(folder, "odd.parquet");
        yield* writeParquet(
          file,
          `SELECT (CASE i WHEN 200000 THEN 2 ELSE 1 END)::INTEGER AS "a ""b""", i::INTEGER AS file_row_number, NULL::VARCHAR AS "row" FROM range(250000) t(i)`,
        );
        const data = yield* rawFile(Odd, file, 250_000);
        const { value, told } = yield* telling(Validate.table(Odd).run({ data }));
        assert.strictEqual(value?.checked.rows, 249_999);
        assert.deepStrictEqual(told.findings[0]?.sample, [200_000]);
      }).pipe(provided),
  );
});
