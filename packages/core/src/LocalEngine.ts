/**
 * The engine for one machine: runs the graph in this process with structured concurrency, records the
 * run in the {@link Store}, and skips a stage whose inputs, parameters and code are unchanged.
 *
 * A stage starts when its inputs are there and the cores and memory that it declares are free.
 */
import * as ByteSize from "effect/ByteSize";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type { ArtifactStore } from "./Artifact.ts";
import { Engine, type RunOptions } from "./Engine.ts";
import { planGraph } from "./internal/planGraph.ts";
import { machineCapacity, makePool, type ResourcePool } from "./internal/resourcePool.ts";
import { runOnce } from "./internal/runOnce.ts";
import type { Pipeline } from "./Pipeline.ts";
import { Store } from "./Store.ts";

/** What the engine may use of the machine. */
export interface Limits {
  /** Default: those that this process may use. */
  readonly cores?: number;
  /** Default: that of the machine, or of the container. */
  readonly memory?: ByteSize.Input;
}

/**
 * The local engine with a limit to what it uses of the machine.
 *
 * @example
 * ```ts
 * import { LocalEngine } from "@ml-pipe/core";
 *
 * const engine = LocalEngine.layerWith({ cores: 2, memory: "4 GiB" });
 * ```
 */
export const layerWith = (limits: Limits): Layer.Layer<Engine, never, Store | ArtifactStore> =>
  Layer.effect(
    Engine,
    Effect.gen(function* () {
      const services = yield* Effect.context<Store | ArtifactStore>();
      const machine = machineCapacity();
      const { cores = machine.cores, memory } = limits;
      const memoryBytes =
        memory === undefined
          ? machine.memoryBytes
          : ByteSize.toNumberUnsafe(ByteSize.fromInputUnsafe(memory));
      const pool = makePool({ cores, memoryBytes });
      return Engine.of({
        run: (pipeline, options = {}) =>
          owned(runWithHooks(pipeline, options, pool)).pipe(Effect.provideContext(services)),
        plan: (pipeline, options = {}) =>
          planGraph(pipeline, forcedAll(pipeline, options), options).pipe(
            Effect.provideContext(services),
          ),
      });
    }),
  );

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
export const layer: Layer.Layer<Engine, never, Store | ArtifactStore> = layerWith({});

/** Does something while no other process works in the state folder. */
const owned = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.andThen(Store, ({ own }) => Effect.andThen(own, work)));

/** Runs a pipeline; if armed hooks ask for a re-run, runs it once more from their targets. */
const runWithHooks = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline<A, E, R>,
  options: RunOptions,
  pool: ResourcePool,
) {
  const forced = forcedAll(pipeline, options);
  const first = yield* runOnce(pipeline, options, { pool, forced });
  const acted = first.run.hooks.filter(
    ({ hook, decisions }) =>
      hook.armed && hook.action === "rerun" && decisions.some(({ act }) => act),
  );
  const [cause] = acted;
  if (cause === undefined) return first;
  const targets = acted.map(({ to }) => to);
  const names = targets.includes(undefined)
    ? pipeline.nodes.map(({ info }) => info.name)
    : [...descendants(pipeline, new Set(targets))];
  const reason = `the hook on signal ${cause.signal} of run ${first.run.id} asked for it`;
  const { resume: _, ...again } = options;
  return yield* runOnce(pipeline, again, {
    pool,
    forced: Object.fromEntries(names.map((name) => [name, reason])),
    causedBy: { run: first.run.id, signal: cause.signal },
  });
});

const forcedAll = (
  pipeline: Pipeline,
  { force = false }: Pick<RunOptions, "force">,
): { readonly [stage: string]: string } =>
  Object.fromEntries(force ? pipeline.nodes.map(({ info }) => [info.name, "forced"]) : []);

/** The stages and all that depend on them. */
const descendants = (
  pipeline: Pipeline,
  stages: ReadonlySet<string | undefined>,
): ReadonlySet<string> => {
  const found = new Set<string>();
  for (const { info, inputs, when } of pipeline.nodes) {
    const before = [...Object.values(inputs), ...when.map(({ from }) => from)];
    if (stages.has(info.name) || before.some(({ node }) => found.has(node))) found.add(info.name);
  }
  return found;
};
