import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Ddl, Duckdb, TableSchema } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import * as Fixture from "../../packages/core/test-fixtures/contracts.ts";

const sqlOf = (value: unknown, column: Column.ColumnSpec): string => {
  if (value === null) return "NULL";
  const type = TableSchema.canonicalType(column);
  if (Array.isArray(value)) {
    const { items = number } = column;
    return `CAST([${value.map((one) => sqlOf(one, items)).join(", ")}] AS ${type})`;
  }
  if (typeof value === "object") {
    const fields = Object.entries(column.fields ?? {}).map(
      ([name, field]) =>
        `${Duckdb.identifier(name)} := ${sqlOf(Reflect.get(value, name) ?? null, field)}`,
    );
    return `CAST(struct_pack(${fields.join(", ")}) AS ${type})`;
  }
  return `CAST(${Duckdb.literal(String(value))} AS ${column.type === "timestamp" ? "TIMESTAMPTZ" : type})`;
};
const number = { type: "float", availableAt: "decision", nullable: false } as const;

/** Values of the column's type in SQL, of which not all are in the contract. */
const fits = (value: unknown, { type }: Column.ColumnSpec): boolean => {
  if (value === null) return true;
  if (type === "timestamp" || !Column.isScalar(type)) return false;
  if (type === "int") return Number.isInteger(value) && Math.abs(Number(value)) < 1e18;
  return typeof value === (type === "float" ? "number" : type);
};

describe("in DuckDB", () => {
  it.effect(
    "a random contract makes a table that takes exactly its rows",
    () =>
      Effect.gen(function* () {
        const db = yield* Duckdb.Duckdb;
        const run = (sql: string) => db.execute("try a table", sql);
        const drawn = fc.sample(
          Fixture.specs.chain((spec) =>
            fc.tuple(
              fc.constant(spec),
              Fixture.rowsOf(spec.columns),
              fc.array(Fixture.mutantsOf(spec.columns), { minLength: 30, maxLength: 30 }),
            ),
          ),
          { numRuns: 40, seed: 7 },
        );
        let refused = 0;
        for (const [spec, good, mutants] of drawn) {
          const decode = Schema.decodeUnknownResult(Contract.rowSchema(Contract.fromSpec(spec)));
          const columns = Object.entries(spec.columns);
          const rows = mutants.filter(
            (row) =>
              Object.keys(row).length === columns.length &&
              columns.every(
                ([name, column]) => row[name] === good[name] || fits(row[name], column),
              ),
          );
          for (const row of [good, ...rows.slice(0, 5)]) {
            yield* run(`DROP TABLE IF EXISTS t; ${Ddl.createTable(spec, "t")}`);
            const values = columns.map(([name, column]) => sqlOf(row[name], column));
            const inserted = yield* Effect.result(
              run(`INSERT INTO t VALUES (${values.join(", ")})`),
            );
            const isRow = Result.isSuccess(decode(row));
            assert.strictEqual(Result.isSuccess(inserted), isRow, JSON.stringify([spec, row]));
            if (!isRow) refused++;
          }
        }
        assert.isAbove(refused, 10);
      }).pipe(Effect.provide(Duckdb.Duckdb.layer({ threads: 1 }))),
    60_000,
  );
});
