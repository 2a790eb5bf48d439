/**
 * Metrics: the quantity that a charter promises to improve. One metric value drives the offline gate
 * and what monitoring watches, so that both speak of the same thing.
 */
import * as Schema from "effect/Schema";

/**
 * What each of the four outcomes of a yes/no decision costs, in the metric's unit. `positive` is the
 * decision to act; `true` and `false` say whether acting turned out right. Savings are negative.
 */
export const DecisionCosts = Schema.Struct({
  truePositive: Schema.Finite,
  falsePositive: Schema.Finite,
  falseNegative: Schema.Finite,
  trueNegative: Schema.Finite,
});
/** See {@link DecisionCosts}. */
export type DecisionCosts = typeof DecisionCosts.Type;

/** A business metric: the mean cost of one decision. Lower is better. */
export const Metric = Schema.Struct({
  name: Schema.String,
  /** Such as `USD per flight`. */
  unit: Schema.String,
  costs: DecisionCosts,
});
/** See {@link Metric}. */
export type Metric = typeof Metric.Type;

/**
 * The mean cost of a decision.
 *
 * @example
 * ```ts
 * import { Metric } from "@ml-pipe/core";
 *
 * const cost = Metric.decisionCost({
 *   name: "expected cost",
 *   unit: "USD per flight",
 *   costs: { truePositive: 20, falsePositive: 20, falseNegative: 90, trueNegative: 0 },
 * });
 * ```
 */
export const decisionCost = (metric: Metric): Metric => metric;
