/** Trials of a search, as they are handed from stage to stage. */
import * as Schema from "effect/Schema";

/** What is tried: parameters, on a share of the training rows. */
export const Trial = Schema.Struct({
  /** From 1. */
  trial: Schema.Int,
  parameters: Schema.Record(
    Schema.String,
    Schema.Union([Schema.String, Schema.Finite, Schema.Boolean]),
  ),
  /** 1 for all training rows. */
  share: Schema.Finite,
});
/** See {@link Trial}. */
export type Trial = typeof Trial.Type;

/** What came of a trial. */
export const Attempt = Schema.Struct({
  ...Trial.fields,
  /** Mean loss on validation rows, lower is better. */
  loss: Schema.Finite,
  /** How many validation rows. */
  rows: Schema.Int,
});
/** See {@link Attempt}. */
export type Attempt = typeof Attempt.Type;
