import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Graph from "./Graph.ts";
import { charter } from "./internal/charter.fixture.ts";
import { adder, engine, observe, source, stageOf, withCode } from "./internal/engine.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import type * as Ref from "./Ref.ts";
import * as Stage from "./Stage.ts";

const isAbove = (limit: number) =>
  Stage.make("is-above", {
    input: { n: Schema.Int },
    output: Schema.Boolean,
    params: { limit },
    run: ({ n }) => Effect.succeed(n > limit),
  });

const given = (n: number) =>
  Stage.make("one", {
    input: {},
    output: Schema.Int,
    params: { n },
    run: () => Effect.succeed(n),
  });

/** n above the limit: plus 10, then doubled outside the branch; else plus 1 twice. */
const branching = (n: number, limit = 5) => {
  const large = adder("large", 10);
  const small = adder("small", 1);
  const smaller = adder("smaller", 1);
  const after = adder("after", 100);
  const pipeline = Pipeline.make("p", { charter }, () => {
    const one = given(n)();
    const size = Stage.when("size", {
      if: isAbove(limit)({ n: one }),
      yes: () => large.stage({ n: one }),
      no: () => smaller.stage({ n: small.stage({ n: one }) }),
    });
    return { out: after.stage({ n: size }) };
  });
  return { pipeline, runs: () => [large.runs(), small.runs(), smaller.runs(), after.runs()] };
};

describe("Stage.when", () => {
  it.effect("runs the branch that its condition takes, and skips the other", () =>
    Effect.gen(function* () {
      const high = branching(7);
      const { run, statuses, exit } = yield* observe(high.pipeline);
      assert.deepStrictEqual(statuses, [
        "one succeeded",
        "is-above succeeded",
        "large succeeded",
        "small skipped",
        "smaller skipped",
        "size succeeded",
        "after succeeded",
      ]);
      assert.isTrue(exit._tag === "Success" && exit.value.outputs.out === 117);
      assert.deepStrictEqual(high.runs(), [1, 0, 0, 1]);
      assert.strictEqual(stageOf(run, "size").cacheNote, 'took the branch "yes"');
      const low = branching(3);
      const other = yield* observe(low.pipeline);
      assert.isTrue(other.exit._tag === "Success" && other.exit.value.outputs.out === 105);
      assert.deepStrictEqual(low.runs(), [0, 1, 1, 1]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("comes from the cache like any stage", () =>
    Effect.gen(function* () {
      yield* observe(branching(7).pipeline);
      const again = branching(7);
      const { statuses } = yield* observe(again.pipeline);
      assert.deepStrictEqual(again.runs(), [0, 0, 0, 0]);
      assert.include(statuses, "small skipped");
      assert.include(statuses, "after cached");
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("reaches neither branch if the condition fails", () =>
    Effect.gen(function* () {
      const one = adder("one", 1);
      const pipeline = Pipeline.make("p", { charter }, () => {
        const n = source("n", 1).stage();
        const decide = Stage.make("decide", {
          input: {},
          output: Schema.Boolean,
          run: () => Effect.fail("no decision"),
        });
        return {
          out: Stage.when("which", {
            if: decide(),
            yes: () => one.stage({ n }),
            no: () => Stage.named("two", one.stage)({ n }),
          }),
        };
      });
      const { statuses } = yield* observe(pipeline);
      assert.deepStrictEqual(statuses, [
        "n succeeded",
        "decide failed",
        "one not-reached",
        "two not-reached",
        "which not-reached",
      ]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("can stand in a branch of another", () =>
    Effect.gen(function* () {
      const pipeline = (n: number) =>
        Pipeline.make("p", { charter }, () => {
          const one = given(n)();
          const plus = (name: string, add: number) => adder(name, add).stage({ n: one });
          return {
            out: Stage.when("outer", {
              if: Stage.named("above-5", isAbove(5))({ n: one }),
              yes: () =>
                Stage.when("inner", {
                  if: Stage.named("above-7", isAbove(7))({ n: one }),
                  yes: () => plus("huge", 1000),
                  no: () => plus("large", 100),
                }),
              no: () => plus("small", 10),
            }),
          };
        });
      const outOf = Effect.fnUntraced(function* (n: number) {
        const { exit, run } = yield* observe(pipeline(n));
        const skipped = run.stages.filter(({ status }) => status === "skipped");
        const names = skipped.map(({ stage }) => stage);
        return [exit._tag === "Success" ? exit.value.outputs.out : exit, ...names];
      });
      assert.deepStrictEqual(yield* outOf(9), [1009, "large", "small"]);
      assert.deepStrictEqual(yield* outOf(6), [106, "huge", "small"]);
      assert.deepStrictEqual(yield* outOf(1), [11, "above-7", "huge", "large", "inner"]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it("shows both branches on the graph", () => {
    const { stages } = Graph.of(branching(1).pipeline);
    const found = stages.find(({ name }) => name === "small");
    assert.deepStrictEqual(found?.when, [
      { choice: "size", from: { stage: "is-above", port: "" }, is: false },
    ]);
    const choice = stages.find(({ name }) => name === "size");
    assert.strictEqual(choice?.kind, "choice");
    assert.deepStrictEqual(
      choice?.inputs.map(({ name, from }) => `${name} ${from.stage}`),
      ["if is-above", "yes large", "no smaller"],
    );
  });

  it("refuses to hand a value out of a branch by another way", () => {
    const leak = (use: (inside: Ref.Ref<number, never, never>) => Ref.Ref<number>) => () =>
      Pipeline.make("p", { charter }, () => {
        const n = source("n", 1).stage();
        let inside: Ref.Ref<number, never, never> = n;
        const out = Stage.when("which", {
          if: isAbove(5)({ n }),
          yes: () => (inside = adder("one", 1).stage({ n })),
          no: () => adder("two", 2).stage({ n }),
        });
        return { out, leaked: use(inside) };
      });
    assert.throws(
      leak((inside) => inside),
      /output "leaked" is on a branch.*Return what Stage.when/,
    );
    assert.throws(
      leak((n) => adder("later", 1).stage({ n })),
      /comes from "one", on a branch of "which" that may not be taken.*end of its Stage.when/,
    );
  });

  it("refuses branches of different kinds, and ones that give nothing", () => {
    const text = Stage.make("text", {
      input: {},
      output: Schema.String.annotate({ title: "Text" }),
      run: () => Effect.succeed(""),
    });
    const number = Stage.make("number", {
      input: {},
      output: Schema.String.annotate({ title: "Number" }),
      run: () => Effect.succeed("1"),
    });
    assert.throws(
      () =>
        Pipeline.make("p", { charter }, () => {
          const n = source("n", 1).stage();
          const options = { if: isAbove(5)({ n }), yes: () => text(), no: () => number() };
          return { out: Stage.when("which", options) };
        }),
      /input "no" takes Text, but gets Number/,
    );
  });
});

describe("Pipeline.group", () => {
  const region = (name: string, n: Ref.Ref<number, never, never>) =>
    Pipeline.group(name, () => adder("plus", 1).stage({ n: adder("times", 2).stage({ n }) }));
  const pipeline = () =>
    Pipeline.make("p", { charter }, () => {
      const one = source("one", 1).stage();
      return {
        north: region("north", one),
        south: Pipeline.group("all", () => region("south", one)),
      };
    });

  it.effect("uses the same stages several times, under names of their own", () =>
    Effect.gen(function* () {
      const { statuses, exit } = yield* observe(pipeline());
      assert.deepStrictEqual(statuses, [
        "one succeeded",
        "north/times succeeded",
        "north/plus succeeded",
        "all/south/times succeeded",
        "all/south/plus succeeded",
      ]);
      assert.isTrue(exit._tag === "Success" && exit.value.outputs.south === 4);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it("is on the graph", () => {
    const groups = Graph.of(pipeline()).stages.map(({ group }) => group?.join(" "));
    assert.deepStrictEqual(groups, [undefined, "north", "north", "all south", "all south"]);
  });

  it("errors of its stages name the group", () => {
    assert.throws(
      () =>
        Pipeline.make("p", { charter }, () => {
          const one = source("one", 1).stage();
          return { a: region("north", one), b: region("north", one) };
        }),
      /stage "north\/times": it is called twice/,
    );
  });
});
