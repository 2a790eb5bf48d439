/** `ml-pipe diff [RUN] [RUN]`: what differs between two runs. */
import { type Run, RunDifference, type Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import type { Compared } from "../commands/compare.ts";
import * as Schema from "effect/Schema";
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
  /** Compares the models of two runs; loaded only where both have judged one, and not the same. */
  readonly compare: (stateFolder: string, was: string, is: string) => Promise<Compared | null>;
}

/** Writes it; the result is an exit code. */
export const diff = (
  { stateFolder, first, second, json, compare }: DiffOptions,
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
      const models = judgedApart(was, is)
        ? yield* Effect.promise(() => compare(stateFolder, was.id, is.id))
        : null;
      out(
        json
          ? differenceJson(found, models?.json)
          : differenceText(found, style, models?.lines ?? []),
      );
      return ExitCode.succeeded;
    }),
  );

/** Whether both runs have judged a model, and not the same. */
const judgedApart = (was: Run.Run, is: Run.Run): boolean => {
  const [before, after] = [was, is].map(({ stages }) =>
    stages
      .flatMap(({ outputs }) => Object.values(outputs ?? {}))
      .flatMap((value) => (isVerdict(value) ? [value.model] : [])),
  );
  return (
    before !== undefined &&
    after !== undefined &&
    before.length > 0 &&
    after.length > 0 &&
    before.at(-1) !== after.at(-1)
  );
};

const isVerdict = Schema.is(
  Schema.Struct({ model: Schema.String, testSet: Schema.String, status: Schema.String }),
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
