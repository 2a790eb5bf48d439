/**
 * Where a source file is: a path, a `file:` URL, or a file inside an installed npm package. It is
 * looked up when the stage runs, so that a pipeline can be loaded where its data is not.
 */
import * as fs from "node:fs/promises";
import { createRequire } from "node:module";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";
import { PackageMissing } from "./SourceError.ts";

/** A file inside an installed npm package: see {@link packageFile}. */
export interface PackageFile {
  readonly package: string;
  /** Path inside the package. */
  readonly file: string;
  /** The module that depends on the package: its `import.meta.url`. */
  readonly from: string;
}

/** A path (relative to the working directory, or absolute), a `file:` URL, or a {@link PackageFile}. */
export type Location = string | URL | PackageFile;

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

/** How a location is shown: the same on every machine where that is possible. */
export const label = (location: Location): string => {
  if (typeof location === "string") return location;
  if (!(location instanceof URL)) return `${location.package}/${location.file}`;
  const relative = path.relative(process.cwd(), fileURLToPath(location));
  return relative.startsWith("..") ? fileURLToPath(location) : relative;
};

/** The absolute path of a location. Only a package is looked for; the file itself may be missing. */
export const resolve = (location: Location): Effect.Effect<string, PackageMissing> => {
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
