import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Hook from "./Hook.ts";
import { charter } from "./internal/charter.fixture.ts";
import { engine, observe, source, stageOf, withCode } from "./internal/engine.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import * as Signal from "./Signal.ts";
import * as Stage from "./Stage.ts";
import { Store } from "./Store.ts";

const Drift = Signal.make("DataDrift", { description: "PSI", payload: Schema.Null });
const Drop = Signal.make("MetricDrop", { description: "USD", payload: Schema.Null });

const day = (n: number) => new Date(Date.UTC(2001, 5, n));

/** A monitored model: `drift` and `drop` are the values observed, one a day from 1 June 2001. */
const monitored = (
  hook: Hook.Hook,
  { alsoOn, to = true }: { readonly alsoOn?: Hook.Hook; readonly to?: boolean } = {},
) => {
  const runs = { ingest: 0, train: 0, watch: 0 };
  const world = { drift: [] as ReadonlyArray<number>, drop: [] as ReadonlyArray<number>, ok: true };
  const ingest = Stage.make("ingest", {
    input: {},
    output: Schema.Int,
    run: () => Effect.sync(() => ++runs.ingest),
  });
  const train = Stage.make("train", {
    input: { n: Schema.Int },
    output: Schema.Int,
    run: ({ n }) => Effect.sync(() => (runs.train++, n)),
  });
  const watch = Stage.make("watch", {
    input: { model: Schema.Int },
    output: Schema.Int,
    signals: { drift: Drift, drop: Drop },
    fingerprint: Effect.sync(() => [world.drift, world.drop, world.ok]),
    run: ({ model }, { emit }) =>
      Effect.gen(function* () {
        runs.watch++;
        for (const [signal, values] of [
          ["drift", world.drift],
          ["drop", world.drop],
        ] as const) {
          for (const [index, value] of values.entries()) {
            yield* emit(signal, { at: day(index + 1), value, payload: null });
          }
        }
        return model;
      }),
  });
  const late = Stage.make("late", {
    input: { n: Schema.Int },
    output: Schema.Int,
    cache: "never",
    run: ({ n }) => (world.ok ? Effect.succeed(n) : Effect.fail("down")),
  });
  const pipeline = Pipeline.make("monitored", { charter }, () => {
    const data = ingest();
    const model = train({ n: data });
    const watched = watch({ model });
    if (alsoOn !== undefined) {
      Pipeline.feedback({ on: watched.signals.drop, to: watched, hook: alsoOn });
    }
    Pipeline.feedback({ on: watched.signals.drift, ...(to ? { to: model } : {}), hook });
    return { watched, late: late({ n: watched }), other: source("other", 1).stage() };
  });
  return { pipeline, runs, world };
};

const allRuns = Effect.flatMap(Store, (store) => store.runs(100));

describe("a dry hook", () => {
  it.effect("decides and records, and does nothing", () =>
    Effect.gen(function* () {
      const { pipeline, runs, world } = monitored(Hook.rerun({ armAt: 0.2, confirm: 2 }));
      world.drift = [0.1, 0.3, 0.3];
      const { run, events } = yield* observe(pipeline);
      const [record] = run.hooks;
      assert.deepStrictEqual(
        record?.decisions.map(({ at, act }) => [at, act]),
        [
          [day(1), false],
          [day(2), false],
          [day(3), true],
        ],
      );
      assert.deepStrictEqual(
        [record?.stage, record?.signal, record?.to],
        ["watch", "DataDrift", "train"],
      );
      assert.isUndefined(record?.state);
      assert.deepStrictEqual(runs, { ingest: 1, train: 1, watch: 1 });
      assert.strictEqual((yield* allRuns).length, 1);
      assert.deepStrictEqual(
        events.slice(-2).map(({ _tag }) => _tag),
        ["HookDecided", "RunEnded"],
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("decides on each run as if nothing had been before", () =>
    Effect.gen(function* () {
      const { pipeline, world } = monitored(Hook.rerun({ armAt: 0.2 }));
      world.drift = [0.3];
      for (const _ of [1, 2, 3]) {
        const { run } = yield* observe(pipeline);
        assert.deepStrictEqual(
          run.hooks[0]?.decisions.map(({ act }) => act),
          [true],
        );
      }
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("an armed hook", () => {
  const armed = { armAt: 0.2, armed: true, budget: { times: 10, per: "1 day" } } as const;

  it.effect("runs the target and its descendants again, once, and says who caused it", () =>
    Effect.gen(function* () {
      const { pipeline, runs, world } = monitored(Hook.rerun(armed));
      world.drift = [0.1, 0.3];
      const { exit, run, statuses } = yield* observe(pipeline);
      assert.deepStrictEqual(runs, { ingest: 1, train: 2, watch: 2 });
      assert.deepStrictEqual(statuses, [
        "ingest cached",
        "train succeeded",
        "watch succeeded",
        "late succeeded",
        "other cached",
      ]);
      const [second, first, ...others] = yield* allRuns;
      assert.deepStrictEqual(others, []);
      assert.deepStrictEqual(second?.causedBy, { run: first?.id ?? "", signal: "DataDrift" });
      assert.isUndefined(first?.causedBy);
      assert.match(
        stageOf(run, "train").cacheNote,
        /hook on signal DataDrift of run .* asked for it/,
      );
      // The caller gets the run that counts: the one after.
      assert.strictEqual(exit._tag === "Success" ? exit.value.run.id : "", second?.id);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("without a target runs everything again", () =>
    Effect.gen(function* () {
      const { pipeline, runs, world } = monitored(Hook.rerun(armed), { to: false });
      world.drift = [0.3];
      yield* observe(pipeline);
      assert.deepStrictEqual(runs, { ingest: 2, train: 2, watch: 2 });
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("never acts twice on one observation, however often the pipeline runs", () =>
    Effect.gen(function* () {
      const { pipeline, runs, world } = monitored(Hook.rerun(armed));
      world.drift = [0.1, 0.3];
      yield* observe(pipeline);
      for (const _ of [1, 2, 3]) {
        const { run } = yield* observe(pipeline);
        assert.deepStrictEqual(
          run.hooks[0]?.decisions.map(({ reason }) => reason),
          ["an earlier run decided on it", "an earlier run decided on it"],
        );
      }
      assert.strictEqual(runs.train, 2);
      assert.strictEqual((yield* allRuns).length, 5);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("goes on where the last run left it: disarming, cool-down and budget span runs", () =>
    Effect.gen(function* () {
      const hook = Hook.rerun({
        armAt: 0.2,
        disarmBelow: 0.1,
        coolDown: "3 days",
        budget: { times: 2, per: "30 days" },
        armed: true,
      });
      const { pipeline, runs, world } = monitored(hook);
      const decide = Effect.fnUntraced(function* (...drift: ReadonlyArray<number>) {
        world.drift = [...world.drift, ...drift];
        const before = runs.train;
        yield* observe(pipeline);
        return runs.train > before;
      });
      assert.isTrue(yield* decide(0.3), "day 1");
      assert.isFalse(yield* decide(0.3), "day 2: has not been quiet since");
      assert.isTrue(yield* decide(0.05, 0.3), "day 4: quiet on day 3, and three days have passed");
      assert.isFalse(yield* decide(0.05, 0.3), "day 6: cools down");
      assert.isFalse(yield* decide(0.3), "day 7: the budget is spent");
      assert.strictEqual(runs.train, 3);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("does not act on a run that failed; the next one decides", () =>
    Effect.gen(function* () {
      const { pipeline, runs, world } = monitored(Hook.rerun(armed));
      world.drift = [0.3];
      world.ok = false;
      const failed = yield* observe(pipeline);
      assert.strictEqual(failed.run.status, "failed");
      assert.deepStrictEqual(
        failed.run.hooks[0]?.decisions.map(({ act, reason }) => `${act} ${reason}`),
        ["false held: the run did not succeed, so the next one decides"],
      );
      assert.strictEqual(runs.train, 1);
      world.ok = true;
      yield* observe(pipeline);
      assert.strictEqual(runs.train, 2);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("runs from all targets if several hooks act, still once", () =>
    Effect.gen(function* () {
      const { pipeline, runs, world } = monitored(Hook.rerun(armed), { alsoOn: Hook.rerun(armed) });
      world.drop = [0.5];
      yield* observe(pipeline);
      assert.deepStrictEqual(runs, { ingest: 1, train: 1, watch: 2 });
      world.drop = [0.5, 0.1, 0.5];
      world.drift = [0, 0, 0.3];
      yield* observe(pipeline);
      // Once because what it watches changed, and once more from the earlier of both targets.
      assert.deepStrictEqual(runs, { ingest: 1, train: 2, watch: 4 });
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("that only alerts runs nothing again, and may alert again when its time has come", () =>
    Effect.gen(function* () {
      const { pipeline, runs, world } = monitored(Hook.alert(armed));
      world.drift = [0.3, 0.1, 0.3];
      const { run } = yield* observe(pipeline);
      assert.deepStrictEqual(
        run.hooks[0]?.decisions.map(({ act }) => act),
        [true, false, true],
      );
      assert.deepStrictEqual(runs, { ingest: 1, train: 1, watch: 1 });
      assert.strictEqual(run.hooks[0]?.state?.inFlight, false);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("whose re-run was killed is not in flight for ever", () =>
    Effect.gen(function* () {
      const { pipeline, runs, world } = monitored(Hook.rerun(armed));
      world.drift = [0.3];
      yield* observe(pipeline);
      const store = yield* Store;
      const [{ id } = { id: "" }] = yield* allRuns;
      const last = yield* store.run(id);
      // As if the process had died between its decision and the end of the re-run.
      if (last._tag === "Some") {
        const hooks = last.value.hooks.map((hook) => ({
          ...hook,
          state: { ...(hook.state ?? Hook.initial), inFlight: true },
        }));
        yield* store.endRun({ ...last.value, hooks });
      }
      world.drift = [0.3, 0.1, 0.3];
      yield* observe(pipeline);
      assert.strictEqual(runs.train, 3);
    }).pipe(withCode(), Effect.provide(engine)),
  );
});
