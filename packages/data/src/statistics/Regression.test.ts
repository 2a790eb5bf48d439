import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import reference from "../../test-fixtures/predictions.json" with { type: "json" };
import { close, fails, value } from "../../test-fixtures/statistics.ts";
import * as Regression from "./Regression.ts";

const mean = (values: Float64Array): number =>
  values.reduce((sum, one) => sum + one, 0) / values.length;

describe("against scikit-learn", () => {
  for (const [index, known] of reference.numbers.entries()) {
    it(`numbers ${index + 1}`, () => {
      const { predicted, actual } = known;
      const found = value(Regression.errors(predicted, actual));
      for (const name of [
        "meanAbsolute",
        "medianAbsolute",
        "largest",
        "meanSquared",
        "rootMeanSquared",
        "r2",
        "meanAbsolutePercentage",
      ] as const) {
        close(found[name] ?? NaN, known[name], 1e-12, name);
      }
      for (const [quantile, loss] of Object.entries(known.pinball)) {
        const error = { quantile: Number(quantile) };
        close(mean(value(Regression.rowErrors(predicted, actual, error))), loss);
      }
      close(mean(value(Regression.rowErrors(predicted, actual, "absolute"))), known.meanAbsolute);
      close(mean(value(Regression.rowErrors(predicted, actual, "squared"))), known.meanSquared);
      if (known.poissonDeviance === undefined) return;
      close(value(Regression.poissonDeviance(predicted, actual)), known.poissonDeviance);
      const positive = actual.map((one) => one + 0.5);
      close(value(Regression.gammaDeviance(predicted, positive)), known.gammaDeviance);
    });
  }

  it("the examples of its documentation", () => {
    close(value(Regression.errors([2.5, 0, 2, 8], [3, -0.5, 2, 7])).meanAbsolute, 0.5);
    close(value(Regression.poissonDeviance([0.5, 0.5, 2, 2], [1, 0, 1, 2])), 0.5);
    const costs = value(Regression.rowErrors([10, 10], [8, 12], { over: 1, under: 3 }));
    assert.deepStrictEqual([...costs], [2, 6]);
  });
});

const rows = fc.array(
  fc.tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: -99, max: 99 })),
  { minLength: 1, maxLength: 40 },
);

describe("errors", () => {
  it("are not divided by zero: such rows are counted", () => {
    const found = value(Regression.errors([1, 2, 0], [0, 1, 0]));
    assert.deepStrictEqual([found.meanAbsolutePercentage, found.zeros], [1, 2]);
    // M4: 2, 2/3 and 0 where both are 0.
    close(found.symmetricPercentage, (2 + 2 / 3) / 3);
    const nothing = value(Regression.errors([1, 2], [0, 0]));
    assert.isNull(nothing.meanAbsolutePercentage);
    assert.isNull(nothing.r2);
  });

  it("do not depend on the order of rows, nor on where numbers begin; they scale with the unit", () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: -9, max: 9 }), (pairs, shift) => {
        const of = (change: (one: number) => number, order = pairs) =>
          value(
            Regression.errors(
              order.map(([p]) => change(p)),
              order.map(([, y]) => change(y)),
            ),
          );
        const found = of((one) => one);
        close(of((one) => one, pairs.toReversed()).meanSquared, found.meanSquared);
        close(of((one) => one + shift).meanAbsolute, found.meanAbsolute);
        close(of((one) => one * 8).rootMeanSquared, 8 * found.rootMeanSquared);
        if (found.r2 !== null) close(of((one) => one * 8).r2 ?? NaN, found.r2, 1e-9);
        assert.isTrue(found.symmetricPercentage >= 0 && found.symmetricPercentage <= 2);
        assert.isAtMost(found.meanAbsolute, found.rootMeanSquared + 1e-9);
      }),
    );
  });

  it("of a row are half the absolute error at the median, whatever is above or below", () => {
    fc.assert(
      fc.property(rows, (pairs) => {
        const [predicted, actual] = [pairs.map(([p]) => p), pairs.map(([, y]) => y)];
        const pinball = value(Regression.rowErrors(predicted, actual, { quantile: 0.5 }));
        const absolute = value(Regression.rowErrors(predicted, actual, "absolute"));
        assert.deepStrictEqual(
          pinball.map((one) => 2 * one),
          absolute,
        );
        const same = value(Regression.rowErrors(predicted, actual, { over: 1, under: 1 }));
        assert.deepStrictEqual(same, absolute);
      }),
    );
  });

  it("say what is wrong with their input", () => {
    fails(Regression.errors([], []), "empty");
    fails(Regression.errors([1], [1, 2]), "lengthMismatch");
    fails(Regression.errors([1, NaN], [1, 2]), "notFinite", 1);
    fails(Regression.errors([1, 2], [Infinity, 2]), "notFinite", 0);
    fails(Regression.rowErrors([1], [1], { quantile: 1 }), "outOfRange");
    fails(Regression.poissonDeviance([0, 1], [1, 1]), "outOfRange", 0);
    fails(Regression.poissonDeviance([1, 1], [1, -1]), "outOfRange", 1);
    fails(Regression.gammaDeviance([1, 1], [1, 0]), "outOfRange", 1);
  });
});
