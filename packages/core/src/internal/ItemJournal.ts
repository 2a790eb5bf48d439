/** What a stage that fans out knows of its items from before, and where it notes those it finished. */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import type { Digest } from "../Digest.ts";
import type { StoreError } from "../Store.ts";

/** See {@link ItemJournal}. */
export interface Journal {
  /** Recorded outputs of items that were finished before, by the digest of the item. */
  readonly find: (
    items: ReadonlyArray<Digest>,
  ) => Effect.Effect<ReadonlyMap<string, Schema.Json>, StoreError>;
  /** Notes a finished item; many are written at once. */
  readonly note: (item: {
    readonly digest: Digest;
    readonly key: string;
    readonly output: Schema.Json;
  }) => Effect.Effect<void, StoreError>;
  /** Ends when all that was noted is on disk. */
  readonly flush: Effect.Effect<void, StoreError>;
}

/** The journal of the stage that is running. Outside an engine there is none: nothing is found. */
export const ItemJournal: Context.Reference<Journal> = Context.Reference<Journal>(
  "@ml-pipe/core/ItemJournal",
  {
    defaultValue: () => ({
      find: () => Effect.succeed(new Map()),
      note: () => Effect.void,
      flush: Effect.void,
    }),
  },
);
