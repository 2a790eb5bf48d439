/** When a file is new: it appeared or changed, and nobody writes to it any more. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { digestFile } from "../../Artifact.ts";
import type { Due, KnownFile, NewFileSpec, Settling, StateOf } from "./spec.ts";

/** A file as a look finds it. */
export interface FileSeen {
  /** Below the folder that is watched, with `/` between names. */
  readonly path: string;
  readonly bytes: number;
  readonly changedMs: number;
  /** Of its content, for one that {@link toDigest} asked for. */
  readonly digest?: string;
}

/** The files below a folder that match a glob. Hidden ones do not count. */
export const listFiles = async (folder: string, glob: string): Promise<ReadonlyArray<FileSeen>> => {
  const found: Array<FileSeen> = [];
  for await (const name of fs.glob(glob, { cwd: folder })) {
    const seen = await lookAt(folder, name.replaceAll("\\", "/"));
    if (seen !== undefined) found.push(seen);
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
};

const lookAt = async (folder: string, name: string): Promise<FileSeen | undefined> => {
  try {
    const stat = await fs.stat(path.join(folder, name));
    return stat.isFile() ? { path: name, bytes: stat.size, changedMs: stat.mtimeMs } : undefined;
  } catch (cause) {
    // Removed since it was listed.
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
};

/** Adds the digest of a file's content, unless the file changes meanwhile. */
export const withDigest = async (folder: string, seen: FileSeen): Promise<FileSeen> => {
  const { digest } = await digestFile(path.join(folder, seen.path));
  const after = await lookAt(folder, seen.path);
  return after !== undefined && isSame(after, seen) ? { ...seen, digest } : seen;
};

type Look = Pick<FileSeen, "bytes" | "changedMs">;

const isSame = (a: Look | undefined, b: Look): boolean =>
  a !== undefined && a.bytes === b.bytes && a.changedMs === b.changedMs;

/** The files that nobody writes to any more, and whose content decides whether they are new. */
export const toDigest = (
  spec: NewFileSpec,
  state: StateOf<"newFile"> | undefined,
  files: ReadonlyArray<FileSeen>,
  now: Date,
): ReadonlyArray<FileSeen> =>
  files.filter(
    (file) => !isSame(state?.known[file.path], file) && isSettled(spec, state, file, now),
  );

const isSettled = (
  { settleMs }: NewFileSpec,
  state: StateOf<"newFile"> | undefined,
  file: FileSeen,
  now: Date,
): boolean => {
  const before = state?.settling[file.path];
  return before !== undefined && isSame(before, file) && now.getTime() - before.sinceMs >= settleMs;
};

/** See `Trigger.due`. */
export const dueFiles = (
  spec: NewFileSpec,
  state: StateOf<"newFile"> | undefined,
  files: ReadonlyArray<FileSeen>,
  now: Date,
): Due<StateOf<"newFile">> => {
  const occurrences: Array<string> = [];
  // Also of files that are gone: one that comes back as it was is not new.
  const known: Record<string, KnownFile> = { ...state?.known };
  const settling: Record<string, Settling> = {};
  for (const file of files) {
    const { path, bytes, changedMs, digest } = file;
    const earlier = known[path];
    if (isSame(earlier, file)) continue;
    if (state === undefined && spec.existing === "skip") known[path] = { bytes, changedMs };
    else if (digest === undefined || !isSettled(spec, state, file, now)) {
      const before = state?.settling[path];
      const nowMs = now.getTime();
      // Where the clock went back, waiting begins anew.
      settling[path] =
        before !== undefined && isSame(before, file) && before.sinceMs <= nowMs
          ? before
          : { bytes, changedMs, sinceMs: nowMs };
    } else {
      known[path] = { bytes, changedMs, digest };
      if (earlier?.digest !== digest) {
        const changed = new Date(changedMs).toISOString();
        occurrences.push(`${path} ${digest.slice(0, "sha256-".length + 12)} ${changed}`);
      }
    }
  }
  const before = state?.settling ?? {};
  const waiting = Object.keys(settling);
  const unchanged =
    state !== undefined &&
    files.every(({ path }) => known[path] === state.known[path]) &&
    waiting.length === Object.keys(before).length &&
    waiting.every((path) => settling[path] === before[path]);
  return { occurrences, state: unchanged ? state : { kind: "newFile", known, settling } };
};
