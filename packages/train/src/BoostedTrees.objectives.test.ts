/** Every objective, categories, weights and constraints against scikit-learn and LightGBM. */
import { Estimator } from "@ml-pipe/data";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { boosting, mixedData } from "../test-fixtures/boosting.ts";
import { names, rocAuc } from "../test-fixtures/reference.ts";
import { type BoostedTreesOptions, fitBoostedTrees } from "./BoostedTrees.ts";

const data = mixedData();
const everyFourth = (i: number): boolean => i % 4 === 0;
const byQuery = (i: number): boolean => Math.floor(i / 10) % 4 === 0;

/** Trains on the rows that are not held out; scores both parts. */
const fitAndScore = Effect.fnUntraced(function* (
  given: {
    readonly columns: ReadonlyArray<Float64Array>;
    readonly labels: Float64Array;
    readonly weights?: Float64Array;
    readonly queries?: Float64Array;
  },
  options: BoostedTreesOptions,
  held = everyFourth,
) {
  const part = (test: boolean) => (column: Float64Array) =>
    column.filter((_, i) => held(i) === test);
  const of = (test: boolean) => ({
    columns: given.columns.map(part(test)),
    labels: part(test)(given.labels),
    ...(given.weights === undefined ? {} : { weights: part(test)(given.weights) }),
    ...(given.queries === undefined ? {} : { queries: part(test)(given.queries) }),
  });
  const { estimator, history } = yield* fitBoostedTrees(
    { featureNames: names(given.columns.length), ...of(false) },
    { maxTrees: 60, ...options },
  );
  const test = of(true);
  const scores = new Float64Array(test.labels.length * Estimator.width(estimator));
  yield* Estimator.scoreColumns(estimator, test.columns, scores);
  assert.deepStrictEqual(Estimator.problems(estimator), []);
  return { estimator, history, test, scores, trainLoss: history.at(-1)?.trainLoss ?? Number.NaN };
});

const mean = (labels: Float64Array, loss: (y: number, i: number) => number): number =>
  labels.reduce((sum, y, i) => sum + loss(y, i), 0) / labels.length;

const numbers = data.columns.slice(0, 5);
const codes = ["f5", "f6"];

describe("several classes against scikit-learn 1.9.1", () => {
  const judge = ({ test, scores, estimator }: Effect.Success<ReturnType<typeof fitAndScore>>) => {
    const classes = Estimator.width(estimator);
    const row = (i: number) => [...scores.subarray(i * classes, (i + 1) * classes)];
    return {
      loss: mean(test.labels, (y, i) => -Math.log(row(i)[y] ?? 0)),
      accuracy: mean(test.labels, (y, i) => Number(row(i).indexOf(Math.max(...row(i))) === y)),
    };
  };

  it.effect("numbers: the same trees", () =>
    Effect.gen(function* () {
      const given = { columns: numbers, labels: data.kind };
      const fit = yield* fitAndScore(given, { objective: "softmax" });
      assert.strictEqual(fit.estimator.trees.length, 180);
      assert.closeTo(fit.trainLoss, boosting.softmax.trainLoss, 1e-5);
      assert.closeTo(judge(fit).loss, boosting.softmax.testLoss, 0.002);
      assert.closeTo(judge(fit).accuracy, boosting.softmax.testAccuracy, 0.002);
    }),
  );

  it.effect("numbers, categories and weights: the same trees", () =>
    Effect.gen(function* () {
      const given = { columns: data.columns, labels: data.kind, weights: data.weight };
      const fit = yield* fitAndScore(given, { objective: "softmax", categorical: codes });
      const expected = boosting.softmaxCategorical;
      assert.closeTo(fit.trainLoss, expected.trainLoss, 1e-6);
      assert.closeTo(judge(fit).loss, expected.testLoss, 0.002);
      assert.closeTo(judge(fit).accuracy, expected.testAccuracy, 0.002);
    }),
  );

  it.effect("wine: as good", () =>
    Effect.gen(function* () {
      const { columns, labels, ...expected } = boosting.wine;
      const given = {
        columns: columns.map((c) => Float64Array.from(c)),
        labels: Float64Array.from(labels),
      };
      const fit = yield* fitAndScore(given, { objective: "softmax", minSamplesLeaf: 5 });
      assert.closeTo(fit.trainLoss, expected.trainLoss, 0.002);
      assert.closeTo(judge(fit).loss, expected.testLoss, 0.002);
      assert.strictEqual(judge(fit).accuracy, expected.testAccuracy);
    }),
  );
});

describe("two classes against scikit-learn 1.9.1", () => {
  it.effect("categories: the same trees", () =>
    Effect.gen(function* () {
      const given = { columns: data.columns, labels: data.binary };
      const { trainLoss, test, scores } = yield* fitAndScore(given, { categorical: codes });
      const expected = boosting.binaryCategorical;
      assert.closeTo(trainLoss, expected.trainLoss, 1e-5);
      const loss = mean(test.labels, (y, i) => -Math.log(y === 1 ? scores[i]! : 1 - scores[i]!));
      assert.closeTo(loss, expected.testLoss, 0.002);
      const right = mean(test.labels, (y, i) => Number(scores[i]! > 0.5 === (y === 1)));
      assert.closeTo(right, expected.testAccuracy, 0.002);
    }),
  );

  it.effect("monotone constraints: the same trees", () =>
    Effect.gen(function* () {
      const given = { columns: numbers, labels: data.binary };
      const monotone = { f0: "increasing", f2: "decreasing" } as const;
      const { test, scores } = yield* fitAndScore(given, { monotone });
      assert.closeTo(rocAuc(test.labels, scores), boosting.monotone.testAuc, 0.002);
      const loss = mean(test.labels, (y, i) => -Math.log(y === 1 ? scores[i]! : 1 - scores[i]!));
      assert.closeTo(loss, boosting.monotone.testLoss, 0.002);
    }),
  );
});

describe("numbers against scikit-learn 1.9.1", () => {
  const squared = (test: Float64Array, scores: Float64Array) =>
    mean(test, (y, i) => (y - scores[i]!) ** 2);

  const pinballLoss = (residual: number) => Math.max(0.9 * residual, -0.1 * residual);

  it.effect("squared error, categories: the same trees", () =>
    Effect.gen(function* () {
      const given = { columns: data.columns, labels: data.value };
      const options = { objective: "squaredError", categorical: codes } as const;
      const { trainLoss, test, scores } = yield* fitAndScore(given, options);
      assert.closeTo(trainLoss / boosting.squaredCategorical.trainLoss, 1, 1e-4);
      assert.closeTo(squared(test.labels, scores), boosting.squaredCategorical.testLoss, 0.002);
    }),
  );

  it.effect("squared error, weights: the same trees", () =>
    Effect.gen(function* () {
      const given = { columns: numbers, labels: data.value, weights: data.weight };
      const options = { objective: "squaredError" } as const;
      const { trainLoss, test, scores } = yield* fitAndScore(given, options);
      assert.closeTo(trainLoss / boosting.squaredWeighted.trainLoss, 1, 1e-4);
      assert.closeTo(squared(test.labels, scores), boosting.squaredWeighted.testLoss, 0.002);
    }),
  );

  it.effect("counts: the same trees", () =>
    Effect.gen(function* () {
      const given = { columns: numbers, labels: data.count };
      const { trainLoss, test, scores } = yield* fitAndScore(given, { objective: "poisson" });
      assert.closeTo(trainLoss, boosting.poisson.trainLoss, 1e-5);
      const deviance = mean(
        test.labels,
        (y, i) => 2 * ((y > 0 ? y * Math.log(y / scores[i]!) : 0) - y + scores[i]!),
      );
      assert.closeTo(deviance, boosting.poisson.testLoss, 0.002);
    }),
  );

  it.effect("absolute error and a quantile: as good", () =>
    Effect.gen(function* () {
      const given = { columns: numbers, labels: data.value };
      const absolute = yield* fitAndScore(given, { objective: "absoluteError" });
      assert.closeTo(absolute.trainLoss, boosting.absolute.trainLoss, 0.002);
      const distance = mean(absolute.test.labels, (y, i) => Math.abs(y - absolute.scores[i]!));
      assert.closeTo(distance, boosting.absolute.testLoss, 0.002);
      const quantile = yield* fitAndScore(given, { objective: "quantile", quantile: 0.9 });
      assert.closeTo(quantile.trainLoss, boosting.quantile.trainLoss, 0.002);
      const pinball = mean(quantile.test.labels, (y, i) => pinballLoss(y - quantile.scores[i]!));
      assert.closeTo(pinball, boosting.quantile.testLoss, 0.002);
    }),
  );

  // Where many residuals are 0, it matters which slope those have.
  it.effect("absolute error of whole numbers: the same trees", () =>
    Effect.gen(function* () {
      const given = { columns: numbers, labels: data.count };
      const { trainLoss, test, scores } = yield* fitAndScore(given, { objective: "absoluteError" });
      assert.closeTo(trainLoss, boosting.absoluteCount.trainLoss, 0.002);
      const distance = mean(test.labels, (y, i) => Math.abs(y - scores[i]!));
      assert.closeTo(distance, boosting.absoluteCount.testLoss, 0.002);
    }),
  );

  // scikit-learn's medians and quantiles break the constraints in nine of ten rows; these here never do, and the
  // labels do follow them.
  it.effect("absolute error and a quantile under monotone constraints: at least as good", () =>
    Effect.gen(function* () {
      const given = { columns: numbers, labels: data.value };
      const monotone = { f0: "increasing", f1: "increasing", f2: "decreasing" } as const;
      const absolute = yield* fitAndScore(given, { objective: "absoluteError", monotone });
      const distance = mean(absolute.test.labels, (y, i) => Math.abs(y - absolute.scores[i]!));
      assert.isAtMost(distance, boosting.absoluteMonotone.testLoss);
      const high = { objective: "quantile", quantile: 0.9, monotone } as const;
      const { test, scores } = yield* fitAndScore(given, high);
      const pinball = mean(test.labels, (y, i) => pinballLoss(y - scores[i]!));
      assert.isAtMost(pinball, boosting.quantileMonotone.testLoss);
    }),
  );

  it.effect("diabetes: as good", () =>
    Effect.gen(function* () {
      const { columns, labels, ...expected } = boosting.diabetes;
      const given = {
        columns: columns.map((c) => Float64Array.from(c)),
        labels: Float64Array.from(labels),
      };
      const fit = yield* fitAndScore(given, { objective: "squaredError" });
      assert.closeTo(fit.trainLoss / expected.trainLoss, 1, 0.002);
      assert.closeTo(squared(fit.test.labels, fit.scores) / expected.testLoss, 1, 0.002);
    }),
  );
});

describe("ranking against LightGBM 4.7.0", () => {
  // LightGBM rounds gradients to 32 bits and looks sigmoids up in a table, which parts no trees here.
  it.effect("orders queries alike: the same trees", () =>
    Effect.gen(function* () {
      const queries = Float64Array.from(data.relevance, (_, i) => Math.floor(i / 10));
      const given = { columns: numbers, labels: data.relevance, queries };
      const options = {
        objective: "lambdaRank",
        ndcgDepth: 5,
        maxLeaves: 8,
        minSamplesLeaf: 1,
        minHessianLeaf: 10,
      } as const;
      const { history, test, scores } = yield* fitAndScore(given, options, byQuery);
      const dcg = (gains: ReadonlyArray<number>) =>
        gains.slice(0, 5).reduce((sum, gain, rank) => sum + gain / Math.log2(rank + 2), 0);
      const ndcg: Array<number> = [];
      for (let first = 0; first < scores.length; first += 10) {
        const rows = Array.from({ length: 10 }, (_, i) => first + i);
        const gain = (i: number) => 2 ** test.labels[i]! - 1;
        const best = dcg(rows.map(gain).toSorted((a, b) => b - a));
        if (new Set(rows.map(gain)).size === 1) continue;
        ndcg.push(dcg(rows.toSorted((a, b) => scores[b]! - scores[a]!).map(gain)) / best);
      }
      const trainNdcg = history.map(({ trainLoss }) => 1 - trainLoss);
      assert.closeTo(trainNdcg[2] ?? 0, boosting.ranking.trainNdcgAfterTwo, 1e-6);
      assert.closeTo(trainNdcg[60] ?? 0, boosting.ranking.trainNdcg, 1e-5);
      const testNdcg = ndcg.reduce((a, b) => a + b, 0) / ndcg.length;
      assert.closeTo(testNdcg, boosting.ranking.testNdcg, 1e-5);
    }),
  );
});
