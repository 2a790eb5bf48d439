import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import * as Schema from "effect/Schema";
import { close, fails, reference, value } from "../../test-fixtures/statistics.ts";
import * as Distribution from "./Distribution.ts";
import * as Interval from "./Interval.ts";
import { splitMix64, Xoshiro128 } from "./Random.ts";

const holds = (interval: Interval.Interval) => {
  assert.isTrue(
    interval.lower <= interval.estimate && interval.estimate <= interval.upper,
    JSON.stringify(interval),
  );
};

describe("quantiles against SciPy", () => {
  it("normal", () => {
    for (const { p, z } of reference.quantiles.normal) {
      close(value(Distribution.normalQuantile(p)), z, 1e-14, `p = ${p}`);
    }
  });

  it("Student's t", () => {
    for (const { degrees, p, t } of reference.quantiles.student) {
      close(
        value(Distribution.studentQuantile(p, degrees)),
        t,
        1e-11,
        `p = ${p}, ${degrees} degrees`,
      );
    }
  });

  it("reject bad arguments", () => {
    for (const p of [0, 1, -1, 2, NaN]) {
      fails(Distribution.normalQuantile(p), "outOfRange");
      fails(Distribution.studentQuantile(p, 3), "outOfRange");
    }
    fails(Distribution.studentQuantile(0.5, 0), "outOfRange");
    fails(Distribution.studentQuantile(0.5, NaN), "outOfRange");
  });
});

describe("random numbers", () => {
  // Made with the authors' xoshiro128starstar.c 1.1 and splitmix64.c by rand_xoshiro (rust-random/rngs, tests `reference`).
  it("xoshiro128** follows the reference implementation", () => {
    const random = new Xoshiro128(1, 2, 3, 4);
    const found = Array.from({ length: 10 }, () => random.next());
    assert.deepStrictEqual(
      found,
      [
        11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
        4258142804,
      ],
    );
  });

  it("SplitMix64 follows the reference implementation", () => {
    const next = splitMix64(1477776061723855037n);
    assert.deepStrictEqual(
      [next(), next(), next(), next(), next()],
      [
        1985237415132408290n,
        2979275885539914483n,
        13511426838097143398n,
        8488337342461049707n,
        15141737807933549159n,
      ],
    );
  });

  it("a seed fills the state with SplitMix64, low half first", () => {
    // State of seed 0 from the published first outputs e220a8397b1dcdaf and 6e789e6aa1b965f4 of SplitMix64.
    const state = new Xoshiro128(0x7b1dcdaf, 0xe220a839, 0xa1b965f4, 0x6e789e6a);
    const seeded = Xoshiro128.fromSeed(0);
    for (let i = 0; i < 20; i++) assert.strictEqual(seeded.next(), state.next());
  });
});

describe("meanDifference", () => {
  it("agrees with SciPy's ttest_rel and norm.interval", () => {
    for (const { a, b, level, mean, normal, student } of reference.paired) {
      for (const [method, limits] of [
        ["student-t", student],
        ["normal", normal],
      ] as const) {
        const found = value(Interval.meanDifference(a, b, { level, method }));
        close(found.estimate, mean);
        close(found.lower, limits[0] ?? NaN, 1e-11);
        close(found.upper, limits[1] ?? NaN, 1e-11);
        assert.strictEqual(found.method, method);
      }
    }
  });

  it("keeps its digits far from zero", () => {
    // NIST StRD NumAcc4: mean 10000000.2 and standard deviation 0.1 of 1,001 values, certified.
    const values = Float64Array.from({ length: 1001 }, (_, i) =>
      i === 0 ? 10000000.2 : i % 2 === 1 ? 10000000.1 : 10000000.3,
    );
    const found = value(
      Interval.meanDifference(values, new Float64Array(1001), { method: "normal" }),
    );
    close(found.estimate, 10000000.2, 1e-14);
    const z = value(Distribution.normalQuantile(0.975));
    close(((found.upper - found.lower) / 2 / z) * Math.sqrt(1001), 0.1, 1e-7);
  });

  it("holds the estimate, and widens with the level", () => {
    const rows = fc.array(
      fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: -1000, max: 1000 })),
      { minLength: 2 },
    );
    fc.assert(
      fc.property(rows, (pairs) => {
        const a = pairs.map((pair) => pair[0]);
        const b = pairs.map((pair) => pair[1]);
        const narrow = value(Interval.meanDifference(a, b, { level: 0.8 }));
        const wide = value(Interval.meanDifference(a, b, { level: 0.99 }));
        holds(narrow);
        assert.isTrue(wide.lower <= narrow.lower && narrow.upper <= wide.upper);
        assert.deepStrictEqual(Schema.decodeUnknownSync(Interval.Interval)(narrow), narrow);
      }),
    );
  });

  it("rejects bad input", () => {
    fails(Interval.meanDifference([], []), "empty");
    fails(Interval.meanDifference([1], [1]), "tooFew");
    fails(Interval.meanDifference([1, 2], [1]), "lengthMismatch");
    fails(Interval.meanDifference([1, NaN], [1, 2]), "notFinite", 1);
    fails(Interval.meanDifference([1, 2], [Infinity, 2]), "notFinite", 0);
    for (const level of [0, 1, -0.5, 95, NaN])
      fails(Interval.meanDifference([1, 2], [0, 0], { level }), "outOfRange");
    fails(Interval.meanFromMoments({ count: 1, mean: 0, standardDeviation: 1 }), "tooFew");
    fails(Interval.meanFromMoments({ count: 2.5, mean: 0, standardDeviation: 1 }), "outOfRange");
    fails(Interval.meanFromMoments({ count: 9, mean: NaN, standardDeviation: 1 }), "notFinite");
    fails(Interval.meanFromMoments({ count: 9, mean: 0, standardDeviation: -1 }), "negative");
  });
});

describe("wilson", () => {
  it("agrees with SciPy", () => {
    for (const { level, lower, successes, trials, upper } of reference.wilson) {
      const found = value(Interval.wilson(successes, trials, level));
      close(found.lower, lower);
      close(found.upper, upper);
    }
  });

  it("agrees with Newcombe, Statistics in Medicine 17, 1998, table I", () => {
    for (const [successes, trials, lower, upper] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      const found = value(Interval.wilson(successes, trials));
      close(found.lower, lower, 5e-5);
      close(found.upper, upper, 5e-5);
    }
  });

  it("holds the estimate in [0, 1], and mirrors failures", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (trials, share) => {
          const successes = Math.round(share * trials);
          const found = value(Interval.wilson(successes, trials));
          const mirrored = value(Interval.wilson(trials - successes, trials));
          holds(found);
          assert.isTrue(found.lower >= 0 && found.upper <= 1);
          close(mirrored.lower, 1 - found.upper);
        },
      ),
    );
  });

  it("rejects impossible counts", () => {
    fails(Interval.wilson(3, 2), "outOfRange");
    fails(Interval.wilson(0, 0), "outOfRange");
    fails(Interval.wilson(-1, 2), "outOfRange");
    fails(Interval.wilson(0.5, 2), "outOfRange");
    fails(Interval.wilson(1, 2, 1), "outOfRange");
  });
});
