import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import { allClose, close, fails, reference, value } from "../../test-fixtures/statistics.ts";
import * as Classification from "./Classification.ts";

/** Scores with ties, and labels of both classes. */
const labelled = fc
  .array(
    fc.tuple(
      fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true, min: -1e6, max: 1e6 })),
      fc.boolean(),
    ),
    {
      minLength: 2,
      maxLength: 80,
    },
  )
  .map((rows) => ({
    scores: rows.map((row) => row[0]),
    labels: rows.map((row) => (row[1] ? 1 : 0)),
  }))
  .filter(({ labels }) => labels.includes(0) && labels.includes(1));

describe("against scikit-learn", () => {
  for (const known of reference.classification) {
    const { labels, probabilities, weights } = known;
    it(known.name, () => {
      close(value(Classification.rocAuc(probabilities, labels)), known.rocAuc);
      close(value(Classification.rocAuc(probabilities, labels, weights)), known.rocAucWeighted);
      close(value(Classification.averagePrecision(probabilities, labels)), known.averagePrecision);
      close(value(Classification.logLoss(probabilities, labels)), known.logLoss);
      close(value(Classification.brierScore(probabilities, labels)), known.brierScore);
      const table = value(Classification.confusion(probabilities, labels, 0.5));
      assert.deepStrictEqual(table, known.confusion);
      const rates = value(Classification.rates(table));
      close(rates.accuracy, known.accuracy);
      if (known.precision === null) assert.isNull(rates.precision);
      else close(rates.precision ?? NaN, known.precision);
      close(rates.recall ?? NaN, known.recall);
      close(rates.f1 ?? NaN, known.f1);
    });
    it(`${known.name}: ROC curve`, () => {
      const curve = value(Classification.rocCurve(probabilities, labels, 1000));
      allClose(curve.falsePositiveRate, known.falsePositiveRate);
      allClose(curve.truePositiveRate, known.truePositiveRate);
      allClose(curve.threshold.subarray(1), known.threshold);
      assert.strictEqual(curve.threshold[0], Infinity);
    });
    for (const binning of ["width", "quantile"] as const) {
      it(`${known.name}: calibration by ${binning}`, () => {
        const expected = known.calibration[binning];
        const bins = value(Classification.reliability(probabilities, labels, { binning }));
        allClose(
          bins.map((bin) => bin.meanProbability),
          expected.meanProbability,
        );
        allClose(
          bins.map((bin) => bin.observedRate),
          expected.observedRate,
        );
        assert.deepStrictEqual(
          bins.map((bin) => bin.count),
          expected.count,
        );
        close(
          value(Classification.expectedCalibrationError(probabilities, labels, { binning })),
          expected.ece,
        );
      });
    }
  }

  it("the examples of its documentation", () => {
    close(value(Classification.rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])), 0.75);
    close(
      value(Classification.averagePrecision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])),
      0.8333333333333333,
    );
    close(value(Classification.brierScore([0.1, 0.9, 0.8, 0.3], [0, 1, 1, 0])), 0.0375);
    // "spam", "ham", "ham", "spam" with these probabilities: log_loss 0.21616...
    close(value(Classification.logLoss([0.9, 0.1, 0.2, 0.65], [1, 0, 0, 1])), 0.21616187468057912);
  });
});

describe("rocAuc", () => {
  it("is the share of pairs in the right order, by definition", () => {
    fc.assert(
      fc.property(labelled, ({ labels, scores }) => {
        let won = 0;
        let pairs = 0;
        scores.forEach((positive, i) => {
          scores.forEach((negative, j) => {
            if (labels[i] !== 1 || labels[j] !== 0) return;
            pairs++;
            won += positive > negative ? 1 : positive === negative ? 0.5 : 0;
          });
        });
        close(value(Classification.rocAuc(scores, labels)), won / pairs);
      }),
    );
  });

  it("does not change under a strictly increasing map", () => {
    fc.assert(
      fc.property(labelled, ({ labels, scores }) => {
        const rounded = scores.map((s) => Math.round(s * 100));
        const mapped = rounded.map((s) => s ** 3 / 7 - 5);
        assert.strictEqual(
          value(Classification.rocAuc(mapped, labels)),
          value(Classification.rocAuc(rounded, labels)),
        );
      }),
    );
  });

  it("turns to 1 - AUC when scores are negated, and when labels are swapped", () => {
    fc.assert(
      fc.property(labelled, ({ labels, scores }) => {
        const auc = value(Classification.rocAuc(scores, labels));
        close(
          value(
            Classification.rocAuc(
              scores.map((s) => -s),
              labels,
            ),
          ),
          1 - auc,
        );
        close(
          value(
            Classification.rocAuc(
              scores,
              labels.map((y) => 1 - y),
            ),
          ),
          1 - auc,
        );
      }),
    );
  });

  it("counts a row of weight k as k rows", () => {
    fc.assert(
      fc.property(labelled, fc.integer({ min: 0, max: 1e9 }), ({ labels, scores }, salt) => {
        const weights = scores.map((_, i) => 1 + ((salt + i * 7) % 3));
        const repeat = (values: ReadonlyArray<number>) =>
          values.flatMap((v, i) => Array<number>(weights[i] ?? 0).fill(v));
        close(
          value(Classification.rocAuc(scores, labels, weights)),
          value(Classification.rocAuc(repeat(scores), repeat(labels))),
        );
      }),
    );
  });

  it("takes infinities, and both zeros as one score", () => {
    close(value(Classification.rocAuc([-Infinity, 0, -0, Infinity], [0, 1, 0, 1])), 0.875);
    close(value(Classification.rocAuc([-1e-310, -5, 1e-310, 3], [0, 0, 1, 1])), 1);
  });

  it("takes typed arrays", () => {
    close(
      value(Classification.rocAuc(Float32Array.of(0.1, 0.4, 0.35, 0.8), Uint8Array.of(0, 0, 1, 1))),
      0.75,
    );
  });

  it("rejects what it cannot rank", () => {
    fails(Classification.rocAuc([], []), "empty");
    fails(Classification.rocAuc([1, 2], [1]), "lengthMismatch");
    fails(Classification.rocAuc([1, NaN], [1, 0]), "notFinite", 1);
    fails(Classification.rocAuc([1, 2, 3], [1, 0, 2]), "notBinary", 2);
    fails(Classification.rocAuc([1, 2], [1, NaN]), "notBinary", 1);
    fails(Classification.rocAuc([1, 2], [1, 1]), "oneClass");
    fails(Classification.rocAuc([1, 2], [0, 0]), "oneClass");
    fails(Classification.rocAuc([1, 2], [0, 1], [1, -1]), "negative", 1);
    fails(Classification.rocAuc([1, 2], [0, 1], [0, 0]), "allZero");
    fails(Classification.rocAuc([1, 2], [0, 1], [1, 0]), "oneClass");
    fails(Classification.rocAuc([1, 2], [0, 1], [1]), "lengthMismatch");
    fails(Classification.averagePrecision([1, 2], [0, 0]), "oneClass");
  });
});

describe("rocCurve", () => {
  it("keeps at most maxPoints genuine points, both ends and the shape", () => {
    fc.assert(
      fc.property(labelled, fc.integer({ min: 2, max: 20 }), ({ labels, scores }, maxPoints) => {
        const full = value(Classification.rocCurve(scores, labels, 1000));
        const thin = value(Classification.rocCurve(scores, labels, maxPoints));
        const points = new Set(
          Array.from(
            full.threshold,
            (t, i) => `${t} ${full.falsePositiveRate[i]} ${full.truePositiveRate[i]}`,
          ),
        );
        assert.isAtMost(thin.threshold.length, maxPoints);
        thin.threshold.forEach((t, i) => {
          assert.isTrue(
            points.has(`${t} ${thin.falsePositiveRate[i]} ${thin.truePositiveRate[i]}`),
          );
        });
        assert.deepStrictEqual([thin.falsePositiveRate[0], thin.truePositiveRate[0]], [0, 0]);
        assert.deepStrictEqual(
          [thin.falsePositiveRate.at(-1), thin.truePositiveRate.at(-1)],
          [1, 1],
        );
        assert.deepStrictEqual(Array.from(thin.threshold), Array.from(new Set(thin.threshold)));
      }),
    );
  });

  it("has an area near the exact one at 200 points of 20,000", () => {
    const n = 20_000;
    const scores = Float64Array.from(
      { length: n },
      (_, i) => Math.sin(i) + (i % 3 === 0 ? 0.5 : 0),
    );
    const labels = Uint8Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const { falsePositiveRate: x, truePositiveRate: y } = value(
      Classification.rocCurve(scores, labels),
    );
    let area = 0;
    for (let i = 1; i < x.length; i++)
      area += (((x[i] ?? 0) - (x[i - 1] ?? 0)) * ((y[i] ?? 0) + (y[i - 1] ?? 0))) / 2;
    assert.isAtMost(x.length, 200);
    assert.isAtLeast(x.length, 150);
    close(area, value(Classification.rocAuc(scores, labels)), 1e-3);
  });

  it("rejects fewer than two points", () =>
    fails(Classification.rocCurve([1, 2], [0, 1], 1), "outOfRange"));
});

describe("probabilities", () => {
  it("are rejected outside [0, 1]", () => {
    for (const score of [
      Classification.logLoss,
      Classification.brierScore,
      Classification.reliability,
      Classification.expectedCalibrationError,
    ]) {
      fails(score([0.5, 1.5], [0, 1]), "outOfRange", 1);
      fails(score([NaN, 0.5], [0, 1]), "notFinite", 0);
      fails(score([0.5], [0.5]), "notBinary", 0);
      fails(score([], []), "empty");
      fails(score([0.5], []), "lengthMismatch");
    }
    fails(Classification.reliability([0.5], [1], { bins: 0 }), "outOfRange");
    fails(Classification.reliability([0.5], [1], { bins: 1e6 }), "outOfRange");
  });

  it("that are certain and wrong cost a finite log loss, as in scikit-learn", () => {
    close(value(Classification.logLoss([1, 0], [0, 0])), -Math.log(Number.EPSILON) / 2);
  });

  it("are in the bin whose upper edge they touch, zero in the first", () => {
    const bins = value(Classification.reliability([0, 0.1, 0.2, 0.3, 0.7, 1], [0, 0, 0, 1, 1, 1]));
    assert.deepStrictEqual(
      bins.map((bin) => [bin.upper, bin.count]),
      [
        [0.1, 2],
        [0.2, 1],
        [0.3, 1],
        [0.7, 1],
        [1, 1],
      ],
    );
  });

  it("lose no row to binning, and ECE stays in [0, 1]", () => {
    const rows = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1)),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom("width", "quantile"),
        (pairs, bins, binning) => {
          const p = pairs.map((pair) => pair[0]);
          const y = pairs.map((pair) => pair[1]);
          const options = { bins, binning: binning === "width" ? "width" : "quantile" } as const;
          const table = value(Classification.reliability(p, y, options));
          assert.strictEqual(
            table.reduce((sum, bin) => sum + bin.count, 0),
            p.length,
          );
          for (const bin of table) {
            assert.isTrue(
              bin.meanProbability >= bin.lower - 1e-12 && bin.meanProbability <= bin.upper + 1e-12,
            );
          }
          const ece = value(Classification.expectedCalibrationError(p, y, options));
          assert.isTrue(ece >= 0 && ece <= 1);
        },
      ),
    );
  });
});

describe("rates", () => {
  it("are null where they divide nothing by nothing", () => {
    const rates = value(
      Classification.rates({
        truePositive: 0,
        falsePositive: 0,
        falseNegative: 0,
        trueNegative: 9,
      }),
    );
    assert.deepStrictEqual(rates, {
      accuracy: 1,
      precision: null,
      recall: null,
      specificity: 1,
      f1: null,
      balancedAccuracy: null,
      matthews: null,
    });
  });

  it("reject bad counts and thresholds", () => {
    const zero = { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 };
    fails(Classification.rates(zero), "allZero");
    fails(Classification.rates({ ...zero, falsePositive: -1 }), "negative", 1);
    fails(Classification.confusion([1], [1], NaN), "notFinite");
    fails(Classification.confusion([], [], 0), "empty");
    fails(Classification.confusion([1], [3], 0), "notBinary", 0);
  });

  it("decide nothing positive at an infinite threshold", () => {
    assert.deepStrictEqual(value(Classification.confusion([1, 2], [1, 1], Infinity)), {
      truePositive: 0,
      falsePositive: 0,
      falseNegative: 2,
      trueNegative: 0,
    });
  });
});
