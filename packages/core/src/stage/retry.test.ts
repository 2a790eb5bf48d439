import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Schedule from "effect/Schedule";
import * as Schema from "effect/Schema";
import { TestClock } from "effect/testing";
import { charter } from "../internal/charter.fixture.ts";
import { engine, observe, stageOf, withCode } from "../internal/engine.fixture.ts";
import * as Pipeline from "../Pipeline.ts";
import * as Stage from "../Stage.ts";

class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {}) {}
class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {}
class Wrong extends Schema.TaggedError<Wrong>()("Wrong", {}) {}

/** Fails with these errors one after the other, then succeeds with the number of attempts. */
const failing = (...errors: ReadonlyArray<Unreachable | Busy | Wrong>) => {
  let attempts = 0;
  const stage = Stage.make("fetch", {
    input: {},
    output: Schema.Int,
    run: () =>
      Effect.suspend(() => {
        const error = errors[attempts++];
        return error === undefined ? Effect.succeed(attempts) : Effect.fail(error);
      }),
  });
  return { stage, attempts: () => attempts };
};

const everySecond = (times: number) => Schedule.spaced("1 second").pipe(Schedule.upTo({ times }));

/** Runs an effect while the virtual clock goes on. */
const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect);
    yield* TestClock.adjust("1 day");
    return yield* Fiber.join(fiber);
  });

describe("Stage.retry", () => {
  it.effect("tries again as the schedule of the error's tag says", () =>
    Effect.gen(function* () {
      const { stage, attempts } = failing(new Unreachable(), new Unreachable());
      const patient = Stage.retry(stage, { Unreachable: everySecond(2) });
      assert.strictEqual(yield* eventually(patient.run({})), 3);
      assert.strictEqual(attempts(), 3);
    }),
  );

  it.effect("gives up with the last error when the schedule ends", () =>
    Effect.gen(function* () {
      const { stage, attempts } = failing(new Unreachable(), new Unreachable(), new Unreachable());
      const patient = Stage.retry(stage, { Unreachable: everySecond(2) });
      const error = yield* Effect.flip(eventually(patient.run({})));
      assert.strictEqual(error._tag, "Unreachable");
      assert.strictEqual(attempts(), 3);
    }),
  );

  it.effect("counts each tag by itself; any other error is the end at once", () =>
    Effect.gen(function* () {
      const errors = [new Unreachable(), new Busy(), new Unreachable(), new Busy(), new Wrong()];
      const { stage, attempts } = failing(...errors);
      const schedules = { Unreachable: everySecond(2), Busy: everySecond(2) };
      const error = yield* Effect.flip(eventually(Stage.retry(stage, schedules).run({})));
      assert.strictEqual(error._tag, "Wrong");
      assert.strictEqual(attempts(), 5);
    }),
  );

  it.effect("does not try again what broke unexpectedly", () =>
    Effect.gen(function* () {
      let attempts = 0;
      const stage = Stage.make("broken", {
        input: {},
        output: Schema.Int,
        run: (): Effect.Effect<number, Unreachable> =>
          Effect.sync(() => {
            attempts++;
            throw new Error("a bug");
          }),
      });
      const exit = yield* Effect.exit(Stage.retry(stage, { Unreachable: everySecond(5) }).run({}));
      assert.strictEqual(exit._tag, "Failure");
      assert.strictEqual(attempts, 1);
    }),
  );

  it.effect("records each attempt that failed, and when the next one came", () =>
    Effect.gen(function* () {
      const patient = Stage.retry(failing(new Unreachable(), new Busy()).stage, {
        Unreachable: Schedule.exponential("10 seconds"),
        Busy: everySecond(1),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({ out: patient() }));
      const { run, events } = yield* eventually(observe(pipeline));
      const attempts = stageOf(run, "fetch").attempts?.map(
        ({ failure, delayMs }) => `${failure.tag} ${delayMs}`,
      );
      assert.deepStrictEqual(attempts, ["Unreachable 10000", "Busy 1000"]);
      assert.lengthOf(
        events.filter(({ _tag }) => _tag === "StageRetried"),
        2,
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("Stage.timeout", () => {
  const slow = () => {
    let closed = 0;
    const stage = Stage.make("slow", {
      input: {},
      output: Schema.Int,
      run: () =>
        Effect.acquireUseRelease(
          Effect.void,
          () => Effect.as(Effect.sleep("1 hour"), 1),
          () => Effect.sync(() => void closed++),
        ),
    });
    return { stage, closed: () => closed };
  };

  it.effect("interrupts a stage that takes longer, which closes what it has open", () =>
    Effect.gen(function* () {
      const { stage, closed } = slow();
      const bounded = Stage.timeout(stage, "10 minutes");
      const error = yield* Effect.flip(eventually(bounded.run({})));
      assert.strictEqual(error._tag, "StageTimedOut");
      assert.match(error.message, /stage "slow" took longer than 10m.*more time.*or less to do/);
      assert.strictEqual(closed(), 1);
    }),
  );

  it.effect("leaves one alone that is in time", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* eventually(Stage.timeout(slow().stage, "2 hours").run({})), 1);
    }),
  );

  it.effect("inside a retry bounds each attempt, and is an error like any other", () =>
    Effect.gen(function* () {
      const { stage, closed } = slow();
      const patient = Stage.retry(Stage.timeout(stage, "10 minutes"), {
        StageTimedOut: everySecond(2),
      });
      const error = yield* Effect.flip(eventually(patient.run({})));
      assert.strictEqual(error._tag, "StageTimedOut");
      assert.strictEqual(closed(), 3);
    }),
  );

  it("needs a time", () => {
    assert.throws(() => Stage.timeout(slow().stage, 0), /time limit is no time/);
  });
});
