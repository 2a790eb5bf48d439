/** Earlier batches: the profiles that earlier runs handed on. */
import { type Artifact, type Contract, Store } from "@ml-pipe/core";
import { Profile } from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** A batch: when it was, and what it looked like. */
export interface Batch {
  readonly at: number;
  readonly profile: Profile.Profile;
}

/** A stored profile, and when it was made. */
interface Found {
  readonly stored: Profile.Stored;
  readonly madeAt: number;
}

const isStored = Schema.is(Profile.Stored);

/** Where earlier batches are looked for. */
interface Search {
  readonly most?: number;
  readonly stage?: string;
}

/** Records of stages to look at for each profile wanted: others mention the contract too. */
const recordsEach = 10;

/**
 * Profiles under the contract among what earlier executions handed on, one for each table other than that
 * of `current`, newest first.
 */
export const batchesIn = Effect.fnUntraced(function* (
  contract: Contract.Contract,
  { most = 200, stage }: Search,
  current: Profile.Stored,
): Effect.fn.Return<ReadonlyArray<Found>, Store.StoreError, Store.Store> {
  const store = yield* Store.Store;
  const found = new Map<string, Found>();
  for (const record of yield* store.handedOn(contract.digest, most * recordsEach)) {
    if (stage !== undefined && record.stage !== stage) continue;
    for (const output of Object.values(record.outputs)) {
      if (!isStored(output) || output.contract.digest !== contract.digest) continue;
      if (output.table !== current.table && !found.has(output.table)) {
        found.set(output.table, { stored: output, madeAt: record.startedAt.getTime() });
      }
    }
  }
  return [...found.values()].slice(0, most);
});

/** The batches before the one in `current`; those whose profile was removed since are left out. */
export const historyOf = Effect.fnUntraced(function* (
  contract: Contract.Contract,
  search: Search,
  current: Profile.Stored,
): Effect.fn.Return<
  ReadonlyArray<Batch>,
  Store.StoreError | Profile.LoadError,
  Store.Store | Artifact.ArtifactStore
> {
  const batches: Array<Batch> = [];
  for (const { stored, madeAt } of yield* batchesIn(contract, search, current)) {
    const profile = yield* Profile.load(stored).pipe(
      Effect.catchTag("ArtifactMissing", () => Effect.succeed(undefined)),
    );
    if (profile !== undefined)
      batches.push({ at: newestEvent(contract, profile) ?? madeAt, profile });
  }
  return batches;
});

/** When a batch was: its newest event, or now if the contract has no event time. */
export const instantOf = (
  contract: Contract.Contract,
  profile: Profile.Profile,
): Effect.Effect<number> => {
  const newest = newestEvent(contract, profile);
  return newest === undefined ? Clock.currentTimeMillis : Effect.succeed(newest);
};

const newestEvent = (
  { spec: { eventTime } }: Contract.Contract,
  { columns }: Profile.Profile,
): number | undefined =>
  eventTime === undefined ? undefined : (columns[eventTime]?.instant?.max ?? undefined);
