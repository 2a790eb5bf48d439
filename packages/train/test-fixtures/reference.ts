/**
 * The figures in reference.json, typed, and the synthetic data they were made on
 * (`make_reference.py` says how). For tests only.
 */
import { readFileSync } from "node:fs";
import * as Schema from "effect/Schema";

const Numbers = Schema.Array(Schema.Finite);

const Boosted = Schema.Struct({
  testAuc: Schema.Finite,
  testLogLoss: Schema.Finite,
  trainLogLoss: Schema.Finite,
  predictions: Numbers,
});

const Reference = Schema.Struct({
  breastCancer: Schema.Struct({
    featureNames: Schema.Array(Schema.String),
    columns: Schema.Array(Numbers),
    labels: Numbers,
    boosted: Boosted,
    logistic: Schema.Struct({
      coefficients: Numbers,
      intercept: Schema.Finite,
      predictions: Numbers,
    }),
  }),
  synthetic: Schema.Struct({
    boosted: Boosted,
    regularised: Boosted,
    regression: Schema.Struct({ testMse: Schema.Finite, trainMse: Schema.Finite }),
  }),
});

/** What scikit-learn made of the data sets. */
export const reference = Schema.decodeUnknownSync(Reference)(
  JSON.parse(readFileSync(new URL("./reference.json", import.meta.url), "utf8")),
);

/** mulberry32: numbers in [0, 1). */
export const randomNumbers = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};

/** Columns with labels of two kinds. */
export interface Data {
  readonly columns: ReadonlyArray<Float64Array>;
  /** 0 or 1. */
  readonly labels: Float64Array;
  /** A number. */
  readonly values: Float64Array;
}

/** The same rows as `synthetic()` in make_reference.py, to the bit. */
export const syntheticData = (rows = 4002): Data => {
  const random = randomNumbers(42);
  const columns = Array.from({ length: 10 }, () => new Float64Array(rows));
  const labels = new Float64Array(rows);
  const values = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const r = Array.from({ length: 10 }, random);
    const at = (j: number): number => r[j] ?? Number.NaN;
    let score = 0.2 + 0.9 * (at(0) - 0.5) + 1.6 * (at(1) - 0.5) * (at(3) - 0.5);
    score += (at(4) > 0.6 ? 0.3 : 0) + 0.8 * (at(5) - 0.5) * (at(5) - 0.5);
    const label = random() < score ? 1 : 0;
    if (random() < (label === 1 ? 0.3 : 0.1)) r[2] = Number.NaN;
    for (const [j, column] of columns.entries()) column[i] = at(j);
    labels[i] = label;
    values[i] = score + 0.1 * random();
  }
  return { columns, labels, values };
};

/** The breast cancer data. */
export const breastCancer = (): Data => {
  const labels = Float64Array.from(reference.breastCancer.labels);
  const columns = reference.breastCancer.columns.map((column) => Float64Array.from(column));
  return { columns, labels, values: labels };
};

/** Splits off every fourth row, as the reference does. */
export const everyFourth = (data: Data): { readonly train: Data; readonly test: Data } => {
  const part = (test: boolean): Data => {
    const pick = (column: Float64Array) => column.filter((_, i) => (i % 4 === 0) === test);
    return {
      columns: data.columns.map(pick),
      labels: pick(data.labels),
      values: pick(data.values),
    };
  };
  return { train: part(false), test: part(true) };
};

/** Area under the ROC curve: the share of pairs in the right order, ties counting half. */
export const rocAuc = (labels: ArrayLike<number>, scores: ArrayLike<number>): number => {
  let right = 0;
  let pairs = 0;
  for (let i = 0; i < labels.length; i++) {
    for (let k = 0; k < labels.length; k++) {
      if (labels[i] !== 1 || labels[k] !== 0) continue;
      const difference = (scores[i] ?? 0) - (scores[k] ?? 0);
      pairs++;
      right += difference > 0 ? 1 : difference === 0 ? 0.5 : 0;
    }
  }
  return right / pairs;
};

/** Mean log loss. */
export const logLoss = (labels: ArrayLike<number>, scores: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    const p = scores[i] ?? Number.NaN;
    sum -= Math.log(labels[i] === 1 ? p : 1 - p);
  }
  return sum / labels.length;
};

/** Pearson correlation. */
export const correlation = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const mean = (x: ArrayLike<number>) => Array.from(x).reduce((s, v) => s + v, 0) / x.length;
  const ma = mean(a);
  const mb = mean(b);
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    const da = (a[i] ?? 0) - ma;
    const db = (b[i] ?? 0) - mb;
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return ab / Math.sqrt(aa * bb);
};

/** `f0`, `f1` … */
export const names = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, j) => `f${j}`);
