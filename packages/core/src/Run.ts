/**
 * Runs: what happened when a pipeline ran, as data. Written before and after each stage, so that a
 * killed process leaves a true record.
 */
import * as Schema from "effect/Schema";
import { Exhibit } from "./Exhibit.ts";
import { Finding } from "./Finding.ts";
import { Graph } from "./Graph.ts";
import { Ask } from "./internal/approval.ts";
import { Decision, Hook, HookState } from "./Hook.ts";
import { Emitted } from "./Signal.ts";

/**
 * `stopped`: a gate or a contract said no, as it should; `suspended`: it waits for something outside,
 * such as an approval, and goes on when it is resumed; `failed`: something broke.
 */
export const RunStatus = Schema.Literals([
  "running",
  "succeeded",
  "stopped",
  "suspended",
  "failed",
  "interrupted",
]);
/** See {@link RunStatus}. */
export type RunStatus = typeof RunStatus.Type;

/**
 * As {@link RunStatus}, and `cached` (nothing to do), `skipped` (on a branch that was not taken) and
 * `not-reached` (something before it did not succeed).
 */
export const StageStatus = Schema.Literals([
  "running",
  "succeeded",
  "cached",
  "skipped",
  "stopped",
  "suspended",
  "failed",
  "interrupted",
  "not-reached",
]);
/** See {@link StageStatus}. */
export type StageStatus = typeof StageStatus.Type;

const problem = { tag: Schema.String, message: Schema.String };

/** Why one item of a stage that fans out failed. */
export const ItemFailure = Schema.Struct({
  key: Schema.String,
  failure: Schema.Struct(problem),
});
/** See {@link ItemFailure}. */
export type ItemFailure = typeof ItemFailure.Type;

/** An error as it is recorded and shown. */
export const Failure = Schema.Struct({
  ...problem,
  /** All items that failed, where the error is about items. */
  items: Schema.optionalKey(Schema.Array(ItemFailure)),
});
/** See {@link Failure}. */
export type Failure = typeof Failure.Type;

/** All that a cache key is made of: two executions with equal ingredients are the same. */
export const Ingredients = Schema.Struct({
  /** Digest of what the stage uses of each source file or package, by name. */
  code: Schema.Record(Schema.String, Schema.String),
  params: Schema.Json,
  /** Digest of the charter the stage was built for, if it was. */
  charter: Schema.NullOr(Schema.String),
  /** Digests of contracts, by port. */
  contracts: Schema.Record(Schema.String, Schema.String),
  /** Digests of the values of declared environment variables; null if one is not set. */
  environment: Schema.Record(Schema.String, Schema.NullOr(Schema.String)),
  /** What it reads beside its inputs: its fingerprint. */
  reads: Schema.Json,
  /** Digests of inputs, by port. */
  inputs: Schema.Record(Schema.String, Schema.String),
});
/** See {@link Ingredients}. */
export type Ingredients = typeof Ingredients.Type;

/** An attempt of a stage that failed and was made again. */
export const Attempt = Schema.Struct({
  failure: Failure,
  at: Schema.DateFromString,
  /** How long the stage waited before the next attempt. */
  delayMs: Schema.Finite,
});
/** See {@link Attempt}. */
export type Attempt = typeof Attempt.Type;

/** How the items of a stage that fans out stand. */
export const ItemCounts = Schema.Struct({
  total: Schema.Int,
  succeeded: Schema.Int,
  cached: Schema.Int,
  failed: Schema.Int,
});
/** See {@link ItemCounts}. */
export type ItemCounts = typeof ItemCounts.Type;

/** One stage in one run. */
export const StageRun = Schema.Struct({
  run: Schema.String,
  stage: Schema.String,
  status: StageStatus,
  startedAt: Schema.DateFromString,
  endedAt: Schema.optionalKey(Schema.DateFromString),
  /** Digest of the ingredients; absent if the stage's code could not be identified. */
  cacheKey: Schema.optionalKey(Schema.String),
  /** Present with the cache key. */
  ingredients: Schema.optionalKey(Ingredients),
  /** `true`: acts on the outside world or was stopped early, so that only the same run may reuse its output. */
  thisRunOnly: Schema.optionalKey(Schema.Boolean),
  /** `true`: the run was interrupted, and the stage ended early with what it had by then. */
  stoppedEarly: Schema.optionalKey(Schema.Boolean),
  /** Why the stage ran or did not, in words. */
  cacheNote: Schema.String,
  /** The run that executed it, if this one reused its output. */
  reusedFrom: Schema.optionalKey(Schema.String),
  /** The output as JSON, by port ("" for a single one). */
  outputs: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  rows: Schema.optionalKey(Schema.Int),
  /** Size of the artifacts among its outputs. */
  bytes: Schema.optionalKey(Schema.Int),
  items: Schema.optionalKey(ItemCounts),
  /** Attempts that failed and were made again. */
  attempts: Schema.optionalKey(Schema.Array(Attempt)),
  /** What a suspended stage waits for. */
  asks: Schema.optionalKey(Ask),
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
  /** Who started it, as far as is known: the author whom an approver must differ from. */
  startedBy: Schema.optionalKey(Schema.String),
  /** The pipeline's file, if it was run from one: where `resume` finds it again. */
  file: Schema.optionalKey(Schema.String),
  /** The hook of another run, or the trigger, that caused this one. */
  causedBy: Schema.optionalKey(
    Schema.Union([
      Schema.Struct({ run: Schema.String, signal: Schema.String }),
      Schema.Struct({ trigger: Schema.String, occurrence: Schema.String }),
    ]),
  ),
  /** Why stages had to run whatever was cached, by stage. */
  forced: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** When it went on after an interruption or a wait. */
  resumedAt: Schema.optionalKey(Schema.Array(Schema.DateFromString)),
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
