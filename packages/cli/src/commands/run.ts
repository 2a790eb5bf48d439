/** `ml-pipe run`: checks a pipeline, runs it, and tells how it went. */
import * as path from "node:path";
import { Engine, Local, Observer, type Run } from "@ml-pipe/ml-pipe";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as ExitCode from "../ExitCode.ts";
import { lockWarnings } from "../contracts/lockFile.ts";
import { servedWarnings } from "../features/computed.ts";
import { charterWarnings } from "../pipeline/contracts.ts";
import * as CodeOf from "../pipeline/codeOf.ts";
import type { Runnable } from "../pipeline/loadPipeline.ts";
import { startedBy } from "../pipeline/startedBy.ts";
import { existingReport, stateFlag } from "../StateFolder.ts";
import type { Problem } from "../view/problem.ts";
import { outcomeText, problemsText } from "../view/run.ts";
import { duration, plural } from "../view/text.ts";
import { problemJson, tellProblems } from "./check.ts";
import { prepare, type Prepared } from "./prepare.ts";
import {
  type CommandContext,
  exitCodeOf,
  problemsOf,
  runCommand,
  tellCause,
} from "./runCommand.ts";
import { unfinishedRun } from "./unfinishedRun.ts";
import { openWatch, type Watch } from "./watch.ts";
import { writeReport } from "./writeReport.ts";

/** What `run` was asked for. */
export interface RunOptions {
  readonly file: string;
  readonly stateFolder: string;
  readonly types: boolean;
  readonly force: boolean;
  /** Begin a new run, also if the last one did not end. */
  readonly fresh: boolean;
  readonly startedBy: string | undefined;
  readonly json: boolean;
  /** The run to go on with, if it is named. */
  readonly resume?: Run.RunSummary;
  /** Go on with what stages kept that were stopped early. */
  readonly keepStopped?: boolean;
}

/** Runs the command; the result is its exit code. */
export const run = (options: RunOptions, context: CommandContext): Promise<number> => {
  const codeOf = CodeOf.make(options.stateFolder);
  // While types are checked, the code of the stages is identified.
  const identify = (pipeline: Runnable) =>
    Effect.forEach(pipeline.nodes, codeOf, { concurrency: "unbounded", discard: true });
  return runCommand(
    context,
    prepare({ ...options, writes: true }, identify).pipe(
      Effect.flatMap(
        Effect.fnUntraced(function* (prepared) {
          tellPrepared(prepared, options, context);
          const { pipeline } = prepared;
          const { err, errStyle } = context.terminal;
          for (const warning of yield* servedWarnings(
            pipeline,
            options.file,
            options.stateFolder,
          )) {
            err(errStyle.yellow(`! ${warning}`));
          }
          const resume = options.resume ?? (yield* unfinishedRun(pipeline.name, options));
          if (resume === undefined) return () => execute(pipeline, codeOf, options, context);
          tellContinued(resume, options, context);
          return () => execute(pipeline, codeOf, { ...options, resume }, context);
        }),
      ),
      Effect.catchTag("NotValid", ({ problems }) =>
        Effect.sync(() => () => refuse(problems, options, context)),
      ),
    ),
  );
};

const refuse = async (
  problems: ReadonlyArray<Problem>,
  { file, json }: RunOptions,
  context: CommandContext,
): Promise<number> => {
  if (json) {
    context.terminal.out(JSON.stringify({ _tag: "Refused", problems: problems.map(problemJson) }));
  }
  tellProblems(problems, file, context);
  return ExitCode.invalid;
};

const tellContinued = (
  { id, status }: Run.RunSummary,
  { json, resume }: RunOptions,
  { terminal: { out, style } }: CommandContext,
): void => {
  if (json) return;
  const why: { readonly [S in Run.RunStatus]?: string } = {
    interrupted: ", which was interrupted",
    suspended: ", which waits",
    failed: ", which failed",
    stopped: ", which was stopped",
  };
  const otherwise = resume === undefined ? " (--new begins another)" : "";
  out(style.dim(`continues run ${id}${why[status] ?? ""}${otherwise}`));
};

const tellPrepared = (
  { pipeline, types }: Prepared,
  { file, json }: RunOptions,
  { terminal }: CommandContext,
): void => {
  const { out, err, style, errStyle } = terminal;
  const warnings = [...charterWarnings(pipeline, new Date()), ...lockWarnings(pipeline, file)];
  for (const warning of warnings) err(errStyle.yellow(`! ${warning}`));
  if (json) return;
  if (types === undefined) out(style.dim("types not checked (--no-types)"));
  else if (!types.skipped) {
    out(style.dim(`types of ${plural(types.files, "file")} checked in ${duration(types.millis)}`));
  }
};

/**
 * Runs a valid pipeline. How it ended is told from the record, which knows of every failure; Ctrl-C
 * ends the run, not the telling.
 */
const execute = async (
  pipeline: Runnable,
  codeOf: CodeOf.CodeOf,
  options: RunOptions,
  context: CommandContext,
): Promise<number> => {
  const { stateFolder, force, resume, keepStopped = false } = options;
  const watch = openWatch(options.json ? "json" : "text", context.terminal);
  const ended: Array<Run.Run> = [];
  const onEvent = (event: Engine.RunEvent) =>
    Effect.sync(() => {
      if (event._tag === "RunEnded") ended.push(event.run);
      watch.tell(event);
    });
  const { file } = options;
  const beginning =
    resume === undefined
      ? { file: path.resolve(file), startedBy: startedBy(options.startedBy, file) }
      : { resume: resume.id, keepStopped };
  const exit = await Effect.runPromiseExit(
    Effect.gen(function* () {
      const engine = yield* Engine.Engine;
      const observer = yield* Observer.Observer;
      const both = (event: Engine.RunEvent) =>
        Effect.andThen(observer.onEvent(event), onEvent(event));
      return yield* engine.run(pipeline, { force, onEvent: both, ...beginning });
    }).pipe(
      Effect.provideService(Engine.CodeOf, codeOf),
      Effect.provide(Observer.layer(stateFolder)),
      Effect.provide(watch.logging),
      Effect.provide(Local.layer(stateFolder)),
    ),
    { signal: context.signal },
  );
  watch.close();
  for (const record of ended) await Effect.runPromise(writeReport(record, stateFolder, context));
  const last = ended.at(-1);
  if (last !== undefined) tellEnd(last, options, context, watch);
  return Exit.isSuccess(exit)
    ? ExitCode.succeeded
    : tellFailure(exit.cause, last, options, context);
};

/** What is in the record: failures, findings, verdict, hooks, report, next commands. */
const tellEnd = (
  record: Run.Run,
  { json, stateFolder }: RunOptions,
  { terminal: { out, style } }: CommandContext,
  watch: Watch,
): void => {
  const report = existingReport(stateFolder, record.id);
  if (json) {
    if (report.report !== undefined) {
      out(JSON.stringify({ _tag: "ReportWritten", path: path.resolve(report.report) }));
    }
    return;
  }
  watch.tellSummary(record);
  const lines = [
    ...problemsText(record, style),
    ...outcomeText(record, { style, stateFlag: stateFlag(stateFolder), ...report }),
  ];
  for (const line of lines) out(line);
};

/** The exit code of a run that did not succeed. What the record does not say is said here. */
const tellFailure = (
  cause: Cause.Cause<unknown>,
  record: Run.Run | undefined,
  options: RunOptions,
  context: CommandContext,
): number => {
  if (Cause.hasInterruptsOnly(cause)) return ExitCode.interrupted;
  const recorded = record?.stages.some(({ failure }) => failure !== undefined) ?? false;
  if (!recorded || context.debug) {
    if (options.json) {
      const problems = problemsOf(cause).map(problemJson);
      context.terminal.out(JSON.stringify({ _tag: "Failed", problems }));
    }
    tellCause(cause, context);
  }
  switch (record?.status) {
    case "suspended":
      return ExitCode.suspended;
    case "stopped":
      return ExitCode.stopped;
    default:
      return exitCodeOf(cause);
  }
};
