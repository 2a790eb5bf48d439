/** A limit to how long a stage may take. */
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { derive, type Stage, StageInvalid, type Typed } from "./make.ts";

/** A stage took longer than it may. It was interrupted, and what it had open is closed. */
export class StageTimedOut extends Schema.TaggedError<StageTimedOut>()("StageTimedOut", {
  stage: Schema.String,
  limitMs: Schema.Finite,
}) {
  override get message(): string {
    return `stage "${this.stage}" took longer than ${Duration.format(Duration.millis(this.limitMs))} and was interrupted. Give it more time with Stage.timeout, or less to do.`;
  }
}

/**
 * The same stage with a limit to the time that it may take: it is interrupted then, closes what it
 * has open, and fails with {@link StageTimedOut}. Inside {@link retry} the limit is that of one
 * attempt, around it that of all.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const slow = Stage.make("slow", { input: {}, output: Schema.Int, run: () => Effect.never });
 * const bounded = Stage.timeout(slow, "10 minutes");
 * ```
 */
export const timeout = <In, Out, S, E, R>(
  stage: Typed<In, Out, S, E, R>,
  limit: Duration.Input,
): Stage<In, Out, S, E | StageTimedOut, R> => {
  const duration = Duration.fromInput(limit);
  if (Option.isNone(duration) || !(Duration.toMillis(duration.value) > 0)) {
    throw new StageInvalid({
      stage: stage.info.name,
      problem: "its time limit is no time",
      next: 'Give a duration such as "10 minutes"',
    });
  }
  const limitMs = Duration.toMillis(duration.value);
  return derive(stage, {
    implement: ({ run }, info) => ({
      run: (input) =>
        Effect.timeoutOrElse(run(input), {
          duration: duration.value,
          orElse: () => Effect.fail(new StageTimedOut({ stage: info.name, limitMs })),
        }),
    }),
  });
};
