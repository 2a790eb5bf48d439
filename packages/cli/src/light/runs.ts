/** `ml-pipe runs`: recorded runs, the newest first. */
import { Approval, type Run, type Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as ExitCode from "../ExitCode.ts";
import { withStore, type RunMissing } from "../StateFolder.ts";
import type { Terminal } from "../Terminal.ts";
import { type ListedRun, runsJson, runsText } from "../view/runs.ts";

/** What `runs` was asked for. */
export interface RunsOptions {
  readonly stateFolder: string;
  readonly limit: number;
  /** Only runs of this pipeline. */
  readonly pipeline: string | undefined;
  /** Only runs that stand so. */
  readonly status: Run.RunStatus | undefined;
  readonly json: boolean;
}

/** Writes them; the result is an exit code. */
export const runs = (
  options: RunsOptions,
  { out, err, style }: Terminal,
): Effect.Effect<number, RunMissing | Store.StoreError> =>
  withStore(options.stateFolder, (store) => list(store, options)).pipe(
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

const list = Effect.fnUntraced(function* (
  store: Store.StoreShape,
  { limit, pipeline, status }: RunsOptions,
) {
  const found = yield* store.runs(status === undefined ? limit : -1, pipeline);
  const wanted = found.filter((run) => status === undefined || run.status === status);
  return yield* Effect.forEach(wanted.slice(0, limit), (run) =>
    run.status === "suspended" ? waiting(store, run) : Effect.succeed<ListedRun>(run),
  );
});

/** With whom a suspended run waits for. */
const waiting = Effect.fnUntraced(function* (
  store: Store.StoreShape,
  summary: Run.RunSummary,
): Effect.fn.Return<ListedRun, Store.StoreError> {
  const run = Option.getOrUndefined(yield* store.run(summary.id));
  if (run === undefined) return summary;
  const words = new Map((yield* Approval.given(run, store)).map((word) => [word.gate, word]));
  const waitsFor = run.stages.flatMap(({ stage, status, asks }) => {
    if (status !== "suspended" || asks === undefined) return [];
    const word = words.get(stage);
    const { question, approvers } = asks;
    const given =
      word === undefined ? {} : { given: { approver: word.approver, decision: word.decision } };
    return [{ stage, question, approvers, ...given }];
  });
  return { ...summary, waitsFor };
});
