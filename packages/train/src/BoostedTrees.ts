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
import * as Effect from "effect/Effect";
import { maximumRows } from "./internal/fixedPoint.ts";
import { compileKernels, makeMemory } from "./internal/kernels.ts";
import {
  type Addresses,
  blocksOf,
  blockWidth,
  type BoostingSettings,
  fitsMemory,
  type GrownTree,
  makeControl,
  placeBuffers,
  type Shared,
  sharedBytes,
  sharedDoubles,
  sharedInts,
  splitWidth,
} from "./internal/layout.ts";
import { baseScoreOf } from "./internal/objective.ts";
import {
  checkOptions,
  checkTrainingData,
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
 * How to boost. Defaults are those of scikit-learn 1.9's HistGradientBoostingClassifier and
 * -Regressor, except that stopping early needs validation rows given by the caller.
 */
export interface BoostedTreesOptions {
  /** `logistic`: labels 0 and 1, scores are probabilities. Default `logistic`. */
  readonly objective?: "logistic" | "squaredError";
  /** Factor on every leaf value ("shrinkage"). Default 0.1. */
  readonly learningRate?: number;
  /** Default 100. */
  readonly maxTrees?: number;
  /** Leaves per tree. Default 31. */
  readonly maxLeaves?: number;
  /** Splits from root to leaf. Default unlimited. */
  readonly maxDepth?: number;
  /** Rows a leaf needs. Default 20. */
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
   * With validation rows: stop after `rounds` trees that did not lower the best validation loss by
   * more than `tolerance`, and keep the trees up to the best. `false` grows all trees and keeps them.
   * Default `{ rounds: 10, tolerance: 1e-7 }`.
   */
  readonly earlyStopping?: false | { readonly rounds?: number; readonly tolerance?: number };
  /** Training threads. Default: the cores of this machine, fewer for small data. Never changes the model. */
  readonly threads?: number;
  /** Called on the calling thread after every tree, and once before the first with `tree: 0`. */
  readonly onProgress?: (progress: BoostingProgress) => void;
}

/** One point of the learning curve. */
export interface LearningPoint {
  /** Trees so far; 0 is the constant model. */
  readonly tree: number;
  /** Mean log loss in nats, or mean squared error; weighted if the rows are. */
  readonly trainLoss: number;
  /** `undefined` without validation rows. */
  readonly validationLoss: number | undefined;
}

/** A learning-curve point while training, and how many trees there will be at most. */
export interface BoostingProgress extends LearningPoint {
  readonly trees: number;
}

/** A trained model and how it came about. */
export interface BoostedTreesResult {
  /** The first `bestTree` trees. */
  readonly estimator: Estimator.TreeEnsemble;
  /** One point per grown tree, including those after the best. */
  readonly history: ReadonlyArray<LearningPoint>;
  /** How many trees the estimator has. */
  readonly bestTree: number;
}

const settingsFrom = (options: BoostedTreesOptions, validation: boolean): BoostingSettings => {
  const stopping = options.earlyStopping ?? {};
  return {
    objective: options.objective ?? "logistic",
    learningRate: options.learningRate ?? 0.1,
    maxTrees: options.maxTrees ?? 100,
    maxLeaves: options.maxLeaves ?? 31,
    maxDepth: options.maxDepth ?? Number.POSITIVE_INFINITY,
    minSamplesLeaf: options.minSamplesLeaf ?? 20,
    minHessianLeaf: options.minHessianLeaf ?? 1e-3,
    minGain: options.minGain ?? 0,
    l2: options.l2 ?? 0,
    maxBins: options.maxBins ?? 255,
    binningSample: options.binningSample ?? 200_000,
    seed: options.seed ?? 0,
    patience: stopping === false || !validation ? null : (stopping.rounds ?? 10),
    tolerance: stopping === false ? 0 : (stopping.tolerance ?? 1e-7),
  };
};

const checkSettings = (settings: BoostingSettings, threads: number) =>
  checkOptions([
    { name: "learningRate", value: settings.learningRate, min: 0, above: true },
    { name: "maxTrees", value: settings.maxTrees, min: 1, max: 100_000, integer: true },
    { name: "maxLeaves", value: settings.maxLeaves, min: 2, max: 65_536, integer: true },
    { name: "maxDepth", value: settings.maxDepth, min: 1, integer: true },
    { name: "minSamplesLeaf", value: settings.minSamplesLeaf, min: 1, integer: true },
    { name: "minHessianLeaf", value: settings.minHessianLeaf, min: 0 },
    { name: "minGain", value: settings.minGain, min: 0 },
    { name: "l2", value: settings.l2, min: 0 },
    { name: "maxBins", value: settings.maxBins, min: 2, max: 255, integer: true },
    { name: "binningSample", value: settings.binningSample, min: 1000, integer: true },
    { name: "earlyStopping.rounds", value: settings.patience ?? 1, min: 1, integer: true },
    { name: "earlyStopping.tolerance", value: settings.tolerance, min: 0 },
    { name: "threads", value: threads, min: 1, max: 256, integer: true },
  ]);

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

const doubles = (values: ArrayLike<number>): Float64Array<SharedArrayBuffer> => {
  const copy = sharedDoubles(values.length);
  copy.set(values);
  return copy;
};

const share = (
  data: TrainingData,
  settings: BoostingSettings,
  threads: number,
  addresses: Addresses,
): Shared => {
  const rows = data.labels.length;
  const features = data.featureNames.length;
  const validationRows = data.validation?.labels.length ?? 0;
  const labels = doubles(data.labels);
  const weights = data.weights === undefined ? null : doubles(data.weights);
  const baseScore = baseScoreOf(settings.objective, labels, weights);
  const memory = makeMemory(addresses.end);
  const identity = new Int32Array(memory.buffer, addresses.identity, rows);
  for (let i = 0; i < rows; i++) identity[i] = i;
  return {
    rows,
    validationRows,
    features,
    threads,
    baseScore,
    largestWeight: weights === null ? 1 : weights.reduce((a, b) => Math.max(a, b), 0),
    settings,
    module: compileKernels(),
    memory,
    addresses,
    control: makeControl(),
    leftCounts: sharedInts(threads),
    labels,
    weights,
    raw: sharedDoubles(rows).fill(baseScore),
    validationLabels: doubles(data.validation?.labels ?? []),
    validationRaw: sharedDoubles(validationRows).fill(baseScore),
    validationBins: (data.validation?.columns ?? []).map(() => sharedBytes(validationRows)),
    blocks: sharedDoubles((blocksOf(rows) + blocksOf(validationRows)) * blockWidth),
    splits: sharedDoubles(settings.maxLeaves * features * splitWidth),
  };
};

const toEstimator = (
  data: TrainingData,
  shared: Shared,
  trees: ReadonlyArray<GrownTree>,
  thresholds: ReadonlyArray<Float64Array>,
): Estimator.TreeEnsemble => {
  const importance = data.featureNames.map(() => 0);
  for (const tree of trees) {
    for (const [i, j] of tree.feature.entries()) {
      if (j >= 0) importance[j] = importance[j]! + tree.gain[i]!;
    }
  }
  return {
    _tag: "TreeEnsemble",
    version: 1,
    objective: shared.settings.objective,
    features: data.featureNames,
    baseScores: [shared.baseScore],
    importance,
    trees: trees.map(({ feature, bin, left, right, missingLeft, value, cover }) => ({
      feature,
      threshold: feature.map((j, i) => (j < 0 ? 0 : thresholdOf(thresholds[j]!, bin[i]!))),
      left,
      right,
      missingLeft,
      value,
      cover,
    })),
  };
};

/** After the last boundary only missing values are on the other side. */
const thresholdOf = (thresholds: Float64Array, bin: number): number =>
  thresholds[bin] ?? Number.MAX_VALUE;

/**
 * Trains boosted trees.
 *
 * Features are columns of numbers with `NaN` for missing; infinite values are an error, and a feature
 * that is constant or always missing is allowed and never split on. Memory: about 44 bytes per row
 * plus one byte per value, and two 8-byte columns per thread while binning.
 *
 * Fails with {@link TrainingError}: faulty data or options (all faults are listed), more data than can
 * be addressed, or a training thread that failed. An exception in `onProgress` is a defect.
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
  const settings = settingsFrom(options, data.validation !== undefined);
  const rows = data.labels.length;
  const features = data.featureNames.length;
  const threads = options.threads ?? threadsFor(rows, features);
  yield* checkSettings(settings, threads);
  yield* checkTrainingData(data, { binary: settings.objective === "logistic" });
  const addresses = placeBuffers(rows, features, threads, settings);
  if (rows > maximumRows || !fitsMemory(addresses)) return yield* tooLarge(rows, addresses);

  const shared = share(data, settings, threads, addresses);
  const { onProgress } = options;
  const { done, thresholds } = yield* runThreads(shared, data, (progress) =>
    onProgress?.({ ...progress, trees: settings.maxTrees }),
  );
  return {
    estimator: toEstimator(data, shared, done.trees, thresholds),
    history: done.history,
    bestTree: done.bestTree,
  };
});
