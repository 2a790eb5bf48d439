/** A thread that scores with one ONNX file, seen from its owner. */
import { Worker } from "node:worker_threads";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { OnnxReply, OnnxRequest, OnnxTask } from "../internal/onnxMessages.ts";
import { OnnxFailed, OnnxRuntimeMissing } from "./errors.ts";
import type { Given } from "./inputs.ts";

const entry = new URL(
  import.meta.url.endsWith(".ts") ? "../internal/onnxWorker.ts" : "../internal/onnxWorker.js",
  import.meta.url,
);

/** How long a thread has to give its memory back before it is ended. */
const closeMillis = 1000;

/** Threads that were to end and are still within a call of the runtime, which nothing can interrupt. */
const stuck = new Set<Worker>();

/** A process would wait for such a thread, if need be for ever, when it has nothing else left to do. */
const leave = (): void => {
  if (stuck.size > 0) process.kill(process.pid, "SIGKILL");
};

/** What a thread computed for rows. */
export interface Scored {
  /** Row by row. */
  readonly scores: Float64Array;
  /** Numbers of each row. */
  readonly width: number;
}

/** A thread with a loaded model. */
export interface OnnxThread {
  /** Scores rows by what each input is given of them, which it takes away from the caller. */
  readonly score: (rows: number, given: ReadonlyArray<Given>) => Effect.Effect<Scored, OnnxFailed>;
}

/** Starts a thread and waits until the model is loaded. The thread ends with the scope. */
export const start = Effect.fnUntraced(function* (
  task: OnnxTask,
): Effect.fn.Return<OnnxThread, OnnxRuntimeMissing | OnnxFailed, Scope.Scope> {
  const ready = yield* Deferred.make<void, OnnxRuntimeMissing | OnnxFailed>();
  const waiting = new Map<number, (answer: Effect.Effect<Scored, OnnxFailed>) => void>();
  let next = 0;
  let ended: OnnxFailed | undefined;

  const worker = yield* Effect.acquireRelease(
    Effect.sync(() => new Worker(entry, { workerData: task, name: "ml-pipe onnx" })),
    (worker) => Effect.promise(() => close(worker)),
  );
  const answer = (id: number, result: Effect.Effect<Scored, OnnxFailed>): void => {
    const resume = waiting.get(id);
    waiting.delete(id);
    // First, because what goes on now may ask again, or close the thread and wait for its end.
    if (waiting.size === 0) worker.unref();
    resume?.(result);
  };
  const end = (problem: string): void => {
    ended ??= new OnnxFailed({ during: "score", problem });
    Deferred.doneUnsafe(ready, Effect.fail(new OnnxFailed({ during: "load", problem })));
    for (const id of waiting.keys()) answer(id, Effect.fail(ended));
  };
  worker.on("error", ({ message }) => end(message));
  worker.on("exit", (code) => end(`its thread ended with code ${code}`));
  worker.on("message", (reply: OnnxReply) => {
    switch (reply._tag) {
      case "Ready":
        return Deferred.doneUnsafe(ready, Effect.void);
      case "NoRuntime":
        return Deferred.doneUnsafe(
          ready,
          Effect.fail(new OnnxRuntimeMissing({ problem: reply.problem })),
        );
      case "NotLoaded":
        return end(reply.problem);
      case "Scored":
        return answer(reply.id, Effect.succeed(reply));
      case "Failed":
        return answer(
          reply.id,
          Effect.fail(new OnnxFailed({ during: "score", problem: reply.problem })),
        );
    }
  });
  yield* Deferred.await(ready);
  // An idle thread does not keep a program running.
  worker.unref();

  return {
    score: (rows, given) =>
      Effect.callback((resume) => {
        if (ended !== undefined) return resume(Effect.fail(ended));
        const id = next++;
        worker.ref();
        waiting.set(id, resume);
        const request: OnnxRequest = { id, rows, given };
        worker.postMessage(
          request,
          given.flatMap((one) => ("buffer" in one ? [one.buffer] : [])),
        );
      }),
  };
});

/** Lets the session go first, which frees the model's memory; a thread that computes is ended, when it can be. */
const close = async (worker: Worker): Promise<void> => {
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  if (worker.threadId === -1) return;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage("close");
  worker.ref();
  const inTime = await Promise.race([
    exited.then(() => true),
    new Promise<false>((resolve) => setTimeout(() => resolve(false), closeMillis).unref()),
  ]);
  if (inTime) return;
  stuck.add(worker);
  void exited.then(() => stuck.delete(worker));
  if (!process.listeners("exit").includes(leave)) process.on("exit", leave);
  void worker.terminate();
  worker.unref();
};
