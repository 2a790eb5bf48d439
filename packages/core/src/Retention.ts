/**
 * Retention: what of a state folder stays, and what goes. A run stays because somebody kept it, because
 * a release, an approval or another run refers to it, because it has not ended, or because it is new.
 * An artifact stays as long as anything that stays mentions its digest.
 *
 * Records go first, in one transaction, and files after them: however a removal ends, no record is left
 * that refers to a file that was removed. What is left half-done goes the next time.
 */
import * as path from "node:path";
import * as Clock from "effect/Clock";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type ArtifactStoreError, attempt } from "./Artifact.ts";
import {
  abandonedIn,
  artifactsIn,
  digestsInFile,
  type FoundFile,
  lookAt,
  releasesIn,
  RemoveFile,
  runFilesIn,
} from "./internal/retentionFiles.ts";
import { runsToKeep } from "./internal/retentionRoots.ts";
import type { RunSummary } from "./Run.ts";
import { type FolderOwned, Store, type StoreError } from "./Store.ts";

/** What stays beside what something refers to. */
export interface Policy {
  /** The newest so many runs of each pipeline. Default 10. */
  readonly keepRuns?: number;
  /** Runs that are younger. Default 30 days. */
  readonly keepFor?: Duration.Input;
  /**
   * Files that are younger stay although nothing refers to them yet: a stage that runs in another
   * program may be about to record them. Default 1 hour.
   */
  readonly grace?: Duration.Input;
}

const RunName = Schema.Struct({
  run: Schema.String,
  pipeline: Schema.String,
  startedAt: Schema.DateFromString,
});
const FileSize = Schema.Struct({
  /** In the state folder, with `/` between names. */
  path: Schema.String,
  bytes: Schema.Int,
});
const Total = Schema.Struct({ count: Schema.Int, bytes: Schema.Int });

/** A file that could not be removed or looked at. The rest goes on. */
export class FileNotRemoved extends Schema.TaggedError<FileNotRemoved>()("FileNotRemoved", {
  path: Schema.String,
  code: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `cannot remove ${this.path} (${this.code}). ${this.next}`;
  }
}

/** What goes, or would go, and why the rest stays. */
export const Retention = Schema.Struct({
  /** `true`: nothing was removed. */
  dry: Schema.Boolean,
  removed: Schema.Struct({
    runs: Schema.Array(RunName),
    artifacts: Schema.Array(FileSize),
    /** Reports and logs of removed runs, and what killed processes left half-written. */
    files: Schema.Array(FileSize),
    /** Of artifacts and files together. */
    bytes: Schema.Int,
  }),
  stays: Schema.Struct({
    runs: Schema.Array(Schema.Struct({ ...RunName.fields, reasons: Schema.Array(Schema.String) })),
    /** Artifacts that something refers to. */
    artifacts: Total,
    /** Artifacts that nothing refers to, but are too young to go. */
    young: Total,
  }),
  /** By how much the record of runs became smaller. */
  shrunkBytes: Schema.Int,
  /** Files that should have gone, but could not be removed. */
  failures: Schema.Array(FileNotRemoved),
});
/** See {@link Retention}. */
export type Retention = typeof Retention.Type;

const plan = Effect.fnUntraced(function* (folder: string, policy: Policy) {
  const { runs: listRuns, lineage, retention } = yield* Store;
  const now = yield* Clock.currentTimeMillis;
  const { keepRuns = 10, keepFor = "30 days", grace = "1 hour" } = policy;
  const youngest = now - Duration.toMillis(Duration.fromInputUnsafe(grace));
  const isYoung = ({ modifiedMs }: FoundFile) => modifiedMs > youngest;
  const age = Duration.fromInputUnsafe(keepFor);

  const releases = yield* releasesIn(folder);
  const released = new Map<string, string>();
  for (const label of releases.labels) {
    // Where a release was published again, the run that made it first.
    const runs = (yield* lineage.released(label)).map(({ run }) => run).toSorted();
    if (runs[0] !== undefined) released.set(runs[0], label);
  }
  // SQLite takes any negative limit as none.
  const runs = yield* listRuns(-1);
  const reasons = runsToKeep(
    {
      runs,
      released,
      kept: yield* retention.kept,
      approved: yield* retention.approved,
      reused: yield* retention.reused,
    },
    {
      keepRuns,
      since: new Date(now - Duration.toMillis(age)),
      sinceWords: `younger than ${Duration.format(age)}`,
    },
  );
  const going = new Set(runs.map(({ id }) => id).filter((id) => !reasons.has(id)));

  const { found, unreadable } = yield* artifactsIn(folder);
  const mentioned = new Set([...(yield* retention.mentioned(going)), ...releases.digests]);
  // It grows while it is walked: an artifact may mention others.
  for (const digest of mentioned) {
    const file = found.get(digest);
    if (file === undefined) continue;
    for (const other of yield* digestsInFile(path.join(folder, file.path), "json")) {
      mentioned.add(other);
    }
  }
  const all = [...found].map(([digest, file]) => ({ ...file, used: mentioned.has(digest) }));
  const recorded = new Set(runs.map(({ id }) => id));
  const runFiles = (yield* runFilesIn(folder)).filter((file) =>
    recorded.has(file.run) ? going.has(file.run) : runIdPattern.test(file.run) && !isYoung(file),
  );
  return {
    going,
    unreadable,
    reasons,
    runs,
    artifacts: all.filter((file) => !file.used && !isYoung(file)),
    used: all.filter(({ used }) => used),
    young: all.filter((file) => !file.used && isYoung(file)),
    files: [...runFiles, ...(yield* abandonedIn(folder))],
  };
});

/** The ids that runs are given: a file named after one that is not recorded is a run's that went. */
const runIdPattern = /^\d{8}-\d{6}-[0-9a-f]{8}$/;

/** The folder cannot be told apart into what stays and what goes: nothing was removed. */
export class RetentionUncertain extends Schema.TaggedError<RetentionUncertain>()(
  "RetentionUncertain",
  { path: Schema.String, code: Schema.String },
) {
  override get message(): string {
    return `cannot read ${this.path} (${this.code}), so it is not known what it refers to. Nothing was removed: give this user read access, and try again.`;
  }
}

/** What retention can fail with as a whole. */
export type RetentionError = StoreError | FolderOwned | RetentionUncertain;

/**
 * What {@link collect} would do now; removes nothing. A pipeline may run meanwhile.
 *
 * @example
 * ```ts
 * import { Retention, Store } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const bytes = Retention.preview(".ml-pipe", { keepRuns: 3 }).pipe(
 *   Effect.map(({ removed }) => removed.bytes),
 *   Effect.provide(Store.Store.layer(".ml-pipe")),
 * );
 * ```
 */
export const preview = (
  folder: string,
  policy: Policy = {},
): Effect.Effect<Retention, RetentionError, Store> =>
  plan(folder, policy).pipe(
    Effect.map((planned) => {
      const failures = planned.unreadable.map(notRemoved);
      return snapshot(planned, { dry: true, shrunkBytes: 0, failures });
    }),
    Effect.mapError(uncertain),
  );

/**
 * Removes what nothing refers to. Fails with `FolderOwned` while a pipeline runs. A file that cannot
 * be removed is among the `failures`, and the rest goes on.
 *
 * @example
 * ```ts
 * import { Retention, Store } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const collected = Retention.collect(".ml-pipe", { keepRuns: 3, keepFor: "7 days" }).pipe(
 *   Effect.provide(Store.Store.layer(".ml-pipe")),
 * );
 * ```
 */
export const collect = (
  folder: string,
  policy: Policy = {},
): Effect.Effect<Retention, RetentionError, Store> =>
  Effect.scoped(
    Effect.gen(function* () {
      const store = yield* Store;
      yield* store.own;
      const planned = yield* Effect.mapError(plan(folder, policy), uncertain);
      yield* store.retention.remove(planned.going);
      const failures = planned.unreadable.map(notRemoved);
      const gone = new Set<FoundFile>();
      for (const file of [...planned.artifacts, ...planned.files]) {
        const removed = yield* Effect.result(removeUnchanged(folder, file));
        if (removed._tag === "Failure") failures.push(notRemoved(removed.failure));
        else if (removed.success) gone.add(file);
      }
      const shrunkBytes = yield* store.retention.shrink;
      const done = {
        ...planned,
        artifacts: planned.artifacts.filter((file) => gone.has(file)),
        files: planned.files.filter((file) => gone.has(file)),
      };
      return snapshot(done, { dry: false, shrunkBytes, failures });
    }),
  );

/** Removes a file, unless it was written anew since it was looked at; whether it is gone. */
const removeUnchanged = Effect.fnUntraced(function* (folder: string, file: FoundFile) {
  const now = yield* lookAt(folder, file.path);
  if (now !== undefined && now.modifiedMs !== file.modifiedMs) return false;
  const remove = yield* RemoveFile;
  const whole = path.join(folder, file.path);
  yield* attempt("remove", whole, () => remove(whole));
  return true;
});

const notRemoved = ({ path, code, next }: ArtifactStoreError): FileNotRemoved =>
  new FileNotRemoved({ path, code, next });

const uncertain = (error: ArtifactStoreError | StoreError): StoreError | RetentionUncertain =>
  error._tag === "ArtifactStoreError"
    ? new RetentionUncertain({ path: error.path, code: error.code })
    : error;

const snapshot = (
  planned: Effect.Success<ReturnType<typeof plan>>,
  end: Pick<Retention, "dry" | "shrunkBytes" | "failures">,
): Retention => {
  const { runs, going, reasons } = planned;
  const artifacts = planned.artifacts.map(sizeOf);
  const files = planned.files.map(sizeOf);
  return {
    ...end,
    removed: {
      runs: runs.filter(({ id }) => going.has(id)).map(nameOf),
      artifacts,
      files,
      bytes: totalOf(artifacts).bytes + totalOf(files).bytes,
    },
    stays: {
      runs: runs.flatMap((run) => {
        const found = reasons.get(run.id);
        return found === undefined ? [] : [{ ...nameOf(run), reasons: found }];
      }),
      artifacts: totalOf(planned.used),
      young: totalOf(planned.young),
    },
  };
};

const nameOf = ({ id, pipeline, startedAt }: RunSummary) => ({ run: id, pipeline, startedAt });

const sizeOf = ({ path, bytes }: FoundFile) => ({ path, bytes });

const totalOf = (files: ReadonlyArray<{ readonly bytes: number }>) => ({
  count: files.length,
  bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
});
