import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import { allClose, close, fails, value } from "../../test-fixtures/statistics.ts";
import reference from "../../test-fixtures/tests.json" with { type: "json" };
import * as HypothesisTest from "./HypothesisTest.ts";
import { kolmogorovTail } from "./internal/Tail.ts";

const methods = ["bonferroni", "holm", "benjamini-hochberg"] as const;
const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });

describe("against SciPy and statsmodels", () => {
  reference.tables.forEach((known, index) => {
    it(`tables of counts, case ${index}`, () => {
      const chi = value(HypothesisTest.chiSquare(known.counts));
      close(chi.statistic, known.chiSquare);
      close(chi.pValue, known.pValue, 1e-12);
      assert.strictEqual(chi.degreesOfFreedom, known.degreesOfFreedom);
      assert.strictEqual(chi.sparse, known.sparse);
      const g = value(HypothesisTest.gTest(known.counts));
      close(g.statistic, known.g, 1e-11);
      close(g.pValue, known.gPValue, 1e-11);
    });
  });

  reference.pairs.forEach((known, index) => {
    it(`samples, case ${index}`, () => {
      const ks = value(HypothesisTest.ks(known.reference, known.current));
      close(ks.statistic, known.ks);
      close(ks.pValue, known.ksExact, 1e-10);
      assert.strictEqual(ks.method, "exact");
      const { statistic, pValue, superiority } = value(
        HypothesisTest.mannWhitney(known.reference, known.current),
      );
      close(statistic, known.u);
      close(pValue, known.uPValue);
      close(superiority, 1 - known.u / (known.reference.length * known.current.length));
    });
  });

  it("the limit of Kolmogorov", () => {
    for (const { t, pValue } of reference.limit) close(kolmogorovTail(t), pValue, 1e-13);
    const large = value(HypothesisTest.ksOf(0.03, 5000, 4000));
    assert.strictEqual(large.method, "asymptotic");
    close(large.pValue, kolmogorovTail(0.03 * Math.sqrt((5000 * 4000) / 9000)));
  });

  it("proportions, and many tests", () => {
    for (const known of reference.proportions) {
      const found = value(HypothesisTest.proportions(known.reference, known.current));
      close(found.statistic, known.z);
      close(found.pValue, known.pValue);
    }
    for (const known of reference.many)
      for (const method of methods)
        allClose(value(HypothesisTest.adjust(known.pValues, method)), known[method]);
  });
});

describe("tests", () => {
  it("refuse what they cannot judge", () => {
    fails(HypothesisTest.chiSquare([]), "empty");
    fails(HypothesisTest.chiSquare([[1, 2], [1]]), "lengthMismatch");
    fails(HypothesisTest.gTest([[0, 0]]), "allZero");
    fails(HypothesisTest.chiSquare([[1, -1]]), "negative");
    fails(HypothesisTest.ks([], [1]), "empty");
    fails(HypothesisTest.ks([2, 1], [1]), "unsorted");
    fails(HypothesisTest.ksOf(1.1, 3, 3), "outOfRange");
    fails(HypothesisTest.mannWhitney([1, 1], [1]), "degenerate");
    fails(HypothesisTest.mannWhitney([NaN], [1]), "notFinite");
    fails(
      HypothesisTest.proportions({ successes: 3, trials: 2 }, { successes: 0, trials: 1 }),
      "outOfRange",
    );
    fails(HypothesisTest.adjust([0.5, 1.5], "holm"), "outOfRange", 1);
  });

  it("see nothing where there is nothing", () => {
    const none = value(
      HypothesisTest.chiSquare([
        [10, 0],
        [20, 0],
      ]),
    );
    assert.deepInclude(none, { statistic: 0, degreesOfFreedom: 0, pValue: 1 });
    const all = { successes: 5, trials: 5 };
    assert.deepStrictEqual(value(HypothesisTest.proportions(all, all)), {
      statistic: 0,
      pValue: 1,
    });
    assert.deepStrictEqual([...value(HypothesisTest.adjust([], "holm"))], []);
  });

  it("corrections keep the order, never lower a p-value, and Holm is never stricter than Bonferroni", () => {
    fc.assert(
      fc.property(pValues, (ps) => {
        const [bonferroni, holm, hochberg] = methods.map((method) =>
          value(HypothesisTest.adjust(ps, method)),
        );
        ps.forEach((p, i) => {
          assert.isAtLeast(holm![i]!, p);
          assert.isAtLeast(bonferroni![i]!, holm![i]!);
          assert.isAtLeast(holm![i]! + 1e-15, hochberg![i]!);
          assert.isAtLeast(hochberg![i]!, p * (1 - 1e-15));
          ps.forEach((q, j) => {
            if (p < q) assert.isAtMost(holm![i]!, holm![j]!);
          });
        });
      }),
    );
  });
});
