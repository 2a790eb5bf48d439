import { Column, Contract } from "@ml-pipe/core";
import { describe, expectTypeOf, it } from "vitest";
import * as Expr from "./Expr.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "lab",
  columns: {
    km: Column.float(),
    at: Column.timestamp(),
    city: Column.string(),
    paid: Column.boolean(),
    late: Column.boolean({ availableAt: "outcome" }),
    tags: Column.list(Column.string()),
    rates: Column.list(Column.float({ nullable: true }), { availableAt: "outcome" }),
    driver: Column.struct({ name: Column.string(), since: Column.timestamp() }, { nullable: true }),
    text: Column.embedding(3),
  },
});
const $ = Expr.columns(Trip);

describe("operators", () => {
  it("are those of the column's type", () => {
    expectTypeOf($.km.plus(1).round()).toEqualTypeOf<Expr.NumberExpr<"decision">>();
    expectTypeOf($.city.matches("[A-Z]+")).toEqualTypeOf<Expr.BooleanExpr<"decision">>();
    expectTypeOf($.at.hourOfDay("Europe/Berlin")).toEqualTypeOf<Expr.NumberExpr<"decision">>();
    // @ts-expect-error Property 'matches' does not exist
    $.km.matches("x");
    // @ts-expect-error Argument of type 'string' is not assignable
    $.km.gt("x");
    // @ts-expect-error Argument of type 'number' is not assignable
    $.city.lt(1);
    // @ts-expect-error Argument of type '"decade"' is not assignable
    $.at.startOf("decade");
    // @ts-expect-error Property 'gt' does not exist
    $.paid.gt(false);
  });
});

describe("when", () => {
  it("has the kind of its branches, and is known when all of its parts are", () => {
    expectTypeOf(Expr.when($.paid, $.km, 0)).toEqualTypeOf<Expr.NumberExpr<"decision">>();
    expectTypeOf(Expr.when($.paid, "yes", $.city)).toEqualTypeOf<Expr.StringExpr<"decision">>();
    expectTypeOf(Expr.when($.late, 1, 0)).toEqualTypeOf<Expr.NumberExpr<"outcome">>();
    // @ts-expect-error No overload matches this call
    Expr.when($.paid, 1, "none");
    // @ts-expect-error No overload matches this call
    Expr.when($.km, 1, 0);
  });
});

describe("lists, structs and embeddings", () => {
  it("have the operators of what they hold", () => {
    expectTypeOf($.tags.at(0)).toEqualTypeOf<Expr.StringExpr<"decision">>();
    expectTypeOf($.tags.contains("new")).toEqualTypeOf<Expr.BooleanExpr<"decision">>();
    expectTypeOf($.driver.since.year()).toEqualTypeOf<Expr.NumberExpr<"decision">>();
    expectTypeOf($.text.at(1)).toEqualTypeOf<Expr.NumberExpr<"decision">>();
    expectTypeOf($.text.cosine($.rates)).toEqualTypeOf<Expr.NumberExpr<"decision" | "outcome">>();
    // @ts-expect-error Argument of type 'number' is not assignable
    $.tags.contains(1);
    // @ts-expect-error Property 'dot' does not exist
    $.tags.dot($.text);
    // @ts-expect-error Property 'age' does not exist
    $.driver.age.year();
    // @ts-expect-error Type 'string' is not assignable to type 'number'
    $.text.dot($.tags);
    // @ts-expect-error is not assignable to parameter of type 'Column<OneValue, "decision">'
    Column.list(Column.list(Column.int()));
  });
});
