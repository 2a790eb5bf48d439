/** One mark and one colour for each way that a stage, a run or a gate can stand. */
import type { Run, Verdict } from "@ml-pipe/core";
import type { Style } from "./Style.ts";

const marks: { readonly [S in Run.StageStatus]: readonly [string, keyof Style] } = {
  running: ["▸", "cyan"],
  succeeded: ["✓", "green"],
  cached: ["=", "green"],
  skipped: ["-", "dim"],
  stopped: ["■", "yellow"],
  suspended: ["◷", "cyan"],
  failed: ["✗", "red"],
  interrupted: ["!", "yellow"],
  "not-reached": ["·", "dim"],
};

/** The mark of a stage. */
export const markOf = (status: Run.StageStatus, style: Style): string => {
  const [mark, colour] = marks[status];
  return style[colour](mark);
};

/** The status of a run or stage as a coloured word. */
export const statusWord = (status: Run.StageStatus, style: Style): string =>
  style[marks[status][1]](status.replace("-", " "));

/** The mark of a gate's answer. */
export const outcomeMark = (outcome: Verdict.Outcome, style: Style): string => {
  if (outcome === "passed") return style.green("✓");
  return outcome === "failed" ? style.red("✗") : style.yellow("?");
};

/** The status of a verdict as a coloured word. */
export const verdictWord = (status: Verdict.Status, style: Style): string => {
  if (status === "passed") return style.green(status);
  return status === "rejected" ? style.red(status) : style.yellow(status);
};
