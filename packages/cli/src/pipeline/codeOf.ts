/**
 * The identity of a stage's code: a digest of what a bundler makes of the module that defines the
 * stage and everything that it imports.
 *
 * Local files and linked packages count by their content without comments and white space; installed
 * packages by name and version. Files named as `new URL("./file", import.meta.url)`, such as the code
 * of a worker, count too. What cannot be followed makes the code unknown, and its stages uncached.
 */
import { existsSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import * as path from "node:path";
import { Digest, type Engine, type Stage } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as esbuild from "esbuild";
import { packageFor } from "./packages.ts";

/** Identifies the code of a stage, as the engine's reference `CodeOf` asks for it. */
export type CodeOf = (node: {
  readonly info: Pick<Stage.StageInfo, "definedAt">;
}) => Effect.Effect<Engine.CodeIdentity>;

/** Digests modules; remembers those it has seen. */
export const make = (): CodeOf => {
  const known = new Map<string, Promise<Engine.CodeIdentity>>();
  return ({ info }) => {
    const file = info.definedAt?.file;
    if (file === undefined) {
      return Effect.succeed(unknown("it is not known where the stage is defined"));
    }
    const found = known.get(file) ?? identify(file);
    known.set(file, found);
    return Effect.promise(() => found);
  };
};

const unknown = (reason: string): Engine.CodeIdentity => ({ _tag: "Unknown", reason });

/** The identity of the code of one module. Never rejects. */
export const identify = async (file: string): Promise<Engine.CodeIdentity> => {
  if (!existsSync(file)) return unknown(`${file} is not there`);
  const installed = new Map<string, string>();
  const parts = new Map<string, string>();
  const todo = [file];
  for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
    if (parts.has(next)) continue;
    if (!isScript(next)) {
      parts.set(next, Digest.ofBytes(readFileSync(next)));
      continue;
    }
    const bundle = await bundled(next, installed);
    if (bundle._tag === "Failed") return unknown(bundle.problem);
    if (computedImport.test(bundle.code)) {
      return unknown(`${path.basename(next)}, or what it imports, loads modules by computed names`);
    }
    parts.set(next, Digest.ofBytes(bundle.code));
    todo.push(...bundle.files);
  }
  const content = [...parts.values()];
  const digest = Digest.ofJson([content, [...installed].toSorted()]);
  return { _tag: "Known", parts: { [path.basename(file)]: digest } };
};

const isScript = (file: string): boolean => /\.[cm]?[jt]s$/.test(file);

/** An `import(…)` of something other than a text: nobody can follow it. */
const computedImport = /\bimport\((?!\s*["'])/;

type Bundle =
  | { readonly _tag: "Bundled"; readonly code: string; readonly files: ReadonlyArray<string> }
  | { readonly _tag: "Failed"; readonly problem: string };

const bundled = async (file: string, installed: Map<string, string>): Promise<Bundle> => {
  try {
    const { metafile, outputFiles } = await esbuild.build({
      // Its paths end up in the code of some bundles: the same wherever the project lies.
      absWorkingDir: path.dirname(file),
      entryPoints: [file],
      bundle: true,
      write: false,
      outdir: "out",
      metafile: true,
      minifyWhitespace: true,
      legalComments: "none",
      platform: "node",
      target: "node24",
      format: "esm",
      logLevel: "silent",
      loader: { ".node": "copy" },
      plugins: [external(installed)],
    });
    const folder = path.dirname(file);
    const inputs = Object.keys(metafile.inputs).map((input) => path.resolve(folder, input));
    return {
      _tag: "Bundled",
      code: outputFiles.map(({ text }) => text).join("\n"),
      files: inputs.flatMap(filesNamedIn),
    };
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    return { _tag: "Failed", problem: problem.split("\n").slice(0, 3).join(" ").trim() };
  }
};

/** Keeps installed packages out of the bundle and notes their versions. */
const external = (installed: Map<string, string>): esbuild.Plugin => ({
  name: "installed packages are external",
  setup: (build) => {
    build.onResolve({ filter: /^[^./#]/ }, ({ path: specifier, resolveDir, kind }) => {
      if (kind === "entry-point" || path.isAbsolute(specifier)) return undefined;
      if (isBuiltin(specifier)) return { path: specifier, external: true };
      const found = packageFor(specifier, resolveDir);
      if (found === undefined || (found.installed && !found.name.startsWith("@ml-pipe/"))) {
        installed.set(found?.name ?? specifier, found?.version ?? "absent");
        return { path: specifier, external: true };
      }
      return undefined;
    });
  },
});

const builtins = new Set(builtinModules);
const isBuiltin = (specifier: string): boolean =>
  specifier.startsWith("node:") || builtins.has(specifier);

/** The existing files that a module names with `new URL("./file", import.meta.url)`. */
const filesNamedIn = (file: string): ReadonlyArray<string> => {
  if (!isScript(file)) return [];
  const names = readFileSync(file, "utf8").matchAll(
    /new URL\(\s*["'](\.[^"']+)["']\s*,\s*import\.meta\.url\s*,?\s*\)/g,
  );
  return [...names]
    .map(([, name = ""]) => path.resolve(path.dirname(file), name))
    .filter((named) => existsSync(named));
};
