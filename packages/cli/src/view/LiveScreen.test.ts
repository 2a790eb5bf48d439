import { afterEach, assert, beforeEach, describe, it, vi } from "vitest";
import { openScreen } from "./LiveScreen.ts";
import { openTerminal, type Seen } from "./vt.fixture.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] }));
afterEach(() => void vi.useRealTimers());

const numbered = (count: number, suffix = "") =>
  Array.from({ length: count }, (_, index) => `line ${index}${suffix}`);

/** The window without empty lines at its end. */
const filled = ({ window }: Seen): ReadonlyArray<string> => {
  const last = window.findLastIndex((line) => line !== "");
  return window.slice(0, last + 1);
};

const open = (columns = 80, rows = 24) => {
  const terminal = openTerminal(columns, rows);
  let lines: ReadonlyArray<string> = [];
  const screen = openScreen(terminal.canvas, () => lines);
  return {
    terminal,
    screen,
    /** Shows these lines: what was seen after each write that it took. */
    frame: (next: ReadonlyArray<string>) => {
      lines = next;
      vi.advanceTimersByTime(100);
      return terminal.show();
    },
    set: (next: ReadonlyArray<string>) => void (lines = next),
  };
};

describe("a live screen", () => {
  it("shows each frame whole, in one write, and scrolls nothing away", async () => {
    const { terminal, screen, frame } = open(80, 12);
    terminal.canvas.write("$ ml-pipe run\r\n");
    await terminal.show();
    const heights = [3, 5, 5, 2, 9, 10, 1, 10];
    for (const [index, height] of heights.entries()) {
      const lines = numbered(height, ` of frame ${index % 2 === 0 ? index : "odd"}`);
      const seen = await frame(lines);
      assert.strictEqual(seen.length, 1, `frame ${index}`);
      for (const frame of seen) {
        assert.deepStrictEqual(filled(frame), ["$ ml-pipe run", ...lines]);
        assert.deepStrictEqual(frame.scrolled, []);
      }
    }
    screen.close();
  });

  it("writes only lines that changed, and nothing if none did, at most ten times a second", () => {
    const { terminal, screen, set } = open();
    set(numbered(20));
    vi.advanceTimersByTime(100);
    terminal.writes.length = 0;
    vi.advanceTimersByTime(5_000);
    assert.deepStrictEqual(terminal.writes, []);
    for (let tick = 0; tick < 100; tick++) {
      set(numbered(20).with(3, `line 3 ${tick}`));
      vi.advanceTimersByTime(10);
    }
    assert.isAtMost(terminal.writes.length, 10);
    for (const text of terminal.writes) {
      assert.isBelow(text.length, 80, JSON.stringify(text));
      assert.isTrue(text.startsWith("\u001b[?2026h") && text.endsWith("\u001b[?2026l"));
      assert.notInclude(text, "line 4");
    }
    screen.close();
  });

  it("keeps lines that are printed above it, in their order, with the next frame", async () => {
    const { terminal, screen, frame } = open(20, 6);
    await frame(["tree", "leaf"]);
    for (let index = 0; index < 6; index++) screen.print([`log ${index}`]);
    screen.print(["a line that is wider than the window"]);
    const [seen, ...more] = await frame(["tree", "leaf 2"]);
    assert.deepStrictEqual(more, []);
    assert.deepStrictEqual(
      [...(seen?.scrolled ?? []), ...(seen?.window ?? [])],
      [
        ...Array.from({ length: 6 }, (_, index) => `log ${index}`),
        "a line that is wider",
        " than the window",
        "tree",
        "leaf 2",
        "",
      ],
    );
    assert.deepStrictEqual(terminal.cursor(), { column: 0, row: 5 });
    screen.close();
  });

  it("does not wrap a line that is wider than it was thought to be", async () => {
    const { screen, frame } = open(10, 5);
    const seen = (await frame(["0123456789abc", "second"])).at(-1);
    assert.deepStrictEqual(seen && filled(seen), ["012345678c", "second"]);
    const [again] = await frame(["0123456789abc", "2nd"]);
    assert.deepStrictEqual(again && filled(again), ["012345678c", "2nd"]);
    screen.close();
  });

  it("goes on in its place when the window becomes narrower or wider", async () => {
    const { terminal, screen, frame, set } = open(40, 12);
    terminal.canvas.write("$ run\r\n");
    const wide = ["head", "x".repeat(38), "y".repeat(30), "tail"];
    await frame(wide);
    for (const columns of [20, 10, 33, 80]) {
      terminal.resize(columns, 12);
      screen.resized();
      set(wide.map((line) => line.slice(0, columns - 1)));
      vi.advanceTimersByTime(100);
      const seen = (await terminal.show()).at(-1);
      assert.deepStrictEqual(
        seen && [...seen.scrolled, ...filled(seen)].join("\n"),
        ["$ run", ...wide.map((line) => line.slice(0, columns - 1))].join("\n"),
        `${columns} columns`,
      );
    }
    screen.close();
  });

  it("draws everything at the end, and gives the cursor back", async () => {
    const { terminal, screen, frame, set } = open(80, 6);
    await frame(numbered(5));
    set(numbered(30));
    screen.print(["the last log line"]);
    screen.close();
    screen.close();
    const last = terminal.writes.join("");
    assert.strictEqual(last.split("\u001b[?25h").length, 2, "shows the cursor once");
    const seen = (await terminal.show()).at(-1);
    assert.deepStrictEqual(
      [...(seen?.scrolled ?? []), ...(seen?.window ?? [])],
      ["the last log line", ...numbered(30), ""],
    );
  });

  it("leaves the terminal to a shell and comes back below what that wrote", async () => {
    const { terminal, screen, frame } = open(80, 12);
    await frame(["tree 1"]);
    screen.pause();
    assert.include(terminal.writes.join(""), "\u001b[?25h");
    assert.deepStrictEqual(filled((await frame(["tree 2"])).at(-1) ?? terminal.seen()), ["tree 1"]);
    terminal.canvas.write("[1]+ Stopped\r\n$ fg\r\n");
    screen.resume();
    const seen = (await frame(["tree 3"])).at(-1);
    assert.deepStrictEqual(seen && filled(seen), ["tree 1", "[1]+ Stopped", "$ fg", "tree 3"]);
    screen.close();
  });

  it("shows the cursor and says what was still to say when the process ends", () => {
    const { terminal, screen, set } = open();
    set(["tree"]);
    screen.print(["said just before"]);
    const exits = process.listeners("exit");
    const restore = exits.at(-1);
    restore?.call(process, 1);
    assert.isTrue(terminal.writes.join("").endsWith("said just before\r\n\u001b[?25h"));
    screen.close();
    assert.notInclude(process.listeners("exit"), restore);
  });
});
