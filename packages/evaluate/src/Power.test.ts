/** Power before training: what stops the run, what is inconclusive, and the numbers. */
import { assert, describe, it } from "@effect/vitest";
import { Power } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import {
  Minutes,
  minutesCharter,
  minutesTables,
  Ways,
  waysCharter,
  waysTables,
} from "../test-fixtures/deliveries.ts";
import {
  charterWith,
  recording,
  trainTripsOf,
  TripFeatures,
  tripsOf,
} from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";

type Options = Partial<Evaluate.PowerOptions>;

const asked = (
  options: Options & { readonly smallestGain?: number; readonly killOn?: string },
  trips: { readonly days: number; readonly perDay: number } = { days: 30, perDay: 200 },
  train: Parameters<typeof trainTripsOf>[0] = { days: 40, perDay: 200 },
) =>
  Effect.gen(function* () {
    const { smallestGain = 0.5, killOn = "2027-12-31", ...rest } = options;
    const charter = charterWith({ smallestGain, killOn });
    const stage = Evaluate.power(TripFeatures, { charter, ...rest });
    return yield* stage.run({
      train: yield* trainTripsOf(train),
      test: yield* tripsOf(trips),
    });
  });

describe("is sufficient", () => {
  it.effect("where the test is long and the gain large", () =>
    recording(({ findings, exhibits }) =>
      Effect.gen(function* () {
        const { power, train } = yield* asked({ smallestGain: 2 });
        assert.deepStrictEqual(findings, []);
        assert.strictEqual(power.status, "sufficient");
        assert.strictEqual(train.role, "train");
        assert.deepStrictEqual(
          exhibits.map(({ title }) => title),
          ["What a test needs", "Chance to pass, by the model's true gain"],
        );
        const { basis, test, experiment } = power;
        assert.deepInclude(test, { rows: 6000, blocks: 30 });
        assert.deepInclude(basis, { rows: 8000, blocks: { by: "day", count: 40 } });
        // ln(1 + e^(x − 1)) from −3 to 3, over 6, is 0.3515: the share that is late, of which each costs 15.
        assert.closeTo(basis.baselineCost - basis.largestGain, 15 * 0.3515, 0.2);
        assert.strictEqual(experiment.unit, "row");
        assert.strictEqual(experiment.perDay, 200);
        const inverse = Power.ofMean({
          difference: test.detectable.expected,
          sd: test.standardError.expected * Math.sqrt(30),
          count: 30,
        });
        assert.closeTo(Result.getOrThrow(inverse), 0.8, 1e-6);
      }),
    ),
  );

  it.effect("the same whatever the order of rows, and with more looks less", () =>
    recording(() =>
      Effect.gen(function* () {
        const first = yield* asked({});
        const again = yield* asked({});
        assert.deepStrictEqual(again.power, first.power);
        const { power } = yield* asked({ looks: 5 });
        assert.strictEqual(power.level, 0.99);
        assert.isAbove(power.test.detectable.expected, first.power.test.detectable.expected);
      }),
    ),
  );
});

it.effect("knows the noise of rows exactly", () =>
  recording(() =>
    Effect.gen(function* () {
      const { power } = yield* asked({ blocks: "row", correlation: 0.5, smallestGain: 3 });
      const { test, basis } = power;
      const variance = (test.standardError.expected * Math.sqrt(test.rows)) ** 2;
      // The rule warns a quarter (15 each) and misses 0.3515 − 0.1921 of them (60 each).
      const [mean, square] = [0.25 * 15 + 0.1593 * 60, 0.25 * 15 ** 2 + 0.1593 * 60 ** 2];
      assert.closeTo(basis.baselineCost, mean, 0.3);
      assert.closeTo(variance, square - mean ** 2, 15);
      const perArm = Power.perArmForMeans({ difference: 3, sd: Math.sqrt(variance) });
      assert.closeTo(power.experiment.perArm.expected, Result.getOrThrow(perArm), 1e-6);
    }),
  ),
);

describe("of numbers", () => {
  it.effect("the noise of what the baseline's errors cost, and no bound whatever the model", () =>
    recording(() =>
      Effect.gen(function* () {
        const { train, data } = yield* minutesTables({ perDay: 400 });
        const charter = minutesCharter();
        const stage = Evaluate.power(Minutes, { charter, blocks: "row" });
        const { power } = yield* stage.run({ train, test: data });
        assert.strictEqual(power.status, "sufficient");
        const { basis, test } = power;
        // |10 x + u| with x in ±3 and u in ±10: 15 + 5 / 9 on average, and the square 300 + 100 / 3.
        assert.closeTo(basis.baselineCost, 15 + 5 / 9, 0.3);
        assert.strictEqual(basis.largestGain, basis.baselineCost);
        const variance = (test.standardError.expected * Math.sqrt(test.rows)) ** 2;
        assert.closeTo(variance, 300 + 100 / 3 - (15 + 5 / 9) ** 2, 3);
        assert.strictEqual(test.standardError.least, 0);
        assert.strictEqual(test.detectable.least, 0);
        const perArm = Power.perArmForMeans({ difference: 1, sd: Math.sqrt(variance) });
        assert.closeTo(power.experiment.perArm.expected, Result.getOrThrow(perArm), 1e-6);
        const impossible = minutesCharter({ smallestGain: 20 });
        const error = yield* Effect.flip(
          Evaluate.power(Minutes, { charter: impossible }).run({ train, test: data }),
        );
        assert.strictEqual(error._tag, "GainImpossible");
      }),
    ),
  );
});

describe("of classes", () => {
  it.effect("what the wrong choice costs, and the least noise that any model has", () =>
    recording(() =>
      Effect.gen(function* () {
        const { train, data } = yield* waysTables({ perDay: 400 });
        const stage = Evaluate.power(Ways, { charter: waysCharter(), blocks: "row" });
        const { power } = yield* stage.run({ train, test: data });
        const { basis, test } = power;
        // Everything by van costs 2 for a bike and 9 for a boat, and foresight costs nothing.
        assert.strictEqual(basis.largestGain, basis.baselineCost);
        // No two choices for one class are between 0 and 2 apart, and the smallest gain is 0.5.
        const least = Math.sqrt(0.5 * (2 - 0.5));
        assert.closeTo(test.standardError.least, least / Math.sqrt(test.rows), 1e-12);
        const few = yield* waysTables({ days: 1, perDay: 8 });
        const error = yield* Effect.flip(
          Evaluate.power(Ways, { charter: waysCharter() }).run({ train, test: few.data }),
        );
        assert.strictEqual(error._tag, "TestTooSmall");
        const other = yield* waysTables({ trainLabel: "'raft'" });
        const unknown = yield* Effect.flip(stage.run({ train: other.train, test: data }));
        assert.strictEqual(unknown._tag, "UnknownClasses");
        assert.include(unknown.message, '"raft"');
      }),
    ),
  );
});

describe("stops the run", () => {
  it.effect("where perfect foresight would not save as much", () =>
    recording(() =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(asked({ smallestGain: 50 }));
        assert.strictEqual(error._tag, "GainImpossible");
        assert.match(error.message, /^no model can save 50 EUR per trip .* would save \d+/);
      }),
    ),
  );

  it.effect("where the test rows drown the gain, whatever the model", () =>
    recording(() =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(asked({ smallestGain: 0.5 }, { days: 2, perDay: 50 }));
        assert.strictEqual(error._tag, "TestTooSmall");
        assert.match(error.message, /the 100 test rows in 2 days cannot tell a gain of 0.5/);
        assert.match(error.message, /Test on at least \d+ days/);
      }),
    ),
  );

  it.effect("where no A/B test ends before the kill date", () =>
    recording(() =>
      Effect.gen(function* () {
        // It is 2026-11-24.
        const error = yield* Effect.flip(asked({ killOn: "2026-12-10" }));
        assert.strictEqual(error._tag, "NoHonestTest");
        assert.match(
          error.message,
          /no honest A\/B test of 0.5 .* before the kill date 2026-12-10/,
        );
        assert.match(error.message, /200 rows a day are [\d,]+ days, and 15 are left/);
        const { power } = yield* asked({
          killOn: "2026-12-10",
          experiment: { perDay: 1_000_000 },
        });
        assert.isBelow(power.experiment.days?.expected ?? Infinity, 15);
      }),
    ),
  );

  it.effect("where nothing has an outcome", () =>
    recording(() =>
      Effect.gen(function* () {
        const none = { days: 40, perDay: 10, label: "CAST(NULL AS BOOLEAN)" };
        const error = yield* Effect.flip(asked({}, undefined, none));
        assert.strictEqual(error._tag, "NoOutcomes");
        const empty = yield* Effect.flip(asked({}, { days: 0, perDay: 1 }));
        assert.include(empty.message, "rows of the test table have an outcome");
      }),
    ),
  );
});

it.effect("is inconclusive, and says why, where only the expected noise is too large", () =>
  recording(({ findings }) =>
    Effect.gen(function* () {
      const { power } = yield* asked(
        { smallestGain: 2, correlation: -1 },
        { days: 12, perDay: 100 },
        { days: 6, perDay: 200 },
      );
      assert.strictEqual(power.status, "inconclusive");
      assert.strictEqual(findings.length, power.because.length);
      assert.include(power.because.join("\n"), "the noise is known from 6 days only");
      assert.include(power.because.join("\n"), "varies less than is to be expected");
      assert.include(findings[0]?.next, "The verdict needs between");
    }),
  ),
);

it("refuses options that say nothing", () => {
  const charter = charterWith();
  const bad = { charter, power: 1, level: 0, looks: 0, correlation: 1, experiment: { perDay: 0 } };
  assert.throws(
    () => Evaluate.power(TripFeatures, bad),
    /level is 0.*power is 1.*looks is 0.*correlation is 1.*perDay is 0/,
  );
});
