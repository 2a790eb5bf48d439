/** `ml-pipe resume`: goes on with a run that did not end. */
import { existsSync } from "node:fs";
import type { Run } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { findRun, withStore } from "../StateFolder.ts";
import { shortPath } from "../view/text.ts";
import { run as runFile } from "./run.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `resume` was asked for. */
export interface ResumeOptions {
  readonly run: string | undefined;
  /** The pipeline file, if it is not where it was. */
  readonly file: string | undefined;
  readonly stateFolder: string;
  readonly types: boolean;
  readonly json: boolean;
}

/** Nothing waits, or its pipeline file is not there. */
export class NotResumable extends Schema.TaggedError<NotResumable>()("NotResumable", {
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `${this.problem}. ${this.next}`;
  }
}

/** Runs the command; the result is its exit code. */
export const resume = (options: ResumeOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const run = yield* runToResume(options);
      const file = yield* fileOf(run, options.file);
      const { stateFolder, types, json } = options;
      const how = { force: false, fresh: false, startedBy: undefined, resume: run.id };
      return () => runFile({ ...how, file, stateFolder, types, json }, context);
    }),
  );

/** The run that was named, else the newest that did not end. */
const runToResume = Effect.fnUntraced(function* ({ run, stateFolder }: ResumeOptions) {
  if (run !== undefined) return yield* findRun(stateFolder, run);
  const runs = yield* withStore(stateFolder, (store) => store.runs(100));
  const unfinished = runs.find(
    ({ status }) => status === "interrupted" || status === "suspended" || status === "failed",
  );
  if (unfinished === undefined) {
    return yield* new NotResumable({
      problem: "no run waits or was interrupted",
      next: "Begin one with `ml-pipe run FILE`",
    });
  }
  return yield* findRun(stateFolder, unfinished.id);
});

/** The pipeline file of a run. */
export const fileOf = (
  run: Run.Run,
  given: string | undefined,
): Effect.Effect<string, NotResumable> => {
  const file = given ?? run.file ?? run.graph.place?.file;
  if (file !== undefined && existsSync(file)) return Effect.succeed(file);
  return Effect.fail(
    new NotResumable({
      problem:
        file === undefined
          ? `it is not known from which file run ${run.id} came`
          : `the file of run ${run.id}, ${shortPath(file)}, is not there`,
      next: "Name it with --file FILE",
    }),
  );
};
