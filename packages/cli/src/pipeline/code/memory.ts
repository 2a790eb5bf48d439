/**
 * What is known of the texts of modules, kept in a file: reading a hundred modules takes longer than
 * starting a run.
 *
 * A text is known by its digest, never by the time of its file. What another version of the program
 * wrote, or what is damaged, is not used.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { Digest } from "@ml-pipe/ml-pipe";
import type { Outline } from "./outline.ts";
import type { Usage } from "./usage.ts";

/** What is known of a text; of each of its pieces only what was asked for. */
export interface Remembered {
  readonly outline: Outline;
  readonly usages: Array<Usage | null>;
  readonly digests: Array<Digest.Digest | null>;
}

/** Knows texts. */
export interface Memory {
  /** What is known of a text; `read` finds out if nothing is. */
  readonly recall: (file: string, text: string, read: () => Outline) => Remembered;
  /** To be told when something was found out about a text that is known. */
  readonly learned: () => void;
  /** Writes the file if there is anything new. Never fails. */
  readonly save: () => void;
}

/** Most texts in a file: with more, those that were not of use this time are forgotten. */
const mostTexts = 2000;

/** A memory that is kept in `file`, or nowhere. */
export const makeMemory = (file: string | undefined): Memory => {
  const before = file === undefined ? new Map<string, Remembered>() : read(file);
  const used = new Map<string, Remembered>();
  let isNew = false;
  return {
    recall: (name, text, readText) => {
      const key = Digest.ofBytes(`${path.extname(name)}\n${text}`);
      const known = used.get(key) ?? before.get(key);
      const found = known ?? { outline: readText(), usages: [], digests: [] };
      isNew ||= known === undefined;
      used.set(key, found);
      return found;
    },
    learned: () => {
      isNew = true;
    },
    save: () => {
      if (file === undefined || !isNew) return;
      isNew = false;
      // Another process may have written to it in the meantime.
      const all = new Map([...read(file), ...used]);
      const text = JSON.stringify([...(all.size > mostTexts ? used : all)]);
      const temporary = `${file}.${process.pid}`;
      try {
        fs.writeFileSync(temporary, `${header()} ${Digest.ofBytes(text)}\n${text}`);
        fs.renameSync(temporary, file);
      } catch {
        // Nowhere to write to: everything is read again next time.
        fs.rmSync(temporary, { force: true });
      }
    },
  };
};

const read = (file: string): Map<string, Remembered> => {
  try {
    const content = fs.readFileSync(file, "utf8");
    const end = content.indexOf("\n");
    const text = content.slice(end + 1);
    if (content.slice(0, end) !== `${header()} ${Digest.ofBytes(text)}`) return new Map();
    // We wrote it, and it is whole.
    const entries: ReadonlyArray<readonly [string, Remembered]> = JSON.parse(text);
    return new Map(entries);
  } catch {
    return new Map();
  }
};

let ours: string | undefined;

/** Says which program wrote the file: another one may understand texts differently. */
const header = (): string =>
  (ours ??= [
    "ml-pipe",
    process.version,
    Digest.ofJson(
      fs
        .readdirSync(import.meta.dirname)
        .filter((name) => /\.[jt]s$/.test(name) && !/\.(d|test)\.ts$/.test(name))
        .toSorted()
        .map((name) => fs.readFileSync(path.join(import.meta.dirname, name), "utf8")),
    ),
  ].join(" "));
