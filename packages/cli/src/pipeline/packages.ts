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

const Manifest = Schema.fromJsonString(
  Schema.Struct({
    name: Schema.optionalKey(Schema.String),
    version: Schema.optionalKey(Schema.String),
  }),
);
const decodeManifest = Schema.decodeUnknownOption(Manifest);

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
  const text = textOf(path.join(folder, "package.json"));
  if (text === undefined) return undefined;
  const { name, version = "" } = Option.getOrUndefined(decodeManifest(text)) ?? {};
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

/** The package that `specifier` (such as `effect/Effect`) means in a file of `folder`, if installed. */
export const packageFor = (specifier: string, folder: string): Package | undefined => {
  const [scope = "", name = ""] = specifier.split("/");
  const wanted = specifier.startsWith("@") ? `${scope}/${name}` : scope;
  for (let at = folder; ; at = path.dirname(at)) {
    const candidate = path.join(at, "node_modules", wanted);
    const found = readPackage(candidate);
    if (found !== undefined) return found;
    if (at === path.dirname(at)) return undefined;
  }
};
