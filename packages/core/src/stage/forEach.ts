/** Fan-out: one stage, run once for each item of a list. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import type { ArtifactStore, ArtifactStoreError } from "../Artifact.ts";
import * as Digest from "../Digest.ts";
import type { OutputMismatch } from "../Engine.ts";
import { callSites } from "../internal/callSite.ts";
import { arrays, type ItemLists, stored } from "../internal/itemLists.ts";
import { GrantedCores } from "../internal/ItemJournal.ts";
import { machineCapacity } from "../internal/resourcePool.ts";
import { type FanOut, type OnFailure, runItems } from "../internal/runItems.ts";
import { ItemFailure } from "../Run.ts";
import type { StoreError } from "../Store.ts";
import * as StoredList from "../StoredList.ts";
import { ItemsFailed, ItemsInvalid } from "./ItemErrors.ts";
import {
  assemble,
  type Fields,
  type Fingerprint,
  implementOf,
  inputCheck,
  type Resources,
  type Stage,
  type StageInfo,
  StageInvalid,
  type Typed,
  type Value,
} from "./make.ts";
import { Reporter } from "./events.ts";

export type { OnFailure } from "../internal/runItems.ts";
export { ItemsFailed, ItemsInvalid };

/** What one item gave. */
export interface Item<out A> {
  readonly key: string;
  readonly value: A;
}

/** What a stage gives that ran for each item, in the order of the items. */
export interface Items<out A> {
  readonly items: ReadonlyArray<Item<A>>;
  /** Empty unless failures are set aside. */
  readonly quarantined: ReadonlyArray<ItemFailure>;
}

/** How a list is gone through. */
interface Options<In, K extends keyof In> {
  /** The input of the stage that takes one item. */
  readonly each: K;
  /** What people call an item; each needs a name of its own that stays the same over runs. */
  readonly key: (item: In[K]) => string;
  /**
   * So many items at once, at most: fewer if there are not the cores and the memory that each declares.
   * Default: as many as there are; 16 where an item declares that it mostly waits (0 cores).
   */
  readonly concurrency?: number;
  /** Default `fail-fast`. */
  readonly onFailure?: OnFailure;
}

/** The inputs of a stage with a list in the place of one. */
type ListOf<In, K extends keyof In> = {
  readonly [P in keyof In]: P extends K ? ReadonlyArray<In[P]> : In[P];
};

/**
 * A stage that runs another one for each item of a list, some at a time. Each finished item is
 * recorded: a run that is killed, or that fails, goes on with those that are left, and a later run does
 * only items that are new, changed, or failed. Retries and time limits of the stage are those of each
 * item.
 *
 * Fails with {@link ItemsInvalid} before anything runs if two items have one key, and with
 * {@link ItemsFailed} or the item's own error as `onFailure` says. Findings carry the item's key; the
 * first hundred are kept, and the exhibits of the first item. A stage that fans out inside an item is
 * recorded with that item as a whole.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const trainStore = Stage.make("train-store", {
 *   input: { store: Schema.String, depth: Schema.Int },
 *   output: Schema.Finite,
 *   run: ({ store, depth }) => Effect.succeed(store.length * depth),
 * });
 * // Takes { store: ReadonlyArray<string>, depth: number }
 * const trainStores = Stage.forEach("train-stores", trainStore, {
 *   each: "store",
 *   key: (store) => store,
 *   onFailure: { quarantine: { atMostShare: 0.1 } },
 * });
 * ```
 */
export const forEach = <In, Out, S, E, R, const K extends keyof In & string>(
  name: string,
  stage: Typed<In, Out, S, E, R>,
  options: Options<In, K>,
): Stage<ListOf<In, K>, Items<Value<Out>>, S, E | FanOutError, R> =>
  fanOut(name, stage, options, {
    frames: callSites(forEach),
    input: Schema.Array,
    output: itemsOf,
    items: (given) => Stream.fromIterable(arrayOf(given)),
    lists: (given) => Effect.succeed(arrays(arrayOf(given))),
  });

/** What a stage that fans out can fail with beside the errors of its items. */
type FanOutError = ItemsInvalid | ItemsFailed | OutputMismatch | StoreError;

/** What a stage gives that ran for each item of a stored list, in the order of the items. */
export interface StoredItems<out A> {
  readonly items: StoredList.StoredList<Item<A>>;
  /** Empty unless failures are set aside. */
  readonly quarantined: ReadonlyArray<ItemFailure>;
}

/** The inputs of a stage with a stored list in the place of one. */
type StoredListOf<In, K extends keyof In> = {
  readonly [P in keyof In]: P extends K ? StoredList.StoredList<In[P]> : In[P];
};

/**
 * As {@link forEach}, for lists that are too long for memory: takes a stored list and gives one. Memory
 * does not grow with the number of items, only with that of failures that are set aside.
 *
 * @example
 * ```ts
 * import { Stage, StoredList } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 * import * as Stream from "effect/Stream";
 *
 * const score = Stage.make("score", {
 *   input: { customer: Schema.Int },
 *   output: Schema.Finite,
 *   run: ({ customer }) => Effect.succeed(customer / 2),
 * });
 * // Takes { customer: StoredList<number> }
 * const scores = Stage.forEachStored("scores", score, { each: "customer", key: String });
 * const largest = Stage.make("largest", {
 *   input: { scores: Stage.storedItemsOf(Schema.Finite) },
 *   output: Schema.Finite,
 *   run: ({ scores }) =>
 *     StoredList.stream(scores.items, Stage.itemOf(Schema.Finite)).pipe(
 *       Stream.runFold(() => 0, (most, { value }) => Math.max(most, value)),
 *     ),
 * });
 * ```
 */
export const forEachStored = <In, Out, S, E, R, const K extends keyof In & string>(
  name: string,
  stage: Typed<In, Out, S, E, R>,
  options: Options<In, K>,
): Stage<
  StoredListOf<In, K>,
  StoredItems<Value<Out>>,
  S,
  E | FanOutError | StoredList.ReadError,
  R | ArtifactStore
> =>
  fanOut(name, stage, options, {
    frames: callSites(forEachStored),
    input: StoredList.of,
    output: storedItemsOf,
    items: (given, item) =>
      StoredList.isStoredList(given) ? StoredList.stream(given, item) : Stream.empty,
    lists: (given, item) =>
      StoredList.isStoredList(given) ? stored(given, item) : Effect.succeed(arrays([])),
  });

const arrayOf = (given: unknown): ReadonlyArray<unknown> => (Array.isArray(given) ? given : []);

/** The form in which lists are taken and given. */
interface Form {
  readonly frames: StageInfo["frames"];
  /** Schemas of the list of items, and of what they gave. */
  readonly input: (item: Fields[string]) => Fields[string];
  readonly output: (value: Fields[string]) => Fields[string];
  readonly items: (
    given: unknown,
    item: Fields[string],
  ) => Stream.Stream<unknown, StoredList.ReadError, ArtifactStore>;
  readonly lists: (
    given: unknown,
    item: Fields[string],
  ) => Effect.Effect<ItemLists, ArtifactStoreError, ArtifactStore | Scope.Scope>;
}

const fanOut = <In, Out, S, E, R, const K extends keyof In & string>(
  name: string,
  stage: Typed<In, Out, S, E, R>,
  options: Options<In, K>,
  form: Form,
): never => {
  const { each: input, onFailure = "fail-fast" } = options;
  const { info: item } = stage;
  const invalid = (problem: string, next: string) =>
    new StageInvalid({ stage: name, problem, next });
  const schema = item.inputs[input];
  if (schema === undefined) {
    throw invalid(`"${item.name}" has no input "${input}"`, "Name the input that takes one item");
  }
  if (item.kind === "approval") {
    throw invalid(
      "a person would have to approve each item by itself",
      "Fan out before the approval, and show all items as its evidence",
    );
  }
  if (options.concurrency !== undefined && !(options.concurrency >= 1)) {
    throw invalid(`it runs ${options.concurrency} items at once`, "Ask for at least one");
  }
  const share = typeof onFailure === "string" ? 0 : onFailure.quarantine.atMostShare;
  if (!(share >= 0 && share <= 1)) {
    throw invalid(`its share ${share} is no share`, "Give one from 0 to 1");
  }
  const { concurrency, resources } = resourcesOf(item.resources, options.concurrency);
  const implement = implementOf(stage);
  const { fingerprint } = implement(item);
  const fan: Omit<FanOut, "name" | "concurrency"> = {
    item,
    readsOf: Effect.isEffect(fingerprint) ? undefined : fingerprint,
    implement,
    input,
    // The list is checked against the schema of what `key` takes, before it is asked.
    keyOf: options.key as (item: unknown) => string,
    onFailure,
  };
  const info: StageInfo = {
    ...item,
    name,
    kind: "each",
    each: { input, stage: item },
    inputs: { ...item.inputs, [input]: form.input(schema) },
    output: { single: form.output(valueSchema(item)) },
    params: {
      ...(item.params === null ? {} : { item: item.params }),
      ...(typeof onFailure === "string" ? { onFailure } : onFailure),
    },
    resources,
    definedAt: form.frames[0],
    frames: [...item.frames, ...form.frames],
  };
  return assemble(info, (info) => {
    const check = inputCheck(info);
    const run = Effect.fnUntraced(function* (inputs: { readonly [port: string]: unknown }) {
      yield* check(inputs);
      const granted = concurrencyWith(item.resources, yield* GrantedCores);
      const width = Math.min(concurrency, granted);
      const lists = yield* form.lists(inputs[input], schema);
      const named = { ...fan, name: info.name, concurrency: width };
      return yield* runItems(named, lists, inputs, yield* Reporter);
    }, Effect.scoped);
    const reads = (inputs: Record<string, unknown>) => form.items(inputs[input], schema);
    return { info, run, fingerprint: ofAllItems(fingerprint, input, reads) };
  });
};

/**
 * The schema of {@link Items}, for the input of a stage after the fan-out; `value` is the schema of what
 * one item gives.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const best = Stage.make("best", {
 *   input: { trained: Stage.itemsOf(Schema.Finite) },
 *   output: Schema.Finite,
 *   run: ({ trained }) => Effect.succeed(Math.max(...trained.items.map(({ value }) => value))),
 * });
 * ```
 */
export const itemsOf = <A>(
  value: Schema.ConstraintCodec<A, unknown>,
): Schema.ConstraintCodec<Items<A>, unknown> =>
  Schema.Struct({ items: Schema.Array(itemOf(value)), quarantined: Schema.Array(ItemFailure) });

/**
 * The schema of {@link StoredItems}, for the input of a stage after the fan-out over a stored list;
 * `value` is the schema of what one item gives. See {@link forEachStored}.
 */
export const storedItemsOf = <A>(
  value: Schema.ConstraintCodec<A, unknown>,
): Schema.ConstraintCodec<StoredItems<A>, unknown> =>
  Schema.Struct({
    items: StoredList.of(itemOf(value)),
    quarantined: Schema.Array(ItemFailure),
  });

/** The schema of {@link Item}: what the list in {@link StoredItems} is read with. */
export const itemOf = <A>(
  value: Schema.ConstraintCodec<A, unknown>,
): Schema.ConstraintCodec<Item<A>, unknown> => Schema.Struct({ key: Schema.String, value });

/** What a fan-out reads: if that depends on the item, a digest of what each of them does. */
const ofAllItems = <E, R>(
  fingerprint: Fingerprint<Record<string, unknown>, E, R>,
  input: string,
  items: (
    inputs: Record<string, unknown>,
  ) => Stream.Stream<unknown, StoredList.ReadError, ArtifactStore>,
) =>
  Effect.isEffect(fingerprint)
    ? fingerprint
    : (inputs: Record<string, unknown>) =>
        items(inputs).pipe(
          Stream.mapEffect((item) => fingerprint({ ...inputs, [input]: item })),
          Stream.runFold(
            () => Digest.ofJson(null),
            (all, reads) => Digest.ofJson([all, reads]),
          ),
        );

/** One output as it is, several by their names. */
const valueSchema = ({ output }: StageInfo): Schema.ConstraintCodec<unknown, unknown> =>
  "single" in output ? output.single : Schema.Struct(output.ports);

/** How many items that need so much may run on so many cores. */
const concurrencyWith = ({ cores }: Resources, there: number): number =>
  cores === 0 ? Infinity : cores === "all" ? 1 : Math.max(1, Math.floor(there / cores));

/** How many items run at once on this machine, and what all of them need together. */
const resourcesOf = (
  item: Resources,
  asked: number | undefined,
): { readonly concurrency: number; readonly resources: Resources } => {
  const machine = machineCapacity();
  const byCores = concurrencyWith(item, machine.cores);
  const byMemory =
    item.memoryBytes === 0 ? Infinity : Math.floor(machine.memoryBytes / item.memoryBytes);
  const wanted = Math.floor(asked ?? (item.cores === 0 ? 16 : Infinity));
  const concurrency = Math.max(1, Math.min(wanted, byCores, byMemory));
  const cores = item.cores === "all" || concurrency === byCores ? "all" : item.cores * concurrency;
  return { concurrency, resources: { cores, memoryBytes: item.memoryBytes * concurrency } };
};
