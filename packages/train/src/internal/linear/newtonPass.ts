/**
 * A pass over the rows for generalised linear models: loss, gradient and Hessian at some coefficients.
 *
 * Rows are standardised block by block into a small row-major buffer, so that columns are read in order
 * and the innermost loop runs over features. Gives way to other fibres every few blocks.
 */
import * as Effect from "effect/Effect";
import type { Column, LabelledColumns } from "../trainingData.ts";
import { type Link, singleLinks, softmaxInPlace } from "./links.ts";
import type { Scaling } from "./standardise.ts";

const blockRows = 1024;
/** Give way after about this many multiplications. */
const workPerTurn = 10_000_000;

/** The model whose loss is summed. */
export interface PassModel {
  readonly link: Link;
  /** Linear sums of a row: the number of classes for `softmax`, else 1. */
  readonly outputs: number;
  readonly scaling: Scaling;
  /** For each output its coefficients, then its intercept. */
  readonly parameters: Float64Array;
}

/** The rows that it is summed over. */
export interface PassRows extends Pick<LabelledColumns, "columns" | "labels"> {
  readonly weights?: Column | undefined;
  /** Added to the linear sum of each row. */
  readonly offset?: Float64Array | undefined;
}

/** Sums over all rows. Without order `all`, gradient and Hessian stay 0. */
export interface NewtonSums {
  readonly loss: number;
  /** As the parameters. */
  readonly gradient: Float64Array;
  /** Row-major, symmetric; only the lower triangle is set. */
  readonly hessian: Float64Array;
}

/** Weighted loss and its derivatives; order `reported` sums the loss as it is told to people. */
export const newtonPass: (
  rows: PassRows,
  model: PassModel,
  order: "loss" | "reported" | "all",
) => Effect.Effect<NewtonSums> = Effect.fnUntraced(function* (rows, model, order) {
  const { columns, labels } = rows;
  const { scaling, parameters, outputs } = model;
  const size = columns.length + 1;
  const gradient = new Float64Array(parameters.length);
  const hessian = new Float64Array(order === "all" ? parameters.length ** 2 : 0);
  const block = new Float64Array(blockRows * size);
  const add =
    model.link === "softmax"
      ? addClasses(rows, model, block, { gradient, hessian }, order === "all")
      : addSingle(rows, { ...model, link: model.link }, block, { gradient, hessian }, order);
  const pairs = (outputs * (outputs + 1)) / 2;
  const costPerRow = order === "all" ? (pairs * size * size) / 2 + 20 : outputs * size + 20;
  const turn = Math.max(1, Math.floor(workPerTurn / costPerRow / blockRows));
  let loss = 0;
  for (let start = 0, blocks = 1; start < labels.length; start += blockRows, blocks++) {
    const count = Math.min(blockRows, labels.length - start);
    for (const [j, column] of columns.entries()) {
      const m = scaling.mean[j]!;
      // A coefficient of 0 for a feature that never varies, also where validation rows do vary.
      const scale = scaling.varies[j] === 1 ? 1 / scaling.sd[j]! : 0;
      for (let i = 0, at = j; i < count; i++, at += size) {
        const x = column[start + i]!;
        block[at] = x === x ? (x - m) * scale : 0;
      }
    }
    for (let i = 0, at = size - 1; i < count; i++, at += size) block[at] = 1;
    loss += add(start, count);
    if (blocks % turn === 0) yield* Effect.yieldNow;
  }
  if (order === "all") mirrorBlocks(hessian, outputs, size);
  return { loss, gradient, hessian };
});

interface Derivatives {
  readonly gradient: Float64Array;
  readonly hessian: Float64Array;
}

/** Adds the derivatives of a block of rows and gives back its loss. */
type AddBlock = (start: number, count: number) => number;

const addSingle = (
  { labels, weights, offset }: PassRows,
  { link, parameters }: PassModel & { readonly link: Exclude<Link, "softmax"> },
  block: Float64Array,
  { gradient, hessian }: Derivatives,
  order: "loss" | "reported" | "all",
): AddBlock => {
  const { mean, curvature, loss: minimised, reported } = singleLinks[link];
  const lossOf = order === "reported" ? reported : minimised;
  const size = parameters.length;
  return (start, count) => {
    let loss = 0;
    for (let i = 0, at = 0; i < count; i++, at += size) {
      let sum = offset === undefined ? 0 : offset[start + i]!;
      for (let j = 0; j < size; j++) sum += block[at + j]! * parameters[j]!;
      const y = labels[start + i]!;
      const w = weights === undefined ? 1 : weights[start + i]!;
      if (w > 0) loss += w * lossOf(sum, y);
      if (order !== "all") continue;
      const m = mean(sum);
      const g = w * (m - y);
      const h = w * curvature(m);
      for (let j = 0; j < size; j++) {
        const x = block[at + j]!;
        gradient[j] = gradient[j]! + g * x;
        const hx = h * x;
        const row = j * size;
        for (let k = 0; k <= j; k++) hessian[row + k] = hessian[row + k]! + hx * block[at + k]!;
      }
    }
    return loss;
  };
};

/** Log loss of several classes: gradient p_k − [y = k], Hessian p_k·([k = l] − p_l), each times x or x·xᵀ. */
const addClasses = (
  { labels, weights }: PassRows,
  { outputs, parameters }: PassModel,
  block: Float64Array,
  { gradient, hessian }: Derivatives,
  derivatives: boolean,
): AddBlock => {
  const total = parameters.length;
  const size = total / outputs;
  const p = new Float64Array(outputs);
  return (start, count) => {
    let loss = 0;
    for (let i = 0, at = 0; i < count; i++, at += size) {
      const y = labels[start + i]!;
      const w = weights === undefined ? 1 : weights[start + i]!;
      if (w === 0) continue;
      for (let k = 0; k < outputs; k++) {
        let sum = 0;
        for (let j = 0; j < size; j++) sum += block[at + j]! * parameters[k * size + j]!;
        p[k] = sum;
      }
      const own = p[y]!;
      loss += w * (softmaxInPlace(p) - own);
      if (!derivatives) continue;
      for (let k = 0; k < outputs; k++) {
        const g = w * (p[k]! - (k === y ? 1 : 0));
        for (let j = 0; j < size; j++) {
          gradient[k * size + j] = gradient[k * size + j]! + g * block[at + j]!;
        }
        for (let l = 0; l <= k; l++) {
          const h = w * p[k]! * ((k === l ? 1 : 0) - p[l]!);
          for (let j = 0; j < size; j++) {
            const hx = h * block[at + j]!;
            const row = (k * size + j) * total + l * size;
            for (let m = 0; m <= j; m++) hessian[row + m] = hessian[row + m]! + hx * block[at + m]!;
          }
        }
      }
    }
    return loss;
  };
};

/** The block of two different outputs is symmetric itself: only its lower triangle was summed. */
const mirrorBlocks = (hessian: Float64Array, outputs: number, size: number): void => {
  const total = outputs * size;
  for (let k = 1; k < outputs; k++) {
    for (let l = 0; l < k; l++) {
      for (let j = 0; j < size; j++) {
        for (let m = 0; m < j; m++) {
          hessian[(k * size + m) * total + l * size + j] =
            hessian[(k * size + j) * total + l * size + m]!;
        }
      }
    }
  }
};
