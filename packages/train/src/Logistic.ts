/**
 * L2-regularised logistic regression, in process.
 *
 * Minimises ½·l2·‖w‖² + Σ weight · log loss over the coefficients w of standardised features and a free
 * intercept: scikit-learn's LogisticRegression with C = 1/l2 after a SimpleImputer (mean) and a
 * StandardScaler. Solved by Newton's method (iteratively reweighted least squares: Hastie, Tibshirani &
 * Friedman 2009, "The Elements of Statistical Learning", section 4.4.1) with step halving.
 *
 * One iteration costs rows × features² / 2 multiplications and runs on the calling thread in short
 * pieces, between which other fibres run: made for up to some hundred features.
 */
import type { Estimator } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type NewtonSums, newtonPass, standardise } from "./internal/logisticPass.ts";
import { solvePositiveDefinite } from "./internal/cholesky.ts";
import {
  checkOptions,
  checkTrainingData,
  type TrainingData,
  type TrainingError,
  trainingError,
} from "./internal/trainingData.ts";

/** How to fit. */
export interface LogisticOptions {
  /** Strength of the penalty on standardised coefficients, 1/C in scikit-learn. Default 1. */
  readonly l2?: number;
  /** Newton steps at most. Default 100; ten are usual. */
  readonly maxIterations?: number;
  /** Stop when no gradient entry, divided by the total weight, is larger. Default 1e-8. */
  readonly tolerance?: number;
}

/** A fitted model and how it came about. */
export interface LogisticResult {
  readonly estimator: Estimator.LinearModel;
  /** Newton steps taken. */
  readonly iterations: number;
  /** Mean log loss in nats on the training rows, without the penalty. */
  readonly trainLoss: number;
  /** The same on the validation rows, if there are any. They are not used to fit. */
  readonly validationLoss: number | undefined;
}

/**
 * Fits a logistic regression. Missing values count as the feature's mean; a feature that is constant or
 * always missing gets the coefficient 0. Means and standard deviations (of the population, not of the
 * sample) ignore row weights.
 *
 * Fails with {@link TrainingError} for faulty data (all faults are listed) or options, or if no finite
 * optimum is reached, which needs `l2: 0` and classes that the features separate.
 *
 * @example
 * ```ts
 * import { Logistic } from "@ml-pipe/train";
 *
 * const fit = Logistic.fitLogistic({
 *   featureNames: ["age"],
 *   columns: [Float64Array.of(31, 54, 27, 60)],
 *   labels: Uint8Array.of(0, 1, 0, 1),
 * });
 * ```
 */
export const fitLogistic: (
  data: TrainingData,
  options?: LogisticOptions,
) => Effect.Effect<LogisticResult, TrainingError> = Effect.fn("fitLogistic")(function* (
  data,
  options = {},
) {
  const { l2 = 1, maxIterations = 100, tolerance = 1e-8 } = options;
  yield* checkOptions([
    { name: "l2", value: l2, min: 0 },
    { name: "maxIterations", value: maxIterations, min: 1, integer: true },
    { name: "tolerance", value: tolerance, min: 0, above: true },
  ]);
  yield* checkTrainingData(data, "binary");

  const features = data.featureNames.length;
  const scaling = yield* standardise(data.columns);
  let total = data.labels.length;
  if (data.weights !== undefined) {
    total = 0;
    for (const weight of data.weights) total += weight;
  }
  const pass = (parameters: Float64Array, order: "loss" | "all") =>
    newtonPass(data, data.weights, scaling, parameters, order);
  const objective = (sums: NewtonSums, parameters: Float64Array): number =>
    sums.loss + (l2 / 2) * squares(parameters, features);

  // Parameters: one coefficient per feature, then the intercept.
  let parameters = new Float64Array(features + 1);
  let sums = yield* pass(parameters, "all");
  let iterations = 0;
  for (;;) {
    const { gradient, hessian } = sums;
    for (let j = 0; j < features; j++) {
      gradient[j] = gradient[j]! + l2 * parameters[j]!;
      // A feature that never varies has no curvature of its own: keep its coefficient at 0.
      const diagonal = j * (features + 1) + j;
      hessian[diagonal] = scaling.varies[j] === 1 ? hessian[diagonal]! + l2 : 1;
    }
    if (gradient.every((g) => Math.abs(g) <= tolerance * total)) break;
    if (iterations === maxIterations) return yield* diverged(iterations);
    const step = solvePositiveDefinite(hessian, gradient);
    if (step === null) return yield* diverged(iterations);

    const before = objective(sums, parameters);
    let candidate = parameters;
    let after = Number.POSITIVE_INFINITY;
    // Differences below rounding count as progress, so that the last step is not refused.
    for (let size = 1; !(after <= before + 1e-12 * Math.abs(before)); size /= 2) {
      if (size < 1e-6) return yield* diverged(iterations);
      candidate = parameters.map((value, j) => value - size * step[j]!);
      after = objective(yield* pass(candidate, "loss"), candidate);
    }
    parameters = candidate;
    sums = yield* pass(parameters, "all");
    iterations++;
  }

  const { validation } = data;
  const validationLoss =
    validation === undefined
      ? undefined
      : (yield* newtonPass(validation, undefined, scaling, parameters, "loss")).loss /
        validation.labels.length;
  const estimator: Estimator.LinearModel = {
    _tag: "LinearModel",
    version: 1,
    link: "logit",
    features: data.featureNames,
    intercept: parameters[features]!,
    coefficients: [...parameters.subarray(0, features)],
    mean: [...scaling.mean],
    sd: [...scaling.sd],
    imputation: [...scaling.mean],
  };
  return { estimator, iterations, trainLoss: sums.loss / total, validationLoss };
});

const squares = (parameters: Float64Array, features: number): number => {
  let sum = 0;
  for (let j = 0; j < features; j++) sum += parameters[j]! ** 2;
  return sum;
};

const diverged = (iterations: number): TrainingError =>
  trainingError("numeric", [
    {
      what: `no finite optimum after ${iterations} Newton steps`,
      where: "logistic regression",
      next: "Use an l2 above 0 (classes that the features separate need it), or drop features that are copies of one another.",
    },
  ]);
