import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as fc from "fast-check";
import * as fs from "node:fs/promises";
import { tableOf, withTables } from "../../test-fixtures/tables.ts";
import * as Duckdb from "../Duckdb.ts";
import { pack, unpack } from "../internal/recommend/parts.ts";
import * as Table from "../Table.ts";
import * as Catalogue from "./Catalogue.ts";
import * as Interactions from "./Interactions.ts";
import * as Recommender from "./Recommender.ts";
import * as ServedSystem from "./ServedSystem.ts";
import * as System from "./System.ts";

const Rating = Contract.make("rating", {
  version: "1",
  owner: "films",
  columns: {
    user: Column.string(),
    film: Column.int(),
    stars: Column.float({ availableAt: "outcome" }),
  },
});
const Ratings = Interactions.make(Rating, {
  user: "user",
  item: "film",
  rating: { column: "stars", likedFrom: 4 },
});
const Film = Contract.make("film", {
  version: "1",
  owner: "films",
  key: ["film"],
  columns: {
    film: Column.int(),
    year: Column.int({ nullable: true }),
    genres: Column.string({ nullable: true }),
  },
});
const Films = Catalogue.make(Film, { item: "film" });

type Rows = ReadonlyArray<{ readonly [column: string]: unknown }>;

/** Rows as a part of a recommender. */
const partOf = Effect.fnUntraced(function* (rows: Rows, columns: ReadonlyArray<string>) {
  const [store, db] = [yield* Artifact.ArtifactStore, yield* Duckdb.Duckdb];
  const types = columns.map((name) =>
    ["id", "item", "neighbour"].includes(name)
      ? `CAST("${name}" AS VARCHAR) AS "${name}"`
      : `CAST("${name}" AS DOUBLE) AS "${name}"`,
  );
  const values = rows.map((row) => `(${columns.map((name) => `'${row[name]}'`).join(", ")})`);
  const none = `(${columns.map(() => "NULL").join(", ")})`;
  const query = `SELECT ${types.join(", ")} FROM (VALUES ${values.join(", ") || none}) AS v(${columns.map((name) => `"${name}"`).join(", ")}) ${values.length === 0 ? "LIMIT 0" : ""}`;
  return yield* store.put("application/vnd.apache.parquet", (file) =>
    db.execute("write a part", `COPY (${query}) TO ${Duckdb.literal(file)} (FORMAT parquet)`),
  );
});

const weight = fc.constantFrom(0.1, 1, 2.7);

/** What is drawn: few users and items with few different scores, so that there are ties. */
const drawn = fc.record({
  ratings: fc.uniqueArray(
    fc.record({
      user: fc.constantFrom("ana", "ben", "Zoë", "zed", "é"),
      film: fc.integer({ min: 1, max: 14 }),
      stars: fc.constantFrom(1, 4, 5),
    }),
    { selector: ({ user, film }) => `${user} ${film}`, minLength: 1, maxLength: 25 },
  ),
  factors: fc.array(fc.constantFrom(-1, 0.1, 0.25, 1 / 3, 2), { minLength: 60, maxLength: 60 }),
  neighbours: fc.uniqueArray(
    fc.tuple(
      fc.integer({ min: 1, max: 14 }),
      fc.integer({ min: 1, max: 16 }),
      fc.constantFrom(0.1, 0.3, 0.7),
    ),
    { selector: ([a, b]) => `${a} ${b}`, maxLength: 40 },
  ),
  scores: fc.uniqueArray(
    fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ max: 9, min: 0 })),
    {
      selector: ([film]) => film,
      maxLength: 14,
    },
  ),
  weights: fc.tuple(weight, weight, weight, weight),
  blend: fc.constantFrom<System.Blend>("rank-fusion", "weighted", "interleave"),
  length: fc.integer({ min: 1, max: 5 }),
  perUser: fc.integer({ min: 1, max: 6 }),
  rules: fc.subarray(["hide", "boost", "sink", "cap", "cap2"]),
  relevance: fc.constantFrom(undefined, 0.1, 0.7, 0.9),
});

const films = tableOf(
  Film,
  "checked",
  Array.from({ length: 13 }, (_, i) => ({
    film: i + 1,
    year: i % 5 === 0 ? null : 1980 + 7 * (i % 4),
    genres: i % 6 === 0 ? null : ["a|b", "b| c", "a", "d|a|b", "|"][i % 5],
  })),
);

const madeOf = Effect.fnUntraced(function* ({
  weights: [factors, neighbours, scores, random],
  ...given
}: typeof drawn extends fc.Arbitrary<infer D> ? D : never) {
  const train = yield* tableOf(Rating, "train", given.ratings);
  const users = [...new Set(given.ratings.map(({ user }) => user))].filter((_, at) => at !== 1);
  const side = (ids: ReadonlyArray<string | number>, from: number) =>
    partOf(
      ids.map((id, at) => ({
        id,
        bias: given.factors[(from + at) % 60],
        f0: given.factors[(from + 3 * at) % 60],
        f1: given.factors[(from + 7 * at) % 60],
      })),
      ["id", "bias", "f0", "f1"],
    );
  const make = (kind: string, form: Recommender.Form) =>
    Recommender.make(Ratings, train, { kind, form });
  const recommenders = {
    factors: make("factors", {
      _tag: "factors",
      base: 0.5,
      factors: 2,
      users: yield* side(users, 0),
      items: yield* side([1, 2, 3, 5, 8, 9, 12, 14], 11),
    }),
    neighbours: make("neighbours", {
      _tag: "neighbours",
      neighbours: yield* partOf(
        given.neighbours.map(([item, neighbour, similarity]) => ({ item, neighbour, similarity })),
        ["item", "neighbour", "similarity"],
      ),
    }),
    scores: make("popularity", {
      _tag: "scores",
      scores: yield* partOf(
        given.scores.map(([item, score]) => ({ item, score })),
        ["item", "score"],
      ),
    }),
    random: make("random items", {
      _tag: "random",
      seed: 7,
      items: yield* partOf(
        [...new Set(given.ratings.map(({ film }) => film))].map((item) => ({ item })),
        ["item"],
      ),
    }),
  };
  const system = System.make("home", Ratings, {
    sources: { factors, neighbours, scores, random },
    blend: given.blend,
    length: given.length,
    items: Films,
    rules: ($) =>
      given.rules.map(
        (rule) =>
          ({
            hide: System.hide($.genres.equals("a")),
            boost: System.boost($.year.gt(1990), 1.7),
            sink: System.boost($.genres.equals("d|a|b"), 0.3),
            cap: System.cap($.year, 1),
            cap2: System.cap($.genres, 2),
          })[rule] ?? assert.fail(rule),
      ),
    ...(given.relevance === undefined
      ? {}
      : { diversify: { by: "genres", separator: "|", relevance: given.relevance } }),
  });
  const items = yield* films;
  const { perUser } = given;
  const listsOf = (source: keyof typeof recommenders) =>
    Recommender.candidates(Ratings, { source, perUser }).run({
      recommender: recommenders[source],
      train,
    });
  /** The lists of all, as they are judged. */
  const merged = Effect.gen(function* () {
    const { lists } = yield* System.merge(system).run({
      factors: yield* listsOf("factors"),
      neighbours: yield* listsOf("neighbours"),
      scores: yield* listsOf("scores"),
      random: yield* listsOf("random"),
      train,
      items,
    });
    return lists;
  });
  const served = yield* ServedSystem.prepare(system, { recommenders, train, items, perUser });
  return { served, merged };
});

describe("ServedSystem", { timeout: 400_000 }, () => {
  it.effect("serves each user the list that the merge made for all: items, sources, scores", () =>
    Effect.gen(function* () {
      const run = Effect.runPromiseWith(
        yield* Effect.context<Duckdb.Duckdb | Artifact.ArtifactStore>(),
      );
      const property = fc.asyncProperty(drawn, (given) =>
        Effect.gen(function* () {
          const { served, merged } = yield* madeOf(given);
          const lists = yield* merged;
          const surface = yield* ServedSystem.open(served);
          const db = yield* Duckdb.Duckdb;
          const rows = yield* db.rows(
            "look",
            `SELECT * REPLACE (rank::INTEGER AS rank) FROM ${yield* Table.relation(lists)} ORDER BY user, rank`,
          );
          const answered = surface.users.flatMap((user) =>
            surface.list(user).places.map((place) => ({ user, ...place })),
          );
          // Equal to the last bit, scores as well.
          assert.sameDeepOrderedMembers(answered, [...rows]);
          assert.strictEqual((yield* ServedSystem.compare(surface, lists)).different, 0);
        }).pipe(Effect.scoped, run),
      );
      const numRuns = Number(process.env["ML_PIPE_PROPERTY_RUNS"] ?? 4);
      yield* Effect.promise(() => fc.assert(property, { numRuns }));
    }).pipe(withTables),
  );

  /** A case that has something of everything. */
  const given = fc.sample(drawn, { numRuns: 1, seed: 3 })[0]!;

  it.effect("keeps the same bytes on any number of threads", () =>
    Effect.gen(function* () {
      const digestWith = (threads: number) =>
        Effect.map(madeOf(given), ({ served }) => served.parts.digest).pipe(
          Effect.scoped,
          Effect.provide(Layer.fresh(Duckdb.Duckdb.layer({ threads }))),
          Effect.provide(Artifact.ArtifactStore.layerTemporary),
        );
      assert.strictEqual(yield* digestWith(1), yield* digestWith(3));
    }),
  );

  it.effect("refuses parts of another form", () =>
    Effect.gen(function* () {
      const { served } = yield* madeOf(given);
      const store = yield* Artifact.ArtifactStore;
      const { visible: _, ...parts } = unpack(
        new Uint8Array(
          yield* Effect.flatMap(store.path(served.parts), (file) =>
            Effect.promise(() => fs.readFile(file)),
          ),
        ),
      );
      const lacking = yield* store.put(ServedSystem.mediaType, (file) =>
        Effect.promise(() => fs.writeFile(file, pack(parts))),
      );
      const error = yield* Effect.flip(ServedSystem.open({ ...served, parts: lacking }));
      assert.strictEqual(error._tag, "PartsInvalid");
      assert.match(error.message, /it has no part "visible".*Run the pipeline again/);
    }).pipe(Effect.scoped, withTables),
  );
});

describe("parts", () => {
  it("are what was packed, in the same bytes, wherever they lie in memory", () => {
    const parts = {
      texts: ["é", "a\nb", ""],
      flags: Uint8Array.of(1, 0, 1),
      places: Int32Array.of(-1, 7),
      none: new Float64Array(),
      numbers: Float64Array.of(0.1, -Infinity, Number.NaN),
    };
    const bytes = new Uint8Array(pack(parts).flatMap((part) => [...part]));
    assert.deepStrictEqual(unpack(bytes), parts);
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    assert.deepStrictEqual(unpack(moved.subarray(3)), parts);
  });
});
