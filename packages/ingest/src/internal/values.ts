/**
 * How a value of a contract is read from what a source delivers: SQL that gives the value in the
 * contract's type, or null for what is no such value. A value that would change is never cast.
 */
import type { Column } from "@ml-pipe/core";
import { Duckdb, TableSchema } from "@ml-pipe/data";

/** How numbers, truth values and times are written, where a format leaves that open. */
export interface Notation {
  /** `,` in files written for people who use a decimal comma. Default `.`. */
  readonly decimal?: "." | ",";
  /** Texts for true and for false, in any case. Default `true` and `false`, and `1` and `0`. */
  readonly booleans?: {
    readonly true: ReadonlyArray<string>;
    readonly false: ReadonlyArray<string>;
  };
  /**
   * How a timestamp column is written: `epoch` (seconds), `epoch-ms`, or a pattern such as
   * `%d.%m.%Y %H:%M` (strftime). Default: ISO 8601, with or without a zone.
   */
  readonly timestamps?: { readonly [column: string]: string };
}

const regex = (pattern: string) => Duckdb.literal(pattern);

/** A value from text, such as a field of a CSV file. */
export const fromText = (
  text: string,
  column: string,
  spec: Column.ColumnSpec,
  notation: Notation,
): string => {
  switch (spec.type) {
    case "string":
      return text;
    case "boolean":
      return fromBooleanText(text, notation);
    case "int":
      return intOf(decimalPoint(text, notation));
    case "float":
      return floatOf(decimalPoint(text, notation));
    case "timestamp":
      return timestampOf(text, spec.zone, notation.timestamps?.[column]);
    case "list":
    case "struct":
    case "embedding":
      return `CASE WHEN json_valid(${text}) THEN ${fromJson(`CAST(CAST(${text} AS JSON) AS VARCHAR)`, column, spec, notation)} END`;
  }
};

/** A value from a JSON token as it is written: `"text"`, `5`, `true`. */
export const fromJson = (
  token: string,
  column: string,
  spec: Column.ColumnSpec,
  notation: Notation,
): string => {
  const text = `CASE WHEN starts_with(${token}, '"') THEN json_extract_string(${token}, '$') END`;
  switch (spec.type) {
    case "string":
      return text;
    case "boolean":
      return `CASE ${token} WHEN 'true' THEN true WHEN 'false' THEN false END`;
    case "int":
      return intOf(token);
    case "float":
      // JSON has no NaN: what a program had for it arrives as text.
      return floatOf(
        `CASE WHEN ${token} IN ('"NaN"', '"Infinity"', '"-Infinity"') THEN trim(${token}, '"') ELSE ${token} END`,
      );
    case "timestamp": {
      const format = notation.timestamps?.[column];
      const epoch = format?.startsWith("epoch") === true;
      return timestampOf(epoch ? token : `(${text})`, spec.zone, format);
    }
    case "list":
    case "embedding":
      return fromJsonList(token, (one) =>
        fromJson(one, column, spec.items ?? numberPart, notation),
      );
    case "struct":
      return fromJsonRecord(token, spec.fields ?? {}, (one, field) =>
        fromJson(one, column, field, notation),
      );
  }
};

const numberPart = { type: "float", availableAt: "decision", nullable: false } as const;

/** A list of which every value is null or can be read. */
const fromJsonList = (token: string, read: (one: string) => string): string => {
  const value = read(`CAST("~j" AS VARCHAR)`);
  const unread = `len(list_filter("~l", lambda "~j": CAST("~j" AS VARCHAR) <> 'null' AND (${value}) IS NULL)) > 0`;
  const values = `CASE WHEN NOT ${unread} THEN list_transform("~l", lambda "~j": ${value}) END`;
  return `CASE WHEN json_type(${token}) = 'ARRAY' THEN (list_transform([json_extract(${token}, '$[*]')], lambda "~l": ${values}))[1] END`;
};

/** A record of which every field is absent, null or can be read. Fields that nobody promised are left. */
const fromJsonRecord = (
  token: string,
  fields: NonNullable<Column.ColumnSpec["fields"]>,
  read: (one: string, field: Column.PartSpec) => string,
): string => {
  const parts = Object.entries(fields).map(([name, field]) => {
    const pointer = `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const found = `CAST(json_extract(${token}, ${Duckdb.literal(pointer)}) AS VARCHAR)`;
    return { name: Duckdb.identifier(name), found, value: read(found, field) };
  });
  const whole = parts.map(
    ({ found, value }) => `(coalesce(${found}, 'null') = 'null' OR (${value}) IS NOT NULL)`,
  );
  const packed = parts.map(({ name, value }) => `${name} := (${value})`);
  return `CASE WHEN json_type(${token}) = 'OBJECT' AND ${whole.join(" AND ")} THEN struct_pack(${packed.join(", ")}) END`;
};

/** A value from a column of a DuckDB type that {@link TableSchema.accepts}. */
export const fromTyped = (name: string, sqlType: string, spec: Column.ColumnSpec): string => {
  if (spec.type !== "timestamp") {
    return TableSchema.canonicalSql(name, sqlType, spec);
  }
  if (sqlType === "TIMESTAMP WITH TIME ZONE") return `timezone('UTC', ${name})`;
  return atZone(`TRY_CAST(${name} AS TIMESTAMP)`, spec.zone);
};

const decimalPoint = (text: string, { decimal }: Notation) =>
  decimal === "," ? `replace(CASE WHEN ${text} NOT LIKE '%.%' THEN ${text} END, ',', '.')` : text;

/** `12`, `-3`, `+4`, and `5.0`, in which no information is lost. */
const intOf = (text: string) =>
  `CASE WHEN regexp_full_match(${text}, ${regex("[+-]?[0-9]+(\\.0*)?")}) THEN TRY_CAST(split_part(${text}, '.', 1) AS BIGINT) END`;

const numeral = "[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?";

/** A numeral within the range of a double. NaN and the infinities are taken too: validation finds them. */
const floatOf = (text: string) => {
  const value = `TRY_CAST(${text} AS DOUBLE)`;
  return `CASE WHEN regexp_full_match(${text}, ${regex(numeral)}) THEN CASE WHEN isfinite(${value}) THEN ${value} END WHEN regexp_full_match(${text}, ${regex("(?i)nan|[+-]?inf(inity)?")}) THEN ${value} END`;
};

const fromBooleanText = (text: string, { booleans }: Notation) => {
  const list = (texts: ReadonlyArray<string>) =>
    texts.map((one) => Duckdb.literal(one.toLowerCase())).join(", ");
  const { true: yes, false: no } = booleans ?? { true: ["true", "1"], false: ["false", "0"] };
  return `CASE WHEN lower(${text}) IN (${list(yes)}) THEN true WHEN lower(${text}) IN (${list(no)}) THEN false END`;
};

const day = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
const minute = "([01][0-9]|2[0-3]):[0-5][0-9]";
const second = "(:[0-5][0-9](\\.[0-9]{1,9})?)";
const offset = " ?(Z|[+-](0[0-9]|1[0-8])(:?[0-5][0-9])?)";

/** An instant in UTC, to the microsecond. A date is the midnight at which it begins. */
const timestampOf = (text: string, zone: string | undefined, format: string | undefined) => {
  if (format === "epoch" || format === "epoch-ms") {
    const factor = format === "epoch" ? 1_000_000 : 1000;
    const number = `CASE WHEN regexp_full_match(${text}, ${regex("-?[0-9]{1,17}(\\.[0-9]+)?")}) THEN TRY_CAST(${text} AS DECIMAL(38, 9)) END`;
    return `TRY(make_timestamp(CAST(${number} * ${factor} AS BIGINT)))`;
  }
  if (format !== undefined) {
    const parsed = `try_strptime(CASE WHEN ${text} = trim(${text}) THEN ${text} END, ${Duckdb.literal(format)})`;
    return /%z/i.test(format) ? `timezone('UTC', ${parsed})` : atZone(parsed, zone);
  }
  const matches = (pattern: string) => `regexp_full_match(${text}, ${regex(pattern)})`;
  const instant = (value: string) => `timezone('UTC', TRY_CAST(${value} AS TIMESTAMPTZ))`;
  // DuckDB reads a zone only after seconds.
  const completed = `regexp_replace(${text}, '(.{16})', '\\1:00')`;
  return [
    `CASE WHEN ${matches(`${day}[T ]${minute}${second}${offset}`)} THEN ${instant(text)}`,
    `WHEN ${matches(`${day}([T ]${minute}${second}?)?`)} THEN ${atZone(`TRY_CAST(${text} AS TIMESTAMP)`, zone)}`,
    `WHEN ${matches(`${day}[T ]${minute}${offset}`)} THEN ${instant(completed)} END`,
  ].join(" ");
};

/**
 * The instant of a local time. One that the clocks jump over does not exist and is null; one that they
 * show twice is the second, as PostgreSQL and Python's `fold=1` take it.
 */
const atZone = (local: string, zone: string | undefined) => {
  if (zone === undefined || zone === "UTC") return local;
  const name = Duckdb.literal(zone);
  const instant = `timezone(${name}, ${local})`;
  return `CASE WHEN timezone(${name}, ${instant}) = ${local} THEN timezone('UTC', ${instant}) END`;
};
