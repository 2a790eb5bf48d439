/** `ml-pipe check`: types, graph and contracts, without reading data. */
import { Graph } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { lockWarnings } from "../contracts/lockFile.ts";
import { charterWarnings } from "../pipeline/contracts.ts";
import type { Terminal } from "../Terminal.ts";
import { pretty } from "../view/json.ts";
import { type Problem, problemText } from "../view/problem.ts";
import { duration, plural, shortPath } from "../view/text.ts";
import { type NotValid, type Prepared, prepare } from "./prepare.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `check` was asked for. */
export interface CheckOptions {
  readonly file: string;
  readonly stateFolder: string;
  readonly types: boolean;
  readonly json: boolean;
}

/** Runs the command; the result is its exit code. */
export const check = (options: CheckOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    prepare(options).pipe(
      Effect.map((prepared) => tellValid(prepared, options, context.terminal)),
      Effect.catchTag("NotValid", (error) =>
        Effect.sync(() => tellNotValid(error, options, context)),
      ),
    ),
  );

const tellValid = (
  { pipeline, types }: Prepared,
  options: CheckOptions,
  terminal: Terminal,
): number => {
  const { out, err, style, errStyle } = terminal;
  const graph = Graph.of(pipeline);
  if (options.json) {
    const encoded = Schema.encodeSync(Graph.Graph)(graph);
    out(pretty({ file: options.file, valid: true, problems: [], graph: encoded }));
    return ExitCode.succeeded;
  }
  const checked =
    types === undefined
      ? "not checked"
      : types.skipped
        ? "unchanged since they were last checked"
        : `checked in ${duration(types.millis)}`;
  const stages = plural(graph.stages.length, "stage");
  const feedback = plural(graph.feedback.length, "feedback edge");
  const contracts = plural(Object.keys(graph.contracts).length, "contract");
  out(
    `${style.green("✓")} ${style.bold(graph.pipeline)} is valid  ${style.dim(shortPath(options.file))}`,
  );
  out(`  types      ${checked}`);
  out(`  graph      ${stages}, ${feedback}`);
  out(`  contracts  ${contracts}`);
  const warnings = [
    ...charterWarnings(pipeline, new Date()),
    ...lockWarnings(pipeline, options.file),
  ];
  for (const warning of warnings) err(errStyle.yellow(`! ${warning}`));
  return ExitCode.succeeded;
};

const tellNotValid = (
  { problems }: NotValid,
  options: CheckOptions,
  context: CommandContext,
): number => {
  if (options.json) {
    context.terminal.out(
      pretty({ file: options.file, valid: false, problems: problems.map(problemJson) }),
    );
  }
  tellProblems(problems, options.file, context);
  return ExitCode.invalid;
};

/** Writes what is wrong with a pipeline, and how much. */
export const tellProblems = (
  problems: ReadonlyArray<Problem>,
  file: string,
  { terminal, debug }: CommandContext,
): void => {
  const { err, errStyle } = terminal;
  err(
    problems
      .map((problem) => `${problemText(problem, errStyle, debug)}\n`)
      .join("\n")
      .trimEnd(),
  );
  if (problems.some(({ tag }) => tag === "PipelineFileMissing")) return;
  err(errStyle.bold(`${shortPath(file)} is not valid: ${plural(problems.length, "problem")}`));
};

/** A problem as JSON. */
export const problemJson = ({ stack: _, ...problem }: Problem): Omit<Problem, "stack"> => problem;
