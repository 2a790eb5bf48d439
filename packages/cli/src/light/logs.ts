/** `ml-pipe logs`: what the stages of a run have logged. */
import type { Store } from "@ml-pipe/core";
import { LogReader } from "@ml-pipe/observe";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import type { CommandContext } from "../commands/runCommand.ts";
import * as ExitCode from "../ExitCode.ts";
import { tellStageUnknown } from "../showGraph.ts";
import { runIn, type RunMissing, withStore } from "../StateFolder.ts";
import { entryText } from "../view/logs.ts";

/** What `logs` was asked for. */
export interface LogsOptions {
  readonly stateFolder: string;
  readonly run: string | undefined;
  readonly stage: string | undefined;
  readonly level: LogReader.Level | undefined;
  readonly follow: boolean;
  readonly json: boolean;
}

/** Writes them; the result is an exit code. */
export const logs = (
  options: LogsOptions,
  { terminal, signal }: CommandContext,
): Effect.Effect<number, RunMissing | Store.StoreError | LogReader.RunLogUnreadable> =>
  withStore(options.stateFolder, (store) =>
    Effect.gen(function* () {
      const { run, stage } = yield* whatIsMeant(store, options);
      const stages = run.graph.stages.map(({ name }) => name);
      if (stage !== undefined && !stages.includes(stage)) {
        return tellStageUnknown(run.graph, stage, terminal);
      }
      const { level } = options;
      const ended = options.follow ? hasEnded(store, run.id) : Effect.succeed(true);
      const { next } = LogReader.tail(LogReader.fileOf(options.stateFolder, run.id));
      const width = Math.max(0, ...stages.map(({ length }) => length));
      let any = false;
      while (true) {
        const entries = yield* next(ended);
        if (entries === undefined) break;
        any ||= entries.length > 0;
        for (const entry of entries) {
          if (!LogReader.matches(entry, { stage, level })) continue;
          terminal.out(options.json ? lineOf(entry) : entryText(entry, width, terminal.style));
        }
      }
      if (!any) terminal.err(`no log is kept of run ${run.id}`);
      return ExitCode.succeeded;
    }),
  ).pipe(Effect.raceFirst(interrupted(signal)));

const lineOf = Schema.encodeSync(Schema.fromJsonString(LogReader.Entry));

/** `logs train` means the stage of the newest run. */
const whatIsMeant = Effect.fnUntraced(function* (
  store: Store.StoreShape,
  { stateFolder, run, stage }: LogsOptions,
) {
  if (run !== undefined && stage === undefined && (yield* store.idsBeginning(run)).length === 0) {
    const newest = Option.getOrUndefined(yield* store.run());
    if (newest?.graph.stages.some(({ name }) => name === run)) return { run: newest, stage: run };
  }
  return { run: yield* runIn(store, stateFolder, run), stage };
});

/** Also if its process was killed: the store knows. */
const hasEnded = (store: Store.StoreShape, id: string) =>
  Effect.map(
    store.run(id),
    Option.exists(({ status }) => status !== "running"),
  );

/** Ctrl-C. */
const interrupted = (signal: AbortSignal): Effect.Effect<number> =>
  Effect.callback((resume) => {
    const end = () => resume(Effect.succeed(ExitCode.interrupted));
    if (signal.aborted) return end();
    signal.addEventListener("abort", end, { once: true });
    return Effect.sync(() => signal.removeEventListener("abort", end));
  });
