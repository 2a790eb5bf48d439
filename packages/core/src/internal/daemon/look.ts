/** Looks at a trigger or at the gates of suspended runs, and records what is due. */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type { Pipeline } from "../../Pipeline.ts";
import { Store } from "../../Store.ts";
import * as Trigger from "../../Trigger.ts";
import { listFiles, toDigest, withDigest } from "../trigger/files.ts";
import { stateOf } from "../trigger/spec.ts";

/** A pipeline whose triggers are watched. */
export interface Watched<out R = unknown> {
  readonly pipeline: Pipeline<unknown, unknown, R>;
  /** The file that it comes from. */
  readonly file?: string;
  /** Where its globs begin. */
  readonly folder: string;
}

/** Something that is looked at again and again. */
export interface Watch<out R> {
  readonly trigger: string;
  /** Records what is due, and gives what is new of it; `settling`: a look later may find more. */
  readonly look: Effect.Effect<
    { readonly occurrences: ReadonlyArray<string>; readonly settling: boolean },
    unknown,
    R | Store
  >;
  /** When something is due next, if that is known. */
  readonly next: (now: Date) => Date | undefined;
}

/** Looks at one trigger. What is remembered is read once, and written when it changes. */
export const watchTrigger = <R>(
  { pipeline, folder }: Watched,
  trigger: Trigger.Trigger<R>,
): Watch<R> => {
  const { spec } = trigger;
  let state: Trigger.TriggerState | undefined;
  let isRead = false;
  const look = Effect.gen(function* () {
    const { triggers } = yield* Store;
    if (!isRead) state = Option.getOrUndefined(yield* triggers.state(pipeline.name, spec.name));
    isRead = true;
    const observation = yield* observe(trigger, state, { pipeline: pipeline.name, folder });
    const due = Trigger.due(spec, state, observation);
    const settling = due.state.kind === "newFile" && Object.keys(due.state.settling).length > 0;
    if (due.state === state) return { occurrences: [], settling };
    const added = yield* triggers.found({ pipeline: pipeline.name, trigger: spec, ...due });
    state = due.state;
    return { occurrences: added.map(({ occurrence }) => occurrence), settling };
  });
  return { trigger: spec.name, look, next: (now) => Trigger.next(spec, now) };
};

const observe = Effect.fnUntraced(function* <R>(
  { spec, count }: Trigger.Trigger<R>,
  state: Trigger.TriggerState | undefined,
  { pipeline, folder }: { readonly pipeline: string; readonly folder: string },
) {
  const store = yield* Store;
  const now = new Date(yield* Clock.currentTimeMillis);
  switch (spec.kind) {
    case "cron":
      return { kind: spec.kind, now } satisfies Trigger.Observation;
    case "newFile": {
      const files = yield* Effect.tryPromise({
        try: async () => {
          const listed = await listFiles(folder, spec.glob);
          const wanted = new Set(toDigest(spec, stateOf(state, "newFile"), listed, now));
          const files: Array<Trigger.FileSeen> = [];
          for (const file of listed) {
            files.push(wanted.has(file) ? await withDigest(folder, file) : file);
          }
          return files;
        },
        catch: (cause) => cause,
      });
      return { kind: spec.kind, files, now } satisfies Trigger.Observation;
    }
    case "count": {
      const found = count === undefined ? 0 : yield* count;
      return { kind: spec.kind, count: found } satisfies Trigger.Observation;
    }
    case "signal": {
      const seen = yield* store.triggers.signalsAfter(stateOf(state, "signal")?.cursor);
      return { kind: spec.kind, seen, pipeline } satisfies Trigger.Observation;
    }
  }
});

/** The name under which words at gates are recorded: no trigger of a pipeline is called so. */
const approvals = "~approval";

/** Looks for words at the gates of the pipeline's suspended runs: each lets its run be tried again. */
export const watchApprovals = ({ pipeline }: Watched): Watch<never> => ({
  trigger: approvals,
  look: Effect.gen(function* () {
    const { triggers } = yield* Store;
    const occurrences: Array<string> = [];
    for (const { run, gate, words } of yield* triggers.answered(pipeline.name)) {
      const added = yield* triggers.found({
        pipeline: pipeline.name,
        trigger: { name: approvals, pending: "all" },
        occurrences: [`${run}/${gate} word ${words}`],
        resumes: run,
      });
      occurrences.push(...added.map(({ occurrence }) => occurrence));
    }
    return { occurrences, settling: false };
  }),
  next: () => undefined,
});
