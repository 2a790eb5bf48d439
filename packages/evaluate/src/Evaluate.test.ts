/** What the stage refuses, what it leaves out and says so, and slices. */
import { assert, describe, it } from "@effect/vitest";
import { Artifact } from "@ml-pipe/core";
import { Duckdb, Model, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { TestClock } from "effect/testing";
import { writeFile } from "node:fs/promises";
import {
  charterWith,
  constantModel,
  judge,
  modelOf,
  OtherFeatures,
  recording,
  rightModel,
  TripFeatures,
  tripsOf,
  withoutValues,
} from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";

const charter = charterWith();
const stage = Evaluate.decisions(TripFeatures, { charter });
const trips = { days: 10, perDay: 100 };

describe("refuses", () => {
  it.effect("the table that the model was trained on", () =>
    recording(() =>
      Effect.gen(function* () {
        const data = yield* tripsOf(trips);
        const model = yield* modelOf(rightModel, { table: Table.digestOf(data) });
        const error = yield* Effect.flip(judge(stage, { model, data }));
        assert.strictEqual(error._tag, "LeakedTestSet");
        assert.include(error.message, "is the table that the model was trained on");
        assert.include(error.message, "Wire the test part of the split to it.");
      }),
    ),
  );

  it.effect("a test table of another split, or of none", () =>
    recording(() =>
      Effect.gen(function* () {
        const model = yield* modelOf(rightModel);
        for (const split of ["split-two", null]) {
          const data = yield* tripsOf({ ...trips, split });
          const error = yield* Effect.flip(judge(stage, { model, data }));
          assert.strictEqual(error._tag, "OtherSplit");
          assert.include(error.message, "trained on split split-one");
          assert.include(error.message, split ?? "no split");
        }
        const unsplit = yield* modelOf(rightModel, { split: null });
        const data = yield* tripsOf({ ...trips, split: null });
        assert.strictEqual(
          (yield* Effect.flip(judge(stage, { model: unsplit, data })))._tag,
          "OtherSplit",
        );
      }),
    ),
  );

  it.effect("a train table that a cast made fit", () =>
    recording(() =>
      Effect.gen(function* () {
        const model = yield* modelOf(rightModel);
        const data = { ...(yield* tripsOf(trips)), role: "train" };
        const error = yield* Effect.flip(judge(stage, { model, data: data as never }));
        assert.strictEqual(error._tag, "InputMismatch");
        assert.include(error.message, 'cannot take its input "data"');
      }),
    ),
  );

  it.effect("a model of another feature set that a cast made fit", () =>
    recording(() =>
      Effect.gen(function* () {
        const other = yield* Model.store(OtherFeatures, {
          estimator: rightModel,
          kind: "hand-made model",
          trainedOn: { split: "split-one", table: charter.digest, rows: 1 },
        });
        const error = yield* Effect.flip(
          judge(stage, { model: other as never, data: yield* tripsOf(trips) }),
        );
        assert.strictEqual(error._tag, "InputMismatch");
        assert.include(error.message, "a model of the feature set trip-features");
      }),
    ),
  );

  it.effect("a model that reads the label as a feature", () =>
    recording(() =>
      Effect.gen(function* () {
        const peeking = { ...rightModel, features: ["x", "label"] };
        const error = yield* Effect.flip(
          judge(stage, { model: yield* modelOf(peeking), data: yield* tripsOf(trips) }),
        );
        assert.strictEqual(error._tag, "ForeignFeature");
        assert.include(error.message, 'the model reads "label"');
      }),
    ),
  );

  it.effect("scores that are not probabilities", () =>
    recording(() =>
      Effect.gen(function* () {
        const model = yield* modelOf(constantModel(1.5));
        const error = yield* Effect.flip(judge(stage, { model, data: yield* tripsOf(trips) }));
        assert.strictEqual(error._tag, "NotProbabilities");
        assert.include(error.message, "the hand-made model gives 1.5 for row 0");
      }),
    ),
  );

  it.effect("a model whose document was changed", () =>
    recording(() =>
      Effect.gen(function* () {
        const model = yield* modelOf(rightModel);
        const store = yield* Artifact.ArtifactStore;
        const file = yield* store.path(model.document);
        yield* Effect.promise(() => writeFile(file, " ".repeat(model.document.bytes)));
        const error = yield* Effect.flip(judge(stage, { model, data: yield* tripsOf(trips) }));
        assert.strictEqual(error._tag, "ArtifactMissing");
        assert.include(error.message, "does not match its digest");
      }),
    ),
  );

  it.effect("a table without any outcome, and an empty one", () =>
    recording(() =>
      Effect.gen(function* () {
        const model = yield* modelOf(rightModel);
        for (const [days, rows] of [
          [10, "1,000"],
          [0, "0"],
        ] as const) {
          const data = yield* tripsOf({ days, perDay: 100, label: "CAST(NULL AS BOOLEAN)" });
          const error = yield* Effect.flip(judge(stage, { model, data }));
          assert.strictEqual(error._tag, "NothingToJudge");
          assert.include(error.message, `none of the ${rows} rows`);
        }
      }),
    ),
  );

  it("a slice by a column that the table does not have", () => {
    assert.throws(
      // @ts-expect-error "departure" is not a kept column
      () => Evaluate.decisions(TripFeatures, { charter, slices: ["departure"] }),
      /has no column "departure"; add it to keep/,
    );
  });
});

describe("leaves out rows without an outcome", () => {
  it.effect("and labels that cannot be known yet: they are no outcomes", () =>
    recording(({ findings }) =>
      Effect.gen(function* () {
        const data = yield* tripsOf(trips);
        const model = yield* modelOf(rightModel);
        const { evaluation: all } = yield* judge(stage, { model, data });
        assert.strictEqual(all.rows, 1000);
        // As of the seventh day, outcomes of the first six are known, a day after the decision.
        const db = yield* Duckdb.Duckdb;
        const [first] = yield* db.rows(
          "read",
          `SELECT epoch_ms(min("at"))::DOUBLE AS ms FROM ${yield* Table.relation(data)}`,
        );
        const begin = Math.floor(Number(first?.["ms"]) / 86_400_000) * 86_400_000;
        yield* TestClock.setTime(begin + 7 * 86_400_000);
        findings.length = 0;
        const { evaluation } = yield* judge(stage, { model, data });
        assert.strictEqual(evaluation.rows + evaluation.excluded.premature, 1000);
        assert.closeTo(evaluation.rows, 600, 100);
        assert.strictEqual(evaluation.excluded.unlabelled, 0);
        const finding = findings.find(({ check }) => check === "evaluate.mature");
        assert.strictEqual(finding?.rows, evaluation.excluded.premature);
        assert.include(finding?.next, "nothing happened yet");
        yield* TestClock.setTime(begin);
        const error = yield* Effect.flip(judge(stage, { model, data }));
        assert.strictEqual(error._tag, "NothingToJudge");
      }),
    ),
  );

  it.effect("and says so: they are not on time", () =>
    recording(({ findings }) =>
      Effect.gen(function* () {
        const model = yield* modelOf(rightModel);
        const all = yield* judge(stage, {
          model,
          data: yield* tripsOf({ ...trips, label: "TRUE" }),
        });
        assert.strictEqual(all.evaluation.excluded.unlabelled, 0);
        findings.length = 0;
        const label = "CASE WHEN i % 4 = 0 THEN NULL ELSE TRUE END";
        const { evaluation } = yield* judge(stage, {
          model,
          data: yield* tripsOf({ ...trips, label }),
        });
        assert.strictEqual(evaluation.rows, 750);
        assert.strictEqual(evaluation.positives, 750);
        assert.deepStrictEqual(evaluation.excluded, { unlabelled: 250, premature: 0, undated: 0 });
        assert.strictEqual(evaluation.cost.neverAct.estimate, 60);
        const finding = findings.find(({ check }) => check === "evaluate.outcome-known");
        assert.strictEqual(finding?.rows, 250);
        assert.strictEqual(finding?.severity, "warn");
        assert.strictEqual(finding?.owner, "dispatch");
        assert.include(finding?.found ?? "", "250 rows without an outcome");
        assert.include(finding?.found ?? "", "(25 %)");
      }),
    ),
  );
});

describe("slices", () => {
  it.effect("find where the model is worse than the baseline, and only there", () =>
    recording(({ findings, exhibits }) =>
      Effect.gen(function* () {
        const sliced = Evaluate.decisions(TripFeatures, {
          charter,
          slices: ["origin"],
          minSliceRows: 100,
        });
        // At BAD no trip is ever late, so that every warning of the model is in vain.
        const data = yield* tripsOf({
          days: 20,
          perDay: 200,
          origin:
            "CASE i % 20 WHEN 0 THEN 'BAD' WHEN 1 THEN NULL ELSE chr(65 + CAST(i % 4 AS INTEGER)) END",
          label: "CASE WHEN i % 20 = 0 THEN FALSE ELSE u < 1 / (1 + exp(1 - x)) END",
        });
        const { evaluation, verdict } = yield* judge(sliced, {
          model: yield* modelOf(rightModel),
          data,
        });
        assert.strictEqual(verdict.status, "passed");
        assert.deepStrictEqual(
          evaluation.slices.map(({ value, rows, worse }) => [value, rows, worse]).toSorted(),
          [
            ["A", 800, false],
            ["B", 800, false],
            ["BAD", 200, true],
            ["C", 1000, false],
            ["D", 1000, false],
            [null, 200, false],
          ].toSorted(),
        );
        assert.isTrue(
          evaluation.slices.every(
            ({ gain }) => Math.abs((gain.interval?.level ?? 0) - (1 - 0.05 / 6)) < 1e-12,
          ),
        );
        assert.deepStrictEqual(
          findings.map(({ check }) => check),
          ["evaluate.slice.origin", withoutValues],
        );
        const [finding] = findings;
        assert.match(
          finding?.found ?? "",
          /^BAD: it costs \d+\.\d+ EUR per trip more \(interval \d.* to .*, 95 % for all 6 slices together\)$/,
        );
        const figure = exhibits.find(({ title }) => title === "Gain by origin");
        assert.strictEqual(figure?._tag === "bar" ? figure.bars.length : 0, 6);
      }),
    ),
  );

  it.effect("are not called worse for being worse by chance", () =>
    recording(({ findings }) =>
      Effect.gen(function* () {
        // This rule is nearly what the model does, so that the gain of many slices is below 0.
        const close = charterWith({ warnFrom: -0.5 });
        const options = { charter: close, slices: ["origin"], minSliceRows: 50 } as const;
        const { evaluation } = yield* judge(Evaluate.decisions(TripFeatures, options), {
          model: yield* modelOf(rightModel),
          data: yield* tripsOf({ days: 20, perDay: 200, origin: "i % 40" }),
        });
        assert.strictEqual(evaluation.slices.length, 40);
        assert.isAbove(evaluation.slices.filter(({ gain }) => gain.estimate < 0).length, 3);
        assert.isTrue(evaluation.slices.every(({ worse }) => !worse));
        assert.deepStrictEqual(
          findings.map(({ check }) => check),
          [withoutValues],
        );
      }),
    ),
  );

  it.effect("say which values have too few rows to be judged", () =>
    recording(({ findings }) =>
      Effect.gen(function* () {
        const sliced = Evaluate.decisions(TripFeatures, {
          charter,
          slices: ["origin"],
          minSliceRows: 300,
        });
        const origin = "CASE WHEN i % 10 = 0 THEN 'rare ' || (i % 3) ELSE 'It''s \"usual\"' END";
        const { evaluation } = yield* judge(sliced, {
          model: yield* modelOf(rightModel),
          data: yield* tripsOf({ ...trips, origin }),
        });
        assert.deepStrictEqual(
          evaluation.slices.map(({ value, rows }) => [value, rows]),
          [[`It's "usual"`, 900]],
        );
        assert.include(
          findings[0]?.found ?? "",
          "3 values not judged on their own, besides 1 that are",
        );
        assert.strictEqual(findings[0]?.rows, 100);
      }),
    ),
  );
});

describe("costs", () => {
  it.effect("half and half as much again show how far the gain depends on them", () =>
    recording(() =>
      Effect.gen(function* () {
        const { evaluation } = yield* judge(stage, {
          model: yield* modelOf(rightModel),
          data: yield* tripsOf(trips),
        });
        assert.deepStrictEqual(
          evaluation.sensitivity.map(({ cost, factor, threshold }) => [cost, factor, threshold]),
          [
            // (7.5 - 0) / (7.5 + 60 - 15), and so on: Elkan 2001.
            ["falsePositive", 0.5, 7.5 / 52.5],
            ["falsePositive", 1.5, 22.5 / 67.5],
            ["falseNegative", 0.5, 15 / 30],
            ["falseNegative", 1.5, 15 / 90],
          ],
        );
        assert.isTrue(evaluation.sensitivity.every(({ gain }) => gain !== null));
      }),
    ),
  );

  it.effect("say nothing where they would need no model", () =>
    recording(() =>
      Effect.gen(function* () {
        // Half of 60 is less than 40: then it is never worth acting.
        const dear = Evaluate.decisions(TripFeatures, {
          charter: charterWith({ truePositive: 40 }),
        });
        const { evaluation } = yield* judge(dear, {
          model: yield* modelOf(rightModel),
          data: yield* tripsOf(trips),
        });
        assert.deepInclude(evaluation.sensitivity[2], { threshold: null, gain: null });
      }),
    ),
  );

  it("that favour one decision always are refused before anything runs", () => {
    const senseless = charterWith({ truePositive: 60 });
    assert.throws(
      () => Evaluate.decisions(TripFeatures, { charter: senseless }),
      /a false negative \(60 EUR per trip\) costs no more than a true positive \(60\)/,
    );
  });
});
