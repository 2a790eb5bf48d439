import { Column, Contract } from "@ml-pipe/core";
import { describe, expectTypeOf, it } from "vitest";
import * as PointInTime from "./PointInTime.ts";

const Order = Contract.make("order", {
  version: "1",
  owner: "shop",
  eventTime: "at",
  columns: { at: Column.timestamp(), product: Column.string(), size: Column.int() },
});
const price = { validFrom: Column.timestamp(), product: Column.string(), size: Column.string() };
const about = { version: "1", owner: "pricing", columns: price } as const;
const Price = Contract.make("price", { ...about, eventTime: "validFrom" });
const Untimed = Contract.make("price", about);
const options = { name: "priced", version: "1", by: ["product"], take: { its: "size" } } as const;

describe("join", () => {
  it("adds what it takes, which may be missing, and keeps the rows' own event time", () => {
    const { contract } = PointInTime.join(Order, Price, options);
    expectTypeOf<Contract.Row<typeof contract>>().toEqualTypeOf<{
      readonly at: Date;
      readonly product: string;
      readonly size: number;
      readonly its: string | null;
    }>();
    expectTypeOf(contract.eventTime).toEqualTypeOf<"at">();
  });
  it("is of tables with an event time, by columns that both have with one type", () => {
    // @ts-expect-error Type 'undefined' is not assignable to type 'string'
    PointInTime.join(Order, Untimed, options);
    // @ts-expect-error Type '"size"' is not assignable to type '"product"'
    PointInTime.join(Order, Price, { ...options, by: ["size"] });
    // @ts-expect-error Type '"weight"' is not assignable
    PointInTime.join(Order, Price, { ...options, take: { its: "weight" } });
  });
});
