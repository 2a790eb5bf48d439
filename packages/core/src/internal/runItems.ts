/** Runs a stage for each item of a list: looks each up, or runs it and notes it. */
import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Pull from "effect/Pull";
import * as Schema from "effect/Schema";
import * as Semaphore from "effect/Semaphore";
import * as Stream from "effect/Stream";
import type * as Digest from "../Digest.ts";
import { OutputMismatch } from "../Engine.ts";
import type { ItemFailure } from "../Run.ts";
import { type Implementation, InputMismatch, type StageInfo } from "../stage/make.ts";
import { Reporter, type StageEvent } from "../stage/events.ts";
import { ItemsFailed, ItemsInvalid } from "../stage/ItemErrors.ts";
import type { ItemOutcome } from "../store/items.ts";
import { failureOf } from "./failure.ts";
import type { Given, ItemLists } from "./itemLists.ts";
import { ItemJournal, type Journal } from "./ItemJournal.ts";
import { itemTeller } from "./itemTeller.ts";
import { isSuspension } from "./marks.ts";
import { decodeOutputs, digestOf, encodeOutputs, type Values } from "./outputs.ts";
import { CurrentStoppable, neverAsked } from "./stoppable.ts";

/**
 * What becomes of the others when an item fails. `fail-fast`: they are interrupted, and the stage fails
 * with the item's error. `collect`: all run, then the stage fails with every failure at once.
 * `quarantine`: all run, failures are set aside in the output, and the stage fails only if their share
 * is larger than `atMostShare`. An item that waits (see {@link Stage.suspends}) has not failed: the
 * stage waits with it, once the others are done.
 */
export type OnFailure =
  | "fail-fast"
  | "collect"
  | { readonly quarantine: { readonly atMostShare: number } };

/** A stage that runs once for each item. */
export interface FanOut {
  readonly name: string;
  /** The stage that takes one item. */
  readonly item: StageInfo;
  /** Its behaviour under a name, which its errors carry. */
  readonly implement: (info: StageInfo) => Implementation;
  /** The input that takes the item. */
  readonly input: string;
  readonly keyOf: (item: unknown) => string;
  /** What the stage reads for an item beside it, if that depends on the item. */
  readonly readsOf: ((inputs: Inputs) => Effect.Effect<Schema.Json, unknown, unknown>) | undefined;
  readonly concurrency: number;
  readonly onFailure: OnFailure;
}

type Inputs = { readonly [port: string]: unknown };
type Report = (event: StageEvent) => Effect.Effect<void>;

/** Views hear of progress so often, at most. */
const progressMillis = 100;
/** Views are told the names of so many items that failed. */
const namedFailures = 5;

/** Runs all items; the value of the stage. */
export const runItems = Effect.fnUntraced(function* (
  fan: FanOut,
  lists: ItemLists,
  inputs: Inputs,
  report: Report,
) {
  const { name, onFailure } = fan;
  const { total } = lists;
  yield* checkKeys(fan, lists);
  if (total === 0) yield* report(emptyList);

  const journal = yield* ItemJournal;
  const progress = progressOf(total, report);
  const teller = itemTeller(report);
  const failures = new Map<number, ItemFailure>();
  let waiting: Cause.Cause<unknown> | undefined;

  const recall = Effect.fnUntraced(function* ({ index, key, outcome }: Entry) {
    if (outcome === undefined) return false;
    const decoded = yield* Effect.result(decodeOutputs(fan.item, outcome.outputs));
    if (decoded._tag === "Failure") return false;
    yield* lists.put(index, given(fan.item, key, decoded.success));
    yield* teller.again(key, index === 0, outcome);
    return true;
  });

  const one = Effect.fnUntraced(function* (entry: Entry) {
    const { index, key, item, digest } = entry;
    if (yield* recall(entry)) return yield* progress.count("cached", key);
    const told = teller.of(key, index === 0);
    const work = runItem(fan, key, { ...inputs, [fan.input]: item }).pipe(
      Effect.provideService(Reporter, told.report),
      // The journal is about this list: a stage that fans out inside an item has none.
      Effect.provideService(ItemJournal, undefined),
      // An item that was cut short must not be noted as finished.
      Effect.provideService(CurrentStoppable, neverAsked),
      Effect.annotateLogs("item", key),
    );
    // What is finished is noted, whatever happens at the same time.
    const exit = yield* Effect.uninterruptibleMask((restore) =>
      Effect.tap(Effect.exit(restore(work)), (exit) => {
        if (journal === undefined || digest === undefined || Exit.isFailure(exit)) {
          return Effect.void;
        }
        const outcome = { outputs: jsonOf(exit.value), ...told.told() };
        return journal.note({ digest, key, outcome });
      }),
    );
    if (Exit.isSuccess(exit)) {
      yield* lists.put(index, given(fan.item, key, exit.value));
      return yield* progress.count("succeeded", key);
    }
    const { cause } = exit;
    // An interruption is everybody's.
    if (Cause.hasInterrupts(cause)) return yield* Effect.failCause(cause);
    const waits = isSuspension(Cause.squash(cause));
    if (onFailure === "fail-fast") {
      if (!waits) yield* report(failedItem(key));
      yield* progress.count(waits ? "waiting" : "failed", key);
      return yield* Effect.failCause(cause);
    }
    if (waits) {
      waiting ??= cause;
      return yield* progress.count("waiting", key);
    }
    const { tag, message } = failureOf(cause);
    failures.set(index, { key, failure: { tag, message } });
    return yield* progress.count("failed", key);
  });

  const flush = journal?.flush ?? Effect.void;
  yield* entriesOf(fan, lists, inputs, journal).pipe(
    forEachOf(one, Math.min(fan.concurrency, total)),
    Effect.onExit((exit) => (Exit.isFailure(exit) ? Effect.ignore(flush) : flush)),
    Effect.ensuring(Effect.andThen(teller.end, progress.end)),
  );

  const quarantined = [...failures].toSorted(([a], [b]) => a - b).map(([, failure]) => failure);
  const share = typeof onFailure === "string" ? 0 : onFailure.quarantine.atMostShare;
  if (quarantined.length / Math.max(1, total) > share) {
    return yield* new ItemsFailed({ stage: name, total, failures: quarantined });
  }
  if (waiting !== undefined) return yield* Effect.failCause(waiting);
  if (quarantined.length > 0) yield* report(setAside(quarantined, total));
  return { items: yield* lists.gathered, quarantined };
});

/** An item, and what is known of it from before. */
interface Entry {
  readonly index: number;
  readonly key: string;
  readonly item: unknown;
  /** What stands for it in the journal; absent without one. */
  readonly digest: Digest.Digest | undefined;
  readonly outcome: ItemOutcome | undefined;
}

/** So many items are looked up at once. */
const chunkSize = 50;

/** The items in their order, looked up a chunk at a time. */
const entriesOf = (fan: FanOut, lists: ItemLists, inputs: Inputs, journal: Journal | undefined) => {
  const { name, item, input, readsOf } = fan;
  const encode = Schema.encodeUnknownEffect(
    Schema.toCodecJson(item.inputs[input] ?? Schema.Unknown),
  );
  const digestOfItem = Effect.fnUntraced(function* (value: unknown) {
    const json = yield* Effect.mapError(
      encode(value),
      ({ message }) => new InputMismatch({ stage: name, input, problem: message }),
    );
    if (readsOf === undefined) return digestOf(json);
    return digestOf([json, yield* readsOf({ ...inputs, [input]: value })]);
  });
  const known = Effect.fnUntraced(function* (items: ReadonlyArray<unknown>) {
    if (journal === undefined) return items.map(() => ({ digest: undefined, outcome: undefined }));
    const digests = yield* Effect.forEach(items, digestOfItem);
    const found = yield* journal.find(digests);
    return digests.map((digest) => ({ digest, outcome: found.get(digest) }));
  });
  return lists.items.pipe(
    Stream.zipWithIndex,
    Stream.grouped(chunkSize),
    Stream.mapEffect((chunk) =>
      Effect.map(known(chunk.map(([item]) => item)), (outcomes) =>
        chunk.flatMap(([item, index], at): ReadonlyArray<Entry> => {
          const outcome = outcomes[at];
          return outcome === undefined ? [] : [{ index, key: fan.keyOf(item), item, ...outcome }];
        }),
      ),
    ),
    Stream.flattenIterable,
  );
};

/**
 * Does something with each element of a stream, with so many at once, and asks for more only when one
 * is done. Fails as `Effect.forEach` does: the others are interrupted, and have ended.
 */
const forEachOf =
  <A, E1, R1>(use: (element: A) => Effect.Effect<unknown, E1, R1>, concurrency: number) =>
  <E, R>(stream: Stream.Stream<A, E, R>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const pull = yield* Stream.toPull(stream);
        const one = Semaphore.makeUnsafe(1);
        const taken: Array<A> = [];
        const next = one.withPermit(
          Effect.suspend(() => {
            const there = taken.pop();
            if (there !== undefined) return Effect.succeed(there);
            return Effect.map(pull, ([first, ...others]) => {
              taken.push(...others.toReversed());
              return first;
            });
          }),
        );
        const work = Effect.forever(Effect.flatMap(next, use));
        const workers = Array.from({ length: concurrency }, () =>
          Pull.catchDone(work, () => Effect.void),
        );
        yield* Effect.all(workers, { concurrency: "unbounded", discard: true });
      }),
    );

/** Runs the stage on one item. */
const runItem = Effect.fnUntraced(function* (fan: FanOut, key: string, inputs: Inputs) {
  const name = `${fan.name}[${key}]`;
  const value = yield* fan.implement({ ...fan.item, name }).run(inputs);
  return yield* Effect.mapError(
    encodeOutputs(fan.item, value),
    ({ output, problem }) => new OutputMismatch({ stage: name, output, problem }),
  );
});

/** The JSON of outputs, by port. */
const jsonOf = (values: Values) =>
  Object.fromEntries(Object.entries(values).map(([port, { json }]) => [port, json]));

/** What an item gives: one value, or several by their names and nothing else. */
const given = ({ output }: StageInfo, key: string, values: Values): Given => {
  if ("single" in output) {
    const { value, json = null } = values[""] ?? { value: undefined };
    return { key, value, json };
  }
  const all = Object.entries(values).map(([port, { value }]) => [port, value] as const);
  return { key, value: Object.fromEntries(all), json: jsonOf(values) };
};

/** Refuses keys that are empty or used twice, before anything runs. */
const checkKeys = Effect.fnUntraced(function* ({ name, keyOf }: FanOut, lists: ItemLists) {
  const wrong = new Set<string>();
  yield* Stream.runForEach(lists.items, (item) => {
    const key = keyOf(item);
    return Effect.map(lists.hadKey(key), (had) => void (had || key === "" ? wrong.add(key) : null));
  });
  if (wrong.size > 0) return yield* new ItemsInvalid({ stage: name, keys: [...wrong] });
});

/** Counts items, and tells of it: not too often, and at the end. */
const progressOf = (total: number, report: Report) => {
  const counts = { total, succeeded: 0, cached: 0, failed: 0 };
  const failedItems: Array<string> = [];
  let recent = "";
  let toldAt = -Infinity;
  const tell = Effect.suspend(() => {
    const { succeeded, cached, failed } = counts;
    const share = total === 0 ? 1 : (succeeded + cached + failed) / total;
    const progress = { label: recent, share, items: { ...counts } };
    const named = failed === 0 ? {} : { failedItems: [...failedItems] };
    return report({ _tag: "Progress", progress: { ...progress, ...named } });
  });
  return {
    /** An item that waits is not done. */
    count: Effect.fnUntraced(function* (
      as: "succeeded" | "cached" | "failed" | "waiting",
      key: string,
    ) {
      if (as !== "waiting") counts[as]++;
      if (as === "failed" && failedItems.length < namedFailures) failedItems.push(key);
      recent = key;
      const now = yield* Clock.currentTimeMillis;
      if (Math.abs(now - toldAt) < progressMillis) return;
      toldAt = now;
      yield* tell;
    }),
    end: tell,
  };
};

const emptyList: StageEvent = {
  _tag: "Finding",
  finding: {
    check: "items",
    severity: "info",
    expected: "at least one item",
    found: "an empty list",
    next: "Check what the list is made of, if that is a surprise.",
  },
};

const failedItem = (key: string): StageEvent => ({
  _tag: "Finding",
  finding: {
    check: "item",
    severity: "fail",
    expected: "that every item succeeds",
    found: `item ${key} failed`,
    next: "Repair it and run again: finished items are not done again.",
  },
});

const setAside = (failures: ReadonlyArray<ItemFailure>, total: number): StageEvent => {
  const keys = failures.slice(0, 5).map(({ key }) => key);
  const more = failures.length > keys.length ? ", …" : "";
  return {
    _tag: "Finding",
    finding: {
      check: "items",
      severity: "warn",
      expected: "that every item succeeds",
      found: `${failures.length} of ${total} failed and are set aside: ${keys.join(", ")}${more}`,
      next: "See `quarantined` in the output for the reasons. They are tried again in the next run.",
    },
  };
};
