/** The numbers of an evaluation against scikit-learn and numpy. */
import { assert, describe, it } from "@effect/vitest";
import { Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import reference from "../test-fixtures/reference.json" with { type: "json" };
import {
  charterWith,
  judge,
  modelOf,
  recording,
  rightModel,
  TripFeatures,
} from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";
import { costByThreshold } from "./internal/measure.ts";

const { expected, labels, x } = reference;

const close = (found: number | null, right: number, what: string, tolerance = 1e-12): void =>
  assert.isTrue(
    found !== null && Math.abs(found - right) <= tolerance * Math.max(1, Math.abs(right)),
    `${what}: found ${found}, the reference says ${right}`,
  );

const table = Effect.suspend(() =>
  Table.write(TripFeatures.contract, "test", {
    split: "split-one",
    query: `SELECT epoch_ms((i // ${reference.rowsPerDay}) * 86400000) AS "at", x, NULL::DOUBLE AS peek,
      'origin ' || (i % ${reference.origins}) AS origin, label = 1 AS label
      FROM (SELECT unnest(range(${x.length})) AS i, unnest([${x.join(", ")}]::DOUBLE[]) AS x,
        unnest([${[...labels].join(", ")}]) AS label) ORDER BY i`,
  }),
);

describe("against scikit-learn", () => {
  it.effect("says the same about 2,000 rows", () =>
    recording(() =>
      Effect.gen(function* () {
        const data = yield* table;
        const model = yield* modelOf(rightModel);
        const stage = Evaluate.decisions(TripFeatures, {
          charter: charterWith(),
          slices: ["origin"],
          minSliceRows: 100,
        });
        const { evaluation } = yield* judge(stage, { model, data });
        assert.strictEqual(evaluation.rows, 2000);
        assert.deepStrictEqual(evaluation.blocks, { by: "day", count: 20 });
        for (const name of ["model", "baseline", "neverAct", "alwaysAct"] as const) {
          close(evaluation.cost[name].estimate, expected.cost[name], name);
        }
        close(evaluation.gain.estimate, expected.gain, "gain");
        assert.deepStrictEqual(evaluation.confusion, expected.confusion);
        for (const name of [
          "threshold",
          "rocAuc",
          "averagePrecision",
          "logLoss",
          "brierScore",
          "calibrationError",
        ] as const) {
          close(evaluation[name], expected[name], name, 1e-10);
        }
        const bySlice = evaluation.slices.toSorted((a, b) =>
          `${a.value}` < `${b.value}` ? -1 : 1,
        );
        assert.deepStrictEqual(
          bySlice.map(({ value }) => value),
          ["origin 0", "origin 1", "origin 2"],
        );
        for (const [index, { gain }] of bySlice.entries()) {
          close(gain.estimate, expected.gainByOrigin[index] ?? NaN, `gain of slice ${index}`);
        }
      }),
    ),
  );

  it.effect("has the interval of numpy's bootstrap over days, expanded for 20 of them", () =>
    recording(() =>
      Effect.gen(function* () {
        const stage = Evaluate.decisions(TripFeatures, { charter: charterWith() });
        const { evaluation } = yield* judge(stage, {
          model: yield* modelOf(rightModel),
          data: yield* table,
        });
        const { interval } = evaluation.gain;
        const [lower = NaN, upper = NaN] = expected.gainPercentiles;
        assert.isNotNull(interval);
        // Hesterberg 2015: for 20 blocks by sqrt(20 / 19) times t / z = 1.026 x 1.068 = 1.096.
        const wider = (interval.upper - interval.lower) / (upper - lower);
        close(wider, 1.096, "width over the plain percentile interval", 0.05);
        close((interval.upper + interval.lower) / 2, (upper + lower) / 2, "centre", 0.05);
      }),
    ),
  );

  it("has the same cost at every threshold", () => {
    const probability = Float64Array.from(x, (one) => 1 / (1 + Math.exp(1 - one)));
    const label = Float64Array.from(labels, Number);
    const curve = costByThreshold({ probability, label }, charterWith().spec.metric.costs, 10);
    assert.strictEqual(curve.length, expected.costAtThresholds.length);
    for (const [index, [at, cost]] of curve.entries()) {
      const [rightAt = NaN, rightCost = NaN] = expected.costAtThresholds[index] ?? [];
      close(at, rightAt, "threshold");
      close(cost, rightCost, `cost at ${at}`);
    }
  });

  it("counts a probability at the threshold as acting", () => {
    const curve = costByThreshold(
      { probability: Float64Array.of(0.3, 0.7, 1), label: Float64Array.of(1, 1, 1) },
      { truePositive: 0, falsePositive: 0, falseNegative: 3, trueNegative: 0 },
      10,
    );
    assert.deepStrictEqual(
      curve.map(([, cost]) => cost),
      [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2],
    );
  });
});
