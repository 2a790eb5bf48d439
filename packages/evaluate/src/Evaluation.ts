/** Evaluations: every number behind a verdict, as data that the report and the deploy stage read. */
import { Decisions, Interval } from "@ml-pipe/data";
import * as Schema from "effect/Schema";
import { FurtherResults } from "./FurtherGates.ts";

/** A mean with its interval, which is null where the data cannot say how much it varies (one block). */
const Estimate = Schema.Struct({
  /** In the metric's unit. */
  estimate: Schema.Finite,
  interval: Schema.NullOr(Interval.Interval),
});

/** The gain on the rows with one value of one column. */
export const SliceResult = Schema.Struct({
  column: Schema.String,
  /** The value as text; null is the slice of rows without one. */
  value: Schema.NullOr(Schema.String),
  rows: Schema.Int,
  /** Baseline less model per decision; its interval is corrected for the number of slices (Bonferroni). */
  gain: Estimate,
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

/** Every number of one evaluation. Costs are per decision, in {@link unit}. */
export const Evaluation = Schema.Struct({
  /** Rows judged: those whose outcome is known. */
  rows: Schema.Int,
  /** Rows left out: no outcome, one that cannot be known yet, or no decision time. */
  excluded: Schema.Struct({
    unlabelled: Schema.Int,
    premature: Schema.Int,
    undated: Schema.Int,
  }),
  positives: Schema.Int,
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
  /** Probability from which acting is cheaper (Elkan 2001). */
  threshold: Schema.Finite,
  cost: Schema.Struct({
    model: Estimate,
    baseline: Estimate,
    neverAct: Estimate,
    alwaysAct: Estimate,
  }),
  /** Cost of the baseline less that of the model, paired by row; positive: the model is cheaper. */
  gain: Estimate,
  smallestGain: Schema.Finite,
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
  reliability: Schema.Array(
    Schema.Struct({
      lower: Schema.Finite,
      upper: Schema.Finite,
      count: Schema.Int,
      meanProbability: Schema.Finite,
      observedRate: Schema.Finite,
    }),
  ),
  /** Share of the model's importance that each feature holds, largest first; empty for a constant. */
  importance: Schema.Array(Schema.Struct({ feature: Schema.String, share: Schema.Finite })),
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
  slices: Schema.Array(SliceResult),
  sensitivity: Schema.Array(SensitivityResult),
  /** What was asked besides; nothing where nothing was. */
  ...FurtherResults.fields,
}).annotate({ title: "Evaluation" });
/** See {@link Evaluation}. */
export type Evaluation = typeof Evaluation.Type;
