/** What a stage that fans out knows of its items from before, and where it notes those it finished. */
import * as os from "node:os";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import type { Digest } from "../Digest.ts";
import type { ItemOutcome } from "../store/items.ts";
import type { StoreError } from "../Store.ts";

/** See {@link ItemJournal}. */
export interface Journal {
  /** Outcomes of items that were finished before and are intact, by the digest of the item. */
  readonly find: (
    items: ReadonlyArray<Digest>,
  ) => Effect.Effect<ReadonlyMap<string, ItemOutcome>, StoreError>;
  /** Notes a finished item; many are written at once. */
  readonly note: (item: {
    readonly digest: Digest;
    readonly key: string;
    readonly outcome: ItemOutcome;
  }) => Effect.Effect<void, StoreError>;
  /** Ends when all that was noted is on disk. */
  readonly flush: Effect.Effect<void, StoreError>;
}

/** The journal of the stage that is running. Outside an engine, and without a cache key, there is none. */
export const ItemJournal: Context.Reference<Journal | undefined> = Context.Reference<
  Journal | undefined
>("@ml-pipe/core/ItemJournal", { defaultValue: () => undefined });

/** How many cores the engine gave the stage that is running; outside an engine, those there are. */
export const GrantedCores: Context.Reference<number> = Context.Reference<number>(
  "@ml-pipe/core/GrantedCores",
  { defaultValue: () => os.availableParallelism() },
);
