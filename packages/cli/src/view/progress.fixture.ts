/** Runs in progress, for tests of the views. */
import type { Engine, Run } from "@ml-pipe/core";
import { after, nothing, type Progress } from "./progress.ts";

export const start = new Date("2026-11-24T07:23:42Z");
export const later = (millis: number) => new Date(start.getTime() + millis);

type StageNode = Run.Run["graph"]["stages"][number];

export const stageNode = (name: string, change: Partial<StageNode> = {}): StageNode => ({
  name,
  description: "",
  params: null,
  inputs: [],
  outputs: [],
  signals: [],
  ...change,
});

export const runOf = (stages: ReadonlyArray<StageNode>, pipeline = "flight-delay"): Run.Run => ({
  id: "20261124-072342-00000001",
  pipeline,
  status: "running",
  startedAt: start,
  pid: 1,
  graph: {
    pipeline,
    description: "",
    charter: {
      title: "",
      decision: { question: "", madeAt: "", actor: "", outcomeKnownAfterMs: 0 },
      metric: {
        name: "",
        unit: "",
        costs: { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 },
      },
      baseline: { name: "", description: "", rule: null },
      smallestGain: 1,
      surface: "",
      guardrails: [],
      kill: { on: start, criterion: "" },
      owner: "",
      approvers: [],
    },
    charterDigest: `sha256-${"0".repeat(64)}`,
    stages,
    feedback: [],
    contracts: {},
  },
  stages: [],
  hooks: [],
});

export const record = (stage: string, change: Partial<Run.StageRun> = {}): Run.StageRun => ({
  run: "20261124-072342-00000001",
  stage,
  status: "running",
  startedAt: start,
  cacheNote: "",
  findings: [],
  exhibits: [],
  signals: [],
  ...change,
});

export const started = (stage: string, at = start): Engine.RunEvent => ({
  _tag: "StageStarted",
  stage: record(stage, { startedAt: at }),
});

export const ended = (
  stage: string,
  status: Run.StageStatus,
  change: Partial<Run.StageRun> = {},
): Engine.RunEvent => ({ _tag: "StageEnded", stage: record(stage, { status, ...change }) });

export const progressed = (
  stage: string,
  progress: Extract<Engine.RunEvent, { _tag: "StageProgress" }>["progress"],
): Engine.RunEvent => ({ _tag: "StageProgress", stage, progress });

/** What is known of a run after these events. */
export const progressOf = (run: Run.Run, events: ReadonlyArray<Engine.RunEvent>): Progress =>
  [{ _tag: "RunStarted", run } satisfies Engine.RunEvent, ...events].reduce<Progress>(
    after,
    nothing,
  );
