/** A run in progress: what is known so far, from its events alone. */
import type { Engine, Graph, Run } from "@ml-pipe/core";
import { plural } from "./text.ts";

/** One stage while the pipeline runs. */
export interface StageProgress {
  readonly name: string;
  readonly kind: Graph.StageNode["kind"];
  /** The sub-pipelines it is in, from the outside in. */
  readonly group: ReadonlyArray<string>;
  readonly status: Run.StageStatus | "waiting";
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  /** What it is at, such as `tree 40 of 100`; of one that has not started, what it waits for. */
  readonly label: string;
  /** Share done, 0 to 1. */
  readonly share?: number;
  readonly rows?: number;
  /** A figure from the beginning until now. */
  readonly curve?: ReadonlyArray<number>;
  readonly items?: Run.ItemCounts;
  /** Keys of items that failed, as many as are known. */
  readonly failedItems: ReadonlyArray<string>;
  /** Attempts that failed, the last one last. */
  readonly attempts: ReadonlyArray<Run.Attempt>;
  readonly asks?: NonNullable<Run.StageRun["asks"]>;
  readonly stoppedEarly?: boolean;
  /** Why it ended as it did, or what its record says of the cache. */
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
        stages: event.run.graph.stages.map(({ name, kind, group = [] }) => ({
          name,
          kind,
          group,
          status: "waiting",
          label: "",
          failedItems: [],
          attempts: [],
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
      const { label, share, rows, curve, items, failedItems } = event.progress;
      return change(progress, event.stage, ({ share: _, curve: __, ...stage }) => ({
        ...stage,
        label,
        ...(curve === undefined ? {} : { curve }),
        ...(share === undefined ? {} : { share }),
        ...(rows === undefined ? {} : { rows }),
        ...(items === undefined ? {} : { items }),
        ...(failedItems === undefined ? {} : { failedItems }),
      }));
    }
    case "StageRetried":
      return change(progress, event.stage, ({ share: _, curve: __, ...stage }) => ({
        ...stage,
        label: "",
        attempts: [...stage.attempts, event.attempt],
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
): Progress => {
  const index = progress.stages.findIndex((stage) => stage.name === name);
  const stage = progress.stages[index];
  return stage === undefined
    ? progress
    : { ...progress, stages: progress.stages.with(index, update(stage)) };
};

const recorded = (record: Run.StageRun): Partial<StageProgress> => ({
  status: record.status,
  startedAt: record.startedAt,
  label: "",
  note: record.failure === undefined ? record.cacheNote : failureText(record.failure),
  findings: countFindings(record),
  attempts: record.attempts ?? [],
  ...(record.endedAt === undefined ? {} : { endedAt: record.endedAt }),
  ...(record.rows === undefined ? {} : { rows: record.rows }),
  ...(record.items === undefined ? {} : { items: record.items }),
  ...(record.asks === undefined ? {} : { asks: record.asks }),
  ...(record.stoppedEarly === undefined ? {} : { stoppedEarly: record.stoppedEarly }),
  ...(record.failure?.items === undefined
    ? {}
    : { failedItems: record.failure.items.map(({ key }) => key) }),
});

/** The kind of failure and its first line. */
const failureText = ({ tag, message }: Run.Failure): string => {
  const [first = ""] = message.split("\n");
  return first === "" ? tag : `${tag}: ${first}`;
};
