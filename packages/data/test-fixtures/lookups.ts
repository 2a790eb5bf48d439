/** Orders whose features look prices up, and rows to try them on. */
import { Column, Contract } from "@ml-pipe/core";
import * as fc from "fast-check";
import * as FeatureSet from "../src/FeatureSet.ts";
import * as History from "../src/History.ts";
import * as Lookup from "../src/Lookup.ts";

export const minute = 60_000;
const tolerance = 6 * minute;
const hop = 2 * minute;

export const Order = Contract.make("order", {
  version: "1",
  owner: "shop",
  eventTime: "at",
  columns: {
    id: Column.int(),
    /** Rows of different tests share a table, and know nothing of one another. */
    test: Column.int(),
    at: Column.timestamp(),
    product: Column.string({ nullable: true }),
    quantity: Column.int(),
    kept: Column.boolean({ availableAt: "outcome" }),
  },
});

export const Price = Contract.make("price", {
  version: "1",
  owner: "pricing",
  eventTime: "validFrom",
  knownAt: "loadedAt",
  key: ["shop", "product", "validFrom", "loadedAt"],
  columns: {
    shop: Column.int(),
    product: Column.string(),
    validFrom: Column.timestamp(),
    loadedAt: Column.timestamp(),
    euros: Column.float({ unit: "EUR", nullable: true }),
    units: Column.int({ nullable: true }),
    note: Column.string({ nullable: true }),
    sale: Column.boolean({ nullable: true }),
    ends: Column.timestamp({ nullable: true }),
    tags: Column.list(Column.string({ nullable: true }), { nullable: true }),
    days: Column.list(Column.timestamp(), { nullable: true }),
    maker: Column.struct({ name: Column.string(), rating: Column.float() }, { nullable: true }),
    shape: Column.embedding(2, { nullable: true }),
    /** Known only once the price is: what is looked up may be an outcome. */
    sold: Column.int({ nullable: true, availableAt: "outcome" }),
  },
});

/** One row an event, which may never have been announced. */
export const Shop = Contract.make("shop", {
  version: "1",
  owner: "shop",
  eventTime: "since",
  key: ["name", "since"],
  columns: {
    name: Column.int(),
    since: Column.timestamp(),
    announcedAt: Column.timestamp({ nullable: true }),
    staff: Column.int({ nullable: true }),
  },
});

export type OrderRow = Contract.Row<typeof Order>;
export type PriceRow = Contract.Row<typeof Price>;
export type ShopRow = Contract.Row<typeof Shop>;

/** Every kind of column, and another lookup and a history beside it. */
export const OrderFeatures = FeatureSet.make("order-features", {
  version: "1",
  of: Order,
  decidedAt: "at",
  keep: ["id"],
  lookups: ($) => ({
    price: Lookup.newest(Price, {
      by: { shop: $.test, product: $.product },
      tolerance,
      hop,
    }),
    /** What is announced counts two minutes later. */
    shop: Lookup.newest(Shop, {
      by: { name: $.test },
      knownAt: (shop) => shop.announcedAt.plusMinutes(2),
      tolerance: 20 * minute,
      hop: minute,
    }),
  }),
  features: ($, { price, shop }) => ({
    euros: price.euros,
    units: price.units,
    sold: price.sold,
    noteLength: price.note.length(),
    isCheap: price.note.equals("cheap"),
    sale: price.sale,
    left: $.at.minutesUntil(price.ends),
    age: price.validFrom.minutesUntil($.at),
    tags: price.tags.length(),
    firstTag: price.tags.at(0).equals("new"),
    hasNew: price.tags.contains("new"),
    firstDay: price.days.at(0).minutesUntil($.at),
    rating: price.maker.rating,
    maker: price.maker.name.equals("it's"),
    shape: price.shape.norm(),
    total: price.euros.times($.quantity).orElse(-1),
    staff: shop.staff,
    each: price.units.dividedBy(shop.staff),
    orders: History.count({ by: [$.test], knownAt: $.at, window: 4 * minute, hop: minute }),
  }),
  label: ($) => $.kept,
});

/** The features that have a value by the definition, as it is written in the documentation. */
export const byDefinition = (
  { at, product, test, quantity }: OrderRow,
  prices: ReadonlyArray<PriceRow>,
  shops: ReadonlyArray<ShopRow>,
): Record<string, number | null> => {
  const find = <Row>(
    rows: ReadonlyArray<Row>,
    timesOf: (row: Row) => readonly [event: number, known: number],
    window: { readonly tolerance: number; readonly hop: number },
  ): Row | undefined => {
    const end = Math.floor(at.getTime() / window.hop) * window.hop;
    const [best] = rows
      .map((row) => {
        const [event, known] = timesOf(row);
        return { row, event, known };
      })
      .filter(({ event, known }) => known < end && event < end && event >= end - window.tolerance)
      .toSorted((a, b) => b.event - a.event || b.known - a.known);
    return best?.row;
  };
  const price = find(
    prices.filter((one) => one.shop === test && one.product === product),
    ({ validFrom, loadedAt }) => [validFrom.getTime(), loadedAt.getTime()],
    { tolerance, hop },
  );
  const shop = find(
    shops.filter(({ name }) => name === test),
    ({ since, announcedAt }) => [
      since.getTime(),
      (announcedAt?.getTime() ?? Number.NaN) + 2 * minute,
    ],
    { tolerance: 20 * minute, hop: minute },
  );
  const is = (value: boolean | undefined): number | null =>
    value === undefined ? null : Number(value);
  const minutes = (from: Date | null | undefined, to: Date | null | undefined): number | null =>
    from && to ? (to.getTime() - from.getTime()) / minute : null;
  const { euros = null, units = null } = price ?? {};
  const staff = shop?.staff ?? null;
  const firstTag = price?.tags?.[0] ?? undefined;
  return {
    euros,
    units,
    sold: price?.sold ?? null,
    noteLength: typeof price?.note === "string" ? [...price.note].length : null,
    isCheap: is(typeof price?.note === "string" ? price.note === "cheap" : undefined),
    sale: is(price?.sale ?? undefined),
    left: minutes(at, price?.ends),
    age: minutes(price?.validFrom, at),
    tags: price?.tags?.length ?? null,
    firstTag: is(firstTag === undefined ? undefined : firstTag === "new"),
    hasNew: is(price?.tags?.includes("new")),
    firstDay: minutes(price?.days?.[0], at),
    rating: price?.maker?.rating ?? null,
    maker: is(price?.maker ? price.maker.name === "it's" : undefined),
    shape: price?.shape ? Math.hypot(...price.shape) : null,
    total: euros === null ? -1 : euros * quantity,
    staff,
    each: staff === null || staff === 0 || units === null ? null : units / staff,
  };
};

const start = Date.parse("2026-01-01T00:00:00Z");
/** Around two instants, on both sides of 1970, and often on the edge of a hop. */
const instant = fc
  .tuple(
    fc.constantFrom(0, 0, start),
    fc.integer({ min: -8, max: 8 }),
    fc.constantFrom(0, 0, 1, -1, 30_000),
  )
  .map(([around, minutes, beside]) => new Date(around + minutes * minute + beside));
const product = fc.constantFrom("a", "b", "a", null);
const optional = <A>(of: fc.Arbitrary<A>) => fc.option(of, { nil: null, freq: 6 });

const order = fc.record({
  at: instant,
  product,
  quantity: fc.integer({ min: 1, max: 3 }),
  kept: fc.boolean(),
});
const delay = fc.constantFrom(-9 * minute, -minute, 0, 0, 1, minute, 3 * minute, 9 * minute);
const price = fc
  .record({
    product: fc.constantFrom("a", "b", "a"),
    validFrom: instant,
    delay,
    euros: optional(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(0.1, 1e300, -0.5))),
    units: optional(fc.integer({ min: -5, max: 5 })),
    note: optional(fc.constantFrom("cheap", "", "a🛫b", 'it\'s "so"', "x,y")),
    sale: optional(fc.boolean()),
    ends: optional(instant),
    tags: optional(fc.array(optional(fc.constantFrom("new", "old", "")), { maxLength: 3 })),
    days: optional(fc.array(instant, { maxLength: 2 })),
    maker: optional(
      fc.record({ name: fc.constantFrom("it's", "ACME"), rating: fc.constantFrom(1, 2.5) }),
    ),
    shape: optional(fc.constantFrom([3, 4], [0, 1])),
    sold: optional(fc.integer({ min: 0, max: 9 })),
  })
  .map(({ delay, ...row }) => ({
    ...row,
    loadedAt: new Date(row.validFrom.getTime() + delay),
  }));
const shop = fc
  .record({ since: instant, delay: optional(delay), staff: optional(fc.nat(3)) })
  .map(({ since, delay, staff }) => ({
    since,
    staff,
    announcedAt: delay === null ? null : new Date(since.getTime() + delay),
  }));

/** Orders, prices and shops of one test. */
export const tests = fc.record({
  orders: fc.array(order, { minLength: 1, maxLength: 10 }),
  prices: fc.uniqueArray(price, {
    maxLength: 25,
    selector: ({ product, validFrom, loadedAt }) => JSON.stringify([product, validFrom, loadedAt]),
  }),
  shops: fc.uniqueArray(shop, { maxLength: 12, selector: ({ since }) => since.getTime() }),
});

/** Several tests in one table each. */
export const together = (
  cases: ReadonlyArray<typeof tests extends fc.Arbitrary<infer T> ? T : never>,
): {
  readonly orders: ReadonlyArray<OrderRow>;
  readonly prices: ReadonlyArray<PriceRow>;
  readonly shops: ReadonlyArray<ShopRow>;
} => ({
  orders: cases
    .flatMap(({ orders }, test) => orders.map((row) => ({ ...row, test })))
    .map((row, id) => ({ ...row, id })),
  prices: cases.flatMap(({ prices }, shop) => prices.map((row) => ({ ...row, shop }))),
  shops: cases.flatMap(({ shops }, name) => shops.map((row) => ({ ...row, name }))),
});
