/**
 * Reads the logs that are kept with runs. Apart from what writes them, so that a program that only reads
 * starts at once; {@link RunLog} has it too.
 */
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Entry, Level } from "./internal/Entry.ts";
import { logReader } from "./internal/readLog.ts";

export { Entry, Level };

/** At least this often, what is logged gets to the disk, and what follows a log looks for it. */
export const everyMillis = 200;

/** Where the log of a run is, if it has one. */
export const fileOf = (folder: string, run: string): string =>
  path.join(folder, "logs", `${run}.ndjson`);

/** A log that is there cannot be read. */
export class RunLogUnreadable extends Schema.TaggedError<RunLogUnreadable>()("RunLogUnreadable", {
  path: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `cannot read the log ${this.path}: ${this.problem}. Check that the state folder is readable.`;
  }
}

/** Which entries are wanted. */
export interface Filter {
  /** Only of this stage. */
  readonly stage?: string | undefined;
  /** Only this level and above. */
  readonly level?: Level | undefined;
}

/**
 * Whether an entry is wanted.
 *
 * @example
 * ```ts
 * import { LogReader } from "@ml-pipe/observe";
 *
 * const entry = { at: new Date(0), level: "info", message: "fits" } as const;
 * const wanted: boolean = LogReader.matches(entry, { level: "warn" }); // false
 * ```
 */
export const matches = (entry: Entry, { stage, level }: Filter): boolean =>
  (stage === undefined || entry.stage === stage) &&
  (level === undefined || Level.literals.indexOf(entry.level) >= Level.literals.indexOf(level));

/** The entries of a log piece by piece, while it grows; nothing once it has ended. */
export interface Tail {
  readonly next: <E, R>(
    ended: Effect.Effect<boolean, E, R>,
  ) => Effect.Effect<ReadonlyArray<Entry> | undefined, E | RunLogUnreadable, R>;
}

/**
 * Follows a file of entries without a stream: for programs that must start at once.
 *
 * @example
 * ```ts
 * import { LogReader } from "@ml-pipe/observe";
 * import * as Effect from "effect/Effect";
 *
 * const first = LogReader.tail("run.ndjson").next(Effect.succeed(true));
 * ```
 */
export const tail = (file: string): Tail => {
  const reader = logReader(file);
  const piece = Effect.tryPromise({
    try: reader.next,
    catch: (cause) =>
      new RunLogUnreadable({
        path: file,
        problem: cause instanceof Error ? cause.message : String(cause),
      }),
  });
  let waited = false;
  /** It has ended, and is read once more. */
  let last = false;
  const next: Tail["next"] = Effect.fnUntraced(function* (ended) {
    while (true) {
      const { entries, end } = yield* piece;
      if (!end) return entries;
      if (last) return undefined;
      last = yield* ended;
      // The last lines are written after the record of the end.
      if (!last || waited) yield* Effect.sleep(everyMillis);
      waited = true;
    }
  });
  return { next };
};
