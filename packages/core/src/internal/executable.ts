/** Programs and files that a process depends on: where they are, and digests of their bytes. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";
import { digestFile } from "../Artifact.ts";
import type { Digest } from "../Digest.ts";
import { ProcessNotFound } from "../stage/processErrors.ts";

/** The path of a file that is named by path or URL. */
export const pathOf = (file: string | URL, folder: string): string =>
  typeof file === "string" ? path.resolve(folder, file) : fileURLToPath(file);

/** Finds a program as a shell would: by its path, or in the folders of PATH. */
export const findExecutable = Effect.fnUntraced(function* (
  stage: string,
  program: string | URL,
  folder: string,
) {
  const named = typeof program === "string" && !/[\\/]/.test(program);
  const folders = named
    ? (process.env["PATH"] ?? "").split(path.delimiter).filter((entry) => entry !== "")
    : [];
  const endings =
    process.platform === "win32" ? ["", ...(process.env["PATHEXT"] ?? ".EXE").split(";")] : [""];
  const places = named
    ? folders.map((entry) => path.resolve(folder, entry, program))
    : [pathOf(program, folder)];
  for (const place of places.flatMap((place) => endings.map((ending) => `${place}${ending}`))) {
    if (yield* Effect.promise(() => isExecutable(place))) return place;
  }
  const searched = named ? `PATH: ${folders.join(path.delimiter)}` : places.join(", ");
  return yield* new ProcessNotFound({ stage, what: "executable", path: String(program), searched });
});

const isExecutable = async (file: string): Promise<boolean> => {
  try {
    await fs.access(file, fs.constants.X_OK);
    return (await fs.stat(file)).isFile();
  } catch {
    return false;
  }
};

/** Digests of files by what they looked like: a program is not read again for each run. */
const known = new Map<string, Digest>();

/** The digest of a file's bytes. */
export const digestOf = Effect.fnUntraced(function* (stage: string, file: string) {
  const missing = () => new ProcessNotFound({ stage, what: "file", path: file, searched: file });
  return yield* Effect.tryPromise({
    try: async () => {
      const { ino, size, mtimeNs, ctimeNs } = await fs.stat(file, { bigint: true });
      const look = `${file} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      const found = known.get(look);
      if (found !== undefined) return found;
      const { digest } = await digestFile(file);
      // A file touched within the clock's resolution could change again and look the same.
      if (Date.now() - Number(ctimeNs / 1_000_000n) > 2000) known.set(look, digest);
      return digest;
    },
    catch: missing,
  });
});

/** The shortest ends of paths that tell them apart: the same on every machine. */
export const shortNames = (files: ReadonlyArray<string>): ReadonlyArray<string> => {
  const parts = [...new Set(files)].map((file) => file.split(/[\\/]/));
  const most = Math.max(1, ...parts.map(({ length }) => length));
  const end = (part: ReadonlyArray<string>, depth: number) => part.slice(-depth).join("/");
  let depth = 1;
  while (depth < most && new Set(parts.map((part) => end(part, depth))).size < parts.length)
    depth++;
  return files.map((file) => end(file.split(/[\\/]/), depth));
};
