import type { Engine, Run } from "@ml-pipe/core";
import { assert, describe, it } from "vitest";
import {
  ended,
  later,
  progressed,
  progressOf,
  runOf,
  stageNode,
  start,
  started,
} from "./progress.fixture.ts";
import { after, type Progress } from "./progress.ts";
import { ansi, plain } from "./Style.ts";
import { width } from "./text.ts";
import { treeLines } from "./tree.ts";

const draw = (
  progress: Progress,
  change: { columns?: number; rows?: number; at?: number } = {},
) => {
  const { at = 5_000, ...size } = change;
  return treeLines(progress, { style: plain, columns: 80, now: later(at), ...size });
};

const finding = {
  check: "delay.range",
  severity: "warn",
  expected: "at most 1440",
  found: "3 rows above",
  next: "ask",
} as const;

const run = runOf(
  ["ingest", "validate", "train", "a-stage-with-a-name-that-never-ends", "deploy"].map((name) =>
    stageNode(name),
  ),
);

const progress = progressOf(run, [
  ended("ingest", "cached", { rows: 3_000_000 }),
  started("validate"),
  ended("validate", "succeeded", {
    rows: 3_000_000,
    endedAt: later(2_000),
    findings: [finding, finding],
  }),
  started("train", later(2_000)),
  progressed("train", { label: "tree 40 of 100", share: 0.4, rows: 1_900_000 }),
]);

describe("the live tree", () => {
  it("shows marks, progress, rows a second, cache hits and findings", () => {
    assert.deepStrictEqual(draw(progress), [
      "flight-delay  run 20261124-072342-00000001  5.0 s",
      "  = ingest             cached    3M rows",
      "  ✓ validate           2.0 s     3M rows, 1.5M/s  2 warnings",
      "  ⠋ train              3.0 s     ████░░░░░░  40 %  1.9M rows, 633K/s  tree 40 o…",
      "  · a-stage-with-a-na…",
      "  · deploy",
    ]);
  });

  it("draws the curve of a training instead of a rate of rows", () => {
    const label = "log loss 0.41 at tree 40 of 100";
    const curve = [0.7, 0.6, 0.52, 0.47, 0.44, 0.42, 0.41, 0.4, 0.4, 0.41];
    const training = after(progress, progressed("train", { label, share: 0.4, rows: 9, curve }));
    assert.include(
      draw(training).join("\n"),
      "  ⠋ train              3.0 s     ████░░░░░░  40 %  █▆▄▃▂▁▁▁▁▁  log loss 0.41 at…",
    );
    const flat = after(progress, progressed("train", { label, curve: [1, 1, Number.NaN] }));
    assert.include(
      draw(flat).join("\n"),
      "  ⠋ train              3.0 s     ▁▁  log loss 0.41 at tree",
    );
  });

  it("is readable at 40 columns", () => {
    assert.deepStrictEqual(draw(progress, { columns: 40 }), [
      "flight-delay  run 20261124-072342-00000…",
      "  = ingest         cached   3M rows",
      "  ✓ validate       2.0 s    3M rows, 1.…",
      "  ⠋ train          3.0 s    ██░░░  40 %…",
      "  · a-stage-with-…",
      "  · deploy",
    ]);
  });

  it("says what failed and why, and what was not reached", () => {
    const lines = draw(
      [
        ended("train", "failed", {
          endedAt: later(2_500),
          failure: { tag: "InputMismatch", message: "no rows.\nAsk for some." },
        }),
        ended("deploy", "not-reached"),
      ].reduce<Progress>(after, progress),
    );
    assert.strictEqual(lines[3], "  ✗ train              failed    InputMismatch: no rows.");
    assert.strictEqual(lines[5], "  · deploy                       not reached");
  });

  it("says which attempt comes when, and why", () => {
    const attempt = {
      failure: { tag: "HttpError", message: "503" },
      at: later(1_000),
      delayMs: 4_000,
    };
    const retried = (from: Progress) =>
      after(from, { _tag: "StageRetried", stage: "train", attempt });
    const once = retried(progress);
    assert.include(draw(once, { at: 1_000 })[3], "attempt 2 in 4.0 s: HttpError");
    assert.include(draw(once, { at: 4_500 })[3], "attempt 2 in 500 ms: HttpError");
    assert.include(draw(retried(once), { at: 9_000 })[3], "attempt 3 after HttpError");
    const done = ended("train", "succeeded", { endedAt: later(6_000), attempts: [attempt] });
    assert.strictEqual(
      draw(after(once, done))[3],
      "  ✓ train              6.0 s     1.9M rows, 317K/s  attempt 2",
    );
  });

  it("says what a stage waits for: cores, or a person", () => {
    const waiting = [
      progressed("deploy", { label: "waits for 2 cores" }),
      ended("train", "suspended", {
        asks: {
          question: "Release it?",
          evidence: `sha256-${"0".repeat(64)}`,
          approvers: ["ana", "ben"],
          expiresAfterMs: 1,
        },
      }),
    ].reduce<Progress>(after, progress);
    assert.strictEqual(
      draw(waiting)[3],
      "  ◷ train              waits     Release it? (ana or ben)",
    );
    assert.strictEqual(draw(waiting)[5], "  · deploy                       waits for 2 cores");
    const begun = after(waiting, started("deploy", later(3_000)));
    assert.strictEqual(draw(begun)[5], "  ⠋ deploy             2.0 s");
  });

  it("shows which branch was taken", () => {
    const branches = runOf([
      stageNode("enough", { kind: "choice" }),
      stageNode("tune"),
      stageNode("keep"),
    ]);
    const lines = draw(
      progressOf(branches, [
        ended("enough", "succeeded", { cacheNote: 'took the branch "yes"', endedAt: start }),
        ended("tune", "skipped", { cacheNote: "on a branch that was not taken" }),
      ]),
    );
    assert.deepStrictEqual(lines.slice(1), [
      '  ✓ enough           took the branch "yes"',
      "  - tune             branch not taken",
      "  · keep",
    ]);
  });

  it("measures wide characters and emoji", () => {
    const named = runOf(
      ["データの検証と準備", "🚀 deploy", "e\u0301te\u0301"].map((name) => stageNode(name)),
    );
    const lines = draw(
      progressOf(
        named,
        named.graph.stages.map(({ name }) => ended(name, "cached", { rows: 1 })),
      ),
    );
    const at = lines.slice(1).map((line) => width(line.slice(0, line.indexOf("cached"))));
    assert.deepStrictEqual(at, [23, 23, 23]);
    for (const columns of [12, 20, 30]) {
      for (const line of draw(progressOf(named, []), { columns })) {
        assert.isAtMost(width(line), columns, line);
      }
    }
  });
});

describe("a stage that fans out", () => {
  const fan = runOf([stageNode("train-stores", { kind: "each" })]);
  const at = (failed: number, done = 413) =>
    progressOf(fan, [
      started("train-stores"),
      progressed("train-stores", {
        label: "store-413",
        share: done / 1_000,
        items: { total: 1_000, succeeded: done - failed - 30, cached: 30, failed },
        ...(failed === 0 ? {} : { failedItems: ["oslo", "rome"] }),
      }),
    ]);

  it("is one line, with a bar, counts and a rate", () => {
    assert.deepStrictEqual(draw(at(2), { at: 16_000 }).slice(1), [
      "  ⠋ train-stores 16 s      ████░░░░░░ 413/1,000  2 failed: oslo, rome  30 cache…",
    ]);
    assert.deepStrictEqual(draw(at(2), { at: 16_000, columns: 40 }).slice(1), [
      "  ⠋ train-stores 16 s     ██░░░ 413/1,0…",
    ]);
  });

  it("names a few of the items that failed", () => {
    const items = { total: 1_000, succeeded: 996, cached: 0, failed: 4 };
    const failure = { tag: "NoRows", message: "none" };
    const over = ended("train-stores", "failed", {
      endedAt: later(60_000),
      items,
      failure: {
        tag: "ItemsFailed",
        message: "4 of 1000 items failed:\n  …",
        items: ["oslo", "データ", "rome", "bonn"].map((key) => ({ key, failure })),
      },
    });
    assert.deepStrictEqual(draw(after(at(4), over)).slice(1), [
      "  ✗ train-stores failed    1,000 items  4 failed: oslo, データ, rome, …  ItemsF…",
    ]);
  });
});

describe("sub-pipelines", () => {
  const nodes = [
    stageNode("ingest"),
    stageNode("prepare/clean", { group: ["prepare"] }),
    stageNode("prepare/text/split", { group: ["prepare", "text"] }),
    stageNode("prepare/text/count", { group: ["prepare", "text"] }),
    stageNode("train/fit", { group: ["train"] }),
    stageNode("train/judge", { group: ["train"] }),
    stageNode("deploy"),
  ];
  const grouped = progressOf(runOf(nodes), [
    ended("ingest", "cached"),
    ended("prepare/clean", "succeeded", { endedAt: later(1_000) }),
    ended("prepare/text/split", "cached"),
    ended("prepare/text/count", "cached"),
    started("train/fit", later(1_000)),
  ]);

  it("are indented", () => {
    assert.deepStrictEqual(draw(grouped).slice(1), [
      "  = ingest    cached",
      "  ▾ prepare  1 done, 2 cached",
      "    ✓ clean   1.0 s",
      "    ▾ text  2 cached",
      "      = split cached",
      "      = count cached",
      "  ▾ train  1 running, 1 waiting",
      "    ⠋ fit     4.0 s",
      "    · judge",
      "  · deploy",
    ]);
  });

  it("are folded where they do not fit, except where something happens", () => {
    assert.deepStrictEqual(draw(grouped, { rows: 8 }).slice(1), [
      "  = ingest  cached",
      "  ▸ prepare  1 done, 2 cached",
      "  ▾ train  1 running, 1 waiting",
      "    ⠋ fit   4.0 s",
      "    · judge",
      "  · deploy",
    ]);
    assert.deepStrictEqual(draw(grouped, { rows: 5 }).slice(1), [
      "  ⠋ train/fit 4.0 s",
      "  … 1 done, 3 cached, 2 waiting",
    ]);
  });
});

describe("a thousand stages", () => {
  const names = Array.from({ length: 1_000 }, (_, index) => `stage-${index}`);
  const events: ReadonlyArray<Engine.RunEvent> = [
    ...names.slice(0, 412).map((name) => ended(name, "succeeded", { endedAt: later(1_000) })),
    ...names.slice(412, 442).map((name) => ended(name, "cached")),
    ended("stage-442", "failed", { failure: { tag: "NoRows", message: "none" } }),
    ended("stage-443", "skipped"),
    ...names.slice(444, 448).map((name) => started(name, later(1_000))),
  ];
  const many = progressOf(runOf(names.map((name) => stageNode(name))), events);

  it("show what runs and what failed, and count the rest", () => {
    assert.deepStrictEqual(draw(many, { rows: 23 }), [
      "flight-delay  run 20261124-072342-00000001  5.0 s",
      "  ✗ stage-442 failed    NoRows: none",
      "  ⠋ stage-444 4.0 s",
      "  ⠋ stage-445 4.0 s",
      "  ⠋ stage-446 4.0 s",
      "  ⠋ stage-447 4.0 s",
      "  … 412 done, 30 cached, 1 skipped, 552 waiting",
    ]);
  });

  it("never take more lines than there are, and show what is worst first", () => {
    const all: ReadonlyArray<Run.StageStatus> = ["failed", "suspended", "running", "succeeded"];
    const busy = names
      .flatMap((name, index) => [started(name), ended(name, all[index % 4] ?? "running")])
      .reduce<Progress>(after, many);
    for (const rows of [1, 2, 3, 10, 23, 200]) {
      for (const columns of [8, 20, 40, 80]) {
        const lines = treeLines(busy, { style: ansi, columns, rows, now: later(5_000) });
        assert.isAtMost(lines.length, rows);
        for (const line of lines) assert.isAtMost(width(line), columns, line);
      }
    }
    const lines = draw(busy, { rows: 10 });
    assert.isTrue(
      lines.slice(1, -1).every((line) => line.includes("✗")),
      lines.join("\n"),
    );
    assert.strictEqual(
      lines.at(-1),
      "  … 242 failed, 250 wait for somebody, 250 running, 250 done",
    );
  });
});
