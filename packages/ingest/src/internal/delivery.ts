/** What a source hands to the stage: relations in SQL, and how a contract's values are read from them. */
import type { Column, Digest } from "@ml-pipe/core";
import { Duckdb, type TableSchema } from "@ml-pipe/data";
import { fromJson, fromText, fromTyped, type Notation } from "./values.ts";
import { rejectColumns, spoolRelation } from "./spool.ts";

/** One file of a source, or one answer of a database, ready to be read. */
export interface Part {
  /** As it is shown: a path, a URL, a table. */
  readonly name: string;
  /** Content of the file, where it is one. */
  readonly file?: { readonly digest: Digest.Digest; readonly bytes: number };
  readonly columns: ReadonlyArray<TableSchema.SqlColumn>;
  /** Whether a column that is in no record may just have been left out by the writer. */
  readonly sparse: boolean;
  /** Whether the order of records means nothing, so that rows are put in the order of their values. */
  readonly unordered?: boolean;
  /** Records, readable or not. */
  readonly records: number;
  /** The readable ones as a relation. */
  readonly from: string;
  /** Number of a record, from 1, and the line it is on, as SQL over `from`. */
  readonly at: string;
  readonly line: string;
  /** A record as it was delivered, as SQL over `from`. */
  readonly raw: string;
  /** What is wrong with a record as a whole, as SQL for text or null, over `from`. */
  readonly problem?: string;
  /** How a column of the contract is read; `undefined` if the part does not have it. */
  readonly read: (column: string, spec: Column.ColumnSpec) => Reading | undefined;
  /** Records that could not even be cut into fields, as a relation (nth, line, raw, reason). */
  readonly rejects?: { readonly from: string; readonly records: number };
  /** What DuckDB reads itself, such as `Parquet file`: only then does it find what is damaged. */
  readonly format?: string;
  /** Facts about how it was read, for the exhibit. */
  readonly facts?: ReadonlyArray<Fact>;
}

/** How a value of a contract is read, as SQL. */
export interface Reading {
  /** What was found; null where there is no value, which is not a problem here. */
  readonly found: string;
  /** The value in the contract's type, from the name of what was found; null if it is no such value. */
  readonly value: (found: string) => string;
  /** What was found, as it is shown to people. Default: as it is. */
  readonly shown?: (found: string) => string;
}

/** How something was taken, and why. */
export type Fact = readonly [what: string, value: string, why: "declared" | "default" | "found"];

/** The type of a column of text, which becomes what the contract says. */
export const textType = "text";

/** Columns that are text, by name. */
export const textColumns = (names: ReadonlyArray<string>): ReadonlyArray<TableSchema.SqlColumn> =>
  names.map((name) => ({ name, type: textType }));

/** A spool of records with the fields of a header, as a CSV file has them. */
export const fieldsPart = (
  spool: string,
  names: ReadonlyArray<string>,
  notation: Notation,
  nulls: { readonly texts: ReadonlyArray<string>; readonly quoted: boolean },
  delimiter: string,
): Pick<Part, "from" | "at" | "line" | "raw" | "read"> => {
  const columns = names.map((_, index) => [`c${index}`, "VARCHAR"] as const);
  const shown = columns.map(([name]) => {
    const special = `(contains(${name}, ${Duckdb.literal(delimiter)}) OR contains(${name}, '"') OR contains(${name}, chr(10)))`;
    return `coalesce(CASE WHEN ${special} THEN '"' || replace(${name}, '"', '""') || '"' ELSE ${name} END, '')`;
  });
  return {
    from: spoolRelation(spool, [["line", "BIGINT"], ...columns], nulls),
    at: "line",
    line: "line",
    raw: `concat_ws(${Duckdb.literal(delimiter)}, ${shown.join(", ")})`,
    read: (column, spec) => {
      const index = names.indexOf(column);
      if (index < 0) return undefined;
      return {
        found: `c${index}`,
        value: (found) => fromText(found, column, spec, notation),
      };
    },
  };
};

/** What is known of the values in a spool of JSON before any is read. */
export interface JsonSurvey {
  /** Whether some are not valid. */
  readonly invalid: boolean;
  /** Whether some have a key twice. */
  readonly repeated: boolean;
}

/** A spool of JSON values as a relation. */
export const jsonRelation = (spool: string): string =>
  spoolRelation(spool, [
    ["nth", "BIGINT"],
    ["line", "BIGINT"],
    ["raw", "VARCHAR"],
  ]);

/** What a JSON value is, in the words of JSON. */
const jsonKind =
  "CASE json_type(json) WHEN 'ARRAY' THEN 'array' WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'boolean' WHEN 'NULL' THEN 'null' ELSE 'number' END";

/** A spool of JSON values, from which columns are taken by JSON Pointers. */
export const jsonPart = (
  spool: string,
  pointers: ReadonlyMap<string, string>,
  notation: Notation,
  survey: JsonSurvey,
): Pick<Part, "from" | "at" | "line" | "raw" | "read" | "problem"> => {
  const list = `[${[...pointers.values()].map(Duckdb.literal).join(", ")}]`;
  const valid = survey.invalid ? "CASE WHEN json_valid(raw) THEN raw END" : "raw";
  const order = new Map([...pointers.keys()].map((column, index) => [column, index + 1]));
  const twice = "len(json_keys(json)) <> len(list_distinct(json_keys(json)))";
  return {
    from: `(SELECT *, json_extract(json, ${list}) AS tokens FROM (SELECT *, ${valid} AS json FROM ${jsonRelation(spool)}))`,
    at: "nth",
    line: "line",
    raw: "raw",
    problem: [
      "CASE WHEN json IS NULL THEN 'not valid JSON'",
      `WHEN NOT starts_with(json, '{') THEN 'expected an object, found ' || ${jsonKind}`,
      ...(survey.repeated ? [`WHEN ${twice} THEN 'a key occurs twice'`] : []),
      "END",
    ].join(" "),
    read: (column, spec) => {
      const index = order.get(column);
      if (index === undefined) return undefined;
      const token = `nullif(CAST(tokens[${index}] AS VARCHAR), 'null')`;
      return {
        value: (found) => fromJson(found, column, spec, notation),
        found: token,
        shown: (found) => `json_extract_string(${found}, '$')`,
      };
    },
  };
};

/** A relation with typed columns, as a Parquet file has them. */
export const typedPart = (
  relation: string,
  columns: ReadonlyArray<TableSchema.SqlColumn>,
  row: string,
): Pick<Part, "from" | "at" | "line" | "raw" | "read"> => {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  const names = columns.map(({ name }) => Duckdb.identifier(name));
  return {
    from: relation,
    at: `${row} + 1`,
    line: `${row} + 1`,
    raw: `CAST(to_json(struct_pack(${names.map((name) => `${name} := ${name}`).join(", ")})) AS VARCHAR)`,
    read: (column, spec) => {
      const type = types.get(column);
      if (type === undefined) return undefined;
      return {
        found: Duckdb.identifier(column),
        value: (found) => fromTyped(found, type, spec),
        shown: (found) => `CAST(${found} AS VARCHAR)`,
      };
    },
  };
};

/** The records that a cutter set aside. */
export const rejectsOf = (spool: string, records: number): Pick<Part, "rejects"> =>
  records === 0 ? {} : { rejects: { from: spoolRelation(spool, rejectColumns), records } };
