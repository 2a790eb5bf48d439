/**
 * The store of run records. One service, two layers: SQLite for one machine, memory for tests.
 */
import * as path from "node:path";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import { type ApprovalStore, approvalStore } from "./store/approvals.ts";
import { type GoldenStore, goldenStore } from "./store/goldens.ts";
import { type HoldoutStore, holdoutStore } from "./store/holdouts.ts";
import { type ItemStore, itemStore } from "./store/items.ts";
import { type LineageStore, lineageStore } from "./store/lineage.ts";
import { own } from "./store/owner.ts";
import { type RetentionStore, retentionStore } from "./store/retention.ts";
import { type RunStore, runStore } from "./store/runs.ts";
import { fileToRead, openDatabase } from "./store/sqlite.ts";
import { type TriggerStore, triggerStore } from "./store/triggers.ts";
import type { FolderOwned } from "./store/FolderOwned.ts";
import type { StoreError } from "./store/StoreError.ts";

export { FolderOwned } from "./store/FolderOwned.ts";
export { StoreError } from "./store/StoreError.ts";
export type { ApprovalStore } from "./store/approvals.ts";
export type { GoldenStore } from "./store/goldens.ts";
export type { HoldoutStore, LookRequest } from "./store/holdouts.ts";
export type { ItemOutcome, ItemRecord, ItemStore } from "./store/items.ts";
export type { LineageStore } from "./store/lineage.ts";
export type { RetentionStore } from "./store/retention.ts";
export type { HandedOn, RunStore } from "./store/runs.ts";
export type { Found, Queued, TriggerStore } from "./store/triggers.ts";

/** All that is recorded. */
export interface StoreShape extends RunStore {
  readonly approvals: ApprovalStore;
  /** What may never be trained on. */
  readonly goldens: GoldenStore;
  /** The holdout ledger. */
  readonly holdouts: HoldoutStore;
  readonly items: ItemStore;
  readonly lineage: LineageStore;
  readonly retention: RetentionStore;
  readonly triggers: TriggerStore;
  /**
   * Makes this process the one that runs pipelines here, as long as the scope lasts. Fails with
   * {@link FolderOwned} while another one is. The system gives the lock back when a process ends,
   * however it ends.
   */
  readonly own: Effect.Effect<void, StoreError | FolderOwned, Scope.Scope>;
}

/**
 * The store of run records.
 *
 * @example
 * ```ts
 * import { Store } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const newest = Effect.gen(function* () {
 *   const store = yield* Store.Store;
 *   return yield* store.run();
 * }).pipe(Effect.provide(Store.Store.layerMemory));
 * ```
 */
export class Store extends Context.Service<Store, StoreShape>()("@ml-pipe/core/Store") {
  /** Runs in `folder/ml-pipe.sqlite`, made if absent. */
  static readonly layer = (folder: string): Layer.Layer<Store, StoreError> =>
    Layer.effect(Store, open(path.join(folder, "ml-pipe.sqlite"), own(folder)));

  /**
   * The same for those who only read: also where the folder cannot be written. Then nothing that is
   * written lasts.
   */
  static readonly layerToRead = (folder: string): Layer.Layer<Store, StoreError> =>
    Layer.effect(
      Store,
      Effect.flatMap(fileToRead(path.join(folder, "ml-pipe.sqlite")), (file) =>
        open(file, own(folder)),
      ),
    );

  /** Runs in memory: gone with the layer. */
  static readonly layerMemory: Layer.Layer<Store, StoreError> = Layer.effect(
    Store,
    Effect.suspend(() => open(":memory:", Effect.void)),
  );
}

const open = Effect.fnUntraced(function* (file: string, own: StoreShape["own"]) {
  const database = yield* openDatabase(file);
  return Store.of({
    ...(yield* runStore(database)),
    approvals: yield* approvalStore(database),
    goldens: yield* goldenStore(database),
    holdouts: yield* holdoutStore(database),
    items: yield* itemStore(database),
    lineage: lineageStore(database),
    retention: yield* retentionStore(database),
    triggers: yield* triggerStore(database),
    own,
  });
});
