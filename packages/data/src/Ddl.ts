/** A contract as a table definition in SQL, for whoever keeps its data in DuckDB. */
import type { Column, Contract } from "@ml-pipe/core";
import { identifier, literal } from "./Duckdb.ts";
import { canonicalType } from "./TableSchema.ts";

/**
 * The DuckDB statements that make a table of a contract: every column with its type, `NOT NULL` and a
 * `CHECK` of its limits, values and pattern; the key as `PRIMARY KEY`; descriptions and units as
 * comments. What it refuses is what {@link Contract.rowSchema} refuses: NaN and infinities too, and whole
 * numbers beyond ±(2^53 − 1); all but patterns of what lists hold. Instants are UTC, without a zone.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Ddl } from "@ml-pipe/data";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1.0.0", owner: "fleet", columns: { km: Column.float({ min: 0 }) },
 * });
 * const sql: string = Ddl.createTable(Trip.spec); // CREATE TABLE "trip" ("km" DOUBLE NOT NULL CHECK …
 * ```
 */
export const createTable = (spec: Contract.ContractSpec, name: string = spec.name): string => {
  const table = identifier(name);
  const columns = Object.entries(spec.columns);
  const lines = [
    ...columns.map(([column, one]) => columnLine(identifier(column), one)),
    ...(spec.key === undefined ? [] : [`PRIMARY KEY (${spec.key.map(identifier).join(", ")})`]),
  ];
  const comments = columns.flatMap(([column, one]) => {
    const about = aboutOf(one);
    return about === ""
      ? []
      : [`COMMENT ON COLUMN ${table}.${identifier(column)} IS ${literal(about)};`];
  });
  return [
    `CREATE TABLE ${table} (\n${lines.map((line) => `  ${line}`).join(",\n")}\n);`,
    ...(spec.description === undefined
      ? []
      : [`COMMENT ON TABLE ${table} IS ${literal(spec.description)};`]),
    ...comments,
  ].join("\n");
};

const columnLine = (name: string, column: Column.ColumnSpec): string =>
  [
    name,
    canonicalType(column),
    ...(column.nullable ? [] : ["NOT NULL"]),
    ...conditions(name, column).map((condition) => `CHECK (${condition})`),
  ].join(" ");

const conditions = (name: string, column: Column.ColumnSpec): ReadonlyArray<string> => {
  const { type, min, max, values, pattern } = column;
  switch (type) {
    case "list":
      return column.items === undefined ? [] : itemConditions(name, column.items);
    case "embedding":
      return [
        `len(${name}) = ${column.size ?? 0}`,
        ...itemConditions(name, { type: "float", availableAt: "decision", nullable: false }),
      ];
    case "struct":
      return Object.entries(column.fields ?? {}).flatMap(([field, one]) => {
        const value = `struct_extract(${name}, ${literal(field)})`;
        return [
          ...(one.nullable ? [] : [`${name} IS NULL OR ${value} IS NOT NULL`]),
          ...conditions(value, one),
        ];
      });
    case "boolean":
      return [];
    case "timestamp":
      return [`isfinite(${name})`];
    case "int": {
      const least = Math.max(Math.ceil(min ?? -Infinity), Number.MIN_SAFE_INTEGER);
      const most = Math.min(Math.floor(max ?? Infinity), Number.MAX_SAFE_INTEGER);
      return [`${name} BETWEEN ${least} AND ${most}`];
    }
    case "float":
      return [
        `isfinite(${name})`,
        ...(min === undefined ? [] : [`${name} >= ${double(min)}`]),
        ...(max === undefined ? [] : [`${name} <= ${double(max)}`]),
      ];
    case "string":
      return [
        ...(values === undefined ? [] : [`${name} IN (${values.map(literal).join(", ")})`]),
        ...(pattern === undefined ? [] : [`regexp_full_match(${name}, ${literal(pattern)})`]),
      ];
  }
};

/** Of all items of a list, without a lambda, which a CHECK cannot have: so not of a pattern. */
const itemConditions = (list: string, item: Column.PartSpec): ReadonlyArray<string> => {
  const { type, nullable, values } = item;
  const limits = type === "string" || type === "boolean" ? [] : ["list_min", "list_max"];
  return [
    ...(nullable ? [] : [`list_aggregate(${list}, 'count') = len(${list})`]),
    ...limits.flatMap((limit) => conditions(`${limit}(${list})`, item)),
    ...(values === undefined ? [] : [`list_has_all([${values.map(literal).join(", ")}], ${list})`]),
  ];
};

/** Written as it is, a number would be a decimal, which is another one than the double. */
const double = (value: number): string => `CAST('${value}' AS DOUBLE)`;

const aboutOf = ({ description, unit }: Column.ColumnSpec): string =>
  [description, unit === undefined ? undefined : `in ${unit}`]
    .filter((part) => part !== undefined)
    .join(", ");
