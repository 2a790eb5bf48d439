import { describe, it } from "vitest";
import * as Check from "./Check.ts";
import * as Column from "./Column.ts";
import * as Contract from "./Contract.ts";

const columns = {
  at: Column.timestamp(),
  until: Column.timestamp({ nullable: true }),
  km: Column.float({ nullable: true }),
  stops: Column.int(),
  city: Column.string(),
  late: Column.boolean({ availableAt: "outcome" }),
};
const about = { version: "1", owner: "fleet", columns } as const;
const Driver = Contract.make("driver", {
  version: "1",
  owner: "fleet",
  columns: { id: Column.string(), age: Column.int() },
});

/** Takes checks that fit the columns above. */
const trip = (...expectations: ReadonlyArray<Check.Check<Contract.RowOf<typeof columns>>>) =>
  Contract.make("trip", { ...about, expectations });

describe("checks that fit", () => {
  it("are taken", () => {
    trip(
      Check.notNull("late"),
      Check.mean("km", { between: [0, 20] }),
      Check.quantile("stops", 0.9, { atMost: 10 }),
      Check.between("at", { atLeast: new Date("2001-01-01") }),
      Check.inSet("city", ["Rome", "Oslo"]),
      Check.inSet("late", [true]),
      Check.greaterThan("until", "at"),
      Check.equal("stops", "km"),
      Check.sumEquals(["km", "stops"], 100),
      Check.unique(["at", "city"]),
      Check.references("city", Driver, "id"),
      Check.rowCount({ atLeast: 1 }),
      Check.sql("short", ["km", "city"], "km < 1 OR city = 'Rome'"),
    );
  });
});

describe("checks that do not fit", () => {
  it("a figure of numbers is not of text", () => {
    // @ts-expect-error Type 'string' is not assignable to type 'number'
    trip(Check.mean("city", { atMost: 3 }));
    // @ts-expect-error Type 'string' is not assignable to type 'number'
    trip(Check.correlation("km", "city", { atMost: 3 }));
    // @ts-expect-error Type 'boolean' is not assignable to type 'number'
    trip(Check.positive("late"));
  });
  it("the form of text is not of numbers", () => {
    // @ts-expect-error Type 'number' is not assignable to type 'string'
    trip(Check.matches("stops", "[0-9]+"));
    // @ts-expect-error Type 'number | null' is not assignable to type 'string | null'
    trip(Check.maxLength("km", { atMost: 3 }));
  });
  it("a column that is not there", () => {
    // @ts-expect-error Property 'miles' is missing
    trip(Check.notNull("miles"));
    // @ts-expect-error Property 'miles' is missing
    trip(Check.sql("short", ["miles"], "miles < 1"));
  });
  it("limits and values are of the column's type", () => {
    // @ts-expect-error Type 'Date' is not assignable to type 'number'
    trip(Check.between("at", { atMost: 3 }));
    // @ts-expect-error Type 'string' is not assignable to type 'number'
    trip(Check.inSet("city", [1, 2]));
    // @ts-expect-error Type 'string' is not assignable to type 'number'
    trip(Check.references("city", Driver, "age"));
  });
  it("columns that are compared are of one type", () => {
    // @ts-expect-error is not assignable to type
    trip(Check.greaterThan("at", "stops"));
    // @ts-expect-error is not assignable to type
    trip(Check.equal("city", "late"));
  });
  it("limits are said in one way", () => {
    // @ts-expect-error is not assignable to type
    Check.mean("km", { between: [0, 1], atMost: 2 });
    // @ts-expect-error is not assignable to parameter of type
    Check.mean("km", {});
    // @ts-expect-error 'mostly' does not exist in type
    Check.mean("km", { atMost: 2, mostly: 0.9 });
  });
});
