/**
 * The stage that trains a model on the train part of a split. The validation part stops the training
 * early and is never what a model is judged on; a test table does not fit by type.
 */
import { type Artifact, type Contract, Stage, type Store } from "@ml-pipe/core";
import { Duckdb, type FeatureSet, GoldenSet, Model, Table, Transform, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type BoostedTreesSettings, fitBoostedTrees, type TrainingError } from "./BoostedTrees.ts";
import { type Prepared, preparedBy } from "./internal/prepared.ts";
import {
  inputsOf,
  notGolden,
  requireOneSplit,
  type SplitMismatch,
  trainedOn,
} from "./internal/rows.ts";
import { fitLogistic, type LogisticOptions } from "./Logistic.ts";

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
export { SplitMismatch } from "./internal/rows.ts";
export { onnx, type OnnxOptions, type OnnxStage } from "./Onnx.ts";

/** What a training stage can fail with. */
export type TrainError =
  | SplitMismatch
  | TrainingError
  | Transform.TransformError
  | GoldenSet.GoldenRowsInTraining
  | Store.StoreError
  | Duckdb.DuckdbError
  | Table.ReadError
  | Artifact.ArtifactStoreError;

/** A stage that trains a model of the feature set whose table is under contract `Out`. */
export type TrainStage<Out extends Contract.Contract> = Stage.Stage<
  {
    readonly train: Table.Table<Out, "train">;
    readonly validation: Table.Table<Out, "validation">;
  },
  Model.Model<Out>,
  {},
  TrainError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

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
      const context = yield* Effect.context<never>();
      const tell = Effect.runForkWith(context);
      const fit = yield* fitBoostedTrees(
        {
          ...(yield* read(set, train, transform)),
          validation: yield* read(set, validation, transform),
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

/**
 * A stage that trains L2-regularised logistic regression. The validation table is not used to fit; it
 * is an input so that the two estimators can be exchanged.
 */
export const logistic = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
  set: FeatureSet.FeatureSet<C, Out>,
  { prepare, ...options }: LogisticOptions & Prepared<Out> = {},
): TrainStage<Out> =>
  Stage.make("train", {
    description: "trains a logistic regression",
    input: inputsOf(set),
    output: Model.of(set),
    params: { estimator: "logistic", featureSet: set.digest, ...preparedBy(prepare), ...options },
    fingerprint: GoldenSet.registeredDigests(set),
    run: Effect.fnUntraced(function* ({ train, validation }, { exhibit, finding }) {
      yield* requireOneSplit(train, validation);
      yield* Effect.forEach(yield* notGolden(set, train, validation), finding);
      const transform = yield* fitted(prepare, train, exhibit);
      const { estimator } = yield* fitLogistic(yield* read(set, train, transform), options);
      const kind = "logistic regression";
      return yield* Model.store(set, { estimator, transform, kind, trainedOn: trainedOn(train) });
    }),
  });

/** Fits what the features go through, if anything, on the training rows, and shows what came of it. */
const fitted = Effect.fnUntraced(function* <Out extends Contract.Contract>(
  prepare: Transform.Transform<Out> | undefined,
  train: Table.Table<Out, "train">,
  exhibit: Stage.StageContext<{}>["exhibit"],
) {
  if (prepare === undefined) return undefined;
  const transform = yield* Transform.fit(prepare, train);
  const { outputs, dropped, rows } = transform;
  yield* exhibit({
    _tag: "table",
    title: "Fitted transformation",
    caption: `fitted on ${Words.whole(rows)} training rows; ${Words.counted(outputs.length, "column")} selected`,
    columns: ["column", "selected"],
    rows: [
      ...outputs.map(({ name }) => [name, "yes"]),
      ...dropped.map(({ name, because }) => [name, `no: ${because}`]),
    ],
  });
  return transform;
});

/**
 * The features and labels of a table as typed arrays, as the transformation gives them to the model; rows
 * without a label are left out.
 */
const read = Effect.fnUntraced(function* (
  set: FeatureSet.FeatureSet,
  table: Table.AnyTable,
  transform: Transform.Fitted | undefined,
) {
  const db = yield* Duckdb.Duckdb;
  const relation = `(FROM ${yield* Table.relation(table, { rowNumbers: true })} WHERE label IS NOT NULL)`;
  const operation = `read the ${table.role} table`;
  const [count] = yield* db.rows(operation, `SELECT count(*)::DOUBLE AS n FROM ${relation}`);
  const own = set.spec.features.map(({ name }) => name);
  const { group } = set.contract.spec;
  const { columns } = yield* db.numericColumns(operation, {
    from: relation,
    select: [
      ...(transform === undefined
        ? own.map(Duckdb.identifier)
        : Transform.selectSql(transform, table.role === "train" ? { group } : undefined)),
      "label",
    ],
    rows: Number(count?.["n"] ?? 0),
  });
  const labels = columns.at(-1) ?? new Float64Array();
  const featureNames = transform?.outputs.map(({ name }) => name) ?? own;
  return { featureNames, columns: columns.slice(0, -1), labels };
});
