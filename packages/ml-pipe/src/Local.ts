/**
 * Everything a pipeline needs on one machine, in one layer: the engine, the record of runs, the
 * artifacts, DuckDB, the feature store and the registry of releases, all in a state folder.
 */
import * as path from "node:path";
import { Artifact, type Engine, LocalEngine, Store } from "@ml-pipe/core";
import { Duckdb, type FeatureStore, FeatureStoreRedis } from "@ml-pipe/data";
import { Registry } from "@ml-pipe/deploy";
import * as Layer from "effect/Layer";

/** The services that {@link layer} provides. */
export type Services =
  | Engine.Engine
  | Store.Store
  | Artifact.ArtifactStore
  | Duckdb.Duckdb
  | FeatureStore.FeatureStore
  | Registry.Registry;

/** What {@link layer} can fail with: a state folder that cannot be written. */
export type LocalError = Store.StoreError | Artifact.ArtifactStoreError | Registry.RegistryError;

/**
 * The local services in a state folder, which is made if absent.
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
    Layer.provideMerge(
      Layer.mergeAll(
        Store.Store.layer(folder),
        Artifact.ArtifactStore.layer(folder),
        Duckdb.Duckdb.layer({ temporaryFolder: path.join(folder, "tmp") }),
        FeatureStoreRedis.configured(folder),
        Registry.Registry.layer(folder),
      ),
    ),
  );
