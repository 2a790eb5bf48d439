/** Losses by hand; gradients and hessians as the slopes of losses and gradients. */
import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import type { BoostingSettings } from "../layout.ts";
import { baseScoresOf } from "./baseScores.ts";
import { logLoss } from "./logistic.ts";
import { makeObjective, stateWidth } from "./makeObjective.ts";
import { weightedQuantile } from "./weightedQuantile.ts";

const settings: BoostingSettings = {
  objective: "logistic",
  quantile: 0.9,
  ndcgDepth: 3,
  categorical: [],
  monotone: [],
  learningRate: 1,
  maxTrees: 1,
  maxLeaves: 2,
  maxDepth: 1,
  minSamplesLeaf: 1,
  minHessianLeaf: 0,
  minGain: 0,
  l2: 0,
  maxBins: 255,
  binningSample: 1000,
  seed: 0,
  patience: null,
  tolerance: 0,
};

/** The mean loss of rows with raw scores, and their gradients and hessians of every output. */
const at = (
  objective: BoostingSettings["objective"],
  labels: ReadonlyArray<number>,
  raw: ReadonlyArray<number>,
  more: { readonly weights?: ReadonlyArray<number>; readonly queries?: ReadonlyArray<number> } = {},
) => {
  const rows = labels.length;
  const outputs = raw.length / rows;
  const data = {
    rows,
    labels: Float64Array.from(labels),
    weights: more.weights === undefined ? null : Float64Array.from(more.weights),
    raw: Float64Array.from(raw),
    state: new Float64Array(rows * stateWidth(objective, outputs)),
    queries: more.queries === undefined ? null : Int32Array.from(more.queries),
  };
  const of = makeObjective(
    { ...settings, objective },
    data,
    outputs,
    Math.max(...(data.weights ?? [1])),
  );
  const out = { loss: 0, weight: 0, gradient: 0, hessian: 0 };
  of.measure(0, rows, out);
  const each = (f: (row: number, output: number) => number) =>
    Array.from({ length: outputs }, (_, k) => labels.map((_, i) => f(i, k))).flat();
  return {
    ...out,
    mean: out.loss / out.weight,
    gradients: each(of.gradient),
    hessians: each(of.hessian),
    leafValue: of.leafValue,
  };
};

describe("losses", () => {
  it("of two classes: log loss, also where probabilities round to 0 or 1", () => {
    const raw = [0, 2, -1, 800, -800, 60];
    const { loss, weight } = at("logistic", [1, 0, 1, 0, 1, 0], raw);
    const two = Math.log(1 + Math.exp(2));
    assert.closeTo(loss, Math.LN2 + two + Math.log(1 + Math.E) + 800 + 800 + 60, 1e-9);
    assert.strictEqual(weight, 6);
    assert.strictEqual(logLoss(800, 0), 800);
    assert.closeTo(logLoss(0, 1), Math.LN2, 1e-15);
  });

  it("of several classes: log loss, without overflow", () => {
    const { mean } = at("softmax", [0, 2], [0, 1000, 0, 1000, 0, 1000 + Math.LN2]);
    // Three equal classes; the last twice as likely as either other.
    assert.closeTo(mean, (Math.log(3) - Math.log(1 / 2)) / 2, 1e-9);
  });

  it("of numbers, weighted", () => {
    const weights = [1, 3];
    assert.strictEqual(at("squaredError", [1, 2], [3, 1], { weights }).mean, (4 + 3) / 4);
    assert.strictEqual(at("absoluteError", [1, 2], [3, 1], { weights }).mean, (2 + 3) / 4);
    assert.closeTo(
      at("quantile", [1, 2], [3, 1], { weights }).mean,
      (0.1 * 2 + 0.9 * 3) / 4,
      1e-12,
    );
    const deviance = 2 * (2 * Math.log(2 / 1) - 2 + 1);
    assert.closeTo(at("poisson", [2, 0], [0, 0]).mean, (deviance + 2) / 2, 1e-12);
  });

  it("of a ranking: 1 − NDCG of queries whose labels differ", () => {
    // Gains 7, 0, 1, 3 in this order; ideal order 7, 3, 1; depth 3.
    const dcg = 7 + 0 + 1 / Math.log2(4);
    const ideal = 7 + 3 / Math.log2(3) + 1 / Math.log2(4);
    const one = at("lambdaRank", [3, 0, 1, 2], [4, 3, 2, 1], { queries: [0, 4] });
    assert.closeTo(one.loss, 1 - dcg / ideal, 1e-12);
    const labels = [3, 0, 1, 2, 5, 5];
    const two = at("lambdaRank", labels, [4, 3, 2, 1, 0, 1], { queries: [0, 4, 6] });
    assert.deepStrictEqual([two.loss, two.weight], [one.loss, 1]);
    assert.deepStrictEqual(two.gradients.slice(4), [0, 0]);
  });
});

describe("gradients", () => {
  const cases = [
    ["logistic", [1, 0, 1, 0], 1, 1],
    ["softmax", [0, 1, 2, 1], 3, 1],
    ["squaredError", [1, -2, 0.5, 9], 1, 2],
    ["poisson", [0, 1, 4, 0.5], 1, 2],
  ] as const;
  const step = 1e-5;
  for (const [objective, labels, outputs, factor] of cases) {
    it(`of ${objective} are the slope of the loss, hessians that of the gradients`, () => {
      const raws = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), {
        minLength: 4 * outputs,
        maxLength: 4 * outputs,
      });
      fc.assert(
        fc.property(raws, fc.nat(4 * outputs - 1), (raw, k) => {
          const moved = (by: number) =>
            at(
              objective,
              labels,
              raw.map((f, i) => (i === k ? f + by : f)),
            );
          const [low, middle, high] = [moved(-step), moved(0), moved(step)];
          const slope = (high.loss - low.loss) / (2 * step * factor);
          assert.closeTo(middle.gradients[k] ?? NaN, slope, 1e-4);
          const bend = ((high.gradients[k] ?? NaN) - (low.gradients[k] ?? NaN)) / (2 * step);
          assert.closeTo(middle.hessians[k] ?? NaN, bend, 1e-4);
          assert.isAtLeast(middle.gradient, Math.abs(middle.gradients[k] ?? NaN));
          assert.isAtLeast(middle.hessian, middle.hessians[k] ?? NaN);
        }),
        { numRuns: 100 },
      );
    });
  }

  it("of absolute error and quantiles are slopes; leaves are quantiles of residuals", () => {
    assert.deepStrictEqual(at("absoluteError", [1, 2], [3, 1]).gradients, [1, -1]);
    assert.deepStrictEqual(at("quantile", [1, 2], [3, 1]).gradients, [1 - 0.9, -0.9]);
    const { leafValue } = at("absoluteError", [5, 1, 9], [1, 1, 1]);
    assert.strictEqual(leafValue?.(Int32Array.of(0, 1, 2)), 4);
  });

  it("of a ranking sum to nothing, pull relevant rows up, and know no other query", () => {
    const labels = [0, 2, 1, 0, 1];
    const raw = [1, 0, -1, 0.5, 0.25];
    const { gradients, hessians } = at("lambdaRank", labels, raw, { queries: [0, 3, 5] });
    assert.closeTo((gradients[0] ?? 0) + (gradients[1] ?? 0) + (gradients[2] ?? 0), 0, 1e-12);
    assert.isBelow(gradients[1] ?? 0, 0);
    assert.isAbove(gradients[0] ?? 0, 0);
    assert.isTrue(hessians.every((h) => h >= 0));
    const alone = at("lambdaRank", labels.slice(0, 3), raw.slice(0, 3), { queries: [0, 3] });
    assert.deepStrictEqual(alone.gradients, gradients.slice(0, 3));
  });

  it("of a ranking of two rows is ρ |ΔNDCG| as LightGBM scales it", () => {
    const { gradients } = at("lambdaRank", [1, 0], [0.2, 0.7], { queries: [0, 2] });
    const rho = 1 / (1 + Math.exp(0.2 - 0.7));
    const change = (1 - 1 / Math.log2(3)) / (0.01 + 0.5);
    const sum = 2 * rho * change;
    assert.closeTo(gradients[0] ?? NaN, -(rho * change * Math.log2(1 + sum)) / sum, 1e-12);
  });
});

describe("base scores", () => {
  const labels = Float64Array.of(0, 0, 0, 1);
  const options = { classes: 2, quantile: 0.75 };
  it("are the best constants", () => {
    const base = (objective: BoostingSettings["objective"], weights: Float64Array | null = null) =>
      baseScoresOf(objective, labels, weights, options);
    assert.closeTo(base("logistic")[0] ?? NaN, Math.log(1 / 3), 1e-12);
    assert.closeTo(base("poisson")[0] ?? NaN, Math.log(1 / 4), 1e-12);
    const [none = NaN, one = NaN] = base("softmax");
    assert.closeTo(none - one, Math.log(3), 1e-12);
    assert.closeTo(none + one, 0, 1e-12);
    assert.deepStrictEqual(base("squaredError", Float64Array.of(1, 1, 1, 3)), [0.5]);
    assert.deepStrictEqual(base("absoluteError"), [0]);
    assert.deepStrictEqual(base("quantile"), [0.5]);
    assert.deepStrictEqual(base("lambdaRank"), [0]);
  });
});

describe("weightedQuantile", () => {
  it("is that of a sample in which values occur as often as they weigh", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 1, max: 4 })), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.integer({ min: 1, max: 7 }),
        (pairs, eighths) => {
          const repeated = Float64Array.from(
            pairs.flatMap(([v, w]) => Array.from({ length: w }, () => v)),
          );
          const values = Float64Array.from(pairs, ([v]) => v);
          const weights = Float64Array.from(pairs, ([, w]) => w);
          const q = eighths / 8;
          assert.strictEqual(
            weightedQuantile(values, weights, q),
            weightedQuantile(repeated, null, q),
          );
        },
      ),
    );
  });

  it("averages the two values in the middle", () => {
    assert.strictEqual(weightedQuantile(Float64Array.of(4, 1, 3, 2), null, 0.5), 2.5);
    assert.strictEqual(weightedQuantile(Float64Array.of(4, 1, 3), null, 0.5), 3);
  });
});
