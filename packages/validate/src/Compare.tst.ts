import { Column, Contract, type Ref } from "@ml-pipe/core";
import type { Table } from "@ml-pipe/data";
import { describe, it } from "vitest";
import * as Compare from "./Compare.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  columns: { km: Column.float(), city: Column.string() },
});
const Other = Contract.make("other", { version: "1", owner: "lab", columns: Trip.columns });

declare const train: Ref.Ref<Table.Table<typeof Trip, "train">, never, never>;
declare const live: Ref.Ref<Table.Table<typeof Trip, "live">, never, never>;
declare const other: Ref.Ref<Table.Table<typeof Other, "live">, never, never>;

const compare = Compare.tables(Trip, { reference: "train", current: "live" });

describe("a comparison", () => {
  it("takes tables of its contract in its roles", () => {
    compare({ reference: train, current: live });
    // @ts-expect-error is not assignable to type '"train"'
    compare({ reference: live, current: live });
    // @ts-expect-error is not assignable to type '"trip"'
    compare({ reference: train, current: other });
  });

  it("takes no raw table, no column that the contract does not have, and no method of its own", () => {
    // @ts-expect-error is not assignable to type 'CheckedRole'
    Compare.tables(Trip, { reference: "raw", current: "live" });
    // @ts-expect-error 'miles' does not exist in type
    Compare.profiles(Trip, { columns: { miles: false } });
    // @ts-expect-error is not assignable to type
    Compare.profiles(Trip, { method: "feeling" });
  });
});
