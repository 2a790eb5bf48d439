import { assert, describe, it } from "@effect/vitest";
import { Duckdb, Rule, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  farByBoat,
  judgeWays,
  ways,
  Ways,
  waysCharter,
  waysModel,
} from "../test-fixtures/deliveries.ts";
import { recording } from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";

const charter = waysCharter();

const outcomes = (verdict: {
  readonly evidence: ReadonlyArray<{ readonly gate: string; readonly outcome: string }>;
}) => Object.fromEntries(verdict.evidence.map(({ gate, outcome }) => [gate, outcome]));

describe("Evaluate.classification", () => {
  it.effect("passes the right model, with the numbers of SQL and figures", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        const { verdict, evaluation, data } = yield* judgeWays({
          charter,
          slices: ["town"],
          minSliceRows: 100,
        });
        assert.strictEqual(verdict.status, "passed", JSON.stringify(verdict.evidence));
        assert.deepStrictEqual(outcomes(verdict), {
          "beats the baseline": "passed",
          calibrated: "passed",
          "no leakage suspected": "passed",
          "enough data": "passed",
          "charter in force": "passed",
        });
        const db = yield* Duckdb.Duckdb;
        const [row] = yield* db.rows(
          "measure",
          `SELECT avg((CASE WHEN x < 0 THEN 'bike' ELSE 'boat' END = label)::INTEGER) AS accuracy,
             avg(CASE label WHEN 'bike' THEN 2 WHEN 'boat' THEN 9 ELSE 0 END) AS base
           FROM ${yield* Table.relation(data)}`,
        );
        assert.closeTo(evaluation.accuracy.estimate, Number(row?.["accuracy"]), 1e-12);
        assert.closeTo(evaluation.cost.baseline.estimate, Number(row?.["base"]), 1e-9);
        assert.deepStrictEqual(evaluation.classes, ["bike", "van", "boat"]);
        // −x for bikes, x for boats and nothing for vans, with x in ±3.
        const { contributions } = evaluation;
        assert.deepStrictEqual(contributions?.classes, ["bike", "boat", "van"]);
        const [bike, boat, van] = contributions?.features[0]?.byOutput ?? [];
        assert.closeTo(bike ?? NaN, 1.5, 0.05);
        assert.strictEqual(boat, bike);
        assert.strictEqual(van, 0);
        const all = evaluation.confusion.flat().reduce((sum, one) => sum + one, 0);
        assert.deepStrictEqual([all, evaluation.rows], [2000, 2000]);
        for (const { estimate, interval } of [
          evaluation.gain,
          evaluation.accuracy,
          evaluation.balancedAccuracy,
          evaluation.macroF1,
        ]) {
          const { lower, upper } = interval ?? assert.fail();
          assert.isTrue(lower < estimate && estimate < upper);
        }
        assert.deepStrictEqual(
          recorded.exhibits.map(({ title }) => title),
          [
            "Cost of each way to decide",
            "Gain by town",
            "What was chosen for each class",
            "Share of each class that is found",
            "Classes",
            "Reliability",
            "Rates",
            "Feature importance",
            "What moves predictions",
            "What moves predictions of each class",
            "What each feature says alone",
          ],
        );
        const again = yield* judgeWays({ charter, slices: ["town"], minSliceRows: 100 });
        assert.strictEqual(again.verdict.digest, verdict.digest);
      }),
    ),
  );

  it.effect("passes the baseline itself, and no other rule", () =>
    recording(() =>
      Effect.gen(function* () {
        const formula = yield* Rule.formula(farByBoat, "text");
        const { estimator, outputs } = Rule.modelOf(formula, { class: "van", classes: ways });
        const transform = { version: 1, rows: 100, outputs, dropped: [] } as const;
        const today = yield* judgeWays(
          { charter: waysCharter({ baseline: farByBoat }) },
          {},
          { estimator, transform },
        );
        assert.deepStrictEqual(outcomes(today.verdict), {
          "is the baseline": "passed",
          "charter in force": "passed",
        });
        assert.strictEqual(today.evaluation.gain.estimate, 0);
        const other = yield* judgeWays({ charter }, {}, { estimator, transform });
        assert.isFalse("is the baseline" in outcomes(other.verdict));
        assert.notStrictEqual(other.verdict.status, "passed");
      }),
    ),
  );

  it.effect("takes the way out where every class is too risky", () =>
    recording(() =>
      Effect.gen(function* () {
        const ask = { ask: 0.5 };
        const costs = {
          bike: { bike: 0, van: 2, boat: 9, ...ask },
          van: { bike: 5, van: 0, boat: 9, ...ask },
          boat: { bike: 9, van: 9, boat: 0, ...ask },
        };
        const one = waysCharter({ classCosts: costs, baseline: farByBoat });
        const { evaluation } = yield* judgeWays({ charter: one });
        assert.deepStrictEqual(evaluation.choices, ["bike", "van", "boat", "ask"]);
        const asked = evaluation.confusion.reduce((sum, row) => sum + (row[3] ?? 0), 0);
        assert.isTrue(asked > 500 && asked < 1900, `${asked}`);
        assert.isAtMost(evaluation.cost.model.estimate, 0.5);
        assert.strictEqual(evaluation.constant.choice, "ask");
      }),
    ),
  );

  it.effect("fails probabilities that are too sure, and is inconclusive about a rare class", () =>
    recording(() =>
      Effect.gen(function* () {
        const sure = yield* judgeWays({ charter }, {}, { estimator: waysModel(4) });
        assert.strictEqual(outcomes(sure.verdict)["calibrated"], "failed");
        const rare = yield* judgeWays(
          { charter },
          { label: "CASE WHEN x < 0 THEN 'bike' ELSE 'van' END" },
        );
        const gate = rare.verdict.evidence.find((one) => one.gate === "enough data");
        assert.strictEqual(gate?.outcome, "inconclusive");
        assert.include(gate?.found, '0 rows of the rarest, "boat"');
        assert.isNull(rare.evaluation.perClass[2]?.recall);
      }),
    ),
  );

  it.effect(
    "refuses classes without costs, in the rows and in the model, and a choice that is none",
    () =>
      recording(() =>
        Effect.gen(function* () {
          const strange = yield* Effect.flip(
            judgeWays({ charter }, { label: "CASE WHEN x < 0 THEN 'bike' ELSE 'mule' END" }),
          );
          assert.match(
            strange.message,
            /the test table has labels that are none of "bike", "van", "boat": "mule"\. Say in the charter/,
          );
          const model = yield* Effect.flip(
            judgeWays({ charter }, {}, { classes: ["bike", "boat", "sled"] }),
          );
          assert.match(model.message, /the train table has labels that are none of .*: "sled"/);
          const baseline = Rule.classBaseline(Ways.contract, {
            name: "by mule",
            description: "",
            class: () => "mule",
          });
          const choice = yield* Effect.flip(judgeWays({ charter: waysCharter({ baseline }) }));
          assert.match(
            choice.message,
            /"by mule" has no answer among bike, van, boat for 2,000 rows/,
          );
          const free = {
            bike: { bike: 0, van: 2, boat: 0 },
            van: { bike: 5, van: 1, boat: 0 },
            boat: { bike: 9, van: 9, boat: 0 },
          };
          assert.throws(
            () => Evaluate.classification(Ways, { charter: waysCharter({ classCosts: free }) }),
            /choosing "boat" costs no more than any other choice/,
          );
        }),
      ),
  );

  it.effect("suspects a leak in a code that tells the class", () =>
    recording(() =>
      Effect.gen(function* () {
        const peek = "CASE label WHEN 'bike' THEN 2 WHEN 'van' THEN 0 ELSE 1 END";
        const { verdict } = yield* judgeWays({ charter }, { peek });
        assert.strictEqual(outcomes(verdict)["no leakage suspected"], "failed");
      }),
    ),
  );
});
