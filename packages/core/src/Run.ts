/**
 * Runs: what happened when a pipeline ran, as data. Written before and after each stage, so that a
 * killed process leaves a true record.
 */
import * as Schema from "effect/Schema";
import { Exhibit } from "./Exhibit.ts";
import { Finding } from "./Finding.ts";
import { Graph } from "./Graph.ts";
import { Decision, Hook, HookState } from "./Hook.ts";
import { Emitted } from "./Signal.ts";

/** `stopped`: a gate or a contract said no, as it should; `failed`: something broke. */
export const RunStatus = Schema.Literals([
  "running",
  "succeeded",
  "stopped",
  "failed",
  "interrupted",
]);
/** See {@link RunStatus}. */
export type RunStatus = typeof RunStatus.Type;

/** As {@link RunStatus}, and `cached` (nothing to do) and `not-reached` (something before it ended). */
export const StageStatus = Schema.Literals([
  "running",
  "succeeded",
  "cached",
  "stopped",
  "failed",
  "interrupted",
  "not-reached",
]);
/** See {@link StageStatus}. */
export type StageStatus = typeof StageStatus.Type;

/** An error as it is recorded and shown. */
export const Failure = Schema.Struct({ tag: Schema.String, message: Schema.String });
/** See {@link Failure}. */
export type Failure = typeof Failure.Type;

/** One stage in one run. */
export const StageRun = Schema.Struct({
  run: Schema.String,
  stage: Schema.String,
  status: StageStatus,
  startedAt: Schema.DateFromString,
  endedAt: Schema.optionalKey(Schema.DateFromString),
  /** Absent if the stage is never cached or its code could not be identified. */
  cacheKey: Schema.optionalKey(Schema.String),
  /** Why the stage ran or did not, in words. */
  cacheNote: Schema.String,
  /** The run that executed it, if this one reused its output. */
  reusedFrom: Schema.optionalKey(Schema.String),
  /** The output as JSON, by port ("" for a single one). */
  outputs: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  rows: Schema.optionalKey(Schema.Int),
  findings: Schema.Array(Finding),
  exhibits: Schema.Array(Exhibit),
  signals: Schema.Array(Emitted),
  failure: Schema.optionalKey(Failure),
});
/** See {@link StageRun}. */
export type StageRun = typeof StageRun.Type;

/** What a hook decided on the signals of one run, and where that left it. */
export const HookRecord = Schema.Struct({
  stage: Schema.String,
  signal: Schema.String,
  to: Schema.optionalKey(Schema.String),
  hook: Hook,
  decisions: Schema.Array(Decision),
  /** Of a hook that is or was armed: what the next run starts from. */
  state: Schema.optionalKey(HookState),
});
/** See {@link HookRecord}. */
export type HookRecord = typeof HookRecord.Type;

/** A run without its stages: what a list of runs shows. */
export const RunSummary = Schema.Struct({
  id: Schema.String,
  pipeline: Schema.String,
  status: RunStatus,
  startedAt: Schema.DateFromString,
  endedAt: Schema.optionalKey(Schema.DateFromString),
  /** Process that runs it. */
  pid: Schema.Int,
  /** The run and hook that caused this one, if a hook did. */
  causedBy: Schema.optionalKey(Schema.Struct({ run: Schema.String, signal: Schema.String })),
});
/** See {@link RunSummary}. */
export type RunSummary = typeof RunSummary.Type;

/** A run: the read-only snapshot that every view renders. */
export const Run = Schema.Struct({
  ...RunSummary.fields,
  graph: Graph,
  stages: Schema.Array(StageRun),
  hooks: Schema.Array(HookRecord),
});
/** See {@link Run}. */
export type Run = typeof Run.Type;

/**
 * The recorded outputs of one stage of a run, by port, if it has them.
 *
 * @example
 * ```ts
 * import { Run } from "@ml-pipe/core";
 *
 * const verdictOf = (run: Run.Run) => Run.outputsOf(run, "evaluate")?.["verdict"];
 * ```
 */
export const outputsOf = (run: Run, stage: string): StageRun["outputs"] =>
  run.stages.find((record) => record.stage === stage)?.outputs;
