/**
 * Generalised linear models with an elastic net penalty, in process: linear, logistic, multinomial and
 * Poisson regression.
 *
 * Minimises Σ weight · loss + l1·‖w‖₁ + ½·l2·‖w‖² over the coefficients w of standardised features and free
 * intercepts. The loss is ½(y − f)² for link `identity`, the log loss for `logit` and `softmax`, and
 * exp(f) − y·f for `log`. With n the total weight that is scikit-learn's `ElasticNet` with
 * alpha = (l1 + l2)/n and l1_ratio = l1/(l1 + l2), its `LogisticRegression` with C = 1/(l1 + l2) and the
 * same ratio, and its `PoissonRegressor` with alpha = l2/n, each after a SimpleImputer (mean) and a
 * StandardScaler.
 *
 * Solved by Newton's method with step halving (iteratively reweighted least squares: Hastie, Tibshirani &
 * Friedman 2009, "The Elements of Statistical Learning", section 4.4.1); under an l1, each Newton step by
 * coordinate descent, as glmnet does (Friedman, Hastie & Tibshirani 2010). One step costs rows ×
 * parameters² / 2 multiplications. Where that is too much, no Hessian is made: without an l1 steps come from
 * conjugate gradients, with one only the coefficients that are not 0 are looked at together. A column that is
 * mostly 0, such as one of a category, then costs as much as it has other values.
 *
 * All on the calling thread, in short pieces between which other fibres run: the same bits every time.
 */
import type { Estimator } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { Link } from "./internal/linear/links.ts";
import { newton } from "./internal/linear/newton.ts";
import { newtonCg } from "./internal/linear/newtonCg.ts";
import { newtonPass, type PassRows } from "./internal/linear/newtonPass.ts";
import {
  centreClasses,
  diverged,
  type LinearProblem,
  mostDense,
} from "./internal/linear/problem.ts";
import { type Scaling, standardise } from "./internal/linear/standardise.ts";
import { workingSet } from "./internal/linear/workingSet.ts";
import {
  checkOptions,
  checkTrainingData,
  failOn,
  type LabelKind,
  type LabelledColumns,
  type TrainingData,
  type TrainingError,
  type TrainingProblem,
  trainingError,
} from "./internal/trainingData.ts";

/** How strong the penalty is, and when to stop. */
export interface LinearOptions {
  /**
   * Strength of the penalty on the absolute values of standardised coefficients, which makes those that
   * tell little exactly 0. Default 0.
   */
  readonly l1?: number;
  /** Strength of the penalty on their squares. Default 1. */
  readonly l2?: number;
  /** Newton steps at most. Default 100; ten are usual. */
  readonly maxIterations?: number;
  /**
   * Stop when no gradient entry, divided by the total weight and by the spread of a number or the mean of
   * a count, is larger. Default 1e-8.
   */
  readonly tolerance?: number;
}

/** What kind of model is fitted. */
export interface LinearModelOptions extends LinearOptions {
  /**
   * `logit`: the probability of label 1. `identity`: a number. `log`: a count or another amount of at least
   * 0 (Poisson). `softmax`: the probabilities of the classes 0, 1 … that the labels count. Default `logit`.
   */
  readonly link?: Link;
  /**
   * For `log`: the feature by which the expected count grows in proportion, such as days insured. It gets no
   * coefficient; the mean is exposure × exp(sum).
   */
  readonly exposure?: string;
}

/** A fitted model and how it came about. */
export interface LinearResult {
  readonly estimator: Estimator.LinearModel;
  /** Newton steps taken. */
  readonly iterations: number;
  /**
   * On the training rows, by weight and without the penalty: mean log loss in nats (`logit`, `softmax`), mean
   * squared error (`identity`) or mean Poisson deviance (`log`).
   */
  readonly trainLoss: number;
  /** The same on the validation rows, if there are any. They are not used to fit. */
  readonly validationLoss: number | undefined;
  /** Features that have the same value in all training rows, or none. */
  readonly unvarying: ReadonlyArray<string>;
}

/** Newton's method on the whole Hessian up to so much work a step: some seconds. */
const mostDenseWork = 1e10;

/**
 * Fits a generalised linear model. Missing values count as the feature's mean; a feature that is constant or
 * always missing gets the coefficient 0. Means and standard deviations (of the population, not of the
 * sample) are weighted: a row of weight 2 is the same as two rows.
 *
 * Fails with {@link TrainingError} for faulty data (all faults are listed) or options, for more than 2,000
 * coefficients that an l1 leaves above 0, or if no finite optimum is reached, which needs no penalty and classes
 * that the features separate, or features that are copies of one another.
 *
 * @example
 * ```ts
 * import { Linear } from "@ml-pipe/train";
 *
 * const fit = Linear.fitLinear(
 *   {
 *     featureNames: ["age"],
 *     columns: [Float64Array.of(31, 54, 27, 60)],
 *     labels: Uint8Array.of(0, 1, 0, 1),
 *   },
 *   { link: "logit", l1: 0.1, l2: 0.5 },
 * );
 * ```
 */
export const fitLinear: (
  data: TrainingData,
  options?: LinearModelOptions,
) => Effect.Effect<LinearResult, TrainingError> = Effect.fn("fitLinear")(function* (
  data,
  options = {},
) {
  const { l1 = 0, l2 = 1, maxIterations = 100, tolerance = 1e-8 } = options;
  const { link = "logit", exposure } = options;
  yield* checkOptions([
    { name: "l1", value: l1, min: 0 },
    { name: "l2", value: l2, min: 0 },
    { name: "maxIterations", value: maxIterations, min: 1, integer: true },
    { name: "tolerance", value: tolerance, min: 0, above: true },
  ]);
  yield* checkTrainingData(data, labelKinds[link]);
  const { featureNames } = data;
  const exposedBy = exposure === undefined ? -1 : featureNames.indexOf(exposure);
  if (exposure !== undefined) yield* checkExposure(data, link, exposure, exposedBy);
  const outputs = link === "softmax" ? classesIn(data) : 1;
  const size = featureNames.length + 1;

  const scaling = yield* standardise(data.columns, data.weights);
  const unvarying = featureNames.filter((_, j) => scaling.varies[j] === 0);
  // The exposure has its place in the sum already.
  if (exposedBy >= 0) scaling.varies[exposedBy] = 0;
  const { total, mean, spread } = moments(data);
  // A number's distance from the mean: sums then do not lose their digits to a large mean.
  const centre = link === "identity" ? mean : 0;
  const rows: PassRows = {
    columns: data.columns,
    labels: centre === 0 ? data.labels : Float64Array.from(data.labels, (y) => y - centre),
    weights: data.weights,
    offset: offsetOf(data, exposedBy),
  };
  const reported = (of: PassRows, parameters: Float64Array) =>
    newtonPass(of, { link, outputs, scaling, parameters }, "reported");
  const start = new Float64Array(size * outputs);
  if (link === "log") start[size - 1] = startingIntercept(rows);
  const problem: LinearProblem = {
    rows,
    link,
    outputs,
    scaling,
    l1,
    l2,
    maxIterations,
    stopAt:
      tolerance * total * (link === "identity" ? spread : link === "log" ? Math.min(mean, 1) : 1),
    start,
  };
  const dense =
    start.length <= mostDense && data.labels.length * start.length ** 2 <= mostDenseWork;
  const solve = dense ? newton : l1 === 0 ? newtonCg : workingSet;
  const { parameters, iterations } = yield* solve(problem);

  // Intercepts are free of the penalty, which otherwise says which of equal parameters are meant.
  if (outputs > 1) centreClasses(parameters, outputs, size - 1);

  const loss = (yield* reported(rows, parameters)).loss;
  const free = l1 === 0 && l2 === 0 && (link === "logit" || link === "softmax");
  if (free && loss < 0.99 * Math.LN2 * smallestWeight(data)) return yield* diverged(iterations);
  const trainLoss = loss / total;
  if (centre !== 0) parameters[size - 1] = parameters[size - 1]! + centre;
  const { validation } = data;
  const validationLoss =
    validation === undefined
      ? undefined
      : (yield* reported({ ...validation, offset: offsetOf(validation, exposedBy) }, parameters))
          .loss / moments(validation).total;
  const estimator = estimatorOf(link, featureNames, parameters, scaling, exposure);
  return { estimator, iterations, trainLoss, validationLoss, unvarying };
});

const labelKinds = {
  identity: "number",
  logit: "binary",
  log: "count",
  softmax: "class",
} as const satisfies { readonly [K in Link]: LabelKind };

/** How many classes the labels of rows that weigh something count. */
const classesIn = ({ labels, weights }: TrainingData): number => {
  let largest = 0;
  for (let i = 0; i < labels.length; i++) {
    if (weights?.[i] !== 0 && labels[i]! > largest) largest = labels[i]!;
  }
  return largest + 1;
};

/** Total weight, and the weighted mean and standard deviation of the labels. */
const moments = ({ labels, weights }: LabelledColumns) => {
  let total = 0;
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    const w = weights === undefined ? 1 : weights[i]!;
    total += w;
    sum += w * labels[i]!;
  }
  const mean = sum / total;
  let squares = 0;
  for (let i = 0; i < labels.length; i++) {
    squares += (weights === undefined ? 1 : weights[i]!) * (labels[i]! - mean) ** 2;
  }
  return { total, mean, spread: Math.sqrt(squares / total) };
};

/**
 * Where no plane separates the classes, each leaves a row on its wrong side, which loses ln 2 or more. So a smaller
 * sum of losses says that the optimum is not finite, however small the gradient became on the way there.
 */
const smallestWeight = ({ weights }: LabelledColumns): number => {
  let smallest = weights === undefined ? 1 : Number.POSITIVE_INFINITY;
  for (const w of weights ?? []) if (w > 0 && w < smallest) smallest = w;
  return smallest;
};

const offsetOf = ({ columns }: LabelledColumns, exposedBy: number): Float64Array | undefined => {
  const exposure = columns[exposedBy];
  return exposure === undefined ? undefined : Float64Array.from(exposure, Math.log);
};

/** The logarithm of the rate at which counts come in all rows together. */
const startingIntercept = ({ labels, weights, offset }: PassRows): number => {
  let counts = 0;
  let exposed = 0;
  for (let i = 0; i < labels.length; i++) {
    const w = weights === undefined ? 1 : weights[i]!;
    counts += w * labels[i]!;
    exposed += w * (offset === undefined ? 1 : Math.exp(offset[i]!));
  }
  return Math.log(counts / exposed);
};

const checkExposure = (
  data: TrainingData,
  link: Link,
  exposure: string,
  index: number,
): Effect.Effect<void, TrainingError> => {
  const option = (what: string, next: string) =>
    Effect.fail(trainingError("options", [{ what, where: "option exposure", next }]));
  if (link !== "log")
    return option(`an exposure with link "${link}"`, 'Use link "log" for counts.');
  if (index < 0) return option(`"${exposure}" is no feature`, "Name one of the features.");
  const problems: Array<TrainingProblem> = [];
  for (const [part, { columns }] of [
    ["training", data],
    ...(data.validation === undefined ? [] : [["validation", data.validation] as const]),
  ] as const) {
    const row = (columns[index] ?? new Float64Array()).findIndex((x) => !(x > 0));
    if (row < 0) continue;
    problems.push({
      what: `the exposure is ${columns[index]?.[row]}`,
      where: `${part} feature "${exposure}", row ${row}`,
      next: "Drop or quarantine rows that were exposed to nothing, or for a time that is not known.",
    });
  }
  return failOn("data", problems);
};

const estimatorOf = (
  link: Link,
  features: ReadonlyArray<string>,
  parameters: Float64Array,
  { mean, sd }: Scaling,
  exposure: string | undefined,
): Estimator.LinearModel => {
  const size = features.length + 1;
  const outputs = Array.from({ length: parameters.length / size }, (_, k) =>
    parameters.subarray(k * size, (k + 1) * size),
  );
  return {
    _tag: "LinearModel",
    version: 1,
    link,
    features,
    intercepts: outputs.map((own) => own[size - 1]!),
    coefficients: outputs.map((own) => [...own.subarray(0, size - 1)]),
    mean: [...mean],
    sd: [...sd],
    imputation: [...mean],
    ...(exposure === undefined ? {} : { exposure }),
  };
};
