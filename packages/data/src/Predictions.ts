/**
 * Predictions: what a model and a baseline say of the rows of a feature table, as typed arrays. What judging
 * a candidate and watching a release have in common, whatever the label is.
 *
 * The model is verified on load, the table is read once, and no row becomes an object.
 */
import type { Artifact, Charter, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Calibration } from "./Calibration.ts";
import { Duckdb, type DuckdbError, identifier, literal } from "./Duckdb.ts";
import type { ScoreInputInvalid } from "./Estimator.ts";
import { type FeatureSet, labelKind } from "./FeatureSet.ts";
import * as Model from "./Model.ts";
import type { OnnxFailed } from "./Onnx.ts";
import * as Rule from "./Rule.ts";
import * as Scoring from "./Scoring.ts";
import * as Table from "./Table.ts";
import {
  BaselineSilent,
  ForeignFeature,
  NotFinite,
  UnknownClasses,
} from "./internal/predictionErrors.ts";
import { keptColumns, selectSql } from "./transform/apply.ts";
import type { Fitted } from "./transform/spec.ts";

export { BaselineSilent, ForeignFeature, NotFinite, UnknownClasses };

/** What {@link read} can fail with. */
export type PredictionsError =
  | NotFinite
  | DuckdbError
  | Table.ReadError
  | Model.LoadError
  | Rule.RuleInvalid
  | Scoring.OpenError
  | ScoreInputInvalid
  | OnnxFailed
  | ForeignFeature
  | UnknownClasses
  | BaselineSilent;

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

/** The predictions for a table: parallel arrays in the order of its rows. */
export interface Predictions {
  readonly estimator: Model.AnyEstimator;
  readonly signature: Model.Signature;
  /** What the features went through before the estimator read them, if anything. */
  readonly transform: Fitted | undefined;
  /** What the estimator's probabilities went through, if anything. */
  readonly calibration: Calibration | undefined;
  readonly rows: number;
  /** Rows of the table that are not here because they have no decision time. */
  readonly undated: number;
  /** Rows of the table without a label; in the arrays only if asked for. */
  readonly unlabelled: number;
  /** Rows whose label is premature: among those without one. */
  readonly premature: number;
  /** What the model says, row by row: one number, or one for each class of its signature. */
  readonly scores: Float64Array;
  /** The number, 1 or 0, or the place of the class in `classes`; NaN where the outcome is not known. */
  readonly label: Float64Array;
  /** Number of the row's block: whole days since 1970-01-01 UTC, a group's number, or the row's. */
  readonly block: Float64Array;
  /** The number, 1 where it acts and else 0, or the place of its choice in `choices`. */
  readonly baseline: Float64Array;
  /** The model's features, in the order of `estimator.features`; NaN is missing. */
  readonly features: ReadonlyArray<Float64Array>;
  /** What `select` asked for, in its order. */
  readonly selected: ReadonlyArray<Float64Array>;
}

/** What {@link read} is asked for. */
export interface PredictionsOptions {
  readonly model: Model.AnyModel;
  readonly table: Table.AnyTable;
  readonly baseline: Charter.Baseline;
  /** `labelled`: only rows whose outcome is known. */
  readonly rows: "labelled" | "all";
  /** For labels that are classes: what they are, and what the baseline may choose. */
  readonly classes?: {
    readonly labels: ReadonlyArray<string>;
    readonly choices: ReadonlyArray<string>;
  };
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
 * import { type FeatureSet, type Model, Predictions, type Table } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const meanPrice = (
 *   set: FeatureSet.FeatureSet, model: Model.AnyModel, table: Table.AnyTable, baseline: Charter.Baseline,
 * ) =>
 *   Predictions.read(set, { model, table, baseline, rows: "all" }).pipe(
 *     Effect.map(({ scores, rows }) => scores.reduce((sum, price) => sum + price, 0) / rows),
 *   );
 * ```
 */
export const read = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet<C, Out>,
  options: PredictionsOptions,
): Effect.fn.Return<Predictions, PredictionsError, Duckdb | Artifact.ArtifactStore> {
  const { model, table, select = [], blocks = defaultBlock(set) } = options;
  const { labels: classes } = options.classes ?? noClasses;
  const document = yield* Model.load(model);
  const { estimator, signature, transform, calibration } = document;
  yield* requireOwnFeatures(set, estimator.features, transform);
  const kind = labelKind(set.spec);
  const answers = yield* answersSql(set, options);
  const db = yield* Duckdb;
  const operation = `read the ${table.role} table under ${table.contract.name}`;
  const { decidedAt } = set.spec;
  const relation = yield* Table.relation(table);
  const dated =
    decidedAt === undefined
      ? relation
      : `(FROM ${relation} WHERE ${identifier(decidedAt)} IS NOT NULL)`;
  const label = believedLabel(set.spec, options.outcomesBy);
  const strange =
    kind === "text"
      ? `list(DISTINCT label) FILTER (${placeSql("label", classes)} IS NULL AND label IS NOT NULL)`
      : "NULL";
  const [count] = yield* db.rows(
    operation,
    `SELECT count(*)::DOUBLE AS dated, count(${label})::DOUBLE AS labelled, count(label)::DOUBLE AS given,
       ${strange} AS strange FROM ${dated}`,
  );
  const found = count?.["strange"];
  if (Array.isArray(found)) {
    return yield* new UnknownClasses({
      table: table.role,
      known: classes,
      found: found.map(String).toSorted(),
    });
  }
  const of = (what: string) => Number(count?.[what] ?? 0);
  const [all, labelled, given] = [of("dated"), of("labelled"), of("given")];
  const rows = options.rows === "all" ? all : labelled;
  const { columns } = yield* db.numericColumns(operation, {
    from: options.rows === "all" ? dated : `(FROM ${dated} WHERE (${label}) IS NOT NULL)`,
    select: [
      answers.label,
      answers.baseline,
      blockSql(set, blocks),
      ...(transform === undefined ? estimator.features.map(identifier) : selectSql(transform)),
      ...select,
    ],
    rows,
  });
  const [labels = none, baseline = none, block = none, ...rest] = columns;
  yield* requireAnswers(options, baseline);
  if (kind === "number") yield* requireFinite("label", labels, table, 1, options.rows === "all");
  const features = rest.slice(0, estimator.features.length);
  const scores = yield* Effect.scoped(
    Effect.gen(function* () {
      const scoring = yield* Scoring.open(document);
      const out = new Float64Array(rows * scoring.width);
      yield* scoring.columns(features, out);
      return out;
    }),
  );
  yield* requireFinite("prediction", scores, table, scores.length / Math.max(1, rows));
  return {
    estimator,
    signature,
    transform,
    calibration,
    rows,
    undated: table.rows - all,
    unlabelled: all - labelled,
    premature: given - labelled,
    scores,
    label: labels,
    // A row by itself is numbered as it arrives: SQL has no number for it that is as cheap.
    block: blocks === "row" ? block.map((_, row) => row) : block,
    baseline,
    features,
    selected: rest.slice(estimator.features.length),
  };
});

/** Fails for what is not finite, `width` numbers a row; NaN may stand for what is not known. */
const requireFinite = (
  what: NotFinite["what"],
  numbers: Float64Array,
  { role, contract }: Table.AnyTable,
  width: number,
  orMissing = false,
): Effect.Effect<void, NotFinite> => {
  let [rows, first] = [0, -1];
  for (let at = 0; at < numbers.length; at++) {
    const one = numbers[at]!;
    if (Number.isFinite(one) || (orMissing && Number.isNaN(one))) continue;
    if (first === -1) first = at;
    rows++;
  }
  if (first === -1) return Effect.void;
  const found = String(numbers[first]);
  const row = Math.floor(first / width);
  return Effect.fail(
    new NotFinite({ what, table: role, contract: contract.name, rows, row, found }),
  );
};

/**
 * Probabilities in the order of these classes, one for each row by row; a class that the model does not know has
 * none. Fails if the model knows one that is not among them.
 *
 * @example
 * ```ts
 * import { Predictions } from "@ml-pipe/data";
 *
 * const inOrder = (predicted: Predictions.Predictions) =>
 *   Predictions.probabilitiesOf(predicted, ["bike", "van", "boat"]);
 * ```
 */
export const probabilitiesOf = (
  { signature, scores, rows }: Pick<Predictions, "signature" | "scores" | "rows">,
  classes: ReadonlyArray<string>,
): Effect.Effect<Float64Array, UnknownClasses> => {
  const own = signature._tag === "classes" ? signature.classes : [];
  const places = own.map((name) => classes.indexOf(name));
  const found = own.filter((_, index) => places[index] === -1);
  if (found.length > 0) {
    return Effect.fail(new UnknownClasses({ table: "train", known: classes, found }));
  }
  const probabilities = new Float64Array(rows * classes.length);
  for (let row = 0; row < rows; row++) {
    for (const [index, place] of places.entries()) {
      probabilities[row * classes.length + place] = scores[row * own.length + index]!;
    }
  }
  return Effect.succeed(probabilities);
};

const noClasses: NonNullable<PredictionsOptions["classes"]> = { labels: [], choices: [] };

/**
 * What came of a row, and what the baseline says of it, as numbers in SQL over the feature table: 1 or 0, the
 * number, or the place of a class and of a choice. Null where there is no answer.
 */
export const answersSql = (
  { spec }: Pick<FeatureSet, "spec">,
  {
    baseline,
    classes = noClasses,
    outcomesBy,
  }: Pick<PredictionsOptions, "baseline" | "classes" | "outcomesBy">,
): Effect.Effect<{ readonly label: string; readonly baseline: string }, Rule.RuleInvalid> => {
  const kind = labelKind(spec);
  const label = believedLabel(spec, outcomesBy);
  return kind === "boolean"
    ? Effect.map(Rule.compile(baseline), ({ sql }) => ({ label, baseline: sql }))
    : Effect.map(Rule.predictionSql(baseline, kind), (sql) =>
        kind === "number"
          ? { label, baseline: sql }
          : {
              label: placeSql(`(${label})`, classes.labels),
              baseline: placeSql(`(${sql})`, classes.choices),
            },
      );
};

/** Fails unless the baseline says something of every row. */
export const requireAnswers = (
  { baseline, classes = noClasses }: Pick<PredictionsOptions, "baseline" | "classes">,
  said: Float64Array,
): Effect.Effect<void, BaselineSilent> => {
  const rows = said.reduce((sum, one) => sum + Number(Number.isNaN(one)), 0);
  const { choices } = classes;
  return rows === 0
    ? Effect.void
    : Effect.fail(new BaselineSilent({ baseline: baseline.name, rows, choices }));
};

/** The place of a text in a list, from 0, in SQL; null if it is not in there. */
const placeSql = (text: string, list: ReadonlyArray<string>): string =>
  `(list_position([${list.map(literal).join(", ")}]::VARCHAR[], ${text}) - 1)`;

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

/** Which rows can be judged, in SQL: those with a decision time, if any, and an outcome that can be known. */
export const judgedSql = (spec: FeatureSet["spec"], outcomesBy?: number): string =>
  [
    `(${believedLabel(spec, outcomesBy)}) IS NOT NULL`,
    ...(spec.decidedAt === undefined ? [] : [`${identifier(spec.decidedAt)} IS NOT NULL`]),
  ].join(" AND ");

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
export const requireOwnFeatures = (
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
