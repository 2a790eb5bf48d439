import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import reference from "../../test-fixtures/predictions.json" with { type: "json" };
import { allClose, close, fails, value } from "../../test-fixtures/statistics.ts";
import * as Classification from "./Classification.ts";
import * as Multiclass from "./Multiclass.ts";

describe("against scikit-learn", () => {
  for (const known of reference.classes) {
    const { labels, probabilities, classes, chosen } = known;
    const scored = { labels, probabilities, classes };
    it(`probabilities of ${classes} classes`, () => {
      close(value(Multiclass.logLoss(scored)), known.logLoss);
      close(value(Multiclass.brierScore(scored)), known.brierScore);
      close(value(Multiclass.topK(scored, 1)), known.accuracy);
      close(value(Multiclass.topK(scored, 2)), known.top2);
      const auc = value(Multiclass.oneVsRestAuc(scored));
      allClose(
        auc.perClass.map((one) => one ?? NaN),
        known.aucPerClass,
      );
      if (known.aucMacro === undefined) return;
      close(auc.macro ?? NaN, known.aucMacro);
      close(auc.weighted ?? NaN, known.aucWeighted);
    });
    it(`choices among ${classes} classes`, () => {
      const table = value(Multiclass.confusion({ chosen, labels, classes, choices: classes }));
      assert.deepStrictEqual([...table], known.confusion);
      const rates = value(Multiclass.rates(table, classes));
      close(rates.accuracy, known.accuracy);
      close(rates.accuracy, known.microF1);
      close(rates.balancedAccuracy, known.balancedAccuracy);
      close(rates.macroF1, known.macroF1);
      close(rates.weightedF1, known.weightedF1);
      close(rates.matthews ?? NaN, known.matthews);
      close(rates.kappa ?? NaN, known.kappa);
      allClose(
        rates.perClass.map(({ precision }) => precision ?? NaN),
        known.precision,
      );
      allClose(
        rates.perClass.map(({ recall }) => recall ?? NaN),
        known.recall,
      );
      if (known.curve === undefined) return;
      const [trueNegative = 0, falsePositive = 0, falseNegative = 0, truePositive = 0] = table;
      const binary = { trueNegative, falsePositive, falseNegative, truePositive };
      const own = value(Classification.rates(binary));
      close(own.matthews ?? NaN, known.matthews);
      close(own.balancedAccuracy ?? NaN, known.balancedAccuracy);
    });
  }

  it("the precision–recall curve", () => {
    const known = reference.classes[2];
    assert.isDefined(known?.curve);
    const positive = known?.probabilities.filter((_, at) => at % 2 === 1) ?? [];
    const labels = known?.labels ?? [];
    const curve = value(Classification.precisionRecallCurve(positive, labels, 1000));
    // scikit-learn goes from the lowest threshold to the highest, and ends with the point of none.
    allClose(curve.precision.toReversed(), known?.curve?.precision ?? []);
    allClose(curve.recall.toReversed(), known?.curve?.recall ?? []);
    allClose(curve.threshold.subarray(1).toReversed(), known?.curve?.threshold ?? []);
    const thin = value(Classification.precisionRecallCurve(positive, labels, 10));
    assert.isAtMost(thin.recall.length, 10);
    assert.strictEqual(thin.recall.at(-1), 1);
  });
});

const scoredRows = fc
  .array(
    fc.tuple(
      fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 0, max: 2 }),
    ),
    { minLength: 1, maxLength: 30 },
  )
  .map((rows) => ({
    classes: 3,
    labels: rows.map(([, label]) => label),
    probabilities: rows.flatMap(([weights]) => {
      const total = weights.reduce((sum, one) => sum + one, 0);
      return weights.map((one) => (total === 0 ? 1 / 3 : one / total));
    }),
  }));

describe("properties", () => {
  it("names of classes do not matter", () => {
    fc.assert(
      fc.property(scoredRows, ({ classes, labels, probabilities }) => {
        const rotated = {
          classes,
          labels: labels.map((label) => (label + 1) % 3),
          probabilities: probabilities.map(
            (_, at) => probabilities[at - (at % 3) + ((at + 2) % 3)] ?? NaN,
          ),
        };
        const scored = { classes, labels, probabilities };
        for (const of of [
          Multiclass.logLoss,
          Multiclass.brierScore,
          (one: Multiclass.Scored) => Multiclass.topK(one, 2),
        ]) {
          close(value(of(rotated)), value(of(scored)), 1e-9);
        }
        assert.isAtLeast(value(Multiclass.topK(scored, 2)), value(Multiclass.topK(scored, 1)));
        assert.strictEqual(value(Multiclass.topK(scored, 3)), 1);
      }),
    );
  });

  it("two classes are the yes/no case", () => {
    const yes = [0.1, 0.9, 0.8, 0.3, 0.3];
    const labels = [0, 1, 1, 0, 1];
    const scored = { labels, classes: 2, probabilities: yes.flatMap((p) => [1 - p, p]) };
    close(value(Multiclass.logLoss(scored)), value(Classification.logLoss(yes, labels)));
    close(value(Multiclass.brierScore(scored)), 2 * value(Classification.brierScore(yes, labels)));
    close(
      value(Multiclass.oneVsRestAuc(scored)).perClass[1] ?? NaN,
      value(Classification.rocAuc(yes, labels)),
    );
    assert.deepStrictEqual(
      value(Multiclass.classReliability(scored, 1)),
      value(Classification.reliability(yes, labels)),
    );
  });
});

describe("what cannot be said", () => {
  it("is null: a class without rows, one choice only, one class only", () => {
    const scored = { labels: [0, 0], classes: 2, probabilities: [0.5, 0.5, 1, 0] };
    assert.deepStrictEqual(value(Multiclass.oneVsRestAuc(scored)), {
      perClass: [null, null],
      macro: null,
      weighted: null,
    });
    const rates = value(Multiclass.rates([3, 0, 2, 0], 2));
    assert.isNull(rates.matthews);
    assert.deepStrictEqual(rates.perClass[1], {
      rows: 2,
      chosen: 0,
      precision: null,
      recall: 0,
      f1: 0,
    });
    // All probable classes tie: nothing is known.
    assert.strictEqual(value(Multiclass.topK(scored, 1)), 0.5);
  });

  it("is an error: probabilities that are none, labels that are no class", () => {
    const good = { labels: [0, 1], classes: 2, probabilities: [0.5, 0.5, 0.2, 0.8] };
    const probabilities = (...all: ReadonlyArray<number>) => ({ ...good, probabilities: all });
    fails(Multiclass.logLoss(probabilities(0.5, 0.4, 0.2, 0.8)), "outOfRange", 0);
    fails(Multiclass.logLoss(probabilities(0.5, 0.5, -0.2, 1.2)), "outOfRange", 1);
    fails(Multiclass.logLoss(probabilities(0.5, 0.5, NaN, 1)), "notFinite", 1);
    fails(Multiclass.brierScore(probabilities(0.5, 0.5)), "lengthMismatch");
    fails(Multiclass.logLoss({ ...good, labels: [0, 2] }), "outOfRange", 1);
    fails(Multiclass.logLoss({ ...good, labels: [0, NaN] }), "outOfRange", 1);
    fails(Multiclass.topK(good, 0), "outOfRange");
    fails(Multiclass.rates([1, 2, 3], 2), "lengthMismatch");
    fails(Multiclass.rates([0, 0, 0, 0], 2), "allZero");
    const decided = { chosen: [0, 2], labels: [0, 1], classes: 2, choices: 3 };
    assert.deepStrictEqual([...value(Multiclass.confusion(decided))], [1, 0, 0, 0, 0, 1]);
    fails(Multiclass.confusion({ ...decided, choices: 2 }), "outOfRange", 1);
    fails(Multiclass.confusion({ ...decided, chosen: [0] }), "lengthMismatch");
  });
});
