/**
 * The daemon: watches the triggers of pipelines and runs what is due.
 *
 * Each occurrence causes one run, also if the daemon is killed at any instant: it is recorded before it
 * runs, its run names it from the first record on, and a run that was cut off goes on under the same
 * name. One run of a pipeline at a time; what comes meanwhile waits. A run that is suspended lets others
 * pass, and goes on once somebody has said yes or no at its gate.
 */
import * as path from "node:path";
import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import * as Scope from "effect/Scope";
import type { Engine, RunEvent } from "./Engine.ts";
import { type Watch, watchApprovals, type Watched, watchTrigger } from "./internal/daemon/look.ts";
import { perform, type Telling } from "./internal/daemon/work.ts";
import type { Pipeline } from "./Pipeline.ts";
import type { Run } from "./Run.ts";
import { type FolderOwned, type Queued, Store, type StoreError } from "./Store.ts";

/** Which trigger of which pipeline something is about. `~approval`: a word at a gate. */
interface About {
  readonly pipeline: string;
  readonly trigger: string;
}

/** What the daemon does, in the order in which it does it. */
export type DaemonEvent =
  /** A trigger of a calendar will be due. */
  | ({ readonly _tag: "Next"; readonly at: Date } & About)
  /** Something is due, and waits for its turn. */
  | ({ readonly _tag: "Due"; readonly occurrence: string } & About)
  | ({ readonly _tag: "RunStarted"; readonly occurrence: string; readonly run: Run } & About)
  | ({ readonly _tag: "RunEnded"; readonly occurrence: string; readonly run: Run } & About)
  /** A run could not begin or go on; it is tried again. */
  | ({ readonly _tag: "NotRun"; readonly occurrence: string; readonly problem: string } & About)
  /** A trigger could not be looked at; it is tried again. Told once as long as the reason is the same. */
  | ({ readonly _tag: "LookFailed"; readonly problem: string } & About);

/** What the daemon is to do. */
export interface DaemonOptions<R> {
  readonly pipelines: ReadonlyArray<{
    readonly pipeline: Pipeline<unknown, unknown, R>;
    /** The file that it comes from; its folder is where its globs begin (else: the working directory). */
    readonly file?: string;
  }>;
  /** How long to wait between two looks. Default 5 seconds; instants of a calendar are met exactly. */
  readonly every?: Duration.Input;
  /** Look once, run what is due, and end. */
  readonly once?: boolean;
  /** When this ends, nothing new begins; the daemon ends with the runs that it has begun. */
  readonly stop?: Effect.Effect<void>;
  readonly startedBy?: string;
  readonly onEvent?: (event: DaemonEvent) => Effect.Effect<void>;
  /** Told of each event of the runs, before {@link onEvent} is. */
  readonly onRunEvent?: (event: RunEvent) => Effect.Effect<void>;
}

/** How long to wait before a run that could not begin is tried again. */
const retryMs = 60_000;

/**
 * Watches and runs, until `stop` ends; without it, for ever. Owns the state folder meanwhile: fails with
 * `FolderOwned` if another process does. A run that fails and a trigger that cannot be looked at are
 * told, and do not end it. Interrupted, it interrupts its runs: they go on when it is started again.
 *
 * @example
 * ```ts
 * import { Daemon, type Engine, type Pipeline, type Store } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const watch = (
 *   pipeline: Pipeline.Pipeline<unknown, unknown, never>,
 * ): Effect.Effect<void, Store.StoreError | Store.FolderOwned, Engine.Engine | Store.Store> =>
 *   Daemon.run({
 *     pipelines: [{ pipeline, file: "pipeline.ts" }],
 *     onEvent: (event) => Effect.log(event._tag),
 *   });
 * ```
 */
export const run = <R>(
  options: DaemonOptions<R>,
): Effect.Effect<void, StoreError | FolderOwned, Engine | Store | R> =>
  Effect.scopedWith((scope) =>
    Effect.gen(function* () {
      const { own } = yield* Store;
      yield* Scope.provide(own, scope);
      const stopping = yield* Deferred.make<void>();
      if (options.stop !== undefined) {
        const stop = Effect.andThen(options.stop, Deferred.succeed(stopping, undefined));
        yield* Effect.forkIn(stop, scope);
      }
      yield* watchAll(options, stopping);
    }),
  );

const watchAll = Effect.fnUntraced(function* <R>(
  options: DaemonOptions<R>,
  stopping: Deferred.Deferred<void>,
) {
  const tell = options.onEvent ?? (() => Effect.void);
  const everyMs = Duration.toMillis(Duration.fromInputUnsafe(options.every ?? "5 seconds"));
  yield* Effect.forEach(
    options.pipelines,
    Effect.fnUntraced(function* ({ pipeline, file }) {
      const folder = file === undefined ? process.cwd() : path.dirname(path.resolve(file));
      const watched: Watched<R> = { pipeline, folder, ...(file === undefined ? {} : { file }) };
      const watches: ReadonlyArray<Watch<R>> = [
        ...pipeline.triggers.map((trigger) => watchTrigger(watched, trigger)),
        watchApprovals(watched),
      ];
      const { startedBy, onRunEvent = () => Effect.void } = options;
      const context = { watched, stopping, tell, everyMs, startedBy, onRunEvent };
      const wake = yield* Queue.sliding<void>(1);
      const looks = Effect.forEach(
        watches,
        (watch) => look(watch, { ...context, wake, once: options.once === true }),
        { concurrency: "unbounded", discard: true },
      );
      if (options.once === true) yield* Effect.andThen(looks, drain(context));
      else yield* Effect.all([looks, work(context, wake)], { concurrency: 2, discard: true });
    }),
    { concurrency: "unbounded", discard: true },
  );
});

interface Context<R> {
  readonly watched: Watched<R>;
  /** Completed once nothing new is to begin. */
  readonly stopping: Deferred.Deferred<void>;
  readonly tell: (event: DaemonEvent) => Effect.Effect<void>;
  readonly everyMs: number;
  readonly startedBy: string | undefined;
  readonly onRunEvent: (event: RunEvent) => Effect.Effect<void>;
}

/** Waits, unless it is time to stop; says whether it is. */
const unlessStopping = (
  { stopping }: Pick<Context<unknown>, "stopping">,
  wait: Effect.Effect<unknown>,
): Effect.Effect<boolean> =>
  Effect.raceFirst(Effect.as(wait, false), Effect.as(Deferred.await(stopping), true));

/** Looks again and again, and tells what is due. */
const look = Effect.fnUntraced(function* <R>(
  { trigger, look, next }: Watch<R>,
  context: Context<R> & { readonly wake: Queue.Queue<void>; readonly once: boolean },
) {
  const { watched, tell, everyMs, wake, once } = context;
  const about = { pipeline: watched.pipeline.name, trigger };
  let toldProblem: string | undefined;
  let toldAt: number | undefined;
  for (let looks = 1; ; looks++) {
    const found = yield* look.pipe(
      Effect.catchCause((cause) => {
        // An interruption is one of the daemon: a look has none of its own.
        if (Cause.hasInterrupts(cause)) return Effect.failCause(Cause.interrupt());
        const error = Cause.squash(cause);
        const problem = error instanceof Error ? error.message : String(error);
        const isNew = problem !== toldProblem;
        toldProblem = problem;
        const failed = isNew ? tell({ _tag: "LookFailed", ...about, problem }) : Effect.void;
        return Effect.as(failed, undefined);
      }),
    );
    if (found !== undefined) {
      toldProblem = undefined;
      for (const occurrence of found.occurrences)
        yield* tell({ _tag: "Due", ...about, occurrence });
      if (found.occurrences.length > 0) yield* Queue.offer(wake, undefined);
    }
    const now = yield* Clock.currentTimeMillis;
    const at = next(new Date(now));
    if (at !== undefined && at.getTime() !== toldAt) {
      toldAt = at.getTime();
      yield* tell({ _tag: "Next", ...about, at });
    }
    if (once && (looks === 2 || found?.settling !== true)) return;
    const settleMs = settleOf(watched, trigger);
    const pauseMs = once ? settleMs : Math.min(everyMs, found?.settling ? settleMs + 100 : everyMs);
    const waitMs = Math.min(pauseMs, Math.max(0, (at?.getTime() ?? Infinity) - now));
    if (yield* unlessStopping(context, Effect.sleep(waitMs))) return;
  }
});

const settleOf = ({ pipeline }: Watched, trigger: string): number => {
  const spec = pipeline.triggers.find(({ spec }) => spec.name === trigger)?.spec;
  return spec?.kind === "newFile" ? spec.settleMs : 0;
};

/** Runs what is due, as it comes. */
const work = Effect.fnUntraced(function* <R>(context: Context<R>, wake: Queue.Queue<void>) {
  for (;;) {
    const isDone = yield* drain(context);
    const wait = isDone ? Queue.take(wake) : Effect.sleep(retryMs);
    if (yield* unlessStopping(context, wait)) return;
  }
});

/** Runs all that waits, the oldest first. `false`: a run could not begin or go on. */
const drain = Effect.fnUntraced(function* <R>(context: Context<R>) {
  const { watched, stopping, startedBy } = context;
  const telling = tellingOf(context);
  const { triggers } = yield* Store;
  for (;;) {
    if (yield* Deferred.isDone(stopping)) return true;
    const first = yield* Effect.result(triggers.queue(watched.pipeline.name));
    if (first._tag === "Failure") return yield* Effect.as(notRead(context, first.failure), false);
    const [queued] = first.success;
    if (queued === undefined) return true;
    const options = { telling, ...(startedBy === undefined ? {} : { startedBy }) };
    const isDone = yield* perform(watched, queued, options).pipe(
      Effect.catchTag("StoreError", ({ message }) =>
        Effect.as(telling.notRun(queued, message), false),
      ),
    );
    if (!isDone) return false;
  }
});

const notRead = <R>({ tell, watched }: Context<R>, { message }: StoreError) =>
  tell({ _tag: "LookFailed", pipeline: watched.pipeline.name, trigger: "", problem: message });

const tellingOf = <R>({ tell, onRunEvent }: Context<R>): Telling => {
  const about = ({ pipeline, trigger, occurrence }: Queued) => ({ pipeline, trigger, occurrence });
  return {
    event: onRunEvent,
    started: (queued, run) => tell({ _tag: "RunStarted", ...about(queued), run }),
    ended: (queued, run) => tell({ _tag: "RunEnded", ...about(queued), run }),
    notRun: (queued, problem) => tell({ _tag: "NotRun", ...about(queued), problem }),
  };
};
