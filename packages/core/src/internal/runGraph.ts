/** Runs the nodes of a graph, each once its inputs are there. */
import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import type { ArtifactStore } from "../Artifact.ts";
import type { OutputMismatch, RunEvent } from "../Engine.ts";
import type { Pipeline } from "../Pipeline.ts";
import type { Source } from "../Ref.ts";
import type { Run, StageRun } from "../Run.ts";
import type { Store, StoreError } from "../Store.ts";
import type { GraphNode } from "./builder.ts";
import { executeStage } from "./executeStage.ts";
import { statusOf } from "./failure.ts";
import { choiceValues, takenBranch, valueAt } from "./graphWalk.ts";
import type { Value, Values } from "./outputs.ts";
import type { ResourcePool } from "./resourcePool.ts";

/** How a graph is run. */
export interface GraphRun {
  readonly run: Pick<Run, "id" | "pipeline" | "startedBy" | "forced">;
  /** What this run recorded before it was interrupted, by stage. */
  readonly earlier: ReadonlyMap<string, StageRun>;
  readonly keepStopped: boolean | undefined;
  readonly pool: ResourcePool;
  readonly emit: (event: RunEvent) => Effect.Effect<void>;
  readonly record: (stage: StageRun) => Effect.Effect<void, StoreError>;
}

interface NodeEnd<E> {
  readonly exit: Exit.Exit<Values, E | OutputMismatch>;
  /** For those that depend on it; absent if it did not run, or not to its end. */
  readonly values?: Values;
}

/**
 * Runs each node once its inputs are there; the values of those that ran. Fails with the first error in
 * graph order, where one that broke something comes before one that said no, and that before one that
 * waits.
 */
export const runGraph = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline<A, E, R>,
  graphRun: GraphRun,
): Effect.fn.Return<
  ReadonlyMap<string, Values>,
  E | OutputMismatch | StoreError,
  R | Store | ArtifactStore
> {
  const slots = new Map<string, Deferred.Deferred<Values | undefined>>();
  for (const { info } of pipeline.nodes)
    slots.set(info.name, yield* Deferred.make<Values | undefined>());
  const take = (stage: string): Effect.Effect<Values | undefined> => {
    const slot = slots.get(stage);
    return slot === undefined ? Effect.succeed(undefined) : Deferred.await(slot);
  };

  const values = new Map<string, Values>();
  const causes = yield* Effect.forEach(
    pipeline.nodes,
    Effect.fnUntraced(function* (node) {
      const { exit, values: given } = yield* runNode(node, take, graphRun);
      if (given !== undefined) values.set(node.info.name, given);
      const slot = slots.get(node.info.name);
      if (slot !== undefined) yield* Deferred.succeed(slot, given);
      return Exit.isFailure(exit) ? [exit.cause] : [];
    }),
    { concurrency: "unbounded" },
  );
  const failed = causes.flat();
  const worst =
    failed.find((cause) => statusOf(cause) === "failed") ??
    failed.find((cause) => statusOf(cause) === "stopped") ??
    failed[0];
  return worst === undefined ? values : yield* Effect.failCause(worst);
});

const runNode = Effect.fnUntraced(function* <E, R>(
  node: GraphNode<E, R>,
  take: (stage: string) => Effect.Effect<Values | undefined>,
  graphRun: GraphRun,
): Effect.fn.Return<NodeEnd<E>, StoreError, R | Store | ArtifactStore> {
  const { run, earlier } = graphRun;
  const stage = node.info.name;
  const without: NodeEnd<E> = { exit: Exit.succeed({}) };
  const value = Effect.fnUntraced(function* (source: Source | undefined) {
    return source === undefined ? undefined : valueAt(yield* take(source.node), source);
  });

  for (const { from, is } of node.when) {
    const decided = yield* value(from);
    if (decided === undefined) {
      yield* notRun(stage, "not-reached", "the choice of its branch was not made", graphRun);
      return without;
    }
    if (decided.value !== is) {
      yield* notRun(stage, "skipped", "on a branch that was not taken", graphRun);
      return without;
    }
  }

  const missing = notRun(
    stage,
    "not-reached",
    "a stage it depends on did not succeed",
    graphRun,
  ).pipe(Effect.as(without));

  if (node.info.kind === "choice") {
    const condition = yield* value(node.inputs["if"]);
    if (condition === undefined) return yield* missing;
    const chosen = yield* value(takenBranch(node, condition));
    if (chosen === undefined) return yield* missing;
    yield* recordChoice(stage, condition, chosen, graphRun);
    return { ...without, values: choiceValues(chosen) };
  }

  const inputs: Record<string, Value> = {};
  for (const [port, source] of Object.entries(node.inputs)) {
    const found = yield* value(source);
    if (found !== undefined) inputs[port] = found;
  }
  if (Object.keys(inputs).length < Object.keys(node.inputs).length) return yield* missing;
  const forced = run.forced?.[stage];
  const request = { ...graphRun, node, inputs, forced, earlier: earlier.get(stage) };
  const exit = yield* executeStage(request);
  return Exit.isSuccess(exit) ? { exit, values: exit.value } : { exit };
});

/** Records a stage that did not run. */
export const notRun = Effect.fnUntraced(function* (
  stage: string,
  status: "skipped" | "not-reached",
  cacheNote: string,
  { run, emit, record }: Pick<GraphRun, "run" | "emit" | "record">,
) {
  const ended = { ...(yield* emptyRecord(run.id, stage)), status, cacheNote };
  yield* record(ended);
  yield* emit({ _tag: "StageEnded", stage: ended });
});

const recordChoice = Effect.fnUntraced(function* (
  stage: string,
  condition: Value,
  { json }: Value,
  { run, emit, record }: GraphRun,
) {
  const taken = condition.value === true ? "yes" : "no";
  const ended: StageRun = {
    ...(yield* emptyRecord(run.id, stage)),
    status: "succeeded",
    cacheNote: `took the branch "${taken}"`,
    outputs: { "": json },
  };
  yield* record(ended);
  yield* emit({ _tag: "StageEnded", stage: ended });
});

const emptyRecord = Effect.fnUntraced(function* (run: string, stage: string) {
  const now = new Date(yield* Clock.currentTimeMillis);
  return { run, stage, startedAt: now, endedAt: now, findings: [], exhibits: [], signals: [] };
});
