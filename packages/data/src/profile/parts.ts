/** What of a column is profiled: itself, or, of one that holds several values, what it is made of. */
import type { Column } from "@ml-pipe/core";
import { literal } from "../Duckdb.ts";
import { accepts, fieldsOf } from "../TableSchema.ts";
import type { ProfiledColumn } from "./scan.ts";

/** Columns to profile, the columns that some of them are parts of, and what cannot be profiled. */
export interface Profiled {
  readonly columns: ReadonlyArray<ProfiledColumn>;
  /** `tags.length` is a part of `tags`. */
  readonly partOf: { readonly [part: string]: string };
  readonly unsupported: ReadonlyArray<{ readonly column: string; readonly sqlType: string }>;
}

/** A column, its value in SQL, and the DuckDB type of that. */
export interface SqlValue {
  readonly name: string;
  readonly sql: string;
  readonly sqlType: string;
}

/**
 * The type under which a column of a DuckDB type is profiled; undefined if it is none of one value that a
 * contract can have. Whole numbers beyond 64 bits and decimals are taken as floats, UUIDs and enumerations
 * as text.
 */
export const typeOf = (sqlType: string): Column.ScalarType | undefined => {
  if (/^(UBIGINT|U?HUGEINT|DECIMAL.*)$/.test(sqlType)) return "float";
  if (/^(UUID|ENUM.*)$/.test(sqlType)) return "string";
  const types = ["boolean", "int", "float", "string", "timestamp"] as const;
  return types.find((type) => accepts({ type }, sqlType));
};

/**
 * What is profiled of columns. Of a list that is its length, as `tags.length`, and of one of fractions, such
 * as an embedding, its Euclidean norm, as `vector.norm`; of a struct its fields, as `maker.city`. A part is
 * null where its column is.
 */
export const profiledOf = (values: ReadonlyArray<SqlValue>): Profiled => {
  const names = new Set(values.map(({ name }) => name));
  const columns: Array<ProfiledColumn> = [];
  const partOf: { [part: string]: string } = {};
  const unsupported: Array<Profiled["unsupported"][number]> = [];
  for (const value of values) {
    const type = typeOf(value.sqlType);
    if (type !== undefined) {
      columns.push({ name: value.name, type, sql: value.sql });
      continue;
    }
    const parts = partsOf(value);
    if (parts.length === 0) unsupported.push({ column: value.name, sqlType: value.sqlType });
    for (const { name, sql, sqlType } of parts) {
      const held = typeOf(sqlType);
      if (held === undefined || names.has(name)) unsupported.push({ column: name, sqlType });
      else {
        columns.push({ name, type: held, sql });
        partOf[name] = value.name;
      }
    }
  }
  return { columns, partOf, unsupported };
};

const partsOf = ({ name, sql, sqlType }: SqlValue): ReadonlyArray<SqlValue> => {
  const [, inside] = /^(.*)\[\d*\]$/.exec(sqlType) ?? [];
  if (inside === undefined) {
    return [...fieldsOf(sqlType)].map(([field, type]) => ({
      name: `${name}.${field}`,
      sql: `struct_extract(${sql}, ${literal(field)})`,
      sqlType: type,
    }));
  }
  const length = { name: `${name}.length`, sql: `len(${sql})`, sqlType: "BIGINT" };
  if (inside !== "FLOAT" && inside !== "DOUBLE") return [length];
  const squares = `list_transform(CAST(${sql} AS DOUBLE[]), lambda "~x": "~x" * "~x")`;
  return [length, { name: `${name}.norm`, sql: `sqrt(list_sum(${squares}))`, sqlType: "DOUBLE" }];
};

/** The parts of a profile, which says nothing where there are none. */
export const parts = (partOf: Profiled["partOf"]): { readonly partOf?: Profiled["partOf"] } =>
  Object.keys(partOf).length === 0 ? {} : { partOf };
