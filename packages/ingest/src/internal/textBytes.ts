/** The text of a file as UTF-8 bytes: unpacked, decoded, without a byte order mark, digested as read. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { addAbortSignal, pipeline, Readable } from "node:stream";
import * as zlib from "node:zlib";
import type { Digest } from "@ml-pipe/core";

/** The text of a file, and how it was taken from its bytes. */
export interface TextBytes {
  readonly compression: "none" | "gzip" | "zstd";
  readonly encoding: string;
  /** Whether the encoding is that of a byte order mark. */
  readonly marked: boolean;
  /** UTF-8 text; taken once. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Digest and size of the file itself, once all chunks were taken. */
  readonly content: () => { readonly digest: Digest.Digest; readonly bytes: number };
}

/**
 * Opens a file. What its first bytes say about packing and byte order is believed; beyond that it is in
 * the declared encoding, UTF-8 by default. Bytes that are not, in UTF-8, are left for the reader to find;
 * in other encodings they are an error of the iteration.
 */
export const textBytes = async (
  file: string,
  declared: string | undefined,
  signal: AbortSignal,
): Promise<TextBytes> => {
  const hash = createHash("sha256");
  let bytes = 0;
  const raw = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20, signal })) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  const packed = await peek(raw());
  const compression = compressionOf(packed.head);
  const plain =
    compression === "none" ? packed : await peek(unpacked(packed.all(), compression, signal));
  const mark = byteOrder(plain.head);
  const encoding = mark?.encoding ?? labelOf(declared ?? "utf-8");
  const text = withoutMark(plain.all(), mark?.bytes ?? 0);
  return {
    compression,
    encoding,
    marked: mark !== undefined,
    chunks: encoding === "utf-8" ? text : decoded(text, encoding),
    content: () => ({ digest: `sha256-${hash.digest("hex")}`, bytes }),
  };
};

/** A stream of bytes of which the first are known. */
export interface Peeked {
  readonly head: Buffer;
  /** All bytes, the first too; taken once. */
  readonly all: () => AsyncGenerator<Buffer>;
}

/** Looks at the first bytes of a stream: so many at least, unless there are fewer. */
export const peek = async (chunks: AsyncIterable<Buffer>, atLeast = 4): Promise<Peeked> => {
  const rest = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < atLeast) {
    const next = await rest.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  const all = async function* () {
    if (head.length > 0) yield head;
    yield* { [Symbol.asyncIterator]: () => rest };
  };
  return { head, all };
};

const compressionOf = (head: Buffer): TextBytes["compression"] => {
  const hex = head.subarray(0, 4).toString("hex");
  return hex.startsWith("1f8b") ? "gzip" : hex === "28b52ffd" ? "zstd" : "none";
};

const unpacked = async function* (
  chunks: AsyncGenerator<Buffer>,
  compression: "gzip" | "zstd",
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const options = { chunkSize: 1 << 20 };
  const unpack =
    compression === "gzip" ? zlib.createGunzip(options) : zlib.createZstdDecompress(options);
  // An error of either side ends the iteration below.
  pipeline(Readable.from(chunks), addAbortSignal(signal, unpack), () => {});
  for await (const chunk of unpack) yield chunk;
};

const byteOrder = (head: Buffer) => {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) {
    return { encoding: "utf-8", bytes: 3 };
  }
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: "utf-16le", bytes: 2 };
  return head[0] === 0xfe && head[1] === 0xff ? { encoding: "utf-16be", bytes: 2 } : undefined;
};

const withoutMark = async function* (
  chunks: AsyncGenerator<Buffer>,
  bytes: number,
): AsyncGenerator<Buffer> {
  let skip = bytes;
  for await (const chunk of chunks) {
    yield chunk.subarray(skip);
    skip = 0;
  }
};

const decoded = async function* (
  chunks: AsyncIterable<Buffer>,
  encoding: string,
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
};

/** The name of an encoding as the WHATWG Encoding Standard writes it; throws a `RangeError` for another. */
export const labelOf = (encoding: string): string => new TextDecoder(encoding).encoding;
