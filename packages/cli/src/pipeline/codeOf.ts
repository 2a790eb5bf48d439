/**
 * The identity of a stage's code: digests of what the stage uses of each source file and package.
 *
 * It begins at the declarations that the stage was written in, and goes on to every declaration that
 * these refer to, through all modules. Of a declaration counts what it means: not its comments, its
 * types or how it is formatted. Statements beside the declarations (`config.x = 3`) count for every
 * stage that loads their module. Installed packages count by version, and so does what they depend
 * on; our own packages by the declarations that are reached. Files named as
 * `new URL("./file", import.meta.url)`, such as the code of a worker, count too. What cannot be
 * followed makes the code unknown, and its stages uncached.
 *
 * Two things are not seen: an effect of making a constant that no stage refers to, unless it changes
 * a value that the stage refers to by name; and code that hides behind text, such as `new Function`.
 */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Artifact, Digest, type Engine, type Stage } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import type { Module, Unit } from "./code/module.ts";
import { makeMemory } from "./code/memory.ts";
import { makeProgram, type Program } from "./code/program.ts";
import { type Reached, reachInLibrary, reachOf, type Roots } from "./code/reach.ts";
import { rootsOf, type StageRoots } from "./code/roots.ts";
import { nearestManifest, packageOf } from "./packages.ts";

/** Identifies the code of a stage, as the engine's reference `CodeOf` asks for it. */
export type CodeOf = (node: {
  readonly info: Pick<Stage.StageInfo, "frames">;
}) => Effect.Effect<Engine.CodeIdentity>;

/**
 * Reads each file once and remembers what it found: a changed file is seen by the next one that is
 * made. What it learns of texts is kept in the state folder, if there is one.
 */
export const make = (stateFolder?: string): CodeOf => {
  const memory = makeMemory(
    stateFolder === undefined ? undefined : path.resolve(stateFolder, "code.json"),
  );
  const identify = makeIdentify(makeProgram(memory));
  const known = new Map<string, Promise<Engine.CodeIdentity>>();
  return ({ info }) =>
    Effect.promise(() => {
      const place = JSON.stringify(info.frames);
      const found = known.get(place) ?? identify(info.frames);
      if (!known.has(place)) setImmediate(memory.save);
      known.set(place, found);
      return found;
    });
};

type Parts = ReadonlyMap<string, string>;

const makeIdentify = (program: Program) => {
  const reach = reachOf(program);
  const keyOf = makeKeys();
  const digestOf = makeDigests();
  const library = new Map<string, Promise<{ readonly parts: Parts; readonly reached: Reached }>>();
  const stages = new Map<string, Promise<Engine.CodeIdentity>>();

  /** Many stages lead to the same places of our packages. */
  const inLibrary = (roots: Roots) => {
    const key = keyOf(roots);
    const before = library.get(key);
    if (before !== undefined) return before;
    const compute = async () => {
      const reached = reachInLibrary(program, roots);
      const name = (file: string) => packageOf(file)?.name ?? path.basename(file);
      return { parts: await partsOf(reached, name, digestOf), reached };
    };
    const found = compute();
    library.set(key, found);
    return found;
  };

  const identifyRoots = async (roots: StageRoots): Promise<Engine.CodeIdentity> => {
    const reached = reach(roots);
    const ours = await inLibrary(reached.library);
    const [problem] = [...reached.problems, ...ours.reached.problems];
    if (problem !== undefined) return unknown(problem);
    const parts = await partsOf(reached, nameFrom(roots.home), digestOf);
    const all = [...parts, ...ours.parts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return { _tag: "Known", parts: Object.fromEntries(all) };
  };

  return async (frames: Stage.StageInfo["frames"]): Promise<Engine.CodeIdentity> => {
    const roots = rootsOf(program, frames);
    if ("unknown" in roots) return unknown(roots.unknown);
    const key = `${keyOf(roots)} ${roots.home ?? ""}`;
    const found = stages.get(key) ?? identifyRoots(roots);
    stages.set(key, found);
    return found;
  };
};

const unknown = (reason: string): Engine.CodeIdentity => ({ _tag: "Unknown", reason });

/** A text that is the same for the same set of declarations and modules. */
const makeKeys = () => {
  const ids = new Map<Unit | Module, number>();
  const idOf = (one: Unit | Module): number => {
    const id = ids.get(one) ?? ids.size;
    ids.set(one, id);
    return id;
  };
  return ({ units, modules }: Roots): string => {
    const numbers = [...units, ...modules].map(idOf);
    return numbers.toSorted((a, b) => a - b).join(" ");
  };
};

/** A digest for each file or package, by name. */
const partsOf = async (
  { units, data, installed }: Pick<Reached, "units" | "data" | "installed">,
  nameOf: (file: string) => string,
  digestOf: (file: string) => Promise<string>,
): Promise<Parts> => {
  const byModule = new Map<Module, Array<Unit>>();
  for (const unit of units) {
    const others = byModule.get(unit.module);
    if (others === undefined) byModule.set(unit.module, [unit]);
    else others.push(unit);
  }
  const contents = new Map<string, Array<readonly [file: string, content: string]>>();
  const add = (file: string, content: string) => {
    const name = nameOf(file);
    contents.set(name, [...(contents.get(name) ?? []), [relativeName(file), content]]);
  };
  for (const [{ file }, used] of byModule) {
    // In the order of the file; re-exports, which have no place of their own, in that of their digests.
    const inOrder = used.toSorted(
      (a, b) => compare(a.start, b.start) || compare(a.digest(), b.digest()),
    );
    add(file, inOrder.map((unit) => unit.digest()).join(" "));
  }
  for (const file of data) add(file, await digestOf(file));
  const parts = new Map<string, string>();
  for (const [name, files] of contents) {
    const inOrder = files.toSorted(([a], [b]) => compare(a, b));
    parts.set(name, Digest.ofJson(inOrder));
  }
  for (const [name, versions] of installed) parts.set(name, [...versions].toSorted().join(", "));
  return parts;
};

const compare = <A extends string | number>(a: A, b: A): number => (a < b ? -1 : a > b ? 1 : 0);

/** The path of a file in its package: the same wherever that lies. */
const relativeName = (file: string): string => relative(projectOf(file), file);

const relative = (from: string, file: string): string =>
  path.relative(from, file).replaceAll(path.sep, "/");

/** Names files by their path in the project of `home`; those of other packages begin with its name. */
const nameFrom = (home: string | undefined): ((file: string) => string) => {
  const project = home === undefined ? undefined : projectOf(home);
  return (file) => {
    const own = projectOf(file);
    const name = packageOf(file)?.name;
    const isHome = project === undefined || own === project || name === undefined;
    return isHome ? relative(project ?? own, file) : `${name}/${relative(own, file)}`;
  };
};

const projects = new Map<string, string>();

/** The folder of the nearest `package.json`, or that of the file. */
const projectOf = (file: string): string => {
  const folder = path.dirname(file);
  const found = projects.get(folder) ?? nearestManifest(file)?.folder ?? folder;
  projects.set(folder, found);
  return found;
};

/** Digests files that are no scripts; the formatting of JSON does not count. */
const makeDigests = () => {
  const known = new Map<string, Promise<string>>();
  const compute = async (file: string): Promise<string> => {
    const json = file.endsWith(".json") ? compactJson(await fs.readFile(file, "utf8")) : undefined;
    return json === undefined ? (await Artifact.digestFile(file)).digest : Digest.ofBytes(json);
  };
  return (file: string): Promise<string> => {
    const found = known.get(file) ?? compute(file);
    known.set(file, found);
    return found;
  };
};

const compactJson = (text: string): string | undefined => {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
};
