/** Golden rows whose label is a number or a class: right is what costs no more than it must. */
import { assert, describe, it } from "@effect/vitest";
import { type Contract, Digest, Verdict } from "@ml-pipe/core";
import { type Estimator, GoldenSet, Model, type Release, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  Minutes,
  minutesCharter,
  minutesModel,
  minutesTables,
  Ways,
  ways,
  waysCharter,
  waysModel,
  waysTables,
} from "../test-fixtures/deliveries.ts";
import { recording } from "../test-fixtures/trips.ts";
import * as GoldenGate from "./GoldenGate.ts";

/** Twenty golden rows: x from −2 to 2, far from any x of the training rows. */
const goldenSql = (label: string) =>
  `SELECT "at", x, peek, town, label FROM (SELECT i, TIMESTAMP '2020-01-01' + to_days(i::INTEGER) AS "at",
    (i - 9.5) / 5 AS x, NULL::DOUBLE AS peek, if(i > 17, 'A', 'B') AS town, ${label} AS label
    FROM (SELECT *, (i - 9.5) / 5 AS x FROM range(20) t(i))) ORDER BY i`;

const passedBy = (model: Model.AnyModel, charter: Digest.Digest) =>
  Verdict.judge(
    [{ name: "before", check: () => ({ outcome: "passed", expected: "", found: "", next: "" }) }],
    null,
    { model: model.document.digest, charter, testSet: Digest.ofBytes("test") },
  );

const released = <C extends Contract.Contract>(
  model: Model.Model<C>,
  verdict: Verdict.Verdict,
): Release.Release<C> => ({
  name: "deliveries",
  version: 3,
  model,
  verdict,
  charter: verdict.charter,
  request: Minutes.source.spec,
  decision: "",
  histories: model.document,
  knownUntil: new Date(0),
  releasedAt: new Date(0),
});

const held = (table: Table.AnyTable) => ({
  version: "1.0.0",
  path: "unused",
  digest: Table.digestOf(table),
});

const trainedOn = (train: Table.AnyTable) => ({
  split: train.split,
  table: Table.digestOf(train),
  rows: train.rows,
});

describe("numbers", () => {
  const minutes = minutesCharter();
  /** Of 30 + 10 x exactly, by a candidate that is so many minutes off. */
  const run = Effect.fnUntraced(function* (
    off: number,
    inPlace: number | null,
    options: { readonly tolerance: number; readonly mustPass?: boolean } = { tolerance: 5 },
  ) {
    const golden = yield* Table.write(Minutes.contract, "golden", {
      query: goldenSql("30 + 10 * x"),
    });
    const { train } = yield* minutesTables({ perDay: 5 });
    const store = (estimator: Estimator.Estimator) =>
      Model.store(Minutes, { estimator, kind: "hand-made model", trainedOn: trainedOn(train) });
    const model = yield* store(minutesModel(off));
    const verdict = passedBy(model, minutes.digest);
    const stage = GoldenGate.noRegression(
      GoldenSet.make("known-trips", { of: Minutes, ...held(golden) }),
      {
        charter: minutes,
        tolerance: options.tolerance,
        ...(options.mustPass === true ? { mustPass: ($) => $.x.gt(1) } : {}),
      },
    );
    const before = inPlace === null ? null : released(yield* store(minutesModel(inPlace)), verdict);
    return yield* stage.run({ verdict, model, train, golden, released: before });
  });

  it.effect("are right within the tolerance, and charged by their error", () =>
    recording(({ exhibits }) =>
      Effect.gen(function* () {
        // Half an hour for everything is within five minutes where x is −0.5 to 0.5: of six rows.
        const { verdict, comparison } = yield* run(2, null, { tolerance: 5, mustPass: true });
        assert.strictEqual(verdict.status, "passed");
        const { correct, correctInPlace, losses, wins, cost, mustPass } = comparison;
        assert.deepStrictEqual([correct, correctInPlace, losses, wins], [20, 6, 0, 14]);
        assert.closeTo(cost.candidate, 2, 1e-9);
        assert.closeTo(cost.inPlace, 10, 1e-9);
        assert.deepStrictEqual(mustPass, { rows: 5, failed: 0 });
        assert.include(
          exhibits[0]?._tag === "table" ? exhibits[0].rows.map(([what]) => what) : [],
          "mean cost, min per delivery",
        );
      }),
    ),
  );

  it.effect("fail where they lose what the release has within it", () =>
    recording(() =>
      Effect.gen(function* () {
        const { verdict, comparison } = yield* run(6, 1, { tolerance: 5, mustPass: true });
        assert.strictEqual(verdict.status, "rejected");
        assert.strictEqual(comparison.against, "deliveries@3");
        assert.deepStrictEqual([comparison.losses, comparison.wins], [20, 0]);
        assert.deepStrictEqual(
          verdict.evidence.map(({ outcome }) => outcome),
          ["passed", "failed", "failed"],
        );
        const wide = yield* run(6, 1, { tolerance: 7 });
        assert.strictEqual(wide.verdict.status, "passed");
      }),
    ),
  );

  it("need a tolerance that is a cost", () => {
    const make = (tolerance: number) => () =>
      GoldenGate.noRegression(
        GoldenSet.make("known-trips", {
          of: Minutes,
          version: "1.0.0",
          path: "unused",
          digest: Digest.ofBytes(""),
        }),
        { charter: minutes, tolerance },
      );
    assert.throws(make(NaN), /the tolerance is NaN/);
    assert.throws(make(-1), /the tolerance is -1/);
  });
});

describe("classes", () => {
  const charter = waysCharter();
  const run = Effect.fnUntraced(function* (sharpness: number, inPlace: number | null) {
    const golden = yield* Table.write(Ways.contract, "golden", {
      query: goldenSql("CASE WHEN x < 0 THEN 'bike' ELSE 'boat' END"),
    });
    const { train } = yield* waysTables({ perDay: 5 });
    const store = (by: number) =>
      Model.store(Ways, {
        estimator: waysModel(by),
        signature: { _tag: "classes", classes: ways },
        kind: "hand-made model",
        trainedOn: trainedOn(train),
      });
    const model = yield* store(sharpness);
    const verdict = passedBy(model, charter.digest);
    const { classCosts } = charter.spec.metric;
    const before =
      inPlace === null ? null : { ...released(yield* store(inPlace), verdict), classCosts };
    return yield* GoldenGate.noRegression(
      GoldenSet.make("known-ways", { of: Ways, ...held(golden) }),
      { charter },
    ).run({ verdict, model, train, golden, released: before });
  });

  it.effect("are right where the cheapest choice for the class is made", () =>
    recording(() =>
      Effect.gen(function* () {
        const better = yield* run(1000, null);
        assert.strictEqual(better.verdict.status, "passed");
        // By van, no golden row is right: bikes cost 2 and boats 9.
        const { correct, correctInPlace, wins, cost } = better.comparison;
        assert.deepStrictEqual([correct, correctInPlace, wins], [20, 0, 20]);
        assert.deepStrictEqual(cost, { candidate: 0, inPlace: 5.5 });
        const worse = yield* run(-1000, 1000);
        assert.strictEqual(worse.verdict.status, "rejected");
        assert.strictEqual(worse.comparison.losses, 20);
      }),
    ),
  );
});
