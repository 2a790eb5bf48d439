/** Fan-out: one stage, run once for each item of a list. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { OutputMismatch } from "../Engine.ts";
import { callSites } from "../internal/callSite.ts";
import { GrantedCores } from "../internal/ItemJournal.ts";
import { machineCapacity } from "../internal/resourcePool.ts";
import { type FanOut, type OnFailure, runItems } from "../internal/runItems.ts";
import { ItemFailure } from "../Run.ts";
import type { StoreError } from "../Store.ts";
import { ItemsFailed, ItemsInvalid } from "./ItemErrors.ts";
import {
  assemble,
  type Fingerprint,
  implementOf,
  inputCheck,
  Reporter,
  type Resources,
  type Stage,
  type StageInfo,
  StageInvalid,
  type Value,
} from "./make.ts";

export type { OnFailure } from "../internal/runItems.ts";
export { ItemsFailed, ItemsInvalid };

/** What a stage gives that ran for each item, in the order of the items. */
export interface Items<out A> {
  readonly items: ReadonlyArray<{ readonly key: string; readonly value: A }>;
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
  stage: Stage<In, Out, S, E, R>,
  options: Options<In, K>,
): Stage<
  ListOf<In, K>,
  Items<Value<Out>>,
  S,
  E | ItemsInvalid | ItemsFailed | OutputMismatch | StoreError,
  R
> => {
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
  const frames = callSites(forEach);
  const implement = implementOf(stage);
  const fan: Omit<FanOut, "name" | "concurrency"> = {
    item,
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
    inputs: { ...item.inputs, [input]: Schema.Array(schema) },
    output: { single: itemsOf(valueSchema(item)) },
    params: {
      ...(item.params === null ? {} : { item: item.params }),
      ...(typeof onFailure === "string" ? { onFailure } : onFailure),
    },
    resources,
    definedAt: frames[0],
    frames: [...item.frames, ...frames],
  };
  return assemble(info, (info) => {
    const check = inputCheck(info);
    const run = Effect.fnUntraced(function* (inputs: { readonly [port: string]: unknown }) {
      yield* check(inputs);
      const granted = concurrencyWith(item.resources, yield* GrantedCores);
      const width = Math.min(concurrency, granted);
      return yield* runItems(
        { ...fan, name: info.name, concurrency: width },
        inputs,
        yield* Reporter,
      );
    });
    return { info, run, fingerprint: ofAllItems(implement(item).fingerprint, input) };
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
  Schema.Struct({
    items: Schema.Array(Schema.Struct({ key: Schema.String, value })),
    quarantined: Schema.Array(ItemFailure),
  });

/** What a fan-out reads: what each of its items does, if that depends on the item. */
const ofAllItems = <E, R>(
  fingerprint: Fingerprint<Record<string, unknown>, E, R>,
  input: string,
): Fingerprint<Record<string, unknown>, E, R> => {
  if (Effect.isEffect(fingerprint)) return fingerprint;
  return (inputs) => {
    const items = inputs[input];
    return Effect.forEach(Array.isArray(items) ? items : [], (item) =>
      fingerprint({ ...inputs, [input]: item }),
    );
  };
};

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
