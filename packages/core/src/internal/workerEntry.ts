/**
 * Entry point of a worker thread of a stage: runs the default export of a module on one input. It
 * imports next to nothing, so that it starts in milliseconds.
 */
import { parentPort, workerData } from "node:worker_threads";
import { notCrossable } from "./crossable.ts";
import { failureOfThrown, type WorkerMessage, type WorkerTask } from "./workerMessages.ts";

const { module, input, params }: WorkerTask = workerData;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
const say = (message: WorkerMessage): void => parentPort?.postMessage(message);

/** A stage that tells each of a million steps must not flood the main thread. */
const pauseMs = 20;
let toldAt = -Infinity;
const context = {
  params,
  progress: (progress: unknown): void => {
    const now = performance.now();
    if (now - toldAt < pauseMs) return;
    toldAt = now;
    say({ _tag: "Progress", progress });
  },
  finding: (finding: unknown): void => say({ _tag: "Finding", finding }),
};

/** Waits until what was printed has arrived: the main thread ends this one when it has its answer. */
const printed = async (): Promise<void> => {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => stream.write("", () => resolve()));
  }
};

const answer = async (): Promise<WorkerMessage> => {
  try {
    const loaded: unknown = await import(module);
    const run: unknown = Object(loaded).default;
    if (typeof run !== "function") throw new TypeError("its default export is no function");
    const output: unknown = await run(input, context);
    const problem = notCrossable(output);
    if (problem !== undefined) {
      throw new TypeError(`it returned ${problem}, and only plain data can leave a thread`);
    }
    return { _tag: "Done", output };
  } catch (thrown) {
    return { _tag: "Failed", failure: failureOfThrown(thrown) };
  }
};

const message = await answer();
await printed();
say(message);
