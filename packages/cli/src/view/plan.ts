/** A plan as text: what would run, and because of what. */
import { Plan } from "@ml-pipe/core";
import type { Style } from "./Style.ts";
import { columns, plural } from "./text.ts";

/** One line for each stage, each thing that has changed where there are several, and how many run. */
export const planText = (
  plan: Plan.Plan,
  options: {
    readonly style: Style;
    /** The run that would be gone on with. */
    readonly continues?: string;
  },
): ReadonlyArray<string> => {
  const { style, continues } = options;
  const count = (state: Plan.PlannedStage["state"]) =>
    plan.stages.filter((stage) => stage.state === state).length;
  const lines = columns(
    plan.stages.map(({ stage, state, reason, changes }) => [
      marks[state](style),
      stage,
      words[state],
      style.dim(changes.length > inOneLine ? `${changes.length} changes:` : reason),
    ]),
  );
  const goes = continues === undefined ? "" : `, going on with run ${continues}`;
  const may = count("unknown") === 0 ? "" : `, ${count("unknown")} may run`;
  return [
    `${style.bold("Plan")}  ${plan.pipeline}: ${count("stale")} of ${plural(plan.stages.length, "stage")} would run${may}${goes}`,
    ...plan.stages.flatMap(({ changes }, index) => [
      `  ${lines[index] ?? ""}`,
      ...(changes.length > inOneLine
        ? changes.map((change) => style.dim(`      ${Plan.changeText(change)}`))
        : []),
    ]),
  ];
};

/** So many changes the reason names; more are told one a line. */
const inOneLine = 3;

const words = { fresh: "fresh", stale: "runs", unknown: "may run", skipped: "skipped" };

const marks: { readonly [S in Plan.PlannedStage["state"]]: (style: Style) => string } = {
  fresh: (style) => style.green("="),
  stale: (style) => style.yellow("▸"),
  unknown: (style) => style.cyan("?"),
  skipped: (style) => style.dim("-"),
};
