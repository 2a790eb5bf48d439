/** `ml-pipe status`: the newest run. */
import { Approval, type Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { existingReport, runIn, type RunMissing, stateFlag, withStore } from "../StateFolder.ts";
import type { Terminal } from "../Terminal.ts";
import { runJson } from "../view/json.ts";
import { runText } from "../view/run.ts";

/** Writes it; the result is an exit code. */
export const status = (
  options: {
    readonly stateFolder: string;
    readonly run: string | undefined;
    readonly json: boolean;
  },
  { out, style }: Terminal,
): Effect.Effect<number, RunMissing | Store.StoreError> =>
  withStore(
    options.stateFolder,
    Effect.fnUntraced(function* (store) {
      const { stateFolder, json } = options;
      const run = yield* runIn(store, stateFolder, options.run);
      const given = yield* Approval.given(run, store);
      const surroundings = {
        stateFlag: stateFlag(stateFolder),
        given,
        ...existingReport(stateFolder, run.id),
      };
      out(json ? runJson(run, given) : runText(run, { style, now: new Date(), ...surroundings }));
      return ExitCode.succeeded;
    }),
  );
