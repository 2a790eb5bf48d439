/** What the threads of a training get, and what becomes of the trees that they hand back. */
import type { Estimator } from "@ml-pipe/data";
import { compileKernels, makeMemory } from "./kernels.ts";
import {
  type Addresses,
  blocksOf,
  blockWidth,
  type BoostingSettings,
  type GrownTree,
  makeControl,
  type Shared,
  sharedBytes,
  sharedDoubles,
  sharedInts,
  sharedWords,
  splitWidth,
} from "./layout.ts";
import { baseScoresOf } from "./objective/baseScores.ts";
import { stateWidth } from "./objective/makeObjective.ts";
import type { ScoredRows } from "./objective/Objective.ts";
import { setWords } from "./splitter.ts";
import type { LabelledColumns, TrainingData } from "./trainingData.ts";

/** Places the data, without its features, where all threads read it; `keep` are the training rows to use. */
export const prepareShared = (
  data: TrainingData,
  keep: Int32Array | null,
  settings: BoostingSettings,
  threads: number,
  addresses: Addresses,
): Shared => {
  const features = data.featureNames.length;
  const validation = data.validation ?? { columns: [], labels: new Float64Array(0) };
  const labels = doubles(data.labels, keep);
  const weights = data.weights === undefined ? null : doubles(data.weights, keep);
  const largestLabel = labels.reduce((a, b) => Math.max(a, b), 0);
  const baseScores = baseScoresOf(settings.objective, labels, weights, {
    classes: largestLabel + 1,
    quantile: settings.quantile,
  });
  const rows = labels.length;
  const validationRows = validation.labels.length;
  const memory = makeMemory(addresses.end);
  const identity = new Int32Array(memory.buffer, addresses.identity, rows);
  for (let i = 0; i < rows; i++) identity[i] = i;
  const sets = settings.categorical.includes(true) ? settings.maxLeaves * features * setWords : 0;
  return {
    training: scoredRows(settings, baseScores, { labels, weights, queries: data.queries, keep }),
    validation: scoredRows(settings, baseScores, {
      labels: doubles(validation.labels, null),
      weights: validation.weights === undefined ? null : doubles(validation.weights, null),
      queries: validation.queries,
      keep: null,
    }),
    features,
    threads,
    baseScores,
    largestWeight: weights === null ? 1 : weights.reduce((a, b) => Math.max(a, b), 0),
    settings,
    module: compileKernels(),
    memory,
    addresses,
    control: makeControl(),
    leftCounts: sharedInts(threads),
    validationBins: validation.columns.map(() => sharedBytes(validationRows)),
    blocks: sharedDoubles((blocksOf(rows) + blocksOf(validationRows)) * blockWidth),
    splits: sharedDoubles(settings.maxLeaves * features * splitWidth),
    leftSets: sharedWords(sets),
    nodeValues: sharedDoubles(2 * settings.maxLeaves),
  };
};

const scoredRows = (
  { objective }: BoostingSettings,
  baseScores: ReadonlyArray<number>,
  of: Pick<ScoredRows, "weights" | "labels"> & {
    readonly queries: LabelledColumns["queries"];
    readonly keep: Int32Array | null;
  },
): ScoredRows => {
  const { labels, weights, queries, keep } = of;
  const rows = labels.length;
  const raw = sharedDoubles(rows * baseScores.length);
  for (const [k, base] of baseScores.entries()) raw.fill(base, k * rows, (k + 1) * rows);
  return {
    rows,
    labels,
    weights,
    raw,
    state: sharedDoubles(rows * stateWidth(objective, baseScores.length)),
    queries: queries === undefined ? null : firstRows(doubles(queries, keep)),
  };
};

/** The first row of every query, then the number of rows. */
const firstRows = (queries: Float64Array): Int32Array<SharedArrayBuffer> => {
  const rows = queries.length;
  const first: Array<number> = [];
  for (let i = 0; i < rows; i++) if (i === 0 || queries[i] !== queries[i - 1]) first.push(i);
  const shared = sharedInts(first.length + 1);
  shared.set([...first, rows]);
  return shared;
};

const doubles = (
  values: ArrayLike<number>,
  keep: Int32Array | null,
): Float64Array<SharedArrayBuffer> => {
  const copy = sharedDoubles(keep?.length ?? values.length);
  if (keep === null) copy.set(values);
  else for (let i = 0; i < copy.length; i++) copy[i] = values[keep[i]!]!;
  return copy;
};

/** The model document of the trees; `thresholds[j]` are the boundaries of a number, `codes[j]` those of a category. */
export const toEstimator = (
  features: ReadonlyArray<string>,
  shared: Shared,
  trees: ReadonlyArray<GrownTree>,
  thresholds: ReadonlyArray<Float64Array>,
  codes: ReadonlyArray<Float64Array | null>,
): Estimator.TreeEnsemble => {
  const importance = features.map(() => 0);
  for (const tree of trees) {
    for (const [i, j] of tree.feature.entries()) {
      if (j >= 0) importance[j] = importance[j]! + tree.gain[i]!;
    }
  }
  const categories = codes.map((of) => (of === null ? null : Array.from(of)));
  return {
    _tag: "TreeEnsemble",
    version: 1,
    objective: shared.settings.objective,
    features,
    ...(categories.some((of) => of !== null) ? { categories } : {}),
    baseScores: shared.baseScores,
    importance,
    trees: trees.map(({ feature, bin, leftBins, left, right, missingLeft, value, cover }) => {
      const onCategory = leftBins.some((bins) => bins !== null);
      const leftCategories = leftBins.map((bins, i) =>
        bins === null ? null : bins.map((b) => codes[feature[i]!]![b]!),
      );
      return {
        feature,
        threshold: feature.map((j, i) =>
          j < 0 || leftBins[i] !== null ? 0 : thresholdOf(thresholds[j]!, bin[i]!),
        ),
        left,
        right,
        missingLeft,
        value,
        cover,
        ...(onCategory ? { leftCategories } : {}),
      };
    }),
  };
};

/** After the last boundary only missing values are on the other side. */
const thresholdOf = (thresholds: Float64Array, bin: number): number =>
  thresholds[bin] ?? Number.MAX_VALUE;
