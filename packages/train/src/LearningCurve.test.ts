/** Whether more rows would help: of a model that learns slowly, and of one that has nothing to learn. */
import { assert, describe, it } from "@effect/vitest";
import type { Artifact } from "@ml-pipe/core";
import { Model, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { Buys, partsOf, recorded, services } from "../test-fixtures/visits.ts";
import * as Train from "./Train.ts";

const shares = [0.1, 0.2, 0.35, 0.5, 0.7, 1];

describe("a learning curve", () => {
  it.effect("trains on growing parts, and says the same again", () =>
    Effect.gen(function* () {
      const { value, findings, exhibits } = yield* recorded(
        Effect.gen(function* () {
          const { train, validation } = yield* partsOf(Buys, 4000);
          const stage = Train.learningCurve(Buys, {
            train: Train.linear(Buys),
            shares,
            worth: 0.1,
          });
          const curve = yield* stage.run({ train, validation });
          assert.deepStrictEqual(yield* stage.run({ train, validation }), curve);
          return { curve, rows: train.rows };
        }),
      );
      const { curve, rows } = value;
      assert.strictEqual(curve.loss, "logLoss");
      assert.deepStrictEqual(
        curve.points.map(({ share }) => share),
        shares,
      );
      assert.strictEqual(curve.points.at(-1)?.rows, rows);
      for (const { share, rows: some } of curve.points) {
        assert.closeTo(some / rows, share, 0.05);
      }
      // Two coefficients are learned from a few hundred rows: twice as many are not worth a tenth of the loss.
      assert.strictEqual(curve.moreHelps, "no");
      assert.strictEqual(exhibits.at(-1)?.title, "Would more data help?");
      assert.strictEqual(
        findings.find(({ check }) => check === "train.more-data")?.severity,
        "info",
      );
    }).pipe(Effect.provide(services)),
  );

  it.effect("falls as its model nears the right answer, and is flat where it learns nothing", () =>
    Effect.gen(function* () {
      const { value } = yield* recorded(
        Effect.gen(function* () {
          const { train, validation } = yield* partsOf(Buys, 1000);
          /** A constant for each number of rows. */
          const curveOf = (constant: (rows: number) => number) => {
            const trainer: Train.Trainer<typeof Buys.contract, never, Artifact.ArtifactStore> = {
              info: Train.constant(Buys).info,
              run: ({ train: { rows, data } }) =>
                Effect.orDie(
                  Model.store(Buys, {
                    estimator: {
                      _tag: "ConstantModel",
                      version: 1,
                      features: [],
                      values: [constant(rows)],
                    },
                    kind: "constant",
                    trainedOn: { split: "split-one", table: Table.digestOf({ data }), rows },
                  }),
                ),
            };
            const stage = Train.learningCurve(Buys, { train: trainer, loss: "brier" });
            return stage.run({ train, validation });
          };
          return {
            learns: yield* curveOf((rows) => 0.4 + 3 * rows ** -0.5),
            flat: yield* curveOf(() => 0.3),
          };
        }),
      );
      const { learns, flat } = value;
      assert.strictEqual(learns.moreHelps, "yes");
      // Between the square root and the number itself, which the square of the error falls by.
      assert.isAbove(learns.curve.exponent, 0.4);
      assert.isBelow(learns.curve.exponent, 1.3);
      assert.strictEqual(flat.saving, null);
      assert.strictEqual(flat.moreHelps, "no");
    }).pipe(Effect.provide(services)),
  );

  it("refuses options that say nothing", () => {
    const make = (options: object) => () =>
      Train.learningCurve(Buys, { train: Train.linear(Buys), ...options });
    assert.throws(make({ shares: [0.5, 1] }), /give at least four, ascending/);
    assert.throws(make({ shares: [0.2, 0.4, 0.3, 1] }), /give at least four, ascending/);
    assert.throws(make({ worth: 1, level: 0 }), /worth is 1.*level is 0/);
  });
});
