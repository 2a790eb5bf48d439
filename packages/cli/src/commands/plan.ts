/** `ml-pipe run --dry` and `ml-pipe status --explain`: what a run would do, and because of what. */
import { Engine, Local } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as CodeOf from "../pipeline/codeOf.ts";
import * as ExitCode from "../ExitCode.ts";
import type { Runnable } from "../pipeline/loadPipeline.ts";
import { findRun } from "../StateFolder.ts";
import { planJson, planText } from "../view/plan.ts";
import { runText } from "../view/run.ts";
import { isFile } from "../verbs/isFile.ts";
import { tellProblems } from "./check.ts";
import { prepare } from "./prepare.ts";
import { fileOf } from "./resume.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `run --dry` was asked for. */
export interface PlanOptions {
  readonly file: string;
  readonly stateFolder: string;
  readonly types: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

/** What `status --explain` was asked for. */
export interface ExplainOptions {
  /** A pipeline file or a run; the newest run if absent. */
  readonly what: string | undefined;
  readonly stateFolder: string;
  readonly json: boolean;
}

/** Runs `run --dry`; the result is its exit code. */
export const plan = (options: PlanOptions, context: CommandContext): Promise<number> =>
  runCommand(context, planned(options, context));

/** Runs `status --explain`; the result is its exit code. */
export const explain = (
  { what, stateFolder, json }: ExplainOptions,
  context: CommandContext,
): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const { out, style } = context.terminal;
      const how = { stateFolder, json, types: false, force: false };
      if (what !== undefined && isFile(what))
        return yield* planned({ ...how, file: what }, context);
      const run = yield* findRun(stateFolder, what);
      const file = yield* fileOf(run, undefined);
      if (!json) out(`${runText(run, { style, now: new Date(), stateFlag: "" })}\n`);
      return yield* planned({ ...how, file }, context);
    }),
  );

const planned = (options: PlanOptions, context: CommandContext) =>
  Effect.gen(function* () {
    const { out, style } = context.terminal;
    const { pipeline } = yield* prepare(options);
    const made = yield* planOf(pipeline, options);
    out(options.json ? planJson(made) : planText(made, style).join("\n"));
    return ExitCode.succeeded;
  }).pipe(
    Effect.catchTag("NotValid", ({ problems }) =>
      Effect.sync(() => {
        tellProblems(problems, options.file, context);
        return ExitCode.invalid;
      }),
    ),
  );

const planOf = (pipeline: Runnable, { stateFolder, force }: PlanOptions) =>
  Engine.Engine.use((engine) => engine.plan(pipeline, { force })).pipe(
    Effect.provideService(Engine.CodeOf, CodeOf.make()),
    Effect.provide(Local.layer(stateFolder)),
  );
