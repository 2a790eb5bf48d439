/** A contract as JSON Schema, for whoever sends or reads rows as JSON with other tools. */
import type * as Schema from "effect/Schema";
import type * as Column from "../Column.ts";
import type { ContractSpec } from "./spec.ts";

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = { readonly [keyword: string]: Schema.Json };

/**
 * The JSON Schema (draft 2020-12) of one row: it accepts exactly the rows that
 * {@link Contract.rowSchema} decodes, also as to which days and hours exist. `format` is an annotation,
 * as the draft has it; a validator that asserts it refuses times without seconds too.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 *
 * const Point = Contract.make("point", {
 *   version: "1.0.0", owner: "lab", columns: { x: Column.float({ unit: "mm", min: 0 }) },
 * });
 * const { properties } = Contract.toJsonSchema(Point.spec);
 * // { x: { type: "number", description: "in mm", minimum: 0 } }
 * ```
 */
export const toJsonSchema = (spec: ContractSpec): JsonSchema => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: spec.name,
  ...(spec.description === undefined ? {} : { description: spec.description }),
  type: "object",
  additionalProperties: false,
  required: Object.keys(spec.columns),
  properties: Object.fromEntries(
    Object.entries(spec.columns).map(([name, column]) => [name, propertyOf(column)]),
  ),
});

const propertyOf = (column: Column.ColumnSpec): { readonly [keyword: string]: Schema.Json } => {
  const { description, unit, values, pattern, nullable, size } = column;
  const type = jsonTypes[column.type];
  const about = [description, unit === undefined ? undefined : `in ${unit}`].filter(
    (part) => part !== undefined,
  );
  const { min, max } = limitsOf(column);
  return {
    type: nullable ? [type, "null"] : type,
    ...(about.length === 0 ? {} : { description: about.join(", ") }),
    ...(column.type === "timestamp" ? { format: "date-time", pattern: instant } : {}),
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
    ...(values === undefined ? {} : { enum: nullable ? [...values, null] : values }),
    ...(pattern === undefined ? {} : { pattern: `^(?:${pattern})$` }),
    ...partsOf(column),
    ...(size === undefined ? {} : { minItems: size, maxItems: size }),
  };
};

/** What a list holds, and the fields of a struct: as rows, with no other. */
const partsOf = ({
  type,
  items,
  fields,
}: Column.ColumnSpec): { readonly [keyword: string]: Schema.Json } => {
  if (type === "embedding") return { items: { type: "number" } };
  if (items !== undefined) return { items: propertyOf(items) };
  if (fields === undefined) return {};
  const properties = Object.entries(fields).map(([name, field]) => [name, propertyOf(field)]);
  return {
    additionalProperties: false,
    required: Object.keys(fields),
    properties: Object.fromEntries(properties),
  };
};

const jsonTypes: { readonly [type in Column.ColumnType]: string } = {
  boolean: "boolean",
  int: "integer",
  float: "number",
  string: "string",
  timestamp: "string",
  list: "array",
  struct: "object",
  embedding: "array",
};

/** Whole numbers end where a double can no longer tell them apart. */
const limitsOf = ({ type, min, max }: Column.ColumnSpec) =>
  type === "int"
    ? {
        min: Math.max(min ?? -Infinity, Number.MIN_SAFE_INTEGER),
        max: Math.min(max ?? Infinity, Number.MAX_SAFE_INTEGER),
      }
    : { min, max };

/** Years with a 29 February, in the proleptic Gregorian calendar of ISO 8601. */
const leapYear = "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
const day = [
  `${leapYear}-02-29`,
  "\\d{4}-(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])",
  "\\d{4}-(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)",
  "\\d{4}-02-(?:0[1-9]|1\\d|2[0-8])",
].join("|");
const hour = "(?:[01]\\d|2[0-3]):[0-5]\\d";

/** Instants that exist: what {@link Column.timestamp} takes. */
const instant = `^(?:${day})T${hour}(?::[0-5]\\d(?:\\.\\d{1,9})?)?(?:Z|[+-]${hour})$`;
