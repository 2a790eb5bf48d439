/** Which file or package an import means: Node's rules for modules, without loading anything. */
import { existsSync, realpathSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { Digest } from "@ml-pipe/ml-pipe";
import { type Manifest, manifestOf, nearestManifest } from "../packages.ts";

/** What an import stands for. */
export type Resolved =
  | { readonly _tag: "Script"; readonly file: string }
  /** A file that is no script, such as JSON. */
  | { readonly _tag: "Data"; readonly file: string }
  /** A package that a package manager put there. */
  | { readonly _tag: "Installed"; readonly name: string; readonly version: string }
  /** A part of Node, or a module that is all in the import itself. */
  | { readonly _tag: "Builtin" }
  | { readonly _tag: "Missing" };

const missing: Resolved = { _tag: "Missing" };
const builtin: Resolved = { _tag: "Builtin" };

const builtins: ReadonlySet<string> = new Set(builtinModules);

/** Whether a package is one of ours: it is followed by its declarations, wherever it is. */
export const isLibrary = (name: string): boolean =>
  name.startsWith("@ml-pipe/") && !name.startsWith("@ml-pipe/example-");

/** Resolves imports; remembers what it has found. */
export const makeResolver = () => {
  const packages = makePackages();
  const known = new Map<string, Resolved>();
  const resolve = (specifier: string, from: string): Resolved => {
    const key = `${path.dirname(from)}\n${specifier}`;
    const found = known.get(key) ?? find(specifier, from);
    known.set(key, found);
    return found;
  };

  const find = (specifier: string, from: string): Resolved => {
    if (specifier.startsWith("node:") || builtins.has(specifier)) return builtin;
    if (specifier.startsWith("data:")) return builtin;
    if (specifier.startsWith("#")) {
      const home = nearestManifest(from);
      const target = home === undefined ? undefined : match(home.manifest.imports, specifier);
      if (home === undefined || target === undefined) return missing;
      return target.startsWith("./")
        ? fileAt(path.join(home.folder, target))
        : resolve(target, from);
    }
    if (specifier.startsWith("file:")) return fileAt(fileURLToPath(specifier));
    if (/^(\.{1,2})?\/|^\.{1,2}$/.test(specifier)) {
      return fileAt(path.resolve(path.dirname(from), decoded(specifier)));
    }
    return inPackage(specifier, from);
  };

  const inPackage = (specifier: string, from: string): Resolved => {
    const [first = "", second = ""] = specifier.split("/");
    const name = first.startsWith("@") ? `${first}/${second}` : first;
    const subpath = `.${specifier.slice(name.length)}`;
    const found = packages.named(name, from);
    if (found === undefined) return { _tag: "Installed", name, version: "absent" };
    const { folder, manifest } = found;
    if (isInstalled(folder) && !isLibrary(name)) {
      return { _tag: "Installed", name, version: packages.version(folder, manifest) };
    }
    if (manifest.exports === undefined) {
      const target = subpath === "." ? (manifest.main ?? "index.js") : subpath;
      return fileAt(path.join(folder, target));
    }
    const target = match(manifest.exports, subpath);
    return target === undefined ? missing : fileAt(path.join(folder, target));
  };
  return resolve;
};

const decoded = (specifier: string): string => decodeURIComponent(specifier.replace(/[?#].*$/, ""));

/** Whether a folder is really below a `node_modules`, rather than linked into one. */
const isInstalled = (folder: string): boolean => folder.split(path.sep).includes("node_modules");

/** A file as CommonJS finds it too: without its ending, or the index of a folder. */
const fileAt = (wanted: string): Resolved => {
  const candidates = [wanted, `${wanted}.js`, `${wanted}.ts`, `${wanted}.json`];
  const folders = [path.join(wanted, "index.js"), path.join(wanted, "index.ts")];
  const found = [...candidates, ...folders].find(
    (file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true,
  );
  if (found === undefined) return missing;
  const file = realpathSync(found);
  return { _tag: /\.[cm]?[jt]s$/.test(file) ? "Script" : "Data", file };
};

interface Found {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Installed and linked packages; each is read once. */
const makePackages = () => {
  const manifests = new Map<string, Manifest | undefined>();
  const manifestIn = (folder: string): Manifest | undefined => {
    if (!manifests.has(folder)) manifests.set(folder, manifestOf(folder));
    return manifests.get(folder);
  };

  const named = (name: string, from: string): Found | undefined => {
    const own = nearestManifest(from);
    if (own?.manifest.name === name && own.manifest.exports !== undefined) return own;
    for (let at = path.dirname(from); ; at = path.dirname(at)) {
      const candidate = path.join(at, "node_modules", name);
      if (existsSync(candidate)) {
        const folder = realpathSync(candidate);
        const manifest = manifestIn(folder);
        if (manifest !== undefined) return { folder, manifest };
      }
      if (at === path.dirname(at)) return undefined;
    }
  };

  const closure = (folder: string, manifest: Manifest, seen: Map<string, string>): void => {
    if (seen.has(folder)) return;
    seen.set(folder, `${manifest.name ?? path.basename(folder)}@${manifest.version ?? ""}`);
    const names = [
      ...Object.keys(manifest.dependencies ?? {}),
      ...Object.keys(manifest.optionalDependencies ?? {}),
      ...Object.keys(manifest.peerDependencies ?? {}),
    ];
    for (const name of names) {
      const found = named(name, path.join(folder, "package.json"));
      if (found !== undefined) closure(found.folder, found.manifest, seen);
    }
  };

  const versions = new Map<string, string>();
  /** The version of a package, and a digest of what it depends on, if that is anything. */
  const version = (folder: string, manifest: Manifest): string => {
    const before = versions.get(folder);
    if (before !== undefined) return before;
    const seen = new Map<string, string>();
    closure(folder, manifest, seen);
    seen.delete(folder);
    const others = [...new Set(seen.values())].toSorted();
    const own = manifest.version ?? "without a version";
    const found = others.length === 0 ? own : `${own} with ${Digest.ofJson(others).slice(0, 19)}`;
    versions.set(folder, found);
    return found;
  };
  return { named, version };
};

/** Conditions that Node resolves `exports` and `imports` with in this process. */
const conditions: ReadonlySet<string> = new Set([
  "node",
  "import",
  "module-sync",
  "default",
  ...[...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(" ")].flatMap(
    (arg, index, all) => {
      const [, inline] = /^(?:--conditions|-C)=(.+)$/.exec(arg) ?? [];
      if (inline !== undefined) return [inline];
      return arg === "--conditions" || arg === "-C" ? (all[index + 1] ?? []) : [];
    },
  ),
]);

/** Looks a subpath up in `exports` or `imports`. */
const match = (map: unknown, subpath: string): string | undefined => {
  if (!isRecord(map) || !Object.keys(map).every((key) => /^[.#]/.test(key))) {
    return subpath === "." ? pick(map) : undefined;
  }
  if (subpath in map) return pick(map[subpath]);
  const patterns = Object.keys(map)
    .filter((key) => key.includes("*"))
    .toSorted((a, b) => b.indexOf("*") - a.indexOf("*"));
  for (const pattern of patterns) {
    const [before = "", after = ""] = pattern.split("*");
    if (subpath.startsWith(before) && subpath.endsWith(after) && subpath.length >= pattern.length) {
      const star = subpath.slice(before.length, subpath.length - after.length);
      return pick(map[pattern])?.replaceAll("*", star);
    }
  }
  return undefined;
};

/** `null` is a part that must not be imported: nothing further is tried. */
const pick = (target: unknown): string | undefined => choose(target) ?? undefined;

const choose = (target: unknown): string | null | undefined => {
  if (typeof target === "string" || target === null) return target;
  const options = Array.isArray(target)
    ? target
    : isRecord(target)
      ? Object.keys(target)
          .filter((key) => conditions.has(key))
          .map((key) => target[key])
      : [];
  for (const option of options) {
    const found = choose(option);
    if (found !== undefined) return found;
  }
  return undefined;
};

const isRecord = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
