/** What a lookup must not see: what became known since, and the row itself. */
import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as fc from "fast-check";
import {
  minute,
  Order,
  OrderFeatures,
  type OrderRow,
  Price,
  Shop,
  tests,
  together,
} from "../test-fixtures/lookups.ts";
import { relationOf, services, tableOf } from "../test-fixtures/tables.ts";
import { Duckdb } from "./Duckdb.ts";
import * as Features from "./Features.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as FeatureStore from "./FeatureStore.ts";
import * as Lookup from "./Lookup.ts";
import * as OnlineFeatures from "./OnlineFeatures.ts";

const withStore = Effect.provide(Layer.mergeAll(services, FeatureStore.FeatureStore.layerMemory));
const hour = 60 * minute;

const valuesOf = (rows: ReadonlyArray<{ readonly [column: string]: unknown }>, name: string) =>
  rows.map((row) => row[name]);

describe("Lookup", () => {
  it.live("finds the same, whatever became known at or after the hop of the decision", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const { orders, prices, shops } = together(fc.sample(tests, { numRuns: 60, seed: 11 }));
      const others = together(fc.sample(tests, { numRuns: 60, seed: 12 }));
      // An even minute, at which the hops of both lookups begin: the last decision of each test is after it.
      const cuts = Map.groupBy(orders, ({ test }) => test);
      const cutOf = (test: number): number => {
        const at = Math.max(...(cuts.get(test) ?? []).map((row) => row.at.getTime()));
        return Math.floor(at / (2 * minute)) * 2 * minute;
      };
      const isBefore = (test: number, ...times: ReadonlyArray<number>) =>
        times.every((time) => time < cutOf(test));
      const wasPriced = ({ shop, validFrom, loadedAt }: Contract.Row<typeof Price>) =>
        isBefore(shop, validFrom.getTime(), loadedAt.getTime());
      const wasAnnounced = ({ name, since, announcedAt }: Contract.Row<typeof Shop>) =>
        isBefore(name, since.getTime(), (announcedAt?.getTime() ?? Infinity) + 2 * minute);
      const featuresOf = (
        pricesNow: ReadonlyArray<Contract.Row<typeof Price>>,
        shopsNow: ReadonlyArray<Contract.Row<typeof Shop>>,
      ) => {
        const asked = orders.filter(({ test, at }) => at.getTime() < cutOf(test) + minute);
        const sql = OrderFeatures.sql(relationOf(Order, asked), {
          price: relationOf(Price, pricesNow),
          shop: relationOf(Shop, shopsNow),
        });
        return db.rows("compute", `FROM (${sql}) ORDER BY id`);
      };
      const later = (time: Date, cut: number) => new Date(Math.max(time.getTime(), cut));
      const pricesLater = others.prices.map((row) => ({
        ...row,
        loadedAt: later(row.loadedAt, cutOf(row.shop)),
      }));
      const shopsLater = others.shops.map((row) => ({
        ...row,
        announcedAt: later(row.announcedAt ?? row.since, cutOf(row.name) - 2 * minute),
      }));
      assert.isAbove(pricesLater.length, 100);
      const before = yield* featuresOf(prices, shops);
      const after = yield* featuresOf(
        [...prices.filter(wasPriced), ...pricesLater],
        [...shops.filter(wasAnnounced), ...shopsLater],
      );
      assert.deepStrictEqual(after, before);
      const found = valuesOf(before, "age").filter((age) => age !== null);
      assert.isAbove(found.length, 30);
      // And what was known before does count.
      assert.notDeepEqual(yield* featuresOf(pricesLater, shopsLater), before);
    }).pipe(withStore),
  );

  it.live("never finds the row itself, nor one that is decided later", () =>
    Effect.gen(function* () {
      const Parcel = Contract.make("parcel", {
        version: "1",
        owner: "shop",
        eventTime: "orderedAt",
        key: ["customer", "orderedAt"],
        columns: {
          customer: Column.string(),
          orderedAt: Column.timestamp(),
          sentAt: Column.timestamp(),
          kg: Column.float(),
          isReturned: Column.boolean({ availableAt: "outcome" }),
        },
      });
      const Last = FeatureSet.make("last", {
        version: "1",
        of: Parcel,
        decidedAt: "sentAt",
        lookups: ($) => ({
          last: Lookup.newest(Parcel, {
            by: { customer: $.customer },
            // Nobody can know it by then.
            knownAt: (parcel) => parcel.orderedAt.plusMinutes(30),
            tolerance: "10 days",
            hop: "1 hour",
          }),
        }),
        features: (_, { last }) => ({ kg: last.kg, isReturned: last.isReturned }),
        label: ($) => $.isReturned,
      });
      const parcel = (orderedAt: number, sentAt: number, kg: number) => ({
        customer: "a",
        orderedAt: new Date(orderedAt * hour),
        sentAt: new Date(sentAt * hour),
        kg,
        isReturned: true,
      });
      const rows = [parcel(24, 26, 2), parcel(0, 48, 1), parcel(30, 90, 3)];
      const data = yield* tableOf(Parcel, "checked", rows);
      const db = yield* Duckdb;
      const relation = relationOf(Parcel, rows);
      const batch = yield* db.rows("compute", Last.sql(relation, { last: relation }));
      assert.deepStrictEqual(valuesOf(batch, "kg"), [null, 2, 2]);
      assert.deepStrictEqual(valuesOf(batch, "isReturned"), [null, 1, 1]);
      const served = Effect.fnUntraced(function* (
        online: OnlineFeatures.OnlineFeatures,
        at: number,
      ) {
        const [one] = yield* online.rows(rows.slice(at, at + 1));
        return Result.getOrThrow(one!).features[0];
      });
      const start = new Date(24 * hour);
      yield* FeatureStore.materialise(Last, { data, last: data }, { until: start });
      const store = yield* OnlineFeatures.fromStore(Last.spec);
      const knownUntil = new Date(90 * hour);
      yield* FeatureStore.appendLookup(Last, "last", rows, { knownUntil });
      for (const [index, expected] of [Number.NaN, 2, 2].entries()) {
        const until = rows[index]!.sentAt;
        const state = yield* Features.stateAt(Last.spec, data, until, { last: data });
        const snapshot = OnlineFeatures.fromSnapshot(Last.spec, state, until);
        assert.deepStrictEqual(yield* served(snapshot, index), expected);
        assert.deepStrictEqual(yield* served(store, index), expected);
      }
    }).pipe(withStore),
  );

  it.live("finds the forecast that was made last, in whatever order they came in", () =>
    Effect.gen(function* () {
      const Forecast = Contract.make("forecast", {
        version: "1",
        owner: "meteo",
        eventTime: "at",
        knownAt: "madeAt",
        key: ["at", "madeAt"],
        columns: { at: Column.timestamp(), madeAt: Column.timestamp(), wind: Column.float() },
      });
      const Wind = FeatureSet.make("wind", {
        version: "1",
        of: Order,
        decidedAt: "at",
        lookups: () => ({
          forecast: Lookup.newest(Forecast, { by: {}, tolerance: "6 hours", hop: "1 hour" }),
        }),
        features: (_, { forecast }) => ({ wind: forecast.wind }),
        label: ($) => $.kept,
      });
      // Long before the hour that they are of: all of them are known when it begins.
      const forecasts = [1, 3, 2].map((made) => ({
        at: new Date(11 * hour),
        madeAt: new Date(made * hour),
        wind: made,
      }));
      const asked: ReadonlyArray<OrderRow> = [
        { id: 0, test: 0, at: new Date(12 * hour), product: null, quantity: 1, kept: true },
      ];
      const db = yield* Duckdb;
      const sql = Wind.sql(relationOf(Order, asked), { forecast: relationOf(Forecast, forecasts) });
      assert.deepStrictEqual(valuesOf(yield* db.rows("compute", sql), "wind"), [3]);
      const data = yield* tableOf(Order, "checked", asked);
      const nothing = yield* tableOf(Forecast, "checked", []);
      const start = new Date(2 * hour);
      for (const order of [forecasts, forecasts.toReversed()]) {
        const [one] = yield* Effect.gen(function* () {
          yield* FeatureStore.materialise(Wind, { data, forecast: nothing }, { until: start });
          yield* FeatureStore.appendLookup(Wind, "forecast", order);
          const online = yield* OnlineFeatures.fromStore(Wind.spec);
          return yield* online.rows(asked);
        }).pipe(Effect.provide(Layer.fresh(FeatureStore.FeatureStore.layerMemory)));
        assert.deepStrictEqual([...Result.getOrThrow(one!).features], [3]);
      }
    }).pipe(withStore),
  );
});
