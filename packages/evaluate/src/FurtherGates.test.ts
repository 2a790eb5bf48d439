/** Gates that are asked for: each passes on good, fails on bad, and is inconclusive where it cannot tell. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { Artifact, type Charter } from "@ml-pipe/core";
import { type Estimator, Model, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  charterWith,
  constantModel,
  judge,
  modelOf,
  recording,
  rightModel,
  trainTripsOf,
  TripFeatures,
  tripsOf,
} from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";

type Trips = Partial<Parameters<typeof tripsOf>[0]>;
type Options = Partial<Evaluate.DecisionsOptions<"origin", "x" | "peek">>;

const answered = (
  options: Options & { readonly budgets?: Charter.Budgets },
  trips: Trips = {},
  {
    estimator = rightModel,
    train = {},
  }: {
    readonly estimator?: Estimator.Estimator;
    readonly train?: Parameters<typeof trainTripsOf>[0];
  } = {},
) =>
  Effect.gen(function* () {
    const { budgets, ...rest } = options;
    const charter = charterWith(budgets === undefined ? {} : { budgets });
    const stage = Evaluate.decisions(TripFeatures, { charter, ...rest });
    const table = yield* trainTripsOf(train);
    const { verdict, evaluation } = yield* judge(stage, {
      model: yield* modelOf(estimator, { table: Table.digestOf(table), rows: table.rows }),
      train: table,
      data: yield* tripsOf({ days: 20, perDay: 200, ...trips }),
    });
    const evidence = verdict.evidence.slice(5);
    return { verdict, evaluation, evidence, only: evidence[0] ?? assert.fail("no further gate") };
  });

describe("fairness", () => {
  const fairness = { by: ["origin"], fourFifths: { favourable: "act" } } as const;

  it.effect("passes groups that differ in nothing", () =>
    recording(({ exhibits }) =>
      Effect.gen(function* () {
        const half = { origin: "CASE WHEN v < 0.5 THEN 'N' ELSE 'S' END", perDay: 800 };
        const { evidence, evaluation } = yield* answered({ fairness }, half);
        assert.deepStrictEqual(
          evidence.map(({ gate, outcome }) => `${gate}: ${outcome}`),
          ["fair: like rates: passed", "fair: four-fifths rule: passed"],
        );
        // Of two groups, one is the other's others: three rates, not six.
        assert.strictEqual(evaluation.fairness?.differences.length, 3);
        assert.include(
          exhibits.map(({ title }) => title),
          "Groups compared",
        );
      }),
    ),
  );

  it.effect("fails groups of which one is hardly ever warned", () =>
    recording(() =>
      Effect.gen(function* () {
        const apart = { origin: "CASE WHEN x > 0 THEN 'N' WHEN x > -1.5 THEN 'M' ELSE 'S' END" };
        const { evidence, evaluation, verdict } = yield* answered({ fairness }, apart);
        assert.strictEqual(verdict.status, "rejected");
        const [rates, fourFifths] = evidence;
        assert.strictEqual(rates?.outcome, "failed");
        assert.match(
          rates?.found ?? "",
          /acts on 100 % of origin N, .* of others \(difference 0\.9/,
        );
        assert.strictEqual(fourFifths?.outcome, "failed");
        assert.match(fourFifths?.found ?? "", /origin S 0 \(0 % against 100 %\)/);
        // The model acts from x = 1 + ln(1/3) = −0.0986 on: on all of N, on a fifteenth of M.
        const north = evaluation.fairness?.fourFifths.find(({ value }) => value === "N");
        assert.deepInclude(north, { rate: 1, ratio: 1, pValue: null, outcome: "passed" });
      }),
    ),
  );

  it.effect("is inconclusive about small groups, and says so", () =>
    recording(() =>
      Effect.gen(function* () {
        const rare = {
          origin: "CASE WHEN i % 100 = 0 THEN 'R' WHEN v < 0.5 THEN 'N' ELSE 'S' END",
        };
        const { only } = yield* answered({ fairness: { by: ["origin"] } }, rare);
        assert.strictEqual(only.outcome, "inconclusive");
        assert.include(only.found, "1 group with too few rows not compared");
        const few = { origin: "CASE WHEN i % 29 = 0 THEN 'R' ELSE 'N' END" };
        const { only: wide } = yield* answered({ fairness: { by: ["origin"] } }, few);
        assert.strictEqual(wide.outcome, "inconclusive");
        const { only: one } = yield* answered({ fairness: { by: ["origin"] } }, { origin: "'N'" });
        assert.strictEqual(one.outcome, "inconclusive");
      }),
    ),
  );
});

describe("weak segments", () => {
  const segments = { columns: ["origin"] } as const;
  // Of origin B, hardly any trip is late, however bad it looks.
  const label = "CASE WHEN i % 3 = 1 THEN u < 0.02 ELSE u < 1 / (1 + exp(1 - x)) END";

  it.effect("are found, confirmed and named", () =>
    recording(() =>
      Effect.gen(function* () {
        const { only, evaluation } = yield* answered({ segments }, { label, perDay: 300 });
        assert.strictEqual(only.gate, "no weak segment");
        assert.strictEqual(only.outcome, "failed");
        assert.match(only.found, /origin is B: [\d.]+ EUR per trip more \(interval/);
        const [worst] = evaluation.segments?.segments ?? [];
        assert.include(worst?.segment, "origin is B");
        // Where the model acts and the rule does not: −0.0986 < x < 1.5, of 6; there it costs 15 − 60 · 0.02.
        const alone = evaluation.segments?.segments.find(
          ({ segment }) => segment === "origin is B",
        );
        assert.closeTo(alone?.gain.estimate ?? NaN, ((1.5 + 0.0986) / 6) * (60 * 0.02 - 15), 0.4);
      }),
    ),
  );

  it.effect("are not there where none is", () =>
    recording(() =>
      Effect.gen(function* () {
        const { only, evaluation } = yield* answered({ segments });
        assert.strictEqual(only.outcome, "passed");
        assert.isAbove(evaluation.segments?.considered ?? 0, 10);
        assert.isTrue(evaluation.segments?.segments.every(({ confirmed }) => !confirmed));
      }),
    ),
  );

  it.effect("cannot be judged on few rows, or on few blocks", () =>
    recording(() =>
      Effect.gen(function* () {
        const { only } = yield* answered({ segments }, { perDay: 10 });
        assert.strictEqual(only.outcome, "inconclusive");
        assert.include(only.found, "none has enough rows");
        const { only: two } = yield* answered({ segments }, { label, days: 2, perDay: 3000 });
        assert.strictEqual(two.outcome, "inconclusive");
        assert.match(two.found, /too few rows or blocks to judge \d+ segments? that looked weak/);
      }),
    ),
  );
});

describe("robustness", () => {
  it.effect("passes and fails by how much dearer decisions get", () =>
    recording(({ exhibits }) =>
      Effect.gen(function* () {
        const { only, evaluation } = yield* answered({ robustness: { maxFall: 3 } });
        assert.strictEqual(only.gate, "robust");
        assert.strictEqual(only.outcome, "passed");
        assert.deepStrictEqual(
          evaluation.robustness?.changes.map(({ change }) => change),
          [
            "10 % of values missing",
            "noise of 0.1 standard deviations",
            "all values 0.1 standard deviations up",
            "all values 0.1 standard deviations down",
          ],
        );
        assert.strictEqual(exhibits.at(-1)?.title, "If inputs are not as they were");
        const outage = { maxFall: 0.5, outages: ["x"], missing: 0, noise: 0, shift: 0 } as const;
        const down = yield* answered({ robustness: outage });
        assert.strictEqual(down.only.outcome, "failed");
        assert.match(down.only.found, /^no values of x costs [\d.]+ EUR per trip more/);
        // Missing, x counts as 0: the model always warns, which costs 15 on each trip.
        const more = down.evaluation.robustness?.changes[0]?.fall.estimate ?? NaN;
        assert.closeTo(more, 15 - down.evaluation.cost.model.estimate, 1e-9);
      }),
    ),
  );

  it.effect("says so of a model from elsewhere that does not know missing values", () =>
    recording(() =>
      Effect.gen(function* () {
        // The file `blind` of packages/train/test-fixtures/onnx_models.py: a sigmoid of 0.02 x + 0.3 peek.
        const blind =
          "CAo6fAoRCgF4CgF3EgF6IgZNYXRNdWwKFAoBehIGc2NvcmVzIgdTaWdtb2lkEgVncmFwaCoTCAIIARABQgF3SggK16M8mpmZPloXCgF4EhIKEAgBEgwKBhIEcm93cwoCCAJiHAoGc2NvcmVzEhIKEAgBEgwKBhIEcm93cwoCCAFCBAoAEBQ=";
        const folder = yield* (yield* Artifact.ArtifactStore).temporaryFolder;
        const file = path.join(folder, "blind.onnx");
        yield* Effect.promise(() => fs.writeFile(file, Buffer.from(blind, "base64")));
        const train = yield* trainTripsOf();
        const { trainedOn } = yield* modelOf(rightModel, {
          table: Table.digestOf(train),
          rows: train.rows,
        });
        const model = yield* Model.importOnnx(TripFeatures, file, { trainedOn });
        const data = yield* tripsOf({ days: 20, perDay: 20, peek: "v" });
        const stage = Evaluate.decisions(TripFeatures, {
          charter: charterWith(),
          robustness: { maxFall: 3 },
        });
        const error = yield* Effect.flip(judge(stage, { model, train, data }));
        assert.match(
          String(error),
          /gives no number for \d+ of 400 scores when features are missing/,
        );
      }).pipe(Effect.scoped),
    ),
  );

  it.effect(
    "costs nothing where the model sees nothing, and is inconclusive across the limit",
    () =>
      recording(() =>
        Effect.gen(function* () {
          const still = yield* answered(
            { robustness: { maxFall: 0 } },
            {},
            { estimator: constantModel(0.3) },
          );
          assert.strictEqual(still.only.outcome, "passed");
          const { evaluation } = yield* answered({ robustness: { maxFall: 3 } });
          const fall = evaluation.robustness?.changes[0]?.fall.estimate ?? NaN;
          const { only } = yield* answered({ robustness: { maxFall: fall } });
          assert.strictEqual(only.outcome, "inconclusive");
          const none = yield* answered({
            robustness: { maxFall: 1, missing: 0, noise: 0, shift: 0 },
          });
          assert.strictEqual(none.only.outcome, "inconclusive");
        }),
      ),
  );
});

describe("overfitting", () => {
  it.effect("is the gap of the gains, with an interval", () =>
    recording(() =>
      Effect.gen(function* () {
        const train = { days: 20, perDay: 200 };
        const { only } = yield* answered({ overfit: { maxGap: 2 } }, {}, { train });
        assert.strictEqual(only.gate, "not overfitted");
        assert.strictEqual(only.outcome, "passed");
        // As if the model knew the train rows by heart.
        const heart = { ...train, label: "x > -0.0986" };
        const learned = yield* answered({ overfit: { maxGap: 2 } }, {}, { train: heart });
        assert.strictEqual(learned.only.outcome, "failed");
        const { gap, train: on, test } = learned.evaluation.overfit ?? assert.fail("no numbers");
        assert.strictEqual(gap.estimate, on.estimate - test.estimate);
        const { only: open } = yield* answered(
          { overfit: { maxGap: gap.estimate } },
          {},
          { train: heart },
        );
        assert.strictEqual(open.outcome, "inconclusive");
        const day = { days: 1, perDay: 500 };
        const { only: one } = yield* answered({ overfit: { maxGap: 2 } }, {}, { train: day });
        assert.strictEqual(one.outcome, "inconclusive");
        assert.include(one.found, "without an interval");
      }),
    ),
  );
});

describe("budgets", () => {
  it.effect("are measured where the charter names them", () =>
    recording(({ exhibits }) =>
      Effect.gen(function* () {
        const wide = { latencyMillis: 1000, modelBytes: 100_000, memoryBytes: 1e9 };
        const { evidence, evaluation } = yield* answered({ budgets: wide });
        assert.deepStrictEqual(
          evidence.map(({ gate, outcome }) => `${gate}: ${outcome}`),
          [
            "within budget: a prediction (p99): passed",
            "within budget: the stored model: passed",
            "within budget: the loaded model: passed",
          ],
        );
        const { latencyMillis } = evaluation.budgets ?? assert.fail("no numbers");
        // In steps, so that the next run says the same.
        assert.match(String(latencyMillis?.toExponential()), /^[125]e/);
        assert.strictEqual(exhibits.at(-1)?.title, "Budgets");
        const { evidence: tight } = yield* answered({ budgets: { modelBytes: 10 } });
        assert.deepStrictEqual(
          tight.map(({ outcome }) => outcome),
          ["failed"],
        );
        assert.match(tight[0]?.found ?? "", /^more, about [\d,]+ bytes, measured in this run/);
      }),
    ),
  );
});

it("refuses what cannot be asked", () => {
  const charter = charterWith();
  const make = (options: object) => () => Evaluate.decisions(TripFeatures, { charter, ...options });
  assert.throws(make({ fairness: { by: [] } }), /fairness: by names no column/);
  assert.throws(make({ fairness: { by: ["late"] } }), /has no column "late"/);
  assert.throws(make({ segments: { columns: ["late"] } }), /has no column "late"/);
  assert.throws(make({ segments: { most: 0 } }), /segments: most is 0/);
  assert.throws(make({ robustness: { maxFall: NaN, missing: 2 } }), /maxFall is NaN.*missing is 2/);
  assert.throws(make({ robustness: { maxFall: 1, outages: ["y"] } }), /no feature "y"/);
  assert.throws(make({ overfit: { maxGap: Infinity } }), /maxGap is Infinity/);
});
