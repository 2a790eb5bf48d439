/** Arrow IPC: streams and files (Feather version 2). */
import * as fs from "node:fs/promises";
import { Artifact } from "@ml-pipe/core";
import { TableSchema } from "@ml-pipe/data";
import type { DataType, RecordBatch, Vector } from "apache-arrow";
import { fieldsPart, type Part } from "../internal/delivery.ts";
import { mustBeText, readText } from "../internal/readText.ts";
import { SpoolWriter } from "../internal/spool.ts";
import type { Notation } from "../internal/values.ts";
import type { Located, Where } from "../Location.ts";
import type { Request, Source } from "../Source.ts";
import { SourceBroken, WrongFormat } from "../SourceError.ts";
import { filesSource, type FileOptions, type FormatError } from "./files.ts";

/** How Arrow files are read; `timestamps` says how times in the names of folders are written. */
export interface ArrowOptions extends FileOptions, Pick<Notation, "timestamps"> {}

/**
 * Arrow IPC, as a stream or a file, one record batch in memory at a time. Booleans, integers, floats,
 * text, dictionaries of these, dates and timestamps of any unit are taken; a column of the contract with
 * another type is named. Buffers may be compressed with Zstandard, not with LZ4.
 *
 * @example
 * ```ts
 * import { Source } from "@ml-pipe/ingest";
 *
 * const trips = Source.arrow("data/trips.arrow");
 * ```
 */
export const arrow = <LE = never>(
  where: Where<LE>,
  options: ArrowOptions = {},
): Source<LE | FormatError> =>
  filesSource<LE, FormatError>(where, {
    name: "Arrow",
    params: { ...options },
    options,
    read: (file, request, scratch) =>
      readText(file, "Arrow file", (signal) => read(file, request, scratch("rows"), signal)),
  });

const read = async (
  { name, path }: Located,
  { contract }: Request,
  spool: string,
  signal: AbortSignal,
): Promise<Part> => {
  const content = await Artifact.digestFile(path);
  const handle = await fs.open(path, "r");
  const rows = await SpoolWriter.open(spool);
  const broken = (problem: string) =>
    new SourceBroken({ path: name, format: "Arrow file", problem });
  try {
    await checkEnds(name, handle, content.bytes, broken);
    const { RecordBatchReader } = await loaded();
    const reader = await RecordBatchReader.from(handle);
    await reader.open({ autoDestroy: false });
    const fields = reader.schema.fields.map((field) => ({
      name: field.name,
      type: sqlTypeOf(field.type),
    }));
    const taken = fields.filter(({ name, type }) => {
      const spec = contract.spec.columns[name];
      return spec !== undefined && TableSchema.accepts(spec.type, type);
    });
    let records = 0;
    for await (const batch of reader) {
      signal.throwIfAborted();
      if (batch.numRows > content.bytes * 8) {
        throw broken(`a batch says that it has ${batch.numRows} rows`);
      }
      const columns = taken.map(({ name }) => textsOf(batch, name, broken));
      for (let row = 0; row < batch.numRows; row++) {
        rows.number(++records);
        for (const text of columns) {
          rows.separate();
          const value = text(row);
          if (value !== null) rows.text(value);
        }
        rows.end();
        if (row % 1000 === 0) await rows.drain();
      }
    }
    const names = taken.map(({ name }) => name);
    return {
      name,
      file: content,
      columns: fields,
      sparse: false,
      records,
      ...fieldsPart(spool, names, {}, { texts: [""], quoted: false }, ","),
    };
  } catch (cause) {
    // What the library throws about damaged bytes has no type of its own.
    if (cause instanceof SourceBroken || cause instanceof WrongFormat || signal.aborted)
      throw cause;
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (typeof code === "string" && /^E[A-Z]+$/.test(code)) throw cause;
    throw broken(cause instanceof Error ? cause.message : String(cause));
  } finally {
    await rows.close();
    await handle.close().catch(() => {});
  }
};

/** The library, with Node's Zstandard for compressed buffers. */
const loaded = async () => {
  const [arrow, zlib] = await Promise.all([import("apache-arrow"), import("node:zlib")]);
  const decode = (bytes: Uint8Array) => zlib.zstdDecompressSync(bytes);
  arrow.compressionRegistry.set(arrow.CompressionType.ZSTD, { decode });
  const refuse = (): never => {
    throw new Error(
      "its buffers are compressed with LZ4, which is not read: write it with Zstandard",
    );
  };
  arrow.compressionRegistry.set(arrow.CompressionType.LZ4_FRAME, { decode: refuse });
  return arrow;
};

/** A file ends as it begins; a stream with a mark. One that does not was cut off. */
const checkEnds = async (
  name: string,
  handle: fs.FileHandle,
  bytes: number,
  broken: (problem: string) => SourceBroken,
): Promise<void> => {
  const head = Buffer.alloc(Math.min(512, bytes));
  const tail = Buffer.alloc(Math.min(8, bytes));
  await handle.read(head, 0, head.length, 0);
  await handle.read(tail, 0, tail.length, bytes - tail.length);
  const isFile = head.subarray(0, 6).toString("latin1") === "ARROW1";
  const isStream = head.length >= 8 && head.readUInt32LE(0) === 0xffffffff;
  if (!isFile && !isStream) {
    mustBeText(name, "an Arrow file", head);
    const next = "Check the path.";
    throw new WrongFormat({
      path: name,
      format: "an Arrow file",
      looksLike: "something else",
      next,
    });
  }
  const whole = isFile
    ? tail.subarray(2).toString("latin1") === "ARROW1"
    : tail.readUInt32LE(0) === 0xffffffff && tail.readUInt32LE(4) === 0;
  if (!whole) throw broken(`it ends after ${bytes} bytes without its mark, so it was cut off`);
};

/** The DuckDB type that an Arrow type corresponds to; its own name, if there is none. */
const sqlTypeOf = (type: DataType): string => {
  const name = String(type);
  const [, of = name] = /^Dictionary<\w+, (.*)>$/.exec(name) ?? [];
  const [, zoned] = /^Timestamp<\w+(, .*)?>$/.exec(name) ?? [];
  if (name.startsWith("Timestamp<")) {
    return zoned === undefined ? "TIMESTAMP" : "TIMESTAMP WITH TIME ZONE";
  }
  return sqlTypes[of.replace(/<.*>$/, "")] ?? name;
};

const sqlTypes: { readonly [arrow: string]: string } = {
  Bool: "BOOLEAN",
  Int8: "TINYINT",
  Int16: "SMALLINT",
  Int32: "INTEGER",
  Int64: "BIGINT",
  Uint8: "UTINYINT",
  Uint16: "USMALLINT",
  Uint32: "UINTEGER",
  Uint64: "UBIGINT",
  Float16: "FLOAT",
  Float32: "FLOAT",
  Float64: "DOUBLE",
  Utf8: "VARCHAR",
  LargeUtf8: "VARCHAR",
  Utf8View: "VARCHAR",
  Date32: "DATE",
  Date64: "DATE",
};

/** The values of a column of a batch as text, without an object for each. */
const textsOf = (
  batch: RecordBatch,
  name: string,
  broken: (problem: string) => SourceBroken,
): ((row: number) => string | null) => {
  const column: Vector | null = batch.getChild(name);
  if (column === null) throw broken(`a batch has no column "${name}"`);
  const convert = converterOf(String(column.type));
  const raw: unknown = column.data[0]?.values;
  const values = raw instanceof BigInt64Array || raw instanceof Int32Array ? raw : undefined;
  return (row) => {
    if (!column.isValid(row)) return null;
    const value: unknown = convert === undefined ? column.get(row) : values?.[row];
    if (value === undefined || value === null) {
      throw broken(`column "${name}" has fewer values than its batch has rows`);
    }
    return convert === undefined ? String(value) : convert(BigInt(String(value)));
  };
};

/** How times are written: the library's own numbers lose what is below a millisecond. */
const converterOf = (type: string): ((value: bigint) => string) | undefined => {
  if (type.startsWith("Date32")) return (days) => isoText(days * 86_400_000_000n);
  if (type.startsWith("Date64")) return (millis) => isoText(millis * 1000n);
  const [, unit, zone] = /^Timestamp<(\w+)(, .*)?>$/.exec(type) ?? [];
  if (unit === undefined) return undefined;
  const suffix = zone === undefined ? "" : "Z";
  const multiply = { SECOND: 1_000_000n, MILLISECOND: 1000n, MICROSECOND: 1n }[unit];
  return multiply === undefined
    ? (nanos) => `${isoText(floorDivide(nanos, 1000n))}${suffix}`
    : (value) => `${isoText(value * multiply)}${suffix}`;
};

/** Microseconds since 1970 as `1970-01-01T00:00:00.000000`; the number itself where no date has it. */
const isoText = (micros: bigint): string => {
  const seconds = floorDivide(micros, 1_000_000n);
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 0) {
    return String(micros);
  }
  const fraction = String(micros - seconds * 1_000_000n).padStart(6, "0");
  return `${date.toISOString().slice(0, 19)}.${fraction}`;
};

const floorDivide = (a: bigint, b: bigint) => (a - (((a % b) + b) % b)) / b;
