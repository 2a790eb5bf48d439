/** The tree on the screen, frame by frame, while a large pipeline runs. */
import type { Engine } from "@ml-pipe/core";
import { afterEach, assert, beforeEach, describe, it, vi } from "vitest";
import { openScreen } from "./LiveScreen.ts";
import { after, type Progress } from "./progress.ts";
import {
  ended,
  later,
  progressed,
  progressOf,
  runOf,
  stageNode,
  started,
} from "./progress.fixture.ts";
import { ansi } from "./Style.ts";
import { treeLines } from "./tree.ts";
import { openTerminal } from "./vt.fixture.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

/** A thousand stages, four at a time, 50 ms each; some fail, some are cached, many log. */
const names = Array.from({ length: 1_000 }, (_, index) =>
  index % 3 === 0 ? `データ-${index}` : `stage-${index}`,
);
const eventsAt = (tick: number): ReadonlyArray<Engine.RunEvent> => {
  const name = names[tick] ?? "";
  const before = names[tick - 4] ?? "";
  return [
    started(name, later(tick * 50)),
    progressed(name, { label: "half way", share: 0.5, rows: tick }),
    ended(before, tick % 200 === 0 ? "failed" : tick % 7 === 0 ? "cached" : "succeeded", {
      startedAt: later((tick - 4) * 50),
      endedAt: later(tick * 50),
    }),
  ];
};

for (const [columns, rows] of [
  [80, 24],
  [40, 10],
] as const) {
  describe(`a thousand stages in ${columns} columns and ${rows} rows`, () => {
    it("never scrolls, never shows half a frame, and takes few bytes", async () => {
      const terminal = openTerminal(columns, rows);
      let progress: Progress = progressOf(runOf(names.map((name) => stageNode(name))), []);
      let tick = 0;
      const screen = openScreen(terminal.canvas, (size) =>
        treeLines(progress, { style: ansi, ...size, now: later(tick * 50) }),
      );
      let [bytes, frames] = [0, 0];
      for (; tick < names.length; tick++) {
        progress = eventsAt(tick).reduce<Progress>(after, progress);
        vi.advanceTimersByTime(50);
        bytes += terminal.writes.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
        for (const { window, scrolled } of await terminal.show()) {
          if (frames++ === 0) continue; // hides the cursor
          assert.deepStrictEqual(scrolled, []);
          assert.match(window[0] ?? "", /^flight-delay {2}run /);
          const last = window.findLastIndex((line) => line !== "");
          assert.match(window[last] ?? "", /^ {2}… .*waiting|^ {2}… .*done|^ {2}… .*cached/);
          assert.isAtMost(last, rows - 2);
          assert.isTrue(
            window.slice(1, last).every((line) => /^ {2}\S (stage|データ)-\d/.test(line)),
            window.join("\n"),
          );
        }
      }
      screen.close();
      const seconds = (names.length * 50) / 1_000;
      assert.isAtMost(frames, 10 * seconds + 1);
      assert.isBelow(bytes / seconds, 8_000, "bytes a second");
    });
  });
}
