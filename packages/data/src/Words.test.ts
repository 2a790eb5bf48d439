import { assert, it } from "@effect/vitest";
import * as Words from "./Words.ts";

it("writes numbers for people", () => {
  assert.deepStrictEqual(
    [0, 0.251267, -2.46813, 12_345.6, 0.000_012_3, 999.99, 10_000].map(Words.number),
    ["0", "0.2513", "-2.468", "12,350", "0.0000123", "1000", "10,000"],
  );
  assert.deepStrictEqual([0, 999, 1000, 1_234_567, -1234].map(Words.whole), [
    "0",
    "999",
    "1,000",
    "1,234,567",
    "-1,234",
  ]);
  assert.deepStrictEqual([0.95, 0.12345, 1, 0.999].map(Words.percent), [
    "95 %",
    "12.3 %",
    "100 %",
    "99.9 %",
  ]);
  assert.strictEqual(Words.counted(1, "day"), "1 day");
  assert.strictEqual(Words.counted(2000, "row"), "2,000 rows");
  assert.strictEqual(Words.counted(2, "entry", "entries"), "2 entries");
});
