/** Gates that are asked for, of numbers and classes: each passes on good, fails on bad, or cannot tell. */
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import {
  type DeliveryOptions,
  judgeMinutes,
  judgeWays,
  minutesCharter,
  Minutes,
  waysCharter,
  Ways,
} from "../test-fixtures/deliveries.ts";
import { recording } from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";

const outcomes = (verdict: {
  readonly evidence: ReadonlyArray<{ readonly gate: string; readonly outcome: string }>;
}) => Object.fromEntries(verdict.evidence.map(({ gate, outcome }) => [gate, outcome]));

const rows: DeliveryOptions = { days: 20, perDay: 200 };
const budgets = { latencyMillis: 1000, modelBytes: 100_000, memoryBytes: 1e9 };
const further = {
  segments: { columns: ["town"] },
  robustness: { maxFall: 20, outages: ["x"] },
  overfit: { maxGap: 3 },
} as const;

describe("numbers", () => {
  it.effect("pass all of them, with the numbers that follow from the world", () =>
    recording(({ exhibits }) =>
      Effect.gen(function* () {
        const { verdict, evaluation } = yield* judgeMinutes(
          {
            charter: minutesCharter({ budgets }),
            fairness: { by: ["town"], maxCostDifference: 2, maxBiasDifference: 2 },
            ...further,
          },
          rows,
        );
        assert.deepStrictEqual(Object.entries(outcomes(verdict)).slice(4), [
          ["fair: like costs", "passed"],
          ["fair: like bias", "passed"],
          ["no weak segment", "passed"],
          ["robust", "passed"],
          ["not overfitted", "passed"],
          ["within budget: a prediction (p99)", "passed"],
          ["within budget: the stored model", "passed"],
          ["within budget: the loaded model", "passed"],
        ]);
        // Everybody is told 30 + 0 where x is missing: it is off by |10 x + noise| instead of |noise|.
        const outage = evaluation.robustness?.changes.find(
          ({ change }) => change === "no values of x",
        );
        assert.closeTo(
          outage?.fall.estimate ?? NaN,
          evaluation.cost.baseline.estimate - evaluation.cost.model.estimate,
          1e-9,
        );
        // The train rows are of the same world: noise of ±10 minutes costs 5.
        assert.closeTo(evaluation.overfit?.train.estimate ?? NaN, 15 + 5 / 9 - 5, 0.6);
        const titles = exhibits.map(({ title }) => title);
        for (const title of ["Groups compared", "Weakest segments", "Budgets"]) {
          assert.include(titles, title);
        }
      }),
    ),
  );

  it.effect("fail by town, by segment and by outage", () =>
    recording(() =>
      Effect.gen(function* () {
        // In town B, everything takes twenty minutes longer, which the model does not know.
        const label = "CASE WHEN i % 3 = 1 THEN 20 ELSE 0 END + 30 + 10 * x + 20 * u - 10";
        const { verdict, evaluation } = yield* judgeMinutes(
          {
            charter: minutesCharter(),
            fairness: { by: ["town"], maxCostDifference: 2, maxBiasDifference: 2 },
            segments: { columns: ["town"], minRows: 100 },
            robustness: { ...further.robustness, maxFall: 1 },
          },
          { ...rows, label },
        );
        const found = outcomes(verdict);
        assert.strictEqual(found["fair: like costs"], "failed");
        assert.strictEqual(found["fair: like bias"], "failed");
        assert.strictEqual(found["no weak segment"], "failed");
        assert.strictEqual(found["robust"], "failed");
        const bias = evaluation.fairness?.differences.find(
          ({ of, value }) => of === "bias" && value === "B",
        );
        assert.closeTo(bias?.difference?.estimate ?? NaN, -20, 1);
      }),
    ),
  );

  it.effect("fail where more is gained on the rows learned from", () =>
    recording(() =>
      Effect.gen(function* () {
        // The train rows are as the model says, the test rows are not.
        const { verdict } = yield* judgeMinutes(
          { charter: minutesCharter(), overfit: { maxGap: 1 } },
          { ...rows, label: "30 + 6 * x + 20 * u - 10", trainLabel: "30 + 10 * x" },
        );
        assert.strictEqual(outcomes(verdict)["not overfitted"], "failed");
      }),
    ),
  );
});

describe("classes", () => {
  it.effect("pass all of them", () =>
    recording(() =>
      Effect.gen(function* () {
        const { verdict, evaluation } = yield* judgeWays(
          {
            charter: waysCharter({ budgets }),
            fairness: {
              by: ["town"],
              maxCostDifference: 1,
              favourable: { choices: ["boat"], rates: ["selection"], fourFifths: true },
            },
            ...further,
          },
          { ...rows, perDay: 400 },
        );
        assert.deepStrictEqual(Object.entries(outcomes(verdict)).slice(5), [
          ["fair: like rates", "passed"],
          ["fair: like costs", "passed"],
          ["fair: four-fifths rule", "passed"],
          ["no weak segment", "passed"],
          ["robust", "passed"],
          ["not overfitted", "passed"],
          ["within budget: a prediction (p99)", "passed"],
          ["within budget: the stored model", "passed"],
          ["within budget: the loaded model", "passed"],
        ]);
        // One rate and one cost, of three towns.
        assert.strictEqual(evaluation.fairness?.differences.length, 6);
        assert.strictEqual(evaluation.overfit?.test.rows, 8000);
      }),
    ),
  );

  it.effect("fail by segment, and by outage", () =>
    recording(() =>
      Effect.gen(function* () {
        // In town B, everything goes by van, whatever x says.
        const label = `CASE WHEN i % 3 = 1 THEN 'van'
          WHEN x < 0 THEN 'bike' ELSE 'boat' END`;
        const { verdict } = yield* judgeWays(
          {
            charter: waysCharter(),
            fairness: { by: ["town"], maxCostDifference: 1 },
            segments: { columns: ["town"] },
            robustness: { maxFall: 0.2, outages: ["x"] },
          },
          { ...rows, label },
        );
        const found = outcomes(verdict);
        assert.strictEqual(found["fair: like costs"], "failed");
        assert.strictEqual(found["no weak segment"], "failed");
        assert.strictEqual(found["robust"], "failed");
        assert.match(
          verdict.evidence.find(({ gate }) => gate === "no weak segment")?.found ?? "",
          /town is B: [\d.]+ EUR per delivery more/,
        );
      }),
    ),
  );
});

it("refuse what cannot be asked", () => {
  const numbers = (options: object) => () =>
    Evaluate.regression(Minutes, { charter: minutesCharter(), ...options });
  assert.throws(numbers({ segments: { columns: ["way"] } }), /has no column "way"/);
  assert.throws(numbers({ fairness: { by: ["town"] } }), /maxCostDifference/);
  const classes = (options: object) => () =>
    Evaluate.classification(Ways, { charter: waysCharter(), ...options });
  assert.throws(classes({ robustness: { maxFall: 1, outages: ["y"] } }), /no feature "y"/);
});
