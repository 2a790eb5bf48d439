/** A property of ODCS as a column. */
import * as Schema from "effect/Schema";
import type { CheckSpec } from "../../Check.ts";
import {
  Availability,
  type Classification,
  type ColumnSpec,
  type ColumnType,
  PartSpec,
} from "../../Column.ts";
import { isZone } from "../../internal/zone.ts";
import { custom } from "./names.ts";
import {
  customOf,
  flag,
  type Notes,
  note,
  noteOthers,
  number,
  type Part,
  part,
  parts,
  pathOf,
  text,
} from "./reading.ts";
import { readRule, wholePattern } from "./rules.ts";

/** A property as it was read. */
export interface Property {
  readonly name: string;
  readonly column: ColumnSpec;
  readonly checks: ReadonlyArray<CheckSpec>;
  /** Place in the key, if it is in it. */
  readonly keyPosition: number | undefined;
  /** No value occurs twice. */
  readonly isUnique: boolean;
  /** Whether the document says when its value is known. */
  readonly saysWhen: boolean;
}

/** Reads a property; undefined, with a note, if no column can be like it. */
export const readProperty = (notes: Notes, from: Part): Property | undefined => {
  const name = text(notes, from, "name") ?? "";
  const type = typeOf(notes, from);
  if (type === undefined) {
    const given = from.fields["logicalType"] === undefined ? "physicalType" : "logicalType";
    note(notes, from, given, `no column of a contract is of that type: "${name}" is left out`);
    return undefined;
  }
  const inside = partsOf(notes, from, type);
  if (inside === undefined) return undefined;
  const own = customOf(notes, from, [custom.availableAt, custom.unit, custom.renamedFrom]);
  const isKey = flag(notes, from, "primaryKey") ?? false;
  const position = number(notes, from, "primaryKeyPosition") ?? -1;
  const options = readOptions(notes, from, name, type);
  const rules = parts(notes, from, "quality").map((rule) => readRule(notes, rule, { name, type }));
  const required = flag(notes, from, "required") ?? false;
  const values = rules.flatMap((rule) => (rule.values === undefined ? [] : [rule.values]))[0];
  const pattern = rules.flatMap((rule) => rule.pattern ?? [])[0];
  const availableAt = own[custom.availableAt];
  const isAvailability = Schema.is(Availability)(availableAt);
  const description = text(notes, from, "description") ?? text(notes, from, "businessName");
  noteOthers(notes, from, known);
  const physical = text(notes, from, "physicalName");
  if (physical !== undefined && physical !== name) {
    note(notes, from, "physicalName", `the column is called "${name}": rename it where it is read`);
  }
  return {
    name,
    column: {
      type,
      availableAt: isAvailability ? availableAt : "decision",
      nullable: !(required || isKey || rules.some(({ notNull }) => notNull === true)),
      ...(description === undefined ? {} : { description }),
      ...classificationOf(notes, from),
      ...textField("unit", own[custom.unit]),
      ...textField("renamedFrom", own[custom.renamedFrom]),
      ...options.limits,
      ...inside,
      ...(values === undefined ? {} : { values }),
      ...(pattern === undefined || options.limits.pattern !== undefined ? {} : { pattern }),
    },
    checks: [...options.checks, ...rules.flatMap(({ checks = [] }) => checks)],
    keyPosition: isKey ? (position > 0 ? position : Infinity) : undefined,
    isUnique: flag(notes, from, "unique") ?? false,
    saysWhen: isAvailability,
  };
};

const known = [
  "id",
  "name",
  "businessName",
  "description",
  "logicalType",
  "logicalTypeOptions",
  "items",
  "properties",
  "physicalType",
  "physicalName",
  "required",
  "unique",
  "primaryKey",
  "primaryKeyPosition",
  "classification",
  "quality",
  "customProperties",
  // Defaults that say nothing.
  "partitioned",
  "partitionKeyPosition",
  "criticalDataElement",
];

const textField = <K extends "unit" | "renamedFrom">(
  field: K,
  value: unknown,
): { readonly [P in K]?: string } => {
  const found: { [P in K]?: string } = {};
  if (typeof value === "string") found[field] = value;
  return found;
};

/** An expectation of one column. */
export const check = (kind: string, column: string, args: CheckSpec["args"]): CheckSpec => ({
  kind,
  name: `${column}.${kind}`,
  columns: [column],
  args,
  severity: "fail",
});

/** A list of numbers, all of one size. */
const isEmbedding = ({ fields: { items, logicalTypeOptions: options } }: Part): boolean => {
  const [of, sizes] = [asRecord(items), asRecord(options)];
  const size = sizes["minItems"];
  return of["logicalType"] === "number" && typeof size === "number" && sizes["maxItems"] === size;
};

const asRecord = (value: unknown): { readonly [field: string]: unknown } =>
  Schema.is(Schema.Record(Schema.String, Schema.Unknown))(value) ? value : {};

/** What a column of several values is made of; undefined, with a note, if no column can be like it. */
const partsOf = (
  notes: Notes,
  from: Part,
  type: ColumnType,
): Pick<ColumnSpec, "items" | "fields" | "size"> | undefined => {
  const refuse = (field: string): undefined => {
    note(notes, from, field, "lists and structs of a contract hold single values");
  };
  switch (type) {
    case "embedding":
      return { size: Number(asRecord(from.fields["logicalTypeOptions"])["minItems"]) };
    case "list": {
      const at = pathOf(from.at, "items");
      const items = readProperty(notes, { ...part(notes, at, from.fields["items"] ?? {}), at });
      const spec = asPart(items?.column);
      return spec === undefined ? refuse("items") : { items: spec };
    }
    case "struct": {
      const fields = parts(notes, from, "properties").map((one) => {
        const property = readProperty(notes, one);
        return [property?.name ?? "", asPart(property?.column)] as const;
      });
      const whole = fields.flatMap(([name, spec]) => (spec === undefined ? [] : [[name, spec]]));
      return whole.length < fields.length || fields.length === 0
        ? refuse("properties")
        : { fields: Object.fromEntries(whole) };
    }
    default:
      return {};
  }
};

const asPart = (column: ColumnSpec | undefined): PartSpec | undefined =>
  Schema.is(PartSpec)(column) ? column : undefined;

const byPhysicalType: ReadonlyArray<readonly [RegExp, ColumnType]> = [
  [/^(?:bool|bit$)/i, "boolean"],
  [/^(?:tiny|small|medium|big|u|huge)*(?:int|integer|long|serial)\d*\b/i, "int"],
  [/^(?:float|double|real|dec|numeric|number|money)/i, "float"],
  [/^(?:date|timestamp)/i, "timestamp"],
  [/^(?:n?(?:var)?char|text|string|uuid|n?clob|enum)/i, "string"],
];

const typeOf = (notes: Notes, from: Part): ColumnType | undefined => {
  const logical = text(notes, from, "logicalType");
  switch (logical) {
    case "object":
      return "struct";
    case "array":
      return isEmbedding(from) ? "embedding" : "list";
    case "string":
    case "boolean":
    case "timestamp":
      return logical;
    case "integer":
      return "int";
    case "number":
      return "float";
    case "date":
      note(
        notes,
        from,
        "logicalType",
        "a column of instants: a day is the midnight, UTC, at which it begins",
      );
      return "timestamp";
    case undefined: {
      const physical = text(notes, from, "physicalType") ?? "";
      return byPhysicalType.find(([pattern]) => pattern.test(physical))?.[1];
    }
    default:
      return undefined;
  }
};

const classifications: ReadonlyArray<readonly [RegExp, Classification]> = [
  [/^public$/i, "public"],
  [/^internal$/i, "internal"],
  [/^(?:confidential|restricted|secret)$/i, "confidential"],
  [/^(?:personal|pii|personal data|sensitive personal data)$/i, "personal"],
];

const classificationOf = (
  notes: Notes,
  from: Part,
): { readonly classification?: Classification } => {
  const word = text(notes, from, "classification");
  if (word === undefined) return {};
  const [, classification] = classifications.find(([pattern]) => pattern.test(word)) ?? [];
  if (classification !== word) {
    note(
      notes,
      from,
      "classification",
      classification === undefined
        ? "a column is public, internal, confidential or personal: classify it"
        : `taken as ${classification}`,
    );
  }
  return classification === undefined ? {} : { classification };
};

interface Options {
  readonly limits: Pick<ColumnSpec, "min" | "max" | "pattern" | "zone">;
  readonly checks: ReadonlyArray<CheckSpec>;
}

/** What the standard's logical type options say beside the type. */
const readOptions = (notes: Notes, from: Part, name: string, type: ColumnType): Options => {
  const given = from.fields["logicalTypeOptions"];
  if (given === undefined || given === null) return { limits: {}, checks: [] };
  const options = part(notes, pathOf(from.at, "logicalTypeOptions"), given);
  switch (type) {
    case "boolean":
      noteOthers(notes, options, []);
      return { limits: {}, checks: [] };
    case "int":
    case "float":
      return readNumberOptions(notes, options, type);
    case "string":
      return readTextOptions(notes, options, name);
    case "timestamp":
      return readTimeOptions(notes, options, name);
    case "embedding":
      noteOthers(notes, options, ["minItems", "maxItems"]);
      return { limits: {}, checks: [] };
    case "list":
    case "struct":
      noteOthers(notes, options, []);
      return { limits: {}, checks: [] };
  }
};

const readNumberOptions = (notes: Notes, options: Part, type: "int" | "float"): Options => {
  const [minimum, above, maximum, below] = [
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
  ].map((field) => number(notes, options, field));
  const isInt = type === "int";
  noteOthers(notes, options, [
    "minimum",
    "maximum",
    "format",
    ...(isInt ? ["exclusiveMinimum", "exclusiveMaximum"] : []),
  ]);
  const min = largest(minimum, isInt && above !== undefined ? Math.floor(above) + 1 : undefined);
  const max = smallest(maximum, isInt && below !== undefined ? Math.ceil(below) - 1 : undefined);
  return {
    limits: { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) },
    checks: [],
  };
};

const largest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
const smallest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Formats of the standard by the name that an expectation has for them. */
const formats = new Map([
  ["email", "email"],
  ["uuid", "uuid"],
  ["uri", "url"],
  ["ipv4", "ipv4"],
]);

const readTextOptions = (notes: Notes, options: Part, name: string): Options => {
  const [atLeast, atMost] = [
    number(notes, options, "minLength"),
    number(notes, options, "maxLength"),
  ];
  const pattern = text(notes, options, "pattern");
  const format = formats.get(text(notes, options, "format") ?? "");
  noteOthers(notes, options, [
    "minLength",
    "maxLength",
    "pattern",
    ...(format === undefined ? [] : ["format"]),
  ]);
  return {
    limits: pattern === undefined ? {} : { pattern: wholePattern(pattern) },
    checks: [
      ...(atLeast === undefined && atMost === undefined
        ? []
        : [check("length", name, rangeArgs(atLeast, atMost))]),
      ...(format === undefined ? [] : [check("format", name, { format })]),
    ],
  };
};

const readTimeOptions = (notes: Notes, options: Part, name: string): Options => {
  const [low, high] = ["minimum", "maximum"].map((field) => instantOf(notes, options, field));
  const zone = text(notes, options, "defaultTimezone");
  if (zone !== undefined && !isZone(zone)) {
    note(notes, options, "defaultTimezone", "not a time zone of the IANA database");
  }
  noteOthers(notes, options, ["minimum", "maximum", "timezone", "defaultTimezone"]);
  return {
    limits: zone === undefined || !isZone(zone) ? {} : { zone },
    checks:
      low === undefined && high === undefined ? [] : [check("between", name, rangeArgs(low, high))],
  };
};

const instantOf = (notes: Notes, from: Part, field: string): string | undefined => {
  const value = text(notes, from, field);
  if (value === undefined) return undefined;
  const instant = new Date(/^\d{4}-\d{2}-\d{2}$/.test(value) ? `${value}T00:00:00Z` : value);
  if (!Number.isNaN(instant.getTime())) return instant.toISOString();
  note(notes, from, field, "not an instant such as 2001-06-01T10:15:00Z");
  return undefined;
};

const rangeArgs = <A extends string | number>(
  atLeast: A | undefined,
  atMost: A | undefined,
): CheckSpec["args"] => ({
  ...(atLeast === undefined ? {} : { atLeast }),
  ...(atMost === undefined ? {} : { atMost }),
});
