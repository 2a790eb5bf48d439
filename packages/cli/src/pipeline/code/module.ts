/** A module of a program, and what it consists of. */
import { readFileSync } from "node:fs";
import { Digest } from "@ml-pipe/ml-pipe";
import type { Memory, Remembered } from "./memory.ts";
import { type Imported, type Parsed, parseModule, type Piece } from "./outline.ts";
import type { Usage } from "./usage.ts";

/** A top-level declaration or statement of a module, or one of its re-exports. */
export interface Unit extends Piece {
  readonly module: Module;
  readonly usage: () => Usage;
  /** Changes when its meaning does, or what the imported names in it stand for. */
  readonly digest: () => Digest.Digest;
}

/** One file of a program. */
export interface Module {
  readonly file: string;
  readonly text: string;
  /** Why it could not be read. */
  readonly problem: string | undefined;
  readonly units: ReadonlyArray<Unit>;
  readonly byName: ReadonlyMap<string, ReadonlyArray<Unit>>;
  readonly imports: ReadonlyMap<string, Imported>;
  /** What it exports: a local name, or something of another module. */
  readonly exports: ReadonlyMap<string, string | Imported>;
  /** Modules that it re-exports all names of. */
  readonly stars: ReadonlyArray<string>;
  /** Every module that is loaded with it, and whether only for what that does. */
  readonly loads: ReadonlyArray<readonly [from: string, bare: boolean]>;
  /** The unit that stands for a re-export. */
  readonly link: (text: string) => Unit;
}

/** Reads a file, and parses it if `memory` does not know it. One that is not valid has a problem. */
export const readModule = (file: string, memory: Memory): Module => {
  let text = "";
  let parsed: Parsed | undefined;
  const parse = () => (parsed ??= parseModule(file, text));
  try {
    text = readFileSync(file, "utf8");
    const facts = memory.recall(file, text, () => parse().outline);
    return moduleOf(file, text, facts, parse, memory);
  } catch (cause) {
    const [problem] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    const outline = { pieces: [], imports: [], exports: [], stars: [], loads: [] };
    const facts = { outline, usages: [], digests: [] };
    return moduleOf(file, text, facts, parse, memory, problem);
  }
};

const moduleOf = (
  file: string,
  text: string,
  { outline, usages, digests }: Remembered,
  parse: () => Parsed,
  memory: Memory,
  problem?: string,
): Module => {
  const imports = new Map(outline.imports);
  const links = new Map<string, Unit>();
  const byName = new Map<string, Array<Unit>>();
  const units: Array<Unit> = [];
  const link = (text: string): Unit => {
    const known = links.get(text) ?? linkOf(module, text);
    links.set(text, known);
    return known;
  };
  const { exports, stars, loads } = outline;
  const module: Module = {
    file,
    text,
    problem,
    units,
    byName,
    imports,
    exports: new Map(exports),
    stars,
    loads,
    link,
  };

  for (const [index, piece] of outline.pieces.entries()) {
    const usage = (): Usage => {
      const known = usages[index];
      if (known !== undefined && known !== null) return known;
      memory.learned();
      return (usages[index] = parse().usageOf(index));
    };
    const digest = (): Digest.Digest => {
      const known = digests[index];
      if (known !== undefined && known !== null) return known;
      memory.learned();
      const names = new Set(usage().references.map((path) => path.split(".")[0] ?? ""));
      const bound = [...names].toSorted().map((name) => [name, imports.get(name) ?? null]);
      const content = [parse().textOf(index), bound.filter(([, imported]) => imported !== null)];
      return (digests[index] = Digest.ofJson(content));
    };
    const unit: Unit = { ...piece, module, usage, digest };
    units.push(unit);
    for (const name of piece.names) {
      const others = byName.get(name);
      if (others === undefined) byName.set(name, [unit]);
      else others.push(unit);
    }
  }
  return module;
};

const linkOf = (module: Module, text: string): Unit => {
  const place = Number.POSITIVE_INFINITY;
  const digest = Digest.ofBytes(text);
  return {
    module,
    names: [],
    start: place,
    end: place,
    acts: false,
    evaluated: false,
    usage: () => nothing,
    digest: () => digest,
  };
};

const nothing: Usage = {
  references: [],
  writes: [],
  calls: [],
  changesItself: false,
  imports: [],
  files: [],
};
