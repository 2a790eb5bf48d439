import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import { close, fails, reference, value } from "../../test-fixtures/statistics.ts";
import { normal } from "./internal/Inverse.ts";
import { Xoshiro128 } from "./Random.ts";
import * as Interval from "./Interval.ts";

const gaussian = (random: Xoshiro128) => normal((random.next() + 0.5) / 4294967296);

describe("bootstrapTotals", () => {
  // Both are Monte Carlo: the tolerance is about four standard errors of our limits at 40,000 resamples.
  it("agrees with scipy.stats.bootstrap at 200,000 resamples", () => {
    for (const known of reference.bootstrap) {
      for (const [expanded, limits] of [
        [false, known.percentile],
        [true, known.expanded],
      ] as const) {
        const found = value(
          Interval.bootstrapTotals(known.sums, known.counts, { resamples: 40_000, expanded }),
        );
        close(found.estimate, known.estimate);
        const tolerance = (expanded ? 0.12 : 0.06) * known.deviation;
        assert.isAtMost(Math.abs(found.lower - (limits[0] ?? NaN)), tolerance);
        assert.isAtMost(Math.abs(found.upper - (limits[1] ?? NaN)), tolerance);
      }
    }
  });

  it("rejects bad input", () => {
    fails(Interval.bootstrapTotals([1], [1]), "tooFew");
    fails(Interval.bootstrapTotals([], []), "empty");
    fails(Interval.bootstrapTotals([1, 2], [1]), "lengthMismatch");
    fails(Interval.bootstrapTotals([1, NaN], [1, 1]), "notFinite", 1);
    fails(Interval.bootstrapTotals([1, 2], [1, 0]), "outOfRange", 1);
    fails(Interval.bootstrapTotals([1, 2], [1, -1]), "negative", 1);
    fails(Interval.bootstrapTotals([1, 2], [1, 1], { level: 1 }), "outOfRange");
    fails(Interval.bootstrapTotals([1, 2], [1, 1], { resamples: 50 }), "outOfRange");
    fails(Interval.bootstrapTotals([1, 2], [1, 1], { seed: 0.5 }), "outOfRange");
  });
});

describe("bootstrapStatistic", () => {
  const hits = [8, 9, 7, 3, 6, 8];
  const misses = [2, 1, 4, 1, 0, 5];

  it("is bootstrapTotals for a mean, and follows the blocks for a ratio", () => {
    const counts = hits.map((one, block) => one + (misses[block] ?? 0));
    const share = value(Interval.bootstrapTotals(hits, counts));
    assert.deepStrictEqual(
      value(Interval.bootstrapStatistic([hits, counts], ([sum = 0, n = 0]) => sum / n)),
      share,
    );
    const found = value(
      Interval.bootstrapStatistic([hits, misses], ([one = 0, other = 0]) => one / (one + other)),
    );
    assert.deepStrictEqual(found, share);
  });

  it("has no interval where the statistic often has no value", () => {
    const ratio = ([one = 0, other = 0]: Float64Array) => one / other;
    fails(
      Interval.bootstrapStatistic(
        [
          [1, 0, 0, 0],
          [1, 0, 0, 0],
        ],
        ratio,
      ),
      "degenerate",
    );
    fails(
      Interval.bootstrapStatistic(
        [
          [0, 0],
          [0, 0],
        ],
        ratio,
      ),
      "degenerate",
    );
    fails(Interval.bootstrapStatistic([[1, 2], [1]], ratio), "lengthMismatch");
    fails(
      Interval.bootstrapStatistic(
        [
          [1, NaN],
          [1, 1],
        ],
        ratio,
      ),
      "notFinite",
      1,
    );
    fails(Interval.bootstrapStatistic([[1], [1]], ratio), "tooFew");
    fails(Interval.bootstrapStatistic([], ratio), "tooFew");
  });
});

describe("blockBootstrap", () => {
  const rows = fc
    .array(
      fc.record({
        a: fc.integer({ min: -99, max: 99 }),
        b: fc.integer({ min: -99, max: 99 }),
        block: fc.integer({ min: -3, max: 9 }),
      }),
      { minLength: 2, maxLength: 60 },
    )
    .filter((all) => new Set(all.map((row) => row.block)).size > 1);
  const run = (
    all: ReadonlyArray<{ a: number; b: number; block: number }>,
    options?: Interval.BootstrapOptions,
  ) =>
    value(
      Interval.blockBootstrap(
        all.map((row) => row.a),
        all.map((row) => row.b),
        Int32Array.from(all, (row) => row.block),
        options,
      ),
    );

  it("is the same for the same seed, whatever the order of rows and the ids of blocks", () => {
    fc.assert(
      fc.property(rows, fc.maxSafeInteger(), (all, seed) => {
        const options = { seed, resamples: 100 };
        const found = run(all, options);
        assert.deepStrictEqual(run(all, options), found);
        assert.deepStrictEqual(run(all.toReversed(), options), found);
        assert.deepStrictEqual(
          run(
            all.map((row) => ({ ...row, block: row.block * 100_000_003 })),
            options,
          ),
          found,
        );
      }),
    );
  });

  it("holds the estimate and stays within the blocks' means", () => {
    fc.assert(
      fc.property(rows, (all) => {
        const found = run(all, { resamples: 400 });
        const sorted = [...new Set(all.map((row) => row.block))].map((block) => {
          const own = all.filter((row) => row.block === block);
          return own.reduce((sum, row) => sum + row.a - row.b, 0) / own.length;
        });
        assert.isTrue(found.lower <= found.estimate && found.estimate <= found.upper);
        assert.isTrue(
          found.lower >= Math.min(...sorted) - 1e-9 && found.upper <= Math.max(...sorted) + 1e-9,
        );
      }),
    );
  });

  it("is never narrower expanded than plain, and narrows as blocks are added", () => {
    const random = Xoshiro128.fromSeed(11);
    const width = (blocks: number, expanded: boolean) => {
      const sums = Float64Array.from({ length: blocks }, () => 10 * gaussian(random));
      const found = value(
        Interval.bootstrapTotals(sums, new Float64Array(blocks).fill(10), { expanded }),
      );
      return found.upper - found.lower;
    };
    assert.isAbove(width(20, true), width(200, true));
    assert.isAbove(width(200, true), width(5000, true));
    // Of n blocks the width goes as 1 / sqrt(n).
    close(width(400, false) / width(6400, false), 4, 0.2);
    const known = reference.bootstrap[0];
    assert.isDefined(known);
    if (known === undefined) return;
    const plain = value(Interval.bootstrapTotals(known.sums, known.counts, { expanded: false }));
    const expanded = value(Interval.bootstrapTotals(known.sums, known.counts));
    assert.isTrue(expanded.lower < plain.lower && plain.upper < expanded.upper);
    assert.strictEqual(expanded.method, "block-bootstrap-expanded-percentile");
  });

  it("rejects bad input", () => {
    const one = Int32Array.of(4, 4);
    fails(Interval.blockBootstrap([1, 2], [0, 0], one), "tooFew");
    fails(Interval.blockBootstrap([], [], new Int32Array(0)), "empty");
    fails(Interval.blockBootstrap([1, 2], [0], one), "lengthMismatch");
    fails(Interval.blockBootstrap([1, 2, 3], [0, 0, 0], one), "lengthMismatch");
    fails(Interval.blockBootstrap([1, 2], [NaN, 0], one), "notFinite", 0);
  });

  // 400 worlds of 30 days with 20 rows each that share a day effect. A nominal 95 % interval must hold the truth about
  // that often (here 0.91 to 0.985, four standard errors and the known slight undercoverage), and one that takes rows
  // as independent must not: with an intraclass correlation of 1/2 its width is too small by sqrt(1 + 19 / 2) = 3.2.
  it("covers the truth as often as it says, where the row-wise interval does not", () => {
    const random = Xoshiro128.fromSeed(2026);
    const days = 30;
    const perDay = 20;
    const a = new Float64Array(days * perDay);
    const b = new Float64Array(days * perDay);
    const blocks = Int32Array.from(a, (_, i) => Math.floor(i / perDay));
    let covered = 0;
    let coveredByRows = 0;
    const worlds = 400;
    for (let world = 0; world < worlds; world++) {
      for (let day = 0; day < days; day++) {
        const effect = gaussian(random);
        for (let row = 0; row < perDay; row++)
          a[day * perDay + row] = 1 + effect + gaussian(random);
      }
      const byBlock = value(Interval.blockBootstrap(a, b, blocks, { resamples: 500, seed: world }));
      const byRow = value(Interval.meanDifference(a, b));
      if (byBlock.lower <= 1 && 1 <= byBlock.upper) covered++;
      if (byRow.lower <= 1 && 1 <= byRow.upper) coveredByRows++;
    }
    assert.isTrue(
      covered / worlds > 0.91 && covered / worlds < 0.985,
      `coverage ${covered / worlds}`,
    );
    assert.isBelow(coveredByRows / worlds, 0.65);
  });
});
