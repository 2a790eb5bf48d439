/**
 * Entry point of a training thread. It imports nothing but this folder's pure modules, so that it
 * starts in milliseconds; it ends when it is terminated.
 */
import { parentPort, workerData } from "node:worker_threads";
import { binCategories, binColumn, findThresholds } from "./binning.ts";
import { boost } from "./boosting.ts";
import type { Reply, Request, WorkerInput } from "./messages.ts";
import { joinTeam } from "./team.ts";

const { shared, thread }: WorkerInput = workerData;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
const reply = (message: Reply): void => parentPort?.postMessage(message);

const bin = (request: Extract<Request, { _tag: "Bin" }>): void => {
  const { settings, addresses, training } = shared;
  const { feature, column, validation, codes } = request;
  const thresholds =
    codes ?? findThresholds(column, settings.maxBins, settings.binningSample, settings.seed);
  const at = addresses.bins + feature * addresses.binsStride;
  const bins = new Uint8Array(shared.memory.buffer, at, training.rows);
  const write = codes === null ? binColumn : binCategories;
  write(column, thresholds, bins);
  if (validation !== null) write(validation, thresholds, shared.validationBins[feature]!);
  reply({ _tag: "Binned", feature, thresholds });
};

parentPort?.on("message", (request: Request) => {
  if (request._tag === "Bin") return bin(request);
  const reports = thread === 0;
  const team = joinTeam(shared.control, thread, shared.threads);
  const result = boost(shared, team, request.bins, (progress) => {
    if (reports) reply({ _tag: "Grown", progress });
  });
  if (reports) reply({ _tag: "Done", ...result });
});
