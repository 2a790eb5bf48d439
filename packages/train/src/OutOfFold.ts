/**
 * Cross-validated training: k models, each trained without one fold, and what each says of the rows it
 * did not see. The only way to out-of-fold predictions.
 */
import { type Artifact, type Contract, type Finding, Stage, type Store } from "@ml-pipe/core";
import {
  Duckdb,
  Estimator,
  FeatureSet,
  GoldenSet,
  type Model,
  OutOfFold,
  Table,
  type Transform,
  Words,
} from "@ml-pipe/data";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type FoldEstimator, fitOf, measuresOf } from "./internal/foldEstimator.ts";
import { foldColumn, foldedSql, foldRows, foldsBy } from "./internal/folds.ts";
import { type Prepared, preparedBy, prepareFold } from "./internal/prepared.ts";
import type { TrainingError } from "./internal/trainingData.ts";
import { classesOf, labelSql } from "./internal/trainingTable.ts";

export type { FoldEstimator } from "./internal/foldEstimator.ts";

/** A fold cannot be held out: it is empty, or what is left to train on lacks a label. */
export class FoldUnusable extends Schema.TaggedError<FoldUnusable>()("FoldUnusable", {
  fold: Schema.Int,
  folds: Schema.Int,
  by: OutOfFold.FoldsBy,
  /** Rows in the fold. */
  held: Schema.Int,
  /** Rows left to train on, and which labels none of them has. */
  rows: Schema.Int,
  lacking: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const { fold, folds, by, held, rows, lacking } = this;
    const what =
      held === 0
        ? "it has no rows"
        : `of the ${rows} rows left to train on, none has the label ${lacking.join(", or the label ")}`;
    const few =
      by === "group"
        ? "There are fewer groups than folds, or too few groups with the rare label"
        : by === "time"
          ? "Too few instants, an embargo that is too long, or all rows of one label lie in one period"
          : "There are too few rows of the rare label";
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

/** How {@link outOfFold} trains. */
export interface OutOfFoldOptions<Out extends Contract.Contract = Contract.Contract> {
  /** Default `{ kind: "boosted-trees" }`. Its link or objective follows the label. */
  readonly estimator?: FoldEstimator<Out>;
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
 * A stage that gives each labelled row of a training table the prediction of a model that was not
 * trained on it: a probability, a number, or a probability of each class. Rows that belong together stay together: a contract with a group has whole groups held
 * out, one with an event time whole periods, any other single rows, class by class (of numbers, all alike). Groups
 * and rows are dealt out as by `Split.kFold`, but for rows that are equal: held out together, by label, their
 * features would speak for the other label alone. Drop true copies first, which `Labels.audit` finds. Rows
 * without a label, and those whose group or time is not known, get no prediction.
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
export const outOfFold = <C extends Contract.Contract, Out extends FeatureSet.Labelled>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: OutOfFoldOptions<Out> & Prepared<Out> = {},
): OutOfFoldStage<Out> => {
  const { prepare } = options;
  const { folds = 5, seed = 0 } = options;
  const estimator: FoldEstimator<Out> = options.estimator ?? { kind: "boosted-trees" };
  const { kind, fit } = fitOf(set, estimator);
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
      const { classes } = labelled;
      const width = classes?.length ?? 1;
      const measures = measuresOf(set, classes);
      const scores = new Float64Array(labelled.labels.length * width);
      const told: Array<ReadonlyArray<string | number | null>> = [];
      for (let k = 0; k < folds; k++) {
        const { held, train } = foldRows(labelled.fold, labelled.time, k, embargoMs);
        const labels = pick(labelled.labels, train);
        const lacking = lackingIn(set, labels, classes);
        if (held.length === 0 || lacking.length > 0) {
          const counts = { held: held.length, rows: labels.length, lacking };
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
        const model = yield* fit({ featureNames, columns, labels });
        const own = new Float64Array(held.length * width);
        yield* Estimator.scoreColumns(model, rows.held, own);
        for (const [at, row] of held.entries()) {
          scores.set(own.subarray(at * width, (at + 1) * width), row * width);
        }
        const figures = measures.of(own, pick(labelled.labels, held));
        told.push([k + 1, train.length, held.length, ...figures]);
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
        columns: ["fold", "trained on", "held out", ...measures.names],
        rows: told,
      });
      const { row, fold, labels: label } = labelled;
      return yield* OutOfFold.write(set, {
        kind,
        signature: saysOf(set, classes),
        folds: { count: folds, by },
        table: data,
        columns: { row, fold, label, scores },
      });
    }),
  });
};

/** What is said of a row of a label of this kind. */
const saysOf = (
  { spec }: FeatureSet.FeatureSet,
  classes: ReadonlyArray<string> | undefined,
): Model.Signature =>
  classes !== undefined
    ? { _tag: "classes", classes }
    : { _tag: FeatureSet.labelKind(spec) === "number" ? "value" : "probability" };

/** The labels, in words, without which nothing can be learned, and that no row has. */
const lackingIn = (
  { spec }: FeatureSet.FeatureSet,
  labels: Float64Array,
  classes: ReadonlyArray<string> | undefined,
): ReadonlyArray<string> => {
  const seen = new Set(labels);
  if (classes === undefined && FeatureSet.labelKind(spec) === "number") {
    return seen.size > 1 ? [] : [`above or below ${labels[0] ?? "others"}`];
  }
  return (classes ?? ["no", "yes"]).filter((_, k) => !seen.has(k)).map((name) => `"${name}"`);
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
      found: `${Words.counted(rows, "row")} without one, which get no prediction`,
      rows,
      next: `Find out why they have no ${column}: nothing can be told of them, such as wrong labels.`,
    },
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
  const classes = yield* classesOf(set, table);
  const labelKind = FeatureSet.labelKind(set.spec);
  const featureNames = set.spec.features.map(({ name }) => name);
  const time =
    spec.eventTime === undefined
      ? "NULL"
      : `epoch_ms(CAST(${Duckdb.identifier(spec.eventTime)} AS TIMESTAMP))`;
  const { columns } = yield* db.numericColumns(operation, {
    from: `(FROM ${foldedSql(set.contract, labelled, { ...dealt, stratified: labelKind !== "number" })} ORDER BY file_row_number)`,
    select: [
      "file_row_number",
      `"~fold"`,
      time,
      labelSql(classes),
      ...featureNames.map(Duckdb.identifier),
    ],
    rows: Number(count?.["n"] ?? 0),
  });
  const [row = none, fold = none, at = none, labels = none, ...features] = columns;
  const unknown = Number(count?.["unknown"] ?? 0);
  return {
    relation: labelled,
    unknown,
    classes,
    row,
    fold,
    time: at,
    labels,
    columns: features,
    featureNames,
  };
});

const none = new Float64Array();
