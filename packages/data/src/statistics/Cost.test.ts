import { assert, describe, it } from "@effect/vitest";
import { Metric } from "@ml-pipe/core";
import * as fc from "fast-check";
import { close, fails, value } from "../../test-fixtures/statistics.ts";
import * as Classification from "./Classification.ts";
import * as Cost from "./Cost.ts";

const matrix = {
  truePositive: 1,
  falsePositive: 2,
  falseNegative: 5,
  trueNegative: 0,
  unit: "EUR",
};
const amount = fc.integer({ min: -50, max: 50 });
const reasonable = fc
  .record({
    truePositive: amount,
    falsePositive: amount,
    falseNegative: amount,
    trueNegative: amount,
    unit: fc.constant("EUR"),
  })
  .filter((m) => m.falsePositive > m.trueNegative && m.falseNegative > m.truePositive);

describe("optimalThreshold", () => {
  // Discussed by Elkan 2001: the German credit data of Statlog cost 1 for a good customer refused and 5 for a bad one
  // accepted. With "bad" as the positive class p* = 1 / (1 + 5).
  it("is 1/6 for the published German credit costs", () => {
    close(
      value(
        Cost.optimalThreshold({
          truePositive: 0,
          falsePositive: 1,
          falseNegative: 5,
          trueNegative: 0,
          unit: "",
        }),
      ),
      1 / 6,
    );
  });

  it("is where both decisions cost the same", () => {
    fc.assert(
      fc.property(reasonable, (m) => {
        const p = value(Cost.optimalThreshold(m));
        assert.isTrue(p > 0 && p < 1);
        close(
          p * m.truePositive + (1 - p) * m.falsePositive,
          p * m.falseNegative + (1 - p) * m.trueNegative,
          1e-10,
        );
      }),
    );
  });

  it("does not change when costs are scaled, or a class's costs shifted alike", () => {
    fc.assert(
      fc.property(reasonable, amount, (m, shift) => {
        const moved = {
          ...m,
          truePositive: m.truePositive + shift,
          falseNegative: m.falseNegative + shift,
        };
        const scaled = {
          ...m,
          truePositive: 3 * m.truePositive,
          falsePositive: 3 * m.falsePositive,
          falseNegative: 3 * m.falseNegative,
          trueNegative: 3 * m.trueNegative,
        };
        close(value(Cost.optimalThreshold(moved)), value(Cost.optimalThreshold(m)));
        close(value(Cost.optimalThreshold(scaled)), value(Cost.optimalThreshold(m)));
      }),
    );
  });

  it("costs the least of all thresholds on calibrated rows", () => {
    // 100 rows at each probability k / 20, of which exactly 5 k are positive.
    const scores: Array<number> = [];
    const labels: Array<number> = [];
    for (let k = 0; k <= 20; k++) {
      for (let row = 0; row < 100; row++) {
        scores.push(k / 20);
        labels.push(row < 5 * k ? 1 : 0);
      }
    }
    const at = (threshold: number) =>
      value(Cost.expectedCost(value(Classification.confusion(scores, labels, threshold)), matrix))
        .total;
    const best = at(value(Cost.optimalThreshold(matrix)));
    for (let k = 0; k <= 21; k++) assert.isAtLeast(at(k / 20), best);
  });

  it("rejects costs that never favour one decision", () => {
    fails(Cost.optimalThreshold({ ...matrix, falsePositive: 0 }), "degenerate");
    fails(Cost.optimalThreshold({ ...matrix, falseNegative: 0.5 }), "degenerate");
    fails(Cost.optimalThreshold({ ...matrix, trueNegative: NaN }), "notFinite", 3);
  });
});

describe("expectedCost", () => {
  it("weighs counts with costs", () => {
    const cost = value(
      Cost.expectedCost(
        { truePositive: 30, falsePositive: 10, falseNegative: 20, trueNegative: 40 },
        matrix,
      ),
    );
    assert.deepStrictEqual(cost, { perDecision: 1.5, total: 150, decisions: 100, unit: "EUR" });
  });

  it("rejects bad counts and costs", () => {
    const none = { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 };
    fails(Cost.expectedCost(none, matrix), "allZero");
    fails(Cost.expectedCost({ ...none, trueNegative: -2 }, matrix), "negative", 3);
    fails(
      Cost.expectedCost({ ...none, trueNegative: 2 }, { ...matrix, truePositive: Infinity }),
      "notFinite",
      0,
    );
  });
});

describe("rowCosts", () => {
  it("sum to the expected cost of the confusion table", () => {
    const rows = fc.array(fc.tuple(fc.double({ noNaN: true }), fc.constantFrom(0, 1)), {
      minLength: 1,
    });
    fc.assert(
      fc.property(rows, reasonable, fc.double({ noNaN: true }), (pairs, m, threshold) => {
        const scores = pairs.map((pair) => pair[0]);
        const labels = pairs.map((pair) => pair[1]);
        const costs = value(Cost.rowCosts(scores, labels, threshold, m));
        const expected = value(
          Cost.expectedCost(value(Classification.confusion(scores, labels, threshold)), m),
        );
        close(
          costs.reduce((sum, cost) => sum + cost, 0),
          expected.total,
        );
      }),
    );
  });

  it("writes into the array given", () => {
    const into = new Float64Array(4);
    assert.strictEqual(
      value(Cost.rowCosts([0.9, 0.9, 0.1, 0.1], [1, 0, 1, 0], 0.5, matrix, into)),
      into,
    );
    assert.deepStrictEqual(Array.from(into), [1, 2, 5, 0]);
  });

  it("rejects bad rows", () => {
    fails(Cost.rowCosts([1], [1, 0], 0, matrix), "lengthMismatch");
    fails(Cost.rowCosts([1], [1], 0, matrix, new Float64Array(2)), "lengthMismatch");
    fails(Cost.rowCosts([NaN], [1], 0, matrix), "notFinite", 0);
    fails(Cost.rowCosts([1], [2], 0, matrix), "notBinary", 0);
    fails(Cost.rowCosts([1], [1], NaN, matrix), "notFinite");
    fails(Cost.rowCosts([], [], 0, matrix), "empty");
  });
});

describe("choosing among classes", () => {
  const about = { name: "cost", unit: "EUR" };
  const classCosts = {
    spam: { spam: 0, ham: 1, ask: 0.4 },
    ham: { spam: 20, ham: 0, ask: 0.4 },
  };
  const matrix = value(Cost.choiceMatrix({ ...about, classCosts }));

  it("takes the way out where nothing is certain", () => {
    assert.deepStrictEqual(matrix.choices, ["spam", "ham", "ask"]);
    // Spam costs 20 (1 − p), ham p, asking 0.4: ask from p = 0.4 to 0.98.
    const chosen = value(Cost.cheapest([0.99, 0.01, 0.97, 0.03, 0.5, 0.5, 0.39, 0.61], matrix));
    assert.deepStrictEqual([...chosen], [0, 2, 2, 1]);
    assert.deepStrictEqual(
      [...value(Cost.choiceCosts(chosen, [0, 1, 0, 0], matrix))],
      [0, 0.4, 0.4, 1],
    );
  });

  it("is the threshold of two classes, and the most probable class where all mistakes are alike", () => {
    fc.assert(
      fc.property(reasonable, fc.integer({ min: 0, max: 100 }), (m, percent) => {
        const p = percent / 100;
        const two = value(
          Cost.choiceMatrix({
            ...about,
            classCosts: {
              yes: { yes: m.truePositive, no: m.falseNegative },
              no: { yes: m.falsePositive, no: m.trueNegative },
            },
          }),
        );
        const threshold = value(Cost.optimalThreshold(m));
        if (Math.abs(p - threshold) < 1e-9) return;
        const [chosen] = value(Cost.cheapest([p, 1 - p], two));
        assert.strictEqual(chosen, p > threshold ? 0 : 1);
      }),
    );
    const alike = value(Cost.choiceMatrix(Metric.misclassification(["a", "b", "c"])));
    const chosen = value(Cost.cheapest([0.2, 0.5, 0.3, 0.4, 0.4, 0.2], alike));
    assert.deepStrictEqual([...chosen], [1, 0]);
  });

  it("needs a model, probabilities for each class, and choices that are some", () => {
    const free = { spam: { spam: 1, ham: 0 }, ham: { spam: 5, ham: 0 } };
    fails(Cost.choiceMatrix({ ...about, classCosts: free }), "degenerate");
    fails(
      Cost.choiceMatrix({ ...about, classCosts: { a: { a: 0 }, b: { a: 1, b: 0 } } }),
      "notFinite",
      1,
    );
    fails(Cost.cheapest([0.5, 0.5, 1], matrix), "lengthMismatch");
    fails(Cost.cheapest([0.5, NaN], matrix), "notFinite", 1);
    fails(Cost.choiceCosts([3], [0], matrix), "outOfRange", 0);
    fails(Cost.choiceCosts([0], [2], matrix), "outOfRange", 0);
    fails(Cost.choiceCosts([], [], matrix), "empty");
  });
});
