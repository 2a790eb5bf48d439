/** `ml-pipe show RUN`: the graph of a recorded run. */
import type { Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { showGraph } from "../showGraph.ts";
import { findRun, type RunMissing } from "../StateFolder.ts";
import type { Terminal } from "../Terminal.ts";

/** Writes it; the result is an exit code. */
export const showRun = (
  options: {
    readonly stateFolder: string;
    readonly run: string | undefined;
    readonly stage: string | undefined;
    readonly json: boolean;
  },
  terminal: Terminal,
): Effect.Effect<number, RunMissing | Store.StoreError> =>
  Effect.map(findRun(options.stateFolder, options.run), ({ graph }) =>
    showGraph(graph, options, terminal),
  );
