/**
 * What releases serve is not edited under their feet: a feature set keeps the meaning that its name and
 * version had when a model that learned from it was released.
 */
import { type Artifact, type Digest, Stage } from "@ml-pipe/core";
import { FeatureEdit, type FeatureSet, Model, Release } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Registry, type RegistryError, type ReleaseCorrupt } from "./Registry.ts";

/** A feature set has features that mean something else than in a release of the same name and version. */
export class FeatureEdited extends Schema.TaggedError<FeatureEdited>()("FeatureEdited", {
  featureSet: Schema.String,
  version: Schema.String,
  /** A release that serves them. */
  release: Schema.String,
  edits: Schema.Array(FeatureEdit.FeatureEdit),
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const lines = this.edits.map(
      ({ feature, was, is }) => `  ${feature}\n    was ${was}\n    is  ${is}`,
    );
    return `${this.release} serves "${this.featureSet}" ${this.version}, in which other things are called so:\n${lines.join("\n")}\nRaise the version of the feature set, or give what is new another name: both can then be served side by side.`;
  }
}

/** What {@link edited} can fail with. */
export type EditedError = RegistryError | ReleaseCorrupt | Model.LoadError;

/** A feature set by its name, version and digest. */
export interface Named {
  readonly name: string;
  readonly version: string;
  readonly digest: Digest.Digest;
}

/**
 * What was released under the name and version of a feature set and is not the same: each such set once, with
 * the newest release that has it.
 *
 * @example
 * ```ts
 * import { ServedFeatures } from "@ml-pipe/deploy";
 * import * as Effect from "effect/Effect";
 *
 * const releasesOf = (set: ServedFeatures.Named) =>
 *   Effect.map(ServedFeatures.others(set), (found) => found.map(({ release }) => release));
 * ```
 */
export const others: (
  set: Named,
) => Effect.Effect<
  ReadonlyArray<{ readonly release: string; readonly spec: FeatureSet.FeatureSetSpec }>,
  EditedError,
  Registry | Artifact.ArtifactStore
> = Effect.fnUntraced(function* ({ name, version, digest }) {
  const releases = yield* Registry.use(({ list }) => list);
  const newest = new Map(
    releases.flatMap((release) => {
      if (Release.isSystem(release)) return [];
      const { featureSet } = release.model;
      return featureSet.name === name && featureSet.digest !== digest
        ? [[featureSet.digest, release] as const]
        : [];
    }),
  );
  const found = yield* Effect.forEach(newest.values(), (release) =>
    Effect.map(Model.load(release.model), ({ featureSet }) => ({
      release: Release.label(release),
      spec: featureSet,
    })),
  );
  return found.filter(({ spec }) => spec.version === version);
});

/**
 * How a feature set differs from what releases serve under its name and version: one error for each
 * meaning that was released, with the newest release that has it; empty if it may be released.
 *
 * @example
 * ```ts
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { ServedFeatures } from "@ml-pipe/deploy";
 * import * as Effect from "effect/Effect";
 *
 * const mayBeReleased = (set: FeatureSet.FeatureSet) =>
 *   Effect.map(ServedFeatures.edited(set), (found) => found.length === 0);
 * ```
 */
export const edited: (
  set: Pick<FeatureSet.FeatureSet, "spec" | "digest">,
) => Effect.Effect<ReadonlyArray<FeatureEdited>, EditedError, Registry | Artifact.ArtifactStore> =
  Effect.fnUntraced(function* ({ spec, digest }) {
    const { name: featureSet, version } = spec;
    const found = yield* others({ name: featureSet, version, digest });
    return found.flatMap(({ release, spec: served }) => {
      const edits = FeatureEdit.between(served, spec);
      return edits.length === 0 ? [] : [new FeatureEdited({ featureSet, version, release, edits })];
    });
  });

/**
 * The feature sets of all releases, each once: what a feature store must keep.
 *
 * @example
 * ```ts
 * import { FeatureStore } from "@ml-pipe/data";
 * import { ServedFeatures } from "@ml-pipe/deploy";
 * import * as Effect from "effect/Effect";
 *
 * const tidy = Effect.flatMap(ServedFeatures.all, (served) =>
 *   FeatureStore.prune(served, { idle: "7 days" }),
 * );
 * ```
 */
export const all: Effect.Effect<
  ReadonlyArray<FeatureSet.FeatureSetSpec>,
  EditedError,
  Registry | Artifact.ArtifactStore
> = Effect.flatMap(
  Registry.use(({ list }) => list),
  (releases) => {
    // A system has no feature set.
    const models = releases.flatMap((one) => (Release.isSystem(one) ? [] : [one.model]));
    const each = new Map(models.map((model) => [model.featureSet.digest, model]));
    return Effect.forEach(each.values(), (model) =>
      Effect.map(Model.load(model), ({ featureSet }) => featureSet),
    );
  },
);
