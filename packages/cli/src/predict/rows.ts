/** Rows to predict, from NDJSON, a JSON array or CSV. */
import type { Contract } from "@ml-pipe/core";
import * as Result from "effect/Result";
import { csvRecords } from "./csv.ts";

/** A row, or why it could not be read. Numbered from 1. */
export type ReadRow =
  | {
      readonly _tag: "Row";
      readonly number: number;
      readonly value: unknown;
      /** Fields that are no part of the request, to be told with its answer. */
      readonly kept?: { readonly [name: string]: unknown };
    }
  | { readonly _tag: "Unreadable"; readonly number: number; readonly problem: string };

/** How rows are written. */
export type Format = "ndjson" | "json" | "csv";

/** The format that a file name promises, if it does. */
export const formatOf = (file: string): Format | undefined => {
  if (/\.csv$/i.test(file)) return "csv";
  if (/\.json$/i.test(file)) return "json";
  return /\.(ndjson|jsonl)$/i.test(file) ? "ndjson" : undefined;
};

/** How rows are read. */
export interface ReadOptions {
  /** Default: what the text looks like. */
  readonly format?: Format | undefined;
  /** Fields to hand on beside the request, such as the key by which an answer is found again. */
  readonly keep: ReadonlyArray<string>;
  /** Told once which columns of a CSV file are neither asked for nor kept. */
  readonly onIgnored: (columns: ReadonlyArray<string>) => void;
}

/** Reads rows one after another. CSV fields become what the columns of `request` hold. */
export async function* readRows(
  chunks: AsyncIterable<string>,
  request: Contract.ContractSpec,
  { format, keep, onIgnored }: ReadOptions,
): AsyncGenerator<ReadRow> {
  const { first, all } = await peek(chunks);
  const found = format ?? sniff(first);
  if (found === "csv") {
    yield* csvRows(all, request, { keep, onIgnored });
    return;
  }
  // A file called `.json` may hold one object a line too.
  const rows = first.trimStart().startsWith("[") ? arrayRows(all) : lineRows(all, found === "json");
  for await (const row of rows) yield keep.length === 0 ? row : apart(row, request, keep);
}

/** The row without the fields that are only kept. */
const apart = (
  row: ReadRow,
  request: Contract.ContractSpec,
  keep: ReadonlyArray<string>,
): ReadRow => {
  if (row._tag === "Unreadable" || typeof row.value !== "object" || row.value === null) return row;
  const fields = new Map(Object.entries(row.value));
  const kept = Object.fromEntries(keep.map((name) => [name, fields.get(name) ?? null]));
  for (const name of keep) if (request.columns[name] === undefined) fields.delete(name);
  return { ...row, value: Object.fromEntries(fields), kept };
};

const sniff = (text: string): Format => {
  const start = text.trimStart();
  if (start.startsWith("[")) return "json";
  return start.startsWith("{") || start === "" ? "ndjson" : "csv";
};

/** The first text that is more than white space, and everything including it. */
const peek = async (chunks: AsyncIterable<string>) => {
  const iterator = chunks[Symbol.asyncIterator]();
  let first = "";
  while (first.trim() === "") {
    const next = await iterator.next();
    if (next.done === true) break;
    first += next.value;
  }
  async function* all() {
    yield first.replace(/^\uFEFF/, "");
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      yield next.value;
    }
  }
  return { first: first.replace(/^\uFEFF/, ""), all: all() };
};

const parse = (text: string, number: number): ReadRow => {
  try {
    return { _tag: "Row", number, value: JSON.parse(text) };
  } catch (cause) {
    const problem = `not JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
    return { _tag: "Unreadable", number, problem };
  }
};

const textOf = async (chunks: AsyncIterable<string>): Promise<string> => {
  let text = "";
  for await (const chunk of chunks) text += chunk;
  return text;
};

async function* arrayRows(chunks: AsyncIterable<string>): AsyncGenerator<ReadRow> {
  const whole = parse(await textOf(chunks), 1);
  if (whole._tag === "Unreadable" || !Array.isArray(whole.value)) {
    yield whole;
    return;
  }
  const values: ReadonlyArray<unknown> = whole.value;
  for (const [index, value] of values.entries()) yield { _tag: "Row", number: index + 1, value };
}

async function* lineRows(
  chunks: AsyncIterable<string>,
  mayBeOneDocument: boolean,
): AsyncGenerator<ReadRow> {
  if (mayBeOneDocument) {
    const text = await textOf(chunks);
    const whole = parse(text, 1);
    if (whole._tag === "Row") yield whole;
    else yield* lineRows(once(text), false);
    return;
  }
  let number = 0;
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield parse(line, ++number);
  }
  if (rest.trim() !== "") yield parse(rest, ++number);
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

/** A file of a table often has more than the model asks for, and in each of its rows. */
async function* csvRows(
  chunks: AsyncIterable<string>,
  request: Contract.ContractSpec,
  { keep, onIgnored }: Pick<ReadOptions, "keep" | "onIgnored">,
): AsyncGenerator<ReadRow> {
  let names: ReadonlyArray<string> | undefined;
  let number = 0;
  for await (const record of csvRecords(chunks)) {
    if (names === undefined) {
      names = record.map((name) => name.trim());
      const problem = headerProblem(names, request, keep);
      if (problem !== undefined) {
        yield { _tag: "Unreadable", number: 1, problem };
        return;
      }
      const asked = (name: string) => request.columns[name] !== undefined || keep.includes(name);
      const ignored = names.filter((name) => !asked(name));
      if (ignored.length > 0) onIgnored(ignored);
      continue;
    }
    number++;
    if (record.length !== names.length) {
      const problem = `it has ${record.length} fields, the header has ${names.length}`;
      yield { _tag: "Unreadable", number, problem };
      continue;
    }
    const fields = new Map(names.map((name, index) => [name, record[index] ?? ""] as const));
    const value = Object.fromEntries(
      Object.entries(request.columns).map(([name, column]): readonly [string, unknown] => [
        name,
        fieldValue(fields.get(name) ?? "", column),
      ]),
    );
    const kept = Object.fromEntries(keep.map((name) => [name, fields.get(name)]));
    yield { _tag: "Row", number, value, ...(keep.length === 0 ? {} : { kept }) };
  }
}

/** What is wrong with all rows of a file, said once. */
const headerProblem = (
  names: ReadonlyArray<string>,
  request: Contract.ContractSpec,
  keep: ReadonlyArray<string>,
): string | undefined => {
  const wanted = [...Object.keys(request.columns), ...keep];
  const missing = wanted.filter((name) => !names.includes(name));
  const twice = wanted.filter((name) => names.indexOf(name) !== names.lastIndexOf(name));
  const quoted = (columns: ReadonlyArray<string>) => columns.map((name) => `"${name}"`).join(", ");
  if (missing.length > 0) {
    return `CSV whose header lacks ${quoted(missing)}: it has ${quoted(names)}`;
  }
  return twice.length > 0 ? `CSV whose header has ${quoted(twice)} twice` : undefined;
};

/** Text as its column means it. What does not fit stays text, for the request's check to refuse. */
const fieldValue = (text: string, column: Contract.ContractSpec["columns"][string]): unknown => {
  if (text === "" && (column.nullable || column.type !== "string")) return null;
  switch (column.type) {
    case "boolean":
      return /^(true|t|1)$/i.test(text) ? true : /^(false|f|0)$/i.test(text) ? false : text;
    case "int":
    case "float":
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : text;
    case "list":
    case "struct":
    case "embedding":
      return Result.getOrElse(
        Result.try((): unknown => JSON.parse(text)),
        () => text,
      );
    default:
      return text;
  }
};
