/**
 * The four generalised linear models by their canonical links (McCullagh & Nelder 1989, "Generalized
 * Linear Models", chapter 2): what a linear sum means, how wrong it is, and how that changes with it.
 */
import { logLoss } from "../objective/logistic.ts";

/** `identity`: a number. `logit`: yes/no. `log`: a count or rate. `softmax`: one of several classes. */
export type Link = "identity" | "logit" | "log" | "softmax";

/** A link from one linear sum; derivatives of the loss by the sum are `mean − label` and `curvature`. */
export interface SingleLink {
  /** The loss that is minimised, without terms of the label alone. */
  readonly loss: (sum: number, label: number) => number;
  readonly mean: (sum: number) => number;
  /** The variance at this mean. */
  readonly curvature: (mean: number) => number;
  /** The loss as it is reported; see `LinearResult.trainLoss`. */
  readonly reported: (sum: number, label: number) => number;
}

const poissonDeviance = (sum: number, label: number): number => {
  const mean = Math.exp(sum);
  return 2 * ((label > 0 ? label * (Math.log(label) - sum) : 0) - (label - mean));
};

/** By name. */
export const singleLinks: { readonly [K in Exclude<Link, "softmax">]: SingleLink } = {
  identity: {
    loss: (sum, label) => 0.5 * (sum - label) * (sum - label),
    mean: (sum) => sum,
    curvature: () => 1,
    reported: (sum, label) => (sum - label) * (sum - label),
  },
  logit: {
    loss: logLoss,
    mean: (sum) => 1 / (1 + Math.exp(-sum)),
    curvature: (mean) => mean * (1 - mean),
    reported: logLoss,
  },
  log: {
    loss: (sum, label) => Math.exp(sum) - label * sum,
    mean: Math.exp,
    curvature: (mean) => mean,
    reported: poissonDeviance,
  },
};

/** Turns the sums of all classes into their probabilities and gives back the log of their total. */
export const softmaxInPlace = (sums: Float64Array): number => {
  let largest = Number.NEGATIVE_INFINITY;
  for (const sum of sums) if (sum > largest) largest = sum;
  let total = 0;
  for (let k = 0; k < sums.length; k++) {
    sums[k] = Math.exp(sums[k]! - largest);
    total += sums[k]!;
  }
  for (let k = 0; k < sums.length; k++) sums[k] = sums[k]! / total;
  return largest + Math.log(total);
};
