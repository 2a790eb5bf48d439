/** The journal of a stage that fans out, kept in the store: written in groups. */
import * as Effect from "effect/Effect";
import { ArtifactStore } from "../Artifact.ts";
import * as Digest from "../Digest.ts";
import type { Ingredients, Run } from "../Run.ts";
import type { StageInfo } from "../Stage.ts";
import type { ItemOutcome, ItemRecord, ItemStore } from "../store/items.ts";
import { Store, type StoreError } from "../Store.ts";
import { brokenReference } from "./intact.ts";
import type { Journal } from "./ItemJournal.ts";

/** As many items are written in one transaction, at most. */
const groupSize = 200;

/**
 * An item waits so long for others: ten times as long as the last group took to write, so that a slow
 * disk takes a tenth of the time, and not all of it.
 */
const waitMillis = (lastWriteMillis: number): number =>
  Math.min(1000, Math.max(5, 10 * lastWriteMillis));

interface Stage {
  readonly run: Pick<Run, "id">;
  readonly info: StageInfo;
  readonly ingredients: Ingredients;
  /** Whether what it reads depends on the item: then the digest of each item says what. */
  readonly readsByItem: boolean;
  /** Whether the stage must run whatever earlier runs have finished. */
  readonly forced: boolean;
}

/** See {@link Journal}. */
export const journalOf = Effect.fnUntraced(function* (stage: Stage) {
  const { run, info, ingredients, forced } = stage;
  const { items } = yield* Store;
  const artifacts = yield* ArtifactStore;
  const { each, cache, name } = info;
  const { [each?.input ?? ""]: _, ...inputs } = ingredients.inputs;
  // What becomes of failures does not change what an item gives; and what acts on the outside world
  // is known to its own run only.
  const params = each?.stage.params ?? null;
  const base = Digest.ofJson([
    name,
    { ...ingredients, ...(stage.readsByItem ? { reads: null } : {}), params, inputs },
    ...(cache === "never" ? [run.id] : []),
  ]);
  const keyOf = (item: Digest.Digest): string => `${base} ${item}`;
  const writer = groupWriter(items);

  const find: Journal["find"] = Effect.fnUntraced(function* (digests) {
    const found = new Map<string, ItemOutcome>();
    const known = yield* items.find(digests.map(keyOf), forced ? run.id : undefined);
    const verify = Effect.fnUntraced(function* (digest: Digest.Digest) {
      const outcome = known.get(keyOf(digest));
      if (outcome === undefined) return;
      const broken = yield* Effect.provideService(
        brokenReference(outcome.outputs),
        ArtifactStore,
        artifacts,
      );
      if (broken === undefined) found.set(digest, outcome);
    });
    yield* Effect.forEach(digests, verify, { concurrency: 8, discard: true });
    return found;
  });
  return {
    find,
    note: ({ digest, key, outcome }) =>
      writer.add({ cacheKey: keyOf(digest), run: run.id, stage: name, key, outcome }),
    flush: writer.flush,
  } satisfies Journal;
});

/**
 * Collects items and writes them in groups: soon, whatever the items do and whatever clock they are
 * given. A write that failed fails the next call.
 */
const groupWriter = (store: ItemStore) => {
  let group: Array<ItemRecord> = [];
  let timer: NodeJS.Timeout | undefined;
  let failed: StoreError | undefined;
  let lastWriteMillis = 0;
  const flush: Effect.Effect<void, StoreError> = Effect.suspend(() => {
    clearTimeout(timer);
    timer = undefined;
    if (failed !== undefined) return Effect.fail(failed);
    if (group.length === 0) return Effect.void;
    const items = group;
    group = [];
    const begun = performance.now();
    return store.put(items).pipe(
      Effect.tapError((error) => Effect.sync(() => void (failed = error))),
      Effect.ensuring(Effect.sync(() => void (lastWriteMillis = performance.now() - begun))),
    );
  });
  const add = (item: ItemRecord): Effect.Effect<void, StoreError> =>
    Effect.suspend(() => {
      if (failed !== undefined) return Effect.fail(failed);
      group.push(item);
      timer ??= setTimeout(() => Effect.runSyncExit(flush), waitMillis(lastWriteMillis));
      return group.length >= groupSize ? flush : Effect.void;
    });
  return { add, flush };
};
