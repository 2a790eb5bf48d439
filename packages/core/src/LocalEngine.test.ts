import { assert, describe, it } from "@effect/vitest";
import * as Cause from "effect/Cause";
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { TestClock } from "effect/testing";
import { ArtifactStore } from "./Artifact.ts";
import * as Digest from "./Digest.ts";
import { Engine, OutputMismatch } from "./Engine.ts";
import { charter } from "./internal/charter.fixture.ts";
import {
  adder,
  engine,
  newest,
  observe,
  source,
  stageOf,
  statuses,
} from "./internal/engine.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import type * as Ref from "./Ref.ts";
import * as Stage from "./Stage.ts";
import { Store } from "./Store.ts";
import * as Verdict from "./Verdict.ts";

class Broken extends Schema.TaggedError<Broken>()("Broken", { what: Schema.String }) {
  override get message(): string {
    return `${this.what} is broken`;
  }
}

const failing = (name: string) =>
  Stage.make(name, {
    input: {},
    output: Schema.Int,
    run: (): Effect.Effect<number, Broken> => new Broken({ what: name }),
  });

const sum = Stage.make("sum", {
  input: { a: Schema.Int, b: Schema.Int },
  output: Schema.Int,
  run: ({ a, b }) => Effect.succeed(a + b),
});

const pair = Stage.make("pair", {
  input: { n: Schema.Int },
  outputs: { half: Schema.Finite, twice: Schema.Int },
  run: ({ n }) => Effect.succeed({ half: n / 2, twice: n * 2 }),
});

const failureOf = <E>(exit: Exit.Exit<unknown, E>): E => {
  const error = Exit.findErrorOption(exit);
  return Option.isSome(error) ? error.value : assert.fail(`no error: ${String(exit)}`);
};

describe("a run", () => {
  it.effect("gives the outputs' values and records what happened", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 24, 7, 23, 42));
      const pipeline = Pipeline.make("numbers", { charter }, () => {
        const { half, twice } = pair({ n: source("two", 2).stage() });
        return { half, sum: sum({ a: twice, b: adder("three", 1).stage({ n: twice }) }) };
      });
      const { outputs, run } = yield* Engine.use((local) => local.run(pipeline));
      assert.deepStrictEqual(outputs, { half: 1, sum: 9 });
      assert.strictEqual(run.status, "succeeded");
      assert.match(run.id, /^20261124-072342-[0-9a-f]{8}$/);
      assert.deepStrictEqual(statuses(run), [
        "two succeeded",
        "pair succeeded",
        "three succeeded",
        "sum succeeded",
      ]);
      assert.deepStrictEqual(stageOf(run, "pair").outputs, { half: 1, twice: 4 });
      assert.deepStrictEqual(stageOf(run, "sum").outputs, { "": 9 });
      assert.deepStrictEqual(yield* newest, run);
    }).pipe(Effect.provide(engine)),
  );

  it.effect("runs stages that do not depend on one another at the same time", () =>
    Effect.gen(function* () {
      const [left, right] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()];
      // Each waits for the other to have begun: one after the other they would never end.
      const meets = (name: string, mine: Deferred.Deferred<void>, other: Deferred.Deferred<void>) =>
        Stage.make(name, {
          input: {},
          output: Schema.Int,
          run: () =>
            Effect.as(Effect.andThen(Deferred.succeed(mine, undefined), Deferred.await(other)), 1),
        });
      const pipeline = Pipeline.make("overlap", { charter }, () => ({
        sum: sum({ a: meets("left", left, right)(), b: meets("right", right, left)() }),
      }));
      const { outputs } = yield* Engine.use((local) => local.run(pipeline));
      assert.strictEqual(outputs.sum, 2);
    }).pipe(Effect.provide(engine)),
  );

  it.effect("provides the stores to stages; other services come from the caller", () =>
    Effect.gen(function* () {
      class Bucket extends Context.Service<Bucket, { readonly name: string }>()("test/Bucket") {}
      const keep = Stage.make("keep", {
        input: {},
        output: Schema.Struct({ bucket: Schema.String, digest: Digest.Digest }),
        run: () =>
          Effect.gen(function* () {
            const { digest } = yield* (yield* ArtifactStore).putJson([1]);
            return { bucket: (yield* Bucket).name, digest };
          }),
      });
      const pipeline = Pipeline.make("keep", { charter }, () => ({ kept: keep() }));
      const { outputs } = yield* Engine.use((local) => local.run(pipeline)).pipe(
        Effect.provideService(Bucket, { name: "b" }),
      );
      assert.deepStrictEqual(outputs.kept, { bucket: "b", digest: Digest.ofBytes("[1]") });
    }).pipe(Effect.provide(engine)),
  );

  it.effect("tells what happens in its order", () =>
    Effect.gen(function* () {
      const teller = Stage.make("teller", {
        input: { n: Schema.Int },
        output: Schema.Int,
        run: ({ n }, { progress }) => Effect.as(progress({ label: "half", rows: 7 }), n),
      });
      const pipeline = Pipeline.make("told", { charter }, () => ({
        out: teller({ n: source("one", 1).stage() }),
      }));
      const { events, run } = yield* observe(pipeline);
      assert.deepStrictEqual(
        events.map((event) =>
          event._tag === "StageStarted" || event._tag === "StageEnded"
            ? `${event._tag} ${event.stage.stage} ${event.stage.status}`
            : event._tag,
        ),
        [
          "RunStarted",
          "StageStarted one running",
          "StageEnded one succeeded",
          "StageStarted teller running",
          "StageProgress",
          "StageEnded teller succeeded",
          "RunEnded",
        ],
      );
      assert.strictEqual(stageOf(run, "teller").rows, 7);
    }).pipe(Effect.provide(engine)),
  );

  it.effect("is in the journal before a stage runs, and the stage is too", () =>
    Effect.gen(function* () {
      const seen: Array<string> = [];
      const look = Stage.make("look", {
        input: { n: Schema.Int },
        output: Schema.Int,
        run: ({ n }) =>
          Effect.gen(function* () {
            const run = Option.getOrThrow(yield* (yield* Store).run());
            seen.push(run.status, ...statuses(run));
            return n;
          }),
      });
      const pipeline = Pipeline.make("journal", { charter }, () => ({
        out: look({ n: source("one", 1).stage() }),
      }));
      yield* Engine.use((local) => local.run(pipeline));
      assert.deepStrictEqual(seen, ["running", "one succeeded", "look running"]);
    }).pipe(Effect.provide(engine)),
  );
});

describe("a stage that fails", () => {
  it.effect("lets independent ones finish, marks dependants, and the error is its own", () =>
    Effect.gen(function* () {
      const late = adder("late", 1);
      const pipeline = Pipeline.make("broken", { charter }, () => {
        const bad = adder("after", 1).stage({ n: failing("bad")() });
        return {
          bad: adder("after-2", 1).stage({ n: bad }),
          good: late.stage({ n: source("one", 1).stage() }),
        };
      });
      const { exit, statuses, run } = yield* observe(pipeline);
      const error = failureOf(exit);
      assert.instanceOf(error, Broken);
      assert.deepStrictEqual(statuses, [
        "bad failed",
        "after not-reached",
        "after-2 not-reached",
        "one succeeded",
        "late succeeded",
      ]);
      assert.strictEqual(run.status, "failed");
      const { failure } = stageOf(run, "bad");
      assert.deepStrictEqual(failure, { tag: "Broken", message: "bad is broken" });
      assert.match(stageOf(run, "after").cacheNote, /depends on did not succeed/);
    }).pipe(Effect.provide(engine)),
  );

  it.effect("with a defect is recorded too, with what it told before", () =>
    Effect.gen(function* () {
      const bug = Stage.make("bug", {
        input: {},
        output: Schema.Int,
        run: (_, { finding }) =>
          Effect.andThen(
            finding({ check: "c", severity: "warn", expected: "x", found: "y", next: "z" }),
            Effect.die(new RangeError("out of range")),
          ),
      });
      const pipeline = Pipeline.make("bug", { charter }, () => ({ out: bug() }));
      const { exit, run } = yield* observe(pipeline);
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause));
      const { failure, findings, status } = stageOf(run, "bug");
      assert.deepStrictEqual(failure, { tag: "RangeError", message: "out of range" });
      assert.deepStrictEqual([status, findings.length], ["failed", 1]);
    }).pipe(Effect.provide(engine)),
  );

  it.effect("before it runs, because what it reads is not there, is recorded as failed", () =>
    Effect.gen(function* () {
      const read = Stage.make("read", {
        input: {},
        output: Schema.Int,
        fingerprint: Effect.gen(function* () {
          return yield* new Broken({ what: "flights.parquet" });
        }),
        run: (): Effect.Effect<number, Broken> => Effect.succeed(1),
      });
      const pipeline = Pipeline.make("missing", { charter }, () => ({
        out: adder("next", 1).stage({ n: read() }),
      }));
      const { exit, run, statuses } = yield* observe(pipeline);
      assert.instanceOf(failureOf(exit), Broken);
      assert.deepStrictEqual(statuses, ["read failed", "next not-reached"]);
      assert.strictEqual(stageOf(run, "read").failure?.message, "flights.parquet is broken");
      assert.strictEqual(run.status, "failed");
    }).pipe(Effect.provide(engine)),
  );

  it.effect("because its output is not what it promised", () =>
    Effect.gen(function* () {
      const liar = Stage.make("liar", {
        input: {},
        outputs: { n: Schema.Int, m: Schema.Int },
        run: () => Effect.succeed({ n: 1, m: "two" } as unknown as { n: number; m: number }),
      });
      const pipeline = Pipeline.make("lies", { charter }, () => ({ m: liar().m }));
      const { exit, run } = yield* observe(pipeline);
      const error = failureOf(exit);
      assert.instanceOf(error, OutputMismatch);
      assert.match(error.message, /stage "liar" broke the contract of its output "m": Expected/);
      assert.strictEqual(stageOf(run, "liar").failure?.tag, "OutputMismatch");
      assert.isUndefined(stageOf(run, "liar").outputs);
    }).pipe(Effect.provide(engine)),
  );

  it.effect("because its input was wired with a cast", () =>
    Effect.gen(function* () {
      const text = Stage.make("text", {
        input: {},
        output: Schema.String,
        run: () => Effect.succeed("1"),
      });
      const pipeline = Pipeline.make("cast", { charter }, () => ({
        out: adder("next", 1).stage({ n: text() as unknown as Ref.Ref<number, never, never> }),
      }));
      const { exit, statuses } = yield* observe(pipeline);
      assert.strictEqual(failureOf(exit)._tag, "InputMismatch");
      assert.deepStrictEqual(statuses, ["text succeeded", "next failed"]);
    }).pipe(Effect.provide(engine)),
  );
});

describe("a gate that stays shut", () => {
  const digest = Digest.ofBytes("x");
  const judge = Stage.make("judge", {
    input: {},
    output: Verdict.Verdict,
    run: () =>
      Effect.succeed(Verdict.judge([], null, { model: digest, charter: digest, testSet: digest })),
  });
  const release = Stage.make("release", {
    input: { verdict: Verdict.Passed },
    output: Schema.Int,
    run: () => Effect.succeed(1),
  });
  const released = () => release({ verdict: Verdict.gate({ verdict: judge() }) });

  it.effect("stops the run instead of failing it", () =>
    Effect.gen(function* () {
      const pipeline = Pipeline.make("gated", { charter }, () => ({ out: released() }));
      const { exit, run, statuses } = yield* observe(pipeline);
      assert.instanceOf(failureOf(exit), Verdict.GateClosed);
      assert.deepStrictEqual(statuses, ["judge succeeded", "gate stopped", "release not-reached"]);
      assert.strictEqual(run.status, "stopped");
      assert.strictEqual(stageOf(run, "gate").failure?.tag, "GateClosed");
    }).pipe(Effect.provide(engine)),
  );

  it.effect("does not hide that something else broke", () =>
    Effect.gen(function* () {
      const pipeline = Pipeline.make("gated", { charter }, () => ({
        out: released(),
        bad: failing("bad")(),
      }));
      const { exit, run, statuses } = yield* observe(pipeline);
      assert.include(statuses, "gate stopped");
      assert.strictEqual(run.status, "failed");
      assert.instanceOf(failureOf(exit), Broken);
    }).pipe(Effect.provide(engine)),
  );

  it.effect("is an error that any package can mark", () =>
    Effect.gen(function* () {
      class TooFew extends Schema.TaggedError<TooFew>()("TooFew", {}) {
        readonly [Stage.stops] = true;
      }
      const strict = Stage.make("strict", {
        input: {},
        output: Schema.Int,
        run: (): Effect.Effect<number, TooFew> => new TooFew(),
      });
      const pipeline = Pipeline.make("strict", { charter }, () => ({ out: strict() }));
      assert.strictEqual((yield* observe(pipeline)).run.status, "stopped");
    }).pipe(Effect.provide(engine)),
  );
});

describe("an interruption", () => {
  it.effect("in the middle is recorded, and the next run works", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>();
      let patient = true;
      const slow = Stage.make("slow", {
        input: { n: Schema.Int },
        output: Schema.Int,
        run: ({ n }, { finding }) =>
          Effect.gen(function* () {
            yield* finding({ check: "c", severity: "info", expected: "", found: "", next: "" });
            yield* Deferred.succeed(begun, undefined);
            if (patient) yield* Effect.never;
            return n;
          }),
      });
      const pipeline = Pipeline.make("slow", { charter }, () => {
        const out = slow({ n: source("one", 1).stage() });
        return { out: adder("next", 1).stage({ n: out }) };
      });
      const fiber = yield* Effect.forkChild(Engine.use((local) => local.run(pipeline)));
      yield* Deferred.await(begun);
      yield* Fiber.interrupt(fiber);
      const run = yield* newest;
      assert.strictEqual(run.status, "interrupted");
      assert.isDefined(run.endedAt);
      assert.deepStrictEqual(statuses(run), [
        "one succeeded",
        "slow interrupted",
        "next not-reached",
      ]);
      assert.strictEqual(stageOf(run, "slow").findings.length, 1);
      assert.isUndefined(stageOf(run, "slow").failure);

      patient = false;
      const { outputs } = yield* Engine.use((local) => local.run(pipeline));
      assert.strictEqual(outputs.out, 2);
    }).pipe(Effect.provide(engine)),
  );

  it.effect("while a stage looks at what it reads is recorded too", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>();
      const read = Stage.make("read", {
        input: {},
        output: Schema.Int,
        fingerprint: Effect.andThen(Deferred.succeed(begun, undefined), Effect.never),
        run: () => Effect.succeed(1),
      });
      const pipeline = Pipeline.make("slow", { charter }, () => ({ out: read() }));
      const fiber = yield* Effect.forkChild(Engine.use((local) => local.run(pipeline)));
      yield* Deferred.await(begun);
      yield* Fiber.interrupt(fiber);
      const run = yield* newest;
      assert.deepStrictEqual([run.status, ...statuses(run)], ["interrupted", "read interrupted"]);
    }).pipe(Effect.provide(engine)),
  );
});
