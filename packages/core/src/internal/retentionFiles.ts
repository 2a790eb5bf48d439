/** The files of a state folder, as retention sees them. */
import { createReadStream } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import { type ArtifactStoreError, attempt } from "../Artifact.ts";
import { isAlive } from "./process.ts";

/** A file that could go. */
export interface FoundFile {
  /** In the state folder, with `/` between names. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Removes a file: replaced in tests that break it. */
export const RemoveFile: Context.Reference<(file: string) => Promise<void>> = Context.Reference(
  "@ml-pipe/core/internal/RemoveFile",
  { defaultValue: () => (file: string) => fs.rm(file, { force: true, recursive: true }) },
);

/** The names in a folder; none if there is no folder. */
export const namesIn = (folder: string): Effect.Effect<ReadonlyArray<string>, ArtifactStoreError> =>
  attempt("read", folder, () => fs.readdir(folder)).pipe(
    Effect.map((names) => names.toSorted()),
    Effect.catch((error) => (error.code === "ENOENT" ? Effect.succeed([]) : Effect.fail(error))),
  );

/** A file or folder with its size, if it is there. */
export const lookAt = (
  folder: string,
  ...names: ReadonlyArray<string>
): Effect.Effect<FoundFile | undefined, ArtifactStoreError> => {
  const file = path.join(folder, ...names);
  return attempt("read", file, async () => {
    const stat = await fs.stat(file);
    const bytes = stat.isDirectory() ? await sizeBelow(file) : stat.size;
    return { path: names.join("/"), bytes, modifiedMs: stat.mtimeMs };
  }).pipe(
    Effect.catch((error) =>
      error.code === "ENOENT" ? Effect.succeed(undefined) : Effect.fail(error),
    ),
  );
};

const sizeBelow = async (folder: string): Promise<number> => {
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const stats = await Promise.all(
    files.map((entry) => fs.stat(path.join(entry.parentPath, entry.name))),
  );
  return stats.reduce((sum, { size }) => sum + size, 0);
};

const digestText = /sha256-[0-9a-f]{64}/g;
const digestLength = "sha256-".length + 64;

/** Every digest that a text mentions. */
export const digestsIn = (text: string): ReadonlyArray<string> => text.match(digestText) ?? [];

/**
 * Every digest that a file mentions, if it is text: read as a stream. JSON is told by how it begins,
 * so that a table of gigabytes is not read.
 */
export const digestsInFile = (
  file: string,
  only: "json" | "any",
): Effect.Effect<ReadonlySet<string>, ArtifactStoreError> =>
  attempt("read", file, async () => {
    const found = new Set<string>();
    let rest = "";
    let first = true;
    for await (const chunk of createReadStream(file, { encoding: "latin1" })) {
      const text = rest + String(chunk);
      if (first && only === "json" && !/^\s*[[{"]/.test(text)) break;
      first = false;
      for (const digest of digestsIn(text)) found.add(digest);
      rest = text.slice(-digestLength + 1);
    }
    return found;
  }).pipe(
    Effect.catch((error) =>
      error.code === "ENOENT" ? Effect.succeed(new Set<string>()) : Effect.fail(error),
    ),
  );

/** Artifacts by digest. What is not named as an artifact is left alone. */
export const artifactsIn = Effect.fnUntraced(function* (folder: string) {
  const found = new Map<string, FoundFile>();
  const unreadable: Array<ArtifactStoreError> = [];
  const names = (...below: ReadonlyArray<string>) =>
    namesIn(path.join(folder, ...below)).pipe(
      Effect.catch((error) =>
        Effect.sync((): ReadonlyArray<string> => (unreadable.push(error), [])),
      ),
    );
  for (const group of yield* names("artifacts")) {
    if (!/^[0-9a-f]{2}$/.test(group)) continue;
    for (const name of yield* names("artifacts", group)) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue;
      const file = yield* lookAt(folder, "artifacts", group, name);
      if (file !== undefined) found.set(`sha256-${name}`, file);
    }
  }
  return { found, unreadable };
});

/** The releases that exist, by `name@3`, and every digest that a file among them mentions. */
export const releasesIn = Effect.fnUntraced(function* (folder: string) {
  const labels: Array<string> = [];
  const digests = new Set<string>();
  const root = path.join(folder, "releases");
  for (const name of yield* namesIn(root)) {
    const below = yield* namesIn(path.join(root, name)).pipe(
      Effect.catch((error) => (error.code === "ENOTDIR" ? Effect.succeed([]) : Effect.fail(error))),
    );
    for (const file of below) {
      const version = /^([1-9]\d*)\.json$/.exec(file)?.[1];
      if (version !== undefined) labels.push(`${name}@${version}`);
      // Also one that was moved away as `3.json.bad`: it may be looked into, or put back.
      for (const digest of yield* digestsInFile(path.join(root, name, file), "any")) {
        digests.add(digest);
      }
    }
  }
  return { labels, digests };
});

/** What processes that are gone left half-written. */
export const abandonedIn = Effect.fnUntraced(function* (folder: string) {
  const releases = yield* namesIn(path.join(folder, "releases"));
  const places = [["tmp"], ...releases.map((name) => ["releases", name])];
  const found: Array<FoundFile> = [];
  for (const place of places) {
    const pattern = place[0] === "tmp" ? /^(\d+)-/ : /^\.(\d+)-.*\.tmp$/;
    const names = yield* namesIn(path.join(folder, ...place)).pipe(
      Effect.catch((error) => (error.code === "ENOTDIR" ? Effect.succeed([]) : Effect.fail(error))),
    );
    for (const name of names) {
      const pid = pattern.exec(name)?.[1];
      if (pid === undefined) continue;
      const file = yield* lookAt(folder, ...place, name);
      if (file !== undefined && !isAlive(Number(pid), file.modifiedMs)) found.push(file);
    }
  }
  return found;
});

/** Reports and logs, each with the run that it is about. */
export const runFilesIn = Effect.fnUntraced(function* (folder: string) {
  const found: Array<FoundFile & { readonly run: string }> = [];
  for (const place of ["logs", "reports"]) {
    for (const name of yield* namesIn(path.join(folder, place))) {
      const [run = ""] = name.split(".");
      const file = yield* lookAt(folder, place, name);
      if (file !== undefined) found.push({ ...file, run });
    }
  }
  return found;
});
