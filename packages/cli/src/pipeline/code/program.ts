/** The modules of a program and what their declarations need of one another. */
import { existsSync, realpathSync, statSync } from "node:fs";
import * as path from "node:path";
import { packageOf } from "../packages.ts";
import type { Memory } from "./memory.ts";
import { type Module, readModule, type Unit } from "./module.ts";
import type { Imported } from "./outline.ts";
import { isLibrary, makeResolver, type Resolved } from "./resolve.ts";

/** What something needs directly. */
export interface Needs {
  readonly units: Set<Unit>;
  /** Modules that are loaded on the way: what they do counts. */
  readonly modules: Set<Module>;
  /** Files that are no scripts. */
  readonly data: Set<string>;
  /** Versions of installed packages, by name. */
  readonly installed: Map<string, string>;
  /** Names that no module declares. */
  readonly globals: Set<string>;
  /** What cannot be followed. */
  readonly problems: Set<string>;
}

const noNeeds = (): Needs => ({
  units: new Set(),
  modules: new Set(),
  data: new Set(),
  installed: new Map(),
  globals: new Set(),
  problems: new Set(),
});

/** Reads modules when they are first asked for. */
export interface Program {
  readonly moduleAt: (file: string) => Module;
  /** The file behind links, if it is there. */
  readonly realFile: (file: string) => string | undefined;
  readonly isLibrary: (module: Module) => boolean;
  /** What a declaration or statement refers to. */
  readonly needsOf: (unit: Unit) => Needs;
  /** What happens when a module is loaded, beside making what it declares. */
  readonly loadOf: (module: Module) => Needs;
  /** What a path such as `config.rows` in a module stands for; nothing if it comes from a package. */
  readonly standsFor: (module: Module, path: string) => Needs;
}

/** An empty program. */
export const makeProgram = (memory: Memory): Program => {
  const resolve = makeResolver();
  const modules = new Map<string, Module>();
  const moduleAt = (file: string): Module => {
    const known = modules.get(file) ?? readModule(file, memory);
    modules.set(file, known);
    return known;
  };
  const realFiles = new Map<string, string | undefined>();
  const realFile = (file: string): string | undefined => {
    if (!realFiles.has(file))
      realFiles.set(file, existsSync(file) ? realpathSync(file) : undefined);
    return realFiles.get(file);
  };
  const inLibrary = memoised((module: Module) => isLibrary(packageOf(module.file)?.name ?? ""));

  /** Finds what a path stands for; answers whether it is there. */
  const lookUp = (module: Module, names: Names, into: Needs, seen: Set<string>): boolean => {
    const [name = "", ...members] = names;
    const own = module.byName.get(name) ?? [];
    for (const unit of own) into.units.add(unit);
    const imported = module.imports.get(name);
    if (imported !== undefined) return follow(module, imported, members, into, seen);
    if (own.length === 0) into.globals.add(name);
    return true;
  };

  const follow = (
    module: Module,
    { from, name }: Imported,
    members: Names,
    into: Needs,
    seen: Set<string>,
  ): boolean => {
    const found = resolve(from, module.file);
    if (found._tag !== "Script") {
      note(found, from, module, into);
      return found._tag !== "Missing";
    }
    const target = moduleAt(found.file);
    return name === "*"
      ? namespace(target, members, into, seen)
      : exported(target, name, members, into, seen);
  };

  const namespace = (module: Module, names: Names, into: Needs, seen: Set<string>): boolean => {
    const [name, ...members] = names;
    if (name !== undefined) return exported(module, name, members, into, seen);
    if (!isFirst(`${module.file}#*`, seen)) return true;
    into.modules.add(module);
    for (const each of module.exports.keys()) exported(module, each, [], into, seen);
    for (const from of module.stars) {
      into.units.add(module.link(`*<${from}`));
      follow(module, { from, name: "*" }, [], into, seen);
    }
    return true;
  };

  const exported = (
    module: Module,
    name: string,
    members: Names,
    into: Needs,
    seen: Set<string>,
  ): boolean => {
    if (!isFirst([`${module.file}#${name}`, ...members].join("."), seen)) return true;
    into.modules.add(module);
    const target = module.exports.get(name);
    if (typeof target === "string") {
      if (target !== name && name !== "default") into.units.add(module.link(`${name}=${target}`));
      return lookUp(module, [target, ...members], into, seen);
    }
    if (target !== undefined) {
      into.units.add(module.link(`${name}=${target.name}<${target.from}`));
      return follow(module, target, members, into, seen);
    }
    if (name === "default") return false;
    const stars = module.stars.map((from) => ({ from, found: resolve(from, module.file) }));
    let isThere = false;
    for (const { from, found } of stars) {
      if (found._tag !== "Script") continue;
      if (!exported(moduleAt(found.file), name, members, into, seen)) continue;
      into.units.add(module.link(`*<${from}`));
      isThere = true;
    }
    if (isThere) return true;
    // It may come from any package that is re-exported as a whole.
    const others = stars.filter(({ found }) => found._tag !== "Script");
    for (const { from, found } of others) note(found, from, module, into);
    return others.length > 0;
  };

  const note = (found: Resolved, from: string, module: Module, into: Needs): void => {
    if (found._tag === "Data") into.data.add(found.file);
    if (found._tag === "Installed") into.installed.set(found.name, found.version);
    if (found._tag === "Missing") {
      into.problems.add(`${nameOf(module)} imports "${from}", which is not there`);
    }
  };

  /** A module that is loaded for everything it does: a worker, `import "./register.ts"`. */
  const whole = (module: Module, into: Needs): void => {
    for (const unit of module.units) into.units.add(unit);
    namespace(module, [], into, new Set());
  };

  const load = (from: string, module: Module, into: Needs): void => {
    const found = resolve(from, module.file);
    if (found._tag === "Script") whole(moduleAt(found.file), into);
    else note(found, from, module, into);
  };

  const loadFile = (name: string, module: Module, into: Needs): void => {
    if (/^[a-z][a-z+.-]+:/i.test(name) && !name.startsWith("file:")) return;
    const folder = path.dirname(module.file);
    const file = path.resolve(folder, decodeURIComponent(name.replace(/[?#].*$/, "")));
    const found = resolve(name.startsWith("file:") ? name : file, module.file);
    const isFile = statSync(file, { throwIfNoEntry: false })?.isFile() === true;
    if (isFile && found._tag === "Script") return whole(moduleAt(found.file), into);
    if (isFile) return note(found, name, module, into);
    // Not a file beside the module: a package, or something that is not there yet.
    const other = /^[./#]/.test(name) ? undefined : resolve(name, module.file);
    if (other?._tag === "Installed" && other.version !== "absent") note(other, name, module, into);
  };

  const needsOf = memoised((unit: Unit): Needs => {
    const needs = noNeeds();
    const { module } = unit;
    const { references, imports, files, unfollowed } = unit.usage();
    for (const one of references) lookUp(module, one.split("."), needs, new Set());
    for (const from of imports) load(from, module, needs);
    for (const name of files) loadFile(name, module, needs);
    if (unfollowed !== undefined) {
      const line = module.text.slice(0, unfollowed.at).split("\n").length;
      needs.problems.add(`${nameOf(module)} ${unfollowed.what} (line ${line})`);
    }
    return needs;
  });

  const loadOf = memoised((module: Module): Needs => {
    const needs = noNeeds();
    if (module.problem !== undefined) {
      needs.problems.add(`${nameOf(module)} cannot be read: ${module.problem}`);
    }
    for (const unit of module.units) if (unit.acts) needs.units.add(unit);
    for (const [from, bare] of module.loads) {
      if (bare) load(from, module, needs);
      // What our own modules import by name does nothing when it is loaded.
      else if (!inLibrary(module)) {
        const found = resolve(from, module.file);
        const target = found._tag === "Script" ? moduleIfOwn(found.file) : undefined;
        if (target !== undefined) needs.modules.add(target);
        if (found._tag === "Missing") note(found, from, module, needs);
      }
    }
    return needs;
  });

  const moduleIfOwn = (file: string): Module | undefined =>
    isLibrary(packageOf(file)?.name ?? "") ? undefined : moduleAt(file);

  const known = new Map<Module, Map<string, Needs>>();
  const standsFor = (module: Module, wanted: string): Needs => {
    const inModule = known.get(module) ?? new Map<string, Needs>();
    known.set(module, inModule);
    const before = inModule.get(wanted);
    if (before !== undefined) return before;
    const needs = noNeeds();
    inModule.set(wanted, needs);
    const names = wanted.split(".");
    const imported = module.imports.get(names[0] ?? "");
    const found = imported === undefined ? undefined : resolve(imported.from, module.file);
    const isForeign =
      found !== undefined && (found._tag !== "Script" || moduleIfOwn(found.file) === undefined);
    if (!isForeign) lookUp(module, names, needs, new Set());
    return needs;
  };

  return { moduleAt, realFile, isLibrary: inLibrary, needsOf, loadOf, standsFor };
};

type Names = ReadonlyArray<string>;

const nameOf = ({ file }: Module): string => path.basename(file);

const isFirst = (key: string, seen: Set<string>): boolean => {
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
};

const memoised = <K extends object, A>(compute: (key: K) => A): ((key: K) => A) => {
  const known = new Map<K, A>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const value = compute(key);
    known.set(key, value);
    return value;
  };
};
