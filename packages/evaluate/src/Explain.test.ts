/** Explanations against scikit-learn, and of models whose workings are known. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { Artifact } from "@ml-pipe/core";
import { Estimator, Model, Onnx, Table, Transform } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import reference from "../test-fixtures/inspection.json" with { type: "json" };
import {
  Minutes,
  minutesCharter,
  minutesModel,
  minutesValidation,
  Ways,
  ways,
  waysCharter,
  waysModel,
  waysValidation,
} from "../test-fixtures/deliveries.ts";
import {
  charterWith,
  constantModel,
  modelOf,
  recording,
  rightModel,
  services,
  trainTripsOf,
  TripFeatures,
  validationTripsOf,
} from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";
import { blocksOf } from "./internal/blocks.ts";
import { curvesOf } from "./internal/explain/dependence.ts";
import { groupsOf, importanceOf } from "./internal/explain/permutation.ts";
import type { Rows } from "./internal/rows.ts";

const column = (values: ReadonlyArray<number> = []) => Float64Array.from(values);

/** The reference's rows, decided on by its model. */
const known = (): Rows => {
  const label = column(reference.label);
  const linear: Estimator.LinearModel = {
    _tag: "LinearModel",
    version: 1,
    link: "logit",
    features: ["a", "b", "c"],
    intercepts: [reference.intercept],
    coefficients: [reference.coefficients],
    mean: [0, 0, 0],
    sd: [1, 1, 1],
    imputation: [0, 0, 0],
  };
  const score: Rows["score"] = Effect.fnUntraced(function* (features) {
    const out = new Float64Array(label.length);
    yield* Estimator.scoreColumns(linear, features, out);
    return out;
  });
  return {
    rows: label.length,
    names: linear.features,
    features: reference.x.map((values) => column(values)),
    blocks: blocksOf(label.map((_, row) => row)),
    baselineCost: new Float64Array(label.length),
    selected: [],
    estimator: linear,
    signature: { _tag: "probability" },
    prepare: Effect.succeed,
    scoring: { width: 1, columns: () => Effect.void, rows: () => Effect.succeed(label) },
    score,
    costOf: (probability) =>
      Effect.succeed(probability.map((p, row) => (p >= 0.25 ? 15 : 60 * (label[row] ?? 0)))),
  };
};

describe("against sklearn.inspection", () => {
  it.effect("permutation importance", () =>
    Effect.gen(function* () {
      const rows = known();
      const cost = yield* rows.costOf(yield* rows.score(rows.features));
      const mean = cost.reduce((sum, one) => sum + one, 0) / rows.rows;
      assert.closeTo(mean, reference.cost, 1e-9);
      const repeats = 150;
      for (const [at, expected] of reference.importance.entries()) {
        const { extraCost } = yield* importanceOf(rows, cost, [at], {
          repeats,
          seed: 3,
          level: 0.95,
        });
        // Both are means over permutations: of 2,000 there, of 150 here.
        const error = (reference.standardError[at] ?? 0) * Math.sqrt(1 + 2000 / repeats);
        assert.closeTo(extraCost.estimate, expected, 4 * error);
        assert.isBelow(extraCost.interval?.lower ?? NaN, expected);
        assert.isAbove(extraCost.interval?.upper ?? NaN, expected);
      }
    }).pipe(Effect.provide(services)),
  );

  it.effect("partial dependence and single rows", () =>
    Effect.gen(function* () {
      const rows = known();
      for (const [at, expected] of reference.curves.entries()) {
        const { outputs } = yield* curvesOf(rows, at, reference.values);
        const { mean, rows: curves } = outputs[0] ?? assert.fail("no output");
        for (const [k, value] of expected.mean.entries()) {
          assert.closeTo(mean[k] ?? NaN, value, 1e-12);
          // Of 120 rows, every tenth is kept: the first and the seventh are theirs.
          assert.closeTo(curves[0]?.[k] ?? NaN, expected.rows[0]?.[k] ?? NaN, 1e-12);
          assert.closeTo(curves[6]?.[k] ?? NaN, expected.rows[1]?.[k] ?? NaN, 1e-12);
        }
      }
    }).pipe(Effect.provide(services)),
  );
});

it.effect("features that say the same thing share it, and together have all of it", () =>
  Effect.gen(function* () {
    const rows = known();
    const cost = yield* rows.costOf(yield* rows.score(rows.features));
    assert.deepStrictEqual(groupsOf(rows, [], null), [[0], [1], [2]]);
    assert.deepStrictEqual(groupsOf(rows, [["c", "a"]], null), [[0, 2], [1]]);
    const groups = groupsOf(rows, [], 0.9);
    assert.deepStrictEqual(groups, [[0, 1], [2]]);
    const of = (group: ReadonlyArray<number>) =>
      importanceOf(rows, cost, group, { repeats: 50, seed: 0, level: 0.95 });
    const together = (yield* of([0, 1])).extraCost.estimate;
    assert.isAbove(together, (yield* of([0])).extraCost.estimate);
    assert.isAbove(together, (yield* of([1])).extraCost.estimate);
  }).pipe(Effect.provide(services)),
);

const charter = charterWith();

const trainedSomewhere = Effect.map(trainTripsOf(), (train) => ({
  split: train.split,
  table: Table.digestOf(train),
  rows: train.rows,
}));

describe("the stage", () => {
  it.effect("ranks features, shows figures, and says the same again", () =>
    recording(({ exhibits }) =>
      Effect.gen(function* () {
        const stage = Evaluate.explain(TripFeatures, { charter });
        const input = {
          model: yield* modelOf(rightModel),
          data: yield* validationTripsOf({ days: 15, perDay: 100, peek: "v" }),
        };
        const found = yield* stage.run(input);
        assert.deepStrictEqual(
          found.importance.map(({ features }) => features),
          [["x"], ["peek"]],
        );
        const [x, peek] = found.importance;
        assert.isAbove(x?.extraCost.interval?.lower ?? NaN, 0);
        // The model does not look at it: no row costs more.
        assert.strictEqual(peek?.extraCost.estimate, 0);
        const [byX] = found.dependence;
        assert.strictEqual(byX?.values.length, 20);
        for (const [k, value] of (byX?.values ?? []).entries()) {
          assert.closeTo(byX?.outputs[0]?.mean[k] ?? NaN, 1 / (1 + Math.exp(1 - value)), 1e-12);
        }
        assert.deepStrictEqual(
          exhibits.map(({ title }) => title),
          [
            "What the model goes by",
            "What moves predictions",
            "Probability by x",
            "Probability by peek",
          ],
        );
        assert.deepStrictEqual(yield* stage.run(input), found);
      }),
    ),
  );

  it.effect("explains a model in ONNX as the built-in one that it was made of", () =>
    recording(() =>
      Effect.gen(function* () {
        const stage = Evaluate.explain(TripFeatures, { charter, repeats: 2 });
        const data = yield* validationTripsOf({ days: 6, perDay: 50, peek: "v" });
        const built = yield* modelOf(rightModel);
        const folder = yield* (yield* Artifact.ArtifactStore).temporaryFolder;
        const file = path.join(folder, "trips.onnx");
        const bytes = yield* Onnx.encode(yield* Model.load(built));
        yield* Effect.promise(() => fs.writeFile(file, bytes));
        const { trainedOn } = built;
        const onnx = yield* Model.importOnnx(TripFeatures, file, { trainedOn });
        const [expected, found] = [
          yield* stage.run({ model: built, data }),
          yield* stage.run({ model: onnx, data }),
        ];
        for (const [at, { features, extraCost }] of found.importance.entries()) {
          assert.deepStrictEqual(features, expected.importance[at]?.features);
          assert.closeTo(
            extraCost.estimate,
            expected.importance[at]?.extraCost.estimate ?? NaN,
            1e-9,
          );
        }
      }).pipe(Effect.scoped),
    ),
  );

  it.effect("permutes what goes into the transformation, not what comes out", () =>
    recording(() =>
      Effect.gen(function* () {
        const prepare = Transform.make(TripFeatures, ($) => ({
          scaled: Transform.scale($.x),
          origin: Transform.oneHot($.origin),
        }));
        const train = yield* trainTripsOf();
        const transform = yield* Transform.fit(prepare, train);
        const features = transform.outputs.map(({ name }) => name);
        const model = yield* Model.store(TripFeatures, {
          transform,
          estimator: {
            ...rightModel,
            features,
            // The standard deviation of −3 to 3 is √3.
            coefficients: [features.map((name) => (name === "scaled" ? Math.sqrt(3) : 0.5))],
            mean: features.map(() => 0),
            sd: features.map(() => 1),
            imputation: features.map(() => 0),
          },
          kind: "hand-made model",
          trainedOn: { split: train.split, table: Table.digestOf(train), rows: train.rows },
        });
        const stage = Evaluate.explain(TripFeatures, { charter });
        const data = yield* validationTripsOf({ days: 6, perDay: 100 });
        const found = yield* stage.run({ model, data });
        // Features of the set, not the columns that come out: the origin is none, and stays with its row.
        assert.deepStrictEqual(
          found.importance.map(({ features }) => features),
          [["x"], ["peek"]],
        );
        assert.isAbove(found.importance[0]?.extraCost.interval?.lower ?? NaN, 0);
        const { outputs, values } = found.dependence[0] ?? assert.fail("no curve");
        const { mean } = outputs[0] ?? assert.fail("no output");
        for (const [k, value] of values.entries()) {
          // Every row has an origin, which adds 0.5; x is scaled, about by its range, and put back.
          assert.closeTo(mean[k] ?? NaN, 1 / (1 + Math.exp(0.5 - value)), 0.03);
        }
      }),
    ),
  );

  it.effect("explains numbers in the charter's error, and every class", () =>
    recording(({ exhibits }) =>
      Effect.gen(function* () {
        const about = { kind: "hand-made model", trainedOn: yield* trainedSomewhere };
        const minutes = yield* Evaluate.explain(Minutes, { charter: minutesCharter() }).run({
          model: yield* Model.store(Minutes, { estimator: minutesModel(), ...about }),
          data: yield* minutesValidation,
        });
        // Rows with another's x: |10 (x − x′)| and the noise, instead of the noise alone, which costs 5.
        const [x] = minutes.importance;
        assert.deepStrictEqual(x?.features, ["x"]);
        assert.closeTo((x?.extraCost.estimate ?? NaN) + minutes.cost, 20.5, 1.5);
        const [byX] = minutes.dependence;
        for (const [k, value] of (byX?.values ?? []).entries()) {
          assert.closeTo(byX?.outputs[0]?.mean[k] ?? NaN, 30 + 10 * value, 1e-9);
        }
        assert.include(
          exhibits.map(({ title }) => title),
          "Prediction by x",
        );
        const classes = { _tag: "classes", classes: ways } as const;
        const byWay = yield* Evaluate.explain(Ways, { charter: waysCharter() }).run({
          model: yield* Model.store(Ways, {
            estimator: waysModel(),
            signature: classes,
            ...about,
          }),
          data: yield* waysValidation,
        });
        assert.isAbove(byWay.importance[0]?.extraCost.interval?.lower ?? NaN, 0);
        const [curve] = byWay.dependence;
        assert.deepStrictEqual(
          curve?.outputs.map((output) => output.class),
          ["bike", "boat", "van"],
        );
        for (const [k, value] of (curve?.values ?? []).entries()) {
          const all = Math.exp(-value) + Math.exp(value) + 1;
          for (const [at, score] of [Math.exp(-value), Math.exp(value), 1].entries()) {
            assert.closeTo(curve?.outputs[at]?.mean[k] ?? NaN, score / all, 1e-9);
          }
        }
        assert.deepStrictEqual(byWay.contributions?.classes, [...ways]);
        const wrong = yield* Effect.flip(
          Evaluate.explain(Ways, { charter: waysCharter() }).run({
            model: yield* Model.store(Ways, {
              estimator: waysModel(),
              signature: { _tag: "classes", classes: ["bike", "boat", "raft"] },
              ...about,
            }),
            data: yield* waysValidation,
          }),
        );
        assert.strictEqual(wrong._tag, "UnknownClasses");
      }),
    ),
  );

  it.effect("has nothing to say of a constant, and refuses rows without outcomes", () =>
    recording(() =>
      Effect.gen(function* () {
        const stage = Evaluate.explain(TripFeatures, { charter, dependence: 0 });
        const data = yield* validationTripsOf({ days: 3, perDay: 50 });
        const found = yield* stage.run({ model: yield* modelOf(constantModel(0.3)), data });
        assert.isTrue(found.importance.every(({ extraCost }) => extraCost.estimate === 0));
        assert.deepStrictEqual(found.dependence, []);
        const none = yield* validationTripsOf({
          days: 1,
          perDay: 9,
          label: "CAST(NULL AS BOOLEAN)",
        });
        const error = yield* Effect.flip(
          stage.run({ model: yield* modelOf(rightModel), data: none }),
        );
        assert.strictEqual(error._tag, "NothingToExplain");
      }),
    ),
  );

  it("refuses options that say nothing", () => {
    const make = (options: object) => () => Evaluate.explain(TripFeatures, { charter, ...options });
    assert.throws(make({ together: [["x", "y"]] }), /there is no feature "y"/);
    assert.throws(make({ together: [["x"], ["x"]] }), /"x" is named twice/);
    assert.throws(make({ correlatedFrom: 0, repeats: 0 }), /correlatedFrom is 0.*repeats is 0/);
  });
});
