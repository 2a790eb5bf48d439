/** Boosted trees against scikit-learn's HistGradientBoosting with the same settings. */
import { Estimator } from "@ml-pipe/data";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import {
  breastCancer,
  correlation,
  type Data,
  everyFourth,
  logLoss,
  names,
  reference,
  rocAuc,
  syntheticData,
} from "../test-fixtures/reference.ts";
import { type BoostedTreesOptions, fitBoostedTrees } from "./BoostedTrees.ts";

const fitAndScore = Effect.fnUntraced(function* (
  { train, test }: { readonly train: Data; readonly test: Data },
  options: BoostedTreesOptions,
) {
  const featureNames = names(train.columns.length);
  const labels = options.objective === "squaredError" ? train.values : train.labels;
  const result = yield* fitBoostedTrees({ featureNames, columns: train.columns, labels }, options);
  const predictions = new Float64Array(test.labels.length);
  yield* Estimator.scoreColumns(result.estimator, test.columns, predictions);
  return { ...result, predictions, trainLoss: result.history.at(-1)?.trainLoss ?? Number.NaN };
});

// Training losses agree to all digits that matter: the trees split the training rows alike. Test rows may
// still part ways where no training row decided: a value in the gap between two equally good boundaries,
// or a missing value at a node that saw none (scikit-learn leaves both to rounding; here the first
// boundary wins, and the missing value goes with the majority).
describe("boosted trees against scikit-learn 1.9.1", () => {
  const synthetic = everyFourth(syntheticData());

  it.effect("default settings, synthetic data with missing values: the same trees", () =>
    Effect.gen(function* () {
      const expected = reference.synthetic.boosted;
      const { predictions, trainLoss } = yield* fitAndScore(synthetic, {});
      assert.closeTo(trainLoss, expected.trainLogLoss, 1e-6);
      assert.closeTo(rocAuc(synthetic.test.labels, predictions), expected.testAuc, 0.002);
      assert.closeTo(logLoss(synthetic.test.labels, predictions), expected.testLogLoss, 0.002);
      assert.isAbove(correlation(predictions, expected.predictions), 0.999);
    }),
  );

  it.effect("regularised, fewer leaves, another learning rate: the same trees", () =>
    Effect.gen(function* () {
      const expected = reference.synthetic.regularised;
      const options = { l2: 5, maxLeaves: 8, learningRate: 0.2, maxTrees: 40 };
      const { predictions, trainLoss } = yield* fitAndScore(synthetic, options);
      assert.closeTo(trainLoss, expected.trainLogLoss, 1e-6);
      assert.closeTo(rocAuc(synthetic.test.labels, predictions), expected.testAuc, 0.002);
      assert.isAbove(correlation(predictions, expected.predictions), 0.999);
    }),
  );

  it.effect("squared error: the same trees", () =>
    Effect.gen(function* () {
      const expected = reference.synthetic.regression;
      const options = { objective: "squaredError" } as const;
      const { predictions, trainLoss } = yield* fitAndScore(synthetic, options);
      let mse = 0;
      for (const [i, y] of synthetic.test.values.entries()) mse += ((predictions[i] ?? 0) - y) ** 2;
      assert.closeTo(mse / predictions.length / expected.testMse, 1, 0.002);
      assert.closeTo(trainLoss / expected.trainMse, 1, 1e-6);
    }),
  );

  // 426 rows have many splits of equal gain, of which either library takes its own first.
  it.effect("breast cancer: as good", () =>
    Effect.gen(function* () {
      const data = everyFourth(breastCancer());
      const expected = reference.breastCancer.boosted;
      const { predictions, trainLoss } = yield* fitAndScore(data, {});
      assert.closeTo(rocAuc(data.test.labels, predictions), expected.testAuc, 0.004);
      assert.closeTo(trainLoss, expected.trainLogLoss, 0.0005);
      assert.isAbove(correlation(predictions, expected.predictions), 0.99);
    }),
  );
});
