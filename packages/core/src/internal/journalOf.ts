/** The journal of a stage that fans out, kept in the store: written in groups, read in chunks. */
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { ArtifactStore, referencedBy } from "../Artifact.ts";
import * as Digest from "../Digest.ts";
import type { Ingredients, Run } from "../Run.ts";
import type { StageInfo } from "../Stage.ts";
import { type ItemStore, Store, type StoreError } from "../Store.ts";
import type { Journal } from "./ItemJournal.ts";

/** As many items are written in one transaction, at most. */
const groupSize = 200;

/** An item waits so long for others, at most. */
const groupMillis = 5;

interface Stage {
  readonly run: Pick<Run, "id">;
  readonly info: StageInfo;
  readonly ingredients: Ingredients;
  /** Whether only what this run has finished counts. */
  readonly thisRunOnly: boolean;
}

/** See {@link Journal}. */
export const journalOf = Effect.fnUntraced(function* ({
  run,
  info,
  ingredients,
  thisRunOnly,
}: Stage) {
  const { items } = yield* Store;
  const artifacts = yield* ArtifactStore;
  const { [info.each ?? ""]: _, ...inputs } = ingredients.inputs;
  const base = Digest.ofJson([info.name, { ...ingredients, inputs }]);
  const keyOf = (item: Digest.Digest): string => `${base} ${item}`;
  const writer = groupWriter(items);

  const isIntact = (output: Schema.Json) =>
    Effect.forEach(referencedBy(output), artifacts.verify, { discard: true }).pipe(
      Effect.isSuccess,
    );

  const find: Journal["find"] = Effect.fnUntraced(function* (digests) {
    const found = new Map<string, Schema.Json>();
    for (let at = 0; at < digests.length; at += 1000) {
      const chunk = digests.slice(at, at + 1000);
      const known = yield* items.find(chunk.map(keyOf), thisRunOnly ? run.id : undefined);
      for (const digest of chunk) {
        const output = known.get(keyOf(digest));
        if (output !== undefined && (yield* isIntact(output))) found.set(digest, output);
      }
    }
    return found;
  });
  return {
    find,
    note: ({ digest, key, output }) =>
      writer.add({ cacheKey: keyOf(digest), run: run.id, stage: info.name, key, output }),
    flush: writer.flush,
  } satisfies Journal;
});

type Item = Parameters<ItemStore["put"]>[0][number];

/**
 * Collects items and writes them in groups: soon, whatever the items do and whatever clock they are
 * given. A write that failed fails the next call.
 */
const groupWriter = (store: ItemStore) => {
  let group: Array<Item> = [];
  let timer: NodeJS.Timeout | undefined;
  let failed: StoreError | undefined;
  const flush: Effect.Effect<void, StoreError> = Effect.suspend(() => {
    clearTimeout(timer);
    timer = undefined;
    if (failed !== undefined) return Effect.fail(failed);
    if (group.length === 0) return Effect.void;
    const items = group;
    group = [];
    return Effect.tapError(store.put(items), (error) => Effect.sync(() => void (failed = error)));
  });
  const add = (item: Item): Effect.Effect<void, StoreError> =>
    Effect.suspend(() => {
      if (failed !== undefined) return Effect.fail(failed);
      group.push(item);
      timer ??= setTimeout(() => Effect.runSyncExit(flush), groupMillis);
      return group.length >= groupSize ? flush : Effect.void;
    });
  return { add, flush };
};
