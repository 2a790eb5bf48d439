/**
 * A file that lines are appended to, by a process that has better things to do: nothing waits for the
 * disk, memory is bounded, and what cannot be written is counted and said once.
 */
import * as fs from "node:fs/promises";
import * as path from "node:path";

/** Lines on their way to a file. */
export interface LineFile {
  /** Adds a line; it is written with the next {@link flush}. */
  readonly push: (line: string) => void;
  /** Writes what was added before. Never rejects. */
  readonly flush: () => Promise<void>;
  /** Writes what is left and lets go of the file. Never rejects. */
  readonly close: () => Promise<void>;
  /** Whether there is anything to write. */
  readonly waits: () => boolean;
}

/** How a file of lines is kept. */
export interface LineFileOptions {
  /** Told at the first failure, and not again. */
  readonly onFailure: (problem: string) => void;
  /** A line in the place of those that were lost for want of memory or disk. */
  readonly lost?: (count: number) => string;
  /** What may wait in memory, in characters. */
  readonly limit?: number;
}

/**
 * A file of lines, made when the first is written. What does not fit into memory, or cannot be written,
 * is lost and counted.
 *
 * @example
 * ```ts
 * import { LineFile } from "@ml-pipe/core";
 *
 * const record = async (): Promise<void> => {
 *   const file = LineFile.make("requests.ndjson", { onFailure: (problem) => console.error(problem) });
 *   file.push(JSON.stringify({ km: 3 }));
 *   await file.close();
 * };
 * ```
 */
export const make = (
  file: string,
  { onFailure, lost, limit = 8 * 2 ** 20 }: LineFileOptions,
): LineFile => {
  let waiting: Array<string> = [];
  let size = 0;
  let dropped = 0;
  let failed = false;
  /** After a line that may be half a line. */
  let torn = false;
  let handle: fs.FileHandle | undefined;
  let tail = Promise.resolve();

  const open = async (): Promise<fs.FileHandle> => {
    await fs.mkdir(path.dirname(file), { recursive: true });
    const opened = await fs.open(file, "a+");
    const { size } = await opened.stat();
    if (size > 0) {
      const { buffer } = await opened.read(Buffer.alloc(1), 0, 1, size - 1);
      // Its last writer was killed.
      torn = buffer[0] !== newline;
    }
    return opened;
  };

  const write = async (): Promise<void> => {
    if (waiting.length === 0 && dropped === 0) return;
    const lines = waiting;
    const missing = dropped;
    waiting = [];
    size = 0;
    dropped = 0;
    try {
      handle ??= await open();
      if (missing > 0 && lost !== undefined) lines.push(lost(missing));
      await handle.appendFile(`${torn ? "\n" : ""}${lines.join("\n")}\n`);
      torn = false;
    } catch (cause) {
      dropped += lines.length + missing;
      torn = true;
      if (failed) return;
      failed = true;
      onFailure(cause instanceof Error ? cause.message : String(cause));
    }
  };

  const flush = (): Promise<void> => (tail = tail.then(write));
  return {
    push: (line) => {
      if (size + line.length > limit) {
        dropped++;
        return;
      }
      waiting.push(line);
      size += line.length;
    },
    flush,
    close: async () => {
      await flush();
      const opened = handle;
      handle = undefined;
      await opened?.close().catch(() => {});
    },
    waits: () => waiting.length > 0,
  };
};

const newline = 10;
