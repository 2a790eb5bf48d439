import { assert, describe, it } from "@effect/vitest";
import { Features, FeatureSet, FeatureStore, History, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { recording, Trip, TripFeatures } from "../test-fixtures/trips.ts";
import * as Monitor from "./Monitor.ts";

const Lately = FeatureSet.make("lately", {
  version: "1.0.0",
  of: Trip,
  decidedAt: "at",
  label: ($) => $.late,
  features: ($) => {
    const all = { by: [], knownAt: $.at } as const;
    return {
      x: $.x,
      hourly: History.mean($.late, { ...all, window: "6 hours", hop: "1 hour" }),
      daily: History.mean($.late, { ...all, window: "7 days", hop: "1 day" }),
    };
  },
});

const trips = Table.write(Trip, "checked", {
  query: `SELECT TIMESTAMP '2001-05-30 01:00:00' + INTERVAL (i) HOUR AS "at", 0.5 AS x, i % 2 = 0 AS late
    FROM range(40) t(i) ORDER BY i`,
});

const at = (text: string) => new Date(`2001-06-01T${text}Z`);

describe("freshness", () => {
  it.effect("names the features whose state is too old, and tells by how many hops", () =>
    recording(({ findings, signals, exhibits }) =>
      Effect.gen(function* () {
        const done = yield* Features.materialise(Lately, { until: "2001-06-01" }).run({
          data: yield* trips,
        });
        assert.deepStrictEqual(
          done.series.map(({ features, hopsWritten }) => [features, hopsWritten]),
          [
            [["hourly"], 0],
            [["daily"], 2],
          ],
        );
        assert.strictEqual(exhibits.length, 1);

        const watch = (time: string, options: Monitor.FreshnessOptions = {}) =>
          Monitor.freshness(Lately, { asOf: at(time), ...options }).run({});
        yield* watch("00:59:59");
        assert.deepStrictEqual(findings, []);
        assert.strictEqual(signals[0]?.value, 0);

        const found = yield* watch("03:10:00");
        assert.deepStrictEqual(
          found.features.map(({ feature, ageMillis }) => [feature, ageMillis]),
          [
            ["hourly", 3 * 3_600_000],
            ["daily", 0],
          ],
        );
        assert.deepStrictEqual(
          findings.map((one) => [one.check, one.owner, one.found]),
          [
            [
              "freshness.hourly",
              "dispatch",
              "what was known until 2001-06-01T00:00:00.000Z: 3h less",
            ],
          ],
        );
        assert.strictEqual(signals[1]?.signal, "FeatureStale");
        assert.strictEqual(signals[1]?.value, 3);
        yield* watch("03:10:00", { maxAge: "3 hours" });
        assert.strictEqual(findings.length, 1);

        // The clock of the test is in 2026.
        yield* Monitor.freshness(Lately).run({});
        assert.strictEqual(findings.length, 3);
      }),
    ).pipe(Effect.provide(FeatureStore.FeatureStore.layerMemory)),
  );

  it.effect("fails where nothing was materialised", () =>
    recording(() =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Monitor.freshness(Lately).run({}));
        assert.strictEqual(error._tag, "StateMissing");
      }),
    ).pipe(Effect.provide(FeatureStore.FeatureStore.layerMemory)),
  );

  it("is not for features that do not age", () => {
    assert.throws(() => Monitor.freshness(TripFeatures), /no histories/);
    assert.throws(
      () => Features.materialise(FeatureSet.fromSpec(TripFeatures.spec), { until: "2001-06-01" }),
      /needs no state/,
    );
    assert.throws(() => Features.materialise(Lately, { until: "June" }), /"June" is not a date/);
  });
});
