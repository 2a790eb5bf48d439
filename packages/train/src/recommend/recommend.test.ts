import { assert, describe, it } from "@effect/vitest";
import { Artifact, Stage } from "@ml-pipe/core";
import { Duckdb, Recommender, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  Film,
  Films,
  figures,
  Play,
  Plays,
  Rating,
  Ratings,
} from "../../test-fixtures/recommenders.ts";
import * as Train from "../Train.ts";

const services = (threads: number) =>
  Layer.mergeAll(Duckdb.Duckdb.layer({ threads }), Artifact.ArtifactStore.layerTemporary);
const withTables = Effect.provide(services(2));

const plays = (pairs: ReadonlyArray<readonly [user: number, film: number]>) =>
  Table.write(Play, "train", {
    query: `SELECT u::BIGINT AS user, f::BIGINT AS film FROM (VALUES ${pairs.map(([u, f]) => `(${u}, ${f})`).join(", ")}) AS v(u, f)`,
  });

const ratings = (
  rows: ReadonlyArray<readonly [user: string, film: number, stars: number | string, day: number]>,
) =>
  Table.write(Rating, "train", {
    query: `SELECT u AS user, f::BIGINT AS film, s::DOUBLE AS stars, TIMESTAMP '2020-01-01' + to_days(d::INTEGER) AS at
      FROM (VALUES ${rows.map(([u, f, s, d]) => `('${u}', ${f}, ${s}, ${d})`).join(", ")}) AS v(u, f, s, d)`,
    split: "split-1",
  });

const films = Table.write(Film, "checked", {
  query: `SELECT f::BIGINT AS film, t AS title, g AS genres, y::BIGINT AS year FROM (VALUES ${figures.films
    .map(([title, genres, year], at) => `(${at}, '${title}', '${genres}', ${year})`)
    .join(", ")}) AS v(f, t, g, y)`,
});

const rowsOf = Effect.fnUntraced(function* (relation: string) {
  const db = yield* Duckdb.Duckdb;
  return yield* db.rows("look", `SELECT * FROM ${relation}`);
});

/** Lists by user: items from the first place on. */
const listsOf = Effect.fnUntraced(function* (table: Table.AnyTable) {
  const rows = yield* rowsOf(
    `(SELECT user, string_agg(item, ' ' ORDER BY rank) AS items FROM ${yield* Table.relation(table)} GROUP BY user ORDER BY user)`,
  );
  return Object.fromEntries(rows.map(({ user, items }) => [user, items]));
});

const partOf = Effect.fnUntraced(function* (artifact: Artifact.Artifact) {
  const store = yield* Artifact.ArtifactStore;
  return yield* rowsOf(Table.parquet(yield* store.path(artifact)));
});

/** Similarities as a dense matrix, by the numbers of items. */
const denseOf = Effect.fnUntraced(function* (
  recommender: Recommender.AnyRecommender,
  size: number,
) {
  const dense = Array.from({ length: size }, () => Array.from({ length: size }, () => 0));
  const { form } = recommender;
  if (form._tag !== "neighbours") return dense;
  for (const { item, neighbour, similarity } of yield* partOf(form.neighbours)) {
    dense[Number(item)]![Number(neighbour)] = Number(similarity);
  }
  return dense;
});

const near = (
  found: ReadonlyArray<ReadonlyArray<number>>,
  expected: ReadonlyArray<ReadonlyArray<number>>,
) => {
  for (const [row, values] of expected.entries()) {
    for (const [column, value] of values.entries()) {
      assert.closeTo(found[row]![column]!, value, 1e-12, `${row}, ${column}`);
    }
  }
};

describe("nearest neighbours", () => {
  it.effect("by users agree with scikit-learn's and implicit's cosine", () =>
    Effect.gen(function* () {
      const { user, item, times, items } = figures.entries;
      const train = yield* plays(
        user.flatMap((u, at) => Array.from({ length: times[at]! }, () => [u, item[at]!] as const)),
      );
      near(
        yield* denseOf(yield* Train.itemNeighbours(Plays).run({ train }), items),
        figures.cosine,
      );
    }).pipe(withTables),
  );

  it.effect("by content agree with scikit-learn's TfidfVectorizer and cosine", () =>
    Effect.gen(function* () {
      const { weights } = figures;
      const recommender = yield* Train.contentNeighbours(Ratings, Films, {
        by: {
          genres: { as: "tags", separator: "|", weight: weights.genres },
          title: { as: "words", weight: weights.title },
          year: { as: "bins", width: 10, weight: weights.year },
        },
      }).run({ train: yield* ratings([["ana", 1, 5, 0]]), items: yield* films });
      near(yield* denseOf(recommender, figures.films.length), figures.content);
    }).pipe(withTables),
  );

  it.effect(
    "keep the nearest only, shrink what rests on few, and recommend the sum over what was liked",
    () =>
      Effect.gen(function* () {
        const train = yield* plays([
          [1, 1],
          [1, 2],
          [2, 1],
          [2, 2],
          [3, 2],
          [3, 3],
          [4, 3],
        ]);
        const two = yield* Train.itemNeighbours(Plays, { neighbours: 1, shrink: 2 }).run({ train });
        // 1 and 2 share two users: 2 / (√2 √3 + 2). 3 shares one with 2: 1 / (√2 √3 + 2).
        const [first, , third] = yield* denseOf(two, 4).pipe(Effect.map((rows) => rows.slice(1)));
        assert.closeTo(first![2]!, 2 / (Math.sqrt(6) + 2), 1e-12);
        assert.closeTo(third![2]!, 1 / (Math.sqrt(6) + 2), 1e-12);
        assert.strictEqual(third![1], 0);
        const lists = yield* Recommender.candidates(Plays).run({ recommender: two, train });
        // 3 liked 2 and 3, and 2's only neighbour is 1; 1 and 2 have met their only neighbours.
        assert.deepStrictEqual(yield* listsOf(lists), { 3: "1", 4: "2" });
      }).pipe(withTables),
  );
});

describe("popularity", () => {
  const rows = [
    ["ana", 1, 5, 0],
    ["bob", 1, 4, 0],
    ["cy", 1, 3, 9],
    ["ana", 2, 4, 10],
    ["bob", 3, 5, 0],
    ["bob", 3, 1, 5],
  ] as const;

  it.effect("counts who liked an item at last, or weighs each by age", () =>
    Effect.gen(function* () {
      const train = yield* ratings(rows);
      const scores = Effect.fnUntraced(function* (options: Train.PopularityOptions) {
        const { form } = yield* Train.popularity(Ratings, options).run({ train });
        if (form._tag !== "scores") return [];
        return (yield* partOf(form.scores)).map(({ item, score }) => [item, score]);
      });
      assert.deepStrictEqual(yield* scores({}), [
        ["1", 2],
        ["2", 1],
      ]);
      // The last interaction is on day 10: two likes of 1 and one of 3 are ten days old.
      assert.deepStrictEqual(yield* scores({ halfLife: "5 days" }), [
        ["1", 0.5],
        ["2", 1],
        ["3", 0.25],
      ]);
    }).pipe(withTables),
  );

  it.effect("recommends to everybody what they have not met", () =>
    Effect.gen(function* () {
      const train = yield* ratings(rows);
      const recommender = yield* Train.popularity(Ratings).run({ train });
      const lists = yield* Recommender.candidates(Ratings, { source: "most liked" }).run({
        recommender,
        train,
      });
      assert.deepStrictEqual(yield* listsOf(lists), { bob: "2", cy: "2" });
      const [row] = yield* rowsOf(yield* Table.relation(lists));
      assert.deepStrictEqual(row, {
        user: "bob",
        item: "2",
        rank: "1",
        score: 1,
        source: "most liked",
      });
      assert.strictEqual(lists.split, "split-1");
    }).pipe(withTables),
  );

  it("does not decay without a time, or by nothing", () => {
    assert.throws(() => Train.popularity(Plays, { halfLife: "1 day" }), /no event time/);
    assert.throws(() => Train.popularity(Ratings, { halfLife: 0 }), /half-life/);
  });
});

describe("recommending", () => {
  const pairs = Array.from({ length: 400 }, (_, at) => [at % 37, (at * at + 3 * at) % 29] as const);

  it.effect(
    "never repeats what was met, ranks without a gap, and is the same on any number of threads",
    () =>
      Effect.gen(function* () {
        const listsWith = (threads: number) =>
          Effect.gen(function* () {
            const train = yield* plays(pairs);
            const trained = [
              yield* Train.factors(Plays, { factors: 4, iterations: 2 }).run({ train }),
              yield* Train.itemNeighbours(Plays, { neighbours: 5 }).run({ train }),
              yield* Train.popularity(Plays).run({ train }),
              yield* Train.randomItems(Plays, { seed: 4 }).run({ train }),
            ];
            const met = yield* Table.relation(train);
            return yield* Effect.forEach(trained, (recommender) =>
              Effect.gen(function* () {
                const lists = yield* Recommender.candidates(Plays, { perUser: 7 }).run({
                  recommender,
                  train,
                });
                const relation = yield* Table.relation(lists);
                const [bad] = yield* rowsOf(`(SELECT
                (SELECT count(*) FROM ${relation} AS l JOIN ${met} AS m
                  ON l.user = CAST(m.user AS VARCHAR) AND l.item = CAST(m.film AS VARCHAR))::INT AS met,
                (SELECT count(*) FROM (SELECT user FROM ${relation} GROUP BY user
                  HAVING max(rank) <> count(*) OR count(DISTINCT item) <> count(*) OR max(rank) > 7))::INT AS gaps,
                (SELECT count(*) FROM (SELECT score > lag(score) OVER (PARTITION BY user ORDER BY rank) AS up
                  FROM ${relation}) WHERE up)::INT AS up)`);
                assert.deepStrictEqual(bad, { met: 0, gaps: 0, up: 0 }, recommender.kind);
                assert.isAbove(lists.rows, 37 * 2, recommender.kind);
                return Table.digestOf(lists);
              }),
            );
          }).pipe(Effect.provide(services(threads)));
        assert.deepStrictEqual(yield* listsWith(1), yield* listsWith(3));
      }),
  );

  it.effect("scores by factors as the product says", () =>
    Effect.gen(function* () {
      const train = yield* ratings([
        ["ana", 1, 5, 0],
        ["ana", 2, 1, 0],
        ["bob", 1, 4, 0],
        ["bob", 3, 5, 0],
        ["cy", 2, 2, 0],
      ]);
      const recommender = yield* Train.factors(Ratings, {
        feedback: "explicit",
        factors: 2,
        regularization: 0.1,
      }).run({ train });
      const lists = yield* Recommender.candidates(Ratings).run({ recommender, train });
      const { form } = recommender;
      if (form._tag !== "factors") return assert.fail();
      const [users, items] = [yield* partOf(form.users), yield* partOf(form.items)];
      for (const { user, item, score } of yield* rowsOf(yield* Table.relation(lists))) {
        const u = users.find(({ id }) => id === user)!;
        const i = items.find(({ id }) => id === item)!;
        const product = ["f0", "f1"].reduce((sum, f) => sum + Number(u[f]) * Number(i[f]), 0);
        const expected = form.base + Number(u["bias"]) + Number(i["bias"]) + product;
        assert.closeTo(Number(score), expected, 1e-12);
      }
      assert.deepStrictEqual((yield* listsOf(lists))["ana"], "3");
    }).pipe(withTables),
  );

  it.effect(
    "refuses interactions that it was not trained on, and a train table in which nothing was liked",
    () =>
      Effect.gen(function* () {
        const train = yield* ratings([["ana", 1, 5, 0]]);
        const other = yield* ratings([["bob", 1, 5, 0]]);
        const recommender = yield* Train.popularity(Ratings).run({ train });
        const wrong = yield* Effect.flip(
          Recommender.candidates(Ratings).run({ recommender, train: other }),
        );
        assert.match(wrong.message, /was trained on table .* Wire the train table to both/);
        const disliked = yield* ratings([
          ["ana", 1, 2, 0],
          ["bob", 2, "NULL", 0],
          ["bob", 3, "'NaN'::DOUBLE", 1],
          ["cy", 3, "'inf'::DOUBLE", 1],
        ]);
        const stages = [
          Train.factors(Ratings),
          Train.itemNeighbours(Ratings),
          Train.popularity(Ratings),
          Train.popularity(Ratings, { halfLife: "1 day" }),
        ];
        for (const stage of stages) {
          const error = yield* Effect.flip(stage.run({ train: disliked }));
          assert.match(error.message, /from which rating on an item counts as liked/);
        }
        const empty = yield* Table.write(Rating, "train", {
          query: `SELECT * FROM ${yield* Table.relation(train)} LIMIT 0`,
        });
        const error = yield* Effect.flip(Train.randomItems(Ratings).run({ train: empty }));
        assert.match(error.message, /cannot train: there are no entries/);
      }).pipe(withTables),
  );

  it.effect("says who gets no list, and which rows say nothing", () =>
    Effect.gen(function* () {
      const told = Effect.fnUntraced(function* (train: Table.Table<typeof Rating, "train">) {
        const found: Array<string> = [];
        const recommender = yield* Train.itemNeighbours(Ratings).run({ train });
        yield* Recommender.candidates(Ratings, { source: "near" })
          .run({ recommender, train })
          .pipe(
            Effect.provideService(Stage.Reporter, (event) =>
              Effect.sync(() => {
                if (event._tag !== "Finding") return;
                const { check, severity, found: words } = event.finding;
                found.push(`${severity} ${check}: ${words}`);
              }),
            ),
          );
        return found;
      });
      const likes = yield* ratings([
        ["ana", 1, 5, 0],
        ["ana", 2, 5, 0],
        ["bob", 1, 5, 0],
        ["cy", 3, 5, 0],
        ["cy", 4, "'inf'::DOUBLE", 0],
        ["di", 1, "'NaN'::DOUBLE", 0],
      ]);
      assert.deepStrictEqual(yield* told(likes), [
        "info candidates.unlisted: none for 2 users",
        "warn candidates.unreadable: 2 rows of 6 without, left out",
      ]);
      const alone = yield* ratings([
        ["ana", 1, 5, 0],
        ["ana", 2, 5, 0],
      ]);
      assert.deepStrictEqual(yield* told(alone), ["warn candidates.unlisted: none for anybody"]);
    }).pipe(withTables),
  );

  it.effect("says when the regularisation leaves nothing of the factors", () =>
    Effect.gen(function* () {
      const findings: Array<string> = [];
      const train = yield* plays([
        [1, 1],
        [2, 2],
      ]);
      const told = (regularization: number) =>
        Train.factors(Plays, { factors: 2, regularization })
          .run({ train })
          .pipe(
            Effect.provideService(Stage.Reporter, (event) =>
              Effect.sync(() => {
                if (event._tag === "Finding") findings.push(event.finding.check);
              }),
            ),
          );
      yield* told(0.1);
      assert.deepStrictEqual(findings, []);
      yield* told(50);
      assert.deepStrictEqual(findings, ["factors.vanished"]);
    }).pipe(withTables),
  );

  it("refuses options that say nothing", () => {
    assert.throws(() => Train.factors(Plays, { feedback: "explicit" }), /no rating to predict/);
    assert.throws(() => Train.itemNeighbours(Plays, { neighbours: 0 }), /neighbours is 0/);
    assert.throws(() => Train.itemNeighbours(Plays, { shrink: -1 }), /shrink is -1/);
    assert.throws(() => Train.randomItems(Plays, { seed: 0.5 }), /not whole/);
    assert.throws(() => Train.contentNeighbours(Plays, Films, { by: {} }), /at least one column/);
    assert.throws(() => Recommender.candidates(Plays, { perUser: 0 }), /perUser is 0/);
  });
});
