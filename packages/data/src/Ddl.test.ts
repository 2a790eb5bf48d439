import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Ddl from "./Ddl.ts";
import * as Duckdb from "./Duckdb.ts";

const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "ops",
  description: "one row per flight",
  columns: {
    at: Column.timestamp(),
    delay: Column.int({ unit: "min", min: -60.5, nullable: true }),
    distance: Column.float({ min: 0.1, description: "great circle", unit: "mi" }),
    origin: Column.string({ pattern: "[A-Z]{3}" }),
    cabin: Column.string({ values: ["economy", "it's"] }),
    late: Column.boolean(),
  },
  key: ["at", "origin"],
});

it("createTable writes down what is promised", () => {
  assert.strictEqual(
    Ddl.createTable(Flight.spec, "main flight"),
    `CREATE TABLE "main flight" (
  "at" TIMESTAMP NOT NULL CHECK (isfinite("at")),
  "delay" BIGINT CHECK ("delay" BETWEEN -60 AND 9007199254740991),
  "distance" DOUBLE NOT NULL CHECK (isfinite("distance")) CHECK ("distance" >= CAST('0.1' AS DOUBLE)),
  "origin" VARCHAR NOT NULL CHECK (regexp_full_match("origin", '[A-Z]{3}')),
  "cabin" VARCHAR NOT NULL CHECK ("cabin" IN ('economy', 'it''s')),
  "late" BOOLEAN NOT NULL,
  PRIMARY KEY ("at", "origin")
);
COMMENT ON TABLE "main flight" IS 'one row per flight';
COMMENT ON COLUMN "main flight"."delay" IS 'in min';
COMMENT ON COLUMN "main flight"."distance" IS 'great circle, in mi';`,
  );
});

describe("in DuckDB", () => {
  it.effect("refuses NaN, infinities, another row of a key, and numbers that doubles confuse", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb.Duckdb;
      const insert = (change: Partial<Record<string, string>>) => {
        const row = {
          at: "TIMESTAMP '2001-06-01'",
          delay: "NULL",
          distance: "100",
          origin: "'JFK'",
          cabin: "'it''s'",
          late: "true",
          ...change,
        };
        return Effect.result(
          db.execute("insert", `INSERT INTO flight VALUES (${Object.values(row).join(", ")})`),
        );
      };
      yield* db.execute("make it", Ddl.createTable(Flight.spec));
      assert.isTrue(Result.isSuccess(yield* insert({})));
      const bad: ReadonlyArray<Partial<Record<string, string>>> = [
        {},
        { origin: "'LAX'", distance: "'NaN'" },
        { origin: "'LAX'", distance: "'Infinity'" },
        { at: "'infinity'" },
        { origin: "'LAX'", delay: "9007199254740992" },
        { origin: "'LAX1'" },
        { origin: "'LAX'", late: "NULL" },
      ];
      for (const change of bad) {
        assert.isTrue(Result.isFailure(yield* insert(change)), JSON.stringify(change));
      }
      assert.isTrue(Result.isSuccess(yield* insert({ origin: "'LAX'" })));
    }).pipe(Effect.provide(Duckdb.Duckdb.layer({ threads: 1 }))),
  );
});
