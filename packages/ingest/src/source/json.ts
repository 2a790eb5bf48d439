/** JSON: one value a line (NDJSON), or one array of values. */
import type { Column } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  type Fact,
  jsonPart,
  jsonRelation,
  type Part,
  rejectsOf,
  textColumns,
} from "../internal/delivery.ts";
import { JsonArray, JsonLines } from "../internal/jsonRecords.ts";
import { mustBeText, readText, spooled } from "../internal/readText.ts";
import { peek, textBytes } from "../internal/textBytes.ts";
import type { Notation } from "../internal/values.ts";
import type { Located, Where } from "../Location.ts";
import type { Request, Source } from "../Source.ts";
import { SourceBroken } from "../SourceError.ts";
import { filesSource, type FileOptions, type FormatError } from "./files.ts";

/** How a JSON file is read. */
export interface JsonOptions extends FileOptions, Pick<Notation, "timestamps"> {
  /**
   * Where a column is, as a JSON Pointer (RFC 6901): `{ city: "/address/city" }`. Default: under its
   * own name.
   */
  readonly paths?: { readonly [column: string]: string };
}

/**
 * JSON objects: one a line, or all in one array, which is told by whether the file begins with `[`.
 * Gzip and Zstandard are unpacked. Types are those of JSON: `"5"` is no number and `5` no text; whole
 * numbers keep all 64 bits. A key that is missing is null. A line that is no object, or in which a key
 * occurs twice, is set aside.
 *
 * @example
 * ```ts
 * import { Source } from "@ml-pipe/ingest";
 *
 * const events = Source.json("data/events.ndjson.gz", { paths: { city: "/address/city" } });
 * ```
 */
export const json = <LE = never>(
  where: Where<LE>,
  options: JsonOptions = {},
): Source<LE | FormatError> =>
  filesSource<LE, FormatError>(where, {
    name: "JSON",
    params: { ...options },
    options,
    read: Effect.fnUntraced(function* (file, request, scratch) {
      const text = yield* readText(file, "JSON file", (signal) => cut(file, scratch, signal));
      const part = yield* describeJson(scratch("rows"), request, options);
      return { name: file.name, ...text, ...part };
    }),
  });

const cut = async (
  { name, path }: Located,
  scratch: (what: string) => string,
  signal: AbortSignal,
): Promise<Pick<Part, "file" | "records" | "rejects" | "facts">> => {
  const text = await textBytes(path, undefined, signal);
  const { head, all } = await peek(text.chunks, 1 << 12);
  mustBeText(name, "a JSON file", head);
  const array = /^\s*\[/.test(head.toString("latin1"));
  const { records, rejected } = await spooled(all(), scratch, (sink) =>
    array ? new JsonArray(sink) : new JsonLines(sink),
  );
  if (records instanceof JsonArray && records.problem !== undefined) {
    throw new SourceBroken({ path: name, format: "JSON file", problem: records.problem });
  }
  const facts: ReadonlyArray<Fact> = [
    ["values", array ? "elements of one array" : "one a line", "found"],
    ["encoding", text.encoding, text.marked ? "found" : "default"],
    ["packing", text.compression, "found"],
    ["blank lines", String(records.blank), "found"],
  ];
  return {
    file: text.content(),
    records: records.records,
    ...rejectsOf(scratch("rejects"), rejected),
    facts,
  };
};

/** How a contract's columns are read from a spool of JSON values, and which keys there are. */
export const describeJson = Effect.fnUntraced(function* (
  spool: string,
  { contract }: Request,
  options: JsonOptions,
): Effect.fn.Return<
  ReturnType<typeof jsonPart> & Pick<Part, "columns" | "sparse">,
  Duckdb.DuckdbError,
  Duckdb.Duckdb
> {
  const pointers = new Map(
    Object.keys(contract.columns).map((column) => [
      column,
      options.paths?.[column] ?? `/${column.replaceAll("~", "~0").replaceAll("/", "~1")}`,
    ]),
  );
  const db = yield* Duckdb.Duckdb;
  const values = `SELECT CASE WHEN json_valid(raw) THEN raw END AS json FROM ${jsonRelation(spool)}`;
  const lists = `SELECT keys, bool_or(invalid) AS invalid FROM (SELECT json_keys(json) AS keys, json IS NULL AS invalid FROM (${values})) GROUP BY keys`;
  const [survey] = yield* db.rows(
    "list the keys of JSON objects",
    [
      `WITH lists AS (${lists})`,
      "SELECT bool_or(invalid) AS invalid,",
      "bool_or(len(keys) <> len(list_distinct(keys))) AS repeated,",
      "(SELECT list(DISTINCT key ORDER BY key) FROM (SELECT unnest(keys) AS key FROM lists))[:1000] AS keys",
      "FROM lists",
    ].join(" "),
  );
  const part = jsonPart(spool, pointers, options, {
    invalid: survey?.["invalid"] === true,
    repeated: survey?.["repeated"] === true,
  });
  const listed = survey?.["keys"];
  const keys = Array.isArray(listed) ? listed.map(String) : [];
  const deep = Object.keys(options.paths ?? {}).filter((column) => pointers.has(column));
  const counts = deep.map((column, index) => {
    const { found = "NULL" } = part.read(column, contract.spec.columns[column] ?? untyped) ?? {};
    return `count(${found}) > 0 AS c${index}`;
  });
  const [present] =
    deep.length === 0
      ? []
      : yield* db.rows("look for columns", `SELECT ${counts.join(", ")} FROM ${part.from}`);
  const found = [...pointers].flatMap(([column, pointer]) => {
    const at = deep.indexOf(column);
    const there = at < 0 ? keys.includes(keyOf(pointer)) : present?.[`c${at}`] === true;
    return there ? [column] : [];
  });
  const used = new Set([...pointers.values()].map(keyOf));
  const extra = keys.filter((key) => !used.has(key));
  return { ...part, columns: textColumns([...found, ...extra]), sparse: true };
});

const untyped: Column.ColumnSpec = { type: "string", availableAt: "decision", nullable: true };

/** The key of the outermost object that a pointer leads through. */
const keyOf = (pointer: string): string =>
  (pointer.split("/")[1] ?? "").replaceAll("~1", "/").replaceAll("~0", "~");
