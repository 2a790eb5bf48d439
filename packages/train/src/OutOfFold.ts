/**
 * Cross-validated training: k models, each trained without one fold, and what each says of the rows it
 * did not see. The only way to out-of-fold probabilities.
 */
import { type Artifact, type Contract, type Finding, Stage, type Store } from "@ml-pipe/core";
import {
  Classification,
  Duckdb,
  Estimator,
  type FeatureSet,
  GoldenSet,
  OutOfFold,
  Table,
  type Transform,
  Words,
} from "@ml-pipe/data";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { type BoostedTreesSettings, fitBoostedTrees, type TrainingError } from "./BoostedTrees.ts";
import { foldColumn, foldedSql, foldRows, foldsBy } from "./internal/folds.ts";
import { type Prepared, preparedBy, prepareFold } from "./internal/prepared.ts";
import { fitLinear, type LinearOptions } from "./Linear.ts";

/** A fold cannot be held out: it is empty, or without it only one class is left to train on. */
export class FoldUnusable extends Schema.TaggedError<FoldUnusable>()("FoldUnusable", {
  fold: Schema.Int,
  folds: Schema.Int,
  by: OutOfFold.FoldsBy,
  /** Rows in the fold. */
  held: Schema.Int,
  /** Rows left to train on, and how many of them are positive. */
  rows: Schema.Int,
  positives: Schema.Int,
}) {
  override get message(): string {
    const { fold, folds, by, held, rows, positives } = this;
    const what =
      held === 0
        ? "it has no rows"
        : `of the ${rows} rows left to train on, ${positives} are positive`;
    const few =
      by === "group"
        ? "There are fewer groups than folds, or too few groups with the rare class"
        : by === "time"
          ? "Too few instants, an embargo that is too long, or all rows of one class lie in one period"
          : "There are too few rows of the rare class";
    return `fold ${fold + 1} of ${folds} (by ${by}) cannot be held out: ${what}. ${few}: use fewer folds, or more rows.`;
  }
}

/** What a cross-validated training can fail with. */
export type OutOfFoldError =
  | FoldUnusable
  | TrainingError
  | Transform.TransformError
  | GoldenSet.GoldenRowsInTraining
  | Store.StoreError
  | Duckdb.DuckdbError
  | Table.ReadError
  | Estimator.ScoreInputInvalid
  | Artifact.ArtifactStoreError;

/** What is trained on each fold's complement. */
export type FoldEstimator =
  | ({ readonly kind: "boosted-trees" } & Omit<BoostedTreesSettings, "objective" | "earlyStopping">)
  | ({ readonly kind: "linear" } & LinearOptions);

/** How {@link outOfFold} trains. */
export interface OutOfFoldOptions {
  /** Default `{ kind: "boosted-trees" }`. */
  readonly estimator?: FoldEstimator;
  /** How many folds; default 5, at least 2. */
  readonly folds?: number;
  /**
   * Rows within this time of a fold's period are not trained on for it: use how long the outcome takes
   * to be known. Default none; only for folds by time.
   */
  readonly embargo?: Duration.Input;
  /** Decides how groups or rows are dealt out to folds; default 0. */
  readonly seed?: number;
}

/** The stage that {@link outOfFold} makes. */
export type OutOfFoldStage<Out extends Contract.Contract> = Stage.Stage<
  { readonly data: Table.Table<Out, "train"> },
  OutOfFold.OutOfFold<Out>,
  {},
  OutOfFoldError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/**
 * A stage that gives each labelled row of a training table the probability of a model that was not
 * trained on it. Rows that belong together stay together: a contract with a group has whole groups held
 * out, one with an event time whole periods, any other single rows, class by class. Groups
 * and rows are dealt out as by `Split.kFold`, but for rows that are equal: held out together, by label, their
 * features would speak for the other label alone. Drop true copies first, which `Labels.audit` finds. Rows
 * without a label, and those whose group or time is not known, get no probability.
 *
 * Periods are those of no `Split.rollingOrigin`, which never validates on the rows before its first origin:
 * here each row is predicted, from what came after it too, which finds wrong labels but is no forecast.
 *
 * Nothing is fitted outside a fold's own rows: what `prepare` names is fitted for each fold anew. The same
 * table and options give the same bytes.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Train.outOfFold(set, { folds: 5, estimator: { kind: "linear", l2: 1 }, embargo: "1 day" });
 * ```
 */
export const outOfFold = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: OutOfFoldOptions & Prepared<Out> = {},
): OutOfFoldStage<Out> => {
  const { prepare } = options;
  const { folds = 5, seed = 0, estimator = { kind: "boosted-trees" } } = options;
  const embargoMs = Duration.toMillis(Duration.fromInputUnsafe(options.embargo ?? 0));
  const by = foldsBy(set.contract.spec);
  if (!(Number.isInteger(folds) && folds >= 2)) {
    throw new TypeError(`outOfFold: folds is ${folds}, a whole number of at least 2 is needed`);
  }
  if (!Number.isSafeInteger(seed)) throw new TypeError(`outOfFold: the seed ${seed} is not whole`);
  if (embargoMs > 0 && by !== "time") {
    throw new TypeError(`outOfFold: the folds of "${set.spec.name}" are by ${by}: no embargo`);
  }
  return Stage.make("outOfFold", {
    description: `predicts each row by a model trained on other ${by === "group" ? "groups" : by === "time" ? "periods" : "rows"}`,
    input: { data: Table.of(set.contract, "train") },
    output: OutOfFold.of(set),
    params: {
      featureSet: set.digest,
      ...preparedBy(prepare),
      estimator: { ...estimator },
      folds,
      seed,
      embargoMs,
    },
    fingerprint: GoldenSet.registeredDigests(set),
    run: Effect.fnUntraced(function* ({ data }, { exhibit, finding, progress }) {
      yield* Effect.forEach(yield* GoldenSet.requireApart(set, data), finding);
      const labelled = yield* read(set, data, { folds, seed });
      yield* Effect.forEach(unknownFinding(set.contract.spec, labelled.unknown), finding);
      const probability = new Float64Array(labelled.labels.length);
      const told: Array<ReadonlyArray<string | number | null>> = [];
      for (let k = 0; k < folds; k++) {
        const { held, train } = foldRows(labelled.fold, labelled.time, k, embargoMs);
        const labels = pick(labelled.labels, train);
        const positives = labels.reduce((sum, one) => sum + one, 0);
        if (held.length === 0 || positives === 0 || positives === labels.length) {
          const counts = { held: held.length, rows: labels.length, positives };
          return yield* new FoldUnusable({ fold: k, folds, by, ...counts });
        }
        const rows =
          prepare === undefined
            ? {
                featureNames: labelled.featureNames,
                train: labelled.columns.map((column) => pick(column, train)),
                held: labelled.columns.map((column) => pick(column, held)),
              }
            : yield* prepareFold(prepare, labelled.relation, {
                train: pick(labelled.row, train),
                held: pick(labelled.row, held),
              });
        const { featureNames, train: columns } = rows;
        const model = yield* fit(estimator, { featureNames, columns, labels });
        const scores = new Float64Array(held.length);
        yield* Estimator.scoreColumns(model, rows.held, scores);
        for (const [at, row] of held.entries()) probability[row] = scores[at]!;
        told.push([k + 1, train.length, ...measured(scores, pick(labelled.labels, held))]);
        yield* progress({
          label: `fold ${k + 1} of ${folds}`,
          share: (k + 1) / folds,
          rows: labels.length,
        });
      }
      yield* exhibit({
        _tag: "table",
        title: "Cross-validation",
        caption: `folds by ${by}; each row is predicted by the model that was not trained on its fold`,
        columns: ["fold", "trained on", "held out", "positive", "ROC AUC", "log loss"],
        rows: told,
      });
      const { row, fold, labels: label } = labelled;
      return yield* OutOfFold.write(set, {
        kind: estimator.kind === "linear" ? "logistic regression" : "gradient-boosted trees",
        folds: { count: folds, by },
        table: data,
        columns: { row, fold, label, probability },
      });
    }),
  });
};

/** Rows that no fold may have, because nothing tells with which others they belong. */
const unknownFinding = (
  spec: Contract.ContractSpec,
  rows: number,
): ReadonlyArray<Finding.Finding> => {
  const column = foldColumn(spec);
  if (column === undefined || rows === 0) return [];
  return [
    {
      check: "outOfFold.known",
      severity: "warn",
      column,
      owner: spec.owner,
      expected: `a ${column} for every labelled row`,
      found: `${Words.counted(rows, "row")} without one, which get no probability`,
      rows,
      next: `Find out why they have no ${column}: wrong labels are not looked for in them.`,
    },
  ];
};

const fit = (
  estimator: FoldEstimator,
  data: Parameters<typeof fitLinear>[0],
): Effect.Effect<Estimator.Estimator, TrainingError> => {
  if (estimator.kind === "linear") {
    const { kind: _kind, ...options } = estimator;
    return Effect.map(fitLinear(data, options), ({ estimator }) => estimator);
  }
  const { kind: _kind, ...options } = estimator;
  return Effect.map(fitBoostedTrees(data, options), ({ estimator }) => estimator);
};

/** Rows, positives, ROC AUC and log loss of a fold; null where they cannot be computed. */
const measured = (scores: Float64Array, labels: Float64Array): ReadonlyArray<number | null> => {
  const orNull = (result: Result.Result<number, unknown>) =>
    Result.match(result, {
      onSuccess: (value) => Number(value.toPrecision(6)),
      onFailure: () => null,
    });
  return [
    labels.length,
    labels.reduce((sum, one) => sum + one, 0),
    orNull(Classification.rocAuc(scores, labels)),
    orNull(Classification.logLoss(scores, labels)),
  ];
};

const pick = (column: Float64Array, rows: Int32Array): Float64Array => {
  const picked = new Float64Array(rows.length);
  for (let at = 0; at < rows.length; at++) picked[at] = column[rows[at]!]!;
  return picked;
};

/** The labelled rows of a table in its order, with their folds; time is in epoch milliseconds, or NaN. */
const read = Effect.fnUntraced(function* (
  set: FeatureSet.FeatureSet,
  table: Table.AnyTable,
  dealt: { readonly folds: number; readonly seed: number },
) {
  const db = yield* Duckdb.Duckdb;
  const rows = yield* Table.relation(table, { rowNumbers: true });
  const { spec } = set.contract;
  const apart = foldColumn(spec);
  const known = apart === undefined ? "true" : `${Duckdb.identifier(apart)} IS NOT NULL`;
  const labelled = `(FROM ${rows} WHERE label IS NOT NULL AND ${known})`;
  const operation = `read the ${table.role} table`;
  const [count] = yield* db.rows(
    operation,
    `SELECT count_if(${known})::DOUBLE AS n, count_if(NOT (${known}))::DOUBLE AS unknown FROM ${rows} WHERE label IS NOT NULL`,
  );
  const featureNames = set.spec.features.map(({ name }) => name);
  const time =
    spec.eventTime === undefined
      ? "NULL"
      : `epoch_ms(CAST(${Duckdb.identifier(spec.eventTime)} AS TIMESTAMP))`;
  const { columns } = yield* db.numericColumns(operation, {
    from: `(FROM ${foldedSql(set.contract, labelled, dealt)} ORDER BY file_row_number)`,
    select: ["file_row_number", `"~fold"`, time, "label", ...featureNames.map(Duckdb.identifier)],
    rows: Number(count?.["n"] ?? 0),
  });
  const [row = none, fold = none, at = none, labels = none, ...features] = columns;
  const unknown = Number(count?.["unknown"] ?? 0);
  return {
    relation: labelled,
    unknown,
    row,
    fold,
    time: at,
    labels,
    columns: features,
    featureNames,
  };
});

const none = new Float64Array();
