/** One run of a pipeline, from its first record to its last. */
import { randomBytes } from "node:crypto";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Option from "effect/Option";
import type { ArtifactStore } from "../Artifact.ts";
import {
  type EngineError,
  ResourcesExceeded,
  type RunEvent,
  RunNotResumable,
  type RunOptions,
} from "../Engine.ts";
import * as Graph from "../Graph.ts";
import * as Hook from "../Hook.ts";
import type { OutputsOf, Pipeline } from "../Pipeline.ts";
import type { HookRecord, Run, StageRun } from "../Run.ts";
import { Store } from "../Store.ts";
import { decideHooks } from "./decideHooks.ts";
import { statusOf } from "./failure.ts";
import { needsOf, type ResourcePool } from "./resourcePool.ts";
import { notRun, runGraph } from "./runGraph.ts";
import { annotateRun, runSpan } from "./spans.ts";

/** What a run is begun with beside its options. */
export interface Beginning {
  readonly pool: ResourcePool;
  /** Why stages must run whatever is cached, by stage. */
  readonly forced?: { readonly [stage: string]: string };
  readonly causedBy?: Run["causedBy"];
}

/** Runs a pipeline once, or goes on with a run that did not end. */
export const runOnce = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline<A, E, R>,
  options: RunOptions,
  beginning: Beginning,
): Effect.fn.Return<
  { readonly run: Run; readonly outputs: OutputsOf<Pipeline<A, E, R>> },
  E | EngineError,
  R | Store | ArtifactStore
> {
  const store = yield* Store;
  const emit: (event: RunEvent) => Effect.Effect<void> = options.onEvent ?? (() => Effect.void);
  yield* checkResources(pipeline, beginning.pool);
  const unfinished = yield* unfinishedRun(pipeline, options.resume);
  const begun = yield* beginRun(pipeline, options, beginning, unfinished);
  const records = new Map(unfinished?.stages.map((stage) => [stage.stage, stage]));
  const earlier = new Map(records);
  const done = new Set<string>();
  const record = (stage: StageRun) =>
    Effect.map(store.putStage(stage), () => {
      records.set(stage.stage, stage);
      if (stage.endedAt !== undefined) done.add(stage.stage);
    });
  /** Also those that were finished before: their events say so, and nothing is written. */
  const tell = (event: RunEvent) => {
    if (event._tag === "StageEnded") done.add(event.stage.stage);
    return emit(event);
  };

  let ended: Run = begun;
  const end = Effect.fnUntraced(function* (exit: Exit.Exit<unknown, unknown>) {
    const how = { run: begun, emit, record };
    for (const { info } of pipeline.nodes) {
      if (done.has(info.name)) continue;
      yield* notRun(info.name, "not-reached", "the run ended before it", how);
    }
    const stages = pipeline.nodes.flatMap(({ info }) => records.get(info.name) ?? []);
    const previous = yield* previousHooks(pipeline, begun);
    const succeeded = Exit.isSuccess(exit);
    const hooks = decideHooks(pipeline.feedback, { stages, succeeded, previous });
    const status = Exit.isSuccess(exit) ? "succeeded" : statusOf(exit.cause);
    const endedAt = new Date(yield* Clock.currentTimeMillis);
    ended = { ...begun, status, stages, hooks, endedAt };
    yield* store.endRun(ended);
    yield* annotateRun(ended);
    yield* Effect.forEach(hooks, (hook) => emit({ _tag: "HookDecided", record: hook }));
    yield* emit({ _tag: "RunEnded", run: ended });
  });

  const { pool } = beginning;
  const { keepStopped } = options;
  const graph = runGraph(pipeline, { run: begun, earlier, keepStopped, pool, emit: tell, record });
  const work = Effect.andThen(emit({ _tag: "RunStarted", run: begun }), graph);
  const start = unfinished === undefined ? store.startRun(begun) : store.resumeRun(begun);
  // Once the start is recorded, so is the end.
  const values = yield* Effect.uninterruptibleMask((restore) =>
    Effect.andThen(start, Effect.onExit(restore(work), end)),
  ).pipe(runSpan(begun));
  const outputs = Object.entries(pipeline.outputSources).map(([name, { node, port }]) => {
    const ports = values.get(node) ?? {};
    const single = ports[port ?? ""];
    const all = Object.entries(ports).map(([key, { value }]) => [key, value] as const);
    return [name, single === undefined ? Object.fromEntries(all) : single.value] as const;
  });
  // The graph's types say what each source holds; its schemas have just been checked.
  return { run: ended, outputs: Object.fromEntries(outputs) as OutputsOf<Pipeline<A, E, R>> };
});

/** Refuses a stage that could never start on this machine, before anything runs. */
const checkResources = (
  pipeline: Pipeline,
  { capacity }: ResourcePool,
): Effect.Effect<void, ResourcesExceeded> => {
  for (const { info } of pipeline.nodes) {
    const { cores, memoryBytes } = needsOf(info.resources, capacity);
    if (cores > capacity.cores || memoryBytes > capacity.memoryBytes) {
      const asked = { cores, memoryBytes };
      return Effect.fail(new ResourcesExceeded({ stage: info.name, asked, there: capacity }));
    }
  }
  return Effect.void;
};

/** The run to go on with, if one is named. */
const unfinishedRun = Effect.fnUntraced(function* (pipeline: Pipeline, id: string | undefined) {
  if (id === undefined) return undefined;
  const store = yield* Store;
  const run = Option.getOrUndefined(yield* store.run(id));
  const refuse = (problem: string, next: string) =>
    new RunNotResumable({ run: run?.id ?? id, problem, next });
  if (run === undefined) return yield* refuse("there is no such run", "`ml-pipe runs` lists them");
  if (run.pipeline !== pipeline.name) {
    return yield* refuse(
      `it is a run of pipeline "${run.pipeline}", not of "${pipeline.name}"`,
      "Resume it with the file of that pipeline",
    );
  }
  if (run.status === "succeeded") {
    return yield* refuse("it has succeeded: nothing is left to do", "Begin a new run");
  }
  // This process owns the folder: another one that has the number of the old one does not run it.
  if (run.status === "running" && run.pid === process.pid) {
    return yield* refuse(`process ${run.pid} is running it`, "Wait until it has ended, or stop it");
  }
  return run;
});

const beginRun = Effect.fnUntraced(function* (
  pipeline: Pipeline,
  options: RunOptions,
  { forced, causedBy = options.causedBy }: Beginning,
  unfinished: Run | undefined,
) {
  const now = new Date(yield* Clock.currentTimeMillis);
  const graph = Graph.of(pipeline);
  if (unfinished !== undefined) {
    const { endedAt: _, ...before } = unfinished;
    return {
      ...before,
      status: "running",
      pid: process.pid,
      resumedAt: [...(before.resumedAt ?? []), now],
      graph,
      stages: [],
      hooks: [],
    } satisfies Run;
  }
  const { startedBy, file } = options;
  return {
    id: runId(now),
    pipeline: pipeline.name,
    status: "running",
    startedAt: now,
    pid: process.pid,
    ...(startedBy === undefined ? {} : { startedBy }),
    ...(file === undefined ? {} : { file }),
    ...(causedBy === undefined ? {} : { causedBy }),
    ...(forced === undefined || Object.keys(forced).length === 0 ? {} : { forced }),
    graph,
    stages: [],
    hooks: [],
  } satisfies Run;
});

/**
 * Where earlier runs left the hooks. An action that began in a run whose re-run is not on its way any
 * more (it has ended, or its process died) is not in flight.
 */
const previousHooks = Effect.fnUntraced(function* (pipeline: Pipeline, run: Run) {
  if (pipeline.feedback.length === 0) return [];
  const store = yield* Store;
  const previous = yield* store.hooks(pipeline.name);
  if (!previous.some(({ state }) => state?.inFlight === true)) return previous;
  const others = (yield* store.runs(100, pipeline.name)).some(
    ({ id, status, causedBy }) => id !== run.id && status === "running" && causedBy !== undefined,
  );
  if (others) return previous;
  return previous.map((hook): HookRecord =>
    hook.state === undefined ? hook : { ...hook, state: Hook.settled(hook.state) },
  );
});

/** Sorts by time, and its beginning is short enough to type: `20261124-072342-1f0a93bc`. */
const runId = (at: Date): string => {
  const [date = "", time = ""] = at.toISOString().replace(/[-:]/g, "").split("T");
  return `${date}-${time.slice(0, 6)}-${randomBytes(4).toString("hex")}`;
};
