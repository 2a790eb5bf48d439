/**
 * The main thread's side of boosting: starts the training threads, feeds them columns, and waits.
 * The main thread computes nothing, so it stays responsive; interruption ends the threads.
 */
import { Worker } from "node:worker_threads";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import type { Progress } from "./boosting.ts";
import type { Shared } from "./layout.ts";
import type { Reply, Request, SharedColumn, WorkerInput } from "./messages.ts";
import { askToStop } from "./team.ts";
import {
  type Column,
  type TrainingData,
  type TrainingError,
  trainingError,
} from "./trainingData.ts";

const entry = new URL(
  import.meta.url.endsWith(".ts") ? "./boostingWorker.ts" : "./boostingWorker.js",
  import.meta.url,
);

/** What boosting hands back, with the bin boundaries of every feature. */
export interface ThreadsResult {
  readonly done: Extract<Reply, { _tag: "Done" }>;
  readonly thresholds: ReadonlyArray<Float64Array>;
}

/** The columns to be binned. */
export interface BinnableData extends Pick<TrainingData, "columns" | "validation"> {
  /** The training rows to use; `null` for all. */
  readonly keep: Int32Array | null;
  /** By feature: the codes of its categories; `null` for a number. */
  readonly codes: ReadonlyArray<Float64Array | null>;
}

interface Threads {
  readonly workers: ReadonlyArray<Worker>;
  readonly failed: Deferred.Deferred<never, TrainingError>;
}

const workerError = (what: string): TrainingError =>
  trainingError("worker", [
    {
      what,
      where: "training thread",
      next: "Train with fewer rows, features or threads if memory is short; otherwise report this as a bug.",
    },
  ]);

const start = (shared: Shared): Effect.Effect<Threads> =>
  Effect.sync(() => {
    const failed = Deferred.makeUnsafe<never, TrainingError>();
    const fail = (what: string) => Deferred.doneUnsafe(failed, Effect.fail(workerError(what)));
    const workers = Array.from({ length: shared.threads }, (_, thread) => {
      const input: WorkerInput = { shared, thread };
      const worker = new Worker(entry, { workerData: input, name: `ml-pipe training ${thread}` });
      worker.on("error", (error) => fail(error.message));
      worker.on("messageerror", (error) => fail(error.message));
      worker.on("exit", (code) => fail(`it ended with code ${code}`));
      return worker;
    });
    return { workers, failed };
  });

const endThreads = (threads: Threads): Effect.Effect<void> =>
  Effect.promise(() => Promise.all(threads.workers.map((worker) => worker.terminate())));

/** Posts a request and listens until `pick` has an answer. */
const ask = <A>(
  worker: Worker,
  posts: ReadonlyArray<readonly [Worker, Request]>,
  pick: (reply: Reply) => A | undefined,
): Effect.Effect<A> =>
  Effect.callback<A>((resume) => {
    const finish = (result: Effect.Effect<A>): void => {
      worker.off("message", listen);
      resume(result);
    };
    const listen = (reply: Reply): void => {
      try {
        const answer = pick(reply);
        if (answer !== undefined) finish(Effect.succeed(answer));
      } catch (defect) {
        finish(Effect.die(defect));
      }
    };
    worker.on("message", listen);
    for (const [to, request] of posts) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      to.postMessage(request);
    }
    return Effect.sync(() => worker.off("message", listen));
  });

/** The kept rows of a column on shared memory: the column itself if it is all there, else a copy. */
const share = (
  column: Column,
  keep: Int32Array | null,
  staging: SharedArrayBuffer,
): SharedColumn => {
  if (keep === null && column.buffer instanceof SharedArrayBuffer) return column;
  const rows = keep?.length ?? column.length;
  const copy =
    column instanceof Float64Array
      ? new Float64Array(staging, 0, rows)
      : new Float32Array(staging, 0, rows);
  if (keep === null) copy.set(column);
  else for (let i = 0; i < rows; i++) copy[i] = column[keep[i]!]!;
  return copy;
};

const binAll = (
  shared: Shared,
  data: BinnableData,
  workers: ReadonlyArray<Worker>,
): Effect.Effect<ReadonlyArray<Float64Array>> =>
  Effect.gen(function* () {
    const thresholds: Array<Float64Array> = data.columns.map(() => new Float64Array(0));
    let next = 0;
    const feed = Effect.fnUntraced(function* (worker: Worker) {
      // One staging area per thread bounds memory: a column is copied only when its turn comes.
      const staging = new SharedArrayBuffer(8 * shared.training.rows);
      const validationStaging = new SharedArrayBuffer(8 * shared.validation.rows);
      while (next < data.columns.length) {
        const feature = next++;
        const validation = data.validation?.columns[feature];
        const request: Request = {
          _tag: "Bin",
          feature,
          codes: data.codes[feature]!,
          column: share(data.columns[feature]!, data.keep, staging),
          validation: validation === undefined ? null : share(validation, null, validationStaging),
        };
        thresholds[feature] = yield* ask(worker, [[worker, request]], (reply) =>
          reply._tag === "Binned" && reply.feature === feature ? reply.thresholds : undefined,
        );
      }
    });
    yield* Effect.forEach(workers, feed, { concurrency: "unbounded", discard: true });
    return thresholds;
  });

/**
 * Bins the columns and boosts on `shared.threads` threads. When `stop` ends, boosting does after the round
 * at work. Fails if a thread does; when it ends, by whatever way, all threads have ended.
 */
export const runThreads = (
  shared: Shared,
  data: BinnableData,
  stop: Effect.Effect<unknown>,
  onProgress: (progress: Progress) => void,
): Effect.Effect<ThreadsResult, TrainingError> =>
  Effect.acquireUseRelease(
    start(shared),
    ({ workers, failed }) =>
      Effect.gen(function* () {
        yield* stop.pipe(
          Effect.andThen(Effect.sync(() => askToStop(shared.control))),
          Effect.forkChild,
        );
        const thresholds = yield* binAll(shared, data, workers);
        const request: Request = {
          _tag: "Boost",
          bins: Int32Array.from(thresholds, (t, j) => t.length + (data.codes[j] === null ? 1 : 0)),
        };
        const done = yield* ask(
          workers[0]!,
          workers.map((worker) => [worker, request] as const),
          (reply) => {
            if (reply._tag === "Grown") onProgress(reply.progress);
            return reply._tag === "Done" ? reply : undefined;
          },
        );
        return { done, thresholds };
      }).pipe(Effect.raceFirst(Deferred.await(failed))),
    endThreads,
  );
