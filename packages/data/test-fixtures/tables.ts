/** What the tests of tables share: DuckDB with a temporary store, and tables from SQL. */
import { Artifact, type Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Duckdb, literal } from "../src/Duckdb.ts";
import * as Table from "../src/Table.ts";
import { canonicalType } from "../src/TableSchema.ts";

/** DuckDB on two threads and a store in a temporary folder. */
export const services = Layer.mergeAll(
  Duckdb.layer({ threads: 2 }),
  Artifact.ArtifactStore.layerTemporary,
);

/** Provides {@link services}. */
export const withTables = Effect.provide(services);

/** A value in SQL; instants as timestamps. */
export const sqlOf = (value: unknown): string =>
  value === null || value === undefined
    ? "NULL"
    : value instanceof Date
      ? `epoch_ms(${value.getTime()})`
      : typeof value === "string"
        ? literal(value)
        : typeof value === "number"
          ? `CAST('${value}' AS DOUBLE)`
          : Array.isArray(value)
            ? `[${value.map(sqlOf).join(", ")}]`
            : typeof value === "object"
              ? `{${Object.entries(value)
                  .map(([name, one]) => `${literal(name)}: ${sqlOf(one)}`)
                  .join(", ")}}`
              : String(value);

/** Rows under a contract as a relation in SQL. */
export const relationOf = <C extends Contract.Contract>(
  contract: C,
  rows: ReadonlyArray<{ readonly [column: string]: unknown }>,
): string => {
  const columns = Object.entries(contract.spec.columns).map(
    ([name, column]) => [name, canonicalType(column)] as const,
  );
  const typed = columns.map(
    ([name, type]) =>
      `CAST("${name.replaceAll('"', '""')}" AS ${type}) AS "${name.replaceAll('"', '""')}"`,
  );
  const names = columns.map(([name]) => `"${name.replaceAll('"', '""')}"`);
  const none = `(${columns.map(() => "NULL").join(", ")})`;
  const values = rows.map((row) => `(${columns.map(([name]) => sqlOf(row[name])).join(", ")})`);
  return `(SELECT ${typed.join(", ")} FROM (VALUES ${rows.length === 0 ? none : values.join(",\n")}) AS v(${names.join(", ")})${rows.length === 0 ? " LIMIT 0" : ""})`;
};

/** Rows as a table in the store. */
export const tableOf = <C extends Contract.Contract, R extends Table.Role>(
  contract: C,
  role: R,
  rows: ReadonlyArray<{ readonly [column: string]: unknown }>,
) => Table.write(contract, role, { query: `SELECT * FROM ${relationOf(contract, rows)}` });
