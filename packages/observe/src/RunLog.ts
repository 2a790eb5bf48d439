/**
 * Logs that are kept with the run: what stages log, and what happened to them, as one file of JSON
 * lines in the state folder, `logs/RUN.ndjson`.
 *
 * A log is not a record: nothing waits until it is written, and a log that cannot be written is a
 * warning and not the end of a run. What happened for certain is in the {@link Store}.
 */
import { LineFile, type Engine } from "@ml-pipe/core";
import * as Clock from "effect/Clock";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Latch from "effect/Latch";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import { atMost } from "./internal/atMost.ts";
import { ofEvent, ofLog } from "./internal/logEntry.ts";
import {
  Entry,
  everyMillis,
  fileOf,
  type Filter,
  matches,
  type RunLogUnreadable,
  tail,
} from "./LogReader.ts";

export {
  Entry,
  fileOf,
  Level,
  matches,
  RunLogUnreadable,
  tail,
  type Filter,
  type Tail,
} from "./LogReader.ts";

/** How the log of runs is kept. */
export interface RunLogShape {
  /** Says what the engine tells; give it to the run as its listener, or as part of it. */
  readonly onEvent: (event: Engine.RunEvent) => Effect.Effect<void>;
}

/**
 * The log of the runs of this process.
 *
 * @example
 * ```ts
 * import { Engine, type Pipeline } from "@ml-pipe/core";
 * import { RunLog } from "@ml-pipe/observe";
 * import * as Effect from "effect/Effect";
 *
 * const run = (pipeline: Pipeline.Pipeline<unknown, Error, never>) =>
 *   Effect.gen(function* () {
 *     const engine = yield* Engine.Engine;
 *     const { onEvent } = yield* RunLog.RunLog;
 *     return yield* engine.run(pipeline, { onEvent });
 *   }).pipe(Effect.provide(RunLog.layer(".ml-pipe")));
 * ```
 */
export class RunLog extends Context.Service<RunLog, RunLogShape>()("@ml-pipe/observe/RunLog") {}

/**
 * Keeps a log with each run, in `folder/logs`, beside whatever loggers there are. What is logged
 * outside of stages goes to the run that is on its way.
 *
 * @example
 * ```ts
 * import { RunLog } from "@ml-pipe/observe";
 * import * as Effect from "effect/Effect";
 *
 * const kept = Effect.log("ready").pipe(Effect.provide(RunLog.layer(".ml-pipe")));
 * ```
 */
export const layer = (folder: string): Layer.Layer<RunLog> =>
  Layer.unwrap(
    Effect.map(make(folder), ({ service, logger }) =>
      Layer.merge(
        Layer.succeed(RunLog, service),
        Logger.layer([logger], { mergeWithExisting: true }),
      ),
    ),
  );

const make = Effect.fnUntraced(function* (folder: string) {
  const files = new Map<string, LineFile.LineFile>();
  const context = yield* Effect.context();
  const something = Latch.makeUnsafe(false);
  /** What was logged before the first run has begun. */
  let early: Array<Entry> = [];
  let current: string | undefined;

  const fileFor = (run: string): LineFile.LineFile => {
    const found = files.get(run);
    if (found !== undefined) return found;
    const file = fileOf(folder, run);
    const made = LineFile.make(file, {
      onFailure: (problem) =>
        Effect.runSyncWith(context)(
          Effect.logWarning(
            `the log ${file} cannot be written (${problem}): the run goes on, its log has gaps`,
          ),
        ),
      lost: (count) =>
        lineOf({
          at: new Date(),
          level: "warn",
          message: `${count} entries are missing here: they could not be written`,
        }),
    });
    files.set(run, made);
    return made;
  };

  const add = (run: string | undefined, entry: Entry): void => {
    if (run !== undefined) fileFor(run).push(lineOf(entry));
    else if (early.length < 1000) early.push(entry);
    something.openUnsafe();
  };

  const logger = Logger.make<unknown, void>((options) => {
    const { entry, run } = ofLog(options);
    add(run ?? current, entry);
  });

  const flushAll = (): Promise<unknown> =>
    Promise.all([...files.values()].map((file) => (file.waits() ? file.flush() : undefined)));

  const onEvent: RunLogShape["onEvent"] = Effect.fnUntraced(function* (event) {
    const now = new Date(yield* Clock.currentTimeMillis);
    if (event._tag === "RunStarted") {
      current = event.run.id;
      for (const entry of early) add(current, entry);
      early = [];
    }
    const run = runOf(event) ?? current;
    for (const entry of ofEvent(event, now)) add(run, entry);
    if (event._tag === "StageEnded") void flushAll();
    if (event._tag !== "RunEnded") return;
    const file = files.get(event.run.id);
    files.delete(event.run.id);
    if (current === event.run.id) current = undefined;
    if (file !== undefined) yield* Effect.promise(() => atMost(file.close(), 2_000));
  });

  const write = Effect.gen(function* () {
    yield* something.await;
    yield* Effect.sleep(everyMillis);
    something.closeUnsafe();
    yield* Effect.promise(flushAll);
  });
  yield* Effect.addFinalizer(() =>
    Effect.promise(() =>
      atMost(Promise.all([...files.values()].map((file) => file.close())), 2_000),
    ),
  );
  yield* Effect.forkScoped(Effect.forever(write));
  return { service: RunLog.of({ onEvent }), logger };
});

const runOf = (event: Engine.RunEvent): string | undefined => {
  switch (event._tag) {
    case "RunStarted":
    case "RunEnded":
      return event.run.id;
    case "StageStarted":
    case "StageEnded":
      return event.stage.run;
    default:
      return undefined;
  }
};

const lineOf = Schema.encodeSync(Schema.fromJsonString(Entry));

/**
 * The log of a run as it is now; empty if none is kept. What a killed process wrote half is left out.
 *
 * @example
 * ```ts
 * import { RunLog } from "@ml-pipe/observe";
 * import * as Stream from "effect/Stream";
 *
 * const warnings = RunLog.read(".ml-pipe", "20261124-072342-1f0a93bc", { level: "warn" }).pipe(
 *   Stream.map(({ stage, message }) => `${stage}: ${message}`),
 * );
 * ```
 */
export const read = (
  folder: string,
  run: string,
  filter: Filter = {},
): Stream.Stream<Entry, RunLogUnreadable> => follow(folder, run, Effect.succeed(true), filter);

/**
 * The log of a run as it grows, until `ended` says that nothing more is going to come.
 *
 * @example
 * ```ts
 * import { Store } from "@ml-pipe/core";
 * import { RunLog } from "@ml-pipe/observe";
 * import * as Effect from "effect/Effect";
 * import * as Option from "effect/Option";
 *
 * const grow = (id: string) =>
 *   RunLog.follow(
 *     ".ml-pipe",
 *     id,
 *     Store.Store.use((store) => store.run(id)).pipe(
 *       Effect.map(Option.exists(({ status }) => status !== "running")),
 *     ),
 *   );
 * ```
 */
export const follow = <E, R>(
  folder: string,
  run: string,
  ended: Effect.Effect<boolean, E, R>,
  filter: Filter = {},
): Stream.Stream<Entry, E | RunLogUnreadable, R> =>
  Stream.suspend(() => {
    const { next } = tail(fileOf(folder, run));
    return Stream.paginate(
      undefined,
      Effect.fnUntraced(function* () {
        const entries = yield* next(ended);
        const wanted = (entries ?? []).filter((entry) => matches(entry, filter));
        return [wanted, entries === undefined ? Option.none() : Option.some(undefined)] as const;
      }),
    );
  });
