import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as fc from "fast-check";
import * as BusinessCost from "./BusinessCost.ts";

const about = { name: "cost", unit: "EUR per row" };
const value = <A, E>(result: Result.Result<A, E>) => Result.getOrThrow(result);
const column = (...values: ReadonlyArray<number>) => Float64Array.from(values);

const decisions = value(
  BusinessCost.of({
    ...about,
    costs: { truePositive: 15, falsePositive: 15, falseNegative: 60, trueNegative: 0 },
  }),
);
const numbers = value(BusinessCost.of({ ...about, error: { over: 1, under: 3 } }));
const classCosts = {
  bike: { bike: 0, van: 2, person: 1 },
  van: { bike: 5, van: 0, person: 1 },
};
const choices = value(BusinessCost.of({ ...about, classCosts }));

const yesNo = { signature: { _tag: "probability" }, rows: 4 } as const;
const classes = { signature: { _tag: "classes", classes: ["van", "bike"] } } as const;

describe("what is done, and what it costs", () => {
  it.effect("decisions: acts from the threshold that follows from the costs", () =>
    Effect.gen(function* () {
      assert.strictEqual(decisions.threshold, 0.25);
      const done = yield* decisions.done({ ...yesNo, scores: column(0.3, 0.25, 0.2, 0) });
      assert.deepStrictEqual(done, column(1, 1, 0, 0));
      const label = column(1, 0, 1, 0);
      assert.deepStrictEqual(yield* decisions.of(done, label), column(15, 15, 60, 0));
      assert.deepStrictEqual(yield* decisions.withForesight(label), column(15, 0, 15, 0));
      assert.deepStrictEqual(decisions.savings, [-45, -15, 0, 15, 45]);
    }),
  );

  it.effect("numbers: the number, and what its error costs", () =>
    Effect.gen(function* () {
      const scores = column(11, 8);
      const done = yield* numbers.done({ signature: { _tag: "value" }, rows: 2, scores });
      assert.deepStrictEqual(yield* numbers.of(done, column(10, 10)), column(1, 6));
      assert.deepStrictEqual(yield* numbers.withForesight(column(10, 10)), column(0, 0));
      assert.strictEqual(numbers.savings, undefined);
    }),
  );

  it.effect("classes: the cheapest choice, in whatever order the model knows them", () =>
    Effect.gen(function* () {
      // Sure of a van; sure of a bike; and not sure, where a person costs 1 and either way more.
      const scores = column(1, 0, 0, 1, 0.4, 0.6);
      const done = yield* choices.done({ ...classes, rows: 3, scores });
      assert.deepStrictEqual(done, column(1, 0, 2));
      assert.deepStrictEqual(yield* choices.of(done, column(0, 0, 1)), column(2, 0, 1));
      assert.deepStrictEqual(yield* choices.withForesight(column(0, 1)), column(0, 0));
    }),
  );

  it.effect("nothing of no rows; a score that is no number is an error", () =>
    Effect.gen(function* () {
      for (const cost of [decisions, numbers, choices]) {
        assert.deepStrictEqual(yield* cost.of(column(), column()), column());
      }
      const scores = column(0.3, NaN, 0, 0);
      const error = yield* Effect.flip(decisions.done({ ...yesNo, scores }));
      assert.match(error.message, /scores\[1\] is NaN/);
    }),
  );
});

it("nothing is cheaper than foresight, and what is saved is among the savings", () => {
  const rows = fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.nat(1)), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(rows, (all) => {
      const outcome = Float64Array.from(all, ([, , one]) => one);
      const charged = (k: 0 | 1) =>
        Effect.runSync(
          choices.of(
            Float64Array.from(all, (row) => row[k]),
            outcome,
          ),
        );
      const best = Effect.runSync(choices.withForesight(outcome));
      const other = charged(1);
      for (const [row, cost] of charged(0).entries()) {
        assert.isAtLeast(cost, best[row] ?? NaN);
        assert.include([...(choices.savings ?? [])], cost - (other[row] ?? NaN));
      }
    }),
  );
});

it.effect("a release goes by its own policy, and is charged by the charter's", () =>
  Effect.gen(function* () {
    const strict = value(BusinessCost.asReleased(decisions, { threshold: 0.9 }));
    const scores = column(0.3, 0.95, 0.2, 0);
    assert.deepStrictEqual(yield* strict.done({ ...yesNo, scores }), column(0, 1, 0, 0));
    // Made when a person was free, and the choices were written in another order.
    const free = {
      van: { person: 0.1, van: 0, bike: 5 },
      bike: { person: 0.1, van: 2, bike: 0 },
    };
    const released = value(BusinessCost.asReleased(choices, { classCosts: free }));
    const done = yield* released.done({ ...classes, rows: 1, scores: column(0.9, 0.1) });
    assert.deepStrictEqual(done, column(2));
    assert.strictEqual(value(BusinessCost.asReleased(numbers, {})), numbers);
    const boat = { bike: { bike: 0, van: 2, boat: 1 }, van: { bike: 5, van: 0, boat: 1 } };
    const other = yield* Effect.flip(
      Effect.fromResult(BusinessCost.asReleased(choices, { classCosts: boat })),
    );
    assert.match(other.message, /the release can choose "boat", for which there are no costs/);
  }),
);

it("refuses costs that need no model", () => {
  const always = { a: { a: 0, b: 0 }, b: { a: 0, b: 0 } };
  assert.isTrue(Result.isFailure(BusinessCost.of({ ...about, classCosts: always })));
});
