/** Where a stage was written: the declarations around the calls that led to `Stage.make`. */
import type { Stage } from "@ml-pipe/ml-pipe";
import { packageOf } from "../packages.ts";
import type { Module, Unit } from "./module.ts";
import type { Program } from "./program.ts";
import { isLibrary } from "./resolve.ts";

type Frame = Stage.StageInfo["frames"][number];

/** The declarations that a stage is made of. */
export interface StageRoots {
  readonly units: ReadonlyArray<Unit>;
  readonly modules: ReadonlyArray<Module>;
  /** The outermost of the author's files that took part. */
  readonly home: string | undefined;
}

/** Finds the declarations that enclose the frames; a text says why that is not possible. */
export const rootsOf = (
  program: Program,
  frames: ReadonlyArray<Frame>,
): StageRoots | { readonly unknown: string } => {
  const units = new Set<Unit>();
  const modules = new Set<Module>();
  let home: string | undefined;
  for (const frame of frames) {
    const file = program.realFile(frame.file);
    if (file === undefined) return { unknown: `${frame.file} is not there` };
    const owner = packageOf(file);
    const isOurs = isLibrary(owner?.name ?? "");
    // Loaders and test runners; and what our own packages do around the author's code.
    if (owner?.name === "@ml-pipe/cli" || (owner?.installed === true && !isOurs)) continue;
    if (isOurs && home !== undefined) continue;
    if (!isOurs) home = file;
    const module = program.moduleAt(file);
    modules.add(module);
    for (const unit of unitsAt(module, frame)) units.add(unit);
  }
  if (modules.size === 0) return { unknown: "it is not known where the stage is defined" };
  return { units: [...units], modules: [...modules], home };
};

/** The declarations around a place; all of the module if there is none. */
const unitsAt = (module: Module, { line, column }: Frame): ReadonlyArray<Unit> => {
  const starts = lineStarts(module);
  const start = starts[line - 1] ?? 0;
  const at = start + column - 1;
  const around = module.units.filter((unit) => unit.start <= at && at < unit.end);
  if (around.length > 0) return around;
  const end = starts[line] ?? module.text.length;
  const onLine = module.units.filter((unit) => unit.start < end && unit.end > start);
  return onLine.length > 0 ? onLine : module.units;
};

const known = new WeakMap<Module, ReadonlyArray<number>>();

/** Where the lines of a module start. */
const lineStarts = (module: Module): ReadonlyArray<number> => {
  const before = known.get(module);
  if (before !== undefined) return before;
  const starts = [0, ...[...module.text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  known.set(module, starts);
  return starts;
};
