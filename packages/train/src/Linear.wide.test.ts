/** Linear models of more than two thousand columns, nearly all of them 0. */
import { assert, describe, it } from "@effect/vitest";
import { Estimator } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { linear } from "../test-fixtures/linear.ts";
import { names, randomNumbers } from "../test-fixtures/reference.ts";
import wide from "../test-fixtures/wide.json" with { type: "json" };
import { newton } from "./internal/linear/newton.ts";
import { newtonCg } from "./internal/linear/newtonCg.ts";
import { centreClasses, type LinearProblem } from "./internal/linear/problem.ts";
import { standardise } from "./internal/linear/standardise.ts";
import { workingSet } from "./internal/linear/workingSet.ts";
import { fitLinear, type LinearModelOptions } from "./Linear.ts";

/** The rows of make_wide.py. */
const data = (() => {
  const [rows, texts, values, numbers] = [1500, 3, 800, 4];
  const random = randomNumbers(11);
  const columns = Array.from({ length: texts * values + numbers }, () => new Float64Array(rows));
  const labels = {
    yes: new Float64Array(rows),
    amount: new Float64Array(rows),
    kind: new Float64Array(rows),
  };
  for (let i = 0; i < rows; i++) {
    let score = 0;
    for (let t = 0; t < texts; t++) {
      const value = Math.floor(values * random() * random());
      columns[t * values + value]![i] = 1;
      score += ((value % 7) - 3) / 4;
    }
    for (let j = 0; j < numbers; j++) {
      const x = random();
      columns[texts * values + j]![i] = x;
      score += (j + 1) * (x - 0.5);
    }
    const noise = random();
    labels.yes[i] = score + 4 * (noise - 0.5) > 0 ? 1 : 0;
    labels.amount[i] = 100 + 10 * score + 20 * noise;
    labels.kind[i] = score + noise < -0.5 ? 0 : score + noise < 1.2 ? 1 : 2;
  }
  return { columns, labels, featureNames: names(columns.length) };
})();

type Told = typeof wide.logistic;

describe("more than two thousand coefficients", () => {
  const cases: ReadonlyArray<
    readonly [string, keyof typeof data.labels, LinearModelOptions, Told, number]
  > = [
    ["LogisticRegression", "yes", { link: "logit", l2: 20 }, wide.logistic, 1e-6],
    [
      "LogisticRegression, several classes",
      "kind",
      { link: "softmax", l2: 20 },
      wide.multinomial,
      1e-5,
    ],
    ["Ridge", "amount", { link: "identity", l2: 50 }, wide.ridge, 1e-6],
    ["ElasticNet", "amount", { link: "identity", l1: 600, l2: 100 }, wide.elasticNet, 1e-6],
  ];
  for (const [name, label, options, expected, tolerance] of cases) {
    it.effect(`are those of scikit-learn's ${name}`, () =>
      Effect.gen(function* () {
        const { columns, featureNames } = data;
        const labels = data.labels[label];
        const { estimator } = yield* fitLinear({ columns, featureNames, labels }, options);
        const own = estimator.coefficients.map((one) => [
          ...one.filter((_, j) => j % 40 === 0),
          ...one.slice(-4),
        ]);
        const scale = Math.max(...expected.coefficients.flat().map(Math.abs));
        for (const [k, row] of expected.coefficients.entries()) {
          for (const [j, value] of row.entries()) {
            assert.closeTo(own[k]?.[j] ?? Number.NaN, value, tolerance * scale, `${k}, ${j}`);
          }
          assert.closeTo(
            estimator.intercepts[k] ?? Number.NaN,
            expected.intercepts[k] ?? 0,
            tolerance * Math.max(scale, Math.abs(expected.intercepts[k] ?? 0)),
          );
        }
        if (options.l1 !== undefined) {
          const left = estimator.coefficients.flat().filter((w) => w !== 0).length;
          assert.strictEqual(left, expected.nonzero);
        }
        const width = Estimator.width(estimator);
        const out = new Float64Array(labels.length * width);
        yield* Estimator.scoreColumns(estimator, columns, out);
        const picked = out.filter((_, at) => Math.floor(at / width) % 15 === 0);
        const most = Math.max(1, ...expected.predictions.map(Math.abs));
        for (const [at, value] of expected.predictions.entries()) {
          assert.closeTo(picked[at] ?? Number.NaN, value, tolerance * most);
        }
      }),
    );
  }

  it.effect("are refused where an l1 leaves more than can be solved together", () =>
    Effect.gen(function* () {
      const random = randomNumbers(5);
      const labels = Float64Array.from({ length: 300 }, (_, i) => i % 100);
      const columns = Array.from({ length: 30 }, () => labels.map(random));
      const many = { featureNames: names(30), columns, labels };
      const error = yield* Effect.flip(fitLinear(many, { link: "softmax", l1: 0.1 }));
      assert.strictEqual(error.reason, "size");
      assert.match(error.message, /Raise l1 until fewer are left, or use l2 alone/);
    }),
  );
});

describe("solvers", () => {
  const { wine, diabetes } = linear;
  const problemOf = Effect.fnUntraced(function* (
    set: Pick<typeof wine, "columns" | "labels">,
    more: Pick<LinearProblem, "link" | "l1" | "l2"> & { readonly outputs?: number },
  ) {
    // With gaps, weights, a column of zeros and one that is mostly 0.
    const columns = set.columns.map((column, j) =>
      Float64Array.from(column, (x, i) => ((i + j) % 11 === 0 ? Number.NaN : x)),
    );
    columns.push(new Float64Array(set.labels.length));
    columns.push(
      Float64Array.from(set.labels, (_, i) => (i % 5 === 0 ? 1 : i % 7 === 0 ? NaN : 0)),
    );
    const weights = Float64Array.from(set.labels, (_, i) => i % 3);
    const outputs = more.outputs ?? 1;
    const problem: LinearProblem = {
      rows: { columns, labels: Float64Array.from(set.labels), weights },
      scaling: yield* standardise(columns, weights),
      maxIterations: 100,
      stopAt: 1e-7,
      start: new Float64Array(outputs * (columns.length + 1)),
      outputs,
      ...more,
    };
    return problem;
  });
  for (const [name, set, more] of [
    ["numbers", diabetes, { link: "identity", l1: 0, l2: 3 }],
    [
      "counts",
      { ...diabetes, labels: diabetes.labels.map((y) => y / 50) },
      { link: "log", l1: 0, l2: 3 },
    ],
    ["classes", wine, { link: "softmax", outputs: 3, l1: 0, l2: 1 }],
    ["numbers with an l1", diabetes, { link: "identity", l1: 900, l2: 3 }],
    ["classes with an l1", wine, { link: "softmax", outputs: 3, l1: 4, l2: 1 }],
    [
      "yes and no with an l1",
      { ...wine, labels: wine.labels.map((y) => Math.min(y, 1)) },
      { link: "logit", l1: 2, l2: 1 },
    ],
  ] as const) {
    it.effect(`agree: ${name}`, () =>
      Effect.gen(function* () {
        const problem = yield* problemOf(set, more);
        const dense = yield* newton(problem);
        const other = yield* (more.l1 === 0 ? newtonCg : workingSet)(problem);
        for (const { parameters } of more.link === "softmax" ? [dense, other] : []) {
          centreClasses(parameters, problem.outputs, parameters.length / problem.outputs - 1);
        }
        const scale = Math.max(...dense.parameters.map(Math.abs));
        for (const [j, value] of dense.parameters.entries()) {
          assert.closeTo(other.parameters[j]!, value, 1e-6 * scale, `at ${j}`);
          assert.strictEqual(other.parameters[j] === 0, value === 0, `at ${j}`);
        }
      }),
    );
  }

  it.effect("without a Hessian tell of no finite optimum, too", () =>
    Effect.gen(function* () {
      const labels = wine.labels.map((_, i) => (i < 50 ? 0 : 1));
      const separated = { columns: [labels], labels };
      const problem = yield* problemOf(separated, { link: "logit", l1: 0, l2: 0 });
      const error = yield* Effect.flip(newtonCg({ ...problem, stopAt: 1e-300 }));
      assert.strictEqual(error.reason, "numeric");
    }),
  );
});
