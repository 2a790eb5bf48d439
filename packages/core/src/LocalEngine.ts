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
import { executeStage, type Value, type Values } from "./internal/executeStage.ts";
import { statusOf } from "./internal/failure.ts";
import type { OutputsOf, Pipeline } from "./Pipeline.ts";
import type { HookRecord, Run, StageRun } from "./Run.ts";
import { Store, type StoreError } from "./Store.ts";

/** The local engine on a store of runs and a store of artifacts. */
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

/** Runs a pipeline; if an armed hook asks for a re-run, runs it once more from the hook's target. */
const runWithHooks = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline<A, E, R>,
  options: RunOptions,
) {
  const first = yield* runOnce(pipeline, options, {
    forced: () => options.force ?? false,
  });
  const acted = first.run.hooks.find(
    ({ hook, decisions }) =>
      hook.armed && hook.action === "rerun" && decisions.some(({ act }) => act),
  );
  if (acted === undefined) return first;
  const again = acted.to === undefined ? undefined : descendants(pipeline, acted.to);
  return yield* runOnce(pipeline, options, {
    forced: (stage) => again === undefined || again.has(stage),
    causedBy: { run: first.run.id, signal: acted.signal },
  });
});

interface Trigger {
  readonly forced: (stage: string) => boolean;
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
  yield* store.startRun(begun);
  yield* emit({ _tag: "RunStarted", run: begun });

  let ended: Run = begun;
  const end = Effect.fnUntraced(function* (exit: Exit.Exit<unknown, unknown>) {
    const { stages } = Option.getOrElse(yield* store.run(begun.id), () => begun);
    const hooks = pipeline.feedback.map((edge) => decideHook(edge, stages));
    const status = Exit.isSuccess(exit) ? "succeeded" : statusOf(exit.cause);
    const endedAt = new Date(yield* Clock.currentTimeMillis);
    ended = { ...begun, status, stages, hooks, endedAt };
    yield* store.endRun(ended);
    yield* Effect.forEach(hooks, (record) => emit({ _tag: "HookDecided", record }));
    yield* emit({ _tag: "RunEnded", run: ended });
  });

  const values = yield* runGraph(pipeline, begun.id, forced, emit).pipe(
    Effect.onExit((exit) => end(exit)),
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

/** Runs each node once its inputs are there. Fails with the first error in graph order. */
const runGraph = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline<A, E, R>,
  run: string,
  forced: (stage: string) => boolean,
  emit: (event: RunEvent) => Effect.Effect<void>,
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
        yield* recordNotReached(run, stage, emit);
        yield* settle(Option.none());
        return Exit.succeed({});
      }
      const exit = yield* executeStage({ run, node, inputs, force: forced(stage), emit });
      yield* settle(Exit.isSuccess(exit) ? Option.some(exit.value) : Option.none());
      return exit;
    }),
    { concurrency: "unbounded" },
  );

  const values = new Map<string, Values>();
  for (const [index, exit] of ends.entries()) {
    if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause);
    const stage = pipeline.nodes[index]?.info.name;
    if (stage !== undefined) values.set(stage, exit.value);
  }
  return values;
});

const recordNotReached = Effect.fnUntraced(function* (
  run: string,
  stage: string,
  emit: (event: RunEvent) => Effect.Effect<void>,
) {
  const store = yield* Store;
  const now = new Date(yield* Clock.currentTimeMillis);
  const record: StageRun = {
    run,
    stage,
    status: "not-reached",
    startedAt: now,
    endedAt: now,
    cacheNote: "a stage it depends on did not succeed",
    findings: [],
    exhibits: [],
    signals: [],
  };
  yield* store.putStage(record);
  yield* emit({ _tag: "StageEnded", stage: record });
});

const decideHook = (
  { node, signal, to, hook }: Pipeline["feedback"][number],
  stages: ReadonlyArray<StageRun>,
): HookRecord => {
  const stage = stages.find((record) => record.stage === node);
  const emitted = stage?.signals.filter((one) => one.signal === signal) ?? [];
  const history = emitted.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const target = to === undefined ? {} : { to };
  return { stage: node, signal, ...target, hook, decisions: Hook.replay(hook.policy, history) };
};

const descendants = (pipeline: Pipeline, stage: string): ReadonlySet<string> => {
  const found = new Set([stage]);
  for (const { info, inputs } of pipeline.nodes) {
    if (Object.values(inputs).some(({ node }) => found.has(node))) found.add(info.name);
  }
  return found;
};

/** Sorts by time and is short enough to type: `20261124-072342-k3f9`. */
const runId = (at: Date): string => {
  const [date = "", time = ""] = at.toISOString().replace(/[-:]/g, "").split("T");
  return `${date}-${time.slice(0, 6)}-${randomBytes(2).toString("hex")}`;
};
