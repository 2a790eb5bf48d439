/** Fan-out: one stage, run once for each item of a list. */
import * as os from "node:os";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Schema from "effect/Schema";
import * as Digest from "../Digest.ts";
import { failureOf } from "../internal/failure.ts";
import { ItemJournal } from "../internal/ItemJournal.ts";
import { decodeOutputs, encodeOutputs } from "../internal/outputs.ts";
import { Failure } from "../Run.ts";
import type { OutputMismatch } from "../Engine.ts";
import type { StoreError } from "../Store.ts";
import {
  derive,
  type Fields,
  type Implementation,
  implementOf,
  make,
  Reporter,
  type Stage,
  type StageContext,
  type StageEvent,
  type StageInfo,
  StageInvalid,
  type Value,
} from "./make.ts";

/**
 * What becomes of the others when an item fails. `fail-fast`: they are interrupted, and the stage fails
 * with the item's error. `collect`: all run, then the stage fails with every failure at once.
 * `quarantine`: all run, failures are set aside in the output, and the stage fails only if their share
 * is larger than `atMostShare`.
 */
export type OnFailure =
  | "fail-fast"
  | "collect"
  | { readonly quarantine: { readonly atMostShare: number } };

/** What a stage gives that ran for each item, in the order of the items. */
export interface Items<out A> {
  readonly items: ReadonlyArray<{ readonly key: string; readonly value: A }>;
  /** Empty unless failures are set aside. */
  readonly quarantined: ReadonlyArray<{ readonly key: string; readonly failure: Failure }>;
}

/** A list of items that cannot be told apart: two have one key, or one has none. */
export class ItemsInvalid extends Schema.TaggedError<ItemsInvalid>()("ItemsInvalid", {
  stage: Schema.String,
  /** Keys that are used more than once, and empty ones. */
  keys: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const shown = this.keys.slice(0, 5).map((key) => JSON.stringify(key));
    const more = this.keys.length > 5 ? `, and ${this.keys.length - 5} more` : "";
    return `stage "${this.stage}": items need keys of their own, but these are empty or used twice: ${shown.join(", ")}${more}. Correct the list, or what \`key\` makes of an item.`;
  }
}

/** Items failed: all of them, with the reasons. The others are done, and are not done again. */
export class ItemsFailed extends Schema.TaggedError<ItemsFailed>()("ItemsFailed", {
  stage: Schema.String,
  total: Schema.Int,
  failures: Schema.Array(Schema.Struct({ key: Schema.String, failure: Failure })),
}) {
  override get message(): string {
    const { stage, total, failures } = this;
    const lines = failures
      .slice(0, 5)
      .map(({ key, failure }) => `  ${key}: ${failure.tag}: ${failure.message}`);
    const more = failures.length > 5 ? `\n  and ${failures.length - 5} more, in the record` : "";
    return `stage "${stage}": ${failures.length} of ${total} items failed:\n${lines.join("\n")}${more}\nThe others are done. Repair these and run again.`;
  }
}

/** How often views hear of progress, at most. */
const progressMillis = 100;
/** So many findings of items are kept; the rest is counted. */
const keptFindings = 100;

interface Options<In, K extends keyof In> {
  /** The input of the stage that takes one item. */
  readonly each: K;
  /** What people call an item; each needs a name of its own that stays the same over runs. */
  readonly key: (item: In[K]) => string;
  /** So many items at once. Default: as many as there are cores for. */
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
 * only items that are new or changed. Findings carry the item's key; of exhibits only those of the
 * first item are kept. Fails with {@link ItemsInvalid} before anything runs if two items have one key,
 * and with {@link ItemsFailed} or the item's own error as `onFailure` says.
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
  const { each, onFailure = "fail-fast" } = options;
  const cores = os.availableParallelism();
  const { info } = stage;
  const own = info.resources.cores === "all" ? cores : info.resources.cores;
  const concurrency = Math.min(
    options.concurrency ?? (own === 0 ? 16 : Infinity),
    own === 0 ? Infinity : Math.max(1, Math.floor(cores / own)),
  );
  const itemSchema = info.inputs[each];
  const invalid = (problem: string, next: string) =>
    new StageInvalid({ stage: name, problem, next });
  if (itemSchema === undefined) {
    throw invalid(`"${info.name}" has no input "${each}"`, "Name the input that takes one item");
  }
  if (!(concurrency >= 1)) {
    throw invalid(`it runs ${concurrency} items at once`, "Ask for at least one");
  }
  const share = typeof onFailure === "string" ? 0 : onFailure.quarantine.atMostShare;
  if (!(share >= 0 && share <= 1)) {
    throw invalid(`its share ${share} is no share`, "Give one from 0 to 1");
  }
  const item = implementOf(stage)(info);
  const fan = make(name, {
    description: info.description,
    input: { ...info.inputs, [each]: Schema.Array(itemSchema) } satisfies Fields,
    output: itemsSchema(info),
    params: {
      ...(info.params === null ? {} : { item: info.params }),
      ...(typeof onFailure === "string" ? { onFailure } : onFailure),
    },
    cache: info.cache,
    environment: info.environment,
    signals: info.signals,
    resources: { cores: own === 0 ? 0 : Math.min(cores, own * concurrency), memory: 0 },
    run: (inputs: { readonly [port: string]: unknown }, context: Told) =>
      // The list has just been checked against the schema of what `key` takes.
      runItems(
        { name, info, run: item.run, each, keyOf: options.key as KeyOf, concurrency, onFailure },
        inputs,
        context,
      ),
  });
  return derive(fan, {
    info: (made) => ({
      kind: "each",
      each,
      charter: info.charter,
      definedAt: info.definedAt,
      frames: [...info.frames, ...made.frames],
      resources: { ...made.resources, memoryBytes: info.resources.memoryBytes * concurrency },
    }),
    implement: () => ({ fingerprint: item.fingerprint }),
  });
};

type KeyOf = (item: unknown) => string;
type Told = Pick<StageContext<unknown>, "finding" | "progress">;

/** One output as it is, several by their names. */
const itemsSchema = ({ output }: StageInfo) => {
  const value = "single" in output ? output.single : Schema.Struct(output.ports);
  const Key = Schema.String;
  return Schema.Struct({
    items: Schema.Array(Schema.Struct({ key: Key, value })),
    quarantined: Schema.Array(Schema.Struct({ key: Key, failure: Failure })),
  });
};

interface Fan {
  readonly name: string;
  /** Of the stage that runs for each item. */
  readonly info: StageInfo;
  readonly run: Implementation["run"];
  readonly each: string;
  readonly keyOf: KeyOf;
  readonly concurrency: number;
  readonly onFailure: OnFailure;
}

const runItems = Effect.fnUntraced(function* (
  { name, info, run, each, keyOf, concurrency, onFailure }: Fan,
  inputs: { readonly [port: string]: unknown },
  { finding, progress }: Told,
) {
  const given = inputs[each];
  const list: ReadonlyArray<unknown> = Array.isArray(given) ? given : [];
  const keys = list.map(keyOf);
  yield* checkKeys(name, keys);
  const total = list.length;
  const counts = { total, succeeded: 0, cached: 0, failed: 0 };
  if (total === 0) {
    yield* finding({
      check: "items",
      severity: "info",
      expected: "at least one item",
      found: "an empty list",
      next: "Check what the list is made of, if that is a surprise.",
    });
  }

  let toldAt = -Infinity;
  const tell = Effect.fnUntraced(function* (label: string, now: boolean) {
    const at = yield* Clock.currentTimeMillis;
    if (!now && at - toldAt < progressMillis) return;
    toldAt = at;
    const done = counts.succeeded + counts.cached + counts.failed;
    const share = total === 0 ? 1 : done / total;
    yield* progress({ label, share, items: { ...counts } });
  });

  const journal = yield* ItemJournal;
  const itemSchema = info.inputs[each] ?? Schema.Unknown;
  const encodeItem = Schema.encodeUnknownEffect(Schema.toCodecJson(itemSchema));
  const digests = yield* Effect.forEach(list, (item) =>
    Effect.map(encodeItem(item), (json) => Digest.ofJson(json)),
  );
  const known = yield* journal.find(digests);
  const reporter = itemReporter(yield* Reporter, finding);
  const failures: Array<{ readonly key: string; readonly failure: Failure }> = [];

  const one = Effect.fnUntraced(function* (item: unknown, index: number) {
    const [key = "", digest = Digest.ofBytes("")] = [keys[index], digests[index]];
    const recorded = known.get(digest);
    const before = recorded === undefined ? undefined : yield* recalled(info, recorded);
    if (before !== undefined) {
      counts.cached++;
      yield* tell(key, false);
      return [{ key, value: before }];
    }
    const exit = yield* run({ ...inputs, [each]: item }).pipe(
      Effect.flatMap((returned) =>
        Effect.map(encodeOutputs(info, returned), (values) => ({ returned, values })),
      ),
      Effect.provideService(Reporter, reporter.of(key, index)),
      Effect.exit,
    );
    if (Exit.isSuccess(exit)) {
      const { returned, values } = exit.value;
      const output = Object.fromEntries(
        Object.entries(values).map(([port, { json }]) => [port, json]),
      );
      yield* journal.note({ digest, key, output });
      counts.succeeded++;
      yield* tell(key, false);
      return [{ key, value: returned }];
    }
    if (onFailure === "fail-fast") {
      yield* finding({
        check: "item",
        severity: "fail",
        expected: "that every item succeeds",
        found: `item ${key} failed`,
        next: "Repair it and run again: finished items are not done again.",
      });
      return yield* Effect.failCause(exit.cause);
    }
    // Only what an item answers is its failure: an interruption is everybody's.
    if (exit.cause.reasons.some(({ _tag }) => _tag === "Interrupt")) {
      return yield* Effect.failCause(exit.cause);
    }
    counts.failed++;
    failures.push({ key, failure: failureOf(exit.cause) });
    yield* tell(key, false);
    return [];
  });

  const done = yield* Effect.forEach(list, one, { concurrency }).pipe(
    Effect.ensuring(Effect.ignore(journal.flush)),
    Effect.ensuring(Effect.suspend(() => tell("", true))),
  );
  yield* journal.flush;
  yield* reporter.end;
  const items = done.flat();
  const order = new Map(keys.map((key, index) => [key, index]));
  const quarantined = failures.toSorted(
    (a, b) => (order.get(a.key) ?? 0) - (order.get(b.key) ?? 0),
  );
  if (quarantined.length === 0) return { items, quarantined };
  const failed = new ItemsFailed({ stage: name, total, failures: quarantined });
  const atMost = typeof onFailure === "string" ? 0 : onFailure.quarantine.atMostShare * total;
  if (quarantined.length > atMost) return yield* failed;
  yield* finding({
    check: "items",
    severity: "warn",
    expected: "that every item succeeds",
    found: `${quarantined.length} of ${total} failed and are set aside: ${quarantined
      .slice(0, 5)
      .map(({ key }) => key)
      .join(", ")}${quarantined.length > 5 ? ", …" : ""}`,
    next: "See `quarantined` in the output for the reasons.",
  });
  return { items, quarantined };
});

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

/** The value that a recorded output stands for, if it still fits. */
const recalled = Effect.fnUntraced(function* (info: StageInfo, recorded: Schema.Json) {
  const ports = Schema.decodeUnknownOption(Schema.Record(Schema.String, Schema.Json))(recorded);
  if (ports._tag === "None") return undefined;
  const values = yield* Effect.option(decodeOutputs(info, ports.value));
  if (values._tag === "None") return undefined;
  const entries = Object.entries(values.value).map(([port, { value }]) => [port, value] as const);
  return "single" in info.output ? values.value[""]?.value : Object.fromEntries(entries);
});

/** What items tell, under their keys; so much that the record stays readable. */
const itemReporter = (
  report: (event: StageEvent) => Effect.Effect<void>,
  finding: Told["finding"],
) => {
  let findings = 0;
  return {
    of:
      (key: string, index: number) =>
      (event: StageEvent): Effect.Effect<void> => {
        switch (event._tag) {
          case "Finding":
            if (++findings > keptFindings) return Effect.void;
            return finding({ ...event.finding, check: `${key}: ${event.finding.check}` });
          case "Exhibit":
            return index === 0 ? report(event) : Effect.void;
          case "Progress":
            return Effect.void;
          default:
            return report(event);
        }
      },
    end: Effect.suspend(() =>
      findings <= keptFindings
        ? Effect.void
        : finding({
            check: "items",
            severity: "warn",
            expected: `at most ${keptFindings} findings of all items`,
            found: `${findings}; the first ${keptFindings} are kept`,
            next: "Repair what they say, and run again to see the others.",
          }),
    ),
  };
};
