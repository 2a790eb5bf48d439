import { assert, describe, it } from "vitest";
import { ago, columns, cut, duration, plural, similar } from "./text.ts";

describe("text", () => {
  it("tells durations as people do", () => {
    assert.deepStrictEqual(
      [0, 870, 999.6, 1_234, 9_949, 42_400, 60_000, 185_000, 7_440_000, 7 * 86_400_000].map(
        duration,
      ),
      [
        "0 ms",
        "870 ms",
        "1000 ms",
        "1.2 s",
        "9.9 s",
        "42 s",
        "1 min",
        "3 min 5 s",
        "2 h 4 min",
        "7 days",
      ],
    );
  });

  it("tells how long ago something was", () => {
    const now = new Date(100_000);
    assert.strictEqual(ago(new Date(99_000), now), "just now");
    assert.strictEqual(ago(new Date(58_000), now), "42 s ago");
  });

  it("counts", () => {
    assert.deepStrictEqual(
      [plural(1, "row"), plural(3_000_000, "row")],
      ["1 row", "3,000,000 rows"],
    );
  });

  it("aligns columns whatever their colours", () => {
    assert.deepStrictEqual(
      columns([
        ["\u001b[31ma\u001b[39m", "b"],
        ["long", "c"],
      ]),
      ["\u001b[31ma\u001b[39m     b", "long  c"],
    );
  });

  it("cuts what does not fit", () => {
    assert.deepStrictEqual(
      [cut("abcdef", 6), cut("abcdef", 5), cut("abc", 0)],
      ["abcdef", "abcd…", ""],
    );
  });

  it("suggests names that are close", () => {
    const names = ["train", "evaluate", "gate", "monitor"];
    assert.deepStrictEqual(similar("evalute", names), ["evaluate"]);
    assert.deepStrictEqual(similar("trian", names), ["train"]);
    assert.deepStrictEqual(similar("mon", names), ["monitor"]);
    assert.deepStrictEqual(similar("deployment", names), []);
  });
});
