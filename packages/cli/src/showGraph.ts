/** Shows a graph, or one stage of it. */
import type { Graph } from "@ml-pipe/core";
import * as ExitCode from "./ExitCode.ts";
import type { Terminal } from "./Terminal.ts";
import { graphText, stageText } from "./view/graph.ts";
import { graphJson, stageJson } from "./view/json.ts";
import { similar } from "./view/text.ts";

/** Writes it; the result is an exit code. */
export const showGraph = (
  graph: Graph.Graph,
  options: { readonly stage: string | undefined; readonly json: boolean },
  { out, err, style, errStyle }: Terminal,
): number => {
  if (options.stage === undefined) {
    out(options.json ? graphJson(graph) : graphText(graph, style));
    return ExitCode.succeeded;
  }
  const stage = graph.stages.find(({ name }) => name === options.stage);
  if (stage === undefined) return tellStageUnknown(graph, options.stage, { err, errStyle });
  out(options.json ? stageJson(stage) : stageText(graph, stage, style));
  return ExitCode.succeeded;
};

/** Says that there is no such stage; the result is an exit code. */
export const tellStageUnknown = (
  graph: Graph.Graph,
  stage: string,
  { err, errStyle }: Pick<Terminal, "err" | "errStyle">,
): number => {
  const names = graph.stages.map(({ name }) => name);
  const [meant] = similar(stage, names);
  const hint = meant === undefined ? "" : `Did you mean "${meant}"? `;
  err(
    `${errStyle.red("StageUnknown")}: the pipeline "${graph.pipeline}" has no stage "${stage}". ${hint}Its stages are ${names.join(", ")}`,
  );
  return ExitCode.invalid;
};
