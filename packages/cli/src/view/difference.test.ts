import { RunDifference } from "@ml-pipe/core";
import { assert, describe, it } from "vitest";
import { differenceText } from "./difference.ts";
import { plain } from "./Style.ts";

const summary = (id: string): RunDifference.RunDifference["was"] => ({
  id,
  pipeline: "p",
  status: "succeeded",
  startedAt: new Date(0),
  endedAt: new Date(1500),
  pid: 1,
});

const stage = (
  name: string,
  change: Partial<RunDifference.StageDifference> = {},
): RunDifference.StageDifference => ({
  stage: name,
  status: { was: "succeeded", is: "succeeded" },
  durationMs: { was: 10, is: 20 },
  changes: [],
  wiring: [],
  outputs: [],
  exhibits: [],
  findings: { gone: [], added: [] },
  ...change,
});

const text = (...stages: ReadonlyArray<RunDifference.StageDifference>) =>
  differenceText(
    {
      was: summary("a"),
      is: summary("b"),
      same: stages.every(RunDifference.isSame),
      run: [],
      charter: [],
      contracts: [],
      stages,
    },
    plain,
  );

describe("differences as text", () => {
  it("are none, but for times", () => {
    assert.strictEqual(
      text(stage("load")),
      "p  a → b\n\nnothing differs but times\n\nTimes\n  load     10 ms  → 20 ms\n  1 stage  1.5 s  → 1.5 s",
    );
  });

  it("name places, and by how much numbers changed", () => {
    const outputs = [
      { path: ["", "rows"], was: 1000, is: 1100 },
      { path: ["", "gain"], was: 0.1234567, is: 0.1 },
      { path: ["", "model"], was: `sha256-${"0".repeat(64)}`, is: `sha256-${"1".repeat(64)}` },
      { path: ["", "extra"], is: { a: 1 } },
      { path: ["", "old"], was: "x" },
    ];
    assert.include(
      text(stage("load", { outputs })),
      [
        "load",
        "  output rows: 1,000 → 1,100 (+10 %)",
        "  output gain: 0.123457 → 0.1 (−19 %)",
        "  output model: sha256-000000000000 → sha256-111111111111",
        "  output extra: new",
        "  output old: gone x",
      ].join("\n"),
    );
  });

  it("count points, and what an earlier stage handed on", () => {
    const digest = { path: ["", "digest"], was: "a", is: "b" };
    const exhibits = [1, 2, 3].map((x) => ({ path: ["Loss", "train", String(x)], was: x, is: 0 }));
    const shown = text(
      stage("one", { outputs: [digest], exhibits }),
      stage("two", { outputs: [{ ...digest, path: ["model", "digest"] }] }),
    );
    assert.include(shown, "one\n  output digest: a → b\n  figure Loss › train: 3 values differ\n");
    assert.include(shown, "two\n  and 1 as above\n");
  });

  it("end after a dozen of one kind", () => {
    const outputs = Array.from({ length: 20 }, (_, n) => ({
      path: ["", `n${n}`],
      was: 0,
      is: n + 1,
    }));
    const shown = text(stage("one", { outputs }));
    assert.include(shown, "output n11: 0 → 12\n  and 8 differences more: --json has them all");
  });

  it("say that a stage is new, gone or ended otherwise", () => {
    const shown = text(
      stage("one", { status: { is: "succeeded" } }),
      stage("two", { status: { was: "succeeded" } }),
      stage("three", { status: { was: "succeeded", is: "failed" } }),
    );
    assert.include(shown, "one\n  new\n");
    assert.include(shown, "two\n  gone\n");
    assert.include(shown, "three\n  status: succeeded → failed\n");
  });
});
