/** Groups compared by numbers and classes: the figures of fairlearn, and what is refused. */
import { assert, describe, it } from "@effect/vitest";
import { BusinessCost } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import reference from "../test-fixtures/fairness.json" with { type: "json" };
import * as Fairness from "./Fairness.ts";
import { blocksOf } from "./internal/blocks.ts";

const column = (values: ReadonlyArray<number>) => Float64Array.from(values);
const blocks = blocksOf(column(reference.day));
const groups = [
  {
    column: "group",
    values: ["0", "1", "2"],
    sql: "",
    small: { values: 0, rows: 0 },
    codes: column(reference.group),
  },
];

const errors = Result.getOrThrow(
  BusinessCost.of({ name: "error", unit: "min", error: "absolute" }),
);
const [names, costs] = [["a", "b", "c"], reference.costs];
const choices = Result.getOrThrow(
  BusinessCost.of({
    name: "cost",
    unit: "EUR",
    classCosts: Object.fromEntries(
      names.map((one, at) => [
        one,
        Object.fromEntries(names.map((other, k) => [other, costs[at * 3 + k] ?? NaN])),
      ]),
    ),
  }),
);

const byOf = (result: Fairness.FairnessResult, of: Fairness.ComparedOf) =>
  result.differences.filter((one) => one.of === of).map(({ own }) => own ?? NaN);

const near = (found: ReadonlyArray<number>, expected: ReadonlyArray<number>) => {
  assert.strictEqual(found.length, expected.length);
  for (const [at, value] of expected.entries()) assert.closeTo(found[at] ?? NaN, value, 1e-9);
};

describe("against fairlearn", () => {
  it.effect("costs and biases of predicted numbers", () =>
    Effect.gen(function* () {
      const [done, label] = [column(reference.predicted), column(reference.actual)];
      const cost = yield* errors.of(done, label);
      const asked = Fairness.ofNumbers({
        by: ["group"],
        maxCostDifference: 1,
        maxBiasDifference: 0.5,
      });
      const found = yield* Fairness.measure({ done, label, cost, blocks }, groups, asked, 0.95);
      near(byOf(found, "cost"), reference.absolute);
      near(byOf(found, "bias"), reference.bias);
      const [costGate, biasGate] = Fairness.gates(found, "min per trip").map((gate) => ({
        name: gate.name,
        ...gate.check({}),
      }));
      assert.strictEqual(costGate?.name, "fair: like costs");
      assert.include(costGate?.expected, "within 1 min per trip of all others");
      // Of group 2, 3 too much is predicted, and no more of the others.
      assert.strictEqual(biasGate?.outcome, "failed");
      assert.match(biasGate?.found ?? "", /predicts too much by 2\.\d+ for group 2/);
    }),
  );

  it.effect("costs and rates of choices among classes", () =>
    Effect.gen(function* () {
      const [done, label] = [column(reference.chosen), column(reference.label)];
      const cost = yield* choices.of(done, label);
      const asked = Fairness.ofClasses(
        {
          by: ["group"],
          maxCostDifference: 5,
          favourable: { choices: ["b", "c"], fourFifths: true },
        },
        choices.classes,
      );
      const found = yield* Fairness.measure({ done, label, cost, blocks }, groups, asked, 0.95);
      near(byOf(found, "cost"), reference.choiceCost);
      near(byOf(found, "selection"), reference.selection);
      near(byOf(found, "truePositive"), reference.truePositive);
      near(byOf(found, "falsePositive"), reference.falsePositive);
      const ratios = found.fourFifths.map(({ ratio }) => ratio);
      assert.closeTo(Math.min(...ratios), reference.parityRatio, 1e-12);
      assert.deepStrictEqual(
        Fairness.gates(found, "EUR").map(({ name }) => name),
        ["fair: like rates", "fair: like costs", "fair: four-fifths rule"],
      );
    }),
  );
});

it.effect("proves nothing where nothing varies", () =>
  Effect.gen(function* () {
    const label = column(reference.actual);
    const treated = { done: label, label, cost: yield* errors.of(label, label), blocks };
    const asked = Fairness.ofNumbers({ by: ["group"], maxCostDifference: 1 });
    const found = yield* Fairness.measure(treated, groups, asked, 0.95);
    const [gate] = Fairness.gates(found, "min");
    assert.strictEqual(gate?.check({}).outcome, "inconclusive");
  }),
);

it("refuses what cannot be asked", () => {
  const numbers = (options: object) => () =>
    Fairness.ofNumbers({ by: ["group"], maxCostDifference: 1, ...options });
  assert.throws(numbers({ by: [] }), /by names no column/);
  assert.throws(numbers({ maxCostDifference: NaN }), /maxCostDifference is NaN/);
  assert.throws(numbers({ maxBiasDifference: 0 }), /maxBiasDifference is 0/);
  const classes = (favourable: { readonly choices: ReadonlyArray<string> }) => () =>
    Fairness.ofClasses({ by: ["group"], maxCostDifference: 1, favourable }, choices.classes);
  assert.throws(
    classes({ choices: ["d"] }),
    /"d" cannot be chosen; favourable are some of a, b, c/,
  );
  assert.throws(classes({ choices: [] }), /favourable names no choice/);
});
