/**
 * Rows with an outcome, as the features of the set before any transformation, and what it costs to go by the
 * model on them as they are or changed: what robustness, weak segments, explanations and the like stand on.
 */
import type { Artifact, Charter, Contract } from "@ml-pipe/core";
import {
  type BusinessCost,
  Duckdb,
  type Estimator,
  type FeatureSet,
  Model,
  Predictions,
  Onnx,
  Scoring,
  type StatisticsError,
  Table,
  Transform,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { rowsIn } from "./audit/facts.ts";
import { type Blocks, blocksOf } from "./blocks.ts";

const { identifier } = Duckdb;

/** Any feature set. */
export type AnySet = FeatureSet.FeatureSet<Contract.Contract, Contract.Contract>;

/** Columns of features, in the order of the set; NaN is missing. */
export type Features = ReadonlyArray<Float64Array>;

/** What deciding again on changed features can fail with. */
export type ScoreError =
  | Duckdb.DuckdbError
  | Table.ReadError
  | Estimator.ScoreInputInvalid
  | Onnx.OnnxFailed;

/** What charging a model's scores can fail with. */
export type CostError = StatisticsError | Predictions.UnknownClasses;

/** Rows, what a model says of them, and what it costs to go by it. */
export interface Rows {
  readonly rows: number;
  readonly names: ReadonlyArray<string>;
  readonly features: Features;
  readonly blocks: Blocks;
  /** What the baseline costs on each row. */
  readonly baselineCost: Float64Array;
  /** What `select` asked for, in its order. */
  readonly selected: ReadonlyArray<Float64Array>;
  /** What the model's transformation makes of other features of these rows: the model's own, in its order. */
  readonly prepare: (
    features: Features,
  ) => Effect.Effect<Features, ScoreError, Duckdb.Duckdb | Artifact.ArtifactStore>;
  /** What the model says of these rows with other features: see {@link Scoring.Scoring.width}. */
  readonly score: (
    features: Features,
  ) => Effect.Effect<Float64Array, ScoreError, Duckdb.Duckdb | Artifact.ArtifactStore>;
  /** What scores a row that went through the transformation, if there is one. */
  readonly scoring: Scoring.Scoring;
  readonly estimator: Model.AnyEstimator;
  readonly signature: Model.Signature;
  /** What it costs on each row to go by these scores. */
  readonly costOf: (scores: Float64Array) => Effect.Effect<Float64Array, CostError>;
}

/** What is read. */
export interface RowsOptions {
  readonly model: Model.AnyModel;
  readonly table: Table.AnyTable;
  readonly baseline: Charter.Baseline;
  readonly cost: BusinessCost.BusinessCost;
  readonly blocks: Predictions.Block;
  /** About so many rows at most, spread over the table, the same each time. */
  readonly mostRows: number;
  /** As in `Predictions.read`. */
  readonly outcomesBy?: number;
  /** More SQL expressions over the table, as numbers. */
  readonly select?: ReadonlyArray<string>;
}

/** What {@link readRows} can fail with. */
export type RowsError = Predictions.PredictionsError | StatisticsError;

/** Reads rows of a feature table; the model is ready to score them for as long as the scope lives. */
export const readRows: (
  set: AnySet,
  options: RowsOptions,
) => Effect.Effect<Rows, RowsError, Duckdb.Duckdb | Artifact.ArtifactStore | Scope.Scope> =
  Effect.fnUntraced(function* (set, options) {
    const { model, table, cost, mostRows, select = [] } = options;
    const db = yield* Duckdb.Duckdb;
    const document = yield* Model.load(model);
    const { estimator, transform, signature } = document;
    yield* Predictions.requireOwnFeatures(set, estimator.features, transform);
    const asked = { ...options, classes: cost.classes };
    const answers = yield* Predictions.answersSql(set, asked);
    const operation = `read rows of the ${table.role} table under ${table.contract.name}`;
    const all = `(FROM ${yield* Table.relation(table, { rowNumbers: true })} WHERE ${Predictions.judgedSql(set.spec, options.outcomesBy)})`;
    const count = Effect.fnUntraced(function* (from: string) {
      const [row] = yield* db.rows(operation, `SELECT count(*)::DOUBLE AS n FROM ${from}`);
      return Number(row?.["n"] ?? 0);
    });
    const total = yield* count(all);
    const from =
      total <= mostRows ? all : `(FROM ${all} WHERE ${rowsIn(mostRows / Math.max(1, total))})`;
    const rows = total <= mostRows ? total : yield* count(from);
    const names = set.spec.features.map(({ name }) => name);
    const { columns } = yield* db.numericColumns(operation, {
      from,
      select: [
        answers.label,
        answers.baseline,
        Predictions.blockSql(set, options.blocks),
        ...names.map(identifier),
        ...select,
      ],
      rows,
    });
    const [label = none, baseline = none, block = none, ...rest] = columns;
    yield* requireKnownClasses(label, { cost, from, role: table.role, labelSql: answers.label });
    yield* Predictions.requireAnswers(asked, baseline);
    const scoring = yield* Scoring.open(document);
    const prepare: Rows["prepare"] = (features) =>
      transform === undefined
        ? Effect.succeed(estimator.features.map((name) => features[names.indexOf(name)] ?? none))
        : Effect.scoped(
            Effect.gen(function* () {
              // Changed features beside the kept columns of the same rows, for the transformation to read.
              const changed = yield* db.fromColumns(
                operation,
                Object.fromEntries(names.map((name, index) => [name, features[index] ?? none])),
              );
              const prepared = yield* db.numericColumns(operation, {
                from: `(SELECT "~k".* EXCLUDE (${names.map(identifier).join(", ")}), "~c".*
                  FROM ${from} AS "~k" POSITIONAL JOIN ${changed} AS "~c")`,
                select: Transform.selectSql(transform),
                rows,
              });
              return prepared.columns;
            }),
          );
    return {
      rows,
      names,
      features: rest.slice(0, names.length),
      blocks: blocksOf(options.blocks === "row" ? block.map((_, row) => row) : block),
      baselineCost: yield* cost.of(baseline, label),
      selected: rest.slice(names.length),
      scoring,
      estimator,
      signature,
      costOf: (scores) =>
        Effect.flatMap(cost.done({ signature, scores, rows }), (done) => cost.of(done, label)),
      prepare,
      score: Effect.fnUntraced(function* (features) {
        const out = new Float64Array(rows * scoring.width);
        yield* scoring.columns(yield* prepare(features), out);
        yield* requireNumbers(out);
        return out;
      }),
    };
  });

/** Fails if rows have a label, read by `labelSql`, that is none of the classes that there are costs for. */
export const requireKnownClasses = Effect.fnUntraced(function* (
  label: Float64Array,
  about: {
    readonly cost: BusinessCost.BusinessCost;
    readonly from: string;
    readonly role: string;
    readonly labelSql: string;
  },
): Effect.fn.Return<void, Predictions.UnknownClasses | Duckdb.DuckdbError, Duckdb.Duckdb> {
  const { cost, from, role, labelSql } = about;
  if (cost.needs !== "classes" || !label.some(Number.isNaN)) return;
  const db = yield* Duckdb.Duckdb;
  const found = yield* db.rows(
    "look for classes without costs",
    `SELECT DISTINCT label FROM ${from} WHERE ${labelSql} IS NULL ORDER BY 1`,
  );
  return yield* new Predictions.UnknownClasses({
    table: role,
    known: cost.classes.labels,
    found: found.map((row) => String(row["label"])),
  });
});

/** Only a model from elsewhere can give none. */
const requireNumbers = (scores: Float64Array): Effect.Effect<void, Onnx.OnnxFailed> => {
  const wrong = scores.reduce((sum, one) => sum + Number(!Number.isFinite(one)), 0);
  if (wrong === 0) return Effect.void;
  const problem = `it gives no number for ${wrong} of ${scores.length} scores when features are missing or changed. Fill in what is missing within the model; or ask for robustness with \`missing: 0\` and no outages, if nothing is ever missing`;
  return Effect.fail(new Onnx.OnnxFailed({ during: "score", problem }));
};

const none = new Float64Array();

/** The difference of two columns, row by row. */
export const minus = (a: Float64Array, b: Float64Array): Float64Array =>
  a.map((value, row) => value - (b[row] ?? 0));
