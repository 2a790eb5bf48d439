/** Feature sets inside another program: the features of one request, and the query. */
import { assert, describe, it } from "@effect/vitest";
import { DuckDBInstance } from "@duckdb/node-api";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { relationOf } from "../test-fixtures/tables.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as History from "./History.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "lab",
  eventTime: "at",
  columns: {
    at: Column.timestamp(),
    from: Column.string(),
    km: Column.float({ nullable: true }),
    minutes: Column.float({ availableAt: "outcome", nullable: true }),
  },
});

const Stateless = FeatureSet.make("stateless", {
  version: "1",
  of: Trip,
  decidedAt: "at",
  features: ($) => ({ km: $.km, hour: $.at.hourOfDay("Europe/Berlin") }),
  derived: (feature, $) => ({
    evening: feature.hour.gte(18),
    kmPerHour: feature.km.dividedBy(feature.hour),
    fromHome: $.from.equals("home"),
  }),
  label: ($) => $.minutes.gt(30),
});

const request = { at: new Date("2026-06-01T17:00:00Z"), from: "home", km: 38 };

describe("row", () => {
  it("gives the features of a request by name", () => {
    assert.deepStrictEqual(Stateless.row(request), {
      km: 38,
      hour: 19,
      evening: 1,
      kmPerHour: 2,
      fromHome: 1,
    });
    assert.strictEqual(Stateless.row({ ...request, km: null }).kmPerHour, null);
  });

  it("refuses a request without what the features need, and names all of it", () => {
    assert.throws(
      () => Stateless.row({ at: request.at }),
      'feature set "stateless": the request has no "from", "km"',
    );
  });
});

describe("derived features", () => {
  it("are features of the set, computed from those before them", () => {
    const names = Stateless.spec.features.map(({ name }) => name);
    assert.deepStrictEqual(names, ["km", "hour", "evening", "kmPerHour", "fromHome"]);
    assert.deepStrictEqual(Object.keys(Stateless.contract.columns).slice(0, 5), names);
  });

  it("have names of their own", () => {
    assert.throws(
      () =>
        FeatureSet.make("twice", {
          version: "1",
          of: Trip,
          decidedAt: "at",
          features: ($) => ({ km: $.km }),
          derived: ({ km }) => ({ KM: km.plus(1) }),
          label: ($) => $.minutes.gt(30),
        }),
      'the name "KM" is used twice',
    );
  });
});

describe("sql", () => {
  const WithHistory = FeatureSet.make("with-history", {
    version: "1",
    of: Trip,
    decidedAt: "at",
    features: ($) => ({
      hour: $.at.hourOfDay("America/New_York"),
      lately: History.mean($.minutes, {
        by: [$.from],
        knownAt: $.at.plusMinutes($.minutes),
        window: "3 hours",
        hop: "1 hour",
      }),
    }),
    label: ($) => $.minutes.gt(30),
  });

  it.live("is run by a DuckDB that knows nothing of ml-pipe, in any time zone", () =>
    Effect.gen(function* () {
      const at = (hour: number) => new Date(Date.UTC(2026, 5, 1, hour));
      const rows = [
        { at: at(8), from: "A", km: 1, minutes: 40 },
        { at: at(10), from: "A", km: 1, minutes: 10 },
      ];
      const read = Effect.promise(async () => {
        const connection = await (await DuckDBInstance.create(":memory:")).connect();
        await connection.run("SET TimeZone = 'Asia/Kolkata'");
        await connection.run(`CREATE TABLE trip AS FROM ${relationOf(Trip, rows)}`);
        const reader = await connection.runAndReadAll(WithHistory.sql());
        connection.closeSync();
        return reader.getRowObjects();
      });
      assert.deepStrictEqual(
        (yield* read).map(({ hour, lately, label }) => ({ hour, lately, label })),
        [
          { hour: 4, lately: null, label: true },
          { hour: 6, lately: 40, label: false },
        ],
      );
    }),
  );
});
