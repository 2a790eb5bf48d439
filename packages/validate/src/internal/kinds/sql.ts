/** Pieces of SQL that several kinds of checks are made of. */
import { Duckdb } from "@ml-pipe/data";
import * as Schema from "effect/Schema";
import type { ColumnPlan } from "../rowsSql.ts";

/** A value in the parameters of a check. */
export const Value = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean]);
/** Values in the parameters of a check. */
export const Values = Schema.Array(Value);

/** A number in SQL: as text, because DuckDB reads `0.1` as a decimal. */
export const sqlNumber = (value: number): string =>
  Number.isSafeInteger(value) ? String(value) : `CAST('${value}' AS DOUBLE)`;

/** A value in SQL. */
const sqlValue = (value: typeof Value.Type): string =>
  typeof value === "string"
    ? Duckdb.literal(value)
    : typeof value === "number"
      ? sqlNumber(value)
      : String(value);

/** Values in SQL, one after the other. */
export const listOf = (values: typeof Values.Type): string => values.map(sqlValue).join(", ");

const typeOfValue = {
  boolean: "boolean",
  int: "number",
  float: "number",
  string: "string",
  timestamp: "object",
  list: undefined,
  struct: undefined,
  embedding: undefined,
} as const;

/** Why values cannot be compared with those of a column, if they cannot. */
export const listProblem = (
  { name, spec }: ColumnPlan,
  values: typeof Values.Type,
): string | undefined => {
  const strange = values.find((value) => typeof value !== typeOfValue[spec.type]);
  return strange === undefined
    ? undefined
    : `${JSON.stringify(strange)} cannot be a value of "${name}", which is ${spec.type}`;
};

/** SQL: true where the file has no value; one that does not fit its type is a value. */
export const isNull = (plan: ColumnPlan | undefined): string =>
  plan === undefined
    ? "true"
    : plan.mayVanish
      ? `(${plan.column} IS NULL AND NOT coalesce(${plan.unfitName}, false))`
      : `${plan.column} IS NULL`;
