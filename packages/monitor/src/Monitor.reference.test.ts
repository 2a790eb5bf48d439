/** The numbers of the monitor against numpy and SciPy. */
import { assert, describe, it } from "@effect/vitest";
import { Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import reference from "../test-fixtures/reference.json" with { type: "json" };
import {
  charter,
  firstLiveDay,
  firstTrainDay,
  recording,
  releaseOn,
  TripFeatures,
} from "../test-fixtures/trips.ts";
import * as Monitor from "./Monitor.ts";

const { expected, rowsPerDay } = reference;

const close = (found: number | null | undefined, right: number | null, what: string): void => {
  if (right === null) return assert.isNull(found, what);
  assert.isTrue(
    typeof found === "number" && Math.abs(found - right) <= 1e-10 * Math.max(1, Math.abs(right)),
    `${what}: found ${found}, the reference says ${right}`,
  );
};

const list = (values: ReadonlyArray<string | number | null>): string =>
  `[${values.map((value) => value ?? "NULL").join(", ")}]`;

const tableOf = <R extends "train" | "live">(
  role: R,
  x: ReadonlyArray<number | null>,
  labels: ReadonlyArray<string>,
) => {
  const start = new Date(role === "train" ? firstTrainDay : firstLiveDay).getTime();
  return Table.write(TripFeatures.contract, role, {
    split: "split-one",
    query: `SELECT epoch_ms(${start} + (i // ${rowsPerDay}) * 86400000) AS "at", x,
      CAST(1 + (i // ${rowsPerDay}) % 7 AS DOUBLE) AS weekday, label
      FROM (SELECT unnest(range(${x.length})) AS i, unnest(${list(x)}::DOUBLE[]) AS x,
        unnest(${list(labels)}::BOOLEAN[]) AS label) ORDER BY i`,
  });
};

const labels = [...reference.labels].map((one) =>
  one === "?" ? "NULL" : one === "1" ? "TRUE" : "FALSE",
);

describe("against numpy and SciPy", () => {
  it.effect("says the same about 14 days", () =>
    recording(() =>
      Effect.gen(function* () {
        const train = yield* tableOf(
          "train",
          reference.train,
          reference.train.map(() => "TRUE"),
        );
        const live = yield* tableOf("live", reference.live, labels);
        const monitoring = yield* Monitor.daily(TripFeatures, { charter }).run({
          release: yield* releaseOn(train),
          reference: train,
          live,
        });
        assert.strictEqual(monitoring.days.length, expected.days.length);
        for (const [index, right] of expected.days.entries()) {
          const day = monitoring.days[index];
          assert.strictEqual(day?.labelled, right.labelled);
          for (const name of [
            "meanPredicted",
            "observedRate",
            "calibrationGap",
            "cost",
            "baselineCost",
            "gain",
          ] as const) {
            close(day?.[name], right[name], `${name} on day ${index}`);
          }
        }
        for (const [feature, days] of [
          ["x", expected.x],
          ["weekday", expected.weekday],
        ] as const) {
          for (const [index, right] of days.entries()) {
            const found = monitoring.days[index]?.features.find((one) => one.feature === feature);
            const where = `of ${feature} on day ${index}`;
            close(found?.dayPsi, right.dayPsi, `PSI ${where}`);
            close(found?.usualDayPsi, right.usualDayPsi, `usual PSI ${where}`);
            close(found?.windowPsi, right.windowPsi, `PSI of the window ${where}`);
            close(found?.drift, right.drift, `drift ${where}`);
            close(found?.jensenShannon, right.jensenShannon, `Jensen–Shannon ${where}`);
          }
        }
      }),
    ),
  );
});
