/** Entry point of a thread that factorises. It imports nothing but this folder's pure modules. */
import { parentPort, workerData } from "node:worker_threads";
import { alternate, type Factorization } from "./alternating.ts";
import { joinTeam } from "./team.ts";

/** Given to a thread when it starts. */
export interface AlternatingInput {
  readonly shared: Factorization;
  readonly control: Int32Array;
  readonly thread: number;
  readonly threads: number;
}

/** What thread 0 tells. */
export type AlternatingReply =
  | { readonly _tag: "Iterated"; readonly iteration: number; readonly loss: number }
  | { readonly _tag: "Done" };

const { shared, control, thread, threads }: AlternatingInput = workerData;
const reply = (message: AlternatingReply): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  if (thread === 0) parentPort?.postMessage(message);
};
alternate(shared, joinTeam(control, thread, threads), (iteration, loss) =>
  reply({ _tag: "Iterated", iteration, loss }),
);
reply({ _tag: "Done" });
