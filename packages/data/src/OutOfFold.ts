/**
 * Out-of-fold predictions: for each row of a training table what a model says of it that was not
 * trained on it. Only a cross-validated training makes them, and what would be fooled by a model that
 * remembers its rows, such as the search for wrong labels, takes nothing else.
 */
import { Artifact, Contract, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError, literal } from "./Duckdb.ts";
import type { FeatureSet } from "./FeatureSet.ts";
import { Signature } from "./Model.ts";
import * as Table from "./Table.ts";

/** How rows are put into folds: by periods of time, whole groups, or at random with equal class shares. */
export const FoldsBy = Schema.Literals(["time", "group", "random"]);
/** See {@link FoldsBy}. */
export type FoldsBy = typeof FoldsBy.Type;

/** Any out-of-fold predictions, as they are stored. */
export const AnyOutOfFold = Schema.Struct({
  featureSet: Schema.Struct({ name: Schema.String, digest: Digest.Digest }),
  /** Digest of the training table that the rows are of. */
  table: Digest.Digest,
  /** Rows with a label, each of which has a prediction. */
  rows: Schema.Int,
  /** What is said of a row: a probability, a number, or a probability of each class. */
  signature: Signature,
  /** Kind of estimator in words. */
  kind: Schema.String,
  folds: Schema.Struct({ count: Schema.Int, by: FoldsBy }),
  /**
   * Parquet: `row` in the table from 0, `fold` from 0, `label` as it is in the table, and by the signature its
   * `probability` of being true, the predicted `value`, or the list `probabilities` of the classes.
   */
  data: Artifact.Artifact,
});
/** See {@link AnyOutOfFold}. */
export type AnyOutOfFold = typeof AnyOutOfFold.Type;

declare const proof: unique symbol;

/** Out-of-fold predictions of the feature set whose table is under contract `C`. */
export interface OutOfFold<
  out C extends Contract.Contract = Contract.Contract,
> extends AnyOutOfFold {
  readonly featureSet: AnyOutOfFold["featureSet"] & { readonly name: C["name"] };
  /** Only for the compiler: {@link write} makes one, and no literal is one. */
  readonly [proof]: C;
}

/**
 * The schema of out-of-fold predictions of a feature set.
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
      expected: `out-of-fold predictions of the feature set ${set.spec.name} ${set.spec.version} (${set.digest.slice(0, 15)})`,
      ...Contract.annotationsOf(set.contract),
    }),
  );
};

/** Parallel arrays, one element per row with a label; scores have one for each class. */
export interface Columns {
  /** Row number in the table, from 0. */
  readonly row: Float64Array;
  readonly fold: Float64Array;
  /** 1 or 0, the number, or the place of the class in the signature. */
  readonly label: Float64Array;
  /** By the model that was not trained on the row's fold; of classes those of row `i` from `i * classes` on. */
  readonly scores: Float64Array;
}

/** Stores predictions and returns the handle. For the stage that trained on all folds but one, each in turn. */
export const write = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet<C, Out>,
  trained: Pick<AnyOutOfFold, "kind" | "folds" | "signature"> & {
    readonly table: Table.AnyTable;
    readonly columns: Columns;
  },
): Effect.fn.Return<OutOfFold<Out>, Table.WriteError, Duckdb | Artifact.ArtifactStore> {
  const db = yield* Duckdb;
  const store = yield* Artifact.ArtifactStore;
  const operation = "write the out-of-fold predictions";
  const { signature } = trained;
  const { row, fold, label, scores } = trained.columns;
  const width = signature._tag === "classes" ? signature.classes.length : 1;
  const names = Array.from({ length: width }, (_, k) => `score${k}`);
  const score = Object.fromEntries(
    names.map((name, k) => [name, row.map((_, i) => scores[i * width + k]!)]),
  );
  const data = yield* Effect.scoped(
    Effect.gen(function* () {
      const relation = yield* db.fromColumns(operation, { row, fold, label, ...score });
      return yield* store.put("application/vnd.apache.parquet", (file) =>
        db.execute(
          operation,
          `COPY (SELECT row::BIGINT AS row, fold::INTEGER AS fold, ${writtenSql(signature, names)}
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
    signature,
    folds: trained.folds,
    data,
  };
  // The proof has no value: this function is what it proves.
  return found as OutOfFold<Out>;
});

/** Label and scores, as they are stored. */
const writtenSql = (signature: Signature, scores: ReadonlyArray<string>): string => {
  switch (signature._tag) {
    case "probability":
      return "label = 1 AS label, score0 AS probability";
    case "classes":
      return `(${listSql(signature.classes)})[label::INTEGER + 1] AS label, [${scores.join(", ")}] AS probabilities`;
    default:
      return `label, score0 AS ${signature._tag}`;
  }
};

/** The same as numbers again: the label, and each score. */
const readSql = (signature: Signature): ReadonlyArray<string> => {
  switch (signature._tag) {
    case "probability":
      return ["label", "probability"];
    case "classes":
      return [
        `list_position(${listSql(signature.classes)}, label) - 1`,
        ...signature.classes.map((_, k) => `probabilities[${k + 1}]`),
      ];
    default:
      return ["label", signature._tag];
  }
};

const listSql = (classes: ReadonlyArray<string>): string => `[${classes.map(literal).join(", ")}]`;

/** Reads predictions in the order of the table's rows. Verifies that they are what was stored. */
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
  const { columns } = yield* db.numericColumns("read the out-of-fold predictions", {
    from: `(FROM ${Table.parquet(yield* store.path(found.data))} ORDER BY row)`,
    select: ["row", "fold", ...readSql(found.signature)],
    rows: found.rows,
  });
  const [row = none, fold = none, label = none, ...score] = columns;
  const scores = new Float64Array(found.rows * score.length);
  for (const [k, own] of score.entries()) {
    for (let i = 0; i < found.rows; i++) scores[i * score.length + k] = own[i]!;
  }
  return { row, fold, label, scores };
});

const none = new Float64Array();
