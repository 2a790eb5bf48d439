/** Verdicts on rows that were decided at no instant: the bootstrap draws rows, or whole groups. */
import { assert, describe, it } from "@effect/vitest";
import { Column, Contract, Store } from "@ml-pipe/core";
import { FeatureSet, Model, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { charterWith, recording, rightModel } from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";
import { blocksOf } from "./internal/blocks.ts";

const charter = charterWith();
const options = {
  version: "1",
  owner: "dispatch",
  columns: {
    driver: Column.string(),
    x: Column.float(),
    peek: Column.float({ nullable: true }),
    late: Column.boolean({ availableAt: "outcome" }),
  },
} as const;
const Trip = Contract.make("trip", options);
const DriverTrip = Contract.make("driver-trip", { ...options, group: "driver" });
const TripFeatures = FeatureSet.make("trip-features", {
  version: "1",
  of: Trip,
  keep: ["driver"],
  features: ($) => ({ x: $.x, peek: $.peek }),
  label: ($) => $.late,
});
const DriverFeatures = FeatureSet.make("driver-features", {
  version: "1",
  of: DriverTrip,
  features: ($) => ({ x: $.x, peek: $.peek }),
  label: ($) => $.late,
});

const judge = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
  set: FeatureSet.FeatureSet<C, Out>,
  rows: number,
  blocks?: "row",
) =>
  Effect.gen(function* () {
    const split = "split-one";
    const data = yield* Table.write(set.contract, "test", {
      split,
      query: `SELECT x, NULL::DOUBLE AS peek, 'driver ' || (i % 40) AS driver,
          hash(i * 7 + 1) / 18446744073709551616.0 < 1 / (1 + exp(1 - x)) AS label
        FROM (SELECT i, hash(i) / 18446744073709551616.0 * 6 - 3 AS x FROM range(${rows}) t(i)) ORDER BY i`,
    });
    const train = yield* Table.write(set.contract, "train", {
      split,
      query: "SELECT 1.0::DOUBLE AS x, NULL::DOUBLE AS peek, 'driver 0' AS driver, TRUE AS label",
    });
    const model = yield* Model.store(set, {
      estimator: rightModel,
      kind: "hand-made model",
      trainedOn: { split, table: Table.digestOf(train), rows: 1 },
    });
    return yield* Evaluate.decisions(set, {
      charter,
      ...(blocks === undefined ? {} : { blocks }),
    }).run({ model, train, data });
  }).pipe(Effect.provide(Store.Store.layerMemory));

describe("blocks", () => {
  it("beyond two thousand are drawn in bundles of about one size", () => {
    const few = blocksOf(Float64Array.of(7, 3, 7, 5));
    assert.deepStrictEqual([[...few.index], few.size, few.count], [[2, 0, 2, 1], 3, 3]);
    const many = blocksOf(Float64Array.from({ length: 5000 }, (_, row) => row));
    assert.deepStrictEqual([many.size, many.count], [2000, 5000]);
    const sizes = Array.from({ length: 2000 }, () => 0);
    for (const one of many.index) sizes[one] = (sizes[one] ?? 0) + 1;
    assert.deepStrictEqual([Math.min(...sizes), Math.max(...sizes)], [2, 3]);
  });

  it.effect("are rows where there is neither time nor group", () =>
    recording(() =>
      Effect.gen(function* () {
        const { evaluation, verdict } = yield* judge(TripFeatures, 4000);
        assert.deepStrictEqual(evaluation.blocks, { by: "row", count: 4000 });
        const [gain] = verdict.evidence;
        assert.match(gain?.found ?? "", /interval -?[\d.]+ to -?[\d.]+, from 4,000 decisions$/);
      }),
    ),
  );

  it.effect("are groups where rows belong to one, unless each row is asked for", () =>
    recording(() =>
      Effect.gen(function* () {
        const { evaluation, verdict } = yield* judge(DriverFeatures, 4000);
        assert.deepStrictEqual(evaluation.blocks, { by: "group", count: 40 });
        assert.match(verdict.evidence[0]?.found ?? "", /from 4,000 decisions about 40 groups$/);
        assert.match(verdict.evidence[3]?.expected ?? "", /outcome about at least 2 groups$/);
        const alone = yield* judge(DriverFeatures, 4000, "row");
        assert.deepStrictEqual(alone.evaluation.blocks, { by: "row", count: 4000 });
        // The rows are independent here, so that it makes little difference.
        const width = ({ gain }: Evaluate.Evaluation) =>
          (gain.interval?.upper ?? NaN) - (gain.interval?.lower ?? NaN);
        const ratio = width(evaluation) / width(alone.evaluation);
        assert.isTrue(ratio > 0.7 && ratio < 1.4, `${ratio}`);
      }),
    ),
  );

  it.effect("of one group say nothing", () =>
    recording(() =>
      Effect.gen(function* () {
        const { verdict } = yield* judge(DriverFeatures, 1);
        const [gain, , , enough] = verdict.evidence;
        assert.strictEqual(gain?.outcome, "inconclusive");
        assert.include(gain?.next, "Judge on two groups at the very least");
        assert.include(enough?.next, "Evaluate on more groups");
      }),
    ),
  );
});
