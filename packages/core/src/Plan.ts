/**
 * Plans: what a run would do, before it does anything. Says of each stage whether it is fresh, or
 * because of which file, field or input it is not.
 */
import * as Schema from "effect/Schema";

export { changeText } from "./internal/changes.ts";

/** One thing that is not as it was when the stage last ran. */
export const Change = Schema.Struct({
  kind: Schema.Literals([
    "code",
    "parameter",
    "contract",
    "charter",
    "environment",
    "reads",
    "input",
  ]),
  /** The file or package, the path of a parameter, the port, the variable. */
  what: Schema.String,
  /** In words or as a short digest; absent if it was not there. */
  was: Schema.optionalKey(Schema.String),
  is: Schema.optionalKey(Schema.String),
});
/** See {@link Change}. */
export type Change = typeof Change.Type;

/**
 * `fresh`: an earlier execution is reused; `stale`: it runs; `unknown`: it depends on a stage that
 * runs, and is reused if that one's output turns out to be the same; `skipped`: on a branch that is
 * not taken.
 */
export const PlannedStage = Schema.Struct({
  stage: Schema.String,
  state: Schema.Literals(["fresh", "stale", "unknown", "skipped"]),
  /** In words. */
  reason: Schema.String,
  changes: Schema.Array(Change),
  /** The run whose output is reused. */
  from: Schema.optionalKey(Schema.String),
});
/** See {@link PlannedStage}. */
export type PlannedStage = typeof PlannedStage.Type;

/** What a run would do, stage by stage in graph order. */
export const Plan = Schema.Struct({ pipeline: Schema.String, stages: Schema.Array(PlannedStage) });
/** See {@link Plan}. */
export type Plan = typeof Plan.Type;
