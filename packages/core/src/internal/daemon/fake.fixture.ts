/** An engine that records runs and does nothing else, and a store that can be killed at any operation. */
import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { Engine, RunNotResumable, type RunOptions } from "../../Engine.ts";
import * as Graph from "../../Graph.ts";
import type { Pipeline } from "../../Pipeline.ts";
import type { Run } from "../../Run.ts";
import { Store } from "../../Store.ts";
import { deadPid } from "../folder.fixture.ts";

/** A process that may be killed before or after each operation of its store, and between. */
export interface Mortal {
  /** Something happens, unless the process is dead: then nothing ever does. */
  readonly step: Effect.Effect<void>;
  /** Ends when it is killed. */
  readonly killed: Effect.Effect<void>;
}

/** One that dies at its `at`th step. */
export const mortal = (at: number): Effect.Effect<Mortal> =>
  Effect.map(Deferred.make<void>(), (killed) => {
    let steps = 0;
    const step = Effect.suspend(() =>
      ++steps < at
        ? Effect.void
        : Effect.andThen(Deferred.succeed(killed, undefined), Effect.never),
    );
    return { step, killed: Deferred.await(killed) };
  });

/** The store, with a step before and after each thing that the daemon writes to it. */
const mortalStore = ({ step }: Mortal) =>
  Layer.effect(
    Store,
    Effect.map(Store, (store) => {
      const around = <A, E>(write: Effect.Effect<A, E>) =>
        Effect.tap(Effect.andThen(step, write), step);
      const { triggers } = store;
      return Store.of({
        ...store,
        startRun: (run) => around(store.startRun(run)),
        resumeRun: (run) => around(store.resumeRun(run)),
        endRun: (run) => around(store.endRun(run)),
        triggers: {
          ...triggers,
          found: (found) => around(triggers.found(found)),
          begin: (id) => around(triggers.begin(id)),
          end: (id) => around(triggers.end(id)),
        },
      });
    }),
  );

/** How runs of the fake engine go. */
export interface Work {
  readonly millis: number;
  /** Default `succeeded`. */
  readonly status?: (causedBy: string) => Run["status"];
  /** Why a run cannot begin now. */
  readonly refusal?: () => Error | undefined;
  /** The most runs at once that there ever were. */
  atOnce?: number;
}

const pid = deadPid();

/** Runs are recorded as the local engine does it, by a process that is always found dead. */
const fakeEngine = (work: Work) =>
  Layer.effect(
    Engine,
    Effect.map(Store, (store) => {
      let running = 0;
      const begin = Effect.fnUntraced(function* (pipeline: Pipeline, options: RunOptions) {
        const now = new Date(yield* Clock.currentTimeMillis);
        if (options.resume !== undefined) {
          const { endedAt: _, ...run } = Option.getOrThrow(yield* store.run(options.resume));
          if (run.status === "succeeded") {
            return yield* new RunNotResumable({ run: run.id, problem: "succeeded", next: "-" });
          }
          const resumedAt = [...(run.resumedAt ?? []), now];
          const again: Run = { ...run, status: "running", resumedAt };
          yield* store.resumeRun(again);
          return again;
        }
        const { causedBy } = options;
        const run: Run = {
          id: `run-${(yield* store.runs(1000)).length + 1}`,
          pipeline: pipeline.name,
          status: "running",
          startedAt: now,
          pid,
          ...(causedBy === undefined ? {} : { causedBy }),
          graph: Graph.of(pipeline),
          stages: [],
          hooks: [],
        };
        yield* store.startRun(run);
        return run;
      });
      const run = Effect.fnUntraced(function* (pipeline: Pipeline, options: RunOptions = {}) {
        const tell = options.onEvent ?? (() => Effect.void);
        const refusal = work.refusal?.();
        if (refusal !== undefined) return yield* Effect.die(refusal);
        const begun = yield* begin(pipeline, options);
        running++;
        work.atOnce = Math.max(work.atOnce ?? 0, running);
        yield* tell({ _tag: "RunStarted", run: begun });
        yield* Effect.sleep(work.millis);
        const caused = begun.causedBy !== undefined && "trigger" in begun.causedBy;
        const status = work.status?.(caused ? begun.causedBy.occurrence : "") ?? "succeeded";
        const ended: Run = { ...begun, status, endedAt: new Date(yield* Clock.currentTimeMillis) };
        yield* store.endRun(ended);
        running--;
        yield* tell({ _tag: "RunEnded", run: ended });
        // Whether it succeeded is read from the record; nobody looks at its outputs.
        return yield* Effect.die(new Error(`the run has ${status}`));
      });
      return Engine.of({ run, plan: () => Effect.die(new Error("not planned")) });
    }),
  );

/** An engine and a store for one life of a daemon; what is recorded outlives it. */
export const oneLife = (work: Work, life: Mortal) =>
  fakeEngine(work).pipe(Layer.provideMerge(mortalStore(life)));
