import { Artifact, type Engine, Store } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import { Registry } from "@ml-pipe/deploy";
import * as Layer from "effect/Layer";
/** The services that {@link layer} provides. */
export type Services = Engine.Engine | Store.Store | Artifact.ArtifactStore | Duckdb.Duckdb | Registry.Registry;
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
export declare const layer: (folder: string) => Layer.Layer<Services, LocalError>;
//# sourceMappingURL=Local.d.ts.map