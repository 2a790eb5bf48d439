/** What the holdout ledger makes of evaluations: alone, and in runs that reuse results. */
import { assert, describe, it } from "@effect/vitest";
import { Engine, LocalEngine, Pipeline, Stage, Store } from "@ml-pipe/core";
import { type Estimator, Model, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  charterWith,
  constantModel,
  modelOf,
  OtherFeatures,
  recording,
  rightModel,
  trainTripsOf,
  TripFeatures,
  tripsOf,
} from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";

const charter = charterWith();
const trips = { days: 12, perDay: 100 };
const twice = { looks: 2, justification: "two candidates, settled before the first look" };

const bolder: Estimator.LinearModel = { ...rightModel, coefficients: [[1.1, 0]] };

/** Judges a model, in the store around it. */
const judgeIn = (
  estimator: Estimator.Estimator,
  options: Partial<Evaluate.DecisionsOptions<"origin">> = {},
  test: Parameters<typeof tripsOf>[0] = trips,
) =>
  Effect.gen(function* () {
    const split = test.split === undefined ? {} : { split: test.split };
    return yield* Evaluate.decisions(TripFeatures, { charter, ...options }).run({
      model: yield* modelOf(estimator, split),
      train: yield* trainTripsOf(),
      data: yield* tripsOf(test),
    });
  });

const inOneStore = <A, E, R>(run: Effect.Effect<A, E, R>) =>
  recording(() => run.pipe(Effect.provide(Store.Store.layerMemory)));

const ledger = Effect.flatMap(Store.Store, ({ holdouts }) => holdouts.all);

describe("a look at the test rows", () => {
  it.effect("is free for the first model, and for the same one again", () =>
    inOneStore(
      Effect.gen(function* () {
        const first = yield* judgeIn(rightModel);
        const again = yield* judgeIn(rightModel);
        assert.strictEqual(again.verdict.digest, first.verdict.digest);
        assert.deepStrictEqual(
          (yield* ledger).map(({ number, outcome, purpose }) => [number, outcome, purpose]),
          [
            [1, "passed", 'expected cost against "rule of thumb"'],
            [1, "passed", 'expected cost against "rule of thumb"'],
          ],
        );
      }),
    ),
  );

  it.effect("by a second model stops, unless it was announced: then intervals widen", () =>
    inOneStore(
      Effect.gen(function* () {
        const first = yield* judgeIn(rightModel);
        const refused = yield* Effect.flip(judgeIn(bolder));
        assert.strictEqual(refused._tag, "HoldoutSpent");
        assert.isTrue(Stage.stops in refused);
        const second = yield* judgeIn(bolder, { holdout: twice });
        const { evaluation, verdict } = second;
        assert.strictEqual(evaluation.level, 0.975);
        assert.strictEqual(evaluation.gain.interval?.level, 0.975);
        assert.deepStrictEqual(evaluation.holdout, {
          number: 2,
          correctedFor: 2,
          nominalLevel: 0.95,
          justification: twice.justification,
        });
        assert.include(
          verdict.evidence[0]?.expected ?? "",
          "with 97.5 % confidence (95 % for 2 looks at these test rows together)",
        );
        // The first one again: corrected for what the rows have been through since.
        const again = yield* judgeIn(rightModel);
        const width = ({ gain }: Evaluate.Evaluation) =>
          (gain.interval?.upper ?? NaN) - (gain.interval?.lower ?? NaN);
        assert.isAbove(width(again.evaluation), width(first.evaluation));
      }),
    ),
  );

  it.effect("is one under another split too, and under another feature set", () =>
    inOneStore(
      Effect.gen(function* () {
        yield* judgeIn(rightModel);
        const moved = yield* Effect.flip(judgeIn(bolder, {}, { ...trips, split: "split-two" }));
        assert.strictEqual(moved._tag, "HoldoutSpent");
        const train = yield* Table.write(OtherFeatures.contract, "train", {
          query: `SELECT TIMESTAMP '2001-01-01' AS "at", 1.0::DOUBLE AS x, NULL::DOUBLE AS peek, 'A' AS origin, TRUE AS label`,
          split: "split-one",
        });
        const rows = yield* Table.relation(yield* tripsOf(trips));
        const data = yield* Table.write(OtherFeatures.contract, "test", {
          query: `SELECT "at", x / 2 AS x, 1.0::DOUBLE AS peek, origin, label FROM ${rows} ORDER BY "at", x`,
          split: "split-one",
        });
        const model = yield* Model.store(OtherFeatures, {
          estimator: rightModel,
          kind: "hand-made model",
          trainedOn: { split: "split-one", table: Table.digestOf(train), rows: 1 },
        });
        const stage = Evaluate.decisions(OtherFeatures, { charter });
        const other = yield* Effect.flip(stage.run({ model, train, data }));
        assert.strictEqual(other._tag, "HoldoutSpent");
      }),
    ),
  );

  it.effect("does not count if it failed before there was a number", () =>
    inOneStore(
      Effect.gen(function* () {
        const error = yield* Effect.flip(judgeIn(constantModel(1.5)));
        assert.strictEqual(error._tag, "NotProbabilities");
        assert.strictEqual((yield* ledger)[0]?.outcome, "nothing-seen");
        assert.strictEqual((yield* judgeIn(rightModel)).evaluation.holdout.number, 1);
      }),
    ),
  );

  it("needs a number and a reason to be announced", () => {
    const decisions = (holdout: Evaluate.HoldoutOptions) => () =>
      Evaluate.decisions(TripFeatures, { charter, holdout });
    assert.throws(decisions({ looks: 2, justification: " " }), /need a justification/);
    assert.throws(decisions({ looks: 0, justification: "none" }), /1 or more/);
    assert.throws(decisions({ looks: NaN, justification: "many" }), /1 or more/);
  });
});

describe("runs", () => {
  const runOf = (
    estimator: Estimator.Estimator,
    options: Partial<Evaluate.DecisionsOptions<"origin">> = {},
  ) =>
    Effect.gen(function* () {
      const model = yield* modelOf(estimator);
      const train = yield* trainTripsOf();
      const test = yield* tripsOf(trips);
      const given = Stage.make("given", {
        input: {},
        outputs: {
          model: Model.of(TripFeatures),
          train: Table.of(TripFeatures.contract, "train"),
          test: Table.of(TripFeatures.contract, "test"),
        },
        params: { model: model.document.digest },
        run: () => Effect.succeed({ model, train, test }),
      });
      const evaluate = Evaluate.decisions(TripFeatures, { charter, ...options });
      const pipeline = Pipeline.make("trips", { charter }, () => {
        const { model, train, test: data } = given();
        const { verdict } = evaluate({ model, train, data });
        return { verdict };
      });
      const engine = yield* Engine.Engine;
      const exit = yield* Effect.exit(engine.run(pipeline, { startedBy: "ada" }));
      const plan = yield* engine.plan(pipeline);
      const store = yield* Store.Store;
      const run = yield* Effect.flatMap(store.run(), Effect.fromOption);
      const stage = run.stages.find(({ stage }) => stage === "evaluate");
      return { exit, run, status: stage?.status, planned: plan.stages.at(-1)?.state };
    });

  const inOneFolder = <A, E, R>(run: Effect.Effect<A, E, R>) =>
    recording(() =>
      run.pipe(
        Effect.provide(LocalEngine.layer.pipe(Layer.provideMerge(Store.Store.layerMemory))),
        Effect.provideService(Engine.CodeOf, () =>
          Effect.succeed({ _tag: "Known", parts: { code: "1" } } as const),
        ),
      ),
    );

  it.effect("reuse a verdict until its rows are looked at by another model", () =>
    inOneFolder(
      Effect.gen(function* () {
        const first = yield* runOf(rightModel);
        assert.deepStrictEqual([first.status, first.planned], ["succeeded", "fresh"]);
        assert.strictEqual((yield* runOf(rightModel)).status, "cached");
        assert.strictEqual((yield* ledger).length, 1);

        const refused = yield* runOf(bolder);
        assert.deepStrictEqual([refused.status, refused.run.status], ["stopped", "stopped"]);
        const announced = yield* runOf(bolder, { holdout: twice });
        assert.strictEqual(announced.status, "succeeded");
        assert.strictEqual((yield* runOf(bolder, { holdout: twice })).status, "cached");

        // A cached verdict of before the second look would be a free one.
        const back = yield* runOf(rightModel);
        assert.deepStrictEqual([back.status, back.planned], ["succeeded", "fresh"]);
        const looks = yield* ledger;
        assert.deepStrictEqual(
          looks.map(({ number, correctedFor }) => [number, correctedFor]),
          [
            [1, 1],
            [2, 2],
            [1, 2],
          ],
        );
        assert.deepInclude(looks[1], {
          pipeline: "trips",
          stage: "evaluate",
          by: "ada",
          justification: twice.justification,
        });
      }),
    ),
  );
});
