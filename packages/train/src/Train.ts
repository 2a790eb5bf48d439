/**
 * The stage that trains a model on the train part of a split. The validation part stops the training
 * early and is never what a model is judged on; a test table does not fit by type.
 */
import { type Contract, Stage } from "@ml-pipe/core";
import { type FeatureSet, GoldenSet, Model } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type BoostedTreesSettings, fitBoostedTrees } from "./BoostedTrees.ts";
import { type Prepared, preparedBy } from "./internal/prepared.ts";
import {
  fitted,
  inputsOf,
  notGolden,
  requireOneSplit,
  trainedOn,
  type TrainStage,
} from "./internal/trainingStage.ts";
import { readTable } from "./internal/trainingTable.ts";

export {
  type FoldEstimator,
  FoldUnusable,
  outOfFold,
  type OutOfFoldError,
  type OutOfFoldOptions,
  type OutOfFoldStage,
} from "./OutOfFold.ts";

export { factors, type FactorsOptions } from "./recommend/factors.ts";
export {
  contentNeighbours,
  type Descriptors,
  itemNeighbours,
  type NeighboursOptions,
} from "./recommend/neighbours.ts";
export type { Descriptor } from "./recommend/content.ts";
export type { RecommenderError, RecommenderStage } from "./recommend/pairs.ts";
export { popularity, type PopularityOptions, randomItems } from "./recommend/popularity.ts";

export type { Prepared } from "./internal/prepared.ts";
export { onnx, type OnnxOptions, type OnnxStage } from "./OnnxStage.ts";
export {
  python,
  type PythonOptions,
  type PythonStage,
  type PythonTrainError,
  PythonTypesStale,
} from "./PythonStage.ts";
export { SplitMismatch, type TrainError, type TrainStage } from "./internal/trainingStage.ts";
export type { Weighted } from "./internal/trainingTable.ts";
export { constant, type ConstantOptions, rule, type RuleStage } from "./BaselineStage.ts";
export {
  calibrate,
  type CalibrateError,
  type CalibrateOptions,
  type CalibrateStage,
} from "./Calibrate.ts";
export { linear, type LinearStageOptions } from "./LinearStage.ts";

/**
 * A stage that trains gradient-boosted trees. Needs no Python; the same inputs and options give the
 * same model, bit for bit, on any number of threads.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Train.boostedTrees(set, { maxTrees: 100, learningRate: 0.1 });
 * ```
 */
export const boostedTrees = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
  set: FeatureSet.FeatureSet<C, Out>,
  { prepare, ...options }: Omit<BoostedTreesSettings, "objective"> & Prepared<Out> = {},
): TrainStage<Out> =>
  Stage.make("train", {
    description: "trains gradient-boosted trees",
    input: inputsOf(set),
    output: Model.of(set),
    params: {
      estimator: "boosted-trees",
      featureSet: set.digest,
      ...preparedBy(prepare),
      ...options,
    },
    fingerprint: GoldenSet.registeredDigests(set),
    run: Effect.fnUntraced(function* ({ train, validation }, { exhibit, finding, progress }) {
      yield* requireOneSplit(train, validation);
      yield* Effect.forEach(yield* notGolden(set, train, validation), finding);
      const transform = yield* fitted(prepare, train, exhibit);
      const how = { transform, classes: undefined };
      const context = yield* Effect.context<never>();
      const tell = Effect.runForkWith(context);
      const fit = yield* fitBoostedTrees(
        {
          ...(yield* readTable(set, train, how)),
          validation: yield* readTable(set, validation, how),
        },
        {
          ...options,
          objective: "logistic",
          onProgress: ({ tree, trees }) =>
            tell(
              progress({
                label: `tree ${tree} of ${trees}`,
                share: tree / trees,
                rows: train.rows,
              }),
            ),
        },
      );
      const { history, estimator, bestTree } = fit;
      yield* exhibit({
        _tag: "line",
        title: "Learning curve",
        caption: `the model keeps ${bestTree} trees, where the loss on the validation rows was lowest`,
        x: { label: "trees" },
        y: { label: "log loss" },
        series: [
          { name: "train", points: history.map(({ tree, trainLoss }) => [tree, trainLoss]) },
          {
            name: "validation",
            points: history.flatMap(({ tree, validationLoss }) =>
              validationLoss === undefined ? [] : [[tree, validationLoss] as const],
            ),
          },
        ],
      });
      const kind = "gradient-boosted trees";
      return yield* Model.store(set, { estimator, transform, kind, trainedOn: trainedOn(train) });
    }),
  });
