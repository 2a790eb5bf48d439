/** A run in progress: what is known so far, from its events alone. */
import type { Engine, Run } from "@ml-pipe/core";
import { retryText } from "./words.ts";
import { plural } from "./text.ts";

/** One stage while the pipeline runs. */
export interface StageProgress {
  readonly name: string;
  readonly status: Run.StageStatus | "waiting";
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  /** What it is at, such as `tree 40 of 100`. */
  readonly label: string;
  /** Share done, 0 to 1. */
  readonly share?: number;
  readonly rows?: number;
  readonly note: string;
  readonly findings: FindingCounts;
}

/** Findings by severity. */
export interface FindingCounts {
  readonly fail: number;
  readonly warn: number;
  readonly info: number;
}

/** All that is known about a run in progress. */
export interface Progress {
  readonly run?: Run.Run;
  readonly stages: ReadonlyArray<StageProgress>;
}

/** Nothing yet. */
export const nothing: Progress = { stages: [] };

const none: FindingCounts = { fail: 0, warn: 0, info: 0 };

/** How many findings of each severity a stage has. */
export const countFindings = ({ findings }: Pick<Run.StageRun, "findings">): FindingCounts => {
  const counts = { ...none };
  for (const { severity } of findings) counts[severity]++;
  return counts;
};

/** `1 failed, 2 warnings`. */
export const findingsText = ({ fail, warn, info }: FindingCounts): string =>
  [
    fail > 0 ? `${fail} failed` : "",
    warn > 0 ? plural(warn, "warning") : "",
    info > 0 ? plural(info, "note") : "",
  ]
    .filter((part) => part !== "")
    .join(", ");

/** What is known after one more event. Pure. */
export const after = (progress: Progress, event: Engine.RunEvent): Progress => {
  switch (event._tag) {
    case "RunStarted":
      return {
        run: event.run,
        stages: event.run.graph.stages.map(({ name }) => ({
          name,
          status: "waiting",
          label: "",
          note: "",
          findings: none,
        })),
      };
    case "StageStarted":
    case "StageEnded":
      return change(progress, event.stage.stage, (stage) => ({
        ...stage,
        ...recorded(event.stage),
      }));
    case "StageProgress": {
      const { label, share, rows } = event.progress;
      return change(progress, event.stage, ({ share: _, ...stage }) => ({
        ...stage,
        label,
        ...(share === undefined ? {} : { share }),
        ...(rows === undefined ? {} : { rows }),
      }));
    }
    case "StageRetried":
      return change(progress, event.stage, (stage) => ({
        ...stage,
        label: retryText(event.attempt),
      }));
    case "HookDecided":
      return progress;
    case "RunEnded":
      return { ...progress, run: event.run };
  }
};

const change = (
  progress: Progress,
  name: string,
  update: (stage: StageProgress) => StageProgress,
): Progress => ({
  ...progress,
  stages: progress.stages.map((stage) => (stage.name === name ? update(stage) : stage)),
});

const recorded = (record: Run.StageRun): Partial<StageProgress> => ({
  status: record.status,
  startedAt: record.startedAt,
  note: record.failure?.tag ?? record.cacheNote,
  findings: countFindings(record),
  ...(record.endedAt === undefined ? {} : { endedAt: record.endedAt }),
  ...(record.rows === undefined ? {} : { rows: record.rows }),
});
