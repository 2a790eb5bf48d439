/**
 * Signals: typed facts that travel upstream. A stage emits them (data drifted, a metric dropped); the
 * pipeline's hooks decide what, if anything, to do about them (see {@link Hook}).
 */
import * as Schema from "effect/Schema";

/**
 * A kind of signal: its name and the schema of its payload.
 *
 * @typeParam T - the payload's type
 */
export interface Signal<out Name extends string = string, out T = unknown> {
  readonly name: Name;
  readonly description: string;
  readonly payload: Schema.ConstraintCodec<T, unknown>;
}

/** A signal that was emitted, as recorded with the run. */
export const Emitted = Schema.Struct({
  signal: Schema.String,
  /** Event time that the observation speaks of, not the time at which it was computed. */
  at: Schema.DateFromString,
  /** The measured quantity that hook thresholds refer to, in the unit that the signal documents. */
  value: Schema.Finite,
  /** In JSON, by the schema of the signal's payload. */
  payload: Schema.Json,
});
/** See {@link Emitted}. */
export type Emitted = typeof Emitted.Type;

/**
 * Defines a kind of signal.
 *
 * @example
 * ```ts
 * import { Signal } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 *
 * const DataDrift = Signal.make("DataDrift", {
 *   description: "a column's distribution moved away from the training data; value: PSI",
 *   payload: Schema.Struct({ column: Schema.String }),
 * });
 * ```
 */
export const make = <const Name extends string, T>(
  name: Name,
  options: { readonly description: string; readonly payload: Schema.ConstraintCodec<T, unknown> },
): Signal<Name, T> => ({ name, ...options });
