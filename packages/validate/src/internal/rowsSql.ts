/** The rows of a file in the contract's types, as SQL that every query of the stage starts from. */
import type { Contract } from "@ml-pipe/core";
import { Duckdb, Table, type TableSchema } from "@ml-pipe/data";
import { type ColumnPlan, planColumn } from "./columnChecks.ts";

/** How the columns of a contract are read from a file. */
export interface RowsPlan {
  readonly columns: ReadonlyArray<ColumnPlan>;
  /** `SELECT` with the contract's columns, `~row` (from 0), and what tells values that do not fit. */
  readonly sql: string;
}

/** Reads the columns that fit the contract; `readable` says which do. */
export const planRows = (
  contract: Contract.Contract,
  path: string,
  readable: ReadonlyArray<TableSchema.SqlColumn>,
): RowsPlan => {
  const types = new Map(readable.map(({ name, type }) => [name, type]));
  const columns = Object.entries(contract.spec.columns).map(([name, spec]) =>
    planColumn(name, spec, types.get(name)),
  );
  const selected = columns.flatMap((plan) => [
    `${plan.canonical} AS ${Duckdb.identifier(plan.name)}`,
    ...(plan.unfit === undefined
      ? []
      : [
          `${plan.unfit} AS ${plan.unfitName}`,
          `CAST(${Duckdb.identifier(plan.name)} AS VARCHAR) AS ${plan.rawName}`,
        ]),
  ]);
  const from = Table.parquet(path, { rowNumbers: true });
  return { columns, sql: `SELECT file_row_number AS "~row", ${selected.join(", ")} FROM ${from}` };
};
