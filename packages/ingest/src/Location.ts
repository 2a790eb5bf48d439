/**
 * Locations: where the files of a source are. A local file is a path, a `file:` URL, or a file inside an
 * installed npm package. It is looked up when the stage runs, so that a pipeline can be loaded where
 * its data is not.
 */
import * as fs from "node:fs/promises";
import { createRequire } from "node:module";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { attempt } from "./internal/attempt.ts";
import type { Part } from "./internal/delivery.ts";
import type { Version } from "./Source.ts";
import {
  NoFiles,
  PackageMissing,
  type SourceMissing,
  type SourceUnreadable,
} from "./SourceError.ts";

/** A file inside an installed npm package: see {@link packageFile}. */
export interface PackageFile {
  readonly package: string;
  /** Path inside the package. */
  readonly file: string;
  /** The module that depends on the package: its `import.meta.url`. */
  readonly from: string;
}

/** A path (relative to the working directory, or absolute), a `file:` URL, or a {@link PackageFile}. */
export type LocalFile = string | URL | PackageFile;

/** A file that can be read now. */
export interface Located {
  /** As it is shown. */
  readonly name: string;
  readonly path: string;
  /** What it is known by where it comes from; absent: by its content. */
  readonly version?: string;
}

/**
 * Where files are.
 *
 * @typeParam E - what finding them can fail with
 */
export interface Location<out E> {
  /** How it is shown, the same on every machine where that is possible. */
  readonly label: string;
  readonly params: Schema.Json;
  /** The files that are there now; `undefined` if that can only be told by reading them. */
  readonly versions: Effect.Effect<ReadonlyArray<Version> | undefined, E>;
  /** Makes files readable, in a stated order, and a folder for what is derived from them. */
  readonly open: (
    only?: ReadonlySet<string>,
  ) => Effect.Effect<
    { readonly files: ReadonlyArray<Located>; readonly folder: string },
    E | Artifact.ArtifactStoreError,
    Artifact.ArtifactStore | Scope.Scope
  >;
}

/** What local files can be wrong with. */
export type LocalError = NoFiles | PackageMissing | SourceMissing | SourceUnreadable;

/** Where the files of a source are: one, several of one shape, or any {@link Location}. */
export type Where<E> = LocalFile | ReadonlyArray<LocalFile> | Location<E>;

/** A location from what an author wrote. */
export const from = <E>(where: Where<E>): Location<E | LocalError> =>
  typeof where === "object" && "versions" in where
    ? where
    : files(Array.isArray(where) ? where : [where as LocalFile]);

/**
 * A file that an npm package ships, whether or not the package exports it. `from` is the
 * `import.meta.url` of the file that depends on the package.
 *
 * @example
 * ```ts
 * import { Ingest } from "@ml-pipe/ingest";
 *
 * const flights = Ingest.packageFile("vega-datasets", "data/flights-3m.parquet", import.meta.url);
 * ```
 */
export const packageFile = (name: string, file: string, from: string): PackageFile => ({
  package: name,
  file,
  from,
});

const files = (all: ReadonlyArray<LocalFile>): Location<LocalError> => {
  const [first] = all;
  const names = all.map(label);
  return local({
    label: all.length === 1 && first !== undefined ? label(first) : names.join(", "),
    params: names,
    find: Effect.forEach(all, (file) =>
      Effect.map(resolve(file), (path) => ({ name: label(file), path })),
    ),
  });
};

/**
 * The files that a glob matches, in the order of their paths. `*` and `?` match within a folder, `**`
 * any number of folders. Hidden files do not count. A relative pattern begins at `in`, by default the
 * working directory.
 *
 * @example
 * ```ts
 * import { Location, Source } from "@ml-pipe/ingest";
 *
 * const days = Source.csv(Location.glob("data/day-*.csv"));
 * const years = Source.parquet(Location.glob("**\/*.parquet", { in: "lake/trips" }), { partitions: true });
 * ```
 */
export const glob = (
  pattern: string,
  options: { readonly in?: string | URL } = {},
): Location<LocalError> => {
  const base = options.in === undefined ? undefined : label(options.in);
  const shown = base === undefined ? pattern : path.join(base, pattern);
  return local({
    label: shown,
    params: shown,
    find: Effect.gen(function* () {
      const folder = options.in === undefined ? process.cwd() : yield* resolve(options.in);
      const found = yield* attempt(folder, async () => {
        const names: Array<string> = [];
        for await (const one of fs.glob(pattern, { cwd: folder, withFileTypes: true })) {
          const full = path.join(one.parentPath, one.name);
          const relative = path.relative(folder, full);
          const hidden = relative.split(path.sep).some((part) => /^\.[^.]/.test(part));
          if (one.isFile() && !hidden) names.push(full);
        }
        return names;
      });
      if (found.length === 0) {
        const next = `Check the pattern; a relative one starts at ${folder}.`;
        return yield* new NoFiles({ location: shown, next });
      }
      return found.toSorted().map((full) => {
        const name =
          base === undefined ? relativeToHere(full) : path.join(base, path.relative(folder, full));
        return { name: name.replaceAll(path.sep, "/"), path: full };
      });
    }),
  });
};

interface Local {
  readonly label: string;
  readonly params: Schema.Json;
  readonly find: Effect.Effect<
    ReadonlyArray<{ readonly name: string; readonly path: string }>,
    LocalError
  >;
}

const local = ({ label, params, find }: Local): Location<LocalError> => ({
  label,
  params,
  versions: Effect.flatMap(find, (found) =>
    Effect.forEach(found, ({ name, path }) =>
      Effect.map(
        attempt(path, () => Artifact.digestFile(path)),
        ({ digest }) => ({ name, version: digest }),
      ),
    ),
  ),
  open: Effect.fnUntraced(function* (only) {
    const store = yield* Artifact.ArtifactStore;
    const files = (yield* find).filter(({ name }) => only?.has(name) ?? true);
    return { files, folder: yield* store.temporaryFolder };
  }),
});

/** The versions of files that were read: as their location knows them, or by their content. */
export const versionsOf = (
  files: ReadonlyArray<Located>,
  parts: ReadonlyArray<Part>,
): ReadonlyArray<Version> =>
  files.map(({ name, version }, index) => ({
    name,
    version: version ?? parts[index]?.file?.digest ?? "",
  }));

/** How a local file is shown: the same on every machine where that is possible. */
export const label = (location: LocalFile): string => {
  if (typeof location === "string") return location;
  if (!(location instanceof URL)) return `${location.package}/${location.file}`;
  return relativeToHere(fileURLToPath(location));
};

const relativeToHere = (full: string): string => {
  const relative = path.relative(process.cwd(), full);
  return relative.startsWith("..") ? full : relative;
};

/** The absolute path of a local file. Only a package is looked for; the file itself may be missing. */
export const resolve = (location: LocalFile): Effect.Effect<string, PackageMissing> => {
  if (typeof location === "string") return Effect.sync(() => path.resolve(location));
  if (location instanceof URL) return Effect.sync(() => fileURLToPath(location));
  return Effect.gen(function* () {
    const { package: name, file, from } = location;
    for (const folder of createRequire(from).resolve.paths(name) ?? []) {
      const found = path.join(folder, name);
      if (yield* Effect.promise(() => isFolder(found))) return path.join(found, file);
    }
    return yield* new PackageMissing({ package: name, file, from });
  });
};

const isFolder = (candidate: string): Promise<boolean> =>
  fs.stat(candidate).then(
    (stat) => stat.isDirectory(),
    () => false,
  );

export { bearer, http, type HttpError, type HttpOptions } from "./location/http.ts";
export { s3, type S3Error, type S3Options } from "./location/s3.ts";
export type { DownloadLimits } from "./internal/download.ts";
