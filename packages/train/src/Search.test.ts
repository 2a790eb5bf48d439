import { assert, describe, it } from "@effect/vitest";
import {
  Artifact,
  Charter,
  type Contract,
  Engine,
  LocalEngine,
  Pipeline,
  Stage,
  Store,
} from "@ml-pipe/core";
import { Duckdb, type FeatureSet, Model, Split, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as fc from "fast-check";
import { Amount, Buys, partsOf } from "../test-fixtures/visits.ts";
import { drawPoint, gridPoints } from "./internal/search/draw.ts";
import { measure } from "./internal/search/loss.ts";
import * as Space from "./Space.ts";
import * as Train from "./Train.ts";

const services = LocalEngine.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      Store.Store.layerMemory,
      Artifact.ArtifactStore.layerTemporary,
      Duckdb.Duckdb.layer({ threads: 1 }),
      Layer.succeed(Engine.CodeOf, () =>
        Effect.succeed({ _tag: "Known", parts: { tests: "1" } } as const),
      ),
    ),
  ),
);
const provided = Effect.provide(services);

const charter = Charter.make({
  title: "test",
  decision: { question: "?", madeAt: "now", actor: "nobody", outcomeKnownAfter: "1 day" },
  metric: {
    name: "cost",
    unit: "USD per row",
    costs: { truePositive: 0, falsePositive: 1, falseNegative: 1, trueNegative: 0 },
  },
  baseline: { name: "never", description: "always no", rule: false },
  smallestGain: 0.01,
  surface: "none",
  kill: { on: "2100-01-01", criterion: "never" },
  owner: "tests",
});

/** The parts of a split as the first stage of a pipeline. */
const source = <C extends Contract.Contract, Out extends Contract.Contract<"buys" | "amount">>(
  set: FeatureSet.FeatureSet<C, Out>,
) =>
  Stage.make("split", {
    input: {},
    outputs: {
      train: Table.of(set.contract, "train"),
      validation: Table.of(set.contract, "validation"),
    },
    run: () => Effect.map(partsOf(set), ({ train, validation }) => ({ train, validation })),
  });

const l2 = Space.float({ from: 1e-3, to: 1e3, scale: "log" });

const tuned = (options: Train.Strategy) =>
  Pipeline.make("tuned", { charter }, () => {
    const search = Train.search(Buys, {
      space: { l2, l1: Space.choice(0, 1) },
      train: ({ l1, l2 }) => Train.linear(Buys, { l1, l2 }),
      ...options,
    });
    const { model, result } = search(source(Buys)());
    return { model, result };
  });

const run = <A, E, R>(pipeline: Pipeline.Pipeline<A, E, R>) =>
  Engine.Engine.use((engine) => engine.run(pipeline));

describe("search", () => {
  it.effect("keeps the best of the trials, and says of how many it is", () =>
    Effect.gen(function* () {
      const { run: record, outputs } = yield* run(tuned({ trials: 6 }));
      const { model, result } = outputs;
      assert.strictEqual(model.kind, "logistic regression, best of 6 trials");
      assert.strictEqual(result.trials, 6);
      assert.strictEqual(result.loss, "logLoss");
      const losses = result.attempts.map(({ loss }) => loss);
      assert.deepStrictEqual(
        losses,
        losses.toSorted((a, b) => a - b),
      );
      const { estimator } = yield* Model.load(model);
      // The best one was trained with the parameters of the first.
      const parts = yield* partsOf(Buys);
      const [first] = result.attempts;
      const again = yield* Train.linear(Buys, {
        l1: Number(first?.parameters["l1"]),
        l2: Number(first?.parameters["l2"]),
      }).run(parts);
      assert.deepStrictEqual((yield* Model.load(again)).estimator, estimator);
      const best = record.stages.find(({ stage }) => stage === "search/best");
      assert.deepStrictEqual(
        best?.exhibits.map(({ title }) => title),
        ["Trials", "Loss by trial"],
      );
      assert.isTrue(best?.findings.some(({ check }) => check === "search.looks"));
    }).pipe(provided),
  );

  it.effect("with more trials trains only those that are new", () =>
    Effect.gen(function* () {
      yield* run(tuned({ trials: 3 }));
      const { run: record, outputs } = yield* run(tuned({ trials: 5 }));
      assert.strictEqual(outputs.result.trials, 5);
      const tried = record.stages.find(({ stage }) => stage === "search/try");
      assert.deepStrictEqual(tried?.items, {
        total: 5,
        succeeded: 2,
        cached: 3,
        failed: 0,
      });
    }).pipe(provided),
  );

  it.effect("halves: few rows first, then the best of them on more", () =>
    Effect.gen(function* () {
      const { outputs } = yield* run(
        tuned({ strategy: "halving", trials: 9, factor: 3, rungs: 3 }),
      );
      const shares = outputs.result.attempts.map(({ share }) => share.toPrecision(2));
      const count = (share: string) => shares.filter((one) => one === share).length;
      assert.deepStrictEqual([count("0.11"), count("0.33"), count("1.0")], [9, 3, 1]);
      assert.strictEqual(outputs.model.kind, "logistic regression, best of 9 trials");
      assert.strictEqual(outputs.model.trainedOn.rows, 360);
    }).pipe(provided),
  );

  it.effect("compares on folds of the training rows, and trains the best on all of them", () =>
    Effect.gen(function* () {
      const { outputs } = yield* run(
        Pipeline.make("tuned", { charter }, () => {
          const search = Train.search(Amount, {
            strategy: "grid",
            steps: 2,
            space: { l2 },
            loss: "absolute",
            train: ({ l2 }) => Train.linear(Amount, { l2 }),
            folds: Split.kFold(Amount.contract, { folds: 3 }),
          });
          const { model, result } = search(source(Amount)());
          return { model, result };
        }),
      );
      const { train } = yield* partsOf(Amount);
      assert.strictEqual(outputs.model.trainedOn.table, Table.digestOf(train));
      // Every labelled training row was validated on once.
      const [first, second] = outputs.result.attempts;
      assert.deepStrictEqual([first?.rows, second?.rows], [327, 327]);
      assert.strictEqual(outputs.result.loss, "absolute");
    }).pipe(provided),
  );

  it.effect("goes on without trials that cannot be trained, up to a share", () =>
    Effect.gen(function* () {
      const searched = (mayFail: number) =>
        Pipeline.make("tuned", { charter }, () => {
          const search = Train.search(Buys, {
            strategy: "grid",
            space: { steps: Space.choice(1, 100) },
            // One Newton step does not reach the optimum.
            train: ({ steps }) => Train.linear(Buys, { maxIterations: steps }),
            mayFail,
          });
          return { result: search(source(Buys)()).result };
        });
      const { outputs } = yield* run(searched(0.5));
      assert.strictEqual(outputs.result.failed.length, 1);
      assert.match(outputs.result.failed[0] ?? "", /^trial 1: .*no finite optimum/);
      const error = yield* Effect.flip(run(searched(0.4)));
      assert.include(String(error), "ItemsFailed");
    }).pipe(provided),
  );

  it("refuses a space without parameters, and numbers of trials that are none", () => {
    const train = () => Train.linear(Buys);
    assert.throws(() => Train.search(Buys, { space: {}, train }), /has no parameter/);
    assert.throws(() => Train.search(Buys, { space: { l2 }, train, trials: 0 }), /trials is 0/);
    assert.throws(
      () => Train.search(Buys, { space: { l2 }, train, strategy: "halving", factor: 1 }),
      /factor is 1/,
    );
    assert.throws(() => Train.search(Buys, { space: { l2 }, train, seed: 0.5 }), /seed 0.5/);
    const many = { a: l2, b: l2, c: l2, d: l2, e: l2, f: l2 };
    assert.throws(
      () => Train.search(Buys, { space: many, train, strategy: "grid", steps: 50 }),
      /15625000000 trials are more than 10000/,
    );
    assert.throws(() => Train.search(Buys, { space: { l2 }, train, trials: 1e9 }), /are more than/);
  });

  it.effect("does not compare on rows that nothing can be measured on", () =>
    Effect.gen(function* () {
      const parts = yield* partsOf(Amount);
      const model = yield* Train.linear(Amount).run(parts);
      const changed = (label: string) =>
        Effect.flatMap(Table.relation(parts.validation), (relation) =>
          Table.write(Amount.contract, "validation", {
            query: `SELECT * REPLACE (${label} AS label) FROM ${relation}`,
            split: parts.validation.split,
          }),
        );
      const measured = (table: Table.AnyTable, loss: "squared" | "poisson") =>
        Effect.map(Effect.flip(measure(Amount, model, table, loss)), ({ message }) => message);
      assert.include(
        yield* measured(yield* changed("NULL::DOUBLE"), "squared"),
        "no row has an outcome to measure a loss on (validation label)",
      );
      assert.include(
        yield* measured(yield* changed("label - 5"), "poisson"),
        "is below 0 (validation label, row 0)",
      );
      assert.include(
        yield* measured(yield* changed("label + 1e200"), "squared"),
        "the mean squared of the validation rows is Infinity",
      );
    }).pipe(provided),
  );
});

describe("spaces", () => {
  const space = {
    kind: Space.choice("a", "b", "c"),
    leaves: Space.int({ from: 2, to: 9 }),
    rate: Space.float({ from: 0.01, to: 1, scale: "log" }),
  };

  it("give points within them, the same for a seed and a trial", () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(10_000), (seed, trial) => {
        const point = drawPoint(space, seed, trial);
        assert.include(["a", "b", "c"], point.kind);
        assert.isTrue(Number.isInteger(point.leaves) && point.leaves >= 2 && point.leaves <= 9);
        assert.isTrue(point.rate >= 0.01 && point.rate <= 1);
        assert.deepStrictEqual(drawPoint(space, seed, trial), point);
      }),
    );
  });

  it("are covered evenly: choices, whole numbers, ratios", () => {
    const points = Array.from({ length: 4000 }, (_, trial) => drawPoint(space, 1, trial));
    const share = (is: (point: Space.Point<typeof space>) => boolean) =>
      points.filter(is).length / points.length;
    assert.closeTo(
      share(({ kind }) => kind === "b"),
      1 / 3,
      0.03,
    );
    assert.closeTo(
      share(({ leaves }) => leaves === 2),
      1 / 8,
      0.03,
    );
    assert.closeTo(
      share(({ leaves }) => leaves === 9),
      1 / 8,
      0.03,
    );
    assert.closeTo(
      share(({ rate }) => rate < 0.1),
      1 / 2,
      0.03,
    );
  });

  it("are a grid with both ends", () => {
    const points = gridPoints({ kind: space.kind, rate: space.rate }, 3);
    assert.strictEqual(points.length, 9);
    assert.deepStrictEqual(
      points.slice(0, 3).map(({ rate }) => rate),
      [0.01, 0.1, 1],
    );
  });

  it("that are empty cannot be made", () => {
    assert.throws(() => Space.int({ from: 3, to: 3 }), /nothing from 3 to 3/);
    assert.throws(() => Space.int({ from: 1.5, to: 3 }), /not whole numbers/);
    assert.throws(() => Space.float({ from: 0, to: 1, scale: "log" }), /starts above 0/);
    assert.throws(() => Space.float({ from: 0, to: Number.NaN }), /nothing from/);
  });
});
