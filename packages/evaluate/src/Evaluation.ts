/** Evaluations: every number behind a verdict, as data that the report and the deploy stage read. */
import { Decisions, Interval } from "@ml-pipe/data";
import * as Schema from "effect/Schema";
import { Contributions } from "./Contributions.ts";
import { FurtherResults } from "./FurtherGates.ts";
import { InsideSystemResult } from "./InsideSystem.ts";

/** A number with its interval, which is null where the data cannot say how much it varies (one block). */
export const Estimated = Schema.Struct({
  estimate: Schema.Finite,
  interval: Schema.NullOr(Interval.Interval),
});

/** See {@link Estimated}. */
export type Estimated = typeof Estimated.Type;

/** The gain on the rows with one value of one column. */
export const SliceResult = Schema.Struct({
  column: Schema.String,
  /** The value as text; null is the slice of rows without one. */
  value: Schema.NullOr(Schema.String),
  rows: Schema.Int,
  /** Baseline less model per decision; its interval is corrected for the number of slices (Bonferroni). */
  gain: Estimated,
  /** The whole corrected interval lies below zero: the model costs more than the baseline here. */
  worse: Schema.Boolean,
});
/** See {@link SliceResult}. */
export type SliceResult = typeof SliceResult.Type;

/** What the gain would be if one cost were different, with the threshold that would then be best. */
export const SensitivityResult = Schema.Struct({
  cost: Schema.Literals(["falsePositive", "falseNegative"]),
  factor: Schema.Finite,
  /** Null where one decision is always cheaper under these costs, so that no model is needed. */
  threshold: Schema.NullOr(Schema.Finite),
  gain: Schema.NullOr(Schema.Finite),
});
/** See {@link SensitivityResult}. */
export type SensitivityResult = typeof SensitivityResult.Type;

const common = {
  /** Rows judged: those whose outcome is known. */
  rows: Schema.Int,
  /** Rows left out: no outcome, one that cannot be known yet, or no decision time. */
  excluded: Schema.Struct({
    unlabelled: Schema.Int,
    premature: Schema.Int,
    undated: Schema.Int,
  }),
  /** What the bootstrap draws, and how many of them have decisions. */
  blocks: Schema.Struct({ by: Decisions.Block, count: Schema.Int }),
  /**
   * Rows and what the model costs on them in total, for each block in order (more than 2,000 in bundles):
   * what two models that were judged on the same rows are compared by.
   */
  byBlock: Schema.Struct({ rows: Schema.Array(Schema.Int), cost: Schema.Array(Schema.Finite) }),
  unit: Schema.String,
  /** Confidence level of the intervals, after the correction for looks at the test rows. */
  level: Schema.Finite,
  /** Which look at the test rows this is, and what its intervals are corrected for. */
  holdout: Schema.Struct({
    number: Schema.Int,
    correctedFor: Schema.Int,
    nominalLevel: Schema.Finite,
    justification: Schema.String,
  }),
  /** Cost of the baseline less that of the model, paired by row; positive: the model is cheaper. */
  gain: Estimated,
  smallestGain: Schema.Finite,
  /** Share of the model's importance that each feature holds, largest first; empty for a constant. */
  importance: Schema.Array(Schema.Struct({ feature: Schema.String, share: Schema.Finite })),
  /** How far features move its predictions of these rows; null for a model in ONNX. */
  contributions: Schema.NullOr(Contributions),
  slices: Schema.Array(SliceResult),
};

/** What every evaluation says, whatever is predicted. Costs are per row, in the metric's {@link unit}. */
export const Judgement = Schema.Struct({
  ...common,
  cost: Schema.Struct({ model: Estimated, baseline: Estimated }),
});
/** See {@link Judgement}. */
export type Judgement = typeof Judgement.Type;

const Reliability = Schema.Array(
  Schema.Struct({
    lower: Schema.Finite,
    upper: Schema.Finite,
    count: Schema.Int,
    meanProbability: Schema.Finite,
    observedRate: Schema.Finite,
  }),
);

/** Every number of one evaluation of yes/no decisions. Costs are per decision, in {@link unit}. */
export const Evaluation = Schema.Struct({
  ...common,
  positives: Schema.Int,
  /** Probability from which acting is cheaper (Elkan 2001). */
  threshold: Schema.Finite,
  cost: Schema.Struct({
    model: Estimated,
    baseline: Estimated,
    neverAct: Estimated,
    alwaysAct: Estimated,
  }),
  confusion: Schema.Struct({
    truePositive: Schema.Int,
    falsePositive: Schema.Int,
    falseNegative: Schema.Int,
    trueNegative: Schema.Int,
  }),
  /** Null where only one class occurs. */
  rocAuc: Schema.NullOr(Schema.Finite),
  /** DeLong's interval, which takes rows as independent: narrower than the truth where blocks differ. */
  rocAucInterval: Schema.NullOr(Interval.Interval),
  averagePrecision: Schema.NullOr(Schema.Finite),
  logLoss: Schema.Finite,
  brierScore: Schema.Finite,
  /** Expected calibration error over ten bins of equal width. */
  calibrationError: Schema.Finite,
  reliability: Reliability,
  /** The feature that looks like a leak, if one does. */
  suspect: Schema.NullOr(
    Schema.Struct({
      feature: Schema.String,
      /** Share of the model's importance. */
      share: Schema.Finite,
      /** ROC AUC of the feature alone, in its better direction. */
      rocAuc: Schema.Finite,
    }),
  ),
  sensitivity: Schema.Array(SensitivityResult),
  /** What was asked besides; nothing where nothing was. */
  ...FurtherResults.fields,
  system: Schema.optionalKey(InsideSystemResult),
}).annotate({ title: "Evaluation" });
/** See {@link Evaluation}. */
export type Evaluation = typeof Evaluation.Type;

const Errors = Schema.Struct({
  meanAbsolute: Schema.Finite,
  medianAbsolute: Schema.Finite,
  largest: Schema.Finite,
  meanSquared: Schema.Finite,
  rootMeanSquared: Schema.Finite,
  /** Mean of predicted less found. */
  bias: Schema.Finite,
  /** Null where no number differs. */
  r2: Schema.NullOr(Schema.Finite),
  /** Null where every number is 0; rows with 0 are left out. */
  meanAbsolutePercentage: Schema.NullOr(Schema.Finite),
  zeros: Schema.Int,
  symmetricPercentage: Schema.Finite,
});

/**
 * Every number of one evaluation of predicted numbers. Costs are per row, in {@link unit}; errors in that of the
 * label, or its square.
 */
export const RegressionEvaluation = Schema.Struct({
  ...common,
  cost: Schema.Struct({ model: Estimated, baseline: Estimated }),
  /** The one number that would have been cheapest for all test rows, in hindsight, and what it would have cost. */
  constant: Schema.Struct({ value: Schema.Finite, cost: Schema.Finite }),
  errors: Schema.Struct({
    ...Errors.fields,
    meanAbsolute: Estimated,
    rootMeanSquared: Estimated,
    r2: Schema.NullOr(Estimated),
  }),
  baselineErrors: Errors,
  /** Quantiles of predicted less found. */
  residuals: Schema.Array(Schema.Struct({ share: Schema.Finite, value: Schema.Finite })),
  /** Rows by size of the prediction, in up to ten groups of about as many. */
  byPrediction: Schema.Array(
    Schema.Struct({
      count: Schema.Int,
      meanPredicted: Schema.Finite,
      meanActual: Schema.Finite,
      /** The 5 %, 50 % and 95 % quantiles of predicted less found. */
      residuals: Schema.Struct({ low: Schema.Finite, middle: Schema.Finite, high: Schema.Finite }),
    }),
  ),
  /** The gain if a unit too much or too little cost another amount. */
  sensitivity: Schema.Array(
    Schema.Struct({
      cost: Schema.Literals(["over", "under"]),
      factor: Schema.Finite,
      gain: Schema.Finite,
    }),
  ),
  /** What was asked besides; nothing where nothing was. */
  ...FurtherResults.fields,
}).annotate({ title: "RegressionEvaluation" });
/** See {@link RegressionEvaluation}. */
export type RegressionEvaluation = typeof RegressionEvaluation.Type;

/**
 * Every number of one evaluation of choices among classes. Costs are per row, in {@link unit}, of the choice with
 * the lowest expected cost; rates are those of the most probable class.
 */
export const ClassificationEvaluation = Schema.Struct({
  ...common,
  cost: Schema.Struct({ model: Estimated, baseline: Estimated }),
  /** The one choice that would have been cheapest for all test rows, in hindsight, and what it would have cost. */
  constant: Schema.Struct({ choice: Schema.String, cost: Schema.Finite }),
  classes: Schema.Array(Schema.String),
  choices: Schema.Array(Schema.String),
  /** Rows by class, then by choice. */
  confusion: Schema.Array(Schema.Array(Schema.Int)),
  accuracy: Estimated,
  balancedAccuracy: Estimated,
  macroF1: Estimated,
  weightedF1: Schema.Finite,
  matthews: Schema.NullOr(Schema.Finite),
  kappa: Schema.NullOr(Schema.Finite),
  /** Mean of the classes, each against the rest. */
  rocAuc: Schema.NullOr(Schema.Finite),
  logLoss: Schema.Finite,
  /** The sum over classes, 0 to 2. */
  brierScore: Schema.Finite,
  /** Of the most probable class, over ten bins of equal width. */
  calibrationError: Schema.Finite,
  reliability: Reliability,
  perClass: Schema.Array(
    Schema.Struct({
      class: Schema.String,
      rows: Schema.Int,
      chosen: Schema.Int,
      precision: Schema.NullOr(Schema.Finite),
      recall: Schema.NullOr(Schema.Finite),
      f1: Schema.NullOr(Schema.Finite),
      rocAuc: Schema.NullOr(Schema.Finite),
      reliability: Reliability,
    }),
  ),
  /** What was asked besides; nothing where nothing was. */
  ...FurtherResults.fields,
}).annotate({ title: "ClassificationEvaluation" });
/** See {@link ClassificationEvaluation}. */
export type ClassificationEvaluation = typeof ClassificationEvaluation.Type;

/** Any evaluation, as it is stored. */
export const AnyEvaluation = Schema.Union([
  Evaluation,
  RegressionEvaluation,
  ClassificationEvaluation,
]);
/** See {@link AnyEvaluation}. */
export type AnyEvaluation = typeof AnyEvaluation.Type;
