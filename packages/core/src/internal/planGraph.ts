/** What a run would do, found by the same look-ups that a run makes, without running anything. */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type { ArtifactStore } from "../Artifact.ts";
import type { RunOptions } from "../Engine.ts";
import type { Pipeline } from "../Pipeline.ts";
import type { Plan, PlannedStage } from "../Plan.ts";
import type { StageRun } from "../Run.ts";
import { Store, type StoreError } from "../Store.ts";
import type { GraphNode } from "./builder.ts";
import { identityOf, lookUp } from "./cacheKey.ts";
import { changesBetween, changesText } from "./changes.ts";
import { choiceValues, takenBranch, valueAt } from "./graphWalk.ts";
import type { Value, Values } from "./outputs.ts";

/**
 * The plan of a pipeline, or of going on with a run of it. Reads what stages read beside their inputs,
 * and nothing else.
 */
export const planGraph = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline<A, E, R>,
  asked: { readonly [stage: string]: string },
  { resume, keepStopped }: Pick<RunOptions, "resume" | "keepStopped">,
): Effect.fn.Return<Plan, StoreError, R | Store | ArtifactStore> {
  const store = yield* Store;
  const run = resume === undefined ? undefined : Option.getOrUndefined(yield* store.run(resume));
  const earlier = new Map(run?.stages.map((stage) => [stage.stage, stage]));
  const forced = run === undefined ? asked : (run.forced ?? {});
  const known = new Map<string, Values>();
  const stages: Array<PlannedStage> = [];
  for (const node of pipeline.nodes) {
    const { planned, values } = yield* planNode(node, {
      pipeline: pipeline.name,
      forced: forced[node.info.name],
      earlier: earlier.get(node.info.name),
      keepStopped,
      known,
      stages,
    });
    stages.push(planned);
    if (values !== undefined) known.set(node.info.name, values);
  }
  return { pipeline: pipeline.name, stages };
});

interface SoFar {
  readonly pipeline: string;
  readonly forced: string | undefined;
  /** What the run that is gone on with recorded of the stage. */
  readonly earlier: StageRun | undefined;
  readonly keepStopped: boolean | undefined;
  readonly known: ReadonlyMap<string, Values>;
  readonly stages: ReadonlyArray<PlannedStage>;
}

interface Planned {
  readonly planned: PlannedStage;
  readonly values?: Values;
}

const planNode = Effect.fnUntraced(function* <E, R>(
  node: GraphNode<E, R>,
  { pipeline, forced, earlier, keepStopped, known, stages }: SoFar,
): Effect.fn.Return<Planned, StoreError, R | Store | ArtifactStore> {
  const { info } = node;
  const is = (
    state: PlannedStage["state"],
    reason: string,
    changes: PlannedStage["changes"] = [],
  ): Planned => ({ planned: { stage: info.name, state, reason, changes } });
  const at = (source: GraphNode["inputs"][string]) => valueAt(known.get(source.node), source);

  for (const { from, is: wanted, choice } of node.when) {
    const decided = at(from);
    if (decided === undefined) return is("unknown", `depends on the choice of "${choice}"`);
    if (decided.value !== wanted) return is("skipped", "on a branch that is not taken");
  }
  if (info.kind === "choice") {
    const condition = node.inputs["if"] === undefined ? undefined : at(node.inputs["if"]);
    const taken = condition === undefined ? undefined : takenBranch(node, condition);
    const value = taken === undefined ? undefined : at(taken);
    if (value === undefined) return is("unknown", "depends on a stage that runs");
    return { ...is("fresh", "its branch is fresh"), values: choiceValues(value) };
  }

  const inputs: Record<string, Value> = {};
  for (const [port, source] of Object.entries(node.inputs)) {
    const value = at(source);
    if (value !== undefined) inputs[port] = value;
  }
  const waiting = Object.values(node.inputs).filter((source) => at(source) === undefined);
  const identified = yield* Effect.result(identityOf(node, inputs));
  if (identified._tag === "Failure") {
    return is("stale", `cannot tell: ${wordsOf(identified.failure)}`);
  }
  const identity = identified.success;
  if (waiting.length === 0) {
    const question = { pipeline, info, identity, forced, earlier, keepStopped };
    const found = yield* lookUp(question);
    if (found._tag === "Miss") return is("stale", found.reason, found.changes);
    const fresh = is("fresh", "inputs, parameters and code are unchanged");
    const from = found.record.reusedFrom ?? found.record.run;
    return { planned: { ...fresh.planned, from }, values: found.values };
  }

  if (identity._tag === "Unknown") return is("stale", `not cached: ${identity.reason}`);
  if (info.kind === "approval") return is("stale", "asks every time");
  const before = [...new Set(waiting.map((source) => source.node))];
  const states = before.map((name) => stages.find(({ stage }) => stage === name)?.state);
  const runs = states.includes("stale") ? "runs" : "may run";
  const depends = is("unknown", `depends on ${before.join(", ")}, which ${runs}`);
  // It is not done again in the same run, if its inputs turn out the same.
  const repeats = earlier?.stoppedEarly === true && keepStopped !== true;
  if (earlier?.status === "succeeded" && earlier.thisRunOnly === true && !repeats) return depends;
  if (info.cache === "never") return is("stale", "acts on the outside world: never cached");
  if (forced !== undefined) return is("stale", forced);
  const last = Option.getOrUndefined(yield* (yield* Store).lastExecution(pipeline, info.name));
  if (last?.ingredients === undefined) return is("stale", "it has not run before");
  // Its inputs are not known yet; what else has changed makes it stale whatever they are.
  const { inputs: was } = last.ingredients;
  const settled = {
    ...identity.ingredients,
    inputs: { ...was, ...identity.ingredients.inputs },
    ...(Effect.isEffect(node.fingerprint) ? {} : { reads: last.ingredients.reads }),
  };
  const changes = changesBetween(last.ingredients, settled);
  if (changes.length > 0) return is("stale", changesText(changes), changes);
  return depends;
});

const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
