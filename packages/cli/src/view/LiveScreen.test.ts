import { afterEach, assert, beforeEach, it, vi } from "vitest";
import { openScreen } from "./LiveScreen.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const canvas = (rows = 24) => {
  const writes: Array<string> = [];
  return { writes, columns: 80, rows, write: (text: string) => writes.push(text) };
};

it("draws over itself, at most ten times a second, and only what changed", () => {
  const target = canvas();
  let lines = ["one", "two"];
  const screen = openScreen(target, () => lines);
  vi.advanceTimersByTime(1_000);
  const frames = () => target.writes.filter((text) => text.includes("\u001b[?2026h"));
  assert.strictEqual(frames().length, 1, "nothing changed after the first frame");
  for (let tick = 0; tick < 100; tick++) {
    lines = [`one ${tick}`, "two"];
    vi.advanceTimersByTime(10);
  }
  assert.isAtMost(frames().length, 11);
  assert.include(frames()[1], "\u001b[2A\r", "goes up two lines");
  screen.close();
  const last = frames().at(-1) ?? "";
  assert.include(last, "one 99");
  assert.include(target.writes.at(-1), "\u001b[?25h", "shows the cursor again");
});

it("keeps lines printed above it", () => {
  const target = canvas();
  const screen = openScreen(target, () => ["tree"]);
  vi.advanceTimersByTime(100);
  screen.print(["a log line"]);
  assert.match(target.writes.at(-1) ?? "", /\[1A\ra log line\S*\ntree/);
  screen.close();
});

it("draws no more than fits, and everything at the end", () => {
  const target = canvas(4);
  const all = Array.from({ length: 10 }, (_, index) => `line ${index}`);
  const screen = openScreen(target, () => all);
  vi.advanceTimersByTime(100);
  assert.notInclude(target.writes.join(""), "line 6");
  assert.include(target.writes.join(""), "line 9");
  screen.close();
  assert.include(target.writes.join(""), "line 0");
});
