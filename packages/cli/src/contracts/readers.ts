/** Releases that serve, as readers of contracts. */
import { existsSync } from "node:fs";
import * as path from "node:path";
import { Artifact, type ContractLock, Model, Registry, Release } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";

/** The readers, and where they were found. */
export interface Readers {
  readonly readers: ReadonlyArray<ContractLock.Reader>;
  readonly from: "registry" | "lock";
}

/**
 * The newest release of each name in the registry, and those named beside. Where there is no registry,
 * as in a checkout that only checks, those that the lock remembers.
 */
export const readersOf = Effect.fnUntraced(function* (
  stateFolder: string,
  serving: ReadonlyArray<string>,
  lock: ContractLock.ContractLock,
): Effect.fn.Return<Readers, Registry.GetError | Model.LoadError> {
  if (!existsSync(path.join(stateFolder, "releases")) && serving.length === 0) {
    return { readers: lock.readers, from: "lock" };
  }
  const found = yield* Effect.gen(function* () {
    const registry = yield* Registry.Registry;
    const newest = new Map((yield* registry.list).map((release) => [release.name, release]));
    const named = yield* Effect.forEach(serving, (reference) => registry.get(reference));
    const all = new Map(
      [...newest.values(), ...named].map((release) => [Release.label(release), release]),
    );
    return yield* Effect.forEach(all.values(), readerOf);
  }).pipe(
    Effect.provide(Registry.Registry.layer(stateFolder)),
    Effect.provide(Artifact.ArtifactStore.layer(stateFolder)),
  );
  return { readers: found, from: "registry" };
});

const readerOf = Effect.fnUntraced(function* (release: Release.AnyRelease) {
  const common = {
    release: Release.label(release),
    // Releases made before they named their owner answer for themselves.
    owner: release.owner ?? release.name,
  };
  const { columns } = release.request;
  if (Release.isSystem(release)) {
    // Of a request for a list, the user alone is a column of the interactions.
    const { name, user } = release.system.interactions;
    const { [user]: who } = columns;
    return { ...common, contract: name, columns: who === undefined ? {} : { [user]: who } };
  }
  const { featureSet } = yield* Model.load(release.model);
  return { ...common, contract: featureSet.source.name, columns };
});
