/** One line of the log of a run. Apart from what makes it, for programs that only read. */
import * as Schema from "effect/Schema";

/** How much something matters, from the least on. */
export const Level = Schema.Literals(["trace", "debug", "info", "warn", "error", "fatal"]);
/** See {@link Level}. */
export type Level = typeof Level.Type;

/** One line of a log. */
export const Entry = Schema.Struct({
  at: Schema.DateFromString,
  level: Level,
  /** Absent for what was logged outside of stages. */
  stage: Schema.optionalKey(Schema.String),
  message: Schema.String,
  /** What happened, if the engine says it and not a stage: `StageStarted`, `Finding`, … */
  event: Schema.optionalKey(Schema.String),
  annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  /** An error with its stack, as text. */
  cause: Schema.optionalKey(Schema.String),
  traceId: Schema.optionalKey(Schema.String),
  spanId: Schema.optionalKey(Schema.String),
});
/** See {@link Entry}. */
export type Entry = typeof Entry.Type;
