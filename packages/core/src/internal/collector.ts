/** Gathers what a stage tells while it runs, for its record. */
import * as Effect from "effect/Effect";
import type { RunEvent } from "../Engine.ts";
import type { StageRun } from "../Run.ts";
import type { StageEvent } from "../Stage.ts";

/** Passes on at once what views show live; keeps the rest until the stage has ended. */
export const collector = (stage: string, emit: (event: RunEvent) => Effect.Effect<void>) => {
  const findings: Array<StageRun["findings"][number]> = [];
  const exhibits: Array<StageRun["exhibits"][number]> = [];
  const signals: Array<StageRun["signals"][number]> = [];
  const attempts: Array<NonNullable<StageRun["attempts"]>[number]> = [];
  const latest: { rows?: number; items?: StageRun["items"]; asks?: StageRun["asks"] } = {};
  const report = (event: StageEvent): Effect.Effect<void> => {
    switch (event._tag) {
      case "Finding":
        findings.push(event.finding);
        return Effect.void;
      case "Exhibit":
        exhibits.push(event.exhibit);
        return Effect.void;
      case "Signal":
        signals.push(event.emitted);
        return Effect.void;
      case "Ask":
        latest.asks = event.ask;
        return Effect.void;
      case "Retry":
        attempts.push(event.attempt);
        return emit({ _tag: "StageRetried", stage, attempt: event.attempt });
      case "Progress":
        if (event.progress.rows !== undefined) latest.rows = event.progress.rows;
        if (event.progress.items !== undefined) latest.items = event.progress.items;
        return emit({ _tag: "StageProgress", stage, progress: event.progress });
    }
  };
  return {
    report: (event: StageEvent) => Effect.suspend(() => report(event)),
    collected: (): Partial<StageRun> => {
      const { rows, items, asks } = latest;
      return {
        findings,
        exhibits,
        signals,
        ...(rows === undefined ? {} : { rows }),
        ...(items === undefined ? {} : { items }),
        ...(asks === undefined ? {} : { asks }),
        ...(attempts.length === 0 ? {} : { attempts }),
      };
    },
  };
};
