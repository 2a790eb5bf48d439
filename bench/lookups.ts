/**
 * Lookups: a million rows that look up in a million others, in a batch against an as-of join by hand, and
 * row by row from a snapshot and from the embedded feature store.
 *
 *     npx node --conditions=@ml-pipe/source bench/lookups.ts
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Artifact, Column, Contract } from "@ml-pipe/core";
import {
  Duckdb,
  Features,
  FeatureSet,
  FeatureStore,
  Lookup,
  OnlineFeatures,
  Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";

const rounds = 3;
const rowCount = 1_000_000;
const entities = 5000;

const Trip = Contract.make("trip", {
  version: "1",
  owner: "bench",
  eventTime: "at",
  columns: {
    at: Column.timestamp(),
    place: Column.int(),
    late: Column.boolean({ availableAt: "outcome" }),
  },
});
const Report = Contract.make("report", {
  version: "1",
  owner: "bench",
  eventTime: "at",
  key: ["place", "at"],
  columns: {
    at: Column.timestamp(),
    place: Column.int(),
    wind: Column.float(),
    sky: Column.string(),
    warned: Column.boolean(),
  },
});
const Weather = FeatureSet.make("weather", {
  version: "1",
  of: Trip,
  decidedAt: "at",
  lookups: ($) => ({
    report: Lookup.newest(Report, { by: { place: $.place }, tolerance: "2 days", hop: "1 hour" }),
  }),
  features: ($, { report }) => ({
    wind: report.wind,
    fog: report.sky.equals("sky 1"),
    warned: report.warned,
    age: report.at.minutesUntil($.at),
  }),
  label: ($) => $.late,
});

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begun = performance.now();
    return Effect.map(effect, () => performance.now() - begun);
  });

const until = new Date("2020-01-20T00:00:00Z");
const requests = Array.from({ length: 200_000 }, (_, index) => ({
  at: new Date(until.getTime() + (index % 3600) * 1000),
  place: index % entities,
}));

const aSecond = Effect.fnUntraced(function* (name: string, online: OnlineFeatures.OnlineFeatures) {
  const taken: Array<number> = [];
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    for (const request of requests) Effect.runSync(online.rows([request]));
    taken.push(performance.now() - begun);
  }
  const rate = Math.round((requests.length / median(taken)) * 1000);
  yield* Effect.log(`${name}: ${rate} a second`);
});

const program = Effect.gen(function* () {
  const seconds = (every: number) => `timestamp '2020-01-01' + to_seconds(i * ${every})`;
  const data = yield* Table.write(Trip, "checked", {
    query: `SELECT ${seconds(2)} AS "at", i * 7919 % ${entities} AS place, true AS late FROM range(${rowCount}) t(i)`,
  });
  const report = yield* Table.write(Report, "checked", {
    query: `SELECT ${seconds(2)} AS "at", i % ${entities} AS place, i % 97 / 7 AS wind, 'sky ' || (i % 3) AS sky, i % 2 = 0 AS warned FROM range(${rowCount}) t(i)`,
  });
  const [rows, others] = [yield* Table.relation(data), yield* Table.relation(report)];
  const byHand = `SELECT wind, CAST(sky = 'sky 1' AS DOUBLE) AS fog, CAST(warned AS DOUBLE) AS warned,
      epoch(r."at" - o."at") / 60 AS age, r."at", late
    FROM ${rows} r ASOF LEFT JOIN ${others} o ON r.place = o.place AND r."at" > o."at" ORDER BY r."at"`;
  const db = yield* Duckdb.Duckdb;
  const times = { batch: new Array<number>(), byHand: new Array<number>() };
  const consume = (query: string) => db.rows("consume", `SELECT count(COLUMNS(*)) FROM (${query})`);
  for (let round = 0; round < rounds; round++) {
    times.byHand.push(yield* timed(consume(byHand)));
    times.batch.push(yield* timed(consume(Weather.sql(rows, { report: others }))));
  }
  const ratio = median(times.batch) / median(times.byHand);
  yield* Effect.log(
    `batch ${Math.round(median(times.batch))} ms: ${ratio.toFixed(2)}x an as-of join by hand`,
  );
  const state = yield* Features.stateAt(Weather.spec, data, until, { report });
  yield* aSecond("snapshot", OnlineFeatures.fromSnapshot(Weather.spec, state, until));
  const took = yield* timed(FeatureStore.materialise(Weather, { data, report }, { until }));
  yield* Effect.log(`materialised in ${Math.round(took)} ms`);
  yield* aSecond("store", yield* OnlineFeatures.fromStore(Weather.spec));
});

const folder = mkdtempSync(join(tmpdir(), "ml-pipe-bench-"));
await Effect.runPromise(
  program.pipe(
    Effect.scoped,
    Effect.provide(
      Layer.mergeAll(
        Duckdb.Duckdb.layer({ threads: 2 }),
        Artifact.ArtifactStore.layerTemporary,
        FeatureStore.FeatureStore.layer(folder),
      ),
    ),
  ),
);
rmSync(folder, { recursive: true });
