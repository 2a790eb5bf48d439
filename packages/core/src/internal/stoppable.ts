/**
 * Stages that can end early. A run that is interrupted interrupts its stages; one whose work can end early
 * with something worth keeping is asked to instead, and waited for.
 */
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";

/** Does work that is told when to stop. Public as `stoppable` of `StageContext`. */
export type Stoppable = <A, E, R>(
  work: (asked: Effect.Effect<void>) => Effect.Effect<A, E, R>,
) => Effect.Effect<A, E, R>;

/** Nobody asks: outside an engine, and in a stage that runs inside another one. */
export const neverAsked: Stoppable = (work) => work(Effect.never);

/** How the stage that is running is asked to stop. */
export const CurrentStoppable: Context.Reference<Stoppable> = Context.Reference<Stoppable>(
  "@ml-pipe/core/Stoppable",
  { defaultValue: () => neverAsked },
);

/**
 * Runs the work of a stage to its end, where interruptions are held back but for what is in `restore`. If
 * one comes, the work is interrupted, or, once it does something stoppable, asked to stop. `early` says that
 * it was asked before that was done.
 */
export const runStoppable = Effect.fnUntraced(function* <A, E, R>(
  work: Effect.Effect<A, E, R>,
  restore: <B, E1, R1>(effect: Effect.Effect<B, E1, R1>) => Effect.Effect<B, E1, R1>,
): Effect.fn.Return<{ readonly exit: Exit.Exit<A, E>; readonly early: boolean }, never, R> {
  const stop = yield* Deferred.make<void>();
  let stops = false;
  let early = false;
  const stoppable: Stoppable = (part) =>
    Effect.suspend(() => {
      stops = true;
      return Effect.onExit(part(Deferred.await(stop)), (exit) =>
        Effect.sync(() => {
          stops = Exit.isSuccess(exit);
          early = Deferred.isDoneUnsafe(stop);
        }),
      );
    });
  const fiber = yield* work.pipe(
    Effect.provideService(CurrentStoppable, stoppable),
    Effect.forkChild({ startImmediately: true }),
  );
  const waited = yield* Effect.exit(restore(Fiber.await(fiber)));
  if (Exit.isSuccess(waited)) return { exit: waited.value, early };
  yield* Deferred.succeed(stop, undefined);
  if (!stops) yield* Fiber.interrupt(fiber);
  return { exit: yield* Fiber.await(fiber), early };
});
