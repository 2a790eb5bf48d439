/** The live tree of a run: one line for each stage, at most as wide as the terminal. */
import { findingsText, type Progress, type StageProgress } from "./progress.ts";
import { markOf } from "./marks.ts";
import type { Style } from "./Style.ts";
import { compact, cut, duration, pad } from "./text.ts";

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const barColumns = 10;

/** The lines to draw at `now`. */
export const treeLines = (
  progress: Progress,
  options: { readonly style: Style; readonly columns: number; readonly now: Date },
): ReadonlyArray<string> => {
  const { run, stages } = progress;
  if (run === undefined) return [];
  const { style, columns, now } = options;
  const names = Math.min(Math.max(...stages.map(({ name }) => name.length), 4), 18);
  const head = `${run.pipeline}  run ${run.id}  ${duration(now.getTime() - run.startedAt.getTime())}`;
  return [
    style.bold(cut(head, columns)),
    ...stages.map((stage) => stageLine(stage, names, options)),
  ];
};

const stageLine = (
  stage: StageProgress,
  names: number,
  { style, columns, now }: { readonly style: Style; readonly columns: number; readonly now: Date },
): string => {
  const name = pad(cut(stage.name, names), names);
  const [took, details] = detailsOf(stage, now);
  // Measured before it is coloured: colours take no columns.
  const text = cut(`${took.padEnd(9)} ${details}`.trimEnd(), Math.max(0, columns - names - 5));
  const line = `  ${mark(stage, style, now)} ${paintName(stage, name, style)}`;
  return text === "" ? line.trimEnd() : `${line} ${paint(stage, text, style)}`;
};

const mark = (stage: StageProgress, style: Style, now: Date): string => {
  if (stage.status === "waiting") return style.dim("·");
  if (stage.status !== "running") return markOf(stage.status, style);
  const frame = Math.floor(now.getTime() / 100) % spinner.length;
  return style.cyan(spinner[frame] ?? "▸");
};

const paintName = ({ status }: StageProgress, name: string, style: Style): string => {
  if (status === "waiting" || status === "not-reached") return style.dim(name);
  return status === "running" ? style.bold(name) : name;
};

const paint = ({ status, findings }: StageProgress, text: string, style: Style): string => {
  if (status === "failed" || findings.fail > 0) return style.red(text);
  if (status === "stopped" || findings.warn > 0) return style.yellow(text);
  return status === "running" ? text : style.dim(text);
};

/** How long it took, and what there is to say. */
const detailsOf = (stage: StageProgress, now: Date): readonly [string, string] => {
  const { status, startedAt, endedAt = now } = stage;
  const millis = startedAt === undefined ? 0 : endedAt.getTime() - startedAt.getTime();
  const rows = rowsText(stage, millis);
  const details = (...parts: ReadonlyArray<string>) =>
    parts.filter((part) => part !== "").join("  ");
  switch (status) {
    case "waiting":
      return ["", ""];
    case "skipped":
      return ["", "skipped"];
    case "not-reached":
      return ["", "not reached"];
    case "suspended":
      return ["waits", details(stage.note, findingsText(stage.findings))];
    case "running":
      return [duration(millis), details(bar(stage.share), rows, stage.label)];
    case "cached":
      return ["cached", details(rows, findingsText(stage.findings))];
    case "succeeded":
      return [duration(millis), details(rows, findingsText(stage.findings))];
    case "failed":
    case "stopped":
    case "interrupted":
      return [status, details(stage.note, findingsText(stage.findings))];
  }
};

const rowsText = ({ rows, status }: StageProgress, millis: number): string => {
  if (rows === undefined) return "";
  const text = `${compact(rows)} ${rows === 1 ? "row" : "rows"}`;
  // Shorter than this, the rate says more about the clock.
  if (millis < 50 || status === "cached") return text;
  return `${text}, ${compact((rows / millis) * 1_000)}/s`;
};

const bar = (share: number | undefined): string => {
  if (share === undefined) return "";
  const full = Math.round(Math.min(1, Math.max(0, share)) * barColumns);
  return `${"█".repeat(full)}${"░".repeat(barColumns - full)} ${String(Math.round(share * 100)).padStart(3)} %`;
};
