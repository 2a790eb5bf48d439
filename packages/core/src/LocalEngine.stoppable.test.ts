import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Schema from "effect/Schema";
import { charter } from "./internal/charter.fixture.ts";
import { engine, newest, observe, stageOf, statuses, withCode } from "./internal/engine.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import * as Stage from "./Stage.ts";

/** Counts up to a thousand, or as far as it has come when it is asked to stop. */
const counter = (begun: Deferred.Deferred<void>) => {
  let runs = 0;
  let until = Infinity;
  const stage = Stage.make("count", {
    input: {},
    output: Schema.Int,
    run: (_, { stoppable }) =>
      Effect.suspend(() => {
        if (++runs >= until) return Effect.succeed(1000);
        return stoppable((asked) =>
          Deferred.succeed(begun, undefined).pipe(Effect.andThen(asked), Effect.as(7)),
        );
      }),
  });
  return { stage, runs: () => runs, endsAt: (run: number) => void (until = run) };
};

const double = Stage.make("double", {
  input: { n: Schema.Int },
  output: Schema.Int,
  run: ({ n }) => Effect.succeed(2 * n),
});

/** Runs a pipeline and interrupts it once a stage has begun; the record. */
const interrupted = Effect.fnUntraced(function* <A, E>(
  pipeline: Pipeline.Pipeline<A, E, never>,
  begun: Deferred.Deferred<void>,
) {
  const fiber = yield* Effect.forkChild(observe(pipeline));
  yield* Deferred.await(begun);
  yield* Fiber.interrupt(fiber);
  return yield* newest;
});

const make = Effect.fnUntraced(function* () {
  const begun = yield* Deferred.make<void>();
  const count = counter(begun);
  const pipeline = Pipeline.make("p", { charter }, () => ({ out: double({ n: count.stage() }) }));
  return { pipeline, begun, ...count };
});

describe("a stage that can end early", () => {
  it.effect("is asked to when its run is interrupted, and keeps what it has", () =>
    Effect.gen(function* () {
      const { pipeline, begun } = yield* make();
      const run = yield* interrupted(pipeline, begun);
      assert.strictEqual(run.status, "interrupted");
      assert.deepStrictEqual(statuses(run), ["count succeeded", "double not-reached"]);
      const { outputs, stoppedEarly } = stageOf(run, "count");
      assert.deepStrictEqual([outputs, stoppedEarly], [{ "": 7 }, true]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("runs again to its end when the run goes on", () =>
    Effect.gen(function* () {
      const { pipeline, begun, runs, endsAt } = yield* make();
      const { id } = yield* interrupted(pipeline, begun);
      endsAt(2);
      const { run } = yield* observe(pipeline, { resume: id });
      assert.strictEqual(runs(), 2);
      const { outputs, stoppedEarly, cacheNote } = stageOf(run, "count");
      assert.deepStrictEqual([outputs, stoppedEarly], [{ "": 1000 }, undefined]);
      assert.strictEqual(cacheNote, "it was stopped early: it runs again, to its end");
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("goes on with what it kept where that is asked for, and in no other run", () =>
    Effect.gen(function* () {
      const { pipeline, begun, runs, endsAt } = yield* make();
      const { id } = yield* interrupted(pipeline, begun);
      const { run } = yield* observe(pipeline, { resume: id, keepStopped: true });
      assert.strictEqual(runs(), 1);
      assert.deepStrictEqual(stageOf(run, "double").outputs, { "": 14 });
      assert.isTrue(stageOf(run, "count").stoppedEarly);
      endsAt(2);
      const other = yield* observe(pipeline, { keepStopped: true });
      assert.strictEqual(runs(), 2);
      assert.deepStrictEqual(stageOf(other.run, "double").outputs, { "": 2000 });
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("is interrupted before it does what it can end early", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>();
      const before = Stage.make("before", {
        input: {},
        output: Schema.Int,
        run: Effect.fn(function* (_, { stoppable }) {
          yield* Deferred.succeed(begun, undefined);
          yield* Effect.never;
          return yield* stoppable(() => Effect.succeed(1));
        }),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({ out: before() }));
      assert.deepStrictEqual(statuses(yield* interrupted(pipeline, begun)), ["before interrupted"]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("is interrupted inside another stage, which may need all of it", () =>
    Effect.gen(function* () {
      const { begun, stage } = yield* make();
      const around = Stage.make("around", {
        input: {},
        output: Schema.Int,
        run: () => stage.run({}),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({ out: around() }));
      assert.deepStrictEqual(statuses(yield* interrupted(pipeline, begun)), ["around interrupted"]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("is interrupted as an item of a fan-out, which would be noted as finished", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>();
      const item = Stage.make("item", {
        input: { key: Schema.String },
        output: Schema.Int,
        run: (_, { stoppable }) =>
          stoppable((asked) =>
            Effect.as(Effect.andThen(Deferred.succeed(begun, undefined), asked), 7),
          ),
      });
      const keys = Stage.make("keys", {
        input: {},
        output: Schema.Array(Schema.String),
        run: () => Effect.succeed(["a"]),
      });
      const each = Stage.forEach("each", item, { each: "key", key: (key) => key });
      const pipeline = Pipeline.make("p", { charter }, () => ({ out: each({ key: keys() }) }));
      const run = yield* interrupted(pipeline, begun);
      assert.deepStrictEqual(statuses(run), ["keys succeeded", "each interrupted"]);
    }).pipe(withCode(), Effect.provide(engine)),
  );
});
