/** What every training stage takes, and what it makes sure of before it trains. */
import type { Artifact, Contract, Finding, Store } from "@ml-pipe/core";
import { type Duckdb, type FeatureSet, GoldenSet, type Model, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** The train and validation tables are not parts of one split, so that rows may be in both. */
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

/** The inputs of a training stage. */
export const inputsOf = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet.FeatureSet<C, Out>,
) => ({
  train: Table.of(set.contract, "train"),
  validation: Table.of(set.contract, "validation"),
});

/** The validation rows stop the training: they shape the model, too. */
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

export const requireOneSplit = (train: Table.AnyTable, validation: Table.AnyTable) =>
  train.split !== null && train.split === validation.split
    ? Effect.void
    : Effect.fail(new SplitMismatch({ train: train.split, validation: validation.split }));

export const trainedOn = (train: Table.AnyTable): Model.AnyModel["trainedOn"] => ({
  split: train.split,
  table: Table.digestOf(train),
  rows: train.rows,
});
