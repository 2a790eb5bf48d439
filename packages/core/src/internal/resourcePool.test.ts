import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import { ArtifactStore } from "../Artifact.ts";
import { Engine } from "../Engine.ts";
import * as LocalEngine from "../LocalEngine.ts";
import * as Pipeline from "../Pipeline.ts";
import * as Stage from "../Stage.ts";
import { Store } from "../Store.ts";
import { charter } from "./charter.fixture.ts";
import { observe, withCode } from "./engine.fixture.ts";
import { makePool } from "./resourcePool.ts";

const gibibyte = 2 ** 30;

describe("a pool", () => {
  it.effect("never gives away more than it has, and lets everybody in", () =>
    Effect.gen(function* () {
      const need = fc.record({
        cores: fc.oneof(fc.constant("all" as const), fc.integer({ min: 0, max: 4 })),
        memoryBytes: fc.integer({ min: 0, max: 8 }),
        turns: fc.integer({ min: 0, max: 5 }),
      });
      const samples = fc.sample(fc.array(need, { maxLength: 30 }), { numRuns: 50, seed: 11 });
      for (const needs of samples) {
        const pool = makePool({ cores: 4, memoryBytes: 8 });
        let [cores, memory, done] = [0, 0, 0];
        yield* Effect.forEach(
          needs,
          ({ turns, ...asked }) => {
            const taken = asked.cores === "all" ? 4 : asked.cores;
            const work = Effect.gen(function* () {
              cores += taken;
              memory += asked.memoryBytes;
              assert.isAtMost(cores, 4);
              assert.isAtMost(memory, 8);
              for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow;
              cores -= taken;
              memory -= asked.memoryBytes;
              done++;
            });
            return pool.use(asked, Effect.void)(work);
          },
          { concurrency: "unbounded" },
        );
        assert.deepStrictEqual([cores, memory, done], [0, 0, needs.length]);
      }
    }),
  );

  it.effect("serves in order: a large one is not passed by", () =>
    Effect.gen(function* () {
      const pool = makePool({ cores: 2, memoryBytes: 0 });
      const order: Array<string> = [];
      const open = yield* Deferred.make<void>();
      const use = (name: string, cores: number, until: Effect.Effect<void> = Effect.void) =>
        Effect.forkChild(
          pool.use(
            { cores, memoryBytes: 0 },
            Effect.sync(() => void order.push(`${name} waits`)),
          )(
            Effect.andThen(
              Effect.sync(() => void order.push(name)),
              until,
            ),
          ),
          { startImmediately: true },
        );
      const fibers = [
        yield* use("first", 1, Deferred.await(open)),
        yield* use("large", 2),
        yield* use("small", 1),
      ];
      assert.deepStrictEqual(order, ["first", "large waits", "small waits"]);
      yield* Deferred.succeed(open, undefined);
      for (const fiber of fibers) yield* Fiber.join(fiber);
      assert.deepStrictEqual(order.slice(3), ["large", "small"]);
    }),
  );

  it.effect("gets back what an interrupted one had or waited for", () =>
    Effect.gen(function* () {
      const pool = makePool({ cores: 1, memoryBytes: 0 });
      const use = (effect: Effect.Effect<unknown>) =>
        Effect.forkChild(pool.use({ cores: 1, memoryBytes: 0 }, Effect.void)(effect), {
          startImmediately: true,
        });
      const running = yield* use(Effect.never);
      const waiting = yield* use(Effect.never);
      const last = yield* use(Effect.succeed("in"));
      yield* Fiber.interrupt(waiting);
      yield* Fiber.interrupt(running);
      assert.strictEqual(yield* Fiber.join(last), "in");
    }),
  );
});

describe("stages that declare what they need", () => {
  const engineOf = (limits: LocalEngine.Limits) =>
    LocalEngine.layerWith(limits).pipe(
      Layer.provideMerge(Layer.merge(Store.layerMemory, ArtifactStore.layerTemporary)),
    );

  const sideBySide = (
    count: number,
    resources: NonNullable<Parameters<typeof Stage.make>[1]["resources"]>,
  ) => {
    const seen = { now: 0, most: 0 };
    const work = Stage.make("work", {
      input: {},
      output: Schema.Int,
      resources,
      run: () =>
        Effect.gen(function* () {
          seen.most = Math.max(seen.most, ++seen.now);
          for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow;
          return seen.now--;
        }),
    });
    const pipeline = Pipeline.make("p", { charter }, () =>
      Object.fromEntries(
        Array.from({ length: count }, (_, at) => [`out${at}`, Stage.named(`work-${at}`, work)()]),
      ),
    );
    return { pipeline, seen };
  };

  it.effect("run side by side as far as cores and memory go", () =>
    Effect.gen(function* () {
      const most = Effect.fnUntraced(function* (
        limits: LocalEngine.Limits,
        resources: Parameters<typeof sideBySide>[1],
      ) {
        const { pipeline, seen } = sideBySide(6, resources);
        const { run } = yield* observe(pipeline).pipe(Effect.provide(engineOf(limits)));
        assert.strictEqual(run.status, "succeeded");
        return seen.most;
      });
      const large = { cores: 8, memory: "64 GiB" } as const;
      assert.strictEqual(yield* most({ ...large, cores: 3 }, {}), 3);
      assert.strictEqual(yield* most(large, { cores: 4 }), 2);
      assert.strictEqual(yield* most(large, { cores: "all" }), 1);
      assert.strictEqual(yield* most({ cores: 1 }, { cores: 0 }), 6);
      assert.strictEqual(yield* most(large, { memory: "30 GiB" }), 2);
    }).pipe(withCode()),
  );

  it.effect("tell that they wait, and for what", () =>
    Effect.gen(function* () {
      const { pipeline } = sideBySide(2, { cores: 2 });
      const { events } = yield* observe(pipeline).pipe(Effect.provide(engineOf({ cores: 2 })));
      const waits = events.flatMap((event) =>
        event._tag === "StageProgress" ? [`${event.stage} ${event.progress.label}`] : [],
      );
      assert.deepStrictEqual(waits, ["work-1 waits for 2 cores"]);
    }).pipe(withCode()),
  );

  it.effect("are refused before anything runs if there can never be so much", () =>
    Effect.gen(function* () {
      const refusal = (resources: Parameters<typeof sideBySide>[1]) => {
        const { pipeline, seen } = sideBySide(1, resources);
        return Engine.use((engine) => engine.run(pipeline)).pipe(
          Effect.flip,
          Effect.map((error) => {
            assert.strictEqual(seen.most, 0);
            return String(error);
          }),
          Effect.provide(engineOf({ cores: 2, memory: 4 * gibibyte })),
        );
      };
      assert.match(
        yield* refusal({ cores: 3 }),
        /"work-0" asks for 3 cores and 0.0 GiB, but there are 2 cores and 4.0 GiB.*larger machine/,
      );
      assert.match(yield* refusal({ memory: "5 GiB" }), /asks for 1 cores and 5.0 GiB/);
    }).pipe(withCode()),
  );

  it("cannot ask for half a core or no size", () => {
    const ask = (resources: Parameters<typeof sideBySide>[1]) => () => sideBySide(1, resources);
    assert.throws(ask({ cores: 0.5 }), /it asks for 0.5 cores.*whole cores/);
    assert.throws(ask({ memory: -1 }), /memory -1/);
  });
});
