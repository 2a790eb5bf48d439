/** Runs a stage for each item of a list: looks each up, or runs it and notes it. */
import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Schema from "effect/Schema";
import * as Digest from "../Digest.ts";
import { OutputMismatch } from "../Engine.ts";
import type { ItemFailure } from "../Run.ts";
import {
  type Implementation,
  InputMismatch,
  Reporter,
  type StageEvent,
  type StageInfo,
} from "../stage/make.ts";
import { ItemsFailed, ItemsInvalid } from "../stage/ItemErrors.ts";
import type { ItemOutcome } from "../store/items.ts";
import { failureOf } from "./failure.ts";
import { ItemJournal } from "./ItemJournal.ts";
import { itemTeller } from "./itemTeller.ts";
import { isSuspension } from "./marks.ts";
import { decodeOutputs, encodeOutputs, type Values } from "./outputs.ts";

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
export const runItems = Effect.fnUntraced(function* (fan: FanOut, inputs: Inputs, report: Report) {
  const { name, onFailure } = fan;
  const given = inputs[fan.input];
  const list: ReadonlyArray<unknown> = Array.isArray(given) ? given : [];
  const keys = list.map(fan.keyOf);
  const total = list.length;
  yield* checkKeys(name, keys);
  if (total === 0) yield* report(emptyList);

  const journal = yield* ItemJournal;
  const digests = journal === undefined ? [] : yield* digestsOf(fan, list);
  const known = yield* journal?.find(digests) ?? Effect.succeed(new Map<string, ItemOutcome>());
  const progress = progressOf(total, report);
  const teller = itemTeller(report);
  const values = new Map<number, unknown>();
  const failures = new Map<number, ItemFailure>();
  let waiting: Cause.Cause<unknown> | undefined;

  const recall = Effect.fnUntraced(function* (index: number, key: string) {
    const digest = digests[index];
    const outcome = digest === undefined ? undefined : known.get(digest);
    if (outcome === undefined) return false;
    const decoded = yield* Effect.result(decodeOutputs(fan.item, outcome.outputs));
    if (decoded._tag === "Failure") return false;
    values.set(index, valueOf(fan.item, decoded.success));
    yield* teller.again(key, index === 0, outcome);
    return true;
  });

  const one = Effect.fnUntraced(function* (item: unknown, index: number) {
    const key = keys[index] ?? "";
    if (yield* recall(index, key)) return yield* progress.count("cached", key);
    const told = teller.of(key, index === 0);
    const work = runItem(fan, key, { ...inputs, [fan.input]: item }).pipe(
      Effect.provideService(Reporter, told.report),
      // The journal is about this list: a stage that fans out inside an item has none.
      Effect.provideService(ItemJournal, undefined),
      Effect.annotateLogs("item", key),
    );
    // What is finished is noted, whatever happens at the same time.
    const exit = yield* Effect.uninterruptibleMask((restore) =>
      Effect.tap(Effect.exit(restore(work)), (exit) => {
        const digest = digests[index];
        if (journal === undefined || digest === undefined || Exit.isFailure(exit)) {
          return Effect.void;
        }
        const outcome = { outputs: exit.value.outputs, ...told.told() };
        return journal.note({ digest, key, outcome });
      }),
    );
    if (Exit.isSuccess(exit)) {
      values.set(index, exit.value.value);
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
  yield* Effect.forEach(list, one, { concurrency: fan.concurrency, discard: true }).pipe(
    Effect.onExit((exit) => (Exit.isFailure(exit) ? Effect.ignore(flush) : flush)),
    Effect.ensuring(Effect.andThen(teller.end, progress.end)),
  );

  const inOrder = <A>(found: ReadonlyMap<number, A>) =>
    keys.flatMap((key, index) => {
      const value = found.get(index);
      return found.has(index) ? [[key, value] as const] : [];
    });
  const quarantined = inOrder(failures).flatMap(([, failure]) => failure ?? []);
  const share = typeof onFailure === "string" ? 0 : onFailure.quarantine.atMostShare;
  if (quarantined.length / Math.max(1, total) > share) {
    return yield* new ItemsFailed({ stage: name, total, failures: quarantined });
  }
  if (waiting !== undefined) return yield* Effect.failCause(waiting);
  if (quarantined.length > 0) yield* report(setAside(quarantined, total));
  return { items: inOrder(values).map(([key, value]) => ({ key, value })), quarantined };
});

/** Runs the stage on one item: its value, and the JSON of it by port. */
const runItem = Effect.fnUntraced(function* (fan: FanOut, key: string, inputs: Inputs) {
  const name = `${fan.name}[${key}]`;
  const value = yield* fan.implement({ ...fan.item, name }).run(inputs);
  const encoded = yield* Effect.mapError(
    encodeOutputs(fan.item, value),
    ({ output, problem }) => new OutputMismatch({ stage: name, output, problem }),
  );
  const outputs = Object.fromEntries(
    Object.entries(encoded).map(([port, { json }]) => [port, json]),
  );
  return { value: valueOf(fan.item, encoded), outputs };
});

/** What a stage gives: one value, or several by their names and nothing else. */
const valueOf = ({ output }: StageInfo, values: Values): unknown =>
  "single" in output
    ? values[""]?.value
    : Object.fromEntries(Object.entries(values).map(([port, { value }]) => [port, value]));

/** What stands for each item in the journal. */
const digestsOf = ({ name, item, input }: FanOut, list: ReadonlyArray<unknown>) => {
  const encode = Schema.encodeUnknownEffect(
    Schema.toCodecJson(item.inputs[input] ?? Schema.Unknown),
  );
  return Effect.forEach(list, (value) =>
    encode(value).pipe(
      Effect.map((json) => Digest.ofJson(json)),
      Effect.mapError(({ message }) => new InputMismatch({ stage: name, input, problem: message })),
    ),
  );
};

const checkKeys = (
  stage: string,
  keys: ReadonlyArray<string>,
): Effect.Effect<void, ItemsInvalid> => {
  const seen = new Set<string>();
  const wrong = keys.filter((key) => key === "" || seen.has(key) || !seen.add(key));
  return wrong.length === 0
    ? Effect.void
    : Effect.fail(new ItemsInvalid({ stage, keys: [...new Set(wrong)] }));
};

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
