import { assert, describe, it } from "@effect/vitest";
import { Duckdb, Rule, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  judgeMinutes,
  Minutes,
  minutesCharter,
  minutesModel,
} from "../test-fixtures/deliveries.ts";
import { recording } from "../test-fixtures/trips.ts";

const charter = minutesCharter();

const outcomes = (verdict: {
  readonly evidence: ReadonlyArray<{ readonly gate: string; readonly outcome: string }>;
}) => Object.fromEntries(verdict.evidence.map(({ gate, outcome }) => [gate, outcome]));

describe("Evaluate.regression", () => {
  it.effect("passes the right model, with the numbers of SQL and figures", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        const { verdict, evaluation, data } = yield* judgeMinutes({
          charter,
          slices: ["town"],
          minSliceRows: 100,
        });
        assert.strictEqual(verdict.status, "passed", JSON.stringify(verdict.evidence));
        assert.deepStrictEqual(outcomes(verdict), {
          "beats the baseline": "passed",
          "no leakage suspected": "passed",
          "enough data": "passed",
          "charter in force": "passed",
        });
        const db = yield* Duckdb.Duckdb;
        const [row] = yield* db.rows(
          "measure",
          `SELECT avg(abs(label - 30 - 10 * x)) AS mae, avg(abs(label - 30)) AS base,
             sqrt(avg((label - 30 - 10 * x) ** 2)) AS rmse, median(label) AS middle,
             1 - sum((label - 30 - 10 * x) ** 2) / (var_pop(label) * count(*)) AS r2
           FROM ${yield* Table.relation(data)}`,
        );
        const near = (found: number | undefined, name: string) =>
          assert.closeTo(found ?? NaN, Number(row?.[name]), 1e-9, name);
        near(evaluation.cost.model.estimate, "mae");
        near(evaluation.cost.baseline.estimate, "base");
        near(evaluation.errors.meanAbsolute.estimate, "mae");
        near(evaluation.errors.rootMeanSquared.estimate, "rmse");
        near(evaluation.errors.r2?.estimate, "r2");
        near(evaluation.constant.value, "middle");
        for (const { estimate, interval } of [
          evaluation.gain,
          evaluation.errors.meanAbsolute,
          evaluation.errors.rootMeanSquared,
          evaluation.errors.r2 ?? assert.fail(),
        ]) {
          const { lower, upper } = interval ?? assert.fail();
          assert.isTrue(lower < estimate && estimate < upper);
        }
        // 10 x with x in ±3: 15 minutes, on average.
        const [moved] = evaluation.contributions?.features ?? [];
        assert.strictEqual(moved?.feature, "x");
        assert.closeTo(moved?.mean ?? NaN, 15, 0.5);
        assert.strictEqual(evaluation.slices.length, 3);
        assert.strictEqual(evaluation.byPrediction.length, 10);
        assert.deepStrictEqual(
          recorded.exhibits.map(({ title }) => title),
          [
            "Cost of each way to decide",
            "Gain by town",
            "Predicted and actual",
            "Residuals by prediction",
            "Errors",
            "Feature importance",
            "What moves predictions",
            "What each feature says alone",
          ],
        );
        const again = yield* judgeMinutes({ charter, slices: ["town"], minSliceRows: 100 });
        assert.strictEqual(again.verdict.digest, verdict.digest);
      }),
    ),
  );

  it.effect("fails one that is no better than the baseline, and waits where it is not known", () =>
    recording(({ findings }) =>
      Effect.gen(function* () {
        const lost = yield* judgeMinutes({ charter }, {}, { estimator: minutesModel(25) });
        assert.strictEqual(outcomes(lost.verdict)["beats the baseline"], "failed");
        assert.isTrue(findings.some(({ check }) => check === "evaluate.better-than-trivial"));
        const { gain } = lost.evaluation;
        const near = minutesCharter({ smallestGain: 10.6 });
        const waits = yield* judgeMinutes({ charter: near }, { days: 8, perDay: 10 });
        assert.strictEqual(outcomes(waits.verdict)["beats the baseline"], "inconclusive");
        assert.strictEqual(outcomes(waits.verdict)["enough data"], "inconclusive");
        assert.isTrue(gain.estimate < 0);
      }),
    ),
  );

  it.effect("refuses labels and predictions that are not finite, and says where", () =>
    recording(() =>
      Effect.gen(function* () {
        const label = "CASE WHEN i IN (3, 7) THEN 'inf'::DOUBLE ELSE 30 END";
        const infinite = yield* Effect.flip(judgeMinutes({ charter }, { label }));
        assert.strictEqual(infinite._tag, "NotFinite");
        assert.match(
          infinite.message,
          /^the label is not finite in 2 rows of the test table under minutes \(row 3 of those judged: Infinity\)/,
        );
        const estimator = { ...minutesModel(), coefficients: [[10, 1]] };
        const peek = "CASE WHEN i = 5 THEN '-inf'::DOUBLE ELSE 0 END";
        const predicted = yield* Effect.flip(judgeMinutes({ charter }, { peek }, { estimator }));
        assert.match(predicted.message, /prediction is not finite for 1 row .*row 5 .*-Infinity/);
      }),
    ),
  );

  it.effect("holds the model against its budgets, also if it is the baseline", () =>
    recording(() =>
      Effect.gen(function* () {
        const budgets = { modelBytes: 10, latencyMillis: 1000 };
        const { verdict } = yield* judgeMinutes({ charter: minutesCharter({ budgets }) });
        const found = outcomes(verdict);
        assert.strictEqual(found["within budget: the stored model"], "failed");
        assert.strictEqual(found["within budget: a prediction (p99)"], "passed");
      }),
    ),
  );

  it.effect("judges by what each unit costs: the right quantile beats the mean", () =>
    recording(() =>
      Effect.gen(function* () {
        const dear = minutesCharter({ error: { over: 1, under: 9 } });
        const mean = yield* judgeMinutes({ charter: dear });
        // The 0.9 quantile of noise over ± 10 is 8.
        const high = yield* judgeMinutes({ charter: dear }, {}, { estimator: minutesModel(8) });
        assert.isTrue(high.evaluation.cost.model.estimate < mean.evaluation.cost.model.estimate);
        // (8 + 10)² / 40 too much on average, and 9 times (10 − 8)² / 40 too little: 9 in all.
        assert.closeTo(high.evaluation.cost.model.estimate, 9, 0.5);
        assert.deepStrictEqual(
          high.evaluation.sensitivity.map(({ cost, factor }) => [cost, factor]),
          [
            ["over", 0.5],
            ["over", 1.5],
            ["under", 0.5],
            ["under", 1.5],
          ],
        );
        const pinball = minutesCharter({ error: { quantile: 0.9 }, smallestGain: 0.1 });
        const same = yield* judgeMinutes({ charter: pinball }, {}, { estimator: minutesModel(8) });
        assert.closeTo(
          10 * same.evaluation.cost.model.estimate,
          high.evaluation.cost.model.estimate,
          1e-9,
        );
      }),
    ),
  );

  it.effect(
    "suspects a leak in a score that is too good, and in a feature that tells the number",
    () =>
      recording(() =>
        Effect.gen(function* () {
          const exact = "30 + 10 * x";
          const good = yield* judgeMinutes({ charter }, { label: exact });
          const gate = good.verdict.evidence.find((one) => one.gate === "no leakage suspected");
          assert.strictEqual(gate?.outcome, "failed");
          assert.include(gate?.found, "R² 1");
          const peeking = yield* judgeMinutes({ charter }, { peek: "label" });
          assert.strictEqual(outcomes(peeking.verdict)["no leakage suspected"], "failed");
          const constant = yield* judgeMinutes({ charter }, { label: "30.0" });
          assert.isNull(constant.evaluation.errors.r2);
          assert.strictEqual(outcomes(constant.verdict)["no leakage suspected"], "inconclusive");
        }),
      ),
  );

  it.effect("needs a baseline with an answer, a model of the number, and outcomes", () =>
    recording(() =>
      Effect.gen(function* () {
        const silent = minutesCharter({
          baseline: Rule.numberBaseline(Minutes.contract, {
            name: "as peeked",
            description: "",
            value: ($) => $.peek,
          }),
        });
        const { message } = yield* Effect.flip(judgeMinutes({ charter: silent }));
        assert.match(message, /"as peeked" has no answer for 2,000 rows.*orElse/);
        const ranks = judgeMinutes({ charter }, {}, { signature: { _tag: "score" } });
        assert.match(
          (yield* Effect.flip(ranks)).message,
          /the hand-made model gives a score that only puts rows in order, and a number is judged here/,
        );
        const without = yield* Effect.flip(judgeMinutes({ charter }, { label: "NULL::DOUBLE" }));
        assert.strictEqual(without._tag, "NothingToJudge");
        const yes = minutesCharter({
          baseline: Rule.baseline(Minutes.contract, {
            name: "yes",
            description: "",
            when: ($) => $.x.gt(0),
          }),
        });
        const rule = yield* Effect.flip(judgeMinutes({ charter: yes }));
        assert.match(rule.message, /yes or no where a number is expected/);
      }),
    ),
  );

  it.effect("leaves out rows whose number is missing, and says so", () =>
    recording(({ findings }) =>
      Effect.gen(function* () {
        const some = "CASE WHEN i % 2 = 0 THEN 30 + 10 * x + 20 * u - 10 END";
        const { evaluation } = yield* judgeMinutes({ charter }, { label: some });
        assert.deepStrictEqual([evaluation.rows, evaluation.excluded.unlabelled], [1000, 1000]);
        assert.isTrue(findings.some(({ check }) => check === "evaluate.outcome-known"));
      }),
    ),
  );
});
