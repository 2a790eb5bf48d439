/** Whether more rows would help: of a model that learns slowly, and of one that has nothing to learn. */
import { assert, describe, it } from "@effect/vitest";
import { type Artifact, Charter, Metric } from "@ml-pipe/core";
import { Model, Rule, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { Amount, Buys, Kind, partsOf, recorded, services } from "../test-fixtures/visits.ts";
import * as Train from "./Train.ts";

const today = { name: "today", description: "what is done today" };

const charterOf = <M extends Metric.Metric>(
  metric: M,
  baseline: Charter.Baseline,
  smallestGain: number,
) =>
  Charter.make({
    title: "Stock what is bought",
    decision: {
      question: "how many?",
      madeAt: "the evening before",
      actor: "shop",
      outcomeKnownAfter: "1 day",
    },
    metric,
    baseline,
    smallestGain,
    surface: "shelf",
    kill: { on: "2999-01-01", criterion: "no gain" },
    owner: "shop",
  });

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

  it.effect("says what more rows are worth by the charter, of numbers and of classes", () =>
    Effect.gen(function* () {
      const { value, findings, exhibits } = yield* recorded(
        Effect.gen(function* () {
          const { train, validation } = yield* partsOf(Amount, 1000);
          const curveOf = (smallestGain: number) => {
            /** Says less too much, the more rows there are. */
            const trainer: Train.Trainer<typeof Amount.contract, never, Artifact.ArtifactStore> = {
              info: Train.constant(Amount).info,
              run: ({ train: { rows, data } }) =>
                Effect.orDie(
                  Model.store(Amount, {
                    estimator: {
                      _tag: "ConstantModel",
                      version: 1,
                      features: [],
                      values: [20 + 100 * rows ** -0.5],
                    },
                    kind: "constant",
                    trainedOn: { split: "split-one", table: Table.digestOf({ data }), rows },
                  }),
                ),
            };
            const charter = charterOf(
              { name: "left over", unit: "things per visit", error: { over: 1, under: 3 } },
              Rule.numberBaseline(Amount.contract, { ...today, value: () => 40 }),
              smallestGain,
            );
            return Train.learningCurve(Amount, { train: trainer, charter }).run({
              train,
              validation,
            });
          };
          const classes = yield* partsOf(Kind, 600);
          const kinds = Train.learningCurve(Kind, {
            train: Train.linear(Kind),
            charter: charterOf(
              Metric.misclassification(["none", "one", "more"]),
              Rule.classBaseline(Kind.contract, { ...today, class: () => "none" }),
              0.1,
            ),
          });
          return {
            yes: yield* curveOf(0.5),
            no: yield* curveOf(5),
            kinds: yield* kinds.run(classes),
          };
        }),
      );
      const { yes, no, kinds } = value;
      const { rows, cost } = yes.points.at(-1) ?? assert.fail("no point");
      const { business } = yes;
      // Each thing too much costs 1, and nothing is short: twice the rows save 100 (n^-½ − (2n)^-½).
      const saved = 100 * (rows ** -0.5 - (2 * rows) ** -0.5);
      assert.closeTo(business?.saving?.estimate ?? NaN, saved, 1e-3);
      assert.closeTo(
        (business?.baselineCost ?? NaN) - (cost ?? NaN),
        20 - 100 * rows ** -0.5,
        1e-9,
      );
      assert.deepStrictEqual([business?.moreHelps, no.business?.moreHelps], ["yes", "no"]);
      const found = findings.find(({ check }) => check === "train.more-data-worth");
      assert.match(found?.found ?? "", /^yes: twice as many as \d+ would take 1\.\d+ off/);
      assert.match(found?.expected ?? "", /0\.5 things per visit, the charter's smallest gain/);
      assert.include(
        exhibits.map(({ title }) => title),
        "What would more data be worth?",
      );
      assert.strictEqual(kinds.loss, "logLoss");
      assert.strictEqual(kinds.business?.unit, "mistakes per row");
      const mistakes = kinds.points.map((point) => point.cost ?? NaN);
      assert.isTrue(mistakes.every((share) => share > 0 && share < 1));
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
