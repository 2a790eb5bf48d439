/** Everything that some declarations reach, through all modules. */
import type { Module, Unit } from "./module.ts";
import type { Needs, Program } from "./program.ts";

/** What was reached. */
export interface Reached {
  readonly units: ReadonlySet<Unit>;
  readonly data: ReadonlySet<string>;
  /** Versions of installed packages, by name. */
  readonly installed: ReadonlyMap<string, ReadonlySet<string>>;
  readonly problems: ReadonlySet<string>;
  /** Where it leads into our own packages, which are followed by themselves. */
  readonly library: { readonly units: ReadonlySet<Unit>; readonly modules: ReadonlySet<Module> };
}

/** Where to begin. */
export interface Roots {
  readonly units: Iterable<Unit>;
  readonly modules: Iterable<Module>;
}

/** Follows the author's code up to our own packages. */
export const reachOf = (program: Program): ((roots: Roots) => Reached) => {
  const writersIn = makeWriters(program);
  return (roots) => {
    const walk = startWalk(program, program.isLibrary);
    walk.enter(roots);
    // What changes a value that was reached counts, although nothing reached refers to it.
    for (;;) {
      const writers = [...walk.modules].flatMap((module) =>
        writersIn(module).filter(
          ({ unit, keys }) => !walk.units.has(unit) && keys.some((key) => walk.touched.has(key)),
        ),
      );
      if (writers.length === 0) return walk;
      walk.enter({ units: writers.map(({ unit }) => unit), modules: [] });
    }
  };
};

/** Follows our own packages. */
export const reachInLibrary = (program: Program, roots: Roots): Reached => {
  const walk = startWalk(program, () => false);
  walk.enter(roots);
  return walk;
};

const startWalk = (program: Program, stopsAt: (module: Module) => boolean) => {
  const units = new Set<Unit>();
  const modules = new Set<Module>();
  const data = new Set<string>();
  const installed = new Map<string, Set<string>>();
  const problems = new Set<string>();
  const touched = new Set<string>();
  const library = { units: new Set<Unit>(), modules: new Set<Module>() };
  const todo: Array<Unit> = [];

  const enterUnit = (unit: Unit): void => {
    if (units.has(unit)) return;
    if (stopsAt(unit.module)) {
      library.units.add(unit);
      return;
    }
    units.add(unit);
    todo.push(unit);
    for (const key of keysOf(unit)) touched.add(key);
  };
  const enterModule = (module: Module): void => {
    if (modules.has(module)) return;
    if (stopsAt(module)) {
      library.modules.add(module);
      return;
    }
    modules.add(module);
    take(program.loadOf(module));
  };
  const take = (needs: Needs): void => {
    for (const unit of needs.units) enterUnit(unit);
    for (const module of needs.modules) enterModule(module);
    for (const file of needs.data) data.add(file);
    for (const [name, version] of needs.installed) {
      const versions = installed.get(name) ?? new Set();
      installed.set(name, versions.add(version));
    }
    for (const problem of needs.problems) problems.add(problem);
    for (const name of needs.globals) touched.add(globalKey(name));
  };
  const enter = (roots: Roots): void => {
    for (const unit of roots.units) enterUnit(unit);
    for (const module of roots.modules) enterModule(module);
    for (let unit = todo.pop(); unit !== undefined; unit = todo.pop()) {
      enterModule(unit.module);
      take(program.needsOf(unit));
    }
  };
  return { units, modules, data, installed, problems, touched, library, enter };
};

const keysOf = ({ module, names }: Unit): ReadonlyArray<string> =>
  names.map((name) => `${module.file}#${name}`);

const globalKey = (name: string): string => `global#${name}`;

interface Writer {
  readonly unit: Unit;
  /** What it changes. */
  readonly keys: ReadonlyArray<string>;
}

/**
 * The declarations of a module that change other values while they are made, by what they do or by
 * functions that they reach: `const train = register("train", …)`.
 */
const makeWriters = (program: Program): ((module: Module) => ReadonlyArray<Writer>) => {
  const known = new Map<Module, ReadonlyArray<Writer>>();

  /** The author's declarations that some lead to. */
  const closureOf = (start: Iterable<Unit>): ReadonlySet<Unit> => {
    const found = new Set<Unit>();
    const todo = [...start];
    for (let unit = todo.pop(); unit !== undefined; unit = todo.pop()) {
      if (found.has(unit) || program.isLibrary(unit.module)) continue;
      found.add(unit);
      todo.push(...program.needsOf(unit).units);
    }
    return found;
  };

  const written = new Map<Unit, ReadonlyArray<string>>();
  const writtenBy = (unit: Unit): ReadonlyArray<string> => {
    const before = written.get(unit);
    if (before !== undefined) return before;
    const keys = new Set<string>();
    const note = ({ units, globals }: Needs) => {
      for (const one of units) for (const key of keysOf(one)) keys.add(key);
      for (const name of globals) keys.add(globalKey(name));
    };
    const { writes, calls } = unit.usage();
    for (const path of writes) note(program.standsFor(unit.module, path));
    for (const path of calls) {
      const target = program.standsFor(unit.module, path);
      const changes = [...closureOf(target.units)].some((one) => one.usage().changesItself);
      if (changes) note(target);
    }
    const found = [...keys];
    written.set(unit, found);
    return found;
  };

  return (module) => {
    const before = known.get(module);
    if (before !== undefined) return before;
    const writers = module.units.flatMap((unit): ReadonlyArray<Writer> => {
      if (!unit.evaluated || unit.acts) return [];
      const keys = new Set([...closureOf([unit])].flatMap(writtenBy));
      for (const own of keysOf(unit)) keys.delete(own);
      return keys.size === 0 ? [] : [{ unit, keys: [...keys] }];
    });
    known.set(module, writers);
    return writers;
  };
};
