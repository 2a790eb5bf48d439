/** The signals of the monitor: what hooks of a pipeline can act on. */
import { Signal } from "@ml-pipe/core";
import * as Schema from "effect/Schema";

/**
 * One observation a day, of the feature that moved most. `value` is its drift (see
 * {@link FeatureDrift}), in PSI: 0.1 is small, 0.25 major (Siddiqi 2006). `at` is the end of the day.
 */
export const DataDrift = Signal.make("DataDrift", {
  description:
    "the distribution of a feature moved away from the training data; value: PSI of the feature that moved most",
  payload: Schema.Struct({
    /** Such as `2001-06-01`, UTC. */
    day: Schema.String,
    feature: Schema.String,
    /** The value of the signal. */
    psi: Schema.Finite,
    /** PSI of the trailing window, null until the window is full. */
    windowPsi: Schema.NullOr(Schema.Finite),
    /** PSI of the day alone. */
    dayPsi: Schema.Finite,
    rows: Schema.Int,
  }),
});

/**
 * One observation a day whose outcomes are known. `value` is the charter's smallest gain less the gain
 * realised that day, per decision in the metric's unit: above 0 the release does not earn its keep,
 * above the smallest gain it costs more than the baseline. `at` is when the outcomes were known: the
 * end of the day and the charter's `outcomeKnownAfter`.
 */
export const MetricDrop = Signal.make("MetricDrop", {
  description:
    "the release saves less than the charter's smallest gain; value: smallest gain less realised gain per decision",
  payload: Schema.Struct({
    /** Such as `2001-06-01`, UTC. */
    day: Schema.String,
    /** Decisions whose outcome is known. */
    decisions: Schema.Int,
    unit: Schema.String,
    realisedCost: Schema.Finite,
    baselineCost: Schema.Finite,
    /** Baseline less release, per decision. */
    gain: Schema.Finite,
  }),
});

/**
 * One observation of the feature store, of the feature whose state is oldest. `value` is by how many of
 * its hops the state falls short of what a decision at `at` needs: 0 if it does not.
 */
export const FeatureStale = Signal.make("FeatureStale", {
  description:
    "the state that features are served from is too old; value: hops by which the oldest falls short",
  payload: Schema.Struct({
    feature: Schema.String,
    /** What was known before this instant is in the store. */
    knownUntil: Schema.DateFromString,
    ageMillis: Schema.Finite,
    hopMillis: Schema.Finite,
  }),
});
