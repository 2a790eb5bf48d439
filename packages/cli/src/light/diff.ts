/** `ml-pipe diff [RUN] [RUN]`: what differs between two runs. */
import { RunDifference, type Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { runIn, type RunMissing, withStore } from "../StateFolder.ts";
import type { Terminal } from "../Terminal.ts";
import { differenceJson, differenceText } from "../view/difference.ts";
import { NothingBefore } from "./NothingBefore.ts";

/** What `diff` was asked for. */
export interface DiffOptions {
  readonly stateFolder: string;
  /** Two runs; of one, or the newest, what differs from the run of the same pipeline before it. */
  readonly first: string | undefined;
  readonly second: string | undefined;
  readonly json: boolean;
}

/** Writes it; the result is an exit code. */
export const diff = (
  { stateFolder, first, second, json }: DiffOptions,
  { out, style }: Terminal,
): Effect.Effect<number, RunMissing | NothingBefore | Store.StoreError> =>
  withStore(stateFolder, (store) =>
    Effect.gen(function* () {
      const one = yield* runIn(store, stateFolder, first);
      const other =
        second === undefined
          ? yield* runBefore(store, stateFolder, one)
          : yield* runIn(store, stateFolder, second);
      const [was, is] = second === undefined ? [other, one] : [one, other];
      const found = RunDifference.between(was, is);
      out(json ? differenceJson(found) : differenceText(found, style));
      return ExitCode.succeeded;
    }),
  );

const runBefore = Effect.fnUntraced(function* (
  store: Store.StoreShape,
  folder: string,
  { id, pipeline }: { readonly id: string; readonly pipeline: string },
) {
  const runs = yield* store.runs(-1, pipeline);
  const before = runs[runs.findIndex((run) => run.id === id) + 1];
  if (before === undefined) return yield* new NothingBefore({ run: id, pipeline });
  return yield* runIn(store, folder, before.id);
});
