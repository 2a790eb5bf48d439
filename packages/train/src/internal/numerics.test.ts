import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import { binColumn, findThresholds } from "./binning.ts";
import { solvePositiveDefinite } from "./linear/cholesky.ts";
import { exponential, nearest } from "./exponential.ts";

describe("binning", () => {
  it("puts boundaries halfway between distinct values", () => {
    const column = Float64Array.of(3, 1, Number.NaN, 2, 3, 1);
    const thresholds = findThresholds(column, 255, 1000, 0);
    assert.deepStrictEqual([...thresholds], [1.5, 2.5]);
    const bins = new Uint8Array(6);
    binColumn(column, thresholds, bins);
    assert.deepStrictEqual([...bins], [2, 0, 3, 1, 2, 0]);
  });

  it("takes quantiles when there are more values than bins", () => {
    const column = Float64Array.from({ length: 100 }, (_, i) => 99 - i);
    // Of 0..99 the quarters fall between 24 and 25, 49 and 50, 74 and 75.
    assert.deepStrictEqual([...findThresholds(column, 4, 1000, 0)], [24.5, 49.5, 74.5]);
    assert.deepStrictEqual([...findThresholds(column, 3, 1000, 0)], [33, 66]);
  });

  it("has no boundary for a constant or missing column", () => {
    assert.strictEqual(findThresholds(new Float64Array(9).fill(4), 255, 1000, 0).length, 0);
    assert.strictEqual(
      findThresholds(new Float64Array(9).fill(Number.NaN), 255, 1000, 0).length,
      0,
    );
    const bins = new Uint8Array(2);
    binColumn(Float64Array.of(4, Number.NaN), new Float64Array(0), bins);
    assert.deepStrictEqual([...bins], [0, 1]);
  });

  it("keeps neighbouring and huge doubles apart", () => {
    const next = 1 + Number.EPSILON;
    assert.deepStrictEqual([...findThresholds(Float64Array.of(1, next), 255, 10, 0)], [1]);
    const max = Number.MAX_VALUE;
    assert.deepStrictEqual([...findThresholds(Float64Array.of(-max, max), 255, 10, 0)], [0]);
  });

  it("asks of bins what the tree asks of values", () => {
    const value = fc.oneof(fc.double({ noDefaultInfinity: true }), fc.integer({ min: -3, max: 3 }));
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 60 }),
        fc.integer({ min: 2, max: 20 }),
        (values, maxBins) => {
          const column = Float64Array.from(values);
          const thresholds = findThresholds(column, maxBins, 1000, 0);
          assert.isBelow(thresholds.length, maxBins);
          const bins = new Uint8Array(column.length);
          binColumn(column, thresholds, bins);
          for (const [i, x] of column.entries()) {
            const bin = bins[i] ?? 0;
            if (Number.isNaN(x)) assert.strictEqual(bin, thresholds.length + 1);
            else for (const [b, t] of thresholds.entries()) assert.strictEqual(x <= t, bin <= b);
          }
        },
      ),
    );
  });

  it("samples long columns evenly and the same way for the same seed", () => {
    const column = Float64Array.from({ length: 50_000 }, (_, i) => i);
    const a = findThresholds(column, 10, 5000, 3);
    assert.deepStrictEqual(a, findThresholds(column, 10, 5000, 3));
    assert.notDeepEqual(a, findThresholds(column, 10, 5000, 4));
    for (const [k, t] of a.entries()) assert.closeTo(t, 5000 * (k + 1), 20);
  });
});

describe("exponential", () => {
  it("agrees with Math.exp to 1e-13", () => {
    fc.assert(
      fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
        assert.isBelow(Math.abs(exponential(x) / Math.exp(x) - 1), 1e-13);
      }),
      { numRuns: 2000 },
    );
    assert.strictEqual(exponential(0), 1);
    assert.isAbove(exponential(-1e9), 0);
    assert.isTrue(Number.isFinite(exponential(1e9)));
  });

  it("rounds to the nearest whole number", () => {
    for (const x of [0, 0.4, 0.6, -0.4, -0.6, 2 ** 30, -(2 ** 30), 12345.49]) {
      assert.strictEqual(nearest(x), Math.round(x) | 0);
    }
  });
});

describe("solvePositiveDefinite", () => {
  it("solves, and refuses a singular matrix", () => {
    // 4x + 2y = 2, 2x + 3y = 5 has x = −0.5, y = 2.
    const x = solvePositiveDefinite(Float64Array.of(4, 0, 2, 3), Float64Array.of(2, 5));
    assert.closeTo(x?.[0] ?? 0, -0.5, 1e-12);
    assert.closeTo(x?.[1] ?? 0, 2, 1e-12);
    assert.isNull(solvePositiveDefinite(Float64Array.of(1, 0, 1, 1), Float64Array.of(1, 1)));
  });
});
