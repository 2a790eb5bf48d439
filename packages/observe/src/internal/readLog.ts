/** Reads a log of lines as far as it has been written; what is not a whole entry is left out. */
import * as fs from "node:fs/promises";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { Entry } from "./Entry.ts";

/** A place in a log. */
export interface LogReader {
  /** The entries of the next piece of the file; `end`: nothing more is there now. */
  readonly next: () => Promise<{ readonly entries: ReadonlyArray<Entry>; readonly end: boolean }>;
}

const pieceBytes = 2 ** 18;
const newline = 10;

/** A reader at the beginning of a file, which need not be there yet. Keeps no file open. */
export const logReader = (file: string): LogReader => {
  let offset = 0;
  let rest: Buffer = Buffer.alloc(0);
  const next: LogReader["next"] = async () => {
    const piece = await read(file, offset);
    if (piece.length === 0) return { entries: [], end: true };
    offset += piece.length;
    const text = Buffer.concat([rest, piece]);
    const last = text.lastIndexOf(newline) + 1;
    rest = text.subarray(last);
    const lines = text.subarray(0, last).toString("utf8").split("\n");
    return { entries: lines.flatMap(parse), end: false };
  };
  return { next };
};

const read = async (file: string, offset: number): Promise<Buffer> => {
  const handle = await fs.open(file, "r").catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  });
  if (handle === undefined) return Buffer.alloc(0);
  try {
    const buffer = Buffer.alloc(pieceBytes);
    const { bytesRead } = await handle.read(buffer, 0, pieceBytes, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
};

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Entry));

const parse = (line: string): ReadonlyArray<Entry> => Option.toArray(decode(line));
