import { type Artifact, Check, Column, Contract, type Ref } from "@ml-pipe/core";
import type { Duckdb, Table } from "@ml-pipe/data";
import { describe, expectTypeOf, it } from "vitest";
import * as Validate from "./Validate.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  columns: { km: Column.float(), late: Column.boolean({ availableAt: "outcome" }) },
});
const Other = Contract.make("other", { version: "1", owner: "lab", columns: Trip.columns });
const validate = Validate.table(Trip);

declare const raw: Ref.Ref<Table.Table<typeof Trip, "raw">, never, never>;
declare const checked: Ref.Ref<Table.Table<typeof Trip, "checked">, never, never>;
const Driver = Contract.make("driver", {
  version: "1",
  owner: "fleet",
  columns: { id: Column.string() },
});
declare const drivers: Ref.Ref<Table.Table<typeof Driver, "checked">, never, never>;
declare const rawDrivers: Ref.Ref<Table.Table<typeof Driver, "raw">, never, never>;
declare const other: Ref.Ref<Table.Table<typeof Other, "raw">, never, never>;

describe("a validation", () => {
  it("turns a raw table into a checked one", () => {
    const node = validate({ data: raw });
    expectTypeOf(node.checked).toExtend<
      Ref.Ref<
        Table.Table<typeof Trip, "checked">,
        Validate.TableError,
        Duckdb.Duckdb | Artifact.ArtifactStore
      >
    >();
  });

  it("takes no table of another contract", () => {
    // @ts-expect-error is not assignable to type '"trip"'
    validate({ data: other });
  });

  it("takes no table that was checked before", () => {
    // @ts-expect-error is not assignable to type '"raw"'
    validate({ data: checked });
  });

  it("a row check is a yes or no over the contract's columns, outcomes included", () => {
    Validate.table(Trip, {
      checks: [{ name: "late", expected: "late or far", holds: ($) => $.late.or($.km.gt(3)) }],
    });
    Validate.table(Trip, {
      // @ts-expect-error is missing the following properties from type 'BooleanExpr<
      checks: [{ name: "km", expected: "", holds: ($) => $.km.plus(1) }],
    });
    Validate.table(Trip, {
      // @ts-expect-error Property 'miles' does not exist on type
      checks: [{ name: "miles", expected: "", holds: ($) => $.miles.gt(1) }],
    });
  });

  it("takes checks of its columns", () => {
    Validate.table(Trip, { checks: [Check.mean("km", { atMost: 9 })] });
    Validate.table(Trip, {
      // @ts-expect-error Property 'miles' is missing
      checks: [Check.mean("miles", { atMost: 9 })],
    });
  });

  it("takes the tables that its checks compare with, checked", () => {
    const both = Validate.table(Trip, { references: { drivers: Driver } });
    both({ data: raw, drivers });
    // @ts-expect-error Property 'drivers' is missing
    both({ data: raw });
    // @ts-expect-error is not assignable to type '"checked"'
    both({ data: raw, drivers: rawDrivers });
  });
});
