/** What all stages have in common that train on the train part of a split. */
import type { Artifact, Contract, Finding, Stage, Store } from "@ml-pipe/core";
import {
  type Duckdb,
  type FeatureSet,
  GoldenSet,
  type Model,
  Table,
  Transform,
  Words,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { TrainingError } from "./trainingData.ts";

/** The tables are not parts of one split, so that rows may be in both. */
export class SplitMismatch extends Schema.TaggedError<SplitMismatch>()("SplitMismatch", {
  train: Schema.NullOr(Schema.String),
  validation: Schema.NullOr(Schema.String),
}) {
  override get message(): string {
    return "the train and validation tables come from different splits, so rows could be in both. Wire both from the same split.";
  }
}

/** What looking for golden rows can fail with. */
export type GoldenError =
  | GoldenSet.GoldenRowsInTraining
  | Store.StoreError
  | Duckdb.DuckdbError
  | Table.ReadError;

/** What a training stage can fail with. */
export type TrainError =
  | SplitMismatch
  | TrainingError
  | Transform.TransformError
  | GoldenError
  | Artifact.ArtifactStoreError;

/** The inputs of a training stage, as types. */
export interface TrainInputs<Out extends Contract.Contract> {
  readonly train: Table.Table<Out, "train">;
  readonly validation: Table.Table<Out, "validation">;
}

/** A stage that trains a model of the feature set whose table is under contract `Out`. */
export type TrainStage<Out extends Contract.Contract> = Stage.Stage<
  TrainInputs<Out>,
  Model.Model<Out>,
  {},
  TrainError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/** The inputs of a training stage. */
export const inputsOf = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet.FeatureSet<C, Out>,
) => ({
  train: Table.of(set.contract, "train"),
  validation: Table.of(set.contract, "validation"),
});

/** Both parts are of one split. */
export const requireOneSplit = (
  train: Pick<Table.AnyTable, "split">,
  validation: Table.AnyTable,
): Effect.Effect<void, SplitMismatch> =>
  train.split !== null && train.split === validation.split
    ? Effect.void
    : Effect.fail(new SplitMismatch({ train: train.split, validation: validation.split }));

/** No golden row is in either part: the validation rows shape the model, too. */
export const notGolden = Effect.fnUntraced(function* (
  set: FeatureSet.FeatureSet,
  train: Table.AnyTable,
  validation: Table.AnyTable,
): Effect.fn.Return<
  ReadonlyArray<Finding.Finding>,
  GoldenError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  yield* GoldenSet.requireApart(set, validation);
  return yield* GoldenSet.requireApart(set, train);
});

/** What a model's handle says of its training rows. */
export const trainedOn = (train: Table.AnyTable): Model.AnyModel["trainedOn"] => ({
  split: train.split,
  table: Table.digestOf(train),
  rows: train.rows,
});

/** The signature of a model of these classes, if its label is one of several. */
export const signatureOf = (
  classes: ReadonlyArray<string> | undefined,
): { readonly signature?: Model.Signature } =>
  classes === undefined ? {} : { signature: { _tag: "classes", classes } };

/** Fits what the features go through, if anything, on the training rows, and shows what came of it. */
export const fitted: <Out extends Contract.Contract>(
  prepare: Transform.Transform<Out> | undefined,
  train: Table.Table<Out, "train">,
  exhibit: Stage.StageContext<{}>["exhibit"],
) => Effect.Effect<
  Transform.Fitted | undefined,
  Transform.TransformError | Duckdb.DuckdbError | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> = Effect.fnUntraced(function* (prepare, train, exhibit) {
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
