/**
 * The live tree of a run: a line for each stage, sub-pipelines indented. Where there are more stages
 * than lines, sub-pipelines are folded, then only those stages are shown that someone may want to see,
 * and the others are counted.
 */
import type { Progress, StageProgress } from "./progress.ts";
import { type Look, stageLine } from "./stageLine.ts";
import { count, cut, duration, width } from "./text.ts";

/** The lines to draw: no more than `rows`, each no wider than the look allows. */
export const treeLines = (
  progress: Progress,
  look: Look & { readonly rows?: number },
): ReadonlyArray<string> => {
  const { run, stages } = progress;
  if (run === undefined) return [];
  const { style, columns, now, rows = Infinity } = look;
  const begun = run.resumedAt?.at(-1) ?? run.startedAt;
  const elapsed = duration((run.endedAt ?? now).getTime() - begun.getTime());
  const head = style.bold(cut(`${run.pipeline}  run ${run.id}  ${elapsed}`, columns));
  if (rows < 2) return [style.bold(cut(`${run.pipeline}  ${countsText(stages)}`, columns))];
  return [head, ...bodyLines(stages, { ...look, room: rows - 1 })];
};

type Room = Look & { readonly room: number };

const bodyLines = (stages: ReadonlyArray<StageProgress>, look: Room): ReadonlyArray<string> => {
  const entries = outline(stages);
  if (entries.length <= look.room) return drawn(entries, look);
  const folded = fold(entries);
  return folded.length <= look.room ? drawn(folded, look) : notable(stages, look);
};

/** A line of the tree: a stage, or a sub-pipeline with what is in it. */
type Entry =
  | { readonly depth: number; readonly name: string; readonly stage: StageProgress }
  | {
      readonly depth: number;
      readonly name: string;
      /** Full name: `outer/inner`. */
      readonly group: string;
      readonly inside: ReadonlyArray<StageProgress>;
      readonly folded: boolean;
    };

/** Stages in the order of the graph, each sub-pipeline where its first stage is. */
const outline = (
  stages: ReadonlyArray<StageProgress>,
  within: ReadonlyArray<string> = [],
): ReadonlyArray<Entry> => {
  const depth = within.length;
  const inside = new Map<string, Array<StageProgress>>();
  const order: Array<StageProgress | string> = [];
  for (const stage of stages) {
    const group = stage.group[depth];
    if (group === undefined) order.push(stage);
    else if (inside.get(group)?.push(stage) === undefined) {
      inside.set(group, [stage]);
      order.push(group);
    }
  }
  return order.flatMap((item): ReadonlyArray<Entry> => {
    if (typeof item !== "string") return [{ depth, name: ownName(item), stage: item }];
    const path = [...within, item];
    const members = inside.get(item) ?? [];
    const group = path.join("/");
    return [
      { depth, name: item, group, inside: members, folded: false },
      ...outline(members, path),
    ];
  });
};

/** The name without the sub-pipelines that it is in. */
const ownName = ({ name, group }: StageProgress): string => {
  const prefix = [...group, ""].join("/");
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
};

/** Leaves out what is inside sub-pipelines where nothing happens now. */
const fold = (entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  let hidden = "";
  return entries.flatMap((entry): ReadonlyArray<Entry> => {
    const group = "stage" in entry ? entry.stage.group.join("/") : entry.group;
    if (hidden !== "" && `${group}/`.startsWith(hidden)) return [];
    hidden = "";
    if ("stage" in entry || entry.inside.some(isNotable)) return [entry];
    hidden = `${entry.group}/`;
    return [{ ...entry, folded: true }];
  });
};

const drawn = (entries: ReadonlyArray<Entry>, look: Look): ReadonlyArray<string> => {
  const { style, columns } = look;
  const names = nameColumns(
    entries.map(({ name, depth }) => width(name) + 2 * depth),
    columns,
  );
  return entries.map((entry) => {
    const indent = 2 * entry.depth;
    if ("stage" in entry) {
      return stageLine(entry.stage, { name: entry.name, names, indent }, look);
    }
    const text = `${" ".repeat(2 + indent)}${entry.folded ? "▸" : "▾"} ${entry.name}`;
    return style.dim(cut(`${text}  ${countsText(entry.inside)}`, columns));
  });
};

/** Names take as much as they need, and never more than half of a narrow terminal. */
const nameColumns = (widths: Iterable<number>, columns: number): number => {
  let widest = 4;
  for (const own of widths) widest = Math.max(widest, own);
  return Math.min(widest, columns < 60 ? 14 : 18);
};

const happening = new Set<StageProgress["status"]>([
  "running",
  "failed",
  "stopped",
  "suspended",
  "interrupted",
]);
const isNotable = ({ status, label }: StageProgress): boolean =>
  happening.has(status) || (status === "waiting" && label !== "");

/** Most wanted first, where not even all of these fit. */
const urgency: ReadonlyArray<StageProgress["status"]> = [
  "failed",
  "stopped",
  "interrupted",
  "suspended",
  "running",
  "waiting",
];

/** The stages that someone may want to see, and one line that counts the others. */
const notable = (stages: ReadonlyArray<StageProgress>, look: Room): ReadonlyArray<string> => {
  const room = look.room - 1;
  const wanted = stages
    .filter(isNotable)
    .toSorted((a, b) => urgency.indexOf(a.status) - urgency.indexOf(b.status));
  const shown = new Set(wanted.slice(0, room));
  const rest = stages.filter((stage) => !shown.has(stage));
  const names = nameColumns(
    Array.from(shown, ({ name }) => width(name)),
    look.columns,
  );
  return [
    ...stages
      .filter((stage) => shown.has(stage))
      .map((stage) => stageLine(stage, { name: stage.name, names, indent: 0 }, look)),
    look.style.dim(cut(`  … ${countsText(rest)}`, look.columns)),
  ];
};

const words: ReadonlyArray<readonly [StageProgress["status"], word: string]> = [
  ["failed", "failed"],
  ["stopped", "stopped"],
  ["interrupted", "interrupted"],
  ["suspended", "wait for somebody"],
  ["running", "running"],
  ["succeeded", "done"],
  ["cached", "cached"],
  ["skipped", "skipped"],
  ["waiting", "waiting"],
  ["not-reached", "not reached"],
];

/** `412 done, 30 cached, 550 waiting`. */
const countsText = (stages: ReadonlyArray<StageProgress>): string => {
  const counts = new Map<string, number>();
  for (const { status } of stages) counts.set(status, (counts.get(status) ?? 0) + 1);
  return words
    .flatMap(([status, word]) => {
      const found = counts.get(status);
      return found === undefined ? [] : [`${count(found)} ${word}`];
    })
    .join(", ");
};
