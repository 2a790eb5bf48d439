import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract, type Finding, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { tableOf, withTables } from "../../test-fixtures/tables.ts";
import * as Duckdb from "../Duckdb.ts";
import * as Table from "../Table.ts";
import * as Catalogue from "./Catalogue.ts";
import * as Interactions from "./Interactions.ts";
import * as Recommendations from "./Recommendations.ts";
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
  key: ["film"],
  columns: {
    film: Column.int(),
    year: Column.int({ nullable: true }),
    genres: Column.string({ nullable: true }),
  },
});
const Films = Catalogue.make(Film, { item: "film" });

type Made<C extends Contract.Contract, R extends Table.Role> = Effect.Effect<
  Table.Table<C, R>,
  Table.WriteError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/** `ana: 3 1 2` as lists; scores fall from 1 in steps of a tenth. */
const listsOf = (source: string, lists: { readonly [user: string]: string }) =>
  tableOf(
    Recommendations.contract,
    "checked",
    Object.entries(lists).flatMap(([user, items]) =>
      items
        .split(" ")
        .map((item, at) => ({ user, item, rank: at + 1, score: 1 - at / 10, source })),
    ),
  );

const films = tableOf(Film, "checked", [
  { film: 1, year: 1990, genres: "a|b" },
  { film: 2, year: 1990, genres: "a|b" },
  { film: 3, year: 1990, genres: "c" },
  { film: 4, year: 2000, genres: "a|c" },
  { film: 5, year: 1920, genres: null },
  { film: 6, year: null, genres: "d" },
]);

const met = tableOf(Play, "train", [{ user: "ana", film: 9 }]);

const orderOf = Effect.fnUntraced(function* (table: Table.AnyTable) {
  const db = yield* Duckdb.Duckdb;
  const rows = yield* db.rows(
    "look",
    `SELECT string_agg(item, ' ' ORDER BY rank) AS items FROM ${yield* Table.relation(table)} WHERE user = 'ana'`,
  );
  return rows[0]?.["items"];
});

const rowsOf = Effect.fnUntraced(function* (table: Table.AnyTable) {
  const db = yield* Duckdb.Duckdb;
  return yield* db.rows("look", `SELECT * FROM ${yield* Table.relation(table)}`);
});

describe("blending", () => {
  const merged = Effect.fnUntraced(function* (
    blend: System.Blend,
    sources: { readonly a: number; readonly b: number },
  ) {
    const system = System.make("home", Plays, { sources, blend, length: 4 });
    return yield* System.merge(system).run({
      a: yield* listsOf("a", { ana: "1 2 3" }),
      b: yield* listsOf("b", { ana: "4 2 5" }),
      train: yield* met,
    });
  });

  it.effect("by rank fusion: what both propose rises", () =>
    Effect.gen(function* () {
      const { lists, credit } = yield* merged("rank-fusion", { a: 2, b: 1 });
      assert.strictEqual(yield* orderOf(lists), "2 1 3 4");
      const [first] = yield* rowsOf(lists);
      assert.deepStrictEqual(first, {
        user: "ana",
        item: "2",
        rank: "1",
        score: 2 / 62 + 1 / 62,
        source: "a",
      });
      const shares = (yield* rowsOf(credit)).map(({ item, source, share }) => [
        item,
        source,
        share,
      ]);
      assert.deepStrictEqual(shares, [
        ["2", "a", 2 / 62 / (2 / 62 + 1 / 62)],
        ["2", "b", 1 / 62 / (2 / 62 + 1 / 62)],
        ["1", "a", 1],
        ["3", "a", 1],
        ["4", "b", 1],
      ]);
    }).pipe(withTables),
  );

  it.effect("by weighted scores: each source from 1 to 0", () =>
    Effect.gen(function* () {
      const { lists } = yield* merged("weighted", { a: 1, b: 0.9 });
      // 1: 1. 4: 0.9. 2: 0.5 and 0.45. What a source puts last counts next to nothing.
      assert.strictEqual(yield* orderOf(lists), "1 2 4 3");
      const scores = (yield* rowsOf(lists)).map(({ score }) => Number(score));
      for (const [at, expected] of [1, 0.95, 0.9, 1e-9].entries()) {
        assert.closeTo(scores[at]!, expected, 1e-12);
      }
    }).pipe(withTables),
  );

  it.effect("by interleaving: places in proportion to the weights", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* orderOf((yield* merged("interleave", { a: 1, b: 1 })).lists),
        "1 4 2 3",
      );
      assert.strictEqual(
        yield* orderOf((yield* merged("interleave", { a: 1, b: 3 })).lists),
        "4 1 2 5",
      );
    }).pipe(withTables),
  );
});

describe("rules", () => {
  const listed = Effect.fnUntraced(function* (
    options: Partial<System.SystemOptions<typeof Film, "a">>,
    {
      items = films,
      train = met,
    }: { items?: Made<typeof Film, "checked">; train?: Made<typeof Play, "train"> } = {},
  ) {
    const findings: Array<Finding.Finding> = [];
    const system = System.make("home", Plays, {
      sources: { a: 1 },
      length: 6,
      items: Films,
      ...options,
    });
    const { lists } = yield* System.merge(system)
      .run({
        a: yield* listsOf("a", { ana: "1 2 3 4 5 6" }),
        train: yield* train,
        items: yield* items,
      })
      .pipe(
        Effect.provideService(Stage.Reporter, (event) =>
          Effect.sync(() => {
            if (event._tag === "Finding") findings.push(event.finding);
          }),
        ),
      );
    return { order: yield* orderOf(lists), findings };
  });
  const orders = (options: Partial<System.SystemOptions<typeof Film, "a">>) =>
    Effect.map(listed(options), ({ order }) => order);

  it.effect("never show what was met", () =>
    Effect.gen(function* () {
      const train = tableOf(Play, "train", [
        { user: "ana", film: 2 },
        { user: "bob", film: 1 },
      ]);
      assert.strictEqual((yield* listed({}, { train })).order, "1 3 4 5 6");
    }).pipe(withTables),
  );

  it.effect("hide, boost and cap; an item without a value stays", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* orders({ rules: ($) => [System.hide($.year.lt(1950))] }),
        "1 2 3 4 6",
      );
      assert.strictEqual(
        yield* orders({ rules: ($) => [System.boost($.year.gte(2000), 2)] }),
        "4 1 2 3 5 6",
      );
      assert.strictEqual(yield* orders({ rules: ($) => [System.cap($.year, 1)] }), "1 4 5 6");
      assert.strictEqual(
        yield* orders({
          rules: ($) => [
            System.cap($.year, 1),
            System.hide($.film.equals(1)),
            System.boost($.film.equals(3), 2),
          ],
        }),
        "3 4 5 6",
      );
    }).pipe(withTables),
  );

  it.effect("re-rank for variety: maximal marginal relevance by tags", () =>
    Effect.gen(function* () {
      const diversify = { by: "genres", separator: "|" } as const;
      // Scores of rank fusion hardly differ, so that any similarity decides: 1, then those that share nothing
      // with it (3, 5, 6), then 4, which shares a third with 1 and a half with 3, then 2, which is as 1.
      assert.strictEqual(
        yield* orders({ diversify: { ...diversify, relevance: 0.5 } }),
        "1 3 5 6 4 2",
      );
      // Nearly all relevance: as it was.
      assert.strictEqual(
        yield* orders({ diversify: { ...diversify, relevance: 0.9999 } }),
        "1 2 3 4 5 6",
      );
      assert.strictEqual(
        yield* orders({ diversify: { ...diversify, relevance: 0.5 }, length: 2 }),
        "1 3",
      );
    }).pipe(withTables),
  );

  it.effect("say whose lists are short, and which source has no place", () =>
    Effect.gen(function* () {
      const { findings } = yield* listed({ length: 8 });
      assert.deepStrictEqual(
        findings.map(({ check, found }) => [check, found]),
        [["system.short-lists", "1 user of 1 with fewer (100 %)"]],
      );
      const all = tableOf(
        Play,
        "train",
        [1, 2, 3, 4, 5, 6].map((film) => ({ user: "ana", film })),
      );
      const nothing = yield* listed({}, { train: all });
      assert.deepStrictEqual(
        nothing.findings.map(({ check }) => check),
        ["system.idle-source", "system.short-lists"],
      );
    }).pipe(withTables),
  );

  it.effect("refuse a catalogue with an item twice, and sources of another split", () =>
    Effect.gen(function* () {
      const items = tableOf(Film, "checked", [
        { film: 1, year: 1990, genres: "a" },
        { film: 1, year: 1991, genres: "a" },
      ]);
      const twice = yield* Effect.flip(listed({}, { items }));
      assert.match(twice.message, /1 item of the catalogue "film" \(film\) come more than once/);
      const train = Effect.map(met, (table) => ({ ...table, split: "another" }));
      const strange = yield* Effect.flip(listed({}, { train }));
      assert.match(strange.message, /merges "a", of another split than its train table/);
    }).pipe(withTables),
  );

  it("refuse what means nothing", () => {
    const make = (options: Partial<System.SystemOptions<typeof Film, "a">>) => () =>
      System.make("home", Plays, { sources: { a: 1 }, length: 3, items: Films, ...options });
    assert.throws(make({ sources: { a: 0 } }), /the weight of "a" is 0/);
    assert.throws(make({ length: 0 }), /the length is 0/);
    assert.throws(make({ rules: ($) => [System.cap($.year, 0)] }), /a cap of 0/);
    assert.throws(make({ rules: ($) => [System.boost($.year.gt(1), NaN)] }), /a boost by NaN/);
    const diversify = { by: "genres", separator: "|", relevance: 1 } as const;
    assert.throws(make({ diversify }), /relevance is 1/);
    assert.throws(
      () => System.make("home", Plays, { sources: { train: 1 }, length: 3 }),
      /"train" is an input of its own/,
    );
    assert.throws(() => System.make("home", Plays, { sources: {}, length: 3 }), /no sources/);
  });
});

it.effect(
  "a system gives the same bytes on any number of threads, and runs without one of its sources",
  () =>
    Effect.gen(function* () {
      const system = System.make("home", Plays, {
        sources: { a: 1, b: 2, c: 1 },
        length: 5,
        items: Films,
        diversify: { by: "genres", separator: "|", relevance: 0.7 },
      });
      const digests = (threads: number) =>
        Effect.gen(function* () {
          const random = (source: string, step: number) =>
            listsOf(
              source,
              Object.fromEntries(
                Array.from({ length: 40 }, (_, user) => [
                  `u${user}`,
                  [...new Set([0, 1, 2, 3, 4].map((at) => 1 + ((user * step + at * at) % 6)))].join(
                    " ",
                  ),
                ]),
              ),
            );
          const tables = {
            a: yield* random("a", 1),
            b: yield* random("b", 5),
            c: yield* random("c", 7),
            train: yield* met,
            items: yield* films,
          };
          const { lists, credit } = yield* System.merge(system).run(tables);
          const db = yield* Duckdb.Duckdb;
          const less = yield* System.run(system, tables, { without: ["b"] });
          const [owed] = yield* db.rows(
            "look",
            `SELECT count(*) > 0 AS lists, count_if(source = 'b')::INT AS b FROM ${less}`,
          );
          assert.deepStrictEqual(owed, { lists: true, b: 0 });
          return [Table.digestOf(lists), Table.digestOf(credit)];
        }).pipe(
          Effect.scoped,
          Effect.provide(
            Layer.mergeAll(Duckdb.Duckdb.layer({ threads }), Artifact.ArtifactStore.layerTemporary),
          ),
        );
      assert.deepStrictEqual(yield* digests(1), yield* digests(3));
    }),
);
