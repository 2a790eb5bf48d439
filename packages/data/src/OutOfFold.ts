/**
 * Out-of-fold probabilities: for each row of a training table what a model says of it that was not
 * trained on it. Only a cross-validated training makes them, and what would be fooled by a model that
 * remembers its rows, such as the search for wrong labels, takes nothing else.
 */
import { Artifact, Contract, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError, identifier, literal } from "./Duckdb.ts";
import type { FeatureSet } from "./FeatureSet.ts";
import * as Table from "./Table.ts";

/** How rows are put into folds: by periods of time, whole groups, or at random with equal class shares. */
export const FoldsBy = Schema.Literals(["time", "group", "random"]);
/** See {@link FoldsBy}. */
export type FoldsBy = typeof FoldsBy.Type;

/** Any out-of-fold probabilities, as they are stored. */
export const AnyOutOfFold = Schema.Struct({
  featureSet: Schema.Struct({ name: Schema.String, digest: Digest.Digest }),
  /** Digest of the training table that the rows are of. */
  table: Digest.Digest,
  /** Rows with a label, each of which has a probability. */
  rows: Schema.Int,
  /** Kind of estimator in words. */
  kind: Schema.String,
  folds: Schema.Struct({ count: Schema.Int, by: FoldsBy }),
  /** Parquet: `row` in the table from 0, `fold` from 0, `label` and `probability` that it is true. */
  data: Artifact.Artifact,
});
/** See {@link AnyOutOfFold}. */
export type AnyOutOfFold = typeof AnyOutOfFold.Type;

declare const proof: unique symbol;

/** Out-of-fold probabilities of the feature set whose table is under contract `C`. */
export interface OutOfFold<
  out C extends Contract.Contract = Contract.Contract,
> extends AnyOutOfFold {
  readonly featureSet: AnyOutOfFold["featureSet"] & { readonly name: C["name"] };
  /** Only for the compiler: {@link write} makes one, and no literal is one. */
  readonly [proof]: C;
}

/**
 * The schema of out-of-fold probabilities of a feature set.
 *
 * @example
 * ```ts
 * import { type FeatureSet, OutOfFold } from "@ml-pipe/data";
 *
 * const schemaOf = (set: FeatureSet.FeatureSet) => OutOfFold.of(set);
 * ```
 */
export const of = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet<C, Out>,
): Schema.Codec<OutOfFold<Out>, unknown> => {
  const isThis = (found: AnyOutOfFold): found is OutOfFold<Out> =>
    found.featureSet.digest === set.digest;
  return AnyOutOfFold.pipe(
    Schema.refine(isThis, {
      title: `OutOfFold<${set.spec.name}>`,
      expected: `out-of-fold probabilities of the feature set ${set.spec.name} ${set.spec.version} (${set.digest.slice(0, 15)})`,
      ...Contract.annotationsOf(set.contract),
    }),
  );
};

/** Parallel arrays, one element per row with a label. */
export interface Columns {
  /** Row number in the table, from 0. */
  readonly row: Float64Array;
  readonly fold: Float64Array;
  /** 1 or 0. */
  readonly label: Float64Array;
  /** Of the label being true, by the model that was not trained on the row's fold. */
  readonly probability: Float64Array;
}

/** Stores probabilities and returns the handle. For the stage that trained on all folds but one, each in turn. */
export const write = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet<C, Out>,
  trained: Pick<AnyOutOfFold, "kind" | "folds"> & {
    readonly table: Table.AnyTable;
    readonly columns: Columns;
  },
): Effect.fn.Return<OutOfFold<Out>, Table.WriteError, Duckdb | Artifact.ArtifactStore> {
  const db = yield* Duckdb;
  const store = yield* Artifact.ArtifactStore;
  const operation = "write the out-of-fold probabilities";
  const { row, fold, label, probability } = trained.columns;
  const data = yield* Effect.scoped(
    Effect.gen(function* () {
      const relation = yield* db.fromColumns(operation, { row, fold, label, probability });
      return yield* store.put("application/vnd.apache.parquet", (file) =>
        db.execute(
          operation,
          `COPY (SELECT row::BIGINT AS row, fold::INTEGER AS fold, label = 1 AS label, probability
             FROM ${relation} ORDER BY row) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`,
        ),
      );
    }),
  );
  const found: AnyOutOfFold = {
    featureSet: { name: set.contract.name, digest: set.digest },
    table: Table.digestOf(trained.table),
    rows: row.length,
    kind: trained.kind,
    folds: trained.folds,
    data,
  };
  // The proof has no value: this function is what it proves.
  return found as OutOfFold<Out>;
});

/** Reads probabilities in the order of the table's rows. Verifies that they are what was stored. */
export const read = Effect.fnUntraced(function* (
  found: AnyOutOfFold,
): Effect.fn.Return<
  Columns,
  DuckdbError | Artifact.ArtifactMissing | Artifact.ArtifactStoreError,
  Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb;
  const store = yield* Artifact.ArtifactStore;
  yield* store.verify(found.data);
  const { columns } = yield* db.numericColumns("read the out-of-fold probabilities", {
    from: `(FROM ${Table.parquet(yield* store.path(found.data))} ORDER BY row)`,
    select: ["row", "fold", "label", "probability"].map(identifier),
    rows: found.rows,
  });
  const [row = none, fold = none, label = none, probability = none] = columns;
  return { row, fold, label, probability };
});

const none = new Float64Array();
