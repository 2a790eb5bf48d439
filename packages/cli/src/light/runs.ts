/** `ml-pipe runs`: recorded runs, the newest first. */
import type { Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { withStore, type RunMissing } from "../StateFolder.ts";
import type { Terminal } from "../Terminal.ts";
import { runsJson } from "../view/json.ts";
import { runsText } from "../view/runs.ts";

/** Writes them; the result is an exit code. */
export const runs = (
  options: { readonly stateFolder: string; readonly limit: number; readonly json: boolean },
  { out, err, style }: Terminal,
): Effect.Effect<number, RunMissing | Store.StoreError> =>
  withStore(options.stateFolder, (store) => store.runs(options.limit)).pipe(
    Effect.catchTag("RunMissing", (error) =>
      Effect.sync(() => {
        err(error.message);
        return [];
      }),
    ),
    Effect.map((found) => {
      if (options.json) out(runsJson(found));
      else if (found.length > 0) out(runsText(found, style));
      return ExitCode.succeeded;
    }),
  );
