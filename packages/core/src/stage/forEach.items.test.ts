import { assert, describe, it } from "@effect/vitest";
import * as os from "node:os";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Schedule from "effect/Schedule";
import * as Schema from "effect/Schema";
import { TestClock } from "effect/testing";
import { ArtifactStore } from "../Artifact.ts";
import * as Column from "../Column.ts";
import * as Contract from "../Contract.ts";
import * as Graph from "../Graph.ts";
import { charter } from "../internal/charter.fixture.ts";
import { engine, observe, stageOf, withCode } from "../internal/engine.fixture.ts";
import { contractsOf } from "../internal/outputs.ts";
import * as LocalEngine from "../LocalEngine.ts";
import * as Pipeline from "../Pipeline.ts";
import * as Stage from "../Stage.ts";
import { Store } from "../Store.ts";

class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {}
class NotYet extends Schema.TaggedError<NotYet>()("NotYet", {}) {
  readonly [Stage.suspends] = true;
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
const numbersTo = (count: number) =>
  Stage.make("numbers", {
    input: {},
    output: Schema.Array(Schema.Int),
    params: { count },
    run: () => Effect.succeed(numbers(count)),
  });

type Settings = Pick<Parameters<typeof Stage.make>[1], "resources">;

/** A stage of one number. */
const item = <E, R>(
  run: (n: number, context: Stage.StageContext<{}>) => Effect.Effect<number, E, R>,
  settings: Settings = {},
) =>
  Stage.make("item", {
    input: { n: Schema.Int },
    output: Schema.Int,
    ...settings,
    run: ({ n }, context) => run(n, context),
  });

const each = { each: "n", key: (n: number) => `#${n}` } as const;

const pipelineOf = <E, R>(
  fan: Stage.Stage<{ readonly n: ReadonlyArray<number> }, Stage.Items<number>, {}, E, R>,
  count: number,
) => Pipeline.make("p", { charter }, () => ({ out: fan({ n: numbersTo(count)() }) }));

/** Runs an effect while the virtual clock goes on. */
const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect);
    yield* TestClock.adjust("1 day");
    return yield* Fiber.join(fiber);
  });

describe("the errors of an item", () => {
  it.effect("say which it was, under the name that the stage has in the graph", () =>
    Effect.gen(function* () {
      const slow = Stage.timeout(
        item((n) => (n === 2 ? Effect.never : Effect.succeed(n))),
        "1 minute",
      );
      const fan = Stage.forEach("fan", slow, each);
      const one = yield* Effect.flip(eventually(fan.run({ n: numbers(3) })));
      assert.match(one.message, /stage "fan\[#2\]" took longer/);
      const grouped = Pipeline.make("p", { charter }, () => ({
        out: Pipeline.group("all", () =>
          Stage.named(
            "stores",
            Stage.forEach("fan", slow, { ...each, onFailure: "collect" }),
          )({
            n: numbersTo(3)(),
          }),
        ),
      }));
      const { run } = yield* eventually(observe(grouped));
      const message = stageOf(run, "all/stores").failure?.message ?? "";
      assert.match(message, /^stage "all\/stores": 1 of 3 items failed:\n {2}#2: StageTimedOut/);
      assert.include(message, 'stage "all/stores[#2]" took longer');
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("include an output that breaks its contract, and an input", () =>
    Effect.gen(function* () {
      const fan = Stage.forEach(
        "fan",
        item((n) => Effect.succeed(n + 0.5)),
        each,
      );
      const wrong = yield* Effect.flip(fan.run({ n: [7] }));
      assert.strictEqual(wrong._tag, "OutputMismatch");
      assert.include(wrong.message, 'stage "fan[#7]" broke the contract');
      const input = yield* Effect.flip(fan.run({ n: [1, 0.5] }));
      assert.strictEqual(input._tag, "InputMismatch");
      assert.match(input.message, /stage "fan" cannot take its input "n"[^]*\[1\]/);
    }),
  );

  it.effect("are tried again by item", () =>
    Effect.gen(function* () {
      const attempts: Record<string, number> = {};
      const flaky = item((n) =>
        Effect.suspend(() => {
          attempts[n] = (attempts[n] ?? 0) + 1;
          return n % 2 === 1 && attempts[n] < 3 ? Effect.fail(new Busy()) : Effect.succeed(n);
        }),
      );
      const patient = Stage.retry(flaky, { Busy: Schedule.recurs(2) });
      const fan = Stage.forEach("fan", patient, { ...each, onFailure: "collect" });
      const { run } = yield* eventually(observe(pipelineOf(fan, 4)));
      assert.deepStrictEqual(attempts, { 0: 1, 1: 3, 2: 1, 3: 3 });
      const record = stageOf(run, "fan");
      assert.strictEqual(record.status, "succeeded");
      assert.deepStrictEqual(
        record.attempts?.map(({ failure }) => failure.message.slice(0, 3)).toSorted(),
        ["#1:", "#1:", "#3:", "#3:"],
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("that say not yet are no failures: the run waits, once the others are done", () =>
    Effect.gen(function* () {
      let there = false;
      const ran: Array<number> = [];
      const waiting = item((n) =>
        Effect.suspend(() => {
          if (n === 1 && !there) return Effect.fail(new NotYet());
          ran.push(n);
          return Effect.succeed(n);
        }),
      );
      const onFailure = { quarantine: { atMostShare: 1 } };
      const pipeline = pipelineOf(Stage.forEach("fan", waiting, { ...each, onFailure }), 4);
      const first = yield* observe(pipeline);
      assert.strictEqual(first.run.status, "suspended");
      assert.deepStrictEqual(stageOf(first.run, "fan").items, {
        total: 4,
        succeeded: 3,
        cached: 0,
        failed: 0,
      });
      there = true;
      const second = yield* observe(pipeline, { resume: first.run.id });
      assert.strictEqual(second.run.status, "succeeded");
      assert.deepStrictEqual(ran.toSorted(), [0, 1, 2, 3]);
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("what items tell", () => {
  it.effect("is bounded: the record says what is left out", () =>
    Effect.gen(function* () {
      const told = item((n, { exhibit, finding }) =>
        Effect.gen(function* () {
          const severity = n === 149 ? "fail" : "warn";
          yield* finding({ check: "c", severity, expected: "", found: "", next: "" });
          yield* exhibit({ _tag: "table", title: "Rows", columns: ["n"], rows: [[n]] });
          return n;
        }),
      );
      const fan = Stage.forEach("fan", told, { ...each, concurrency: 1 });
      const { run } = yield* observe(pipelineOf(fan, 150));
      const record = stageOf(run, "fan");
      assert.deepStrictEqual(
        record.exhibits.map(({ title }) => title),
        ["#0: Rows"],
      );
      assert.strictEqual(record.findings[99]?.check, "#99: c");
      assert.deepStrictEqual(
        record.findings.slice(100).map(({ severity, found }) => `${severity} ${found}`),
        [
          "fail 50 more, which are not kept: 1 fail, 49 warn, 0 info",
          "info 149 of other items, which are not kept",
        ],
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("is one line of progress, at most ten times a second", () =>
    Effect.gen(function* () {
      const slow = item((n) => Effect.as(Effect.sleep("30 millis"), n));
      const fan = Stage.forEach("fan", slow, { ...each, concurrency: 1 });
      const { events } = yield* eventually(observe(pipelineOf(fan, 100)));
      const progress = events.flatMap((event) =>
        event._tag === "StageProgress" ? [event.progress] : [],
      );
      // Three seconds of work.
      assert.isAtMost(progress.length, 31);
      assert.isAtLeast(progress.length, 20);
      assert.deepStrictEqual(progress.at(-1), {
        label: "#99",
        share: 1,
        items: { total: 100, succeeded: 100, cached: 0, failed: 0 },
      });
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("items at once", () => {
  /** Counts how many run at the same time. */
  const counting = (settings: Settings = {}) => {
    let [now, most] = [0, 0];
    const stage = item(
      (n) =>
        Effect.acquireUseRelease(
          Effect.sync(() => (most = Math.max(most, ++now))),
          () => Effect.as(Effect.sleep("1 second"), n),
          () => Effect.sync(() => now--),
        ),
      settings,
    );
    return { stage, most: () => most };
  };
  const cores = os.availableParallelism();

  it.effect("are as many as the author says, and as there are cores for", () =>
    Effect.gen(function* () {
      const widthOf = Effect.fnUntraced(function* (settings: Settings, concurrency?: number) {
        const { stage, most } = counting(settings);
        const options = concurrency === undefined ? each : { ...each, concurrency };
        yield* eventually(Stage.forEach("fan", stage, options).run({ n: numbers(40) }));
        return most();
      });
      const waits = { resources: { cores: 0 } };
      assert.strictEqual(yield* widthOf({}), Math.min(cores, 40));
      assert.strictEqual(yield* widthOf({}, 1), 1);
      assert.strictEqual(yield* widthOf({}, 1000), Math.min(cores, 40));
      assert.strictEqual(yield* widthOf(waits), 16);
      assert.strictEqual(yield* widthOf(waits, 25), 25);
      assert.strictEqual(yield* widthOf({ resources: { cores: "all" } }), 1);
      assert.strictEqual(yield* widthOf({ resources: { cores: cores * 2 } }), 1);
    }),
  );

  it.effect("are no more than the engine may use", () =>
    Effect.gen(function* () {
      const { stage, most } = counting();
      const pipeline = pipelineOf(Stage.forEach("fan", stage, each), 5);
      const { exit } = yield* eventually(observe(pipeline));
      assert.isTrue(Exit.isSuccess(exit));
      assert.strictEqual(most(), 1);
    }).pipe(
      withCode(),
      Effect.provide(
        LocalEngine.layerWith({ cores: 1 }).pipe(
          Layer.provideMerge(Layer.merge(Store.layerMemory, ArtifactStore.layerTemporary)),
        ),
      ),
    ),
  );

  it("declare together what they need, and are a kind of their own on the graph", () => {
    const { stage } = counting({ resources: { cores: 1, memory: "1 MiB" } });
    const all = Graph.of(pipelineOf(Stage.forEach("fan", stage, each), 1)).stages[1];
    assert.strictEqual(all?.kind, "each");
    assert.deepStrictEqual(all?.resources, { cores: "all", memoryBytes: cores * 2 ** 20 });
    const waits = counting({ resources: { cores: 0 } }).stage;
    const none = Stage.forEach("fan", waits, each).info.resources;
    assert.deepStrictEqual(none, { cores: 0, memoryBytes: 0 });
    const tebibytes = counting({ resources: { memory: "1024 TiB" } }).stage;
    assert.strictEqual(Stage.forEach("fan", tebibytes, each).info.resources.memoryBytes, 2 ** 50);
  });

  it("are at least one", () => {
    assert.throws(
      () => Stage.forEach("fan", counting().stage, { ...each, concurrency: 0 }),
      /runs 0 items at once.*at least one/,
    );
  });
});

describe("a stage that fans out", () => {
  it("is under the contracts of its items", () => {
    const under = (version: string) => {
      const contract = Contract.make("flight", {
        version,
        owner: "ops",
        columns: { id: Column.string() },
      });
      const file = Schema.String.annotate(Contract.annotationsOf(contract));
      const read = Stage.make("read", {
        input: { file },
        output: file,
        run: ({ file }) => Effect.succeed(file),
      });
      return contractsOf(Stage.forEach("reads", read, { each: "file", key: String }).info);
    };
    assert.deepStrictEqual(Object.keys(under("1.0.0")), ["in:file", "out:"]);
    assert.notDeepEqual(under("1.0.0"), under("2.0.0"));
  });

  it("is none for approvals", () => {
    const ask = Stage.approval("ask", {
      question: "?",
      evidence: Schema.Int,
      approvers: ["ana"],
    });
    assert.throws(
      () => Stage.forEach("asks", ask, { each: "evidence", key: String }),
      /approve each item by itself.*before the approval/,
    );
  });
});
