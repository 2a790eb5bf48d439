import { assert, describe, it } from "@effect/vitest";
import { Column, Contract, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import { tableOf, withTables } from "../test-fixtures/tables.ts";
import { Duckdb } from "./Duckdb.ts";
import * as PointInTime from "./PointInTime.ts";
import * as Table from "./Table.ts";

const Order = Contract.make("order", {
  version: "1",
  owner: "shop",
  eventTime: "at",
  columns: { id: Column.int(), at: Column.timestamp(), product: Column.string({ nullable: true }) },
});
const Price = Contract.make("price", {
  version: "1",
  owner: "pricing",
  eventTime: "validFrom",
  knownAt: "loadedAt",
  columns: {
    validFrom: Column.timestamp(),
    loadedAt: Column.timestamp({ nullable: true }),
    product: Column.string({ nullable: true }),
    euros: Column.float({ unit: "EUR", nullable: true }),
    returned: Column.boolean({ availableAt: "outcome", nullable: true }),
  },
});

const minute = 60_000;
const start = Date.parse("2026-01-01T00:00:00Z");
const after = (minutes: number) => new Date(start + minutes * minute);

interface OrderRow {
  readonly [column: string]: unknown;
  readonly at: Date;
  readonly product: string | null;
}
interface PriceRow {
  readonly [column: string]: unknown;
  readonly validFrom: Date;
  readonly loadedAt: Date | null;
  readonly product: string | null;
  readonly euros: number | null;
}

interface Window {
  readonly tolerance?: number;
  readonly embargo?: number;
}

const joinOf = ({ tolerance, embargo }: Window) =>
  PointInTime.join(Order, Price, {
    name: "priced",
    version: "1",
    by: ["product"],
    take: { price: "euros" },
    ...(tolerance === undefined ? {} : { tolerance: tolerance * minute }),
    ...(embargo === undefined ? {} : { embargo: embargo * minute }),
  });

const pricesOf = Effect.fnUntraced(function* (
  orders: ReadonlyArray<OrderRow>,
  prices: ReadonlyArray<PriceRow>,
  window: Window = {},
) {
  const data = yield* tableOf(
    Order,
    "checked",
    orders.map((order, id) => ({ id, ...order })),
  );
  const from = yield* tableOf(Price, "checked", prices);
  const joined = yield* joinOf(window).stage.run({ data, from });
  const db = yield* Duckdb;
  const rows = yield* db.rows(
    "read",
    `SELECT id::DOUBLE AS id, price FROM ${yield* Table.relation(joined)}`,
  );
  assert.deepStrictEqual(
    rows.map(({ id }) => id),
    orders.map((_, id) => id),
  );
  return rows.map(({ price }) => price);
});

/** The definition, as it is written in the documentation: one row at a time. */
const byDefinition = (
  { at, product }: OrderRow,
  prices: ReadonlyArray<PriceRow>,
  { tolerance = Infinity, embargo = 0 }: Window,
): number | null => {
  let best: { readonly price: PriceRow; readonly known: number } | undefined;
  for (const price of prices) {
    if (product === null || price.product !== product || price.loadedAt === null) continue;
    const event = price.validFrom.getTime();
    const known = price.loadedAt.getTime();
    const t = at.getTime();
    if (!(event < t - embargo * minute && event >= t - tolerance * minute && known <= t)) continue;
    const newer =
      best === undefined ||
      event > best.price.validFrom.getTime() ||
      (event === best.price.validFrom.getTime() && known >= best.known);
    if (newer) best = { price, known };
  }
  return best?.price.euros ?? null;
};

const moment = fc.integer({ min: 0, max: 12 }).map(after);
const product = fc.constantFrom("a", "b", null);
const orders = fc.array(fc.record({ at: moment, product }), { minLength: 1, maxLength: 12 });
const prices = fc.array(
  fc.record({
    validFrom: moment,
    loadedAt: fc.option(moment, { nil: null, freq: 8 }),
    product,
    euros: fc.option(fc.integer({ min: 1, max: 99 }), { nil: null, freq: 8 }),
    returned: fc.constant(null),
  }),
  { maxLength: 15 },
);
const windows = fc.constantFrom<Window>(
  {},
  { tolerance: 3 },
  { embargo: 2 },
  { tolerance: 5, embargo: 1 },
);

describe("join", () => {
  it.live("finds what a search by the definition finds", () =>
    Effect.gen(function* () {
      const cases = fc.sample(fc.tuple(orders, prices, windows), { numRuns: 100, seed: 11 });
      let found = 0;
      for (const [some, of, window] of cases) {
        const expected = some.map((order) => byDefinition(order, of, window));
        assert.deepStrictEqual(yield* pricesOf(some, of, window), expected);
        found += expected.filter((price) => price !== null).length;
      }
      assert.isAbove(found, 50);
    }).pipe(
      Effect.provideService(Stage.Reporter, () => Effect.void),
      withTables,
    ),
  );

  const price = (validFrom: number, loadedAt: number | null, euros: number): PriceRow => ({
    validFrom: after(validFrom),
    loadedAt: loadedAt === null ? null : after(loadedAt),
    product: "a",
    euros,
    returned: null,
  });
  const order = (at: number): OrderRow => ({ at: after(at), product: "a" });

  it.effect("does not see what was loaded later, nor what happens in the same instant", () =>
    Effect.gen(function* () {
      const backfilled = [price(1, 1, 10), price(2, 9, 20)];
      assert.deepStrictEqual(yield* pricesOf([order(5), order(9)], backfilled), [10, 20]);
      assert.deepStrictEqual(yield* pricesOf([order(1), order(2)], [price(1, 1, 10)]), [null, 10]);
    }).pipe(withTables),
  );

  it.effect("takes the correction that was known, then the row that came last", () =>
    Effect.gen(function* () {
      const corrected = [price(1, 1, 10), price(1, 4, 11), price(1, 4, 12)];
      assert.deepStrictEqual(yield* pricesOf([order(3), order(4)], corrected), [10, 12]);
    }).pipe(withTables),
  );

  it.effect("an older event that becomes known later does not replace a newer one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* pricesOf([order(9)], [price(3, 3, 30), price(1, 8, 10)]), [30]);
    }).pipe(withTables),
  );

  it.effect("says what no row can find, and when nothing matched", () =>
    Effect.gen(function* () {
      const findings: Array<string> = [];
      yield* pricesOf([order(9)], [price(1, null, 10)]).pipe(
        Effect.provideService(Stage.Reporter, (event) =>
          Effect.sync(() => {
            if (event._tag === "Finding") {
              findings.push(`${event.finding.check}: ${event.finding.found}`);
            }
          }),
        ),
      );
      assert.deepStrictEqual(findings, [
        "priced.matched: none for any row",
        "priced.usable: 1 row without, which no row can find",
      ]);
    }).pipe(withTables),
  );

  it("refuses what cannot be joined honestly, with all reasons", () => {
    const Unknown = Contract.make("price", {
      version: "1",
      owner: "pricing",
      columns: Price.columns,
      eventTime: "validFrom",
    });
    const take = { id: "euros", back: "returned" } as const;
    const about = { name: "priced", version: "1", by: ["product"], take } as const;
    assert.throws(
      () =>
        PointInTime.join(Order, Unknown, { ...about, tolerance: "1 minute", embargo: "1 hour" }),
      /"id" is a column already.*"returned" is an outcome: say when.*longer than the embargo/,
    );
    const { contract } = PointInTime.join(Order, Unknown, {
      ...about,
      take: { back: "returned" },
      knownAt: ($) => $.validFrom.plusMinutes(60),
    });
    assert.deepStrictEqual(contract.spec.columns["back"], {
      type: "boolean",
      availableAt: "decision",
      nullable: true,
    });
  });
});
