/** Which run `run` goes on with by itself. */
import type { Run, Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { withStore } from "../StateFolder.ts";

/** The newest run of the pipeline, if it was interrupted or waits and no new one is wanted. */
export const unfinishedRun = (
  pipeline: string,
  options: { readonly stateFolder: string; readonly force: boolean; readonly fresh: boolean },
): Effect.Effect<Run.RunSummary | undefined, Store.StoreError> =>
  options.force || options.fresh
    ? Effect.succeed(undefined)
    : withStore(options.stateFolder, (store) => store.runs(1, pipeline)).pipe(
        Effect.catchTag("RunMissing", () => Effect.succeed([])),
        Effect.map((runs) =>
          runs.find(({ status }) => status === "interrupted" || status === "suspended"),
        ),
      );
