/** `ml-pipe runs`: recorded runs, the newest first. */
import type { Run, Store } from "@ml-pipe/core";
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
const waiting = (
  store: Store.StoreShape,
  summary: Run.RunSummary,
): Effect.Effect<ListedRun, Store.StoreError> =>
  Effect.map(store.run(summary.id), (run) => ({
    ...summary,
    waitsFor: Option.toArray(run).flatMap(({ stages }) =>
      stages.flatMap(({ stage, status, asks }) =>
        status === "suspended" && asks !== undefined
          ? [{ stage, question: asks.question, approvers: asks.approvers }]
          : [],
      ),
    ),
  }));
