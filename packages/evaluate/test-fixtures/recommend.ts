/** The figures in recommend.json, typed (`recommend.py` says how they were made), as tables. For tests only. */
import { readFileSync } from "node:fs";
import { Artifact, Charter, Column, Contract, Store } from "@ml-pipe/core";
import { Catalogue, Duckdb, Interactions, Recommendations, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";

const Pair = Schema.Tuple([Schema.Int, Schema.Int]);
const Lists = Schema.Struct({
  lists: Schema.Array(Schema.Tuple([Schema.Int, Schema.Int, Schema.Int])),
  ndcg: Schema.Finite,
  recall: Schema.Finite,
  precision: Schema.Finite,
  coverage: Schema.Finite,
  novelty: Schema.Finite,
  diversity: Schema.Finite,
  concentration: Schema.Finite,
});

/** See `recommend.py`. */
export const figures = Schema.decodeUnknownSync(
  Schema.Struct({
    at: Schema.Int,
    train: Schema.Array(Pair),
    test: Schema.Array(Pair),
    tags: Schema.Array(Schema.String),
    first: Lists,
    second: Lists,
    rankBiased: Schema.Finite,
  }),
)(JSON.parse(readFileSync(new URL("./recommend.json", import.meta.url), "utf8")));

/** DuckDB, a store of artifacts and a holdout ledger of its own. */
export const withServices = Effect.provide(
  Layer.mergeAll(
    Duckdb.Duckdb.layer({ threads: 2 }),
    Artifact.ArtifactStore.layerTemporary,
    Store.Store.layerMemory,
  ),
);

/** Who met what; every meeting is liked. */
export const Play = Contract.make("play", {
  version: "1",
  owner: "films",
  columns: { user: Column.int(), film: Column.int() },
});
/** See {@link Play}. */
export const Plays = Interactions.make(Play, { user: "user", item: "film" });
/** What is known of films. */
export const Film = Contract.make("film", {
  version: "1",
  owner: "films",
  key: ["film"],
  columns: { film: Column.int(), tags: Column.string() },
});
/** See {@link Film}. */
export const Films = Catalogue.make(Film, { item: "film" });

/** A charter in a list metric, whose baseline are the lists of `baseline`. */
export const charterOf = (smallestGain: number, at = figures.at) =>
  Charter.make({
    title: "films for each",
    decision: { question: "which?", madeAt: "now", actor: "page", outcomeKnownAfter: 0 },
    metric: { name: "list quality", unit: "NDCG", list: { quality: "ndcg", at } },
    baseline: Recommendations.baseline({
      name: "today",
      description: "what is shown today",
      source: "baseline",
    }),
    smallestGain,
    surface: "page",
    kill: { on: "2100-01-01", criterion: "no gain" },
    owner: "page-team",
  });

type Pairs = ReadonlyArray<readonly [user: number, film: number]>;

/** Plays in a role, of one split. */
export const plays = <R extends Table.Role>(role: R, pairs: Pairs, split = "split") =>
  Table.write(Play, role, {
    query: `SELECT u::BIGINT AS "user", f::BIGINT AS film FROM (VALUES ${pairs
      .map(([user, film]) => `(${user}, ${film})`)
      .join(", ")}) AS v(u, f)`,
    split,
  });

/** Films by number, with their tags. */
export const films = (tags: ReadonlyArray<string>) =>
  Table.write(Film, "checked", {
    query: `SELECT f::BIGINT AS film, t AS tags FROM (VALUES ${tags
      .map((text, film) => `(${film}, ${Duckdb.literal(text)})`)
      .join(", ")}) AS v(f, t)`,
  });

/** Lists of a source, of one split. */
export const listsOf = (
  source: string,
  rows: ReadonlyArray<readonly [user: number, film: number, rank: number]>,
  split = "split",
) =>
  Table.write(Recommendations.contract, "checked", {
    query: `SELECT u::VARCHAR AS "user", f::VARCHAR AS item, r::BIGINT AS rank, 1.0::DOUBLE / r AS score, '${source}' AS source
      FROM (VALUES ${rows.map((row) => `(${row.join(", ")})`).join(", ")}) AS v(u, f, r)`,
    split,
  });
