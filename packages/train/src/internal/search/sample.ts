/** A part of the training rows. */
import type { Artifact, Contract } from "@ml-pipe/core";
import { type Duckdb, type FeatureSet, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/** So many of 2^32 rows by a hash of their place: the same rows each time, and those of a smaller share among them. */
export const sampled: <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet.FeatureSet<C, Out>,
  train: Table.Table<Out, "train">,
  share: number,
) => Effect.Effect<
  Table.Table<Out, "train">,
  Table.ReadError | Table.WriteError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> = Effect.fnUntraced(function* (set, train, share) {
  if (share >= 1) return train;
  const relation = yield* Table.relation(train, { rowNumbers: true });
  const drawn = "md5_number_lower(CAST(file_row_number AS VARCHAR)) % 4294967296";
  return yield* Table.write(set.contract, "train", {
    query: `SELECT * EXCLUDE file_row_number FROM ${relation} WHERE ${drawn} < ${Math.round(share * 2 ** 32)} ORDER BY file_row_number`,
    split: train.split,
  });
});
