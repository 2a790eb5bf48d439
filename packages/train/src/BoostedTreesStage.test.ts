import { assert, describe, it } from "@effect/vitest";
import type { Contract } from "@ml-pipe/core";
import { Estimator, type FeatureSet, Model, Table, Transform } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { Amount, Buys, Kind, partsOf, recorded, services } from "../test-fixtures/visits.ts";
import * as Train from "./Train.ts";

const provided = Effect.provide(services);
const small = { maxTrees: 10, maxLeaves: 6 } as const;

const documentOf = Effect.fnUntraced(function* (model: Model.AnyModel) {
  const { estimator, signature } = yield* Model.load(model);
  if (estimator._tag !== "TreeEnsemble") return yield* Effect.die("no trees");
  return { estimator, signature };
});

/** A table like another, but for some columns. */
const changed = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet.FeatureSet<C, Out>,
  table: Table.Table<Out, "train">,
  columns: string,
) =>
  Effect.flatMap(Table.relation(table), (relation) =>
    Table.write(set.contract, "train", {
      query: `SELECT * REPLACE (${columns}) FROM ${relation}`,
      split: table.split,
    }),
  );

describe("boostedTrees", () => {
  it.effect("tells two classes apart for yes or no", () =>
    Effect.gen(function* () {
      const stage = Train.boostedTrees(Buys, small);
      const { value, exhibits, findings } = yield* recorded(stage.run(yield* partsOf(Buys)));
      const { estimator, signature } = yield* documentOf(value);
      assert.strictEqual(estimator.objective, "logistic");
      assert.deepStrictEqual(signature, { _tag: "probability" });
      assert.deepStrictEqual(findings, []);
      assert.deepStrictEqual(
        exhibits.map(({ title }) => title),
        ["Learning curve"],
      );
    }).pipe(provided),
  );

  it.effect("tells classes apart, in the order of their names", () =>
    Effect.gen(function* () {
      const { train, validation } = yield* partsOf(Kind);
      const fewer = yield* changed(Kind, train, "nullif(label, 'one') AS label");
      const stage = Train.boostedTrees(Kind, small);
      const { value, findings } = yield* recorded(stage.run({ train: fewer, validation }));
      const { estimator, signature } = yield* documentOf(value);
      assert.deepStrictEqual(signature, { _tag: "classes", classes: ["more", "none"] });
      assert.strictEqual(Estimator.width(estimator), 2);
      assert.deepStrictEqual(
        findings.map(({ check }) => check),
        ["train.classes"],
      );
    }).pipe(provided),
  );

  it.effect("predicts a number as is asked for", () =>
    Effect.gen(function* () {
      const parts = yield* partsOf(Amount);
      const objectives = [{}, { objective: "poisson" }, { quantile: 0.9 }] as const;
      const found = yield* Effect.forEach(objectives, (asked) =>
        Effect.flatMap(Train.boostedTrees(Amount, { ...small, ...asked }).run(parts), documentOf),
      );
      assert.deepStrictEqual(
        found.map(({ estimator, signature }) => [estimator.objective, signature._tag]),
        [
          ["squaredError", "value"],
          ["poisson", "value"],
          ["quantile", "value"],
        ],
      );
    }).pipe(provided),
  );

  it.effect("ranks the rows of a query, and says which rows have none", () =>
    Effect.gen(function* () {
      const { train, validation } = yield* partsOf(Amount);
      const some = yield* changed(Amount, train, "nullif(shop, 's2') AS shop");
      const stage = Train.boostedTrees(Amount, { ...small, query: "shop", ndcgDepth: 10 });
      const { value, findings, exhibits } = yield* recorded(stage.run({ train: some, validation }));
      const { estimator, signature } = yield* documentOf(value);
      assert.deepStrictEqual([estimator.objective, signature._tag], ["lambdaRank", "score"]);
      assert.deepStrictEqual(
        findings.map(({ check, column }) => [check, column]),
        [["train.query", "shop"]],
      );
      const [curve] = exhibits;
      assert.isTrue(curve?._tag === "line" && curve.y.label === "1 − NDCG");
    }).pipe(provided),
  );

  it.effect("weighs rows, splits on codes and keeps constraints", () =>
    Effect.gen(function* () {
      const { train, validation } = yield* partsOf(Buys);
      const options = { ...small, weight: "copies", categorical: ["days"] } as const;
      const stage = Train.boostedTrees(Buys, { ...options, monotone: { age: "decreasing" } });
      const { estimator } = yield* documentOf(yield* stage.run({ train, validation }));
      assert.deepStrictEqual(estimator.categories, [null, [1, 2, 5]]);
      const score = Estimator.scoreRow(estimator);
      for (let age = 20; age < 60; age++) assert.isAtLeast(score([age, 3]), score([age + 1, 3]));
      const light = yield* changed(Buys, train, "0 AS copies");
      const error = yield* Effect.flip(stage.run({ train: light, validation }));
      assert.include(error.message, "all weights are 0");
    }).pipe(provided),
  );

  it.effect("names what comes out of a transformation", () =>
    Effect.gen(function* () {
      const prepare = Transform.make(Buys, ($) => ({
        shop: Transform.ordinal($.shop),
        age: $.age,
      }));
      const parts = yield* partsOf(Buys);
      const stage = Train.boostedTrees(Buys, { ...small, prepare, categorical: ["shop"] });
      const { estimator } = yield* documentOf(yield* stage.run(parts));
      assert.deepStrictEqual(estimator.categories, [[0, 1, 2, 3], null]);
      const wrong = Train.boostedTrees(Buys, { ...small, prepare, categorical: ["days"] });
      const error = yield* Effect.flip(wrong.run(parts));
      assert.include(error.message, 'there is no feature "days"');
    }).pipe(provided),
  );

  it.live("keeps the best model when its time is over, and says that it depends on that", () =>
    Effect.gen(function* () {
      const stage = Train.boostedTrees(Buys, {
        maxTrees: 100_000,
        earlyStopping: false,
        timeBudget: "1 millis",
      });
      const { value, findings } = yield* recorded(stage.run(yield* partsOf(Buys)));
      assert.isNotEmpty((yield* documentOf(value)).estimator.trees);
      assert.deepStrictEqual(
        findings.map(({ check }) => check),
        ["train.time"],
      );
    }).pipe(provided),
  );

  it("refuses what does not fit the label", () => {
    // @ts-expect-error the label is yes or no
    assert.throws(() => Train.boostedTrees(Buys, { objective: "poisson" }), /is for numbers/);
    // @ts-expect-error the label is a class
    assert.throws(() => Train.boostedTrees(Kind, { quantile: 0.5 }), /is for numbers/);
    // @ts-expect-error the label is a class
    assert.throws(() => Train.boostedTrees(Kind, { query: "shop" }), /no order/);
    assert.throws(
      () => Train.boostedTrees(Amount, { objective: "poisson", quantile: 0.5 }),
      /objective "poisson" and quantile: choose one/,
    );
  });
});
