/** The part of `ml-pipe diff` that needs statistics: which of two runs' models decides more cheaply. */
import { type Holdout, type Run } from "@ml-pipe/core";
import { ModelComparison } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { runIn, withStore } from "../StateFolder.ts";
import { comparisonLines } from "../view/comparison.ts";

/** What was found, as data and as lines of text. */
export interface Compared {
  readonly json: Schema.Json;
  readonly lines: ReadonlyArray<string>;
}

/** Compares the models of two recorded runs; null where they judged none, or the same. */
export const compare = (stateFolder: string, was: string, is: string): Promise<Compared | null> =>
  Effect.runPromise(
    withStore(stateFolder, (store) =>
      Effect.all([
        runIn(store, stateFolder, was),
        runIn(store, stateFolder, is),
        store.holdouts.all,
      ]),
    ).pipe(Effect.map(([before, after, looks]) => comparedOf(before, after, looks))),
  );

const comparedOf = (
  was: Run.Run,
  is: Run.Run,
  looks: ReadonlyArray<Holdout.Look>,
): Compared | null => {
  const compared = ModelComparison.between(was, is, looks);
  if (compared === undefined) return null;
  return {
    json: Result.match(compared, {
      onSuccess: (found): Schema.Json =>
        Schema.encodeSync(Schema.toCodecJson(ModelComparison.ModelComparison))(found),
      onFailure: ({ because, next }): Schema.Json => ({ notCompared: because, next }),
    }),
    lines: comparisonLines(compared),
  };
};
