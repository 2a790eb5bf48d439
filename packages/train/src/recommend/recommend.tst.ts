/** What does not compile of recommenders. */
import { Catalogue, Interactions, Recommender } from "@ml-pipe/data";
import { Column, Contract } from "@ml-pipe/core";
import { expectTypeOf, it } from "vitest";
import * as Train from "../Train.ts";

const Rating = Contract.make("rating", {
  version: "1",
  owner: "films",
  eventTime: "at",
  columns: {
    user: Column.int(),
    film: Column.int(),
    stars: Column.float({ availableAt: "outcome" }),
    note: Column.string({ nullable: true }),
    at: Column.timestamp(),
  },
});
type Rated = NonNullable<Interactions.InteractionsOptions<typeof Rating>["rating"]>;
const Ratings = Interactions.make(Rating, { user: "user", item: "film" });
const Other = Contract.make("other", {
  version: "1",
  owner: "films",
  columns: { user: Column.int(), film: Column.int() },
});
const Film = Contract.make("film", {
  version: "1",
  owner: "films",
  columns: { film: Column.int(), title: Column.string(), year: Column.int({ nullable: true }) },
});
const Films = Catalogue.make(Film, { item: "film" });

it("interactions name columns that can be what they are said to be", () => {
  // @ts-expect-error Type '"at"' is not assignable to type 'Identifiers<
  Interactions.make(Rating, { user: "at", item: "film" });
  // @ts-expect-error Type '"note"' is not assignable to type 'Identifiers<
  Interactions.make(Rating, { user: "user", item: "note" });
  const likedFrom = 4;
  // @ts-expect-error Type '"note"' is not assignable to type 'Numbers<
  const rating: Rated = { column: "note", likedFrom };
  Interactions.make(Rating, { user: "user", item: "film", rating });
  // @ts-expect-error Type '"movie"' is not assignable to type 'Identifiers<
  Catalogue.make(Film, { item: "movie" });
});

it("columns describe items in the way of their type", () => {
  // @ts-expect-error Type '"words"' is not assignable to type '"bins"'
  Train.contentNeighbours(Ratings, Films, { by: { year: { as: "words" } } });
  // @ts-expect-error Type '"bins"' is not assignable to type '"tags" | "words"'
  Train.contentNeighbours(Ratings, Films, { by: { title: { as: "bins", width: 10 } } });
});

it("a test table trains no recommender, and one of other interactions recommends nothing", () => {
  const train = Train.factors(Ratings);
  type Input = Parameters<typeof train.run>[0];
  expectTypeOf<Input["train"]["role"]>().toEqualTypeOf<"train">();
  const others = Recommender.candidates(Interactions.make(Other, { user: "user", item: "film" }));
  type Taken = Parameters<typeof others.run>[0]["recommender"];
  type Given = Recommender.Recommender<typeof Rating>;
  expectTypeOf<Given>().not.toExtend<Taken>();
});
