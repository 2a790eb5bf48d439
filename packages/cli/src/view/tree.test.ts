import type { Engine, Run } from "@ml-pipe/core";
import { assert, describe, it } from "vitest";
import { lineTeller } from "./lines.ts";
import { after, nothing } from "./progress.ts";
import { ansi, plain } from "./Style.ts";
import { width } from "./text.ts";
import { treeLines } from "./tree.ts";

const start = new Date("2026-11-24T07:23:42Z");
const later = (millis: number) => new Date(start.getTime() + millis);

const stageNode = (name: string): Run.Run["graph"]["stages"][number] => ({
  name,
  description: "",
  params: null,
  inputs: [],
  outputs: [],
  signals: [],
});

const run: Run.Run = {
  id: "20261124-072342-00000001",
  pipeline: "flight-delay",
  status: "running",
  startedAt: start,
  pid: 1,
  graph: {
    pipeline: "flight-delay",
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
    stages: ["ingest", "validate", "train", "a-stage-with-a-name-that-never-ends", "deploy"].map(
      stageNode,
    ),
    feedback: [],
    contracts: {},
  },
  stages: [],
  hooks: [],
};

const record = (stage: string, change: Partial<Run.StageRun>): Run.StageRun => ({
  run: run.id,
  stage,
  status: "running",
  startedAt: start,
  cacheNote: "",
  findings: [],
  exhibits: [],
  signals: [],
  ...change,
});

const finding = {
  check: "delay.range",
  severity: "warn",
  expected: "at most 1440",
  found: "3 rows above",
  next: "ask",
} as const;

const events: ReadonlyArray<Engine.RunEvent> = [
  { _tag: "RunStarted", run },
  { _tag: "StageEnded", stage: record("ingest", { status: "cached", rows: 3_000_000 }) },
  { _tag: "StageStarted", stage: record("validate", {}) },
  {
    _tag: "StageEnded",
    stage: record("validate", {
      status: "succeeded",
      rows: 3_000_000,
      endedAt: later(2_000),
      findings: [finding, finding],
    }),
  },
  { _tag: "StageStarted", stage: record("train", { startedAt: later(2_000) }) },
  {
    _tag: "StageProgress",
    stage: "train",
    progress: { label: "tree 40 of 100", share: 0.4, rows: 1_900_000 },
  },
];

const progress = events.reduce(after, nothing);

describe("the live tree", () => {
  it("shows marks, progress, rows a second, cache hits and findings", () => {
    assert.deepStrictEqual(treeLines(progress, { style: plain, columns: 80, now: later(5_000) }), [
      "flight-delay  run 20261124-072342-00000001  5.0 s",
      "  = ingest             cached    3M rows",
      "  ✓ validate           2.0 s     3M rows, 1.5M/s  2 warnings",
      "  ⠋ train              3.0 s     ████░░░░░░  40 %  1.9M rows, 633K/s  tree 40 o…",
      "  · a-stage-with-a-na…",
      "  · deploy",
    ]);
  });

  it("never takes more columns than there are, with colours too", () => {
    for (const columns of [20, 40, 80]) {
      for (const line of treeLines(progress, { style: ansi, columns, now: later(5_000) })) {
        assert.isAtMost(width(line), Math.max(columns, 30), line);
      }
    }
  });

  it("says what failed and what was not reached", () => {
    const failed = [
      {
        _tag: "StageEnded",
        stage: record("train", {
          status: "failed",
          endedAt: later(2_500),
          failure: { tag: "InputMismatch", message: "…" },
        }),
      },
      { _tag: "StageEnded", stage: record("deploy", { status: "not-reached" }) },
    ] satisfies ReadonlyArray<Engine.RunEvent>;
    const lines = treeLines(failed.reduce<typeof progress>(after, progress), {
      style: plain,
      columns: 80,
      now: later(5_000),
    });
    assert.match(lines[3] ?? "", /^ {2}✗ train +failed {4}InputMismatch$/);
    assert.match(lines[5] ?? "", /^ {2}· deploy +not reached$/);
  });
});

describe("plain lines", () => {
  it("tell each thing once, and progress not too often", () => {
    const tell = lineTeller(plain);
    const progressed: Engine.RunEvent = {
      _tag: "StageProgress",
      stage: "train",
      progress: { label: "tree 90 of 100", share: 0.9 },
    };
    const lines = [
      ...events.flatMap((event) => tell(event, later(2_000))),
      ...tell(progressed, later(6_000)),
      ...tell(progressed, later(8_000)),
      ...tell(progressed, later(9_000)),
    ];
    assert.deepStrictEqual(lines, [
      "flight-delay  run 20261124-072342-00000001",
      "= ingest  cached:   3,000,000 rows",
      "▸ validate  started: ",
      "✓ validate  succeeded in 2.0 s  3,000,000 rows  2 warnings",
      "▸ train  started: ",
      "▸ train  tree 90 of 100 (90 %)",
    ]);
  });
});
