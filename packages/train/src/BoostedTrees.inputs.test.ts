/** Every fault of data and options that a fit refuses, and the odd data that it accepts. */
import { assert, describe, it } from "@effect/vitest";
import { Estimator } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type BoostedTreesOptions, fitBoostedTrees, type TrainingData } from "./BoostedTrees.ts";

const good: TrainingData = {
  featureNames: ["age", "income"],
  columns: [Float64Array.of(1, 2, 3, 4), Float32Array.of(4, 3, 2, 1)],
  labels: Uint8Array.of(0, 1, 0, 1),
};
const { NaN: missing, POSITIVE_INFINITY: infinity } = Number;
const validation = { columns: good.columns, labels: good.labels };

const dataFaults: ReadonlyArray<
  readonly [string, Partial<TrainingData>, what: string, where: string, BoostedTreesOptions?]
> = [
  [
    "no rows",
    { columns: [new Float64Array(), new Float64Array()], labels: new Uint8Array() },
    "no rows",
    "training data",
  ],
  ["no features", { featureNames: [], columns: [] }, "no features", "featureNames"],
  [
    "a name too few",
    { featureNames: ["age"] },
    "2 columns for 1 feature names",
    "training columns",
  ],
  ["a name twice", { featureNames: ["age", "age"] }, "named twice", 'feature "age"'],
  ["one class", { labels: Uint8Array.of(1, 1, 1, 1) }, "all 4 labels are 1", "training label"],
  [
    "the other class",
    { labels: Uint8Array.of(0, 0, 0, 0) },
    "all 4 labels are 0",
    "training label",
  ],
  [
    "a constant value to predict",
    { labels: Float64Array.of(7, 7, 7, 7) },
    "all 4 labels are 7",
    "training label",
    { objective: "squaredError" },
  ],
  [
    "a missing label",
    { labels: Float64Array.of(0, 1, missing, 1) },
    "label NaN",
    "training label, row 2",
  ],
  [
    "an infinite value to predict",
    { labels: Float64Array.of(0, infinity, 1, 1) },
    "label Infinity",
    "training label, row 1",
    { objective: "squaredError" },
  ],
  [
    "a third class",
    { labels: Float64Array.of(0, 1, 2, 1) },
    "label 2 is not 0 or 1",
    "training label, row 2",
  ],
  [
    "a class left out",
    { labels: Float64Array.of(0, 3, 1, 1) },
    "no row has class 2",
    "training label",
    { objective: "softmax" },
  ],
  [
    "one class of several",
    { labels: Float64Array.of(2, 2, 2, 2) },
    "all 4 labels are 2",
    "training label",
    { objective: "softmax" },
  ],
  [
    "a validation class that training does not know",
    { validation: { ...validation, labels: Float64Array.of(0, 1, 2, 1) } },
    "no training row has class 2",
    "validation label, row 2",
    { objective: "softmax" },
  ],
  [
    "a count below 0",
    { labels: Float64Array.of(0, 1, -1, 1) },
    "label -1 is not a number of at least 0",
    "training label, row 2",
    { objective: "poisson" },
  ],
  ["a ranking without queries", {}, "no queries", "training queries", { objective: "lambdaRank" }],
  [
    "a relevance that is no whole number",
    { labels: Float64Array.of(0, 1.5, 1, 1), queries: new Float64Array(4) },
    "label 1.5",
    "training label, row 1",
    { objective: "lambdaRank" },
  ],
  [
    "a query in two places",
    { queries: Float64Array.of(1, 2, 1, 2) },
    "query 1 is in two places",
    "training queries, row 2",
    { objective: "lambdaRank" },
  ],
  [
    "queries without an order to learn",
    { queries: Float64Array.of(0, 1, 2, 3) },
    "all rows of each query have the same label",
    "training queries",
    { objective: "lambdaRank" },
  ],
  [
    "two classes of which one weighs nothing",
    { weights: Float64Array.of(0, 1, 0, 1) },
    "all labels of rows with weight are 1",
    "training label",
  ],
  [
    "a category of too many values",
    {
      columns: [Float64Array.from({ length: 300 }, (_, i) => i), new Float64Array(300)],
      labels: Uint8Array.from({ length: 300 }, (_, i) => i % 2),
    },
    "more than 254 categories",
    'training feature "age"',
    { categorical: ["age"] },
  ],
  [
    "a negative validation weight",
    { validation: { ...validation, weights: Float64Array.of(1, 1, 1, -1) } },
    "weight -1",
    "validation weights, row 3",
  ],
  [
    "a column too short",
    { columns: [new Float64Array(3), new Float64Array(4)] },
    "3 values for 4 labels",
    'training feature "age"',
  ],
  [
    "an infinite feature",
    { columns: [Float64Array.of(1, 2, 3, 4), Float32Array.of(1, 2, -infinity, 4)] },
    "the value is -Infinity",
    'training feature "income", row 2',
  ],
  ["a weight too few", { weights: new Float64Array(3).fill(1) }, "3 weights for 4 rows", "weights"],
  ["a negative weight", { weights: Float64Array.of(1, 1, -1, 1) }, "weight -1", "weights, row 2"],
  [
    "a missing weight",
    { weights: Float64Array.of(1, 1, 1, missing) },
    "weight NaN",
    "weights, row 3",
  ],
  ["weights of nothing", { weights: new Float64Array(4) }, "all weights are 0", "weights"],
  [
    "validation without rows",
    { validation: { columns: [new Float64Array(), new Float64Array()], labels: new Uint8Array() } },
    "no rows",
    "validation data",
  ],
  [
    "a validation column too few",
    { validation: { ...validation, columns: [new Float64Array(4)] } },
    "1 columns for 2 feature names",
    "validation columns",
  ],
  [
    "an infinite validation feature",
    {
      validation: {
        ...validation,
        columns: [good.columns[0] ?? new Float64Array(), Float64Array.of(infinity, 0, 0, 0)],
      },
    },
    "the value is Infinity",
    'validation feature "income", row 0',
  ],
  [
    "a wrong validation label",
    { validation: { ...validation, labels: Float64Array.of(0, 0.5, 1, 1) } },
    "label 0.5",
    "validation label, row 1",
  ],
];

describe("faulty data", () => {
  for (const [name, change, what, where, options] of dataFaults) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(fitBoostedTrees({ ...good, ...change }, options));
        assert.strictEqual(error._tag, "TrainingError");
        assert.strictEqual(error.reason, "data");
        assert.include(error.what, what);
        assert.strictEqual(error.where, where);
        assert.isAbove(error.next.length, 20);
        assert.include(error.message, error.where);
      }),
    );
  }

  it.effect("all faults are listed", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        fitBoostedTrees({
          ...good,
          columns: [Float64Array.of(infinity), new Float64Array(2)],
          labels: Float64Array.of(0, 1, 3),
          weights: new Float64Array(1),
        }),
      );
      assert.deepStrictEqual(
        error.problems.map(({ where }) => where),
        [
          "training label, row 2",
          'training feature "age"',
          'training feature "age", row 0',
          'training feature "income"',
          "weights",
        ],
      );
      assert.include(error.message, "(and 4 more)");
    }),
  );
});

describe("faulty options", () => {
  const faults: ReadonlyArray<readonly [BoostedTreesOptions, string]> = [
    [{ learningRate: 0 }, "learningRate"],
    [{ maxTrees: 1.5 }, "maxTrees"],
    [{ maxLeaves: 1 }, "maxLeaves"],
    [{ maxDepth: 0 }, "maxDepth"],
    [{ minSamplesLeaf: 0 }, "minSamplesLeaf"],
    [{ minHessianLeaf: -1 }, "minHessianLeaf"],
    [{ minGain: missing }, "minGain"],
    [{ l2: -1 }, "l2"],
    [{ maxBins: 256 }, "maxBins"],
    [{ binningSample: 10 }, "binningSample"],
    [{ earlyStopping: { tolerance: -1 } }, "earlyStopping.tolerance"],
    [{ threads: 0 }, "threads"],
    [{ quantile: 1 }, "quantile"],
    [{ ndcgDepth: 0.5 }, "ndcgDepth"],
    [{ categorical: ["agee"] }, "categorical"],
    [{ monotone: { agee: "increasing" } }, "monotone"],
    [{ monotone: { age: "increasing" }, categorical: ["age"] }, "monotone"],
    [{ monotone: { age: "increasing" }, objective: "softmax" }, "monotone"],
  ];
  for (const [options, name] of faults) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(fitBoostedTrees(good, options));
        assert.strictEqual(error.reason, "options");
        assert.strictEqual(error.where, `option ${name}`);
      }),
    );
  }

  it.effect("rounds of early stopping, with validation rows", () =>
    Effect.gen(function* () {
      const options = { earlyStopping: { rounds: 0 } };
      const error = yield* Effect.flip(fitBoostedTrees({ ...good, validation }, options));
      assert.strictEqual(error.where, "option earlyStopping.rounds");
    }),
  );
});

describe("odd but good data", () => {
  it.effect("a feature that is always missing, or constant, is never split on", () =>
    Effect.gen(function* () {
      const rows = 100;
      const x = Float64Array.from({ length: rows }, (_, i) => i);
      const { estimator } = yield* fitBoostedTrees({
        featureNames: ["missing", "x", "constant"],
        columns: [new Float64Array(rows).fill(missing), x, new Float32Array(rows).fill(3)],
        labels: x.map((v) => (v < 50 ? 0 : 1)),
      });
      const used = new Set(estimator.trees.flatMap((tree) => tree.feature));
      assert.deepStrictEqual([...used].toSorted(), [-1, 1]);
      assert.deepStrictEqual([estimator.importance[0], estimator.importance[2]], [0, 0]);
      assert.isAbove(Estimator.scoreRow(estimator)([5, 80, 7]), 0.95);
    }),
  );

  it.effect("without any feature that varies, the model is the mean", () =>
    Effect.gen(function* () {
      const data = { ...good, columns: good.columns.map(() => new Float64Array(4).fill(missing)) };
      const { estimator, history } = yield* fitBoostedTrees(data, { minSamplesLeaf: 1 });
      assert.strictEqual(estimator.trees.length, 0);
      assert.strictEqual(history.length, 1);
      assert.strictEqual(Estimator.scoreRow(estimator)([1, 2]), 0.5);
    }),
  );

  it.effect("rows of weight 0 are as good as not there", () =>
    Effect.gen(function* () {
      const rows = 120;
      const x = Float64Array.from({ length: rows }, (_, i) => (i * 37) % rows);
      const labels = x.map((v, i) => (v + (i % 3) * 20 < 60 ? 0 : 1));
      const weights = Float32Array.from(x, (_, i) => i % 4);
      const there = (column: Float64Array) => column.filter((_, i) => weights[i] !== 0);
      const all = yield* fitBoostedTrees({ featureNames: ["x"], columns: [x], labels, weights });
      const some = yield* fitBoostedTrees({
        featureNames: ["x"],
        columns: [there(x)],
        labels: there(labels),
        weights: weights.filter((w) => w !== 0),
      });
      assert.deepStrictEqual(all, some);
    }),
  );

  it.effect("more features than rows, and columns twice", () =>
    Effect.gen(function* () {
      const x = Float64Array.of(1, 2, 3, 4, 5, 6);
      const { estimator } = yield* fitBoostedTrees(
        {
          featureNames: Array.from({ length: 12 }, (_, j) => `f${j}`),
          columns: Array.from({ length: 12 }, () => x),
          labels: Uint8Array.of(0, 0, 0, 1, 1, 1),
        },
        { minSamplesLeaf: 1 },
      );
      assert.isAbove(Estimator.scoreRow(estimator)(Array.from({ length: 12 }, () => 6)), 0.95);
      const used = new Set(estimator.trees.flatMap((tree) => tree.feature));
      assert.deepStrictEqual(
        [...used].toSorted(),
        [-1, 0],
        "of equal columns the first is split on",
      );
    }),
  );

  it.effect("a category that no training row had counts as missing", () =>
    Effect.gen(function* () {
      const colours = Float64Array.from({ length: 200 }, (_, i) => [7, 30, missing][i % 3] ?? 0);
      const { estimator } = yield* fitBoostedTrees(
        {
          featureNames: ["colour"],
          columns: [colours],
          labels: Uint8Array.from(colours, (c, i) => (c === 7 || i % 10 === 0 ? 1 : 0)),
        },
        { categorical: ["colour"] },
      );
      assert.deepStrictEqual(estimator.categories, [[7, 30]]);
      const score = Estimator.scoreRow(estimator);
      assert.strictEqual(score([8]), score([missing]));
      assert.isAbove(score([7]), 0.95);
    }),
  );

  it.effect("one row to predict a number of is a constant", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        fitBoostedTrees(
          { featureNames: ["x"], columns: [Float64Array.of(1)], labels: Float64Array.of(2) },
          { objective: "squaredError" },
        ),
      );
      assert.include(error.what, "all 1 labels are 2");
    }),
  );

  it.effect("a loss that grows without bound is an error, not a model", () =>
    Effect.gen(function* () {
      const feature = Float64Array.from({ length: 100 }, (_, i) => i);
      const huge = feature.map((i) => (i % 2 === 0 ? 1e308 : -1e308));
      for (const [labels, options, found] of [
        [
          huge,
          { objective: "squaredError" },
          /the loss is Infinity before the first tree.*larger unit/,
        ],
        [huge, { objective: "absoluteError" }, /the loss is Infinity before the first tree/],
        [
          feature,
          { objective: "poisson", learningRate: 1e4 },
          /has grown from 19.6\d* to .* after 1 trees.*Lower learningRate/,
        ],
      ] as const) {
        const data = { featureNames: ["f"], columns: [feature], labels };
        const error = yield* Effect.flip(fitBoostedTrees(data, { ...options, maxTrees: 20 }));
        assert.strictEqual(error.reason, "numeric");
        assert.match(error.message, found);
      }
    }),
  );
});
