/** Interactions as typed arrays, and what was computed on its way into a recommender's parts. */
import { Artifact, type Contract, type Stage } from "@ml-pipe/core";
import { Duckdb, Interactions, type Recommender, type System, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { failOn, type TrainingError } from "../internal/trainingData.ts";

/** What training a recommender can fail with. */
export type RecommenderError =
  | TrainingError
  | System.ItemsRepeated
  | Duckdb.DuckdbError
  | Table.ReadError
  | Artifact.ArtifactStoreError;

/** A stage that trains a recommender of interactions under contract `C`. */
export type RecommenderStage<C extends Contract.Contract, More = {}> = Stage.Stage<
  { readonly train: Table.Table<C, "train"> } & More,
  Recommender.Recommender<C>,
  {},
  RecommenderError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/** Pairs of users and items, numbered in the order of their names. */
export interface Pairs {
  readonly user: Float64Array;
  readonly item: Float64Array;
  readonly rating: Float64Array;
  /** Relations `id`, `number`: names by number. */
  readonly users: string;
  readonly items: string;
  readonly userCount: number;
  readonly itemCount: number;
}

/** Relation of the distinct names in a column of a relation, numbered from 0 in their order. */
export const numbered = (column: string, relation: string): string =>
  `(SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM (SELECT DISTINCT ${column} AS id FROM ${relation}))`;

/** The pairs of the train table: all that have a rating, or those that the user liked. */
export const readPairs = Effect.fnUntraced(function* (
  interactions: Interactions.Interactions,
  train: Table.AnyTable,
  which: "all" | "liked",
): Effect.fn.Return<
  Pairs,
  Duckdb.DuckdbError | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb.Duckdb;
  const operation = "read the interactions";
  const all = Interactions.pairsSql(interactions.spec, yield* Table.relation(train));
  const pairs = which === "all" ? all : `(FROM ${all} WHERE liked)`;
  const users = numbered("user", pairs);
  const items = numbered("item", pairs);
  const [counts] = yield* db.rows(
    operation,
    `SELECT count(*)::DOUBLE AS n, count(DISTINCT user)::DOUBLE AS users, count(DISTINCT item)::DOUBLE AS items FROM ${pairs}`,
  );
  const of = (name: string) => Number(counts?.[name] ?? 0);
  const { columns } = yield* db.numericColumns(operation, {
    from: `(SELECT u.number AS u, i.number AS i, p.rating FROM ${pairs} AS p
      JOIN ${users} AS u ON p.user = u.id JOIN ${items} AS i ON p.item = i.id ORDER BY u, i)`,
    select: ["u", "i", "rating"],
    rows: of("n"),
  });
  const [user = none, item = none, rating = none] = columns;
  const counted = { userCount: of("users"), itemCount: of("items") };
  return { user, item, rating, users, items, ...counted };
});

const none = new Float64Array();

/** Stores the rows of a query, which end in an order without ties, as a part of a recommender. */
export const storePart = Effect.fnUntraced(function* (query: string) {
  const db = yield* Duckdb.Duckdb;
  const store = yield* Artifact.ArtifactStore;
  return yield* store.put("application/vnd.apache.parquet", (file) =>
    db.execute(
      "store a part of the recommender",
      `COPY (${query}) TO ${Duckdb.literal(file)} (FORMAT parquet, COMPRESSION zstd)`,
    ),
  );
});

/** Fails if a stored part has no rows: nobody liked anything, and what was learnt would recommend nothing. */
export const requireRows = Effect.fnUntraced(function* (part: Artifact.Artifact) {
  const db = yield* Duckdb.Duckdb;
  const store = yield* Artifact.ArtifactStore;
  const file = Table.parquet(yield* store.path(part));
  const [first] = yield* db.rows("look at what was learnt", `FROM ${file} LIMIT 1`);
  yield* failOn(
    "data",
    first !== undefined
      ? []
      : [
          {
            what: "there are no entries",
            where: "training data",
            next: "Check the split, and from which rating on an item counts as liked.",
          },
        ],
  );
  return part;
});
