/** `ml-pipe holdout`: the ledger of looks at test sets. */
import type { Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { withStore, type RunMissing } from "../StateFolder.ts";
import type { Terminal } from "../Terminal.ts";
import { looksJson, looksText } from "../view/holdout.ts";

/** Writes it; the result is an exit code. */
export const holdout = (
  { stateFolder, json }: { readonly stateFolder: string; readonly json: boolean },
  { out, style }: Terminal,
): Effect.Effect<number, RunMissing | Store.StoreError> =>
  Effect.map(
    withStore(stateFolder, ({ holdouts }) => holdouts.all),
    (looks) => {
      out(json ? looksJson(looks) : looksText(looks, style));
      return ExitCode.succeeded;
    },
  );
