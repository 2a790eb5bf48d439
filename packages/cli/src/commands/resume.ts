/** `ml-pipe resume`: goes on with a run that did not end. */
import { statSync } from "node:fs";
import type { Run } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { findRun, withStore } from "../StateFolder.ts";
import { shortPath } from "../view/text.ts";
import { run as runFile } from "./run.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `resume` was asked for. */
export interface ResumeOptions {
  /** Default: the newest that did not end. */
  readonly run: string | undefined;
  /** The pipeline file, if it is not where it was. */
  readonly file: string | undefined;
  readonly stateFolder: string;
  readonly types: boolean;
  readonly json: boolean;
}

/** There is nothing to go on with. */
export class NothingToResume extends Schema.TaggedError<NothingToResume>()("NothingToResume", {
  folder: Schema.String,
}) {
  override get message(): string {
    return `no pipeline's newest run in ${this.folder} was interrupted, waits or failed. Begin one with: ml-pipe run FILE`;
  }
}

/** The pipeline file of a run is not there. */
export class RunFileMissing extends Schema.TaggedError<RunFileMissing>()("RunFileMissing", {
  run: Schema.String,
  /** Absent if it was never recorded. */
  path: Schema.optionalKey(Schema.String),
}) {
  override get message(): string {
    const problem =
      this.path === undefined
        ? `it is not recorded from which file run ${this.run} came`
        : `the pipeline file of run ${this.run} is not there any more: ${shortPath(this.path)}`;
    return `${problem}. Say where it is with --file FILE`;
  }
}

/** Runs the command; the result is its exit code. */
export const resume = (options: ResumeOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const run = yield* runToResume(options);
      const file = options.file ?? (yield* fileOf(run));
      const { stateFolder, types, json } = options;
      const how = { force: false, fresh: false, startedBy: undefined, keepStopped: true };
      return () => runFile({ ...how, resume: run, file, stateFolder, types, json }, context);
    }),
  );

const unfinished: ReadonlySet<Run.RunStatus> = new Set(["interrupted", "suspended", "failed"]);

/** The run that was named; else the newest that did not end and was not followed by another. */
const runToResume = Effect.fnUntraced(function* ({ run, stateFolder }: ResumeOptions) {
  if (run !== undefined) return yield* findRun(stateFolder, run);
  const runs = yield* withStore(stateFolder, (store) => store.runs(1000));
  const newest = runs.filter(
    ({ id, pipeline }) => runs.find((other) => other.pipeline === pipeline)?.id === id,
  );
  const found = newest.find(({ status }) => unfinished.has(status));
  if (found === undefined) return yield* new NothingToResume({ folder: shortPath(stateFolder) });
  return yield* findRun(stateFolder, found.id);
});

/** The pipeline file that a run came from. */
export const fileOf = (run: Run.Run): Effect.Effect<string, RunFileMissing> => {
  const file = run.file ?? run.graph.place?.file;
  if (file !== undefined && statSync(file, { throwIfNoEntry: false })?.isFile() === true) {
    return Effect.succeed(file);
  }
  return Effect.fail(
    new RunFileMissing({ run: run.id, ...(file === undefined ? {} : { path: file }) }),
  );
};
