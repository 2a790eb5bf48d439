import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as fc from "fast-check";
import { namesOf } from "../test-fixtures/histories.ts";
import {
  byDefinition,
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
import type * as Expr from "./Expr.ts";
import * as FeatureEdit from "./FeatureEdit.ts";
import * as FeatureSet from "./FeatureSet.ts";
import { lookupProblems } from "./featureSet/lookups.ts";
import * as FeatureStore from "./FeatureStore.ts";
import * as History from "./History.ts";
import * as Lookup from "./Lookup.ts";
import * as OnlineFeatures from "./OnlineFeatures.ts";

const withStore = Effect.provide(Layer.mergeAll(services, FeatureStore.FeatureStore.layerMemory));

/** Another store for a part of a test. */
const inAnotherStore = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provide(effect, Layer.fresh(FeatureStore.FeatureStore.layerMemory));

const names = namesOf(OrderFeatures);
/** How many generated tests are compared, and which: more and others every night. */
const numRuns = Math.ceil(Number(process.env["ML_PIPE_PARITY_CASES"] ?? 6000) / 100);
const seed = Number(process.env["ML_PIPE_PARITY_SEED"] ?? 7);

const { orders, prices, shops } = together(fc.sample(tests, { numRuns: 60, seed: 7 }));
const expected = orders.map((row) => byDefinition(row, prices, shops));

const compare = (
  row: OrderRow,
  expected: Record<string, number | null>,
  values: ReadonlyArray<number | null>,
  how: string,
): number => {
  let found = 0;
  for (const [name, value] of Object.entries(expected)) {
    const served = values[names.indexOf(name)] ?? null;
    assert.strictEqual(served, value, `${how}, order ${row.id}: ${name}`);
    if (value !== null && name !== "total") found++;
  }
  return found;
};

const compareOne = (row: OrderRow, values: ReadonlyArray<number | null>, how: string): number =>
  compare(row, expected[row.id] ?? {}, values, how);

/** In any order. */
const shuffled = <A>(rows: ReadonlyArray<A>, seed: number): ReadonlyArray<A> =>
  fc.sample(fc.shuffledSubarray([...rows], { minLength: rows.length }), { numRuns: 1, seed })[0] ??
  [];

const nullable = (values: Float64Array): ReadonlyArray<number | null> =>
  Array.from(values, (value) => (Number.isNaN(value) ? null : value));

describe("Lookup", () => {
  it.live(
    "finds what a search by the definition finds, in a batch",
    () =>
      Effect.gen(function* () {
        const db = yield* Duckdb;
        let found = 0;
        for (let run = 0; run < numRuns; run += 60) {
          const { orders, prices, shops } = together(
            fc.sample(tests, { numRuns: 60, seed: seed + run }),
          );
          const sql = OrderFeatures.sql(relationOf(Order, orders), {
            price: relationOf(Price, prices),
            shop: relationOf(Shop, shops),
          });
          const rows = yield* db.rows("compute", `FROM (${sql}) ORDER BY id`);
          assert.strictEqual(rows.length, orders.length);
          for (const [index, row] of rows.entries()) {
            const values = names.map((name) => (row[name] === null ? null : Number(row[name])));
            const order = orders[index]!;
            found += compare(order, byDefinition(order, prices, shops), values, "batch");
          }
        }
        assert.isAbove(found, numRuns * 5);
      }).pipe(withStore),
    { timeout: 600_000 },
  );

  it.live("serves what the batch computes, however the rows came in", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(Order, "checked", orders);
      const price = yield* tableOf(Price, "checked", prices);
      const shop = yield* tableOf(Shop, "checked", shops);
      const tables = { data, price, shop };
      // Both hops begin at an even minute.
      const hops = [...new Set(orders.map(({ at }) => Math.floor(at.getTime() / minute)))]
        .filter((start) => start % 2 === 0)
        .toSorted((a, b) => a - b)
        .filter((_, index) => index % 5 === 0);
      let found = 0;
      for (const start of hops) {
        const until = new Date(start * minute);
        const asked = orders.filter((row) => Math.floor(row.at.getTime() / minute) === start);
        const state = yield* Features.stateAt(OrderFeatures.spec, data, until, { price, shop });
        const online = OnlineFeatures.fromSnapshot(OrderFeatures.spec, state, until);
        for (const [index, one] of (yield* online.rows(asked)).entries()) {
          const { features, stale } = Result.getOrThrow(one);
          assert.deepStrictEqual(stale, []);
          found += compareOne(asked[index]!, nullable(features), "snapshot");
        }
        const served = Effect.fnUntraced(function* (how: string) {
          const online = yield* OnlineFeatures.fromStore(OrderFeatures.spec);
          for (const [index, one] of (yield* online.rows(asked)).entries()) {
            const { features, stale } = Result.getOrThrow(one);
            assert.deepStrictEqual(stale, []);
            found += compareOne(asked[index]!, nullable(features), how);
          }
        });
        yield* inAnotherStore(
          Effect.gen(function* () {
            yield* FeatureStore.materialise(OrderFeatures, tables, { until });
            yield* served("materialised");
            const again = yield* FeatureStore.materialise(OrderFeatures, tables, { until });
            assert.isTrue(again.series.every(({ hopsWritten }) => hopsWritten === 0));
          }),
        );
        yield* inAnotherStore(
          Effect.gen(function* () {
            const before = new Date((start - 30) * minute);
            yield* FeatureStore.materialise(OrderFeatures, tables, { until: before });
            const options = { knownUntil: until };
            const told = [];
            for (const rows of [shuffled(prices, start).slice(9), shuffled(prices, start)]) {
              told.push(yield* FeatureStore.appendLookup(OrderFeatures, "price", rows, options));
              told.push(yield* FeatureStore.appendLookup(OrderFeatures, "price", rows, options));
            }
            assert.isTrue(told.every(({ changed }) => changed === 0));
            assert.strictEqual(told[1]?.applied, 0);
            yield* FeatureStore.appendLookup(
              OrderFeatures,
              "shop",
              shuffled(shops, start),
              options,
            );
            yield* FeatureStore.append(OrderFeatures, orders, options);
            yield* served("streamed");
          }),
        );
      }
      assert.isAbove(found, 100);
    }).pipe(withStore),
  );

  const Day = Contract.make("day", {
    version: "1",
    owner: "ops",
    eventTime: "at",
    key: ["at"],
    columns: { at: Column.timestamp(), strikes: Column.int(), more: Column.float() },
  });
  const common = {
    version: "1",
    of: Order,
    decidedAt: "at",
    label: ($: Expr.Columns<typeof Order>) => $.kept,
  } as const;
  const hourly = { tolerance: "1 day", hop: "1 hour" } as const;
  const strikes = (options: Partial<Lookup.LookupOptions<typeof Day>> = {}) =>
    FeatureSet.make("strikes", {
      ...common,
      lookups: () => ({ day: Lookup.newest(Day, { by: {}, ...hourly, ...options }) }),
      features: (_, { day }) => ({ strikes: day.strikes }),
    });

  it.live("of one thing for all rows needs no key, and says what it does not know", () =>
    Effect.gen(function* () {
      const Strikes = strikes();
      const hour = 60 * minute;
      const days = [
        { at: new Date(0), strikes: 3, more: 1 },
        { at: new Date(5 * hour), strikes: 4, more: 1 },
      ];
      const asked = [1, 5, 6, 29, 30].map((hours, id) => ({
        id,
        test: 0,
        at: new Date(hours * hour),
        product: null,
        quantity: 1,
        kept: true,
      }));
      const db = yield* Duckdb;
      const sql = Strikes.sql(relationOf(Order, asked), { day: relationOf(Day, days) });
      const batch = (yield* db.rows("compute", sql)).map((row) => row["strikes"]);
      // What happens in an hour counts from the next one on, and for a day.
      assert.deepStrictEqual(batch, [3, 3, 4, 4, null]);
      assert.deepStrictEqual(FeatureSet.requestColumns(Strikes.spec), ["at"]);
      const data = yield* tableOf(Order, "checked", asked);
      const day = yield* tableOf(Day, "checked", days);
      const until = new Date(6 * hour);
      const state = yield* Features.stateAt(Strikes.spec, data, until, { day });
      const online = OnlineFeatures.fromSnapshot(Strikes.spec, state, until);
      const found = (yield* online.rows(asked)).map((one) => Result.getOrThrow(one));
      assert.deepStrictEqual(
        found.map(({ stale }) => stale.length),
        [1, 1, 0, 1, 1],
      );
      assert.deepStrictEqual(
        found.slice(2).map(({ features }) => nullable(features)[0]),
        [4, 4, null],
      );
      // What nobody reads of the other contract may change: the state stays.
      const Changed = Contract.make("day", {
        version: "2",
        owner: "weather",
        eventTime: "at",
        key: ["at"],
        columns: { ...Day.columns, rain: Column.float() },
      });
      const Later = FeatureSet.make("strikes", {
        ...common,
        lookups: () => ({ day: Lookup.newest(Changed, { by: {}, ...hourly }) }),
        features: (_, { day }) => ({ strikes: day.strikes }),
      });
      const [still] = yield* OnlineFeatures.fromSnapshot(Later.spec, state, until).rows(
        asked.slice(2, 3),
      );
      assert.deepStrictEqual(nullable(Result.getOrThrow(still!).features), [4]);
      const nothing = OnlineFeatures.fromSnapshot(Strikes.spec, [], until);
      const [none] = yield* nothing.rows(asked);
      assert.deepStrictEqual(Result.getOrThrow(none!).unavailable, ["strikes"]);
      const missing = yield* Effect.flip(
        Effect.sandbox(Features.stateAt(Strikes.spec, data, until)),
      );
      assert.include(String(Cause.squash(missing)), 'no table of the lookup "day"');
      const other = yield* Effect.flip(
        Effect.sandbox(Features.stateAt(Strikes.spec, data, until, { day: data })),
      );
      assert.include(
        String(Cause.squash(other)),
        'the table of the lookup "day" is under the contract "order" 1, not under the "day" 1',
      );
    }).pipe(withStore),
  );

  it("refuses what cannot be looked up, and says why", () => {
    assert.throws(
      () => strikes({ tolerance: "90 minutes" }),
      /whole number of hops, at least one: not 90 min in hops of 1 h/,
    );
    assert.throws(
      () =>
        strikes({ knownAt: (day) => day.at.plusMinutes(day.more).orElse(day.at), tolerance: 0 }),
      /at least one/,
    );
    const Loose = Contract.make("loose", {
      version: "1",
      owner: "ops",
      eventTime: "at",
      key: ["at", "strikes"],
      columns: Day.columns,
    });
    const set = (options: Parameters<typeof FeatureSet.make>[1]) => () =>
      FeatureSet.make("set", options);
    assert.throws(
      set({
        ...common,
        lookups: () => ({ day: Lookup.newest(Loose, { by: {}, ...hourly }) }),
        features: () => ({}),
      } as never),
      /several rows of one at, of which chance would choose: give the contract a key of "at"/,
    );
    assert.throws(
      set({
        ...common,
        lookups: () => ({ data: Lookup.newest(Day, { by: {}, ...hourly }) }),
        features: () => ({}),
      } as never),
      /lookup "data": stages have another input "data"/,
    );
    const Late = Contract.make("late", {
      version: "1",
      owner: "ops",
      eventTime: "at",
      key: ["at"],
      columns: { at: Column.timestamp(), sold: Column.int({ availableAt: "outcome" }) },
    });
    assert.throws(
      () =>
        FeatureSet.make("set", {
          ...common,
          lookups: () => ({ late: Lookup.newest(Late, { by: {}, ...hourly }) }),
          features: (_, { late }) => ({ sold: late.sold }),
        }),
      /"late.sold" is an outcome: say when it becomes known/,
    );
    assert.throws(
      () =>
        FeatureSet.make("set", {
          ...common,
          lookups: ($) => ({
            price: Lookup.newest(Price, {
              by: { shop: $.test.plus(1), product: $.product },
              ...hourly,
            }),
          }),
          features: (_, { price }) => ({ euros: price.euros }),
        }),
      /goes by whole columns, not by formulas: give "shop" a column/,
    );
    assert.throws(
      () =>
        FeatureSet.make("set", {
          ...common,
          lookups: () => ({ day: Lookup.newest(Day, { by: {}, ...hourly }) }),
          features: (_, { day }) => ({
            lately: History.sum(day.strikes, {
              by: [],
              knownAt: day.at,
              window: "1 day",
              hop: "1 hour",
            }),
          }),
        }),
      /feature "lately": a history of what is looked up is not supported/,
    );
    assert.throws(
      () =>
        FeatureSet.make("set", {
          ...common,
          lookups: () => ({ day: Lookup.newest(Day, { by: {}, ...hourly }) }),
          features: ($) => ({ quantity: $.quantity }),
        }),
      /lookup "day": no feature reads it: leave it out/,
    );
    assert.throws(
      set({
        ...common,
        lookups: ($: Expr.Columns<typeof Order>) => ({
          price: Lookup.newest(Price, { by: { shop: $.test, product: $.product }, ...hourly }),
        }),
        features: (_: never, { price }: { price: { note: Expr.StringExpr } }) => ({
          note: price.note,
        }),
      } as never),
      /feature "note": column "price.note" is text where a number or yes or no is expected \(compare it\)/,
    );
    const renamed = { ...OrderFeatures.spec, lookups: {} };
    assert.include(String(lookupProblems(renamed)), 'there is no lookup "price"');
  });

  it.live("of tables that are called like parts of the query", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      for (const [source, other] of [
        ["rows", "past"],
        ["l0", "h0"],
      ] as const) {
        const columns = { at: Column.timestamp(), x: Column.int() };
        const options = { version: "1", owner: "ops", eventTime: "at", columns } as const;
        const Set = FeatureSet.make("set", {
          version: "1",
          of: Contract.make(source, options),
          decidedAt: "at",
          lookups: () => ({
            other: Lookup.newest(Contract.make(other, { ...options, key: ["at"] }), {
              by: {},
              ...hourly,
            }),
          }),
          features: ($, { other }) => ({
            x: other.x,
            n: History.count({ by: [], knownAt: $.at, window: "1 day", hop: "1 hour" }),
          }),
          label: ($) => $.x,
        });
        yield* db.execute(
          "make",
          `CREATE TABLE "${source}" AS SELECT epoch_ms(7200000) AS at, 1 AS x`,
        );
        yield* db.execute("make", `CREATE TABLE "${other}" AS SELECT epoch_ms(0) AS at, 7 AS x`);
        const [row] = yield* db.rows("compute", Set.sql());
        assert.deepStrictEqual([row?.["x"], row?.["n"]], [7, 0]);
      }
    }).pipe(withStore),
  );

  it("is part of what a feature means", () => {
    const [edit, ...more] = FeatureEdit.between(
      strikes().spec,
      strikes({ tolerance: "2 days" }).spec,
    );
    assert.deepStrictEqual(more, []);
    assert.strictEqual(edit?.feature, "strikes");
    assert.strictEqual(
      edit?.is,
      "day.strikes with day.strikes: int; day is the newest day by at, known at at, at most 2 d old in steps of 1 h",
    );
    const again = FeatureSet.fromSpec(strikes().spec);
    assert.deepStrictEqual(FeatureEdit.between(strikes().spec, again.spec), []);
    assert.strictEqual(again.lookups["day" as never]["contract"]["digest"], Day.digest);
  });
});
