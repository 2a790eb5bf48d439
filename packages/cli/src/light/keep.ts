/** `ml-pipe keep RUN`: a run that `ml-pipe gc` leaves, whatever its age. */
import type { Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { changeStore, runIn, type RunMissing } from "../StateFolder.ts";
import type { Terminal } from "../Terminal.ts";

/** What `keep` was asked for. */
export interface KeepOptions {
  readonly stateFolder: string;
  readonly run: string;
  readonly undo: boolean;
}

/** Records it; the result is an exit code. */
export const keep = (
  { stateFolder, run: wanted, undo }: KeepOptions,
  { out }: Terminal,
): Effect.Effect<number, RunMissing | Store.StoreError> =>
  changeStore(stateFolder, (store) =>
    Effect.gen(function* () {
      const { id } = yield* runIn(store, stateFolder, wanted);
      yield* store.retention.keep(id, !undo, new Date());
      out(
        undo ? `run ${id} is no longer kept` : `run ${id} is kept until: ml-pipe keep ${id} --undo`,
      );
      return ExitCode.succeeded;
    }),
  );
