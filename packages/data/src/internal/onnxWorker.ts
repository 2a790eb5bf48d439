/**
 * Entry point of a scoring thread: holds one ONNX Runtime session. In a thread, because the runtime
 * computes where it is called, however asynchronous its interface looks, and would hold up a server.
 */
import { parentPort, workerData } from "node:worker_threads";
import type * as Runtime from "onnxruntime-node";
import type { OnnxReply, OnnxRequest, OnnxTask } from "./onnxMessages.ts";

const task: OnnxTask = workerData;
const { inputs, output } = task;

const reply = (message: OnnxReply, transfer: ReadonlyArray<ArrayBuffer> = []): void =>
  parentPort?.postMessage(message, transfer);

const wordsOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 2000);

/** One thread and no spinning: the same sums in the same order on every machine. */
const options: Runtime.InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
  logSeverityLevel: 4,
};

/** The package is optional: its types are known, whether it is there is not. */
const loadRuntime = async (): Promise<typeof Runtime | undefined> => {
  try {
    return await import("onnxruntime-node");
  } catch (thrown) {
    reply({ _tag: "NoRuntime", problem: wordsOf(thrown) });
    return undefined;
  }
};

const openSession = async ({ InferenceSession }: typeof Runtime) => {
  try {
    return await InferenceSession.create(task.path, options);
  } catch (thrown) {
    reply({ _tag: "NotLoaded", problem: wordsOf(thrown) });
    return undefined;
  }
};

const runtime = await loadRuntime();
const session = runtime && (await openSession(runtime));
if (runtime !== undefined && session !== undefined) {
  const score = async ({ id, rows, given }: OnnxRequest): Promise<void> => {
    try {
      const feeds: Record<string, Runtime.Tensor> = {};
      for (const [index, { name, type, features, vector }] of inputs.entries()) {
        const shape = vector ? [rows] : [rows, features.length];
        feeds[name] = new runtime.Tensor(type, given[index] ?? [], shape);
      }
      const { [output]: found } = await session.run(feeds, [output]);
      const scores = numbersOf(found);
      if (scores.length % rows !== 0) throw new Error(`${scores.length} numbers for ${rows} rows`);
      reply({ _tag: "Scored", id, scores, width: scores.length / rows }, [scores.buffer]);
    } catch (thrown) {
      reply({ _tag: "Failed", id, problem: wordsOf(thrown) });
    }
  };
  parentPort?.on("message", (request: OnnxRequest | "close") => {
    // What came before it has been answered; then nothing holds the thread any more.
    if (request === "close") {
      parentPort?.close();
      return void session.release();
    }
    return void score(request);
  });
  reply({ _tag: "Ready" });
}

const numbersOf = (tensor: Runtime.Tensor | undefined): Float64Array<ArrayBuffer> => {
  const data: unknown = tensor?.data;
  if (data instanceof Float32Array || data instanceof Float64Array) return Float64Array.from(data);
  throw new Error(`the output "${output}" holds ${tensor?.type ?? "nothing"}, not numbers`);
};
