/** The stage that looks up what is in place: what a candidate is compared with before it is released. */
import { type Contract, Stage } from "@ml-pipe/core";
import { type FeatureSet, Release } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Registry, type RegistryError, type ReleaseCorrupt } from "./Registry.ts";

/** The stage that {@link released} makes. */
export type ReleasedStage<Out extends Contract.Contract> = Stage.Stage<
  {},
  Release.Release<Out> | null,
  {},
  RegistryError | ReleaseCorrupt,
  Registry
>;

/**
 * A stage that reads the newest release of a name from the {@link Registry}; null where there is none
 * yet. A release of another version of the feature set cannot be scored on this one's tables: it is null,
 * too, and a finding.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Deploy } from "@ml-pipe/deploy";
 *
 * const stageFor = <C extends Contract.Contract, Out extends Contract.Contract>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Deploy.released(set, { name: "flight-delay" });
 * ```
 */
export const released = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: { readonly name?: string } = {},
): ReleasedStage<Out> => {
  const { name = set.spec.name } = options;
  const newest = Effect.flatMap(Registry, (registry) =>
    registry
      .get(`${name}@latest`)
      .pipe(Effect.catchTag("ReleaseNotFound", () => Effect.succeed(null))),
  );
  const Output = Release.of(set);
  return Stage.make("released", {
    description: `looks up the newest release of ${name}`,
    input: {},
    output: Schema.NullOr(Output),
    params: { name, featureSet: set.digest },
    fingerprint: Effect.map(newest, (release) =>
      release === null ? null : Release.label(release),
    ),
    run: Effect.fnUntraced(function* (_, { finding }) {
      const release = yield* newest;
      if (release === null || Schema.is(Output)(release)) return release;
      yield* finding({
        check: "released.comparable",
        severity: "warn",
        owner: set.contract.spec.owner,
        expected: `a release of a model of ${set.spec.name} ${set.spec.version} (${set.digest.slice(0, 15)})`,
        found: `${Release.label(release)}, of ${ofWhat(release)}, which cannot be scored on the tables of this one`,
        next: "A candidate is compared with the baseline only, until a model of these features is released.",
      });
      return null;
    }),
  });
};

const ofWhat = (release: Release.AnyRelease): string => {
  if (Release.isSystem(release)) return `the system "${release.system.spec.name}"`;
  const { name, digest } = release.model.featureSet;
  return `${name} (${digest.slice(0, 15)})`;
};
