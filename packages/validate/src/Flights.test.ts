/**
 * Three million real flights. The expected numbers come from pyarrow 26.0.1 and counters in plain
 * Python over the same file, without DuckDB or SQL.
 */
import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Duckdb, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { createRequire } from "node:module";
import * as path from "node:path";
import { rawFile, reasonsOf, services, telling } from "../test-fixtures/tables.ts";
import * as Validate from "./Validate.ts";

const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "flight-operations",
  columns: {
    date: Column.timestamp(),
    delay: Column.int({ unit: "min", min: -120, max: 1440, availableAt: "outcome" }),
    distance: Column.int({ unit: "mi", min: 1, max: 5000 }),
    origin: Column.string({ pattern: "[A-Z]{3}" }),
    destination: Column.string({ pattern: "[A-Z]{3}" }),
  },
  eventTime: "date",
  freshness: "2 days",
  minRows: 1_000_000,
});

/** The entry of the package is `build/index.js`; its data is beside. */
const data = path.join(createRequire(import.meta.url).resolve("vega-datasets"), "../../data");

describe("the flights of 2001", () => {
  it.effect(
    "lose 191 duplicates and 11 impossible delays",
    () =>
      Effect.gen(function* () {
        const raw = yield* rawFile(Flight, path.join(data, "flights-3m.parquet"), 3_000_000);
        const validate = Validate.table(Flight, { asOf: "2001-07-01" });
        const { value, told } = yield* telling(validate.run({ data: raw }));
        if (value === undefined) return assert.fail("not validated");
        assert.strictEqual(value.checked.rows, 3_000_000 - 202);
        assert.strictEqual(value.quarantine.rows, 202);
        assert.deepStrictEqual(
          told.findings.map(({ check, rows, sample }) => ({ check, rows, sample })),
          [
            { check: "delay.range", rows: 11, sample: [91320, 127952, 312396, 515377, 557410] },
            { check: "rows.unique", rows: 191, sample: [32588, 38812, 39365, 62741, 64194] },
          ],
        );
        assert.deepStrictEqual((yield* reasonsOf(value.quarantine)).slice(0, 2), [
          [32588, ["rows.unique: duplicate of row 32585"]],
          [38812, ["rows.unique: duplicate of row 38798"]],
        ]);

        const profile = told.exhibits.find(({ title }) => title === "Profile");
        const delay = profile?._tag === "table" ? profile.rows[1] : undefined;
        assert.deepStrictEqual(delay?.slice(0, 3), ["delay", "min", 0]);
        assert.deepStrictEqual(delay?.slice(4, 8), [-1116, 6.66787, -1, 1688]);

        const db = yield* Duckdb.Duckdb;
        const [late] = yield* db.rows(
          "count the late",
          `SELECT CAST(count_if(delay > 15) AS DOUBLE) AS late FROM ${yield* Table.relation(raw)}`,
        );
        assert.strictEqual(late?.["late"], 599_055);
      }).pipe(Effect.provide(services())),
    60_000,
  );
});
