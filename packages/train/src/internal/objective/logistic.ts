/**
 * Two classes: loss −log p(y) with p = 1/(1+e^−F), gradient p−y, hessian p(1−p). The state of a row is its p.
 */
import { exponential } from "../exponential.ts";
import type { Objective, ScoredRows } from "./Objective.ts";

/** Log loss of raw score `f` against `label`, exact where the probability would be 0. */
export const logLoss = (f: number, label: number): number => {
  const z = label === 1 ? -f : f;
  return z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z));
};

/** See the head of this file. */
export const logistic = (data: ScoredRows, largestWeight: number): Objective => {
  const { raw, labels, weights, state } = data;
  return {
    measure: (start, end, out) => {
      let loss = 0;
      let weight = 0;
      // Σ −log p = −log Π p: one logarithm per several dozen rows instead of one per row.
      let product = 1;
      for (let i = start; i < end; i++) {
        const p = 1 / (1 + exponential(-raw[i]!));
        state[i] = p;
        const y = labels[i]!;
        const w = weights === null ? 1 : weights[i]!;
        weight += w;
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
      }
      out.loss = loss - Math.log(product);
      out.weight = weight;
      out.gradient = largestWeight;
      out.hessian = largestWeight * 0.25;
    },
    gradient: (i) => state[i]! - labels[i]!,
    hessian: (i) => state[i]! * (1 - state[i]!),
    leafValue: null,
  };
};
