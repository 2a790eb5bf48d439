/** Trying again: which errors of a stage are worth another attempt, and when. */
import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Predicate from "effect/Predicate";
import * as Pull from "effect/Pull";
import * as Schedule from "effect/Schedule";
import type * as Types from "effect/Types";
import { failureOf } from "../internal/failure.ts";
import { derive, type Stage, type Typed } from "./make.ts";
import { Reporter } from "./events.ts";

/** When to try again, by the tag of the error. */
export type Retries<E, R> = {
  readonly [Tag in Types.Tags<E>]?: Schedule.Schedule<unknown, Types.ExtractTag<E, Tag>, never, R>;
};

/**
 * The same stage, tried again when it fails with an error of a named tag, as that tag's schedule says;
 * any other error is its end at once. Each failed attempt is recorded with the run. A schedule counts
 * the attempts of its own tag; after an interruption of the run it begins anew.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schedule from "effect/Schedule";
 * import * as Schema from "effect/Schema";
 *
 * class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {}) {}
 * const fetchRows = Stage.make("fetch-rows", {
 *   input: {}, output: Schema.Int, run: () => Effect.fail(new Unreachable()),
 * });
 * const patient = Stage.retry(fetchRows, {
 *   Unreachable: Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 5 })),
 * });
 * ```
 */
export const retry = <In, Out, S, E, R, R2 = never>(
  stage: Typed<In, Out, S, E, R>,
  retries: Retries<E, R2>,
): Stage<In, Out, S, E, R | R2> =>
  derive(stage, {
    implement: ({ run }) => ({ run: (input) => attempts(run(input), retries) }),
  });

/** Runs an effect until it succeeds, or fails with what is not to be tried again. */
const attempts = Effect.fnUntraced(function* (
  effect: Effect.Effect<unknown, unknown, unknown>,
  retries: object,
) {
  const steps = new Map<string, Step>();
  const report = yield* Reporter;
  while (true) {
    const exit = yield* Effect.exit(effect);
    if (Exit.isSuccess(exit)) return exit.value;
    const { cause } = exit;
    const error = cause.reasons.every(Cause.isFailReason) ? Cause.squash(cause) : undefined;
    const tag = Predicate.hasProperty(error, "_tag") ? String(error._tag) : "";
    const schedule: unknown = Reflect.get(retries, tag);
    if (!Schedule.isSchedule(schedule)) return yield* Effect.failCause(cause);
    const step = steps.get(tag) ?? (yield* Schedule.toStep(schedule));
    steps.set(tag, step);
    const now = yield* Clock.currentTimeMillis;
    // The schedule under a tag is one for errors with that tag.
    const delay = yield* step(now, error as never).pipe(
      Effect.map(([, delay]) => delay),
      Pull.catchDone(() => Effect.succeed(undefined)),
    );
    if (delay === undefined) return yield* Effect.failCause(cause);
    const delayMs = Duration.toMillis(delay);
    const attempt = { failure: failureOf(cause), at: new Date(now), delayMs };
    yield* report({ _tag: "Retry", attempt });
    yield* Effect.sleep(delay);
  }
});

type Step = Effect.Success<ReturnType<typeof Schedule.toStep<unknown, never, unknown, unknown>>>;
