import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import { figures } from "../../test-fixtures/recommenders.ts";
import { type Entries, factorise, type FactorisationSettings } from "./Factorisation.ts";

const { entries: given } = figures;

const entriesOf = (value: ReadonlyArray<number>): Entries => ({
  users: given.users,
  items: given.items,
  user: Float64Array.from(given.user),
  item: Float64Array.from(given.item),
  value: Float64Array.from(value),
});

const near = (found: Float64Array, expected: ReadonlyArray<number>) => {
  assert.strictEqual(found.length, expected.length);
  for (const [at, value] of expected.entries()) assert.closeTo(found[at]!, value, 1e-9, `at ${at}`);
};

const withBias = (
  { factors, bias }: { readonly factors: Float64Array; readonly bias: Float64Array },
  width: number,
) =>
  Float64Array.from({ length: bias.length * (width + 1) }, (_, at) => {
    const [row, column] = [Math.floor(at / (width + 1)), at % (width + 1)];
    return column === width ? bias[row]! : factors[row * width + column]!;
  });

describe("alternating least squares", () => {
  it.effect("gives the factors of implicit 0.7.3 for implicit feedback", () =>
    Effect.gen(function* () {
      const { alpha, penalty, rounds, start, users, items } = figures.implicit;
      const fit = yield* factorise(entriesOf(given.times), {
        feedback: "implicit",
        factors: given.factors,
        confidence: alpha,
        regularization: penalty,
        iterations: rounds,
        start: Float64Array.from(start),
        threads: 1,
      });
      near(fit.users.factors, users);
      near(fit.items.factors, items);
      assert.isTrue(fit.users.bias.every((one) => one === 0));
    }),
  );

  it.effect("gives what scikit-learn's Ridge solves, alternating, for explicit feedback", () =>
    Effect.gen(function* () {
      const { penalty, rounds, start, users, items, mean } = figures.explicit;
      const fit = yield* factorise(entriesOf(given.rating), {
        feedback: "explicit",
        factors: given.factors,
        regularization: penalty,
        iterations: rounds,
        start: Float64Array.from(start),
        threads: 1,
      });
      assert.closeTo(fit.base, mean, 1e-12);
      near(withBias(fit.users, given.factors), users);
      near(withBias(fit.items, given.factors), items);
    }),
  );

  it.effect("gives the same bits on one thread and on three, and others for another seed", () =>
    Effect.gen(function* () {
      for (const feedback of ["explicit", "implicit"] as const) {
        const big = drawn(700, 300, 9000);
        const settings = { feedback, factors: 5, iterations: 3 };
        const one = yield* factorise(big, { ...settings, threads: 1 });
        const three = yield* factorise(big, { ...settings, threads: 3 });
        assert.deepStrictEqual(three, one);
        const other = yield* factorise(big, { ...settings, threads: 1, seed: 1 });
        assert.notDeepEqual(other.users.factors, one.users.factors);
      }
    }),
  );

  it.live("never raises its objective", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom("explicit" as const, "implicit" as const),
          fc.integer({ min: 2, max: 12 }),
          fc.integer({ min: 2, max: 12 }),
          fc.integer({ min: 0, max: 1000 }),
          async (feedback, users, items, seed) => {
            const { losses } = await Effect.runPromise(
              factorise(drawn(users, items, users * items, seed), {
                feedback,
                factors: 3,
                iterations: 5,
                regularization: 0.5,
                seed,
                threads: 1,
              }),
            );
            for (const [at, loss] of losses.slice(1).entries()) {
              assert.isAtMost(loss, losses[at]! * (1 + 1e-12) + 1e-12);
            }
          },
        ),
        { numRuns: 6 },
      ),
    ),
  );

  const refused = (entries: Entries, settings: Partial<FactorisationSettings> = {}) =>
    Effect.flip(factorise(entries, { feedback: "implicit", threads: 1, ...settings }));

  it.effect("lists everything that is wrong with the options and the entries", () =>
    Effect.gen(function* () {
      const good = entriesOf(given.times);
      const options = yield* refused(good, {
        factors: 0,
        iterations: 1.5,
        regularization: 0,
        confidence: -1,
        seed: 0.5,
      });
      assert.deepStrictEqual(
        options.problems.map(({ what }) => what),
        [
          "factors is 0",
          "iterations is 1.5",
          "regularization is 0",
          "confidence is -1",
          "seed is 0.5",
        ],
      );
      const bad = {
        ...good,
        user: good.user.with(1, 12),
        item: good.item.with(2, -1),
        value: good.value.with(3, NaN),
      };
      const data = yield* refused(bad);
      assert.deepStrictEqual(
        data.problems.map(({ what, where }) => `${where}: ${what}`),
        ["entry 1: user 12 of 12", "entry 2: item -1 of 9", "entry 3: the value NaN"],
      );
      const none = yield* refused({
        ...good,
        user: new Float64Array(),
        item: new Float64Array(),
        value: new Float64Array(),
      });
      assert.match(none.message, /no entries.*Check the split/);
      const negative = yield* refused({ ...good, value: good.value.with(0, -1) });
      assert.match(negative.message, /the value -1/);
      const infinite = yield* refused({ ...good, value: good.value.with(0, Infinity) });
      assert.match(infinite.message, /the value Infinity/);
      const huge = yield* refused({ ...good, value: good.value.fill(1e300) });
      assert.strictEqual(huge.reason, "numeric");
    }),
  );
});

/** Pairs drawn without repetition, each with a value from 1 to 5. */
const drawn = (users: number, items: number, pairs: number, seed = 3): Entries => {
  let state = seed;
  const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const there = new Set<number>();
  for (let at = 0; at < pairs; at++) there.add(Math.floor(random() * users * items));
  const cells = [...there].toSorted((a, b) => a - b);
  return {
    users,
    items,
    user: Float64Array.from(cells, (cell) => Math.floor(cell / items)),
    item: Float64Array.from(cells, (cell) => cell % items),
    value: Float64Array.from(cells, () => 1 + Math.floor(random() * 5)),
  };
};
