/** Two models on the same test rows. */
import { assert, describe, it } from "@effect/vitest";
import { Engine, LocalEngine, Pipeline, type Run, Stage, Store } from "@ml-pipe/core";
import { type Estimator, Interval, Model, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import {
  Minutes,
  minutesCharter,
  minutesModel,
  minutesTables,
  Ways,
  ways,
  waysCharter,
  waysModel,
  waysTables,
} from "../test-fixtures/deliveries.ts";
import {
  charterWith,
  constantModel,
  modelOf,
  recording,
  rightModel,
  type services,
  trainTripsOf,
  TripFeatures,
  tripsOf,
} from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";
import * as ModelComparison from "./ModelComparison.ts";

/** Judges each model in a run of its own, on the same rows unless they say otherwise. */
const runsOf = (
  models: ReadonlyArray<{
    readonly estimator: Estimator.Estimator;
    readonly days?: number;
    readonly truePositive?: number;
    readonly blocks?: "day" | "row";
    readonly kind?: string;
  }>,
) =>
  Effect.gen(function* () {
    const runs: Array<Run.Run> = [];
    for (const { estimator, days = 20, truePositive = 15, blocks = "day", ...one } of models) {
      const { kind = "hand-made model" } = one;
      const charter = charterWith({ truePositive });
      const values = {
        model: { ...(yield* modelOf(estimator)), kind },
        train: yield* trainTripsOf(),
        test: yield* tripsOf({ days, perDay: 100 }),
      };
      const given = Stage.make("given", {
        input: {},
        outputs: {
          model: Model.of(TripFeatures),
          train: Table.of(TripFeatures.contract, "train"),
          test: Table.of(TripFeatures.contract, "test"),
        },
        run: () => Effect.succeed(values),
      });
      const holdout = { looks: models.length, justification: "compared by the test" };
      const evaluate = Evaluate.decisions(TripFeatures, { charter, holdout, blocks });
      const pipeline = Pipeline.make("trips", { charter }, () => {
        const { model, train, test: data } = given();
        return { verdict: evaluate({ model, train, data }).verdict };
      });
      const { run } = yield* Engine.Engine.use((engine) => engine.run(pipeline));
      runs.push(run);
    }
    const { holdouts } = yield* Store.Store;
    return { runs, looks: yield* holdouts.all };
  });

const test = (
  name: string,
  models: Parameters<typeof runsOf>[0],
  check: (
    compared: ReturnType<typeof ModelComparison.between>,
    runs: ReadonlyArray<Run.Run>,
  ) => void,
) =>
  it.effect(name, () =>
    recording(() =>
      runsOf(models).pipe(
        Effect.map(({ runs, looks }) => {
          const [was, is] = [runs[0], runs[1] ?? runs[0]];
          if (was === undefined || is === undefined) return assert.fail("no run");
          return check(ModelComparison.between(was, is, looks), runs);
        }),
        Effect.provide(LocalEngine.layer.pipe(Layer.provideMerge(Store.Store.layerMemory))),
      ),
    ),
  );

const trainedOn = (train: Table.AnyTable) => ({
  kind: "hand-made model",
  trainedOn: { split: train.split, table: Table.digestOf(train), rows: train.rows },
});

const right = { estimator: rightModel };
const always = { estimator: constantModel(0.5) };
const nearly = { estimator: { ...rightModel, intercepts: [-1.02] } };

const succeeded = (compared: ReturnType<typeof ModelComparison.between>) =>
  compared !== undefined && Result.isSuccess(compared)
    ? compared.success
    : assert.fail("not compared");

describe("compares", () => {
  const tuned = { ...right, kind: "hand-made model, best of 8 trials" };
  test("a model with a worse one, paired by day", [always, tuned], (compared, runs) => {
    const found = succeeded(compared);
    assert.strictEqual(found.better, "later");
    assert.deepInclude(found, { rows: 2000, models: 2, pairs: 1 });
    // Always acting costs 15.
    assert.strictEqual(found.was.cost, 15);
    assert.deepStrictEqual(
      [found.was.kind, found.is.kind],
      ["hand-made model", "hand-made model, best of 8 trials"],
    );
    // The same as the gains over one baseline, subtracted.
    const costs = runs.map(({ stages }) => {
      const outputs = stages.find(({ stage }) => stage === "evaluate")?.outputs;
      return JSON.parse(JSON.stringify(outputs?.["evaluation"])).byBlock.cost;
    });
    const totals = costs[0].map((cost: number, day: number) => cost - costs[1][day]);
    const rows = totals.map(() => 100);
    const interval = Interval.bootstrapTotals(totals, rows, { resamples: 2000 });
    assert.deepStrictEqual(found.saved, Result.getOrThrow(interval));
    assert.closeTo(found.saved?.estimate ?? NaN, 15 - found.is.cost, 1e-9);
  });

  test(
    "the other way round, and row by row",
    [
      { ...right, blocks: "row", days: 3 },
      { ...always, blocks: "row", days: 3 },
    ],
    (compared) => {
      const found = succeeded(compared);
      assert.strictEqual(found.better, "earlier");
      assert.strictEqual(found.blocks.by, "row");
    },
  );

  test("two that are as good, corrected for a third", [right, nearly, always], (compared) => {
    const found = succeeded(compared);
    assert.strictEqual(found.better, "inconclusive");
    assert.deepInclude(found, { models: 3, pairs: 3 });
    assert.closeTo(found.saved?.level ?? NaN, 1 - 0.05 / 3, 1e-12);
  });
});

describe("does not compare", () => {
  test("a model with itself", [right], (compared) => {
    assert.isUndefined(compared);
  });

  test("models on other rows", [right, { ...always, days: 10 }], (compared) => {
    if (compared === undefined || Result.isSuccess(compared)) return assert.fail("compared");
    assert.strictEqual(compared.failure.because, "they were judged on different test rows");
    return undefined;
  });

  test("models under other costs", [right, { ...always, truePositive: 10 }], (compared) => {
    if (compared === undefined || Result.isSuccess(compared)) return assert.fail("compared");
    assert.include(compared.failure.because, "different metrics or costs");
    return undefined;
  });
});

describe("compares by what each row costs", () => {
  const holdout = { looks: 2, justification: "compared by the test" };
  const compared = (first: Run.Run, second: Run.Run) =>
    Effect.map(
      Store.Store.use(({ holdouts }) => holdouts.all),
      (looks) => succeeded(ModelComparison.between(first, second, looks)),
    );
  const recordedRuns = <A, E>(
    effect: Effect.Effect<A, E, Engine.Engine | Store.Store | Layer.Success<typeof services>>,
  ) =>
    recording(() =>
      effect.pipe(
        Effect.provide(LocalEngine.layer.pipe(Layer.provideMerge(Store.Store.layerMemory))),
      ),
    );

  it.effect("of numbers, in the charter's error", () =>
    recordedRuns(
      Effect.gen(function* () {
        const { train, data } = yield* minutesTables();
        const charter = minutesCharter();
        const evaluate = Evaluate.regression(Minutes, { charter, holdout });
        const judged = Effect.fnUntraced(function* (more: number) {
          const estimator = minutesModel(more);
          const model = yield* Model.store(Minutes, { estimator, ...trainedOn(train) });
          const given = Stage.make("given", {
            input: {},
            outputs: {
              model: Model.of(Minutes),
              train: Table.of(Minutes.contract, "train"),
              data: Table.of(Minutes.contract, "test"),
            },
            run: () => Effect.succeed({ model, train, data }),
          });
          const pipeline = Pipeline.make("minutes", { charter }, () => {
            const { model, train, data } = given();
            return { verdict: evaluate({ model, train, data }).verdict };
          });
          return (yield* Engine.Engine.use((engine) => engine.run(pipeline))).run;
        });
        const found = yield* compared(yield* judged(3), yield* judged(0));
        assert.strictEqual(found.better, "later");
        assert.strictEqual(found.unit, "min per delivery");
        // Off by u + 3 instead of u, u in ±10: 5.45 minutes instead of 5.
        assert.closeTo(found.saved?.estimate ?? NaN, 0.45, 0.15);
      }),
    ),
  );

  it.effect("of choices among classes", () =>
    recordedRuns(
      Effect.gen(function* () {
        const { train, data } = yield* waysTables();
        const charter = waysCharter();
        const evaluate = Evaluate.classification(Ways, { charter, holdout });
        const judged = Effect.fnUntraced(function* (sharpness: number) {
          const model = yield* Model.store(Ways, {
            estimator: waysModel(sharpness),
            signature: { _tag: "classes", classes: ways },
            ...trainedOn(train),
          });
          const given = Stage.make("given", {
            input: {},
            outputs: {
              model: Model.of(Ways),
              train: Table.of(Ways.contract, "train"),
              data: Table.of(Ways.contract, "test"),
            },
            run: () => Effect.succeed({ model, train, data }),
          });
          const pipeline = Pipeline.make("ways", { charter }, () => {
            const { model, train, data } = given();
            return { verdict: evaluate({ model, train, data }).verdict };
          });
          return (yield* Engine.Engine.use((engine) => engine.run(pipeline))).run;
        });
        // The right one, and one that says the opposite.
        const found = yield* compared(yield* judged(1), yield* judged(-1));
        assert.strictEqual(found.better, "earlier");
        assert.strictEqual(found.unit, "EUR per delivery");
      }),
    ),
  );
});
