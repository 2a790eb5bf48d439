/** Which package a file belongs to. */
import { readFileSync, realpathSync } from "node:fs";
import * as path from "node:path";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";

/** A package on this machine. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** Folder of its `package.json`. */
  readonly folder: string;
  /** Whether a package manager put it there: its files change only with its version. */
  readonly installed: boolean;
}

const Names = Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown));
const Manifest = Schema.Struct({
  name: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String),
  main: Schema.optionalKey(Schema.String),
  exports: Schema.optionalKey(Schema.Unknown),
  imports: Schema.optionalKey(Schema.Unknown),
  dependencies: Names,
  optionalDependencies: Names,
  peerDependencies: Names,
});
/** What a `package.json` says. */
export type Manifest = typeof Manifest.Type;
const decodeManifest = Schema.decodeUnknownOption(Schema.fromJsonString(Manifest));

/** The `package.json` of a folder, if it has one that can be read. */
export const manifestOf = (folder: string): Manifest | undefined => {
  const text = textOf(path.join(folder, "package.json"));
  return text === undefined ? undefined : Option.getOrUndefined(decodeManifest(text));
};

/** The nearest `package.json`, looking upward from a file, whether or not it names a package. */
export const nearestManifest = (
  file: string,
): { readonly folder: string; readonly manifest: Manifest } | undefined => {
  const folder = path.dirname(file);
  const manifest = manifestOf(folder);
  if (manifest !== undefined) return { folder, manifest };
  return folder === file ? undefined : nearestManifest(folder);
};

const known = new Map<string, Package | undefined>();

/** The package of the nearest `package.json` that names one, looking upward from a file or folder. */
export const packageOf = (file: string): Package | undefined => {
  const folder = path.dirname(file);
  if (known.has(folder)) return known.get(folder);
  const found = readPackage(folder) ?? (folder === file ? undefined : packageOf(folder));
  known.set(folder, found);
  return found;
};

const readPackage = (folder: string): Package | undefined => {
  const { name, version = "" } = manifestOf(folder) ?? {};
  if (name === undefined) return undefined;
  return { name, version, folder, installed: isInstalled(folder) };
};

/** Whether a folder is really below a `node_modules`, rather than linked into one. */
const isInstalled = (folder: string): boolean =>
  realpathSync(folder).split(path.sep).includes("node_modules");

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
};
