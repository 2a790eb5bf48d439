/**
 * Everything that watches a run from outside, as one: its log, and OpenTelemetry and OpenLineage if the
 * environment asks for them. Whatever goes wrong here is a warning and never the end of a run.
 */
import type { Engine } from "@ml-pipe/core";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as OpenLineage from "./OpenLineage.ts";
import * as RunLog from "./RunLog.ts";
import * as Telemetry from "./Telemetry.ts";

/** What is told of a run. */
export interface ObserverShape {
  /** Give it to the run as its listener, or as part of it. */
  readonly onEvent: (event: Engine.RunEvent) => Effect.Effect<void>;
}

/** See {@link layer}. */
export class Observer extends Context.Service<Observer, ObserverShape>()(
  "@ml-pipe/observe/Observer",
) {}

/**
 * Watches the runs of this process. Provide it to what calls the engine, so that it sees what stages
 * log and trace.
 *
 * @example
 * ```ts
 * import { Engine, type Pipeline } from "@ml-pipe/core";
 * import { Observer } from "@ml-pipe/observe";
 * import * as Effect from "effect/Effect";
 *
 * const run = (pipeline: Pipeline.Pipeline<unknown, Error, never>) =>
 *   Effect.gen(function* () {
 *     const engine = yield* Engine.Engine;
 *     const { onEvent } = yield* Observer.Observer;
 *     return yield* engine.run(pipeline, { onEvent });
 *   }).pipe(Effect.provide(Observer.layer(".ml-pipe")));
 * ```
 */
export const layer = (folder: string): Layer.Layer<Observer> =>
  Layer.effect(
    Observer,
    Effect.gen(function* () {
      const log = yield* RunLog.RunLog;
      const telemetry = yield* Telemetry.Telemetry;
      const lineage = yield* OpenLineage.OpenLineage;
      const listeners = [telemetry, lineage, log];
      return Observer.of({
        onEvent: (event) =>
          Effect.forEach(listeners, ({ onEvent }) => harmless(onEvent(event)), { discard: true }),
      });
    }),
    // One after the other: each adds its logger to those before it.
  ).pipe(
    Layer.provideMerge(RunLog.layer(folder)),
    Layer.provideMerge(Layer.merge(Telemetry.layer, OpenLineage.layer)),
  );

/** A mistake of ours is no failure of the run. */
const harmless = (listen: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchDefect(listen, (defect) =>
    Effect.logWarning("what watches the run has failed, and the run goes on", defect),
  );
