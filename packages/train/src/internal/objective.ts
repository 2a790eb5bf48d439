/**
 * Losses, gradients and hessians by row (Friedman 2001, "Greedy function approximation", section 4),
 * on one block of rows at a time.
 *
 * With raw score F, label y and weight w: logistic loss −log p(y), p = 1/(1+e^−F), gradient w(p−y),
 * hessian w·p(1−p); squared error (F−y)², gradient w(F−y), hessian w (of half the squared error).
 */

import { exponential, nearest } from "./exponential.ts";

/** Sums over one block: weighted loss, and the fixed-point sums. */
export interface BlockSums {
  loss: number;
  gradient: number;
  hessian: number;
}

/** Log loss of raw score `f` against `label`, exact where the probability would be 0. */
export const logLoss = (f: number, label: number): number => {
  const z = label === 1 ? -f : f;
  return z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z));
};

/** Writes the fixed-point pairs of rows `start..end` and sums them into `sums`. */
export const logisticBlock = (
  raw: Float64Array,
  labels: Float64Array,
  weights: Float64Array | null,
  start: number,
  end: number,
  pairs: Int32Array,
  gradientScale: number,
  hessianScale: number,
  sums: BlockSums,
): void => {
  let loss = 0;
  let gradient = 0;
  let hessian = 0;
  // Σ −log p = −log Π p: one logarithm per several dozen rows instead of one per row.
  let product = 1;
  for (let i = start; i < end; i++) {
    const p = 1 / (1 + exponential(-raw[i]!));
    const y = labels[i]!;
    const w = weights === null ? 1 : weights[i]!;
    // Arithmetic instead of a branch that would be guessed wrong half the time.
    const probability = y * p + (1 - y) * (1 - p);
    if (weights !== null || probability < 1e-18) {
      loss += w * logLoss(raw[i]!, y);
    } else {
      product *= probability;
      if (product < 1e-280) {
        loss -= Math.log(product);
        product = 1;
      }
    }
    const g = nearest((p - y) * w * gradientScale);
    const h = nearest(p * (1 - p) * w * hessianScale);
    pairs[2 * i] = g;
    pairs[2 * i + 1] = h;
    gradient += g;
    hessian += h;
  }
  sums.loss = loss - Math.log(product);
  sums.gradient = gradient;
  sums.hessian = hessian;
};

/** As {@link logisticBlock}, for the squared error. */
export const squaredBlock = (
  raw: Float64Array,
  labels: Float64Array,
  weights: Float64Array | null,
  start: number,
  end: number,
  pairs: Int32Array,
  gradientScale: number,
  hessianScale: number,
  sums: BlockSums,
): void => {
  let loss = 0;
  let gradient = 0;
  let hessian = 0;
  for (let i = start; i < end; i++) {
    const residual = raw[i]! - labels[i]!;
    const w = weights === null ? 1 : weights[i]!;
    loss += w * residual * residual;
    const g = nearest(residual * w * gradientScale);
    const h = nearest(w * hessianScale);
    pairs[2 * i] = g;
    pairs[2 * i + 1] = h;
    gradient += g;
    hessian += h;
  }
  sums.loss = loss;
  sums.gradient = gradient;
  sums.hessian = hessian;
};

/** The largest weighted residual of a block, from which the scale of its gradients follows. */
export const largestResidual = (
  raw: Float64Array,
  labels: Float64Array,
  weights: Float64Array | null,
  start: number,
  end: number,
): number => {
  let largest = 0;
  for (let i = start; i < end; i++) {
    const r = Math.abs(raw[i]! - labels[i]!) * (weights === null ? 1 : weights[i]!);
    if (r > largest) largest = r;
  }
  return largest;
};

/** Σ loss of a block, without weights. */
export const blockLoss = (
  objective: "logistic" | "squaredError",
  raw: Float64Array,
  labels: Float64Array,
  start: number,
  end: number,
): number => {
  let loss = 0;
  if (objective === "logistic") {
    for (let i = start; i < end; i++) loss += logLoss(raw[i]!, labels[i]!);
  } else {
    for (let i = start; i < end; i++) loss += (raw[i]! - labels[i]!) ** 2;
  }
  return loss;
};

/**
 * The best constant raw score: log-odds of the mean label, or the mean label.
 */
export const baseScoreOf = (
  objective: "logistic" | "squaredError",
  labels: Float64Array,
  weights: Float64Array | null,
): number => {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const w = weights === null ? 1 : weights[i]!;
    sum += w * labels[i]!;
    total += w;
  }
  const mean = sum / total;
  return objective === "logistic" ? Math.log(mean / (1 - mean)) : mean;
};
