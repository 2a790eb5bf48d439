/** Runs what is due, one run of a pipeline after the other. */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Option from "effect/Option";
import { Engine, type EngineServices, type RunEvent } from "../../Engine.ts";
import type { Run } from "../../Run.ts";
import { type Queued, Store, type StoreError } from "../../Store.ts";
import type { Watched } from "./look.ts";

/** What is told of a run. */
export interface Telling {
  readonly event: (event: RunEvent) => Effect.Effect<void>;
  readonly started: (queued: Queued, run: Run) => Effect.Effect<void>;
  readonly ended: (queued: Queued, run: Run) => Effect.Effect<void>;
  readonly notRun: (queued: Queued, problem: string) => Effect.Effect<void>;
}

/** What to do for an occurrence: begin a run, go on with one, or nothing because its run has ended. */
type Step =
  | { readonly _tag: "Begin" }
  | { readonly _tag: "Resume"; readonly run: string }
  | { readonly _tag: "Done" };

/**
 * Begins or goes on with the run of an occurrence. `false`: it did not end, for a reason that may pass.
 *
 * What has run is read from the records alone. A process that was killed before the run's first record
 * has not begun it; one that was killed after it has, and it goes on under the same name.
 */
export const perform = Effect.fnUntraced(function* <R>(
  { pipeline, file }: Watched<R>,
  queued: Queued,
  options: { readonly startedBy?: string; readonly telling: Telling },
): Effect.fn.Return<boolean, StoreError, Engine | Store | Exclude<R, EngineServices>> {
  const { triggers, run: find } = yield* Store;
  const { telling, startedBy } = options;
  const step = yield* nextStep(queued);
  if (step._tag === "Done") {
    yield* triggers.end(queued.id);
    return true;
  }
  yield* triggers.begin(queued.id);
  let started: string | undefined;
  const onEvent = Effect.fnUntraced(function* (event: RunEvent) {
    yield* telling.event(event);
    if (event._tag === "RunEnded") yield* telling.ended(queued, event.run);
    if (event._tag !== "RunStarted") return;
    started ??= event.run.id;
    yield* telling.started(queued, event.run);
  });
  const engine = yield* Engine;
  const exit = yield* Effect.exit(
    engine.run(pipeline, {
      onEvent,
      ...(step._tag === "Resume"
        ? { resume: step.run }
        : { causedBy: { trigger: queued.trigger, occurrence: queued.occurrence } }),
      ...(file === undefined ? {} : { file }),
      ...(startedBy === undefined ? {} : { startedBy }),
    }),
  );
  if (started === undefined) {
    yield* telling.notRun(queued, problemOf(exit));
    return false;
  }
  const record = Option.getOrUndefined(yield* find(started));
  if (record?.status === "running") {
    yield* telling.notRun(queued, `the end of its run was not recorded: ${problemOf(exit)}`);
    return false;
  }
  yield* triggers.end(queued.id);
  return true;
});

const nextStep = Effect.fnUntraced(function* (
  queued: Queued,
): Effect.fn.Return<Step, StoreError, Store> {
  const { triggers, run: find } = yield* Store;
  const id =
    queued.resumes ??
    (queued.began ? Option.getOrUndefined(yield* triggers.runOf(queued)) : undefined);
  if (id === undefined) return { _tag: "Begin" };
  const status = Option.getOrUndefined(yield* find(id))?.status;
  switch (status) {
    case "interrupted":
    case "running":
      return { _tag: "Resume", run: id };
    case "suspended":
      // A run that waits lets others pass; a word at its gate is an occurrence of its own.
      return queued.resumes === undefined ? { _tag: "Done" } : { _tag: "Resume", run: id };
    default:
      return { _tag: "Done" };
  }
});

/** Why a run did not begin. */
const problemOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "nothing was recorded";
  const error = Cause.squash(exit.cause);
  return error instanceof Error ? error.message : String(error);
};
