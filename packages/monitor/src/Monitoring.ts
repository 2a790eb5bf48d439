/** Monitorings: what a release did day by day, as data that reports and hooks read. */
import { Digest } from "@ml-pipe/core";
import { FeatureSet, Interval } from "@ml-pipe/data";
import * as Schema from "effect/Schema";

/**
 * How far a feature moved away from the training data on one day.
 *
 * `drift = max(windowPsi, dayPsi − usualDayPsi, 0)`: slow change shows in the trailing window, in which
 * every day of the week occurs; sudden change shows in the day itself, less what is usual for single
 * days. A calendar feature, constant within each day, is as far from the whole on every day of the
 * reference, so it never cries wolf.
 */
export const FeatureDrift = Schema.Struct({
  feature: Schema.String,
  drift: Schema.Finite,
  /** PSI of the trailing window against the reference; null until the window is full. */
  windowPsi: Schema.NullOr(Schema.Finite),
  /** PSI of the day alone against the reference. */
  dayPsi: Schema.Finite,
  /** The largest {@link dayPsi} of any day of the reference. */
  usualDayPsi: Schema.Finite,
  /** Jensen–Shannon distance (base 2) of the day alone. */
  jensenShannon: Schema.Finite,
  /** Share of the day's rows without a value. */
  missing: Schema.Finite,
});
/** See {@link FeatureDrift}. */
export type FeatureDrift = typeof FeatureDrift.Type;

/** One day (UTC) of a release. Costs are per decision, in the metric's unit. */
export const MonitoredDay = Schema.Struct({
  /** Such as `2001-06-01`. */
  day: Schema.String,
  rows: Schema.Int,
  /** Rows whose outcome is known; all that follows below speaks of these. */
  labelled: Schema.Int,
  /** Mean probability, number, or probability of the most probable class. */
  meanPredicted: Schema.Finite,
  /** Share of positive outcomes, mean number, or share that is right; null without any outcome. */
  observedRate: Schema.NullOr(Schema.Finite),
  /** Mean prediction less observed rate, over the rows whose outcome is known. */
  calibrationGap: Schema.NullOr(Schema.Finite),
  cost: Schema.NullOr(Schema.Finite),
  baselineCost: Schema.NullOr(Schema.Finite),
  /** Baseline less release. */
  gain: Schema.NullOr(Schema.Finite),
  /** Enough rows for drift to mean something. */
  driftJudged: Schema.Boolean,
  /** Enough outcomes known for the cost to mean something. */
  costJudged: Schema.Boolean,
  features: Schema.Array(FeatureDrift),
});
/** See {@link MonitoredDay}. */
export type MonitoredDay = typeof MonitoredDay.Type;

/** What the monitor saw. */
export const Monitoring = Schema.Struct({
  /** Such as `flight-delay@3`. */
  release: Schema.String,
  model: Digest.Digest,
  charter: Digest.Digest,
  live: Digest.Digest,
  unit: Schema.String,
  /** What the release predicts: yes or no, a number, or a class. */
  label: FeatureSet.LabelKind,
  /** For yes or no: the probability from which the release acts. */
  threshold: Schema.optionalKey(Schema.Finite),
  driftThreshold: Schema.Finite,
  windowDays: Schema.Int,
  rows: Schema.Int,
  labelled: Schema.Int,
  /** Rows left out because they have no decision time. */
  undated: Schema.Int,
  /** Realised gain over all judged days, with an interval by a bootstrap over days; null without one. */
  gain: Schema.NullOr(Schema.Finite),
  gainInterval: Schema.NullOr(Interval.Interval),
  smallestGain: Schema.Finite,
  days: Schema.Array(MonitoredDay),
}).annotate({ title: "Monitoring" });
/** See {@link Monitoring}. */
export type Monitoring = typeof Monitoring.Type;
