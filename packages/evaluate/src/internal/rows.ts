/**
 * Rows with an outcome, as the features of the set before any transformation, and what the model decides
 * on them as they are or changed: what robustness, weak segments, explanations and the like stand on.
 */
import type { Artifact, Charter, Contract, Metric } from "@ml-pipe/core";
import {
  Cost,
  Decisions,
  Duckdb,
  type Estimator,
  type FeatureSet,
  Model,
  Predictions,
  type Onnx,
  Rule,
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

/** Rows and how they are decided. */
export interface Rows {
  readonly rows: number;
  readonly names: ReadonlyArray<string>;
  readonly features: Features;
  readonly label: Float64Array;
  readonly blocks: Blocks;
  /** 1 where the baseline acts, and what it costs. */
  readonly baseline: Float64Array;
  readonly baselineCost: Float64Array;
  /** What `select` asked for, in its order. */
  readonly selected: ReadonlyArray<Float64Array>;
  /** The model's probabilities on these rows with other features. */
  readonly score: (
    features: Features,
  ) => Effect.Effect<Float64Array, ScoreError, Duckdb.Duckdb | Artifact.ArtifactStore>;
  /** What scores a row that went through the transformation, if there is one. */
  readonly scoring: Scoring.Scoring;
  /** What deciding by these probabilities costs on each row. */
  readonly costOf: (probability: Float64Array) => Effect.Effect<Float64Array, StatisticsError>;
}

/** What is read. */
export interface RowsOptions {
  readonly model: Model.AnyModel;
  readonly table: Table.AnyTable;
  readonly charter: Pick<Charter.Charter<Metric.DecisionMetric>, "spec">;
  readonly threshold: number;
  readonly blocks: Decisions.Block;
  /** About so many rows at most, spread over the table, the same each time. */
  readonly mostRows: number;
  /** As in `Decisions.read`. */
  readonly outcomesBy?: number;
  /** More SQL expressions over the table, as numbers. */
  readonly select?: ReadonlyArray<string>;
}

/** Reads rows of a feature table; the model is ready to decide on them for as long as the scope lives. */
export const readRows: (
  set: AnySet,
  options: RowsOptions,
) => Effect.Effect<
  Rows,
  Exclude<Decisions.DecisionsError, Decisions.NotProbabilities> | StatisticsError,
  Duckdb.Duckdb | Artifact.ArtifactStore | Scope.Scope
> = Effect.fnUntraced(function* (set, options) {
  const { model, table, charter, threshold, mostRows, select = [] } = options;
  const { metric, baseline: rule } = charter.spec;
  const db = yield* Duckdb.Duckdb;
  const document = yield* Model.load(model);
  const { estimator, transform } = document;
  yield* Predictions.requireOwnFeatures(set, estimator.features, transform);
  const { sql } = yield* Rule.compile(rule);
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
      "label",
      sql,
      Decisions.blockSql(set, options.blocks),
      ...names.map(identifier),
      ...select,
    ],
    rows,
  });
  const [label = none, baseline = none, block = none, ...rest] = columns;
  const matrix = { ...metric.costs, unit: metric.unit };
  const scoring = yield* Scoring.open(document);
  const scored = Effect.fnUntraced(function* (prepared: Features) {
    const out = new Float64Array(rows);
    yield* scoring.columns(prepared, out);
    return out;
  });
  return {
    rows,
    names,
    features: rest.slice(0, names.length),
    label,
    blocks: blocksOf(options.blocks === "row" ? block.map((_, row) => row) : block),
    baseline,
    baselineCost:
      rows === 0 ? none : yield* Effect.fromResult(Cost.rowCosts(baseline, label, 1, matrix)),
    selected: rest.slice(names.length),
    scoring,
    costOf: (probability) =>
      Effect.fromResult(Cost.rowCosts(probability, label, threshold, matrix)),
    score: (features) =>
      transform === undefined
        ? scored(estimator.features.map((name) => features[names.indexOf(name)] ?? none))
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
              return yield* scored(prepared.columns);
            }),
          ),
  };
});

const none = new Float64Array();

/** The difference of two columns, row by row. */
export const minus = (a: Float64Array, b: Float64Array): Float64Array =>
  a.map((value, row) => value - (b[row] ?? 0));
