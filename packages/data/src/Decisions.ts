/**
 * Decisions: what a model and a baseline decide on the rows of a feature table, as typed arrays. What
 * judging a candidate and watching a release have in common.
 *
 * The model is verified on load, the table is read once, and no row becomes an object.
 */
import type { Artifact, Charter, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError, identifier } from "./Duckdb.ts";
import type { ScoreInputInvalid } from "./Estimator.ts";
import type { FeatureSet } from "./FeatureSet.ts";
import * as Model from "./Model.ts";
import type { OnnxFailed } from "./Onnx.ts";
import * as Rule from "./Rule.ts";
import * as Scoring from "./Scoring.ts";
import * as Table from "./Table.ts";
import { keptColumns, selectSql } from "./transform/apply.ts";
import type { Fitted } from "./transform/spec.ts";

/** A model's document reads a column that is no feature of its feature set: the label, or a kept one. */
export class ForeignFeature extends Schema.TaggedError<ForeignFeature>()("ForeignFeature", {
  featureSet: Schema.String,
  features: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return `the model reads ${this.features.map((name) => `"${name}"`).join(", ")}, which the feature set "${this.featureSet}" does not define as a feature, so it may not be known at the decision. Train on the features of the set only, or define it as one.`;
  }
}

/** A model's score is not a probability, so no cost-optimal decision follows from it. */
export class NotProbabilities extends Schema.TaggedError<NotProbabilities>()("NotProbabilities", {
  kind: Schema.String,
  row: Schema.Int,
  score: Schema.Number,
}) {
  override get message(): string {
    return `the ${this.kind} gives ${this.score} for row ${this.row}, where a probability from 0 to 1 is needed. Train it for yes/no (objective "logistic" or link "logit").`;
  }
}

/** What {@link read} can fail with. */
export type DecisionsError =
  | DuckdbError
  | Table.ReadError
  | Model.LoadError
  | Rule.RuleInvalid
  | Scoring.OpenError
  | ScoreInputInvalid
  | OnnxFailed
  | ForeignFeature
  | NotProbabilities;

/**
 * Rows that resemble each other, so that a bootstrap draws them together: those of one day (UTC), of
 * one group, or each row by itself.
 */
export const Block = Schema.Literals(["day", "group", "row"]);
/** See {@link Block}. */
export type Block = typeof Block.Type;

/**
 * The blocks of a feature table: days where there is a moment of the decision, else groups where rows
 * belong to one, else rows.
 */
export const defaultBlock = ({ spec, contract }: FeatureSet): Block =>
  spec.decidedAt !== undefined ? "day" : contract.spec.group !== undefined ? "group" : "row";

/** The decisions on a table: parallel arrays in the order of its rows. */
export interface Decisions {
  readonly estimator: Model.AnyEstimator;
  /** What the features went through before the estimator read them, if anything. */
  readonly transform: Fitted | undefined;
  readonly rows: number;
  /** Rows of the table that are not here because they have no decision time. */
  readonly undated: number;
  /** Rows of the table without a label; in the arrays only if asked for. */
  readonly unlabelled: number;
  /** Rows whose label is premature: among those without one. */
  readonly premature: number;
  /** The model's probability that the label is true. */
  readonly probability: Float64Array;
  /** 1, 0, or NaN where the outcome is not known. */
  readonly label: Float64Array;
  /** Number of the row's block: whole days since 1970-01-01 UTC, a group's number, or the row's. */
  readonly block: Float64Array;
  /** 1 where the baseline acts, else 0. */
  readonly baseline: Float64Array;
  /** The model's features, in the order of `estimator.features`; NaN is missing. */
  readonly features: ReadonlyArray<Float64Array>;
  /** What `select` asked for, in its order. */
  readonly selected: ReadonlyArray<Float64Array>;
}

/** What {@link read} is asked for. */
export interface DecisionsOptions {
  readonly model: Model.AnyModel;
  readonly table: Table.AnyTable;
  readonly baseline: Charter.Baseline;
  /** `labelled`: only rows whose outcome is known. */
  readonly rows: "labelled" | "all";
  /** What rows are numbered by; default {@link defaultBlock}. */
  readonly blocks?: Block;
  /**
   * Epoch milliseconds: of a decision made later, no outcome can be known yet. If such a row has a label
   * all the same, it is premature, and counts as none. Default: every label is believed.
   */
  readonly outcomesBy?: number;
  /** More SQL expressions over the table, as numbers. */
  readonly select?: ReadonlyArray<string>;
}

/**
 * Scores a feature table with a model and evaluates the baseline on it.
 *
 * @example
 * ```ts
 * import type { Charter } from "@ml-pipe/core";
 * import { Decisions, type FeatureSet, type Model, type Table } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const meanRisk = (
 *   set: FeatureSet.FeatureSet, model: Model.AnyModel, table: Table.AnyTable, baseline: Charter.Baseline,
 * ) =>
 *   Decisions.read(set, { model, table, baseline, rows: "all" }).pipe(
 *     Effect.map(({ probability, rows }) => probability.reduce((sum, p) => sum + p, 0) / rows),
 *   );
 * ```
 */
export const read = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet<C, Out>,
  options: DecisionsOptions,
): Effect.fn.Return<Decisions, DecisionsError, Duckdb | Artifact.ArtifactStore> {
  const { model, table, select = [], blocks = defaultBlock(set) } = options;
  const { estimator, transform } = yield* Model.load(model);
  yield* requireOwnFeatures(set, estimator.features, transform);
  const rule = yield* Rule.compile(options.baseline);
  const db = yield* Duckdb;
  const operation = `read the ${table.role} table under ${table.contract.name}`;
  const { decidedAt } = set.spec;
  const relation = yield* Table.relation(table);
  const dated =
    decidedAt === undefined
      ? relation
      : `(FROM ${relation} WHERE ${identifier(decidedAt)} IS NOT NULL)`;
  const label = believedLabel(set.spec, options.outcomesBy);
  const [count] = yield* db.rows(
    operation,
    `SELECT count(*)::DOUBLE AS dated, count(${label})::DOUBLE AS labelled, count(label)::DOUBLE AS given FROM ${dated}`,
  );
  const of = (what: string) => Number(count?.[what] ?? 0);
  const [all, labelled, given] = [of("dated"), of("labelled"), of("given")];
  const rows = options.rows === "all" ? all : labelled;
  const { columns } = yield* db.numericColumns(operation, {
    from: options.rows === "all" ? dated : `(FROM ${dated} WHERE (${label}) IS NOT NULL)`,
    select: [
      label,
      rule.sql,
      blockSql(set, blocks),
      ...(transform === undefined ? estimator.features.map(identifier) : selectSql(transform)),
      ...select,
    ],
    rows,
  });
  const [labels = none, baseline = none, block = none, ...rest] = columns;
  const features = rest.slice(0, estimator.features.length);
  const probability = new Float64Array(rows);
  yield* Effect.scoped(
    Effect.flatMap(Scoring.open(estimator), (scoring) => scoring.columns(features, probability)),
  );
  yield* requireProbabilities(model.kind, probability);
  return {
    estimator,
    transform,
    rows,
    undated: table.rows - all,
    unlabelled: all - labelled,
    premature: given - labelled,
    probability,
    label: labels,
    // A row by itself is numbered as it arrives: SQL has no number for it that is as cheap.
    block: blocks === "row" ? block.map((_, row) => row) : block,
    baseline,
    features,
    selected: rest.slice(estimator.features.length),
  };
});

/**
 * How many labels of a table are premature: of decisions after an instant up to which outcomes can be
 * known. With time there are fewer, never others.
 */
export const prematureLabels = Effect.fnUntraced(function* (
  set: Pick<FeatureSet, "spec">,
  table: Table.AnyTable,
  outcomesBy: number,
): Effect.fn.Return<number, DuckdbError | Table.ReadError, Duckdb | Artifact.ArtifactStore> {
  if (set.spec.decidedAt === undefined) return 0;
  const db = yield* Duckdb;
  const [count] = yield* db.rows(
    "count the labels that cannot be known yet",
    `SELECT (count(label) - count(${believedLabel(set.spec, outcomesBy)}))::DOUBLE AS n FROM ${yield* Table.relation(table)}`,
  );
  return Number(count?.["n"] ?? 0);
});

/** The label in SQL: null where its outcome cannot be known yet. */
const believedLabel = ({ decidedAt }: FeatureSet["spec"], outcomesBy: number | undefined): string =>
  decidedAt === undefined || outcomesBy === undefined
    ? "label"
    : `CASE WHEN CAST(${identifier(decidedAt)} AS TIMESTAMP) <= epoch_ms(${Math.floor(outcomesBy)}) THEN label END`;

/** Milliseconds of a day in UTC, which has no daylight saving. */
export const millisPerDay = 86_400_000;

const none = new Float64Array();

/**
 * The number of a row's block in SQL, over the feature table; 0 for `row`. Throws where the table has no
 * column to tell it by.
 */
export const blockSql = ({ spec, contract }: FeatureSet, blocks: Block): string => {
  const { group } = contract.spec;
  switch (blocks) {
    case "day":
      if (spec.decidedAt === undefined) break;
      return `floor(epoch_ms(CAST(${identifier(spec.decidedAt)} AS TIMESTAMP)) / ${millisPerDay}.0)`;
    case "group":
      if (group === undefined) break;
      // A hash of 52 bits: two groups would have to be among tens of millions to share one.
      return `(md5_number(CAST(${identifier(group)} AS VARCHAR)) % ${2 ** 52})`;
    case "row":
      return "0";
  }
  throw new TypeError(
    `the table of "${spec.name}" has no ${blocks === "day" ? "moment of the decision" : "group"}, so its rows are not numbered by ${blocks}`,
  );
};

/** A model reads features; its transformation reads what else of the table is known at the decision. */
const requireOwnFeatures = (
  { spec, contract }: FeatureSet,
  read: ReadonlyArray<string>,
  transform: Fitted | undefined,
): Effect.Effect<void, ForeignFeature> => {
  const own = new Set(spec.features.map(({ name }) => name));
  const features =
    transform === undefined
      ? read.filter((name) => !own.has(name))
      : keptColumns(transform, spec).filter(
          (name) => contract.spec.columns[name]?.availableAt !== "decision",
        );
  return features.length === 0
    ? Effect.void
    : Effect.fail(new ForeignFeature({ featureSet: spec.name, features }));
};

const requireProbabilities = (
  kind: string,
  scores: Float64Array,
): Effect.Effect<void, NotProbabilities> => {
  const row = scores.findIndex((score) => !(score >= 0 && score <= 1));
  const score = scores[row];
  return score === undefined
    ? Effect.void
    : Effect.fail(new NotProbabilities({ kind, row, score }));
};
