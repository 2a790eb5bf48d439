/**
 * Takes what a program writes to its streams, line by line, so that `console.log` of a stage does not
 * get between the lines of a live tree.
 */
import { StringDecoder } from "node:string_decoder";

/** A stream that is written to by calling `write` on it: `process.stdout`. */
export type Capturable = Pick<NodeJS.WriteStream, "write">;

/** A stream whose writes go elsewhere. */
export interface Captured {
  /** Writes to the stream itself. */
  readonly write: (text: string) => void;
  /** Gives the stream back, and tells of a last line that has no end. */
  readonly release: () => void;
}

/** Calls `tell` with each line that anyone writes to the stream from now on. */
export const capture = (stream: Capturable, tell: (line: string) => void): Captured => {
  const original = stream.write;
  const decoder = new StringDecoder("utf8");
  let open = "";
  const take = (text: string): void => {
    const lines = `${open}${text}`.split("\n");
    open = lines.pop() ?? "";
    for (const line of lines) tell(harmless(line));
  };
  const write = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | Done,
    done?: Done,
  ): boolean => {
    if (typeof chunk === "string") {
      take(Buffer.from(chunk, typeof encoding === "string" ? encoding : "utf8").toString());
    } else take(decoder.write(chunk));
    const told = typeof encoding === "function" ? encoding : done;
    if (told !== undefined) process.nextTick(told);
    return true;
  };
  stream.write = write;
  return {
    write: (text) => void original.call(stream, text),
    release: () => {
      if (stream.write !== write) return;
      stream.write = original;
      const rest = `${open}${decoder.end()}`;
      open = "";
      if (rest !== "") tell(harmless(rest));
    },
  };
};

type Done = (error?: Error | null) => void;

/** Everything but colours: what moves the cursor or clears would spoil the tree. */
const controls =
  // oxlint-disable-next-line no-control-regex
  /\u001b\[[0-?]*[ -/]*[@-ln-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[^[\]]|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f]/g;

/** A line as it would be seen in the end: a progress bar that overwrites itself leaves its last state. */
const harmless = (line: string): string =>
  (line.replace(/\r+$/, "").split("\r").at(-1) ?? "").replaceAll(controls, "");
