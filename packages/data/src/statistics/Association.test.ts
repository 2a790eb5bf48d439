import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import { close, fails, reference as statistics, value } from "../../test-fixtures/statistics.ts";
import reference from "../../test-fixtures/tests.json" with { type: "json" };
import * as Association from "./Association.ts";
import * as Drift from "./Drift.ts";

describe("against SciPy, scikit-learn and dython", () => {
  reference.tables.forEach((known, index) => {
    it(`tables of counts, case ${index}`, () => {
      const v = value(Association.cramersV(known.counts));
      if (known.cramersV !== null) close(v, known.cramersV, 1e-9);
      close(value(Association.theilsU(known.counts)), known.theilsU, 1e-9);
      close(value(Association.mutualInformation(known.counts)), known.mutualInformation);
      const totals = known.counts[0]!.map((_, at) =>
        known.counts.reduce((sum, row) => sum + row[at]!, 0),
      );
      close(value(Association.entropy(totals)), known.entropy);
    });
  });

  it("two populations, as the drift of them", () => {
    for (const known of statistics.drift) {
      const v = value(Association.cramersV([known.reference, known.current]));
      close(v, known.cramersVCorrected, 1e-12);
    }
  });

  it("correlations", () => {
    for (const known of reference.correlated) {
      close(value(Association.pearson(known.x, known.y)), known.pearson);
      close(value(Association.spearman(known.x, known.y)), known.spearman);
    }
  });

  it("Kullback–Leibler", () => {
    for (const { reference: r, current: c, kullbackLeibler } of reference.divergences) {
      close(value(Drift.kullbackLeibler({ counts: r }, { counts: c })), kullbackLeibler);
    }
    const same = { counts: [1, 0, 3] };
    assert.strictEqual(value(Drift.kullbackLeibler(same, same)), 0);
    fails(Drift.kullbackLeibler(same, same, 1), "outOfRange");
  });
});

describe("associations", () => {
  it("refuse what has none", () => {
    fails(Association.entropy([0, 0]), "allZero");
    fails(Association.mutualInformation([]), "empty");
    fails(Association.theilsU([[1], [1, 2]]), "lengthMismatch");
    fails(Association.cramersV([[1, 0]]), "tooFew");
    fails(Association.pearson([1, 1], [1, 2]), "degenerate");
    fails(Association.spearman([1, 2], [1, NaN]), "notFinite", 1);
    fails(Association.pearson([1], [1, 2]), "lengthMismatch");
  });

  it("are 0 where one side does not vary, and U is 1 where nothing is left to explain", () => {
    assert.strictEqual(value(Association.cramersV([[4, 5]])), 0);
    assert.strictEqual(value(Association.mutualInformation([[4, 5]])), 0);
    assert.strictEqual(value(Association.theilsU([[4], [5]])), 1);
  });

  it("rank correlation sees only the order", () => {
    const numbers = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), {
      minLength: 2,
      maxLength: 20,
    });
    fc.assert(
      fc.property(numbers, (x) => {
        close(
          value(
            Association.spearman(
              x,
              x.map((each) => Math.exp(each / 10)),
            ),
          ),
          1,
        );
        close(
          value(
            Association.spearman(
              x,
              x.map((each) => -(each ** 3)),
            ),
          ),
          -1,
        );
      }),
    );
  });
});
