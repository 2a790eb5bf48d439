/**
 * Passes over the rows for logistic regression: means and deviations, then loss, gradient and Hessian.
 *
 * Rows are standardised block by block into a small row-major buffer, so that columns are read in order
 * and the innermost loop runs over features. Both give way to other fibres every few blocks.
 */
import * as Effect from "effect/Effect";
import { logLoss } from "./objective/logistic.ts";
import type { Column, LabelledColumns } from "./trainingData.ts";

const blockRows = 1024;
/** Give way after about this many multiplications. */
const workPerTurn = 10_000_000;

/** How features are standardised: `(x − mean) / sd`, a missing x counting as the mean. */
export interface Scaling {
  readonly mean: Float64Array;
  /** Population standard deviation; 1 for a feature that never varies. */
  readonly sd: Float64Array;
  /** 1 if the feature has at least two different values. */
  readonly varies: Uint8Array;
}

/** Means and standard deviations of the values that are not missing, in two passes per column. */
export const standardise: (columns: ReadonlyArray<Column>) => Effect.Effect<Scaling> =
  Effect.fnUntraced(function* (columns) {
    const mean = new Float64Array(columns.length);
    const sd = new Float64Array(columns.length).fill(1);
    const varies = new Uint8Array(columns.length);
    for (const [j, column] of columns.entries()) {
      let count = 0;
      let sum = 0;
      for (let i = 0; i < column.length; i++) {
        const x = column[i]!;
        if (x === x) {
          count++;
          sum += x;
        }
      }
      const m = count > 0 ? sum / count : 0;
      let squares = 0;
      for (let i = 0; i < column.length; i++) {
        const d = column[i]! - m;
        if (d === d) squares += d * d;
      }
      mean[j] = m;
      // A constant column's mean is off by rounding, which is not variation.
      const deviation = count > 0 ? Math.sqrt(squares / column.length) : 0;
      if (deviation > 1e-12 * Math.abs(m)) {
        sd[j] = deviation;
        varies[j] = 1;
      }
      yield* Effect.yieldNow;
    }
    return { mean, sd, varies };
  });

/** Sums over all rows. Without order `all`, gradient and Hessian stay 0. */
export interface NewtonSums {
  readonly loss: number;
  /** One entry per feature, then the intercept's. */
  readonly gradient: Float64Array;
  /** Row-major, symmetric; only the lower triangle is set. */
  readonly hessian: Float64Array;
}

/** Weighted log loss and its derivatives at `parameters` (coefficients, then the intercept). */
export const newtonPass: (
  data: LabelledColumns,
  weights: Column | undefined,
  scaling: Scaling,
  parameters: Float64Array,
  order: "loss" | "all",
) => Effect.Effect<NewtonSums> = Effect.fnUntraced(
  function* (data, weights, scaling, parameters, order) {
    const size = parameters.length;
    const features = size - 1;
    const rows = data.labels.length;
    const gradient = new Float64Array(size);
    const hessian = new Float64Array(size * size);
    const block = new Float64Array(blockRows * size);
    const costPerRow = order === "all" ? (size * size) / 2 + 20 : size + 20;
    const turn = Math.max(1, Math.floor(workPerTurn / costPerRow / blockRows)) * blockRows;
    let loss = 0;
    for (let start = 0; start < rows; start += blockRows) {
      const count = Math.min(blockRows, rows - start);
      for (let j = 0; j < features; j++) {
        const column = data.columns[j]!;
        const m = scaling.mean[j]!;
        // A coefficient of 0 for a feature that never varies, also where validation rows do vary.
        const scale = scaling.varies[j] === 1 ? 1 / scaling.sd[j]! : 0;
        for (let i = 0, at = j; i < count; i++, at += size) {
          const x = column[start + i]!;
          block[at] = x === x ? (x - m) * scale : 0;
        }
      }
      for (let i = 0, at = features; i < count; i++, at += size) block[at] = 1;

      for (let i = 0, at = 0; i < count; i++, at += size) {
        let score = 0;
        for (let j = 0; j < size; j++) score += block[at + j]! * parameters[j]!;
        const y = data.labels[start + i]!;
        const w = weights === undefined ? 1 : weights[start + i]!;
        loss += w * logLoss(score, y);
        if (order === "loss") continue;
        const p = 1 / (1 + Math.exp(-score));
        const g = w * (p - y);
        const h = w * p * (1 - p);
        for (let j = 0; j < size; j++) {
          const x = block[at + j]!;
          gradient[j] = gradient[j]! + g * x;
          const hx = h * x;
          const row = j * size;
          for (let k = 0; k <= j; k++) {
            hessian[row + k] = hessian[row + k]! + hx * block[at + k]!;
          }
        }
      }
      if ((start / blockRows + 1) % (turn / blockRows) === 0) yield* Effect.yieldNow;
    }
    return { loss, gradient, hessian };
  },
);
