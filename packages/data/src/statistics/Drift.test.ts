import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import { close, fails, reference, value } from "../../test-fixtures/statistics.ts";
import * as Drift from "./Drift.ts";

const counts = (size: number) =>
  fc
    .array(fc.integer({ min: 0, max: 1000 }), { minLength: size, maxLength: size })
    .filter((all) => all.some((c) => c > 0));
const pair = fc.integer({ min: 1, max: 12 }).chain((size) => fc.tuple(counts(size), counts(size)));
const distances = {
  psi: Drift.psi,
  jensenShannon: Drift.jensenShannon,
  totalVariation: Drift.totalVariation,
  lInfinity: Drift.lInfinity,
  hellinger: Drift.hellinger,
};

describe("against SciPy", () => {
  reference.drift.forEach((known, index) => {
    it(`bins, case ${index}`, () => {
      const r = { counts: known.reference };
      const c = { counts: known.current };
      for (const name of [
        "psi",
        "jensenShannon",
        "totalVariation",
        "lInfinity",
        "hellinger",
      ] as const) {
        // SciPy's own rounding under the root is some 1e-9 where the distance is 0.
        close(value(distances[name](r, c)), known[name], known[name] === 0 ? 1e-7 : 1e-12, name);
      }
      if (known.psiAsKl !== null) close(value(Drift.psi(r, c)), known.psiAsKl);
      const table = value(Drift.chiSquare(r, c));
      close(table.statistic, known.chiSquare);
      assert.strictEqual(table.degreesOfFreedom, known.degreesOfFreedom);
      close(table.cramersV, known.cramersV);
      close(table.cramersVCorrected, known.cramersVCorrected);
      close(value(Drift.ksBinned(r, c)).lower, known.ks);
      close(
        value(Drift.wassersteinBinned(known.edges, r, c, { standardDeviation: 1 })),
        known.wasserstein,
        1e-9,
      );
      close(
        value(Drift.wassersteinBinned(known.edges, r, c)),
        known.wasserstein / known.deviation,
        1e-9,
      );
    });
  });

  reference.samples.forEach((known, index) => {
    it(`samples, case ${index}`, () => {
      close(value(Drift.ksSorted(known.reference, known.current)), known.ks);
      close(
        value(Drift.wassersteinSorted(known.reference, known.current, { standardDeviation: 1 })),
        known.wasserstein,
      );
      close(
        value(Drift.wassersteinSorted(known.reference, known.current)),
        known.wasserstein / Math.max(0.001, known.deviation),
        1e-10,
      );
    });
  });

  it("the example of the documentation of wasserstein_distance", () => {
    close(value(Drift.wassersteinSorted([0, 1, 3], [5, 6, 8], { standardDeviation: 1 })), 5);
  });
});

describe("distances of counts", () => {
  it("are never negative, and zero if the shares agree", () => {
    fc.assert(
      fc.property(pair, fc.integer({ min: 1, max: 9 }), ([r, c], times) => {
        for (const distance of Object.values(distances)) {
          assert.isAtLeast(value(distance({ counts: r }, { counts: c })), 0);
          close(
            value(distance({ counts: r }, { counts: r.map((count) => count * times) })),
            0,
            1e-7,
          );
        }
      }),
    );
  });

  it("are above zero if the shares differ", () => {
    fc.assert(
      fc.property(pair, ([r, c]) => {
        const rows = (all: ReadonlyArray<number>) => all.reduce((sum, count) => sum + count, 0);
        fc.pre(r.some((count, i) => count * rows(c) !== (c[i] ?? 0) * rows(r)));
        for (const distance of Object.values(distances))
          assert.isAbove(value(distance({ counts: r }, { counts: c })), 0);
      }),
    );
  });

  it("are symmetric, all but PSI at most one, and in their known order", () => {
    fc.assert(
      fc.property(pair, ([r, c]) => {
        const at = (distance: typeof Drift.hellinger) => {
          const forward = value(distance({ counts: r }, { counts: c }));
          close(value(distance({ counts: c }, { counts: r })), forward);
          return forward;
        };
        at(Drift.psi);
        const js = at(Drift.jensenShannon);
        const tv = at(Drift.totalVariation);
        const most = at(Drift.lInfinity);
        const h = at(Drift.hellinger);
        for (const distance of [js, tv, most, h]) assert.isAtMost(distance, 1);
        // Le Cam: H^2 <= TV <= H sqrt(2 - H^2). Lin 1991: JS^2 <= TV.
        assert.isTrue(
          most <= tv + 1e-12 &&
            h * h <= tv + 1e-9 &&
            tv <= h * Math.sqrt(2 - h * h) + 1e-9 &&
            js * js <= tv + 1e-9,
        );
      }),
    );
  });

  it("take missing rows as a bin of their own", () => {
    for (const distance of Object.values(distances)) {
      close(
        value(distance({ counts: [40, 60], missing: 5 }, { counts: [40, 30], missing: 35 })),
        value(distance({ counts: [40, 60, 5] }, { counts: [40, 30, 35] })),
      );
      // Stated on one side only, it is zero on the other.
      assert.isAbove(value(distance({ counts: [40, 60] }, { counts: [40, 60], missing: 50 })), 0);
      // A column that is all missing now has moved as far as it can, not nowhere.
      fails(distance({ counts: [1, 2] }, { counts: [0, 0] }), "allZero");
      assert.isAbove(value(distance({ counts: [1, 2] }, { counts: [0, 0], missing: 3 })), 0.5);
    }
    close(value(Drift.missingShift({ counts: [100] }, { counts: [80], missing: 20 })), 0.2);
    close(value(Drift.missingShift({ counts: [80], missing: 20 }, { counts: [100] })), -0.2);
  });

  it("reject bad counts", () => {
    for (const distance of [
      ...Object.values(distances),
      Drift.chiSquare,
      Drift.ksBinned,
      Drift.missingShift,
    ]) {
      const good = { counts: [1, 2] };
      fails(distance({ counts: [] }, { counts: [] }), "empty");
      fails(distance(good, { counts: [1] }), "lengthMismatch");
      fails(distance(good, { counts: [3, -1] }), "negative", 1);
      fails(distance({ counts: [NaN, 1] }, good), "notFinite", 0);
      fails(distance(good, { counts: [0, 0] }), "allZero");
    }
    fails(Drift.psi({ counts: [1] }, { counts: [1] }, 0), "outOfRange");
    fails(Drift.psi({ counts: [1] }, { counts: [1], missing: -1 }), "negative");
    fails(Drift.chiSquare({ counts: [1] }, { counts: [1] }), "tooFew");
  });

  it("floor an empty bin at 0.0001 by default, as Evidently", () => {
    assert.strictEqual(Drift.psiFloor, 0.0001);
    close(
      value(Drift.psi({ counts: [1, 1] }, { counts: [1, 0] })),
      0.5 * Math.log(2) + (0.0001 - 0.5) * Math.log(0.0001 / 0.5),
    );
  });
});

describe("chiSquare", () => {
  it("has an effect size that does not grow with the rows", () => {
    const table = (times: number) =>
      value(
        Drift.chiSquare(
          { counts: [500 * times, 500 * times] },
          { counts: [450 * times, 550 * times] },
        ),
      );
    assert.isAbove(table(100).statistic, 90 * table(1).statistic);
    assert.isBelow(Math.abs(table(100).cramersVCorrected - table(1).cramersVCorrected), 0.01);
  });

  it("is zero for one bin and for equal shares", () => {
    assert.strictEqual(value(Drift.chiSquare({ counts: [9, 0] }, { counts: [7, 0] })).statistic, 0);
    assert.strictEqual(
      value(Drift.chiSquare({ counts: [10, 20] }, { counts: [30, 60] })).cramersVCorrected,
      0,
    );
  });

  it("stays within [0, 1]", () => {
    fc.assert(
      fc.property(pair, ([r, c]) => {
        fc.pre([...r, ...c].reduce((sum, count) => sum + count, 0) > 3);
        const { cramersV, cramersVCorrected } = value(
          Drift.chiSquare({ counts: r }, { counts: c }),
        );
        assert.isTrue(
          0 <= cramersV && cramersV <= 1 && 0 <= cramersVCorrected && cramersVCorrected <= 1,
        );
      }),
    );
  });
});

describe("ordered distances", () => {
  const sample = fc
    .array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 60 })
    .map((all) => all.map((x) => x / 10).toSorted((a, b) => a - b));
  const edges = Array.from({ length: 11 }, (_, i) => i);
  const binned = (values: ReadonlyArray<number>) => {
    const bins = new Float64Array(10);
    for (const x of values) bins[Math.floor(x)] = (bins[Math.floor(x)] ?? 0) + 1;
    return { counts: bins };
  };

  it("a histogram bounds the exact Kolmogorov–Smirnov statistic from both sides", () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const exact = value(Drift.ksSorted(a, b));
        const { lower, upper } = value(Drift.ksBinned(binned(a), binned(b)));
        assert.isTrue(0 <= lower && lower <= exact + 1e-12 && exact <= upper + 1e-12 && upper <= 1);
      }),
    );
  });

  it("a histogram of width 1 is off by at most 1 in the Wasserstein distance", () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const exact = value(Drift.wassersteinSorted(a, b, { standardDeviation: 1 }));
        const found = value(
          Drift.wassersteinBinned(edges, binned(a), binned(b), { standardDeviation: 1 }),
        );
        assert.isAtMost(Math.abs(found - exact), 1 + 1e-9);
      }),
    );
  });

  it("are symmetric, and zero against themselves", () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const one = { standardDeviation: 1 };
        close(value(Drift.ksSorted(a, b)), value(Drift.ksSorted(b, a)));
        close(value(Drift.wassersteinSorted(a, b, one)), value(Drift.wassersteinSorted(b, a, one)));
        assert.strictEqual(value(Drift.ksSorted(a, a)), 0);
        assert.strictEqual(value(Drift.wassersteinSorted(a, a)), 0);
      }),
    );
  });

  it("the Wasserstein distance of a shifted sample is the shift, from rows, bins and quantiles", () => {
    const a = Float64Array.from({ length: 1001 }, (_, i) => (i / 1000) ** 2);
    const b = a.map((x) => x + 0.25);
    close(value(Drift.wassersteinSorted(a, b, { standardDeviation: 0.5 })), 0.5);
    close(value(Drift.wassersteinQuantiles(a, b, { standardDeviation: 0.5 })), 0.5);
    close(
      value(
        Drift.wassersteinBinned(
          [0, 1, 2, 3],
          { counts: [3, 1, 0] },
          { counts: [0, 3, 1] },
          { standardDeviation: 1 },
        ),
      ),
      1,
    );
  });

  it("crossing quantile functions enclose the area of both sides", () => {
    // |1 - 2p| from 0 to 1 is 1/2.
    close(value(Drift.wassersteinQuantiles([0, 2], [1, 1], { standardDeviation: 1 })), 0.5);
  });

  it("a constant reference is divided by the floor", () => {
    close(value(Drift.wassersteinSorted([2, 2], [2, 2])), 0);
    close(value(Drift.wassersteinSorted([2, 2], [2.001, 2.001])), 1, 1e-9);
  });

  it("reject bad input", () => {
    fails(Drift.ksSorted([], [1]), "empty");
    fails(Drift.ksSorted([1, 2], [3, 2]), "unsorted", 1);
    fails(Drift.ksSorted([NaN], [1]), "notFinite", 0);
    fails(Drift.wassersteinSorted([1, 0], [1]), "unsorted", 1);
    fails(Drift.wassersteinSorted([], [1]), "empty");
    fails(Drift.wassersteinSorted([1], [Infinity]), "notFinite", 0);
    fails(Drift.wassersteinSorted([1], [1], { standardDeviation: -1 }), "outOfRange");
    fails(Drift.wassersteinSorted([1], [1], { deviationFloor: 0 }), "outOfRange");
    const one = { counts: [1, 1] };
    fails(Drift.wassersteinBinned([0, 1], one, one), "lengthMismatch");
    fails(Drift.wassersteinBinned([0, 1, 1], one, one), "unsorted", 2);
    fails(Drift.wassersteinBinned([0, 1, Infinity], one, one), "notFinite", 2);
    fails(Drift.wassersteinBinned([0, 1, 2], one, { counts: [0, 0] }), "allZero");
    fails(Drift.wassersteinQuantiles([1], [1], { standardDeviation: 1 }), "tooFew");
    fails(
      Drift.wassersteinQuantiles([1, 2], [1, 2, 3], { standardDeviation: 1 }),
      "lengthMismatch",
    );
  });
});
