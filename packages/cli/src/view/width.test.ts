import { assert, describe, it } from "vitest";
import { openTerminal } from "./vt.fixture.ts";
import { cut, pad, width } from "./width.ts";

const samples = [
  "abc",
  "naïve",
  "データ",
  "한국어",
  "ｆｕｌｌ",
  "✓ ✗ ■ ◷ ▸ █░ …",
  "🚀",
  "e\u0301",
  "👩‍👩‍👧",
  "⏳ wait",
  "→",
];

describe("width", () => {
  it("is what a terminal takes", async () => {
    for (const text of samples) {
      const terminal = openTerminal(80, 3);
      terminal.canvas.write(text);
      await terminal.show();
      assert.strictEqual(width(text), terminal.cursor().column, text);
    }
  });

  it("knows every symbol that is an emoji, and every one that takes no room", () => {
    for (let code = 0x2000; code <= 0x2bff; code++) {
      const character = String.fromCodePoint(code);
      if (/\p{Unassigned}/u.test(character)) continue;
      const expected = /\p{Emoji_Presentation}/u.test(character)
        ? 2
        : /[\p{Mn}\p{Me}\p{Cf}]/u.test(character)
          ? 0
          : 1;
      const fullWidth = code === 0x2329 || code === 0x232a;
      assert.strictEqual(width(character), fullWidth ? 2 : expected, `U+${code.toString(16)}`);
    }
  });

  it("does not count colours", () => {
    assert.strictEqual(width("\u001b[31mデータ\u001b[39m"), 6);
  });

  it("fills up and cuts by columns, never in the middle of a character", () => {
    assert.strictEqual(pad("データ", 8), "データ  ");
    assert.strictEqual(cut("データ", 6), "データ");
    assert.strictEqual(cut("データ", 5), "デー…");
    assert.strictEqual(cut("データ", 4), "デ…");
    assert.strictEqual(cut("cafe\u0301s", 5), "cafe\u0301s");
    assert.strictEqual(cut("cafe\u0301st", 5), "cafe\u0301…");
    for (const text of samples) {
      for (let columns = 1; columns < 20; columns++)
        assert.isAtMost(width(cut(text, columns)), columns);
    }
  });
});
