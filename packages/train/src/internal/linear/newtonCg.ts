/**
 * Newton's method without a Hessian: each step by conjugate gradients, which need only its products with vectors,
 * and end as soon as the step is good enough for how far the minimum is (Nocedal & Wright 2006, "Numerical
 * Optimization", algorithm 7.1). Preconditioned by the Hessian's diagonal. For problems without an l1.
 */
import * as Effect from "effect/Effect";
import type { TrainingError } from "../trainingData.ts";
import { type ByOutput, derivativesAt, perOutput } from "./derivatives.ts";
import { designOf } from "./design.ts";
import {
  centreClasses,
  diverged,
  isNoWorse,
  type LinearProblem,
  type LinearSolution,
  penaltyOf,
  smallestShare,
} from "./problem.ts";

/** Far more than are needed unless features are nearly copies; Newton's method goes on from there. */
const maxProducts = 2_000;

/** Solves for any number of parameters. */
export const newtonCg: (problem: LinearProblem) => Effect.Effect<LinearSolution, TrainingError> =
  Effect.fnUntraced(function* (problem) {
    const { rows, outputs, scaling, l2, stopAt, maxIterations } = problem;
    const design = yield* designOf(rows.columns, rows.labels.length, scaling);
    const size = problem.start.length / outputs;
    let parameters = problem.start;
    let sums = yield* perOutput(design, parameters, outputs);
    let iterations = 0;
    for (;;) {
      const at = derivativesAt(problem, sums);
      const gradient = joined(yield* Effect.forEach(at.residuals, design.transposed));
      addPenalty(gradient, parameters, l2, size);
      if (gradient.every((g) => Math.abs(g) <= stopAt)) return { parameters, iterations };
      if (iterations === maxIterations) return yield* diverged(iterations);

      const diagonal = joined(yield* Effect.forEach(at.curvature, design.squares));
      addPenalty(diagonal, new Float64Array(diagonal.length).fill(1), l2, size);
      const times = Effect.fnUntraced(function* (direction: Float64Array) {
        const change = yield* perOutput(design, direction, outputs);
        const product = joined(yield* Effect.forEach(at.bent(change), design.transposed));
        addPenalty(product, direction, l2, size);
        return product;
      });
      const step = yield* conjugateGradients(times, diagonal, gradient);
      if (outputs > 1) centreClasses(step, outputs, 0);

      const before = at.loss + penaltyOf(parameters, problem);
      const change = yield* perOutput(design, step, outputs);
      const moved = (share: number) => ({
        parameters: parameters.map((value, j) => value + share * step[j]!),
        sums: sums.map((own, k) => own.map((value, i) => value + share * change[k]![i]!)),
      });
      let share = 1;
      let next = moved(share);
      while (
        !isNoWorse(
          derivativesAt(problem, next.sums).loss + penaltyOf(next.parameters, problem),
          before,
        )
      ) {
        share /= 2;
        if (share < smallestShare) return yield* diverged(iterations);
        next = moved(share);
      }
      ({ parameters, sums } = next);
      iterations++;
    }
  });

const joined = (parts: ByOutput): Float64Array => {
  const [first = new Float64Array()] = parts;
  const all = new Float64Array(first.length * parts.length);
  for (const [k, part] of parts.entries()) all.set(part, k * first.length);
  return all;
};

/** Adds l2 times the coefficients; intercepts are free. */
const addPenalty = (
  sums: Float64Array,
  parameters: Float64Array,
  l2: number,
  size: number,
): void => {
  for (let j = 0; j < sums.length; j++) {
    if (j % size !== size - 1) sums[j] = sums[j]! + l2 * parameters[j]!;
  }
};

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
};

/** A step d with `Hessian · d` near `−gradient`: the nearer, the smaller the gradient is. */
const conjugateGradients = Effect.fnUntraced(function* (
  times: (direction: Float64Array) => Effect.Effect<Float64Array>,
  diagonal: Float64Array,
  gradient: Float64Array,
) {
  const preconditioned = (of: Float64Array) =>
    of.map((value, j) => (diagonal[j]! > 0 ? value / diagonal[j]! : 0));
  const step = new Float64Array(gradient.length);
  const left = gradient.map((g) => -g);
  let direction = preconditioned(left);
  let now = dot(left, direction);
  // In the units of the preconditioned residual, which is what is made smaller.
  const enough = now * Math.min(0.25, Math.sqrt(now)) ** 2;
  for (let product = 0; product < maxProducts && now > enough; product++) {
    const bent = yield* times(direction);
    const curvature = dot(direction, bent);
    if (!(curvature > 0)) break;
    const share = now / curvature;
    for (let j = 0; j < step.length; j++) {
      step[j] = step[j]! + share * direction[j]!;
      left[j] = left[j]! - share * bent[j]!;
    }
    const next = preconditioned(left);
    const after = dot(left, next);
    const kept = after / now;
    now = after;
    direction = next.map((value, j) => value + kept * direction[j]!);
    yield* Effect.yieldNow;
  }
  return step;
});
