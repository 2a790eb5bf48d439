/** What does not compile of systems. */
import { Column, Contract, type Ref } from "@ml-pipe/core";
import { expectTypeOf, it } from "vitest";
import type * as Table from "../Table.ts";
import * as Catalogue from "./Catalogue.ts";
import * as Interactions from "./Interactions.ts";
import type * as Recommendations from "./Recommendations.ts";
import * as System from "./System.ts";

const Play = Contract.make("play", {
  version: "1",
  owner: "films",
  columns: { user: Column.string(), film: Column.int() },
});
const Plays = Interactions.make(Play, { user: "user", item: "film" });
const Film = Contract.make("film", {
  version: "1",
  owner: "films",
  columns: {
    film: Column.int(),
    year: Column.int(),
    genres: Column.string(),
    clicks: Column.int({ availableAt: "outcome" }),
  },
});
const Films = Catalogue.make(Film, { item: "film" });

it("rules read what is known at the decision, of the catalogue", () => {
  System.make("home", Plays, {
    sources: { a: 1 },
    length: 3,
    items: Films,
    // @ts-expect-error Type '"outcome"' is not assignable to type '"decision"'
    rules: ($) => [System.hide($.clicks.gt(3))],
  });
  System.make("home", Plays, {
    sources: { a: 1 },
    length: 3,
    items: Films,
    // @ts-expect-error Type '"year"' is not assignable to type '"genres"'
    diversify: { by: "year", separator: "|", relevance: 0.5 },
  });
});

it("a system takes a table for each of its sources, and the catalogue if it has one", () => {
  const plain = System.merge(System.make("home", Plays, { sources: { a: 1, b: 1 }, length: 3 }));
  expectTypeOf<keyof Parameters<typeof plain.run>[0]>().toEqualTypeOf<"a" | "b" | "train">();
  const known = System.merge(
    System.make("home", Plays, { sources: { a: 1 }, length: 3, items: Films }),
  );
  expectTypeOf<keyof Parameters<typeof known.run>[0]>().toEqualTypeOf<"a" | "train" | "items">();
  const wire = (
    lists: Ref.Ref<Recommendations.Recommendations, never, never>,
    train: Ref.Ref<Table.Table<typeof Play, "train">, never, never>,
    test: Ref.Ref<Table.Table<typeof Play, "test">, never, never>,
  ) => {
    plain({ a: lists, b: lists, train });
    // @ts-expect-error Property 'b' is missing in type
    plain({ a: lists, train });
    // @ts-expect-error Type '"test"' is not assignable to type '"train"'
    plain({ a: lists, b: lists, train: test });
  };
  expectTypeOf(wire).toBeFunction();
});
