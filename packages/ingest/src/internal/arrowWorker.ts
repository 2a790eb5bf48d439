/**
 * Entry point of the thread that reads an Arrow file: tells which columns there are, is told which to
 * take, and writes them to a spool, one record batch in memory at a time.
 */
import { once } from "node:events";
import * as fs from "node:fs/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { DataType, RecordBatch, Vector } from "apache-arrow";
import { SpoolWriter } from "./SpoolWriter.ts";

/** What the thread is asked. */
export interface ArrowTask {
  readonly path: string;
  readonly bytes: number;
  readonly spool: string;
}

/** What the thread tells. */
export type ArrowMessage =
  | {
      readonly _tag: "Fields";
      readonly fields: ReadonlyArray<{ readonly name: string; readonly type: string }>;
    }
  | { readonly _tag: "Batch" }
  | { readonly _tag: "Done"; readonly records: number }
  | { readonly _tag: "Broken"; readonly problem: string }
  /** The spool, or the file as such: an error of the system. */
  | { readonly _tag: "Unwritable"; readonly problem: string; readonly code: string };

const port = parentPort;
if (port === null) throw new Error("this file is the entry point of a thread");

const say = (message: ArrowMessage): void => port.postMessage(message);

const read = async ({ path, bytes, spool }: ArrowTask): Promise<number> => {
  const { RecordBatchReader } = await loaded();
  const handle = await fs.open(path, "r");
  const rows = await SpoolWriter.open(spool);
  try {
    const reader = await RecordBatchReader.from(handle);
    await reader.open({ autoDestroy: false });
    // A damaged schema may have no names, whatever its type says.
    const fields = reader.schema.fields.map((field) => ({
      name: String(field.name),
      type: sqlTypeOf(field.type),
    }));
    say({ _tag: "Fields", fields });
    const taken: ReadonlyArray<string> = (await once(port, "message"))[0];
    for await (const batch of reader) {
      if (batch.numRows > bytes * 8) {
        throw new Error(`a batch says that it has ${batch.numRows} rows`);
      }
      const columns = taken.map((name) => textsOf(batch, name));
      for (let row = 0; row < batch.numRows; row++) {
        rows.number(rows.records + 1);
        for (const text of columns) {
          rows.separate();
          const value = text(row);
          if (value !== null) rows.text(value);
        }
        rows.end();
        if (row % 1000 === 0) await rows.drain();
      }
      say({ _tag: "Batch" });
    }
    return rows.records;
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

/** The DuckDB type that an Arrow type corresponds to; its own name, if there is none. */
const sqlTypeOf = (type: DataType): string => {
  const name = String(type);
  const [, of = name] = /^Dictionary<\w+, (.*)>$/.exec(name) ?? [];
  const [, zoned] = /^Timestamp<\w+(, .*)?>$/.exec(name) ?? [];
  if (name.startsWith("Timestamp<")) {
    return zoned === undefined ? "TIMESTAMP" : "TIMESTAMP WITH TIME ZONE";
  }
  const [, item] = listOf.exec(name) ?? [];
  // Instants in lists would lose what is below a millisecond.
  if (item !== undefined && held.has(item)) return `${sqlTypes[item]}[]`;
  return sqlTypes[of.replace(/<.*>$/, "")] ?? name;
};

/** `List<Utf8>`, `LargeList<Int32>`, `FixedSizeList[3]<Float32>`. */
const listOf = /^(?:(?:Large)?List|FixedSizeList\[\d+\])<(\w+)>$/;

/** What lists are read of. */
const held = new Set(["Bool", "Int8", "Int16", "Int32", "Int64", "Float32", "Float64", "Utf8"]);

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
const textsOf = (batch: RecordBatch, name: string): ((row: number) => string | null) => {
  const column: Vector | null = batch.getChild(name);
  if (column === null) throw new Error(`a batch has no column "${name}"`);
  const type = String(column.type);
  const isList = listOf.test(type);
  const convert = converterOf(type);
  const raw: unknown = column.data[0]?.values;
  const values = raw instanceof BigInt64Array || raw instanceof Int32Array ? raw : undefined;
  return (row) => {
    if (!column.isValid(row)) return null;
    const value: unknown = convert === undefined ? column.get(row) : values?.[row];
    if (value === undefined || value === null) {
      throw new Error(`column "${name}" has fewer values than its batch has rows`);
    }
    if (isList) return jsonOf(value);
    return convert === undefined ? String(value) : convert(BigInt(String(value)));
  };
};

/** A list as JSON, with all digits of its numbers. */
const jsonOf = (list: unknown): string => {
  const values = Array.from(isIterable(list) ? list : [], (one) => {
    if (typeof one === "bigint") return String(one);
    return typeof one === "number" && !Number.isFinite(one) ? `"${one}"` : JSON.stringify(one);
  });
  return `[${values.join()}]`;
};

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.iterator in value;

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

try {
  say({ _tag: "Done", records: await read(workerData) });
} catch (cause) {
  const problem = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  say(
    typeof code === "string" && /^E[A-Z]+$/.test(code)
      ? { _tag: "Unwritable", problem, code }
      : { _tag: "Broken", problem },
  );
}
