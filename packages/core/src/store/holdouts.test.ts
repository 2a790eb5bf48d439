import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Digest from "../Digest.ts";
import * as Holdout from "../Holdout.ts";
import { Store } from "../Store.ts";
import type { LookRequest } from "./holdouts.ts";

const memory = Effect.provide(Store.layerMemory);
const ledger = Effect.map(Store, ({ holdouts }) => holdouts);

const hash = (n: number): string => n.toString(16).padStart(16, "0");

/** The rows numbered from `from` to `to`, as rows of a table would be sampled. */
const rows = (from: number, to: number, contract = "trip"): Holdout.TestSet => {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  return {
    digest: Digest.ofJson([contract, from, to]),
    contract,
    identity: "at",
    rows: to - from,
    // Multiplication by an odd number permutes the numbers below 2^20.
    sample: numbers
      .map((n) => hash((n * 386_093) % 2 ** 20))
      .toSorted()
      .slice(0, Holdout.sampleSize),
  };
};

const look = (model: string, request: Partial<LookRequest> = {}): LookRequest => ({
  testSet: rows(0, 100),
  table: Digest.ofBytes("table"),
  split: "split",
  featureSet: "features",
  model: Digest.ofBytes(model),
  purpose: "cost",
  at: new Date(0),
  nominalLevel: 0.95,
  looks: 1,
  ...request,
});

describe("sharedRows", () => {
  it("is exact for few rows", () => {
    const share = Holdout.sharedRows({ of: rows(0, 100), other: rows(60, 200) });
    assert.strictEqual(share, 0.4);
    assert.strictEqual(Holdout.sharedRows({ of: rows(0, 100), other: rows(100, 200) }), 0);
    assert.strictEqual(Holdout.sharedRows({ of: rows(0, 100), other: rows(0, 100) }), 1);
  });

  it("is estimated for many, also where one set is much larger", () => {
    const of = rows(0, 100_000);
    assert.closeTo(Holdout.sharedRows({ of, other: rows(30_000, 200_000) }), 0.7, 0.05);
    assert.closeTo(Holdout.sharedRows({ of, other: rows(90_000, 900_000) }), 0.1, 0.06);
    assert.closeTo(Holdout.sharedRows({ of: rows(0, 500), other: of }), 1, 1e-9);
  });
});

describe("correctedLevel", () => {
  it("is Bonferroni's", () => {
    // R: 1 - p.adjust.inverse is alpha / n: 0.05 / 2 and 0.05 / 5.
    assert.closeTo(Holdout.correctedLevel(0.95, 2), 0.975, 1e-12);
    assert.closeTo(Holdout.correctedLevel(0.95, 5), 0.99, 1e-12);
    assert.closeTo(Holdout.correctedLevel(0.95, 1), 0.95, 1e-12);
  });
});

describe("the holdout ledger", () => {
  it.effect("gives the first model a look, again and again", () =>
    Effect.gen(function* () {
      const { begin, end, all } = yield* ledger;
      const first = yield* begin(look("a"));
      assert.deepInclude(first, { number: 1, correctedFor: 1, level: 0.95, outcome: "open" });
      yield* end(first.id, "rejected");
      const again = yield* begin(look("a"));
      assert.deepInclude(again, { number: 1, correctedFor: 1 });
      assert.deepStrictEqual(
        (yield* all).map(({ outcome }) => outcome),
        ["rejected", "open"],
      );
    }).pipe(memory),
  );

  it.effect("refuses a second model that nobody announced, and says by whom the first was", () =>
    Effect.gen(function* () {
      const { begin, end, all } = yield* ledger;
      const first = yield* begin(look("a", { pipeline: "p", run: "run-1", by: "ada" }));
      yield* end(first.id, "rejected");
      const error = yield* Effect.flip(begin(look("b")));
      assert.strictEqual(error._tag, "HoldoutSpent");
      assert.include(error.message, "were already used to judge one other model");
      assert.include(error.message, "rejected (p, run run-1, ada)");
      assert.include(error.message, 'holdout: { looks: 2, justification: "…" }');
      assert.strictEqual((yield* all).length, 1);
    }).pipe(memory),
  );

  it.effect("corrects for all that were announced, and for all that there were", () =>
    Effect.gen(function* () {
      const { begin } = yield* ledger;
      const announced = { looks: 3, justification: "three candidates, chosen before" };
      const levels: Array<readonly [number, number]> = [];
      for (const model of ["a", "b", "c", "a"]) {
        const { number, level } = yield* begin(look(model, announced));
        levels.push([number, level]);
      }
      const third = Holdout.correctedLevel(0.95, 3);
      assert.deepStrictEqual(levels, [
        [1, third],
        [2, third],
        [3, third],
        [1, third],
      ]);
      assert.include(
        (yield* Effect.flip(begin(look("d", announced)))).message,
        "only 3 looks were",
      );
      // A model that has looked may be judged again, at what the rows have been through since.
      assert.strictEqual((yield* begin(look("b"))).correctedFor, 3);
    }).pipe(memory),
  );

  it.effect("knows rows again under another split, and half of them in another test set", () =>
    Effect.gen(function* () {
      const { begin, looksAt, testSetOf } = yield* ledger;
      yield* begin(look("a"));
      const elsewhere = { split: "other", table: Digest.ofBytes("other table") };
      yield* Effect.flip(begin(look("b", elsewhere)));
      const moved = rows(40, 140);
      assert.strictEqual(Holdout.sharedRows({ of: moved, other: rows(0, 100) }), 0.6);
      const error = yield* Effect.flip(begin(look("b", { ...elsewhere, testSet: moved })));
      assert.include(error.message, "(60 % of them)");
      assert.strictEqual((yield* looksAt(moved)).length, 1);
      const later = yield* begin(look("b", { ...elsewhere, testSet: rows(60, 160) }));
      assert.strictEqual(later.number, 1);
      assert.deepStrictEqual(
        yield* testSetOf(Digest.ofBytes("other table"), "at"),
        Option.some(rows(60, 160)),
      );
      // Recognised by another column, its rows are to be read again.
      assert.isTrue(Option.isNone(yield* testSetOf(Digest.ofBytes("other table"), "at, line")));
      // Rows of another contract are others.
      assert.strictEqual((yield* begin(look("c", { testSet: rows(0, 100, "hotel") }))).number, 1);
    }).pipe(memory),
  );

  it.effect("keeps its looks when runs go, and holds on to no artifact", () =>
    Effect.gen(function* () {
      const { holdouts, retention } = yield* Store;
      yield* holdouts.begin(look("a", { run: "run-1" }));
      assert.deepStrictEqual([...(yield* retention.mentioned(new Set()))], []);
      yield* retention.remove(new Set(["run-1"]));
      assert.strictEqual((yield* holdouts.all).length, 1);
    }).pipe(memory),
  );

  it.effect(
    "does not count a look at which nothing was seen, and counts one that never ended",
    () =>
      Effect.gen(function* () {
        const { begin, end } = yield* ledger;
        const failed = yield* begin(look("a"));
        yield* end(failed.id, "nothing-seen");
        const died = yield* begin(look("b"));
        assert.strictEqual(died.number, 1);
        assert.strictEqual((yield* Effect.flip(begin(look("c"))))._tag, "HoldoutSpent");
      }).pipe(memory),
  );
});
