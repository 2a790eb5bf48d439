/** Which feature sets a pipeline computes, and how they stand to what releases serve. */
import { existsSync } from "node:fs";
import * as path from "node:path";
import { Artifact, Digest, Graph, type Pipeline, Registry, ServedFeatures } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { shortPath } from "../view/text.ts";

const isComputed = Schema.is(
  Schema.Struct({ featureSet: Schema.String, version: Schema.String, digest: Digest.Digest }),
);

/** What the stages of a pipeline compute. */
export const computedBy = (pipeline: Pipeline.Pipeline): ReadonlyArray<ServedFeatures.Named> =>
  Graph.of(pipeline).stages.flatMap(({ params }) =>
    isComputed(params)
      ? [{ name: params.featureSet, version: params.version, digest: params.digest }]
      : [],
  );

/**
 * Which feature sets are not as a release serves them under their version, in words: said before anything
 * is trained, because `Deploy.release` refuses them after.
 */
export const servedWarnings = Effect.fnUntraced(
  function* (pipeline: Pipeline.Pipeline, file: string, stateFolder: string) {
    if (!existsSync(path.join(stateFolder, "releases"))) return [];
    const warnings = yield* Effect.forEach(computedBy(pipeline), (set) =>
      Effect.map(ServedFeatures.others(set), (others) =>
        others.map(
          ({ release }) =>
            `"${set.name}" ${set.version} is not as ${release} serves it: ml-pipe features check ${shortPath(path.resolve(file))}`,
        ),
      ),
    );
    return warnings.flat();
  },
  // A release that cannot be read is reported by whoever needs it.
  (effect, _pipeline, _file, stateFolder) =>
    effect.pipe(
      Effect.provide(Registry.Registry.layer(stateFolder)),
      Effect.provide(Artifact.ArtifactStore.layer(stateFolder)),
      Effect.orElseSucceed((): ReadonlyArray<string> => []),
    ),
);
