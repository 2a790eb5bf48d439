/** How DuckDB reads a spool: everything is declared, nothing guessed. */
import { Duckdb } from "@ml-pipe/data";
import { maxRecordBytes } from "./SpoolWriter.ts";

/** A spool file as a relation in SQL, with its columns by name and DuckDB type. */
export const spoolRelation = (
  path: string,
  columns: ReadonlyArray<readonly [name: string, type: string]>,
  nulls: { readonly texts: ReadonlyArray<string>; readonly quoted: boolean } = {
    texts: [""],
    quoted: false,
  },
): string => {
  const types = columns.map(([name, type]) => `${Duckdb.literal(name)}: ${Duckdb.literal(type)}`);
  const options = [
    Duckdb.fileLiteral(path),
    `columns = {${types.join(", ")}}`,
    "auto_detect = false",
    "header = false",
    "delim = '\u001f'",
    "quote = '\u001e'",
    "escape = '\u001e'",
    "comment = ''",
    "new_line = '\\n'",
    `nullstr = [${nulls.texts.map(Duckdb.literal).join(", ")}]`,
    `allow_quoted_nulls = ${nulls.quoted}`,
    "strict_mode = true",
    "null_padding = false",
    "hive_partitioning = false",
    "compression = 'none'",
    `max_line_size = ${2 * maxRecordBytes + 4096}`,
    `buffer_size = ${4 * (2 * maxRecordBytes + 4096)}`,
  ];
  return `read_csv(${options.join(", ")})`;
};

/** The records that a reader could not cut into fields: line, the record as it is, and why. */
export const rejectColumns = [
  ["nth", "BIGINT"],
  ["line", "BIGINT"],
  ["raw", "VARCHAR"],
  ["reason", "VARCHAR"],
] as const;
