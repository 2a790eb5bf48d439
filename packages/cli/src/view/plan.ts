/** A plan as text: what would run, and because of what. */
import { Plan } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { pretty } from "./json.ts";
import type { Style } from "./Style.ts";
import { columns, plural } from "./text.ts";

/** One line for each stage, and how many run. */
export const planText = (plan: Plan.Plan, style: Style): ReadonlyArray<string> => {
  const count = (state: Plan.PlannedStage["state"]) =>
    plan.stages.filter((stage) => stage.state === state).length;
  const rows = plan.stages.map(({ stage, state, reason }) => [
    marks[state](style),
    stage,
    words[state],
    style.dim(reason),
  ]);
  const may = count("unknown") === 0 ? "" : `, ${count("unknown")} may run`;
  return [
    style.bold(plan.pipeline),
    ...columns(rows).map((line) => `  ${line}`),
    `${count("stale")} of ${plural(plan.stages.length, "stage")} would run${may}`,
  ];
};

const words = { fresh: "fresh", stale: "runs", unknown: "may run", skipped: "skipped" };

const marks: { readonly [S in Plan.PlannedStage["state"]]: (style: Style) => string } = {
  fresh: (style) => style.green("="),
  stale: (style) => style.yellow("▸"),
  unknown: (style) => style.cyan("?"),
  skipped: (style) => style.dim("-"),
};

/** The plan as one JSON document. */
export const planJson = (plan: Plan.Plan): string => pretty(Schema.encodeSync(Plan.Plan)(plan));
