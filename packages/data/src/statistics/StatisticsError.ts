import * as Schema from "effect/Schema";

/**
 * Why a statistic could not be computed.
 *
 * - `empty`: no rows, no bins.
 * - `lengthMismatch`: two arrays that must run in parallel differ in length.
 * - `notFinite`: a NaN (or an infinity where a finite number is needed).
 * - `outOfRange`: a probability outside [0, 1], a level outside (0, 1), a bad option.
 * - `notBinary`: a label that is neither 0 nor 1.
 * - `oneClass`: only positives or only negatives where both are needed.
 * - `negative`: a negative count or weight.
 * - `allZero`: counts or weights that sum to zero.
 * - `unsorted`: an array that must be in ascending order is not.
 * - `tooFew`: too few rows or blocks to say anything about variation.
 * - `degenerate`: the estimate of variation is zero by construction, or costs never favour a decision.
 */
export const StatisticsReason = Schema.Literals([
  "empty",
  "lengthMismatch",
  "notFinite",
  "outOfRange",
  "notBinary",
  "oneClass",
  "negative",
  "allZero",
  "unsorted",
  "tooFew",
  "degenerate",
]);

/** See the value of the same name. */
export type StatisticsReason = typeof StatisticsReason.Type;

/**
 * The one error of the statistics modules: an input from which the number asked for cannot be computed.
 * It is never thrown: functions return `Result.Result<A, StatisticsError>`.
 *
 * `operation` is the function, `argument` the argument at fault, `index` the first offending position
 * (absent if the fault has no position), and `message` says what was wrong and what to do next.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const auc = Classification.rocAuc([0.2, 0.7], [1, 1])
 * if (Result.isFailure(auc)) console.log(auc.failure.reason) // "oneClass"
 * ```
 */
export class StatisticsError extends Schema.TaggedError<StatisticsError>()("StatisticsError", {
  operation: Schema.String,
  reason: StatisticsReason,
  argument: Schema.String,
  index: Schema.optionalKey(Schema.Int),
  message: Schema.String,
}) {}
