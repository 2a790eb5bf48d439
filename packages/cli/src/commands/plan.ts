/** `ml-pipe run --dry` and `ml-pipe status --explain`: what a run would do, and because of what. */
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { Artifact, Engine, Local, Plan, Run } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as CodeOf from "../pipeline/codeOf.ts";
import * as ExitCode from "../ExitCode.ts";
import type { Runnable } from "../pipeline/loadPipeline.ts";
import { existingReport, findRun, stateFlag } from "../StateFolder.ts";
import { pretty } from "../view/json.ts";
import { planText } from "../view/plan.ts";
import { runText } from "../view/run.ts";
import { isFile } from "../verbs/isFile.ts";
import { problemJson, tellProblems } from "./check.ts";
import { prepare } from "./prepare.ts";
import { fileOf } from "./resume.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";
import { unfinishedRun } from "./unfinishedRun.ts";

/** What `run --dry` was asked for. */
export interface PlanOptions {
  readonly file: string;
  readonly stateFolder: string;
  readonly types: boolean;
  readonly force: boolean;
  /** Begin a new run, also if the last one did not end. */
  readonly fresh: boolean;
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
export const plan = (options: PlanOptions, context: CommandContext): Promise<number> => {
  const { out, style } = context.terminal;
  return runCommand(
    context,
    ifValid(options, context, (pipeline) =>
      Effect.map(planOf(pipeline, options), (made) =>
        out(
          options.json
            ? pretty(planJson(made))
            : planText(made.plan, { style, ...made }).join("\n"),
        ),
      ),
    ),
  );
};

/** Runs `status --explain`; the result is its exit code. */
export const explain = (
  { what, stateFolder, json }: ExplainOptions,
  context: CommandContext,
): Promise<number> => {
  const { out, style } = context.terminal;
  const how = { stateFolder, json, types: false, force: false, fresh: false };
  return runCommand(
    context,
    Effect.gen(function* () {
      const named = what !== undefined && isFile(what);
      const run = named ? undefined : yield* findRun(stateFolder, what);
      const file = named ? what : run === undefined ? "" : yield* fileOf(run);
      const options = { ...how, file };
      return yield* ifValid(
        options,
        context,
        Effect.fnUntraced(function* (pipeline) {
          const made = yield* planOf(pipeline, options);
          if (json) {
            const shown = run === undefined ? {} : { run: Schema.encodeSync(Run.Run)(run) };
            return out(pretty({ ...shown, plan: planJson(made) }));
          }
          if (run !== undefined) {
            const report = existingReport(stateFolder, run.id);
            const surroundings = { stateFlag: stateFlag(stateFolder), ...report };
            out(`${runText(run, { style, now: new Date(), ...surroundings })}\n`);
          }
          return out(planText(made.plan, { style, ...made }).join("\n"));
        }),
      );
    }),
  );
};

/** Does something with a pipeline that is valid; says what is wrong with one that is not. */
const ifValid = <E>(
  options: PlanOptions,
  context: CommandContext,
  tell: (pipeline: Runnable) => Effect.Effect<void, E>,
): Effect.Effect<number, E | Artifact.ArtifactStoreError> =>
  prepare(options).pipe(
    Effect.matchEffect({
      onSuccess: ({ pipeline }) => Effect.as(tell(pipeline), ExitCode.succeeded),
      onFailure: (error) => {
        if (error._tag !== "NotValid") return Effect.fail(error);
        const { problems } = error;
        if (options.json) {
          context.terminal.out(pretty({ _tag: "Refused", problems: problems.map(problemJson) }));
        }
        tellProblems(problems, options.file, context);
        return Effect.succeed(ExitCode.invalid);
      },
    }),
  );

type Planned = Effect.Success<ReturnType<typeof planOf>>;

const planJson = ({ plan, ...rest }: Planned) => ({
  ...Schema.encodeSync(Plan.Plan)(plan),
  ...rest,
});

/** The plan of what `run` would do: begin a run, or go on with the newest. */
const planOf = Effect.fnUntraced(function* (pipeline: Runnable, options: PlanOptions) {
  const unfinished = yield* unfinishedRun(pipeline.name, options);
  const how = {
    force: options.force,
    ...(unfinished === undefined ? {} : { resume: unfinished.id }),
  };
  const plan = yield* Engine.Engine.use((engine) => engine.plan(pipeline, how)).pipe(
    Effect.provideService(Engine.CodeOf, CodeOf.make(options.stateFolder)),
    Effect.provide(services(options.stateFolder)),
  );
  return { plan, ...(unfinished === undefined ? {} : { continues: unfinished.id }) };
});

/** Those of the state folder; where nothing is recorded yet, those of one that is gone afterwards. */
const services = (folder: string) =>
  existsSync(path.join(folder, "ml-pipe.sqlite"))
    ? Local.layer(folder)
    : Layer.unwrap(Effect.map(emptyFolder, Local.layer));

const emptyFolder = Effect.acquireRelease(
  Artifact.attempt("make a folder in", os.tmpdir(), () =>
    fs.mkdtemp(path.join(os.tmpdir(), "ml-pipe-plan-")),
  ),
  (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true })),
);
