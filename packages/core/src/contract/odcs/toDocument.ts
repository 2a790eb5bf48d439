/** A contract as a document of ODCS 3.1. */
import type * as Schema from "effect/Schema";
import type { CheckSpec } from "../../Check.ts";
import { type ColumnSpec, type ColumnType, isScalar, type ScalarType } from "../../Column.ts";
import type { ContractSpec } from "../spec.ts";
import { expectationText } from "../words.ts";
import { apiVersion, custom, engine, severities, timeUnits } from "./names.ts";

/** A document of ODCS as JSON. */
export type OdcsDocument = { readonly [field: string]: Schema.Json };

/**
 * The document of ODCS 3.1 of a contract: one object with its properties; the key, limits, values and
 * patterns as the standard's own; the owner as the team, consumers as roles that read, freshness as
 * latency. An expectation that the standard has a metric for is one; others name ml-pipe as their engine.
 *
 * @example
 * ```ts
 * import { Column, Contract, Odcs } from "@ml-pipe/core";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1.0.0", owner: "fleet", columns: { km: Column.float({ unit: "km" }) },
 * });
 * const { apiVersion } = Odcs.toDocument(Trip.spec); // v3.1.0
 * ```
 */
export const toDocument = (spec: ContractSpec): OdcsDocument => {
  const { name, version, owner, consumers, description } = spec;
  return {
    kind: "DataContract",
    apiVersion,
    id: name,
    name,
    version,
    status: "active",
    ...(description === undefined ? {} : { description: { purpose: description } }),
    schema: [objectOf(spec)],
    team: { name: owner },
    ...(consumers.length === 0
      ? {}
      : { roles: consumers.map((role) => ({ role, access: "read" })) }),
    ...slaOf(spec),
  };
};

const objectOf = (spec: ContractSpec): OdcsDocument => {
  const { eventTime, knownAt, label, group, key } = spec;
  const quality = [...rowCount(spec), ...(spec.expectations ?? []).map(ruleOf)];
  return {
    name: spec.name,
    logicalType: "object",
    physicalType: "table",
    properties: Object.entries(spec.columns).map(([name, column]) =>
      propertyOf(name, column, key?.indexOf(name) ?? -1),
    ),
    ...(quality.length === 0 ? {} : { quality }),
    ...customProperties({
      [custom.eventTime]: eventTime,
      [custom.knownAt]: knownAt,
      [custom.label]: label,
      [custom.group]: group,
      // That there are no expectations and that nobody has said are two things.
      [custom.expectations]: spec.expectations?.length === 0 ? [] : undefined,
    }),
  };
};

const logicalTypes: { readonly [type in ColumnType]: string } = {
  boolean: "boolean",
  int: "integer",
  float: "number",
  string: "string",
  timestamp: "timestamp",
  list: "array",
  struct: "object",
  embedding: "array",
};

const physicalTypes: { readonly [type in ScalarType]: string } = {
  boolean: "BOOLEAN",
  int: "BIGINT",
  float: "DOUBLE",
  string: "VARCHAR",
  timestamp: "TIMESTAMP",
};

const physicalType = ({ type, items, fields = {} }: ColumnSpec): string => {
  if (isScalar(type)) return physicalTypes[type];
  const names = Object.entries(fields).map(([name, field]) => `${name} ${physicalType(field)}`);
  return type === "struct"
    ? `STRUCT(${names.join(", ")})`
    : `${items === undefined ? "DOUBLE" : physicalType(items)}[]`;
};

/** What a list holds, and the fields of a struct. */
const partsOf = ({ type, items, fields }: ColumnSpec): OdcsDocument => {
  if (type === "embedding") {
    return { items: { name: "items", logicalType: "number", physicalType: "DOUBLE" } };
  }
  if (items !== undefined) return { items: propertyOf("items", items, -1) };
  if (fields === undefined) return {};
  return {
    properties: Object.entries(fields).map(([name, field]) => propertyOf(name, field, -1)),
  };
};

const propertyOf = (name: string, column: ColumnSpec, place: number): OdcsDocument => {
  const { type, description, classification, nullable, values } = column;
  const options = logicalOptions(column);
  return {
    name,
    logicalType: logicalTypes[type],
    physicalType: physicalType(column),
    ...partsOf(column),
    ...(description === undefined ? {} : { description }),
    required: !nullable,
    ...(place < 0 ? {} : { primaryKey: true, primaryKeyPosition: place + 1 }),
    ...(classification === undefined ? {} : { classification }),
    ...(Object.keys(options).length === 0 ? {} : { logicalTypeOptions: options }),
    ...(values === undefined
      ? {}
      : {
          quality: [
            {
              type: "library",
              metric: "invalidValues",
              arguments: { validValues: values },
              mustBe: 0,
            },
          ],
        }),
    ...customProperties({
      [custom.availableAt]: column.availableAt,
      [custom.unit]: column.unit,
      [custom.renamedFrom]: column.renamedFrom,
    }),
  };
};

const logicalOptions = ({ min, max, pattern, zone, size }: ColumnSpec): OdcsDocument => ({
  ...(size === undefined ? {} : { minItems: size, maxItems: size }),
  ...(min === undefined ? {} : { minimum: min }),
  ...(max === undefined ? {} : { maximum: max }),
  // The whole value must match: said by anchors, which a pattern of the standard may do without.
  ...(pattern === undefined ? {} : { pattern: `^(?:${pattern})$` }),
  ...(zone === undefined ? {} : { timezone: false, defaultTimezone: zone }),
});

const customProperties = (given: {
  readonly [property: string]: Schema.Json | undefined;
}): OdcsDocument => {
  const entries = Object.entries(given).flatMap(([property, value]) =>
    value === undefined ? [] : [{ property, value }],
  );
  return entries.length === 0 ? {} : { customProperties: entries };
};

const rowCount = ({ minRows, maxRows }: ContractSpec): ReadonlyArray<OdcsDocument> =>
  minRows === undefined && maxRows === undefined
    ? []
    : [{ type: "library", metric: "rowCount", ...within(minRows, maxRows) }];

/** Both limits inclusive. The standard wants two different numbers between which something is. */
const within = (low: number | undefined, high: number | undefined): OdcsDocument => {
  if (low === undefined) return high === undefined ? {} : { mustBeLessOrEqualTo: high };
  if (high === undefined) return { mustBeGreaterOrEqualTo: low };
  return low === high ? { mustBe: low } : { mustBeBetween: [low, high] };
};

/** An expectation as a rule. It is in a custom property too, as it is: a metric says less than it. */
const ruleOf = (check: CheckSpec): OdcsDocument => {
  const metric = metricOf(check);
  const about = {
    name: check.name,
    description: expectationText(check),
    severity: severities[check.severity],
  };
  return metric === undefined
    ? { type: "custom", ...about, engine, implementation: check }
    : {
        type: "library",
        ...about,
        ...metric,
        customProperties: [{ property: custom.check, value: check }],
      };
};

/** Metrics count rows that fail. Of a condition on the rows they know nothing. */
const metricOf = ({ kind, columns, args, mostly, where }: CheckSpec): OdcsDocument | undefined => {
  if (where !== undefined) return undefined;
  const [least, most] = [args["atLeast"], args["atMost"]];
  const few =
    mostly === undefined
      ? { mustBe: 0 }
      : { mustBeLessOrEqualTo: Number(((1 - mostly) * 100).toPrecision(12)), unit: "percent" };
  if (kind === "row-count" && isLimit(least) && isLimit(most) && (least ?? most) !== undefined) {
    return { metric: "rowCount", ...within(least, most) };
  }
  // Rules stand at the object: `properties` says of which columns.
  if (kind === "unique") {
    return { metric: "duplicateValues", arguments: { properties: columns }, mustBe: 0 };
  }
  if (kind === "not-null") {
    return { metric: "nullValues", arguments: { properties: columns }, ...few };
  }
  if (kind === "in-set" && Array.isArray(args["values"])) {
    return {
      metric: "invalidValues",
      arguments: { properties: columns, validValues: args["values"] },
      ...few,
    };
  }
  return undefined;
};

const isLimit = (value: Schema.Json | undefined): value is number | undefined =>
  value === undefined || typeof value === "number";

/** Latency: how old the newest event may be, in the largest unit of which it is a whole number. */
const slaOf = ({ name, eventTime, freshnessMs }: ContractSpec): OdcsDocument => {
  if (freshnessMs === undefined) return {};
  const [unit, millis] = timeUnits.find(([, millis]) => freshnessMs % millis === 0) ?? ["ms", 1];
  return {
    slaProperties: [
      {
        property: "latency",
        value: freshnessMs / millis,
        unit,
        ...(eventTime === undefined ? {} : { element: `${name}.${eventTime}` }),
      },
    ],
  };
};
