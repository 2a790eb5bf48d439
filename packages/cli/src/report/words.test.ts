import { assert, describe, it } from "vitest";
import * as Words from "./words.ts";

describe("words", () => {
  it("writes numbers short, and whole numbers whole", () => {
    assert.deepEqual(
      [0, 2001, 10_000, 1_731_204, 0.123456, -0.06, 12.3456, 1e-7, 1e300, 98_765.4321].map(
        Words.number,
      ),
      [
        "0",
        "2001",
        "10,000",
        "1,731,204",
        "0.1235",
        "-0.06",
        "12.35",
        "1.00e-7",
        "1.00e+300",
        "98,770",
      ],
    );
    assert.deepEqual([NaN, Infinity].map(Words.number), ["–", "–"]);
  });

  it("gives the numbers of a column the same decimals", () => {
    assert.deepEqual([10.12, 9.871, 0].map(Words.column([10.12, 9.871, 0])), [
      "10.120",
      "9.871",
      "0.000",
    ]);
    assert.deepEqual([1, 2].map(Words.column([1, 2])), ["1", "2"]);
    assert.deepEqual([1e-7, 2].map(Words.column([1e-7, 2])), ["1.00e-7", "2"]);
  });

  it("writes durations in two units", () => {
    assert.deepEqual(
      [
        0, 12.4, 999.9, 1500, 59_999, 160_000, 3_600_000, 5_400_000, 86_400_000, 90_000_000,
        604_800_000,
      ].map(Words.duration),
      [
        "0 ms",
        "12 ms",
        "1000 ms",
        "1.5 s",
        "1 min",
        "2 min 40 s",
        "1 h",
        "1 h 30 min",
        "1 day",
        "1 day 1 h",
        "7 days",
      ],
    );
    assert.deepEqual([-1, NaN].map(Words.duration), ["–", "–"]);
  });

  it("writes times in UTC, and says when there is none", () => {
    const at = new Date("2026-06-14T08:05:09Z");
    assert.equal(Words.instant(at), "14 Jun 2026, 08:05 UTC");
    assert.equal(Words.eventTime(at), "14 Jun 2026, 08:05 UTC");
    assert.equal(Words.eventTime(new Date("2026-06-14T00:00:00Z")), "14 Jun 2026");
    assert.equal(Words.instant(new Date(NaN)), "an unknown time");
    assert.equal(Words.between(at, undefined), "–");
  });

  it("writes counts, lists and JSON", () => {
    assert.equal(Words.count(1, "gate"), "1 gate");
    assert.equal(Words.count(12, "gate"), "12 gates");
    assert.equal(Words.list(["a", "b", "c"]), "a, b and c");
    assert.equal(Words.json({ column: "x" }), '{"column":"x"}');
    assert.equal(Words.json({ column: "x" }, 5), '{"co…');
    assert.deepEqual([Words.json(undefined), Words.json(1n)], ["–", "–"]);
  });
});
