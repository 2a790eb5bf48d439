/**
 * Dumps: everything recorded about a run as one document that needs nothing else, for bug reports and
 * for other tools. Holds no secrets: records hold none, and of the environment only versions are told.
 */
import * as os from "node:os";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Approval } from "./Approval.ts";
import { Lineage, trace } from "./Lineage.ts";
import { Run } from "./Run.ts";
import { Store, type StoreError } from "./Store.ts";
import { ItemOutcome } from "./store/items.ts";

/** Where a dump was written. */
export const Machine = Schema.Struct({
  node: Schema.String,
  platform: Schema.String,
  architecture: Schema.String,
  cores: Schema.Int,
  memoryBytes: Schema.Finite,
});
/** See {@link Machine}. */
export type Machine = typeof Machine.Type;

/** Everything recorded about a run. */
export const RunDump = Schema.Struct({
  /** The form of this document: another number if it changes. */
  format: Schema.Literal("ml-pipe run 1"),
  dumpedAt: Schema.DateFromString,
  machine: Machine,
  /** With its graph, stages and hooks. */
  run: Run,
  /** Words given in the run, and those of other runs that counted in it. */
  approvals: Schema.Array(Approval),
  /** Items of its fan-outs that it executed itself, and what came of each. */
  items: Schema.Array(
    Schema.Struct({ stage: Schema.String, key: Schema.String, outcome: ItemOutcome }),
  ),
  /** What its stages logged, as `ml-pipe logs --json` has it; absent if the log was not asked for. */
  log: Schema.optionalKey(Schema.Array(Schema.Json)),
  /** Where all its outputs come from, over other runs too. */
  lineage: Lineage,
}).annotate({ title: "RunDump" });
/** See {@link RunDump}. */
export type RunDump = typeof RunDump.Type;

/**
 * Everything recorded about a run.
 *
 * @example
 * ```ts
 * import { type Run, RunDump } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const encode = Schema.encodeEffect(Schema.fromJsonString(RunDump.RunDump));
 * const text = (run: Run.Run) => Effect.flatMap(RunDump.of(run), encode);
 * ```
 */
export const of = Effect.fnUntraced(function* (
  run: Run,
): Effect.fn.Return<RunDump, StoreError, Store> {
  const { approvals, items } = yield* Store;
  const gates = run.graph.stages.filter(({ kind }) => kind === "approval");
  const given = yield* Effect.forEach(gates, ({ name }) => approvals.at(run.pipeline, name));
  const asked = new Set(run.stages.flatMap(({ asks }) => asks?.evidence ?? []));
  const approved = new Set(run.stages.flatMap(({ outputs }) => evidenceOf(outputs?.[""])));
  const places = run.stages.flatMap(({ stage, outputs = {}, reusedFrom = run.id }) =>
    Object.keys(outputs).map((port) => ({ run: reusedFrom, stage, port })),
  );
  return {
    format: "ml-pipe run 1",
    dumpedAt: new Date(yield* Clock.currentTimeMillis),
    machine: {
      node: process.version,
      platform: process.platform,
      architecture: process.arch,
      cores: os.availableParallelism(),
      memoryBytes: os.totalmem(),
    },
    run,
    approvals: given
      .flat()
      .filter(
        (word) => word.run === run.id || asked.has(word.evidence) || approved.has(word.evidence),
      ),
    items: (yield* items.executed(run.id)).map(({ run: _, ...item }) => item),
    lineage: yield* trace(places, "up"),
  };
});

/** What an approval that counted was given on. */
const evidenceOf = (output: Schema.Json | undefined): ReadonlyArray<string> => {
  if (typeof output !== "object" || output === null || !("evidence" in output)) return [];
  const { evidence } = output;
  return typeof evidence === "string" ? [evidence] : [];
};
