/**
 * Gradient-boosted decision trees on histograms, in process.
 *
 * Method: gradient boosting (Friedman 2001, "Greedy function approximation: a gradient boosting
 * machine") with second-order leaf values and gains (Chen & Guestrin 2016, "XGBoost", equations 5 to
 * 7), binned features, leaf-wise growth and histogram subtraction (Ke et al. 2017, "LightGBM"), and a
 * learned direction for missing values (Chen & Guestrin 2016, section 3.4).
 *
 * The model is a function of data and options alone: bit for bit the same for any number of threads.
 * Threads are Node workers; the calling thread only waits, so progress can be drawn, and interrupting
 * the effect ends them.
 */
import * as os from "node:os";
import type { Estimator } from "@ml-pipe/data";
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import { findCodes } from "./internal/categories.ts";
import { maximumRows } from "./internal/fixedPoint.ts";
import { type Addresses, fitsMemory, placeBuffers } from "./internal/layout.ts";
import { checkSettings, settingsFrom } from "./internal/settings.ts";
import { prepareShared, toEstimator } from "./internal/shared.ts";
import {
  checkTrainingData,
  failOn,
  type LabelKind,
  type TrainingData,
  type TrainingError,
  trainingError,
} from "./internal/trainingData.ts";
import { runThreads } from "./internal/trainingThreads.ts";

export {
  type LabelledColumns,
  type TrainingData,
  TrainingError,
  TrainingProblem,
} from "./internal/trainingData.ts";

/**
 * What makes the model, besides the data. Defaults are those of scikit-learn 1.9's HistGradientBoostingClassifier and
 * -Regressor, except that stopping early needs validation rows given by the caller; for ranking those of
 * LightGBM 4.
 */
export interface BoostedTreesSettings {
  /**
   * What is minimised, by what labels are:
   * - `logistic` (default): two classes, 0 and 1; scores are probabilities.
   * - `softmax`: classes 0, 1, 2 …; scores are one probability per class; a round grows a tree for each.
   * - `squaredError`, `absoluteError`: a number; scores are its mean, its median.
   * - `quantile`: a number; scores are its quantile `quantile`.
   * - `poisson`: counts or rates of at least 0; scores are means, never negative.
   * - `lambdaRank`: relevances 0, 1, 2 … within `queries`; scores order the rows of a query.
   */
  readonly objective?: Estimator.TreeObjective;
  /** For the objective `quantile`: between 0 and 1. Default 0.5. */
  readonly quantile?: number;
  /**
   * For the objective `lambdaRank`: the first so many rows of a query count, in training and in the NDCG
   * of the learning curve. Default 30.
   */
  readonly ndcgDepth?: number;
  /**
   * Features whose numbers are codes without an order: split by which codes go left, at most 254 each.
   * A code that no training row has counts as missing.
   */
  readonly categorical?: ReadonlyArray<string>;
  /**
   * Features that the score may only rise or fall with, all else being equal. Holds exactly, for every
   * row; says nothing of missing values. Not for `softmax`.
   */
  readonly monotone?: { readonly [feature: string]: "increasing" | "decreasing" };
  /** Factor on every leaf value ("shrinkage"). Default 0.1. */
  readonly learningRate?: number;
  /** Rounds, each a tree (for `softmax` one per class). Default 100. */
  readonly maxTrees?: number;
  /** Leaves per tree. Default 31. */
  readonly maxLeaves?: number;
  /** Splits from root to leaf. Default unlimited. */
  readonly maxDepth?: number;
  /**
   * Rows a leaf needs. Default 20. They are counted, where LightGBM estimates them from hessians: of rankings,
   * whose hessians differ much, it gives other trees; with `minHessianLeaf` instead, the same.
   */
  readonly minSamplesLeaf?: number;
  /** Sum of hessians a leaf needs. Default 0.001. */
  readonly minHessianLeaf?: number;
  /** A split must gain more than this. Default 0. */
  readonly minGain?: number;
  /** λ, added to the hessian in leaf values and gains. Default 0. */
  readonly l2?: number;
  /** Bins per feature, missing not counted; 2 to 255. Default 255. */
  readonly maxBins?: number;
  /** Rows from which bin boundaries are computed, if there are more. Default 200,000. */
  readonly binningSample?: number;
  /** Decides which rows those are; nothing else is random. Default 0. */
  readonly seed?: number;
  /**
   * With validation rows: stop after `rounds` rounds that did not lower the best validation loss by
   * more than `tolerance`, and keep the trees up to the best. `false` grows all trees and keeps them.
   * Default `{ rounds: 10, tolerance: 1e-7 }`.
   */
  readonly earlyStopping?: false | { readonly rounds?: number; readonly tolerance?: number };
}

/** How to boost. */
export interface BoostedTreesOptions extends BoostedTreesSettings {
  /**
   * Stop after the round at work when this time is over, and keep the best model so far. The model then
   * depends on the machine: `stopped` says so. Default none.
   */
  readonly timeBudget?: Duration.Input;
  /** Likewise when this effect ends, such as one that waits for a person. It is run once. */
  readonly stop?: Effect.Effect<unknown>;
  /** Training threads. Default: the cores of this machine, fewer for small data. Never changes the model. */
  readonly threads?: number;
  /** Called on the calling thread after every round, and once before the first with `tree: 0`. */
  readonly onProgress?: (progress: BoostingProgress) => void;
}

/** One point of the learning curve. */
export interface LearningPoint {
  /** Rounds so far; 0 is the constant model. */
  readonly tree: number;
  /**
   * Weighted mean loss: log loss in nats, squared or absolute error, pinball loss, Poisson deviance, or
   * 1 − NDCG.
   */
  readonly trainLoss: number;
  /** `undefined` without validation rows. */
  readonly validationLoss: number | undefined;
}

/** A learning-curve point while training, and how many rounds there will be at most. */
export interface BoostingProgress extends LearningPoint {
  readonly trees: number;
}

/**
 * Why training ended: all rounds done, no split gains anything, no better on the validation rows, out of time, or
 * asked to.
 */
export type Stopped = "maxTrees" | "noGain" | "earlyStopping" | "timeBudget" | "asked";

/** A trained model and how it came about. */
export interface BoostedTreesResult {
  /** The trees of the first `bestTree` rounds. */
  readonly estimator: Estimator.TreeEnsemble;
  /** One point per round, including those after the best. */
  readonly history: ReadonlyArray<LearningPoint>;
  /** How many rounds the estimator has. */
  readonly bestTree: number;
  /** How many there could have been. */
  readonly maxTrees: number;
  readonly stopped: Stopped;
}

const labelKinds: { readonly [O in Estimator.TreeObjective]: LabelKind } = {
  logistic: "binary",
  softmax: "class",
  squaredError: "number",
  absoluteError: "number",
  quantile: "number",
  poisson: "count",
  lambdaRank: "relevance",
};

/** Below this many values a second thread costs more than it brings. */
const valuesPerThread = 200_000;

const threadsFor = (rows: number, features: number): number =>
  Math.max(1, Math.min(os.availableParallelism(), Math.floor((rows * features) / valuesPerThread)));

const tooLarge = (rows: number, addresses: Addresses): TrainingError =>
  trainingError("size", [
    {
      what: `${rows} rows need ${Math.round(addresses.end / 2 ** 20)} MiB of shared memory or more than ${maximumRows} rows`,
      where: "training data",
      next: "Train on a sample, with fewer features or leaves, or in a Python stage.",
    },
  ]);

/** Steps that are too large make the loss grow without bound; then it is no measure of anything. */
const diverged = (history: ReadonlyArray<LearningPoint>): Effect.Effect<void, TrainingError> => {
  const atFirst = history[0]?.trainLoss ?? 0;
  const point = history.find(
    ({ trainLoss: loss }) => !Number.isFinite(loss) || (atFirst > 0 && loss > 10 * atFirst),
  );
  if (point === undefined) return Effect.void;
  const { tree, trainLoss } = point;
  const large = "give the label in a larger unit, so that its numbers are smaller";
  const found =
    tree === 0
      ? {
          what: `the loss is ${trainLoss} before the first tree`,
          next: `The label's numbers are too large: ${large}.`,
        }
      : {
          what: `the loss has grown from ${atFirst} to ${trainLoss} after ${tree} trees`,
          next: `Lower learningRate, or ${large}.`,
        };
  return Effect.fail(trainingError("numeric", [{ ...found, where: "training" }]));
};

/** The rows to train on; `null` for all. */
const rowsWithWeight = (weights: TrainingData["weights"]): Int32Array | null =>
  weights === undefined || weights.every((w) => w !== 0)
    ? null
    : Int32Array.from(weights.keys()).filter((i) => weights[i] !== 0);

/**
 * Trains boosted trees.
 *
 * Features are columns of numbers with `NaN` for missing; infinite values are an error, and a feature
 * that is constant or always missing is allowed and never split on. Memory: about 52 bytes per row, 16 more
 * for each class after the first, plus one byte per value, and two 8-byte columns per thread while binning.
 *
 * Fails with {@link TrainingError}: faulty data or options (all faults are listed), more data than can
 * be addressed, a loss that grows without bound, or a training thread that failed. An exception in `onProgress` is a defect.
 *
 * @example
 * ```ts
 * import { BoostedTrees } from "@ml-pipe/train";
 *
 * const fit = BoostedTrees.fitBoostedTrees(
 *   {
 *     featureNames: ["age"],
 *     columns: [Float64Array.of(31, 54, 27, 60)],
 *     labels: Uint8Array.of(0, 1, 0, 1),
 *     validation: { columns: [Float64Array.of(29, 58)], labels: Uint8Array.of(0, 1) },
 *   },
 *   { maxTrees: 200, minSamplesLeaf: 1 },
 * );
 * ```
 */
export const fitBoostedTrees: (
  data: TrainingData,
  options?: BoostedTreesOptions,
) => Effect.Effect<BoostedTreesResult, TrainingError> = Effect.fn("fitBoostedTrees")(function* (
  data,
  options = {},
) {
  const { featureNames } = data;
  const settings = settingsFrom(options, featureNames, data.validation !== undefined);
  const threads = options.threads ?? threadsFor(data.labels.length, featureNames.length);
  yield* checkSettings(settings, options, featureNames, threads);
  yield* checkTrainingData(data, labelKinds[settings.objective]);
  const keep = rowsWithWeight(data.weights);
  const { codes, problems } = findCodes(featureNames, data.columns, settings.categorical, keep);
  yield* failOn("data", problems);
  const rows = keep?.length ?? data.labels.length;
  const addresses = placeBuffers(rows, threads, settings);
  if (rows > maximumRows || !fitsMemory(addresses)) return yield* tooLarge(rows, addresses);

  const shared = prepareShared(data, keep, settings, threads, addresses);
  const { onProgress } = options;
  let outOfTime = false;
  const timeIsOver = Effect.sync(() => {
    outOfTime = true;
  });
  const stop = Effect.raceFirst(
    options.stop ?? Effect.never,
    options.timeBudget === undefined
      ? Effect.never
      : Effect.andThen(Effect.sleep(options.timeBudget), timeIsOver),
  );
  const { done, thresholds } = yield* runThreads(shared, { ...data, keep, codes }, stop, (point) =>
    onProgress?.({ ...point, trees: settings.maxTrees }),
  );
  const { trees, history, bestTree, stopped } = done;
  yield* diverged(history);
  return {
    estimator: toEstimator(featureNames, shared, trees, thresholds, codes),
    history,
    bestTree,
    maxTrees: settings.maxTrees,
    stopped: stopped === "asked" && outOfTime ? "timeBudget" : stopped,
  };
});
