import { readFileSync } from "node:fs";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import * as Estimator from "./Estimator.ts";
import * as Explanation from "./Explanation.ts";

/** The contributions of a row, output by output. */
const contributions = (model: Estimator.Estimator, row: ReadonlyArray<number>) => {
  const { width, features, explain } = Explanation.make(model);
  const out = new Float64Array(width * features.length);
  explain(row, out);
  return Array.from({ length: width }, (_, k) => [
    ...out.subarray(k * features.length, (k + 1) * features.length),
  ]);
};

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

const Case = Schema.Struct({
  model: Estimator.TreeEnsemble,
  rows: Schema.Array(Schema.Array(Schema.NullOr(Schema.Finite))),
  values: Schema.Array(Schema.Array(Schema.Array(Schema.Finite))),
  base: Schema.Array(Schema.Finite),
});
const reference = Schema.decodeUnknownSync(
  Schema.Struct({ binary: Case, several: Case, categorical: Case }),
)(JSON.parse(readFileSync(new URL("../test-fixtures/explanations.json", import.meta.url), "utf8")));

describe("trees against shap 0.51.0 and LightGBM 4.7.0", () => {
  for (const [name, { model, rows, values, base }] of Object.entries(reference)) {
    it(name, () => {
      assert.deepStrictEqual(Estimator.problems(model), []);
      const explainer = Explanation.make(model);
      for (const [k, expected] of base.entries()) {
        assert.closeTo(explainer.base[k] ?? NaN, expected, 1e-9);
      }
      for (const [i, row] of rows.entries()) {
        const found = contributions(
          model,
          row.map((x) => x ?? NaN),
        );
        for (const [k, own] of (values[i] ?? []).entries()) {
          for (const [j, value] of own.entries()) {
            assert.closeTo(found[k]?.[j] ?? NaN, value, 1e-7, `row ${i}, output ${k}, f${j}`);
          }
        }
      }
    });
  }
});

/** Random trees over three numbers and a category; covers need not add up. */
const ensembles = fc
  .array(
    fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.integer({ min: -9, max: 9 }), fc.nat(5)), {
      maxLength: 9,
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((plans): Estimator.TreeEnsemble => {
    const trees = plans.map((plan) => {
      const feature = [-1];
      const threshold = [0];
      const left = [0];
      const right = [0];
      const missingLeft: Array<0 | 1> = [0];
      const value = [0.5];
      const cover = [9];
      const leftCategories: Array<ReadonlyArray<number> | null> = [null];
      for (const [pick, on, number, weight] of plan) {
        const leaves = feature.flatMap((f, i) => (f === -1 ? [i] : []));
        const at = leaves[pick % leaves.length] ?? 0;
        feature[at] = on;
        threshold[at] = on === 3 ? 0 : number / 4;
        leftCategories[at] = on === 3 ? [[1], [1, 3], [2]][pick % 3]! : null;
        missingLeft[at] = number > 0 ? 1 : 0;
        left[at] = feature.length;
        right[at] = feature.length + 1;
        for (const own of [weight, 5 - weight]) {
          feature.push(-1);
          threshold.push(0);
          left.push(0);
          right.push(0);
          missingLeft.push(0);
          value.push(number / 3 + own);
          cover.push(own);
          leftCategories.push(null);
        }
      }
      return { feature, threshold, left, right, missingLeft, value, cover, leftCategories };
    });
    return {
      _tag: "TreeEnsemble",
      version: 1,
      objective: "squaredError",
      features: ["a", "b", "c", "code"],
      categories: [null, null, null, [1, 2, 3]],
      baseScores: [0.25],
      trees,
      importance: [0, 0, 0, 0],
    };
  });

const row = fc.tuple(
  ...Array.from({ length: 3 }, () =>
    fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Number.NaN)),
  ),
  fc.constantFrom(1, 2, 3, 4, Number.NaN),
);

/** What trees say if only some features are known: Lundberg et al. 2018, algorithm 1. */
const knowing = (model: Estimator.TreeEnsemble, row: ReadonlyArray<number>, known: number) => {
  const visit = (tree: Estimator.Tree, node: number): number => {
    const j = tree.feature[node]!;
    if (j === -1) return tree.value[node]!;
    const [left, right] = [tree.left[node]!, tree.right[node]!];
    if ((known & (1 << j)) === 0) {
      const share = (child: number) =>
        tree.cover[node]! > 0 ? tree.cover[child]! / tree.cover[node]! : 0;
      return share(left) * visit(tree, left) + share(right) * visit(tree, right);
    }
    const x = row[j]!;
    const codes = tree.leftCategories?.[node];
    const isMissing = codes === null ? Number.isNaN(x) : !model.categories![j]!.includes(x);
    const goesLeft = isMissing
      ? tree.missingLeft[node] === 1
      : codes === null || codes === undefined
        ? x <= tree.threshold[node]!
        : codes.includes(x);
    return visit(tree, goesLeft ? left : right);
  };
  return sum(model.trees.map((tree) => visit(tree, 0)));
};

describe("laws", () => {
  it("of Shapley: the mean contribution over all orders, and their sum is the score", () => {
    // n! (4 − n − 1)! / 4!
    const weights = [6, 2, 2, 6].map((w) => w / 24);
    const size = (set: number) => [0, 1, 2, 3].filter((j) => (set & (1 << j)) !== 0).length;
    fc.assert(
      fc.property(ensembles, row, (model, x) => {
        const [found = []] = contributions(model, x);
        for (let j = 0; j < 4; j++) {
          let expected = 0;
          for (let set = 0; set < 16; set++) {
            if ((set & (1 << j)) !== 0) continue;
            const gain = knowing(model, x, set | (1 << j)) - knowing(model, x, set);
            expected += weights[size(set)]! * gain;
          }
          assert.closeTo(found[j] ?? NaN, expected, 1e-9);
        }
        const { base } = Explanation.make(model);
        assert.closeTo(sum(found) + (base[0] ?? NaN), Estimator.scoreRow(model)(x), 1e-9);
      }),
      { numRuns: 150 },
    );
  });

  it("additivity for every link", () => {
    const model = { ...reference.binary.model, objective: "poisson" } as const;
    const x = (reference.binary.rows[0] ?? []).map((v) => v ?? NaN);
    const total = () =>
      sum(contributions(model, x)[0] ?? []) + (Explanation.make(model).base[0] ?? 0);
    assert.closeTo(Math.exp(total()), Estimator.scoreRow(model)(x), 1e-9);
    const logistic = { ...model, objective: "logistic" } as const;
    assert.closeTo(Estimator.sigmoid(total()), Estimator.scoreRow(logistic)(x), 1e-12);
    assert.strictEqual(Explanation.make(model).scale, "logRate");
    assert.strictEqual(Explanation.make(logistic).scale, "logOdds");
  });
});

describe("linear models", () => {
  const linear: Estimator.LinearModel = {
    _tag: "LinearModel",
    version: 1,
    link: "logit",
    features: ["x", "y"],
    intercepts: [-1],
    coefficients: [[2, -3]],
    mean: [10, 0],
    sd: [5, 2],
    imputation: [20, 4],
  };

  it("coefficient times distance from the mean, imputed where missing", () => {
    assert.deepStrictEqual(contributions(linear, [15, 2]), [[2, -3]]);
    assert.deepStrictEqual(contributions(linear, [NaN, 0]), [[4, -0]]);
    const { base, scale } = Explanation.make(linear);
    assert.deepStrictEqual([base[0], scale], [-1, "logOdds"]);
    assert.closeTo(Estimator.sigmoid(-1 + 2 - 3), Estimator.scoreRow(linear)([15, 2]), 1e-12);
  });

  it("an exposure counts by its logarithm", () => {
    const counts = {
      ...linear,
      link: "log",
      coefficients: [[0, -3]],
      exposure: "x",
    } as const;
    const [own = []] = contributions(counts, [15, 2]);
    assert.closeTo(own[0] ?? NaN, Math.log(15 / 10), 1e-12);
    const raw = (Explanation.make(counts).base[0] ?? NaN) + sum(own);
    assert.closeTo(Math.exp(raw), Estimator.scoreRow(counts)([15, 2]), 1e-12);
  });
});

describe("constant models", () => {
  it("owe nothing to features", () => {
    const model = { _tag: "ConstantModel", version: 1, features: ["x"], values: [0.2] } as const;
    assert.deepStrictEqual(contributions(model, [3]), [[0]]);
    assert.deepStrictEqual([...Explanation.make(model).base], [0.2]);
  });
});

describe("meanAbsolute", () => {
  it.effect("is the mean of absolute contributions over rows, of each output", () =>
    Effect.gen(function* () {
      const { model, rows, values } = reference.several;
      const columns = model.features.map((_, j) => Float64Array.from(rows, (r) => r[j] ?? NaN));
      const found = yield* Explanation.meanAbsolute(model, columns);
      const width = model.features.length;
      assert.strictEqual(found.length, (values[0] ?? []).length * width);
      for (const [at, value] of found.entries()) {
        const [k, j] = [Math.floor(at / width), at % width];
        const all = values.map((outputs) => Math.abs(outputs[k]?.[j] ?? NaN));
        assert.closeTo(value, sum(all) / rows.length, 1e-9);
      }
      const few = yield* Effect.flip(Explanation.meanAbsolute(model, columns.slice(1)));
      assert.include(few.message, "4 columns where the model has 5 features");
    }),
  );
});
