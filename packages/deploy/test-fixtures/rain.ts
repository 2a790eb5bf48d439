/** Trips that look up how hard it rains where they start, in reports that arrive later. */
import { Column, Contract, Digest, Verdict } from "@ml-pipe/core";
import { FeatureSet, History, Lookup, Model, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Deploy from "../src/Deploy.ts";
import { charter, judge, Trip } from "./trips.ts";

export const Report = Contract.make("report", {
  version: "1.0.0",
  owner: "meteo",
  eventTime: "measuredAt",
  knownAt: "loadedAt",
  key: ["place", "measuredAt"],
  columns: {
    place: Column.string(),
    measuredAt: Column.timestamp(),
    loadedAt: Column.timestamp(),
    millimetres: Column.float({ unit: "mm/h" }),
    sky: Column.string(),
  },
});

export const RainFeatures = FeatureSet.make("rain-features", {
  version: "1.0.0",
  of: Trip,
  decidedAt: "at",
  lookups: ($) => ({
    report: Lookup.newest(Report, { by: { place: $.from }, tolerance: "6 hours", hop: "1 hour" }),
  }),
  features: ($, { report }) => ({
    millimetres: report.millimetres,
    fog: report.sky.equals("fog"),
    lateLately: History.mean($.delay.gt(15), {
      by: [$.from],
      knownAt: $.at.plusMinutes($.delay),
      window: "1 day",
      hop: "1 hour",
    }),
  }),
  label: ($) => $.delay.gt(15),
});

const values = (rows: ReadonlyArray<string>) => rows.join(", ");

/** Two trips of AAA, one of them late. */
export const trips = Table.write(Trip, "checked", {
  query: `SELECT CAST("at" AS TIMESTAMP) AS "at", 100 AS km, 'AAA' AS "from", NULL::BOOLEAN AS rain, CAST(delay AS INTEGER) AS delay
    FROM (VALUES ('2001-05-31 10:00:00', 30), ('2001-05-31 11:00:00', 0)) AS t("at", delay) ORDER BY "at"`,
});

/** Of AAA: 2 mm at 20:00; 5 mm at 22:30, loaded at 23:10; and 9 mm at 23:00, loaded only after midnight. */
export const reports = Table.write(Report, "checked", {
  query: `SELECT place, CAST("on" AS TIMESTAMP) AS measuredAt, CAST(loaded AS TIMESTAMP) AS loadedAt, CAST(mm AS DOUBLE) AS millimetres, sky
    FROM (VALUES ${values([
      "('AAA', '2001-05-31 20:00:00', '2001-05-31 20:05:00', 2, 'clear')",
      "('AAA', '2001-05-31 22:30:00', '2001-05-31 23:10:00', 5, 'fog')",
      "('AAA', '2001-05-31 23:00:00', '2001-06-01 00:20:00', 9, 'clear')",
    ])}) AS t(place, "on", loaded, mm, sky)`,
});

/** A model of them that passed: probability 0.5 at 5 mm in fog where half is late. */
export const passed = Effect.gen(function* () {
  const model = yield* Model.store(RainFeatures, {
    estimator: {
      _tag: "LinearModel",
      version: 1,
      link: "logit",
      features: ["millimetres", "fog", "lateLately"],
      intercepts: [0],
      coefficients: [[1, 1, 1]],
      mean: [5, 1, 0.5],
      sd: [1, 1, 1],
      imputation: [0, 0, 0],
    },
    kind: "logistic regression",
    trainedOn: { split: null, table: Digest.ofBytes("trips"), rows: 100 },
  });
  return { model, verdict: yield* Verdict.requirePassed(judge(model)) };
});

/** Releases it as of midnight. */
export const stage = Deploy.release(RainFeatures, {
  charter,
  name: "rain-delay",
  knownUntil: "2001-06-01",
});
