/** What the solvers of linear models are given, and what they give. */
import { type TrainingError, trainingError } from "../trainingData.ts";
import type { Link } from "./links.ts";
import type { PassRows } from "./newtonPass.ts";
import type { Scaling } from "./standardise.ts";

/** Minimise the loss of the rows plus the penalty; see `Linear.ts`. */
export interface LinearProblem {
  readonly rows: PassRows;
  readonly link: Link;
  /** Linear sums of a row: the number of classes for `softmax`, else 1. */
  readonly outputs: number;
  readonly scaling: Scaling;
  readonly l1: number;
  readonly l2: number;
  readonly maxIterations: number;
  /** No entry of the gradient may be larger in the end. */
  readonly stopAt: number;
  /** For each output its coefficients, then its intercept. */
  readonly start: Float64Array;
}

/** Where the minimum is. */
export interface LinearSolution {
  readonly parameters: Float64Array;
  /** Newton steps taken. */
  readonly iterations: number;
}

/** Beyond this many parameters a Hessian is too large to be factored. */
export const mostDense = 2_000;

/** No minimum was found. */
export const diverged = (iterations: number): TrainingError =>
  trainingError("numeric", [
    {
      what: `no finite optimum after ${iterations} Newton steps`,
      where: "linear model",
      next: "Use an l2 above 0 (classes that the features separate need it), or drop features that are copies of one another.",
    },
  ]);

/** The penalty on coefficients; intercepts are free. */
export const penaltyOf = (
  parameters: Float64Array,
  { l1, l2, outputs }: Pick<LinearProblem, "l1" | "l2" | "outputs">,
): number => {
  const size = parameters.length / outputs;
  let absolute = 0;
  let squares = 0;
  for (let j = 0; j < parameters.length; j++) {
    if (j % size === size - 1) continue;
    absolute += Math.abs(parameters[j]!);
    squares += parameters[j]! ** 2;
  }
  return l1 * absolute + (l2 / 2) * squares;
};

/** Differences below rounding count as progress, so that the last step is not refused. */
export const isNoWorse = (after: number, before: number): boolean =>
  after <= before + 1e-12 * Math.abs(before);

/** A step is halved until it helps, down to this share. */
export const smallestShare = 1e-6;

/**
 * What is added to the parameters of all classes alike changes no probability: makes them sum to 0, from one
 * feature on (the last is the intercept).
 */
export const centreClasses = (parameters: Float64Array, outputs: number, from: number): void => {
  const size = parameters.length / outputs;
  for (let j = from; j < size; j++) {
    let sum = 0;
    for (let k = 0; k < outputs; k++) sum += parameters[k * size + j]!;
    for (let at = j; at < parameters.length; at += size) {
      parameters[at] = parameters[at]! - sum / outputs;
    }
  }
};
