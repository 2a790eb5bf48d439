/**
 * The engine for one machine: runs the graph in this process with structured concurrency, records the
 * run in the {@link Store}, and skips a stage whose inputs, parameters and code are unchanged.
 */
import { randomBytes } from "node:crypto";
import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import type { ArtifactStore } from "./Artifact.ts";
import { Engine, type OutputMismatch, type RunEvent, type RunOptions } from "./Engine.ts";
import * as Graph from "./Graph.ts";
import * as Hook from "./Hook.ts";
import { decideHooks } from "./internal/decideHooks.ts";
import { executeStage } from "./internal/executeStage.ts";
import { statusOf } from "./internal/failure.ts";
import type { Value, Values } from "./internal/outputs.ts";
import type { OutputsOf, Pipeline } from "./Pipeline.ts";
import type { HookRecord, Run, StageRun } from "./Run.ts";
import { Store, type StoreError } from "./Store.ts";

/**
 * The local engine on a store of runs and a store of artifacts.
 *
 * @example
 * ```ts
 * import { Artifact, LocalEngine, Store } from "@ml-pipe/core";
 * import * as Layer from "effect/Layer";
 *
 * // For tests: nothing is left behind.
 * const engine = LocalEngine.layer.pipe(
 *   Layer.provide([Store.Store.layerMemory, Artifact.ArtifactStore.layerTemporary]),
 * );
 * ```
 */
export const layer: Layer.Layer<Engine, never, Store | ArtifactStore> = Layer.effect(
  Engine,
  Effect.gen(function* () {
    const services = yield* Effect.context<Store | ArtifactStore>();
    return Engine.of({
      run: (pipeline, options = {}) =>
        runWithHooks(pipeline, options).pipe(Effect.provideContext(services)),
    });
  }),
);

/** Runs a pipeline; if armed hooks ask for a re-run, runs it once more from their targets. */
const runWithHooks = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline<A, E, R>,
  options: RunOptions,
) {
  const first = yield* runOnce(pipeline, options, {
    forced: () => (options.force === true ? "forced" : undefined),
  });
  const acted = first.run.hooks.filter(
    ({ hook, decisions }) =>
      hook.armed && hook.action === "rerun" && decisions.some(({ act }) => act),
  );
  const [cause] = acted;
  if (cause === undefined) return first;
  const targets = acted.map(({ to }) => to);
  const again = targets.includes(undefined) ? undefined : descendants(pipeline, new Set(targets));
  const reason = `the hook on signal ${cause.signal} of run ${first.run.id} asked for it`;
  return yield* runOnce(pipeline, options, {
    forced: (stage) => (again === undefined || again.has(stage) ? reason : undefined),
    causedBy: { run: first.run.id, signal: cause.signal },
  });
});

interface Trigger {
  /** Why a stage must run whatever is cached, if it must. */
  readonly forced: (stage: string) => string | undefined;
  readonly causedBy?: NonNullable<Run["causedBy"]>;
}

const runOnce = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline<A, E, R>,
  options: RunOptions,
  { forced, ...trigger }: Trigger,
) {
  const store = yield* Store;
  const emit = options.onEvent ?? (() => Effect.void);
  const startedAt = new Date(yield* Clock.currentTimeMillis);
  const begun: Run = {
    id: runId(startedAt),
    pipeline: pipeline.name,
    status: "running",
    startedAt,
    pid: process.pid,
    ...trigger,
    graph: Graph.of(pipeline),
    stages: [],
    hooks: [],
  };
  const records = new Map<string, StageRun>();
  const record = (stage: StageRun) =>
    Effect.andThen(
      store.putStage(stage),
      Effect.sync(() => void records.set(stage.stage, stage)),
    );

  let ended: Run = begun;
  const end = Effect.fnUntraced(function* (exit: Exit.Exit<unknown, unknown>) {
    for (const { info } of pipeline.nodes) {
      if (records.has(info.name)) continue;
      yield* recordNotReached(begun.id, info.name, "the run ended before it", record, emit);
    }
    const stages = pipeline.nodes.flatMap(({ info }) => records.get(info.name) ?? []);
    const previous = yield* previousHooks(pipeline, begun);
    const succeeded = Exit.isSuccess(exit);
    const hooks = decideHooks(pipeline.feedback, { stages, succeeded, previous });
    const status = Exit.isSuccess(exit) ? "succeeded" : statusOf(exit.cause);
    const endedAt = new Date(yield* Clock.currentTimeMillis);
    ended = { ...begun, status, stages, hooks, endedAt };
    yield* store.endRun(ended);
    yield* Effect.forEach(hooks, (hook) => emit({ _tag: "HookDecided", record: hook }));
    yield* emit({ _tag: "RunEnded", run: ended });
  });

  const graph = runGraph(pipeline, { run: begun, forced, emit, record });
  const work = Effect.andThen(emit({ _tag: "RunStarted", run: begun }), graph);
  // Once the start is recorded, so is the end.
  const values = yield* Effect.uninterruptibleMask((restore) =>
    Effect.andThen(store.startRun(begun), Effect.onExit(restore(work), end)),
  );
  const outputs = Object.entries(pipeline.outputSources).map(([name, { node, port }]) => {
    const ports = values.get(node) ?? {};
    const single = ports[port ?? ""];
    const all = Object.entries(ports).map(([key, { value }]) => [key, value] as const);
    return [name, single === undefined ? Object.fromEntries(all) : single.value] as const;
  });
  // The graph's types say what each source holds; its schemas have just been checked.
  return { run: ended, outputs: Object.fromEntries(outputs) as OutputsOf<Pipeline<A, E, R>> };
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
  const others = (yield* store.runs(100)).filter(
    ({ id, status, causedBy }) => id !== run.id && status === "running" && causedBy !== undefined,
  );
  return previous.map((hook): HookRecord =>
    hook.state === undefined || others.some((other) => other.pipeline === pipeline.name)
      ? hook
      : { ...hook, state: Hook.settled(hook.state) },
  );
});

interface GraphRun {
  readonly run: Run;
  readonly forced: Trigger["forced"];
  readonly emit: (event: RunEvent) => Effect.Effect<void>;
  readonly record: (stage: StageRun) => Effect.Effect<void, StoreError>;
}

/**
 * Runs each node once its inputs are there. Fails with the first error in graph order, where one that
 * broke something comes before one that said no.
 */
const runGraph = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline<A, E, R>,
  { run, forced, emit, record }: GraphRun,
) {
  const slots = new Map<string, Deferred.Deferred<Option.Option<Values>>>();
  for (const { info } of pipeline.nodes) {
    slots.set(info.name, yield* Deferred.make<Option.Option<Values>>());
  }
  const take = (stage: string) => {
    const slot = slots.get(stage);
    return slot === undefined ? Effect.succeed(Option.none<Values>()) : Deferred.await(slot);
  };

  const ends = yield* Effect.forEach(
    pipeline.nodes,
    Effect.fnUntraced(function* (node): Effect.fn.Return<
      Exit.Exit<Values, E | OutputMismatch>,
      StoreError,
      R | Store | ArtifactStore
    > {
      const stage = node.info.name;
      const inputs: Record<string, Value> = {};
      for (const [port, source] of Object.entries(node.inputs)) {
        const values = yield* take(source.node);
        const value = Option.getOrUndefined(values)?.[source.port ?? ""];
        if (value !== undefined) inputs[port] = value;
      }
      const slot = slots.get(stage);
      const settle = (values: Option.Option<Values>) =>
        slot === undefined ? Effect.void : Deferred.succeed(slot, values);
      if (Object.keys(inputs).length < Object.keys(node.inputs).length) {
        const note = "a stage it depends on did not succeed";
        yield* recordNotReached(run.id, stage, note, record, emit);
        yield* settle(Option.none());
        return Exit.succeed({});
      }
      const exit = yield* executeStage({
        run,
        node,
        inputs,
        forced: forced(stage),
        earlier: undefined,
        emit,
        record,
      });
      yield* settle(Exit.isSuccess(exit) ? Option.some(exit.value) : Option.none());
      return exit;
    }),
    { concurrency: "unbounded" },
  );

  const causes = ends.flatMap((exit) => (Exit.isFailure(exit) ? [exit.cause] : []));
  const worst = causes.find((cause) => statusOf(cause) === "failed") ?? causes[0];
  if (worst !== undefined) return yield* Effect.failCause(worst);
  return new Map(
    ends.flatMap((exit, index) => {
      const stage = pipeline.nodes[index]?.info.name;
      return stage === undefined || Exit.isFailure(exit) ? [] : [[stage, exit.value] as const];
    }),
  );
});

const recordNotReached = Effect.fnUntraced(function* (
  run: string,
  stage: string,
  note: string,
  record: GraphRun["record"],
  emit: GraphRun["emit"],
) {
  const now = new Date(yield* Clock.currentTimeMillis);
  const notReached: StageRun = {
    run,
    stage,
    status: "not-reached",
    startedAt: now,
    endedAt: now,
    cacheNote: note,
    findings: [],
    exhibits: [],
    signals: [],
  };
  yield* record(notReached);
  yield* emit({ _tag: "StageEnded", stage: notReached });
});

/** The stages and all that depend on them. */
const descendants = (
  pipeline: Pipeline,
  stages: ReadonlySet<string | undefined>,
): ReadonlySet<string | undefined> => {
  const found = new Set(stages);
  for (const { info, inputs } of pipeline.nodes) {
    if (Object.values(inputs).some(({ node }) => found.has(node))) found.add(info.name);
  }
  return found;
};

/** Sorts by time, and its beginning is short enough to type: `20261124-072342-1f0a93bc`. */
const runId = (at: Date): string => {
  const [date = "", time = ""] = at.toISOString().replace(/[-:]/g, "").split("T");
  return `${date}-${time.slice(0, 6)}-${randomBytes(4).toString("hex")}`;
};
