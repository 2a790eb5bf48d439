import { assert, describe, it } from "@effect/vitest";
import { Estimator } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { breastCancer, everyFourth, randomNumbers, reference } from "../test-fixtures/reference.ts";
import { fitLogistic } from "./Logistic.ts";

const { featureNames } = reference.breastCancer;

describe("fitLogistic", () => {
  it.effect("has the coefficients of scikit-learn's LogisticRegression, with missing values", () =>
    Effect.gen(function* () {
      const all = breastCancer();
      // As in make_reference.py: every seventh value of every third feature is missing.
      for (const [j, column] of all.columns.entries()) {
        if (j % 3 !== 0) continue;
        for (let i = 0; i < column.length; i += 7) column[i] = Number.NaN;
      }
      const { train, test } = everyFourth(all);
      const expected = reference.breastCancer.logistic;
      const { estimator, iterations } = yield* fitLogistic({ featureNames, ...train });
      assert.isBelow(iterations, 15);
      assert.closeTo(estimator.intercept, expected.intercept, 1e-4);
      for (const [j, coefficient] of estimator.coefficients.entries()) {
        assert.closeTo(coefficient, expected.coefficients[j] ?? Number.NaN, 1e-4, featureNames[j]);
      }
      const out = new Float64Array(test.labels.length);
      yield* Estimator.scoreColumns(estimator, test.columns, out);
      for (const [i, p] of out.entries()) {
        assert.closeTo(p, expected.predictions[i] ?? Number.NaN, 1e-5);
      }
      assert.deepStrictEqual(
        yield* Estimator.load(JSON.parse(JSON.stringify(estimator))),
        estimator,
      );
    }),
  );

  it.effect("without features that tell anything, predicts the share of positives", () =>
    Effect.gen(function* () {
      const { estimator, trainLoss } = yield* fitLogistic({
        featureNames: ["constant", "missing"],
        columns: [new Float64Array(4).fill(0.1), new Float64Array(4).fill(Number.NaN)],
        labels: Uint8Array.of(1, 0, 0, 0),
      });
      assert.deepStrictEqual(estimator.coefficients, [0, 0]);
      assert.closeTo(estimator.intercept, Math.log(1 / 3), 1e-7);
      assert.closeTo(trainLoss, -(Math.log(0.25) + 3 * Math.log(0.75)) / 4, 1e-12);
      assert.closeTo(Estimator.scoreRow(estimator)([5, 5]), 0.25, 1e-7);
    }),
  );

  it.effect("two points: the optimum satisfies l2·w = 2·(1 − p)", () =>
    Effect.gen(function* () {
      // Standardised x is −1 and 1; by symmetry the intercept is 0 and w solves l2·w = 2(1 − σ(w)).
      const { estimator } = yield* fitLogistic(
        { featureNames: ["x"], columns: [Float64Array.of(3, 7)], labels: Uint8Array.of(0, 1) },
        { l2: 0.5 },
      );
      const w = estimator.coefficients[0] ?? Number.NaN;
      assert.closeTo(estimator.intercept, 0, 1e-9);
      assert.closeTo(0.5 * w, 2 * (1 - Estimator.sigmoid(w)), 1e-7);
    }),
  );

  it.effect("a row of weight 3 counts as three rows, given the same standardisation", () =>
    Effect.gen(function* () {
      const random = randomNumbers(1);
      // Rows mirrored around 0 keep mean and deviation what they are when all rows are repeated.
      const x = Float64Array.from({ length: 200 }, () => random() - 0.5);
      const labels = Uint8Array.from(x, (v) => (random() < 0.5 + v ? 1 : 0));
      const tripled = (a: ArrayLike<number>) => Array.from(a).flatMap((v) => [v, v, v]);
      const data = { featureNames: ["x"], columns: [x], labels };
      const weighted = yield* fitLogistic({ ...data, weights: new Float64Array(200).fill(3) });
      const repeated = yield* fitLogistic({
        featureNames: ["x"],
        columns: [Float64Array.from(tripled(x))],
        labels: Uint8Array.from(tripled(labels)),
      });
      const [a, b] = [weighted.estimator, repeated.estimator];
      assert.closeTo(a.coefficients[0] ?? 0, b.coefficients[0] ?? 1, 1e-7);
      assert.closeTo(a.intercept, b.intercept, 1e-7);
      assert.closeTo(weighted.trainLoss, repeated.trainLoss, 1e-10);
    }),
  );

  it.effect("measures validation rows and does not fit on them", () =>
    Effect.gen(function* () {
      const { train, test } = everyFourth(breastCancer());
      const alone = yield* fitLogistic({ featureNames, ...train });
      const both = yield* fitLogistic({ featureNames, ...train, validation: test });
      assert.deepStrictEqual(both.estimator, alone.estimator);
      assert.isUndefined(alone.validationLoss);
      assert.closeTo(both.validationLoss ?? 0, 0.08, 0.05);
    }),
  );

  it.effect("says that separated classes need a penalty", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        fitLogistic(
          {
            featureNames: ["x"],
            columns: [Float64Array.of(0, 1, 2, 3)],
            labels: Uint8Array.of(0, 0, 1, 1),
          },
          { l2: 0, tolerance: 1e-300 },
        ),
      );
      assert.strictEqual(error.reason, "numeric");
      assert.include(error.next, "l2 above 0");
    }),
  );

  it.effect("checks data and options as all fits do", () =>
    Effect.gen(function* () {
      const data = { featureNames: [], columns: [], labels: new Uint8Array() };
      const error = yield* Effect.flip(fitLogistic(data));
      assert.strictEqual(error.reason, "data");
      assert.deepStrictEqual(
        error.problems.map(({ what }) => what),
        ["no features", "no rows"],
      );
      const options = yield* Effect.flip(fitLogistic(data, { l2: -1, tolerance: 0 }));
      assert.deepStrictEqual(
        options.problems.map(({ where }) => where),
        ["option l2", "option tolerance"],
      );
    }),
  );

  it.live(
    "gives way to other fibres",
    () =>
      Effect.gen(function* () {
        const rows = 100_000;
        const random = randomNumbers(3);
        const columns = Array.from({ length: 12 }, () =>
          Float64Array.from({ length: rows }, random),
        );
        const labels = Uint8Array.from({ length: rows }, () => (random() < 0.3 ? 1 : 0));
        let turns = 0;
        const other = Effect.forever(
          Effect.sync(() => turns++).pipe(Effect.andThen(Effect.sleep("1 millis"))),
        );
        yield* Effect.raceFirst(
          fitLogistic({ featureNames: columns.map((_, j) => `f${j}`), columns, labels }),
          other,
        );
        assert.isAbove(turns, 5);
      }),
    60_000,
  );
});
