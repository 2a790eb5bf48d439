import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import * as Estimator from "./Estimator.ts";

/** x0 <= 0.5 ? (x1 <= 10 ? -1 : 2) : 3; a missing x0 goes right, a missing x1 left. */
const tree: Estimator.Tree = {
  feature: [0, 1, -1, -1, -1],
  threshold: [0.5, 10, 0, 0, 0],
  left: [1, 3, 0, 0, 0],
  right: [2, 4, 0, 0, 0],
  missingLeft: [0, 1, 0, 0, 0],
  value: [0, 0, 3, -1, 2],
  cover: [6, 4, 2, 3, 1],
};

const ensemble: Estimator.TreeEnsemble = {
  _tag: "TreeEnsemble",
  version: 1,
  objective: "squaredError",
  features: ["x0", "x1"],
  baseScores: [100],
  trees: [tree, { ...tree, value: [0, 0, 30, -10, 20] }],
  importance: [2, 1],
};

/** The colour codes 7 and 40 go left, 3 goes right; anything else is missing and goes left. */
const colours: Estimator.Tree = {
  feature: [0, -1, -1],
  threshold: [0, 0, 0],
  left: [1, 0, 0],
  right: [2, 0, 0],
  missingLeft: [1, 0, 0],
  value: [0, -1, 2],
  cover: [3, 2, 1],
  leftCategories: [[7, 40], null, null],
};

const classes: Estimator.TreeEnsemble = {
  ...ensemble,
  objective: "softmax",
  categories: [[3, 7, 40], null],
  baseScores: [0, 1, 2],
  trees: [
    colours,
    ...[4, 5].map((value) => ({
      ...tree,
      feature: [-1, -1, -1, -1, -1],
      value: [value, 0, 0, 0, 0],
    })),
  ],
};

const linear: Estimator.LinearModel = {
  _tag: "LinearModel",
  version: 1,
  link: "identity",
  features: ["x0", "x1"],
  intercepts: [1],
  coefficients: [[2, -3]],
  mean: [10, 0],
  sd: [5, 2],
  imputation: [20, 4],
};

const constant: Estimator.ConstantModel = {
  _tag: "ConstantModel",
  version: 1,
  features: [],
  values: [0.2],
};

describe("scoreRow", () => {
  it("follows thresholds, equality going left, and the learned direction of missing values", () => {
    const score = Estimator.scoreRow(ensemble);
    assert.strictEqual(score([0.5, 10]), 100 - 1 - 10);
    assert.strictEqual(score([0.5, 10.1]), 100 + 2 + 20);
    assert.strictEqual(score([0.6, 0]), 100 + 3 + 30);
    assert.strictEqual(score([Number.NaN, 0]), 100 + 3 + 30);
    assert.strictEqual(score([0, Number.NaN]), 100 - 1 - 10);
    assert.strictEqual(score([0]), 100 - 1 - 10, "a row that is too short ends in missing values");
  });

  it("is a probability for logistic trees", () => {
    const score = Estimator.scoreRow({ ...ensemble, objective: "logistic", baseScores: [-3 - 30] });
    assert.strictEqual(score([1, 0]), 0.5);
    assert.closeTo(score([0, 11]), 1 / (1 + Math.exp(11)), 1e-15);
  });

  it("standardises and imputes in linear models", () => {
    const score = Estimator.scoreRow(linear);
    assert.closeTo(score([15, 2]), 1 + 2 * 1 - 3 * 1, 1e-12);
    assert.closeTo(score([Number.NaN, 2]), 1 + 2 * 2 - 3 * 1, 1e-12);
    assert.closeTo(score([10, Number.NaN]), 1 - 3 * 2, 1e-12);
    assert.closeTo(Estimator.scoreRow({ ...linear, link: "logit" })([15, 2]), 0.5, 1e-12);
  });

  it("looks categories up, and sends those it does not know where missing values go", () => {
    const score = Estimator.scoreRow({
      ...ensemble,
      categories: [[3, 7, 40], null],
      trees: [colours],
    });
    assert.deepStrictEqual(
      [[7, 0], [40, 0], [3, 0], [8, 0], [7.5, 0], [Number.NaN, 0], []].map(score),
      [99, 99, 102, 99, 99, 99, 99],
    );
  });

  it("is e to the sum for rates", () => {
    const score = Estimator.scoreRow({ ...ensemble, objective: "poisson", baseScores: [-11] });
    assert.strictEqual(score([0.5, 10]), Math.exp(-22));
  });

  it("refuses a model with several scores per row", () => {
    assert.throws(() => Estimator.scoreRow(classes), "3 scores per row; use scoreInto");
  });

  it("is the value of a constant model", () => {
    assert.strictEqual(Estimator.scoreRow(constant)([1, 2]), 0.2);
  });
});

describe("scoreInto", () => {
  it("writes one probability per class: the softmax of the sums of every third tree", () => {
    const out = new Float64Array(Estimator.width(classes));
    Estimator.scoreInto(classes)([3, 0], out);
    const sums = [0 + 2, 1 + 4, 2 + 5].map(Math.exp);
    const total = sums.reduce((a, b) => a + b, 0);
    for (const [k, p] of out.entries()) assert.closeTo(p, (sums[k] ?? 0) / total, 1e-15);
    assert.deepStrictEqual([Estimator.width(classes), Estimator.width(constant)], [3, 1]);
  });

  it("does not overflow", () => {
    const out = new Float64Array(3);
    Estimator.scoreInto({ ...classes, baseScores: [0, 5000, 5000] })([3, 0], out);
    assert.deepStrictEqual([out[0], (out[1] ?? 0) + (out[2] ?? 0)], [0, 1]);
  });
});

/** A random sound ensemble: each number picks the leaf to split next, its feature and threshold. */
const ensembles = fc
  .array(
    fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.integer({ min: -20, max: 20 }), fc.boolean()), {
      maxLength: 12,
    }),
    {
      maxLength: 8,
    },
  )
  .map((plans): Estimator.TreeEnsemble => {
    const trees = plans.map((plan) => {
      const nodes = {
        feature: [-1],
        threshold: [0],
        left: [0],
        right: [0],
        value: [0.25],
        cover: [1],
      };
      const missingLeft: Array<0 | 1> = [0];
      for (const [pick, feature, threshold, toLeft] of plan) {
        const leaves = nodes.feature.flatMap((f, i) => (f === -1 ? [i] : []));
        const at = leaves[pick % leaves.length] ?? 0;
        const left = nodes.feature.length;
        nodes.feature[at] = feature;
        nodes.threshold[at] = threshold / 4;
        nodes.left[at] = left;
        nodes.right[at] = left + 1;
        missingLeft[at] = toLeft ? 1 : 0;
        for (const child of [left, left + 1]) {
          nodes.feature.push(-1);
          nodes.threshold.push(0);
          nodes.left.push(0);
          nodes.right.push(0);
          nodes.cover.push(1);
          nodes.value.push(threshold / 7 + child / 3);
          missingLeft.push(0);
        }
      }
      return { ...nodes, missingLeft };
    });
    return {
      _tag: "TreeEnsemble",
      version: 1,
      objective: "logistic",
      baseScores: [-0.1],
      features: ["a", "b", "c", "d"],
      importance: [0, 1, 2, 3],
      trees,
    };
  });

const rowsOfFour = fc.array(
  fc.tuple(
    ...Array.from({ length: 4 }, () =>
      fc.oneof(fc.double({ min: -6, max: 6 }), fc.constant(Number.NaN)),
    ),
  ),
  { maxLength: 30 },
);

describe("scoreColumns", () => {
  it.effect("gives what scoreRow gives, to the bit, for trees", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(ensembles, rowsOfFour, async (model, rows) => {
          const columns = [0, 1, 2, 3].map((j) => Float64Array.from(rows, (row) => row[j] ?? 0));
          const out = new Float64Array(rows.length);
          await Effect.runPromise(Estimator.scoreColumns(model, columns, out));
          const score = Estimator.scoreRow(model);
          assert.deepStrictEqual([...out], rows.map(score));
        }),
        { numRuns: 60 },
      ),
    ),
  );

  it.effect("works across blocks, on linear and constant models and on 32-bit columns", () =>
    Effect.gen(function* () {
      const rows = 2500;
      const x0 = Float32Array.from({ length: rows }, (_, i) => (i % 7 === 0 ? Number.NaN : i / 8));
      const x1 = Float64Array.from({ length: rows }, (_, i) => (i % 11 === 0 ? Number.NaN : -i));
      const out = new Float64Array(rows);
      for (const model of [ensemble, linear, { ...linear, link: "logit" } as const, constant]) {
        yield* Estimator.scoreColumns(model, [x0, x1], out);
        const score = Estimator.scoreRow(model);
        for (const i of [0, 7, 11, 1023, 1024, 2048, rows - 1]) {
          assert.closeTo(out[i] ?? Number.NaN, score([x0[i] ?? 0, x1[i] ?? 0]), 1e-9);
        }
      }
    }),
  );

  it.effect("writes row after row where a row has several scores", () =>
    Effect.gen(function* () {
      const rows = 1500;
      const colour = Float64Array.from({ length: rows }, (_, i) => [3, 7, 40, 9][i % 4] ?? 0);
      const other = new Float64Array(rows);
      const out = new Float64Array(3 * rows);
      yield* Estimator.scoreColumns(classes, [colour, other], out);
      const score = Estimator.scoreInto(classes);
      const row = new Float64Array(3);
      for (const i of [0, 1, 2, 3, 1023, 1024, rows - 1]) {
        score([colour[i] ?? 0, 0], row);
        assert.deepStrictEqual(out.subarray(3 * i, 3 * i + 3), row);
      }
      const uneven = yield* Effect.flip(
        Estimator.scoreColumns(classes, [colour, other], new Float64Array(4)),
      );
      assert.include(uneven.message, "4 places for scores where each row has 3");
    }),
  );

  it.effect("refuses columns that do not fit", () =>
    Effect.gen(function* () {
      const two = new Float64Array(2);
      const few = yield* Effect.flip(Estimator.scoreColumns(ensemble, [two], two));
      assert.strictEqual(few._tag, "ScoreInputInvalid");
      assert.include(few.message, "1 columns where the model has 2 features");
      assert.include(few.next, "x0, x1");
      const short = yield* Effect.flip(
        Estimator.scoreColumns(linear, [two, new Float64Array(1)], two),
      );
      assert.strictEqual(short.where, 'column "x1"');
    }),
  );
});

describe("load", () => {
  it.effect("reads back what was written, scoring identically", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(ensembles, rowsOfFour, async (model, rows) => {
          const copy = await Effect.runPromise(Estimator.load(JSON.parse(JSON.stringify(model))));
          assert.deepStrictEqual(copy, model);
          assert.deepStrictEqual(
            rows.map(Estimator.scoreRow(copy)),
            rows.map(Estimator.scoreRow(model)),
          );
        }),
        { numRuns: 30 },
      ),
    ),
  );

  it.effect("reads linear and constant models, and trees with categories and classes", () =>
    Effect.gen(function* () {
      for (const model of [linear, constant, classes]) {
        assert.deepStrictEqual(yield* Estimator.load(JSON.parse(JSON.stringify(model))), model);
      }
    }),
  );

  const ofColours = (change: Partial<Estimator.Tree>): Estimator.TreeEnsemble => ({
    ...classes,
    trees: [{ ...colours, ...change }, ...classes.trees.slice(1)],
  });
  const withTree = (change: Partial<Estimator.Tree>): Estimator.TreeEnsemble => ({
    ...ensemble,
    trees: [tree, { ...tree, ...change }],
  });
  const faults: ReadonlyArray<readonly [string, unknown, string, string]> = [
    ["a list of another length", withTree({ value: [1] }), "trees[1].value", "1 entries where 5"],
    ["a tree without nodes", withTree({ feature: [] }), "trees[1].feature", "no nodes"],
    ["a child out of range", withTree({ left: [1, 9, 0, 0, 0] }), "trees[1].left[1]", "child 9"],
    ["a cycle", withTree({ left: [1, 0, 0, 0, 0] }), "trees[1].left[1]", "does not come after"],
    ["a child of itself", withTree({ right: [0, 4, 0, 0, 0] }), "trees[1].right[0]", "child 0"],
    ["a shared child", withTree({ right: [2, 2, 0, 0, 0] }), "trees[1].right[1]", "two parents"],
    [
      "an unknown feature",
      withTree({ feature: [2, 1, -1, -1, -1] }),
      "trees[1].feature[0]",
      "index 2",
    ],
    [
      "a negative feature",
      withTree({ feature: [-2, 1, -1, -1, -1] }),
      "trees[1].feature[0]",
      "index -2",
    ],
    ["importance of another length", { ...ensemble, importance: [1] }, "importance", "1 entries"],
    [
      "a feature listed twice",
      { ...ensemble, features: ["a", "a"] },
      "features[1]",
      '"a" is listed twice',
    ],
    ["a rounds' tree too few", { ...classes, trees: [tree] }, "trees", "not a multiple of 3"],
    ["softmax of one class", { ...classes, baseScores: [1] }, "baseScores", "2 or more"],
    ["two base scores", { ...ensemble, baseScores: [1, 2] }, "baseScores", "2 entries where 1"],
    ["a category twice", { ...classes, categories: [[3, 3], null] }, "categories[0][1]", "3 is"],
    ["categories of another length", { ...classes, categories: [[3, 7, 40]] }, "categories", "1 "],
    [
      "a split on a category that is not one",
      ofColours({ leftCategories: [[8], null, null] }),
      "trees[0].leftCategories[0]",
      "feature 0 has no category 8",
    ],
    [
      "a threshold on a category",
      ofColours({ leftCategories: [null, null, null] }),
      "trees[0].leftCategories[0]",
      "feature 0 is a category",
    ],
    [
      "categories of a number",
      ofColours({ feature: [1, -1, -1] }),
      "trees[0].leftCategories[0]",
      "feature 1 is a number",
    ],
    ["fewer than no rows", withTree({ cover: [-1, 0, 0, 0, 0] }), "trees[1].cover[0]", "-1 is"],
    ["a coefficient too few", { ...linear, coefficients: [[1]] }, "coefficients[0]", "1 entries"],
    ["a deviation of zero", { ...linear, sd: [1, 0] }, "sd[1]", "not positive"],
    ["a number that is not finite", { ...constant, values: [Number.NaN] }, "document", "values"],
    ["a threshold that is null", withTreeNull(), "document", "threshold"],
    ["an unknown model", { _tag: "Pickle", version: 1 }, "document", "_tag"],
    ["a later version", { ...constant, version: 2 }, "document", "version"],
    ["something else", "model", "document", ""],
  ];
  function withTreeNull() {
    return { ...ensemble, trees: [{ ...tree, threshold: [null, 1, 0, 0, 0] }] };
  }
  for (const [name, document, where, what] of faults) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Estimator.load(document));
        assert.strictEqual(error._tag, "EstimatorInvalid");
        assert.strictEqual(error.where, where);
        assert.include(error.what, what);
      }),
    );
  }

  it.effect("lists all faults, up to a limit", () =>
    Effect.gen(function* () {
      const two = yield* Effect.flip(
        Estimator.load({
          ...ensemble,
          importance: [],
          trees: [{ ...tree, left: [9, 9, 0, 0, 0] }],
        }),
      );
      assert.deepStrictEqual(
        two.problems.map(({ where }) => where),
        ["importance", "trees[0].left[0]", "trees[0].left[1]"],
      );
      const bad = { ...tree, left: [9, 9, 0, 0, 0] };
      const many = yield* Effect.flip(
        Estimator.load({ ...ensemble, trees: Array.from({ length: 200 }, () => bad) }),
      );
      assert.strictEqual(many.problems.length, Estimator.maxProblems);
    }),
  );
});
