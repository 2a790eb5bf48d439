import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import * as Tracer from "effect/Tracer";
import * as Pipeline from "../Pipeline.ts";
import * as Stage from "../Stage.ts";
import { charter } from "./charter.fixture.ts";
import { engine, observe, withCode } from "./engine.fixture.ts";

/** Keeps the spans that it makes. */
const recorder = () => {
  const spans: Array<Tracer.NativeSpan> = [];
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options);
      spans.push(span);
      return span;
    },
  });
  return {
    record: Effect.withTracer(tracer),
    named: (name: string) => spans.filter((span) => span.name === name),
    names: () => spans.map(({ name }) => name),
    parentOf: ({ parent }: Tracer.NativeSpan) => Option.getOrUndefined(parent)?.spanId,
  };
};

class Shut extends Schema.TaggedError<Shut>()("Shut", {}) {
  readonly [Stage.stops] = true;
  override get message() {
    return "the gate is shut";
  }
}

class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

const counting = Stage.make("count", {
  input: {},
  output: Schema.Int,
  run: (_, { progress, finding }) =>
    Effect.gen(function* () {
      yield* progress({ label: "counted", rows: 12 });
      yield* finding({ check: "c", severity: "warn", expected: "", found: "", next: "" });
      return yield* Effect.succeed(12).pipe(Effect.withSpan("inside"));
    }),
});

const ending = <E>(name: string, end: Effect.Effect<number, E>, cache: "content" | "never") =>
  Stage.make(name, { input: { n: Schema.Int }, output: Schema.Int, cache, run: () => end });

const pipelineOf = <E>(end: Effect.Effect<number, E>, cache: "content" | "never" = "content") =>
  Pipeline.make("p", { charter }, () => ({ out: ending("end", end, cache)({ n: counting() }) }));

const statusOf = (span: Tracer.NativeSpan | undefined) =>
  span?.status._tag === "Ended" ? span.status.exit._tag : "Started";

describe("a run", () => {
  it.effect("is a span, and each of its stages one within it", () =>
    Effect.gen(function* () {
      const { record, named, parentOf } = recorder();
      const { run } = yield* record(observe(pipelineOf(Effect.succeed(1), "never")));
      const [whole] = named("run p");
      const [count] = named("stage count");
      const [end] = named("stage end");
      const [inside] = named("inside");
      assert.isDefined(whole);
      assert.isDefined(count);
      assert.isDefined(end);
      assert.isDefined(inside);
      assert.deepStrictEqual(
        [count, end, inside].map(parentOf),
        [whole, whole, count].map(({ spanId }) => spanId),
      );
      assert.deepStrictEqual(Object.fromEntries(whole.attributes), {
        "ml_pipe.run.id": run.id,
        "ml_pipe.pipeline.name": "p",
        "ml_pipe.run.status": "succeeded",
      });
      assert.deepStrictEqual(Object.fromEntries(count.attributes), {
        "ml_pipe.run.id": run.id,
        "ml_pipe.pipeline.name": "p",
        "ml_pipe.stage.name": "count",
        "ml_pipe.stage.status": "succeeded",
        "ml_pipe.stage.attempts": 1,
        "ml_pipe.cache.outcome": "miss",
        "ml_pipe.cache.note": "it has not run before",
        "ml_pipe.findings.fail": 0,
        "ml_pipe.findings.warn": 1,
        "ml_pipe.findings.info": 0,
        "ml_pipe.rows": 12,
      });
      assert.strictEqual(end.attributes.get("ml_pipe.cache.outcome"), "never");
      assert.deepStrictEqual([whole, count, end].map(statusOf), ["Success", "Success", "Success"]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("has spans of stages that are reused, which say from where", () =>
    Effect.gen(function* () {
      const { record, named } = recorder();
      const pipeline = pipelineOf(Effect.succeed(1));
      const { run } = yield* observe(pipeline);
      yield* record(observe(pipeline));
      const [count] = named("stage count");
      assert.strictEqual(count?.attributes.get("ml_pipe.cache.outcome"), "hit");
      assert.strictEqual(count?.attributes.get("ml_pipe.cache.reused_from"), run.id);
      assert.strictEqual(count?.attributes.get("ml_pipe.stage.attempts"), 0);
      assert.deepStrictEqual(named("inside"), []);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("has spans that fail as its stages do", () =>
    Effect.gen(function* () {
      const { record, named, names } = recorder();
      yield* record(observe(pipelineOf(Effect.fail(new Broken()))));
      assert.deepStrictEqual(
        [...named("run p"), ...named("stage count"), ...named("stage end")].map(statusOf),
        ["Failure", "Success", "Failure"],
      );
      assert.strictEqual(named("stage end")[0]?.attributes.get("error.type"), "Broken");
      assert.strictEqual(named("run p")[0]?.attributes.get("ml_pipe.run.status"), "failed");
      assert.strictEqual(names().length, 4);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("that was stopped as designed is no error, but says what was said", () =>
    Effect.gen(function* () {
      const { record, named } = recorder();
      yield* record(observe(pipelineOf(Effect.fail(new Shut()))));
      const [end] = named("stage end");
      assert.deepStrictEqual([...named("run p"), end].map(statusOf), ["Success", "Success"]);
      assert.strictEqual(end?.attributes.get("ml_pipe.stage.status"), "stopped");
      assert.deepStrictEqual(
        end?.events.map(([name, , attributes]) => [name, attributes]),
        [["exception", { "exception.type": "Shut", "exception.message": "the gate is shut" }]],
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("that is interrupted ends its spans", () =>
    Effect.gen(function* () {
      const { record, named } = recorder();
      const fiber = yield* Effect.forkChild(record(observe(pipelineOf(Effect.never))));
      while (named("stage end").length === 0)
        yield* Effect.promise(() => new Promise(setImmediate));
      yield* Fiber.interrupt(fiber);
      assert.deepStrictEqual([...named("run p"), ...named("stage end")].map(statusOf), [
        "Failure",
        "Failure",
      ]);
      assert.strictEqual(
        named("stage end")[0]?.attributes.get("ml_pipe.stage.status"),
        "interrupted",
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );
});
