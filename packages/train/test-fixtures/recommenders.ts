/** The figures in recommenders.json, typed (`recommenders.py` says how they were made). For tests only. */
import { readFileSync } from "node:fs";
import { Catalogue, Interactions } from "@ml-pipe/data";
import { Column, Contract } from "@ml-pipe/core";
import * as Schema from "effect/Schema";

const Numbers = Schema.Array(Schema.Finite);
const fitted = { penalty: Schema.Finite, rounds: Schema.Int, start: Numbers };

const Figures = Schema.Struct({
  entries: Schema.Struct({
    users: Schema.Int,
    items: Schema.Int,
    factors: Schema.Int,
    user: Numbers,
    item: Numbers,
    times: Numbers,
    rating: Numbers,
  }),
  implicit: Schema.Struct({ ...fitted, alpha: Schema.Finite, users: Numbers, items: Numbers }),
  explicit: Schema.Struct({ ...fitted, mean: Schema.Finite, users: Numbers, items: Numbers }),
  cosine: Schema.Array(Numbers),
  films: Schema.Array(Schema.Tuple([Schema.String, Schema.String, Schema.Int])),
  weights: Schema.Struct({
    genres: Schema.Finite,
    title: Schema.Finite,
    year: Schema.Finite,
  }),
  content: Schema.Array(Numbers),
});

/** See `recommenders.py`. */
export const figures = Schema.decodeUnknownSync(Figures)(
  JSON.parse(readFileSync(new URL("./recommenders.json", import.meta.url), "utf8")),
);

/** Stars that users gave films. */
export const Rating = Contract.make("rating", {
  version: "1",
  owner: "films",
  eventTime: "at",
  columns: {
    user: Column.string(),
    film: Column.int(),
    stars: Column.float({ availableAt: "outcome" }),
    at: Column.timestamp(),
  },
});

/** Liked from four stars on. */
export const Ratings = Interactions.make(Rating, {
  user: "user",
  item: "film",
  rating: { column: "stars", likedFrom: 4 },
});

/** What users played, without a rating. */
export const Play = Contract.make("play", {
  version: "1",
  owner: "films",
  columns: { user: Column.int(), film: Column.int() },
});

/** Every play counts. */
export const Plays = Interactions.make(Play, { user: "user", item: "film" });

/** What is known of films. */
export const Film = Contract.make("film", {
  version: "1",
  owner: "films",
  key: ["film"],
  columns: {
    film: Column.int(),
    title: Column.string(),
    genres: Column.string(),
    year: Column.int({ nullable: true }),
  },
});

/** The films by number. */
export const Films = Catalogue.make(Film, { item: "film" });
