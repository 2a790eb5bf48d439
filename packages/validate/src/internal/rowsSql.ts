/** The rows of a file in the contract's types, as SQL that every query of the stage starts from. */
import type { Column, Contract } from "@ml-pipe/core";
import { Duckdb, Table, TableSchema } from "@ml-pipe/data";

/** A column of the contract and what the file has for it. */
export interface ColumnPlan {
  readonly name: string;
  readonly spec: Column.ColumnSpec;
  /** The column in SQL: in the file, and among the canonical rows. */
  readonly column: string;
  /** The DuckDB type in the file; absent if the column is not there or cannot be taken as its type. */
  readonly sqlType?: string;
  /** SQL of the value in the contract's type, over the rows of the file. */
  readonly canonical: string;
  /** The column among the canonical rows, null where it is a number that is not finite. */
  readonly finite: string;
  /** SQL, over the rows of the file: true for a value that the contract's type does not have. */
  readonly unfit?: string;
  /** Names, among the canonical rows, of {@link unfit} and of the value as the file has it, as text. */
  readonly unfitName: string;
  readonly rawName: string;
  /** Whether a value that does not fit is null among the canonical rows. */
  readonly mayVanish: boolean;
}

/** How the columns of a contract are read from a file. */
export interface RowsPlan {
  readonly columns: ReadonlyArray<ColumnPlan>;
  /** `SELECT` with the contract's columns, `~row` (from 0), and what tells values that do not fit. */
  readonly sql: string;
}

/**
 * Reads the columns that fit the contract; `readable` says which do. `reserved`: the file itself has a
 * column named `file_row_number`, so that its rows are counted in another, slower way.
 */
export const planRows = (
  contract: Contract.Contract,
  path: string,
  readable: ReadonlyArray<TableSchema.SqlColumn>,
  reserved: boolean,
): RowsPlan => {
  const types = new Map(readable.map(({ name, type }) => [name, type]));
  const columns = Object.entries(contract.spec.columns).map(([name, spec]) =>
    planColumn(name, spec, types.get(name)),
  );
  const selected = columns.flatMap(selectedOf);
  const row = reserved ? "row_number() OVER () - 1" : "file_row_number";
  const from = Table.parquet(path, { rowNumbers: !reserved });
  return { columns, sql: `SELECT ${row} AS "~row", ${selected.join(", ")} FROM ${from}` };
};

const selectedOf = (plan: ColumnPlan): ReadonlyArray<string> => {
  const { column, canonical, finite, unfit, unfitName, rawName } = plan;
  return [
    `${canonical} AS ${column}`,
    // Once for all figures: a FILTER on each aggregate would cost more than the aggregate.
    ...(finite === column
      ? []
      : [`CASE WHEN isfinite(${canonical}) THEN ${canonical} END AS ${finite}`]),
    ...(unfit === undefined
      ? []
      : [`${unfit} AS ${unfitName}`, `CAST(${column} AS VARCHAR) AS ${rawName}`]),
  ];
};

/** The rows of a table that was checked, which are in the contract's types already. */
export const planChecked = (contract: Contract.Contract, relation: string): RowsPlan => {
  const columns = Object.entries(contract.spec.columns).map(([name, spec]) =>
    planColumn(name, spec, TableSchema.canonicalType(spec)),
  );
  return { columns, sql: `SELECT ${columns.flatMap(selectedOf).join(", ")} FROM ${relation}` };
};

const largestInt = Number.MAX_SAFE_INTEGER;
/** The last instant that a JavaScript `Date` can hold, in microseconds. */
const lastMicros = "8640000000000000000";
const wide = new Set(["BIGINT", "UBIGINT"]);

const planColumn = (
  name: string,
  spec: Column.ColumnSpec,
  sqlType: string | undefined,
): ColumnPlan => {
  const type = TableSchema.canonicalType(spec);
  const column = Duckdb.identifier(name);
  const base = {
    name,
    spec,
    column,
    finite: spec.type === "float" ? Duckdb.identifier(`~finite ${name}`) : column,
    unfitName: Duckdb.identifier(`~unfit ${name}`),
    rawName: Duckdb.identifier(`~raw ${name}`),
    mayVanish: sqlType !== type,
  };
  if (sqlType === undefined) {
    return { ...base, canonical: `CAST(NULL AS ${type})`, mayVanish: false };
  }
  const canonical = TableSchema.canonicalSql(column, sqlType, spec);
  const seen = { ...base, sqlType, canonical };
  if (spec.type === "timestamp") {
    const exists = `${canonical} BETWEEN make_timestamp(-${lastMicros}) AND make_timestamp(${lastMicros})`;
    return { ...seen, unfit: `(${column} IS NOT NULL AND NOT coalesce(${exists}, false))` };
  }
  return (spec.type === "int" || spec.type === "float") && wide.has(sqlType)
    ? { ...seen, unfit: `(${column} NOT BETWEEN -${largestInt} AND ${largestInt})` }
    : { ...seen, mayVanish: false };
};
