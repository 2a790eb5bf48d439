import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import * as Metric from "./Metric.ts";

const about = { name: "cost", unit: "USD per mail" };
const costs = { truePositive: 1, falsePositive: 2, falseNegative: 3, trueNegative: 0 };

describe("Metric", () => {
  it("is told by its key", () => {
    const decode = Schema.decodeUnknownResult(Metric.Metric);
    const metrics: ReadonlyArray<Metric.Metric> = [
      { ...about, costs },
      { ...about, error: "absolute" },
      { ...about, error: { quantile: 0.9 } },
      { ...about, error: { over: 1, under: 3 } },
      Metric.misclassification(["a", "b"], about),
      { ...about, list: { quality: "ndcg", at: 10 } },
    ];
    for (const metric of metrics) {
      const decoded = decode(metric);
      assert.isTrue(decoded._tag === "Success");
      if (decoded._tag === "Success") assert.deepStrictEqual(decoded.success, metric);
      assert.deepStrictEqual(Metric.problems(metric), []);
    }
    for (const wrong of [
      about,
      { ...about, error: "median" },
      { ...about, error: { quantile: 1 } },
      { ...about, error: { over: 0, under: 1 } },
      { ...about, list: { quality: "ndcg", at: 0 } },
    ]) {
      assert.strictEqual(decode(wrong)._tag, "Failure", JSON.stringify(wrong));
    }
  });

  it("is one metric, not two", () => {
    const both = { ...about, costs, error: "absolute" } as const;
    assert.deepStrictEqual(Metric.problems(both), [
      "metric: costs and error are given; give one of them",
    ]);
  });

  it("says what each choice costs for each class", () => {
    const problems = (classCosts: Metric.ClassCosts) =>
      Metric.problems({ ...about, classCosts }).join("\n");
    assert.strictEqual(problems({ a: { a: 0, b: 1, ask: 2 }, b: { a: 3, b: 0, ask: 2 } }), "");
    assert.match(problems({ a: { a: 0 } }), /1 classes; give two or more/);
    assert.match(problems({ a: { a: 0, b: 1 }, b: { b: 0 } }), /choosing "a" cost for "b"\?/);
    assert.match(problems({ a: { a: 0 }, b: { a: 1 } }), /the class "b" can never be chosen/);
  });

  it("can be read by a person", () => {
    assert.deepStrictEqual(
      (
        [
          { ...about, costs },
          { ...about, error: "squared" },
          { ...about, error: { quantile: 0.9 } },
          { ...about, error: { over: 1, under: 3 } },
          Metric.misclassification(["a", "b"]),
          { ...about, list: { quality: "map", at: 5 } },
        ] satisfies ReadonlyArray<Metric.Metric>
      ).map(Metric.describe),
      [
        "what each outcome costs: true positive 1, false positive 2, false negative 3, true negative 0",
        "the square of how far the number is off",
        "how far the number is off, 0.9 times where it is too low and 0.1 times where it is too high",
        "each unit too much costs 1, each unit too little 3",
        "what each choice costs: a (a 0, b 1); b (a 1, b 0)",
        "mean average precision of the first 5",
      ],
    );
    assert.isTrue(Metric.higherIsBetter({ ...about, list: { quality: "map", at: 5 } }));
    assert.isFalse(Metric.higherIsBetter({ ...about, costs }));
  });
});
