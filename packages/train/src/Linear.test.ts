import { assert, describe, it } from "@effect/vitest";
import { Estimator } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import { type Fitted, linear, partsOf } from "../test-fixtures/linear.ts";
import {
  breastCancer,
  everyFourth,
  names,
  randomNumbers,
  reference,
} from "../test-fixtures/reference.ts";
import { fitLinear, type LinearModelOptions } from "./Linear.ts";

const { featureNames } = reference.breastCancer;

const close = (
  found: ReadonlyArray<number> | undefined,
  expected: ReadonlyArray<number>,
  tolerance: number,
) => {
  assert.strictEqual(found?.length, expected.length);
  for (const [j, value] of expected.entries()) {
    assert.closeTo(found?.[j] ?? Number.NaN, value, tolerance, `at ${j}`);
  }
};

/** A fit of scikit-learn, the data that it is of, and how to repeat it. */
type Case = readonly [
  name: string,
  fitted: Fitted,
  set: {
    readonly featureNames: ReadonlyArray<string>;
    readonly columns: ReadonlyArray<ReadonlyArray<number>>;
    readonly labels: ReadonlyArray<number>;
  },
  options: LinearModelOptions,
];

const softmax = { link: "softmax" } as const;
const exposed = { link: "log", exposure: "x" } as const;

const largest = (values: ReadonlyArray<number>): number => Math.max(...values.map(Math.abs));

describe("fitLinear", () => {
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
      const { estimator, iterations } = yield* fitLinear({ featureNames, ...train });
      assert.isBelow(iterations, 15);
      close(estimator.intercepts, [expected.intercept], 1e-4);
      close(estimator.coefficients[0], expected.coefficients, 1e-4);
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

  for (const [name, fitted, set, options] of [
    ["ridge regression", linear.diabetes.ridge, linear.diabetes, { link: "identity" }],
    ["elastic net", linear.diabetes.elasticNet, linear.diabetes, { link: "identity" }],
    ["weighted elastic net", linear.diabetes.weighted, linear.diabetes, { link: "identity" }],
    ["Poisson regression", linear.diabetes.poisson, linear.diabetes, { link: "log" }],
    [
      "Poisson regression with an exposure",
      linear.diabetes.exposed,
      linear.diabetes,
      { link: "log", exposure: "bmi" },
    ],
    [
      "logistic regression with an elastic net",
      linear.breastCancer.elasticNet,
      reference.breastCancer,
      { link: "logit" },
    ],
    ["multinomial regression", linear.wine.multinomial, linear.wine, softmax],
    ["multinomial elastic net", linear.wine.elasticNet, linear.wine, softmax],
  ] as const satisfies ReadonlyArray<Case>) {
    it.effect(`has the coefficients and predictions of scikit-learn's ${name}`, () =>
      Effect.gen(function* () {
        const { train, test } = partsOf(set);
        const weights = name.startsWith("weighted")
          ? { weights: train.labels.map((_, i) => 1 + (i % 3)) }
          : {};
        const data = { featureNames: set.featureNames, ...train, ...weights };
        const { estimator } = yield* fitLinear(data, { ...options, ...fitted.options });
        const left = "exposure" in options ? set.featureNames.indexOf(options.exposure) : -1;
        close(estimator.intercepts, fitted.intercepts, 1e-5 * largest(fitted.intercepts));
        for (const [k, own] of estimator.coefficients.entries()) {
          const expected = fitted.coefficients[k] ?? [];
          close(
            own.filter((_, j) => j !== left),
            expected,
            1e-5 * largest(expected),
          );
          assert.deepStrictEqual(
            own.filter((_, j) => j !== left).map((w) => w === 0),
            expected.map((w) => w === 0),
          );
        }
        const scores = new Float64Array(test.labels.length * estimator.intercepts.length);
        yield* Estimator.scoreColumns(estimator, test.columns, scores);
        close([...scores], fitted.predictions, 1e-5 * largest(fitted.predictions));
        const stored: unknown = JSON.parse(JSON.stringify(estimator));
        assert.deepStrictEqual(yield* Estimator.load(stored), estimator);
      }),
    );
  }

  it.effect("without features that tell anything, predicts the share of positives", () =>
    Effect.gen(function* () {
      const { estimator, trainLoss } = yield* fitLinear({
        featureNames: ["constant", "missing"],
        columns: [new Float64Array(4).fill(0.1), new Float64Array(4).fill(Number.NaN)],
        labels: Uint8Array.of(1, 0, 0, 0),
      });
      assert.deepStrictEqual(estimator.coefficients, [[0, 0]]);
      close(estimator.intercepts, [Math.log(1 / 3)], 1e-7);
      assert.closeTo(trainLoss, -(Math.log(0.25) + 3 * Math.log(0.75)) / 4, 1e-12);
      assert.closeTo(Estimator.scoreRow(estimator)([5, 5]), 0.25, 1e-7);
    }),
  );

  it.effect("two points: the optimum satisfies l2·w = 2·(1 − p)", () =>
    Effect.gen(function* () {
      // Standardised x is −1 and 1; by symmetry the intercept is 0 and w solves l2·w = 2(1 − σ(w)).
      const { estimator } = yield* fitLinear(
        { featureNames: ["x"], columns: [Float64Array.of(3, 7)], labels: Uint8Array.of(0, 1) },
        { l2: 0.5 },
      );
      const w = estimator.coefficients[0]?.[0] ?? Number.NaN;
      close(estimator.intercepts, [0], 1e-9);
      assert.closeTo(0.5 * w, 2 * (1 - Estimator.sigmoid(w)), 1e-7);
    }),
  );

  it.effect("a row of weight w counts as w rows, whatever the link", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom("identity", "logit", "log", "softmax"),
          fc.integer({ min: 1, max: 1000 }),
          fc.constantFrom(0, 0.7),
          (link, seed, l1) =>
            Effect.runPromise(
              Effect.gen(function* () {
                const random = randomNumbers(seed);
                const columns = Array.from({ length: 3 }, () =>
                  Float64Array.from({ length: 40 }, () => (random() < 0.1 ? Number.NaN : random())),
                );
                const labels = Float64Array.from({ length: 40 }, (_, i) =>
                  link === "identity" ? random() : link === "logit" ? i % 2 : i % 3,
                );
                const weights = Float64Array.from({ length: 40 }, (_, i) => (i < 6 ? 1 : i % 4));
                const repeat = (column: Float64Array) =>
                  Float64Array.from(
                    [...column].flatMap((x, i) => Array<number>(weights[i] ?? 0).fill(x)),
                  );
                const options = { link, l1 };
                const weighted = yield* fitLinear(
                  { featureNames: names(3), columns, labels, weights },
                  options,
                );
                const repeated = yield* fitLinear(
                  { featureNames: names(3), columns: columns.map(repeat), labels: repeat(labels) },
                  options,
                );
                const [a, b] = [weighted.estimator, repeated.estimator];
                close(a.coefficients.flat(), b.coefficients.flat(), 1e-6);
                close(a.intercepts, b.intercepts, 1e-6);
                close(a.mean, b.mean, 1e-12);
                close([weighted.trainLoss], [repeated.trainLoss], 1e-9);
              }),
            ),
        ),
        { numRuns: 25 },
      ),
    ),
  );

  it.effect("measures validation rows and does not fit on them", () =>
    Effect.gen(function* () {
      const { train, test } = everyFourth(breastCancer());
      const alone = yield* fitLinear({ featureNames, ...train });
      const both = yield* fitLinear({ featureNames, ...train, validation: test });
      assert.deepStrictEqual(both.estimator, alone.estimator);
      assert.isUndefined(alone.validationLoss);
      assert.closeTo(both.validationLoss ?? 0, 0.08, 0.05);
    }),
  );

  it.effect("says that separated classes need a penalty", () =>
    Effect.gen(function* () {
      const separated = {
        featureNames: ["x"],
        columns: [Float64Array.of(0, 1, 2, 3)],
        labels: Uint8Array.of(0, 0, 1, 1),
      };
      for (const options of [
        { l2: 0 },
        { l2: 0, tolerance: 1e-300 },
        { l2: 0, link: "softmax" },
      ] as const) {
        const error = yield* Effect.flip(fitLinear(separated, options));
        assert.strictEqual(error.reason, "numeric");
        assert.include(error.next, "l2 above 0");
      }
      // One row on the wrong side, and the optimum is finite.
      const columns = [Float64Array.of(0, 1, 2, 3, 0.5)];
      const labels = Uint8Array.of(0, 0, 1, 1, 1);
      yield* fitLinear({ featureNames: ["x"], columns, labels }, { l2: 0 });
    }),
  );

  const x = Float64Array.of(1, 2, 3, 4);
  const one = { featureNames: ["x"], columns: [x], labels: Float64Array.of(0, 1, 1, 0) };
  for (const [name, data, options, what, where] of [
    [
      "a constant number",
      { labels: x.map(() => 7) },
      { link: "identity" },
      "all 4 labels are 7",
      "",
    ],
    ["one class", { labels: x.map(() => 1) }, {}, "all 4 labels are 1", "training label"],
    [
      "one class among rows that weigh something",
      { weights: Float64Array.of(1, 0, 0, 1) },
      {},
      "all labels of rows with weight are 0",
      "training label",
    ],
    [
      "a negative count",
      { labels: x.map((v) => v - 2) },
      { link: "log" },
      "label -1 is not",
      "row 0",
    ],
    [
      "a class that is not there",
      { labels: one.labels.map((y) => 2 * y) },
      softmax,
      "no row has class 1",
      "training label",
    ],
    ["half a class", { labels: x.map((v) => v / 2) }, softmax, "label 0.5 is not", "row 0"],
    [
      "a single row",
      { columns: [Float64Array.of(1)], labels: Float64Array.of(1) },
      {},
      "all 1 ",
      "",
    ],
    ["an infinite value", { columns: [x.map((v) => 1 / (v - 1))] }, {}, "Infinity", '"x", row 0'],
    ["an exposure of nothing", { columns: [x.map((v) => v - 1)] }, exposed, "is 0", '"x", row 0'],
    [
      "an unknown exposure",
      { columns: [x.map(() => Number.NaN)] },
      exposed,
      "is NaN",
      '"x", row 0',
    ],
    ["an exposure of a number", {}, { exposure: "x" }, 'link "logit"', "option exposure"],
    [
      "an exposure by another name",
      {},
      { link: "log", exposure: "y" },
      '"y" is no',
      "option exposure",
    ],
  ] as const satisfies ReadonlyArray<
    readonly [string, Partial<Parameters<typeof fitLinear>[0]>, LinearModelOptions, string, string]
  >) {
    it.effect(`says what is wrong with ${name}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(fitLinear({ ...one, ...data }, options));
        assert.include(error.what, what);
        assert.include(error.where, where);
      }),
    );
  }

  it.effect("fits more features than rows, and copies of one feature, under a penalty", () =>
    Effect.gen(function* () {
      const random = randomNumbers(5);
      const columns = Array.from({ length: 12 }, () => x.map(random));
      const wide = { featureNames: names(13), columns: [...columns, columns[0] ?? x], labels: x };
      const { estimator } = yield* fitLinear(wide, { link: "identity", l2: 0.1 });
      // Two equal columns share their coefficient under an l2.
      const own = estimator.coefficients[0] ?? [];
      assert.closeTo(own[0] ?? 0, own[12] ?? 1, 1e-9);
      const sparse = yield* fitLinear(wide, { link: "identity", l1: 0.5, l2: 0 });
      assert.isBelow(sparse.estimator.coefficients[0]?.filter((w) => w !== 0).length ?? 13, 5);
      const none = yield* Effect.flip(fitLinear(wide, { link: "identity", l2: 0 }));
      assert.strictEqual(none.reason, "numeric");
    }),
  );

  it.effect("keeps its digits where numbers lie far from 0", () =>
    Effect.gen(function* () {
      const labels = x.map((v) => 1e9 + 3 * v);
      const { estimator, trainLoss } = yield* fitLinear(
        { ...one, columns: [x.map((v) => 1e6 + v)], labels },
        { link: "identity", l2: 0 },
      );
      assert.closeTo((estimator.coefficients[0]?.[0] ?? 0) / (estimator.sd[0] ?? 0), 3, 1e-6);
      assert.isBelow(trainLoss, 1e-9);
    }),
  );

  it.effect("checks data and options as all fits do", () =>
    Effect.gen(function* () {
      const data = { featureNames: [], columns: [], labels: new Uint8Array() };
      const error = yield* Effect.flip(fitLinear(data));
      assert.strictEqual(error.reason, "data");
      assert.deepStrictEqual(
        error.problems.map(({ what }) => what),
        ["no features", "no rows"],
      );
      const options = yield* Effect.flip(fitLinear(data, { l2: -1, tolerance: 0 }));
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
          fitLinear({ featureNames: columns.map((_, j) => `f${j}`), columns, labels }),
          other,
        );
        assert.isAbove(turns, 5);
      }),
    60_000,
  );
});
