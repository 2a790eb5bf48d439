import { assert, describe, it } from "vitest";
import { lineTeller } from "./lines.ts";
import { ended, later, progressed, runOf, stageNode, started } from "./progress.fixture.ts";
import { plain } from "./Style.ts";

const run = runOf([stageNode("train")]);

describe("plain lines", () => {
  it("tell each thing once", () => {
    const tell = lineTeller(plain);
    assert.deepStrictEqual(
      [
        { _tag: "RunStarted", run } as const,
        progressed("train", { label: "waits for 2 cores" }),
        started("train"),
        ended("train", "succeeded", { endedAt: later(2_000), rows: 3_000_000 }),
        ended("ingest", "cached", { cacheNote: "unchanged" }),
        ended("tune", "skipped", { cacheNote: "on a branch that was not taken" }),
        ended("deploy", "not-reached", { cacheNote: "a stage before it failed" }),
        ended("sign-off", "suspended", {
          asks: {
            question: "Release it?",
            evidence: `sha256-${"0".repeat(64)}`,
            approvers: ["ana"],
            expiresAfterMs: 1,
          },
        }),
      ].flatMap((event) => tell(event, later(0))),
      [
        "flight-delay  run 20261124-072342-00000001",
        "▸ train  started: ",
        "✓ train  succeeded in 2.0 s  3,000,000 rows",
        "= ingest  cached: unchanged",
        "- tune  skipped: on a branch that was not taken",
        "· deploy  not reached: a stage before it failed",
        "◷ sign-off  waits: Release it? (ana)",
      ],
    );
  });

  it("number attempts", () => {
    const tell = lineTeller(plain);
    const attempt = { failure: { tag: "HttpError", message: "503" }, at: later(0), delayMs: 4_000 };
    const retried = { _tag: "StageRetried", stage: "train", attempt } as const;
    const lines = [started("train"), retried, retried].flatMap((event) => tell(event, later(0)));
    assert.deepStrictEqual(lines.slice(1), [
      "▸ train  attempt 2 in 4.0 s: HttpError",
      "▸ train  attempt 3 in 4.0 s: HttpError",
    ]);
  });

  it("tell of a long fan-out less and less often", () => {
    const tell = lineTeller(plain);
    tell(started("train"), later(0));
    const told: Array<readonly [second: number, line: string]> = [];
    const total = 10_000;
    // An hour, in which there is news ten times a second.
    for (let tenth = 1; tenth <= 36_000; tenth++) {
      const done = Math.floor((total * tenth) / 36_000);
      const items = { total, succeeded: done, cached: 0, failed: 0 };
      const event = progressed("train", { label: "x", share: done / total, items });
      for (const line of tell(event, later(tenth * 100))) told.push([tenth / 10, line]);
    }
    assert.deepStrictEqual(
      told.slice(0, 6).map(([second]) => second),
      [5, 15, 45, 105, 165, 225],
    );
    assert.isAtMost(told.length, 65);
    assert.strictEqual(told[1]?.[1], "▸ train  41 of 10,000 items (0 %), about 1 h left");
  });

  it("tell how many rows, whatever they are called", () => {
    const tell = lineTeller(plain);
    tell(started("train"), later(0));
    const told = [
      { label: "rows", rows: 3_000_000 },
      { label: "scored", rows: 5_970 },
      { label: "tree 40 of 100", share: 0.4 },
    ].flatMap((progress, index) =>
      tell(progressed("train", progress), later(100_000 * (index + 1))),
    );
    assert.deepStrictEqual(told, [
      "▸ train  3,000,000 rows",
      "▸ train  scored: 5,970",
      "▸ train  tree 40 of 100 (40 %)",
    ]);
  });
});
