/** Signals, what is not judged and says so, and what the stage refuses. */
import { assert, describe, it } from "@effect/vitest";
import { Artifact, Hook } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { writeFile } from "node:fs/promises";
import {
  charter,
  type Recorded,
  recording,
  releaseOn,
  rightModel,
  TripFeatures,
  tripsOf,
} from "../test-fixtures/trips.ts";
import * as Monitor from "./Monitor.ts";

type Live = Parameters<typeof tripsOf>[1];

const month = { days: 28, perDay: 300 };
const fortnight: Live = { days: 14, perDay: 300 };

const watch = (live: Live, options: Partial<Monitor.DailyOptions<"x" | "weekday">> = {}) =>
  Effect.gen(function* () {
    const train = yield* tripsOf("train", month);
    return yield* Monitor.daily(TripFeatures, { charter, ...options }).run({
      release: yield* releaseOn(train),
      reference: train,
      live: yield* tripsOf("live", live),
    });
  });

const observed = ({ signals }: Recorded, signal: "DataDrift" | "MetricDrop") =>
  signals.filter((one) => one.signal === signal);

const checks = ({ findings }: Recorded) => findings.map(({ check }) => check);

describe("drift", () => {
  it.effect("of a stable stream stays below the threshold, on every day of the week", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        const { days } = yield* watch({ days: 28, perDay: 300 });
        const drift = observed(recorded, "DataDrift");
        assert.strictEqual(drift.length, 28);
        assert.isTrue(
          drift.every(({ value }) => value < 0.1),
          `${drift.map(({ value }) => value)}`,
        );
        // A weekday alone is as far from the week as can be; the window of seven days is not.
        const last = days.at(-1)?.features.find(({ feature }) => feature === "weekday");
        assert.isAbove(last?.dayPsi ?? NaN, 7);
        assert.isBelow(last?.windowPsi ?? NaN, 1e-12);
        const hook = Hook.rerun({ armAt: 0.2 });
        assert.isTrue(Hook.replay(hook.policy, drift).every(({ act }) => !act));
        assert.deepStrictEqual(checks(recorded), ["monitor.window"]);
      }),
    ),
  );

  it.effect("injected on a day is seen on that day and not before, and a hook acts once", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        yield* watch({ days: 21, perDay: 300, x: "CASE WHEN day >= 10 THEN x0 + 3 ELSE x0 END" });
        const drift = observed(recorded, "DataDrift");
        assert.deepStrictEqual(
          drift.map(({ value }) => value >= 0.2),
          drift.map((_, day) => day >= 10),
        );
        const first = drift[10];
        // The end of 15 February.
        assert.strictEqual(first?.at.toISOString(), "2001-02-16T00:00:00.000Z");
        assert.deepInclude(first?.payload, { day: "2001-02-15", feature: "x", rows: 300 });

        const confirmed = Hook.rerun({ armAt: 0.2, confirm: 3, coolDown: "7 days" });
        const acted = Hook.replay(confirmed.policy, drift).filter(({ act }) => act);
        assert.deepStrictEqual(
          acted.map(({ at }) => at.toISOString().slice(0, 10)),
          ["2001-02-18"],
        );
      }),
    ),
  );

  it.effect("that is slow is seen in the window", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        const { days } = yield* watch({ days: 28, perDay: 300, x: "x0 + day / 14.0" });
        const drift = observed(recorded, "DataDrift");
        assert.isBelow(drift[7]?.value ?? NaN, 0.2);
        assert.isAbove(drift[27]?.value ?? NaN, 0.2);
        assert.isAbove(days[27]?.features[0]?.windowPsi ?? NaN, 0.2);
      }),
    ),
  );

  it.effect("of values that go missing is seen", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        const { days } = yield* watch({
          ...fortnight,
          x: "CASE WHEN day >= 8 AND i % 2 = 0 THEN NULL ELSE x0 END",
        });
        const drift = observed(recorded, "DataDrift");
        assert.isBelow(drift[7]?.value ?? NaN, 0.2);
        assert.isAbove(drift[8]?.value ?? NaN, 0.2);
        assert.strictEqual(days[8]?.features[0]?.missing, 0.5);
      }),
    ),
  );

  it.effect("of a weekday that stays away is seen once the window shows it", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        yield* watch({ ...fortnight, where: "day <> 9" });
        const drift = observed(recorded, "DataDrift");
        assert.strictEqual(drift.length, 13);
        // The tenth observation is of the day after the gap.
        assert.isBelow(drift[8]?.value ?? NaN, 0.2);
        assert.isAbove(drift[9]?.value ?? NaN, 0.2);
        assert.deepInclude(drift[9]?.payload, { feature: "weekday" });
        const gap = recorded.findings.find(({ check }) => check === "monitor.days");
        assert.strictEqual(gap?.found, "none on 2001-02-14");
      }),
    ),
  );

  it.effect("is watched for the features asked for", () =>
    recording(() =>
      Effect.gen(function* () {
        const { days } = yield* watch(fortnight, { features: ["weekday"] });
        assert.isTrue(days.every(({ features }) => features.length === 1));
        const none = yield* watch(fortnight, { features: [] });
        assert.isTrue(none.days.every(({ features }) => features.length === 0));
      }),
    ),
  );

  it("refuses what is no feature", () => {
    assert.throws(
      () => Monitor.daily(TripFeatures, { charter, features: ["label"] }),
      /"label" is no feature of "trip-features"; it has x, weekday/,
    );
  });
});

describe("cost", () => {
  it.effect("is told when outcomes are known, and drops when the world changes", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        // From day 7 on, trips are late where the model expects it least.
        const label =
          "CASE WHEN day >= 7 THEN u < 1 / (1 + exp(1 + x)) ELSE u < 1 / (1 + exp(1 - x)) END";
        const { days, gain, gainInterval } = yield* watch({ ...fortnight, label });
        const drops = observed(recorded, "MetricDrop");
        assert.deepStrictEqual(
          drops.map(({ value }) => value > 0),
          drops.map((_, day) => day >= 7),
        );
        // The end of 5 February, and 36 hours.
        assert.strictEqual(drops[0]?.at.toISOString(), "2001-02-07T12:00:00.000Z");
        const first = days[0];
        assert.deepStrictEqual(drops[0]?.payload, {
          day: "2001-02-05",
          decisions: 300,
          unit: "EUR per trip",
          realisedCost: first?.cost ?? null,
          baselineCost: first?.baselineCost ?? null,
          gain: first?.gain ?? null,
        });
        assert.strictEqual(drops[0]?.value, 0.5 - (first?.gain ?? NaN));
        assert.isBelow(gainInterval?.lower ?? NaN, gain ?? NaN);
        // The features are as ever: only their meaning changed.
        assert.isTrue(observed(recorded, "DataDrift").every(({ value }) => value < 0.2));
        const acted = Hook.replay(Hook.alert({ armAt: 0, confirm: 2 }).policy, drops).filter(
          ({ act }) => act,
        );
        assert.deepStrictEqual(
          acted.map(({ at }) => at.toISOString()),
          ["2001-02-15T12:00:00.000Z"],
        );
      }),
    ),
  );

  it.effect("of decisions whose outcome is not known is not counted as on time", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        // Day 12 has no outcome yet, and of day 13 only half: those of the trips that were on time.
        const label =
          "CASE WHEN day = 12 OR (day = 13 AND i % 2 = 0) THEN NULL WHEN day = 13 THEN FALSE ELSE u < 1 / (1 + exp(1 - x)) END";
        const { days, labelled, rows } = yield* watch({ ...fortnight, label });
        assert.strictEqual(observed(recorded, "MetricDrop").length, 12);
        assert.strictEqual(observed(recorded, "DataDrift").length, 14);
        assert.strictEqual(rows - labelled, 450);
        const [none, half] = days.slice(12);
        assert.isNull(none?.cost);
        assert.isNull(none?.observedRate);
        assert.isFalse(half?.costJudged);
        assert.strictEqual(half?.labelled, 150);
        const finding = recorded.findings.find(({ check }) => check === "monitor.outcomes");
        assert.strictEqual(finding?.rows, 450);
        assert.include(finding?.found ?? "", "2001-02-17 (0 of 300), 2001-02-18 (150 of 300)");
      }),
    ),
  );
});

describe("what cannot be judged", () => {
  it.effect("is an empty live table: a finding, and no signals", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        const monitoring = yield* watch({ days: 0, perDay: 300 });
        assert.deepStrictEqual(monitoring.days, []);
        assert.isNull(monitoring.gain);
        assert.deepStrictEqual(recorded.signals, []);
        assert.deepStrictEqual(recorded.exhibits, []);
        assert.deepStrictEqual(
          recorded.findings.map(({ check, severity }) => [check, severity]),
          [["monitor.live", "fail"]],
        );
      }),
    ),
  );

  it.effect("is a day with few rows: a finding, not a silent pass", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        const { days } = yield* watch({ ...fortnight, where: "day <> 5 OR i % 300 < 20" });
        assert.strictEqual(observed(recorded, "DataDrift").length, 13);
        assert.strictEqual(observed(recorded, "MetricDrop").length, 13);
        assert.isFalse(days[5]?.driftJudged);
        const finding = recorded.findings.find(({ check }) => check === "monitor.rows");
        assert.strictEqual(finding?.found, "1 day with fewer, not judged: 2001-02-10 (20)");
        assert.strictEqual(finding?.owner, "dispatch");
      }),
    ),
  );

  it.effect("is the window of the first days, and says so", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        const { days } = yield* watch(fortnight);
        assert.deepStrictEqual(
          days.map(({ features }) => features[0]?.windowPsi === null),
          days.map((_, day) => day < 6),
        );
        assert.include(recorded.findings[0]?.found ?? "", "fewer on the first 6 days");
        assert.deepStrictEqual(
          recorded.exhibits.map(({ title }) => title),
          [
            "Drift by day",
            "Realised cost by day",
            "Realised gain by day",
            "Predicted and observed rate by day",
          ],
        );
      }),
    ),
  );
});

describe("refuses", () => {
  const parts = Effect.gen(function* () {
    const reference = yield* tripsOf("train", month);
    const live = yield* tripsOf("live", fortnight);
    return { reference, live, release: yield* releaseOn(reference) };
  });
  const stage = Monitor.daily(TripFeatures, { charter });

  it.effect("a reference that the model was not trained on", () =>
    recording(() =>
      Effect.gen(function* () {
        const { release, live } = yield* parts;
        const reference = yield* tripsOf("train", { days: 7, perDay: 300 });
        const error = yield* Effect.flip(stage.run({ release, reference, live }));
        assert.strictEqual(error._tag, "OtherReference");
        assert.include(error.message, "trips@3 was trained on table sha256-");
        assert.include(error.message, "Wire the train part that the model was trained on.");
      }),
    ),
  );

  it.effect("a release whose model was changed", () =>
    recording(() =>
      Effect.gen(function* () {
        const input = yield* parts;
        const { document } = input.release.model;
        const file = yield* (yield* Artifact.ArtifactStore).path(document);
        yield* Effect.promise(() =>
          writeFile(
            file,
            JSON.stringify(rightModel).padEnd(document.bytes).slice(0, document.bytes),
          ),
        );
        const error = yield* Effect.flip(stage.run(input));
        assert.strictEqual(error._tag, "ArtifactMissing");
      }),
    ),
  );

  it.effect("a test table that a cast made fit", () =>
    recording(() =>
      Effect.gen(function* () {
        const input = yield* parts;
        const live = { ...input.live, role: "test" };
        const error = yield* Effect.flip(stage.run({ ...input, live: live as never }));
        assert.strictEqual(error._tag, "InputMismatch");
      }),
    ),
  );

  it.effect("nothing, but tells of a release made under another charter", () =>
    recording((recorded) =>
      Effect.gen(function* () {
        const input = yield* parts;
        const release = { ...input.release, charter: input.release.verdict.testSet };
        yield* stage.run({ ...input, release });
        assert.include(checks(recorded), "monitor.charter");
      }),
    ),
  );
});
