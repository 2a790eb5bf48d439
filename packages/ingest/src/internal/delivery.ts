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
  /** A contract's value as SQL, null where there is none; and the text that was found, as SQL. */
  readonly read: (column: string, spec: Column.ColumnSpec) => Reading | undefined;
  /** Records that could not even be cut into fields, as a relation (nth, line, raw, reason). */
  readonly rejects?: { readonly from: string; readonly records: number };
  /** Facts about how it was read, for the exhibit. */
  readonly facts?: ReadonlyArray<Fact>;
}

/** A value of a contract, as SQL. */
export interface Reading {
  readonly value: string;
  /** The text that was found; null where there is no value, which is not a problem here. */
  readonly found: string;
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
      return { value: fromText(`c${index}`, column, spec, notation), found: `c${index}` };
    },
  };
};

/** A spool of JSON values, from which columns are taken by JSON Pointers. */
export const jsonPart = (
  spool: string,
  pointers: ReadonlyMap<string, string>,
  notation: Notation,
): Pick<Part, "from" | "at" | "line" | "raw" | "read" | "problem"> => {
  const list = `[${[...pointers.values()].map(Duckdb.literal).join(", ")}]`;
  const file = spoolRelation(spool, [
    ["nth", "BIGINT"],
    ["line", "BIGINT"],
    ["raw", "VARCHAR"],
  ]);
  const valid = `SELECT *, CASE WHEN json_valid(raw) THEN raw END AS json FROM ${file}`;
  const keyed = `SELECT *, json_type(json) AS kind, json_keys(json) AS keys FROM (${valid})`;
  const order = new Map([...pointers.keys()].map((column, index) => [column, index + 1]));
  return {
    from: `(SELECT *, json_extract_string(json, ${list}) AS texts, json_type(json, ${list}) AS types FROM (${keyed}))`,
    at: "nth",
    line: "line",
    raw: "raw",
    problem: [
      "CASE WHEN json IS NULL THEN 'not valid JSON'",
      "WHEN kind <> 'OBJECT' THEN 'expected an object, found ' || lower(kind)",
      "WHEN len(keys) <> len(list_distinct(keys)) THEN 'a key occurs twice' END",
    ].join(" "),
    read: (column, spec) => {
      const index = order.get(column);
      if (index === undefined) return undefined;
      const found = { text: `texts[${index}]`, type: `types[${index}]` };
      return { value: fromJson(found, column, spec, notation), found: found.text };
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
      const found = `CAST(${Duckdb.identifier(column)} AS VARCHAR)`;
      return { value: fromTyped(column, type, spec), found };
    },
  };
};

/** The records that a cutter set aside. */
export const rejectsOf = (spool: string, records: number): Pick<Part, "rejects"> =>
  records === 0 ? {} : { rejects: { from: spoolRelation(spool, rejectColumns), records } };
