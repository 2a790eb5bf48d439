/**
 * Everything a pipeline needs on one machine, in one layer: the engine, the record of runs and the
 * artifacts, all in a state folder.
 */
import { Artifact, type Engine, LocalEngine, Store } from "@ml-pipe/core";
import * as Layer from "effect/Layer";

/** The services that {@link layer} provides. */
export type Services = Engine.Engine | Store.Store | Artifact.ArtifactStore;

/** What {@link layer} can fail with: a state folder that cannot be written. */
export type LocalError = Store.StoreError | Artifact.ArtifactStoreError;

/**
 * The local services in a state folder.
 *
 * @example
 * ```ts
 * import { Engine, Local, type Pipeline } from "@ml-pipe/ml-pipe";
 * import * as Effect from "effect/Effect";
 *
 * const run = (pipeline: Pipeline.Pipeline<unknown, Error, Local.Services>) =>
 *   Engine.Engine.use((engine) => engine.run(pipeline)).pipe(Effect.provide(Local.layer(".ml-pipe")));
 * ```
 */
export const layer = (folder: string): Layer.Layer<Services, LocalError> =>
  LocalEngine.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(Store.Store.layer(folder), Artifact.ArtifactStore.layer(folder))),
  );
