/** `ml-pipe show FILE`: the graph of a pipeline file. */
import { Graph } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { loadPipeline } from "../pipeline/loadPipeline.ts";
import { showGraph } from "../showGraph.ts";
import { toProblem } from "../view/problem.ts";
import { tellProblems } from "./check.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `show` was asked for. */
export interface ShowOptions {
  readonly file: string;
  readonly stage: string | undefined;
  readonly json: boolean;
}

/** Runs the command; the result is its exit code. */
export const show = (options: ShowOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    loadPipeline(options.file).pipe(
      Effect.map((pipeline) => showGraph(Graph.of(pipeline), options, context.terminal)),
      Effect.catch((error) =>
        Effect.sync(() => {
          tellProblems([toProblem(error)], options.file, context);
          return ExitCode.invalid;
        }),
      ),
    ),
  );
