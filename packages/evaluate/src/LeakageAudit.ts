/** What an audit for leakage found, as data: what the gate, the report and the info sheet read. */
import * as Schema from "effect/Schema";
import { KindId } from "./LeakageKind.ts";

/**
 * `clear`: looked for and not found; `noted`: a person should look at it; `suspected`: closes the gate;
 * `accepted`: would be suspected, and the author said why it is right; `not-applicable`: there is nothing
 * of the kind, such as no time; `not-run`: it could not be looked for, so that nobody knows.
 */
export const AuditOutcome = Schema.Literals([
  "clear",
  "noted",
  "suspected",
  "accepted",
  "not-applicable",
  "not-run",
]);
/** See {@link AuditOutcome}. */
export type AuditOutcome = typeof AuditOutcome.Type;

/** One thing that was looked for. */
export const AuditResult = Schema.Struct({
  kind: KindId,
  /** Such as `leakage.single-feature`. */
  check: Schema.String,
  outcome: AuditOutcome,
  /** The features or columns that it is about. */
  columns: Schema.Array(Schema.String),
  expected: Schema.String,
  found: Schema.String,
  /** What to do next. */
  next: Schema.String,
  /** Test rows concerned, where it is about rows. */
  rows: Schema.optionalKey(Schema.Int),
});
/** See {@link AuditResult}. */
export type AuditResult = typeof AuditResult.Type;

/** How much one feature alone says about the outcome. */
export const FeaturePower = Schema.Struct({
  feature: Schema.String,
  /**
   * ROC AUC of the feature alone on the train rows, in its better direction or in bins. Of a number: of being
   * above the median of the train rows; of classes: the mean over the frequent ones, each against the rest.
   */
  rocAuc: Schema.Finite,
  /** DeLong's interval at 95 %; null where the feature separates the outcomes perfectly. */
  interval: Schema.NullOr(Schema.Tuple([Schema.Finite, Schema.Finite])),
  /** The same on the test rows; null where they do not tell. */
  onTest: Schema.NullOr(Schema.Finite),
});
/** See {@link FeaturePower}. */
export type FeaturePower = typeof FeaturePower.Type;

/** All that was looked for, and what was found. */
export const Audit = Schema.Struct({
  results: Schema.Array(AuditResult),
  /** The most telling first. */
  power: Schema.Array(FeaturePower),
}).annotate({ title: "LeakageAudit" });
/** See {@link Audit}. */
export type Audit = typeof Audit.Type;
