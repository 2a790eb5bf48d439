import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { adder, engine, observe, source, withCode } from "../internal/engine.fixture.ts";
import { charter } from "../internal/charter.fixture.ts";
import * as Pipeline from "../Pipeline.ts";
import * as Signal from "../Signal.ts";
import * as Stage from "../Stage.ts";
import { Store } from "../Store.ts";
import type { TriggerState } from "../Trigger.ts";
import * as Schema from "effect/Schema";

const memory = Effect.provide(Store.layerMemory);
const triggers = Effect.map(Store, ({ triggers }) => triggers);
const state = (base: number): TriggerState => ({ kind: "count", base, times: 0 });
const found = (occurrences: ReadonlyArray<string>, pending: "latest" | "all", base = 0) => ({
  pipeline: "p",
  trigger: { name: "t", pending },
  occurrences,
  state: state(base),
});
const names = (queued: ReadonlyArray<{ readonly occurrence: string }>) =>
  queued.map(({ occurrence }) => occurrence);

describe("occurrences", () => {
  it.effect("are recorded once, with the state that knows them", () =>
    Effect.gen(function* () {
      const store = yield* triggers;
      assert.isTrue(Option.isNone(yield* store.state("p", "t")));
      assert.deepStrictEqual(names(yield* store.found(found(["a", "b"], "all", 1))), ["a", "b"]);
      assert.deepStrictEqual(names(yield* store.found(found(["b", "c"], "all", 2))), ["c"]);
      assert.deepStrictEqual(yield* store.state("p", "t"), Option.some(state(2)));
      const [first] = yield* store.queue("p");
      yield* store.end(first?.id ?? 0);
      assert.deepStrictEqual(yield* store.found(found(["a"], "all", 3)), []);
      assert.deepStrictEqual(names(yield* store.queue("p")), ["b", "c"]);
      assert.deepStrictEqual(yield* store.queue("q"), []);
    }).pipe(memory),
  );

  it.effect("are recorded all or none", () =>
    Effect.gen(function* () {
      const store = yield* triggers;
      yield* store.found(found(["a"], "all", 1));
      // The state cannot be written: neither can what it knows.
      const broken = { ...found(["b"], "all"), state: state(NaN) };
      yield* Effect.flip(store.found(broken));
      assert.deepStrictEqual(names(yield* store.queue("p")), ["a"]);
      assert.deepStrictEqual(yield* store.state("p", "t"), Option.some(state(1)));
      yield* store.found(found(["b"], "all", 2));
      assert.deepStrictEqual(names(yield* store.queue("p")), ["a", "b"]);
    }).pipe(memory),
  );

  it.effect("cover those that wait, never one that has begun", () =>
    Effect.gen(function* () {
      const store = yield* triggers;
      yield* store.found(found(["a"], "latest"));
      const [first] = yield* store.queue("p");
      yield* store.begin(first?.id ?? 0);
      assert.deepStrictEqual(names(yield* store.found(found(["b", "c"], "latest"))), ["c"]);
      yield* store.found(found(["d"], "latest"));
      assert.deepStrictEqual(
        (yield* store.queue("p")).map(({ occurrence, began }) => [occurrence, began]),
        [
          ["a", true],
          ["d", false],
        ],
      );
    }).pipe(memory),
  );
});

describe("signals", () => {
  const Drift = Signal.make("Drift", { description: "moved", payload: Schema.Null });
  const at = new Date("2026-01-02");
  const watching = Stage.make("monitor", {
    input: { n: Schema.Int },
    output: Schema.Int,
    signals: { drift: Drift },
    run: ({ n }, { emit }) => Effect.as(emit("drift", { at, value: n, payload: null }), n),
  });

  it.effect(
    "are those of stages that ended since; records that were removed do not hide later ones",
    () =>
      Effect.gen(function* () {
        const store = yield* triggers;
        assert.deepStrictEqual(yield* store.signalsAfter(), { signals: [], cursor: 0 });
        const pipeline = Pipeline.make("watch", { charter }, () => ({
          out: adder("after", 1).stage({ n: watching({ n: source("one", 1).stage() }) }),
        }));
        const { run } = yield* observe(pipeline);
        const first = yield* store.signalsAfter();
        const expected = {
          run: run.id,
          pipeline: "watch",
          stage: "monitor",
          signal: "Drift",
          value: 1,
          at,
        };
        assert.deepStrictEqual(first.signals, [expected]);
        assert.deepStrictEqual(yield* store.signalsAfter(first.cursor), {
          signals: [],
          cursor: first.cursor,
        });
        // Reused, and so told again: it is for the trigger to know that it has seen this.
        const again = yield* observe(pipeline);
        const second = yield* store.signalsAfter(first.cursor);
        assert.deepStrictEqual(second.signals, [{ ...expected, run: again.run.id }]);
        const beyond = yield* store.signalsAfter(second.cursor + 100);
        assert.deepStrictEqual(beyond, { signals: [], cursor: second.cursor });
      }).pipe(withCode(), Effect.provide(engine)),
  );
});
