/** Newton's method on the whole Hessian: see `Linear.ts`. */
import * as Effect from "effect/Effect";
import type { TrainingError } from "../trainingData.ts";
import { solvePositiveDefinite } from "./cholesky.ts";
import { penalisedStep } from "./coordinateDescent.ts";
import { type NewtonSums, newtonPass } from "./newtonPass.ts";
import {
  diverged,
  isNoWorse,
  type LinearProblem,
  type LinearSolution,
  penaltyOf,
  smallestShare,
} from "./problem.ts";

/** Solves for up to some hundred parameters. */
export const newton: (problem: LinearProblem) => Effect.Effect<LinearSolution, TrainingError> =
  Effect.fnUntraced(function* (problem) {
    const { rows, link, outputs, scaling, l1, stopAt, maxIterations } = problem;
    const size = problem.start.length / outputs;
    const limits = problem.start.map((_, j) => (j % size === size - 1 ? 0 : l1));
    const pass = (parameters: Float64Array, order: "loss" | "all") =>
      newtonPass(rows, { link, outputs, scaling, parameters }, order);
    let parameters = problem.start;
    let sums = yield* pass(parameters, "all");
    let iterations = 0;
    for (;;) {
      penalise(sums, parameters, problem);
      if (isOptimal(sums.gradient, parameters, limits, stopAt)) return { parameters, iterations };
      if (iterations === maxIterations) return yield* diverged(iterations);
      const step =
        l1 === 0
          ? solvePositiveDefinite(
              sums.hessian,
              sums.gradient.map((g) => -g),
            )
          : yield* penalisedStep({
              ...sums,
              from: parameters,
              penalty: limits,
              tolerance: stopAt / 10,
            });
      if (step === null) return yield* diverged(iterations);

      const before = sums.loss + penaltyOf(parameters, problem);
      let candidate = parameters;
      let after = Number.POSITIVE_INFINITY;
      for (let share = 1; !isNoWorse(after, before); share /= 2) {
        if (share < smallestShare) return yield* diverged(iterations);
        candidate = parameters.map((value, j) => value + share * step[j]!);
        after = (yield* pass(candidate, "loss")).loss + penaltyOf(candidate, problem);
      }
      parameters = candidate;
      sums = yield* pass(parameters, "all");
      iterations++;
    }
  });

/** Adds the smooth part of the penalty to gradient and Hessian, and curvature where there is none. */
const penalise = (
  { gradient, hessian }: NewtonSums,
  parameters: Float64Array,
  { l1, l2, outputs, scaling: { varies } }: LinearProblem,
): void => {
  const total = parameters.length;
  const size = total / outputs;
  for (let j = 0; j < total; j++) {
    const feature = j % size;
    if (feature === size - 1) continue;
    gradient[j] = gradient[j]! + l2 * parameters[j]!;
    // A feature that never varies has no curvature of its own: keep its coefficient at 0.
    const diagonal = j * total + j;
    hessian[diagonal] = varies[feature] === 1 ? hessian[diagonal]! + l2 : 1;
  }
  if (outputs === 1) return;
  // What is added to all classes alike changes no probability: curvature in that direction keeps it as it is.
  for (let j = 0; j < size; j++) {
    if (j < size - 1 && (l1 > 0 || l2 > 0)) continue;
    const curvature = hessian[j * total + j]!;
    for (let k = 0; k < outputs; k++) {
      for (let l = 0; l <= k; l++) {
        const at = (k * size + j) * total + l * size + j;
        hessian[at] = hessian[at]! + curvature;
      }
    }
  }
};

/** Whether 0 is among the subgradients, to within the tolerance. */
const isOptimal = (
  gradient: Float64Array,
  parameters: Float64Array,
  limits: Float64Array,
  tolerance: number,
): boolean =>
  gradient.every((g, j) => {
    const w = parameters[j]!;
    const limit = limits[j]!;
    const off = w === 0 ? Math.abs(g) - limit : Math.abs(g + Math.sign(w) * limit);
    return off <= tolerance;
  });
