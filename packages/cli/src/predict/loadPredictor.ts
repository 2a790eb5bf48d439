/** Finds a release in a state folder and loads it. */
import { Artifact } from "@ml-pipe/core";
import { Predictor, Registry } from "@ml-pipe/deploy";
import * as Effect from "effect/Effect";

/** What can go wrong. */
export type PredictorError = Registry.GetError | Predictor.LoadError | Artifact.ArtifactStoreError;

/** The predictor of a release such as `flight-delay@3`, `flight-delay@latest` or `flight-delay`. */
export const loadPredictor = (
  stateFolder: string,
  reference: string,
): Effect.Effect<Predictor.Predictor, PredictorError> =>
  Effect.gen(function* () {
    const release = yield* Registry.Registry.use((registry) => registry.get(reference));
    // Only now: this layer makes folders, and there is nothing to make for a release that is not there.
    return yield* Predictor.load(release).pipe(
      Effect.provide(Artifact.ArtifactStore.layer(stateFolder)),
    );
  }).pipe(Effect.provide(Registry.Registry.layer(stateFolder)));
