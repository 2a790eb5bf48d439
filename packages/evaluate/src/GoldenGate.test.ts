import { assert, describe, it } from "@effect/vitest";
import { Digest, Verdict } from "@ml-pipe/core";
import { type Estimator, GoldenSet, type Model, type Release, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  charterWith,
  modelOf,
  recording,
  rightModel,
  TripFeatures,
  trainTripsOf,
} from "../test-fixtures/trips.ts";
import * as Schema from "effect/Schema";
import * as GoldenGate from "./GoldenGate.ts";

type Trips = typeof TripFeatures.contract;
const charter = charterWith();
const decodeVerdict = Schema.decodeUnknownResult(Verdict.Verdict);

/** Decides late from `from` on: sigmoid(1000 · (x − from)). */
const stepAt = (from: number): Estimator.LinearModel => ({
  ...rightModel,
  intercepts: [-1000 * from],
  coefficients: [[1000, 0]],
});

/** Twenty golden rows, x from 0 to 19, late from 10 on; far from any x of the training rows. */
const goldenRows = Table.write(TripFeatures.contract, "golden", {
  query: `SELECT * FROM (SELECT i::DOUBLE AS x, NULL::DOUBLE AS peek, TIMESTAMP '2020-01-01' + to_days(i::INTEGER) AS at,
    if(i > 17, 'A', 'B') AS origin, i >= 10 AS label FROM range(20) t(i)) ORDER BY "at"`,
});

const run = Effect.fnUntraced(function* (
  estimator: Estimator.Estimator,
  options: {
    readonly released?: Estimator.Estimator;
    readonly gate?: Partial<GoldenGate.GoldenOptions<Trips>>;
    readonly train?: Table.Table<Trips, "train">;
    readonly verdictOf?: Model.AnyModel;
    readonly trainedOn?: Partial<Model.AnyModel["trainedOn"]>;
    readonly digest?: Digest.Digest;
  } = {},
) {
  const rows = yield* goldenRows;
  const golden = GoldenSet.make("hard-trips", {
    version: "1.0.0",
    of: TripFeatures,
    path: "unused",
    digest: options.digest ?? Table.digestOf(rows),
  });
  const model = yield* modelOf(estimator, options.trainedOn);
  const passed: Verdict.Gate<unknown> = {
    name: "before",
    check: () => ({ outcome: "passed", expected: "", found: "", next: "" }),
  };
  const verdict = Verdict.judge([passed], null, {
    model: (options.verdictOf ?? model).document.digest,
    charter: charter.digest,
    testSet: Digest.ofBytes("test"),
  });
  const released =
    options.released === undefined ? null : releaseOf(yield* modelOf(options.released), verdict);
  const train = options.train ?? (yield* trainTripsOf());
  return yield* GoldenGate.noRegression(golden, { charter, ...options.gate }).run({
    verdict,
    model,
    train,
    golden: rows,
    released,
  });
});

const releaseOf = (
  model: Model.Model<Trips>,
  verdict: Verdict.Verdict,
): Release.Release<Trips> => ({
  name: "trips",
  version: 3,
  model,
  verdict,
  charter: charter.digest,
  request: TripFeatures.source.spec,
  decision: "",
  threshold: 0.5,
  histories: model.document,
  knownUntil: new Date(0),
  releasedAt: new Date(0),
});

describe("no regression", () => {
  it.effect("passes a candidate that loses nothing, and adds its evidence to the verdict", () =>
    recording(({ exhibits }) =>
      Effect.gen(function* () {
        const { verdict, comparison } = yield* run(stepAt(9.5), { released: stepAt(12.5) });
        assert.strictEqual(verdict.status, "passed");
        assert.strictEqual(comparison.against, "trips@3");
        assert.deepStrictEqual(
          [comparison.correct, comparison.correctInPlace, comparison.losses, comparison.wins],
          [20, 17, 0, 3],
        );
        assert.deepStrictEqual(
          verdict.evidence.map(({ gate }) => gate),
          ["before", "golden hard-trips@1.0.0: no regression"],
        );
        // A verdict whose digest does not follow from its evidence would be refused.
        yield* Effect.fromResult(decodeVerdict(verdict));
        assert.strictEqual(exhibits[0]?.title, "Golden set hard-trips@1.0.0");
      }),
    ),
  );

  it.effect("fails one that loses more rows than chance explains, and names them", () =>
    recording(() =>
      Effect.gen(function* () {
        const { verdict, comparison } = yield* run(stepAt(14.5), { released: stepAt(9.5) });
        assert.strictEqual(verdict.status, "rejected");
        assert.deepStrictEqual(comparison.lost, [10, 11, 12, 13, 14]);
        assert.strictEqual(comparison.pValue, 1 / 32);
        assert.include(verdict.evidence.at(-1)?.found, "5 lost (row 10, 11, 12, 13, 14), 0 won");
      }),
    ),
  );

  it.effect("is inconclusive where a few more are lost than won", () =>
    recording(() =>
      Effect.gen(function* () {
        const { verdict } = yield* run(stepAt(11.5), { released: stepAt(9.5) });
        assert.strictEqual(verdict.status, "inconclusive");
      }),
    ),
  );

  it.effect("compares with the charter's baseline before the first release", () =>
    recording(() =>
      Effect.gen(function* () {
        // The rule of thumb acts from x > 1.5 and is wrong for x = 2 to 9.
        const { verdict, comparison } = yield* run(stepAt(9.5));
        assert.strictEqual(comparison.against, "rule of thumb");
        assert.strictEqual(comparison.correctInPlace, 12);
        assert.strictEqual(verdict.status, "passed");
      }),
    ),
  );
});

describe("must pass", () => {
  const mustPass: GoldenGate.GoldenOptions<Trips>["mustPass"] = ($) => $.origin.equals("A");

  it.effect("rejects a candidate that gets one of these rows wrong, whatever it wins", () =>
    recording(() =>
      Effect.gen(function* () {
        const options = { released: stepAt(-1), gate: { mustPass } };
        const { verdict, comparison } = yield* run(stepAt(18.5), options);
        assert.deepStrictEqual(comparison.mustPass, { rows: 2, failed: 1 });
        assert.strictEqual(verdict.status, "rejected");
        assert.include(verdict.evidence.at(-1)?.found, "1 of 2 are not (row 18)");
        assert.strictEqual((yield* run(stepAt(9.5), options)).verdict.status, "passed");
      }),
    ),
  );

  it.effect("is inconclusive where no row is one", () =>
    recording(() =>
      Effect.gen(function* () {
        const gate = { mustPass: (($) => $.origin.equals("Z")) as typeof mustPass };
        const { verdict } = yield* run(stepAt(9.5), { gate });
        assert.strictEqual(verdict.status, "inconclusive");
      }),
    ),
  );
});

describe("refuses", () => {
  it.effect("a model that was trained on a golden row", () =>
    recording(() =>
      Effect.gen(function* () {
        const rows = yield* goldenRows;
        const query = `SELECT * FROM ${yield* Table.relation(rows)} WHERE x > 17 ORDER BY "at"`;
        const train = yield* Table.write(TripFeatures.contract, "train", {
          query,
          split: "split-one",
        });
        const trainedOn = { table: Table.digestOf(train) };
        const error = yield* Effect.flip(run(stepAt(9.5), { train, trainedOn }));
        assert.strictEqual(error._tag, "GoldenRowsInTraining");
        assert.include(error.message, "2 rows of the training table (row 0, 1)");
      }),
    ),
  );

  it.effect("another train table, another golden table, a verdict on another model", () =>
    recording(() =>
      Effect.gen(function* () {
        const train = yield* trainTripsOf({ days: 3 });
        assert.strictEqual(
          (yield* Effect.flip(run(stepAt(9.5), { train })))._tag,
          "OtherTrainTable",
        );
        const digest = Digest.ofBytes("another");
        assert.strictEqual(
          (yield* Effect.flip(run(stepAt(9.5), { digest })))._tag,
          "OtherGoldenSet",
        );
        const verdictOf = yield* modelOf(stepAt(1));
        assert.strictEqual(
          (yield* Effect.flip(run(stepAt(9.5), { verdictOf })))._tag,
          "OtherModel",
        );
      }),
    ),
  );
});
