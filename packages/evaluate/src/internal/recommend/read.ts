/** Who is judged on what, and the places of their lists, as typed arrays. */
import type { Artifact, Contract } from "@ml-pipe/core";
import { Catalogue, Duckdb, Interactions, type Ranking, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";

/** What tells items apart by tags. */
export interface TaggedItems {
  readonly catalogue: Catalogue.Catalogue<Contract.Contract>;
  readonly tags: { readonly by: string; readonly separator: string };
  readonly table: Table.AnyTable;
}

/** The users who can be judged, and what lists are held against. Relations are in SQL. */
export interface Ground {
  readonly users: number;
  readonly likedNothing: number;
  readonly metBefore: number;
  /** Of each judged user, a one for each item that they liked. */
  readonly relevant: Ranking.Ragged;
  /** Items of the train table, and of the catalogue where there is one. */
  readonly items: number;
  /** Interactions of the train table, by user and item. */
  readonly interactions: number;
  /** Users of the train table. */
  readonly trainUsers: number;
  readonly sql: {
    /** `user`, `number` of those judged, from 0. */
    readonly users: string;
    /** `user`, `item`. */
    readonly liked: string;
    readonly met: string;
    /** `item`, `number` from 0, `met` by how many interactions of the train table. */
    readonly items: string;
    /** `item`, `tags`. */
    readonly tags: string | undefined;
  };
}

/** The first places of each judged user, user by user. */
export interface Places {
  /** 1 where the user liked the item, else 0. */
  readonly shown: Ranking.Ragged;
  /** Numbers of the items; from {@link Ground.items} on, those of neither the train table nor the catalogue. */
  readonly item: Float64Array;
  /** How many train interactions each item has. */
  readonly met: Float64Array;
  /** 1 where the user had met the item. */
  readonly seen: Float64Array;
  /** Mean distance by tags of each user's items; NaN without two, or without tags. */
  readonly diversity: Float64Array;
}

/** What reading can fail with. */
export type GroundError = Duckdb.DuckdbError | Table.ReadError | Artifact.ArtifactStoreError;

/** Finds who is judged: users who liked something in the test part that they had not met before. */
export const readGround = Effect.fnUntraced(function* (
  interactions: Interactions.Interactions<Contract.Contract>,
  train: Table.AnyTable,
  test: Table.AnyTable,
  tagged: TaggedItems | undefined,
): Effect.fn.Return<Ground, GroundError, Duckdb.Duckdb | Artifact.ArtifactStore | Scope.Scope> {
  const db = yield* Duckdb.Duckdb;
  const operation = "find who is judged";
  const keep = (query: string) => Table.scratch(operation, query);
  const pairs = (table: Table.AnyTable) =>
    Effect.flatMap(Table.relation(table), (relation) =>
      keep(`FROM ${Interactions.pairsSql(interactions.spec, relation)}`),
    );
  const met = yield* pairs(train);
  const tested = yield* pairs(test);
  const liked = yield* keep(`SELECT t.user, t.item FROM ${tested} AS t ANTI JOIN ${met} AS m
    ON t.user = m.user AND t.item = m.item WHERE t.liked`);
  const users = yield* keep(numbered("user", liked));
  const relation = tagged === undefined ? undefined : yield* Table.relation(tagged.table);
  const id = tagged === undefined ? "" : Interactions.textSql(tagged.catalogue.item);
  const known =
    relation === undefined
      ? ""
      : ` UNION ALL SELECT ${id}, 0 FROM ${relation} WHERE ${id} IS NOT NULL`;
  const items = yield* keep(
    `SELECT item, row_number() OVER (ORDER BY item) - 1 AS number, sum(one)::BIGINT AS met
     FROM (SELECT item, 1 AS one FROM ${met}${known}) GROUP BY item`,
  );
  const tags =
    tagged === undefined || relation === undefined
      ? undefined
      : yield* keep(
          `SELECT ${id} AS item, any_value(${Catalogue.tagsSql(tagged.tags, "i")}) AS tags FROM ${relation} AS i GROUP BY ALL`,
        );
  const [found] = yield* db.rows(
    operation,
    `SELECT (SELECT count(*) FROM ${users})::DOUBLE AS users, (SELECT count(*) FROM ${liked})::DOUBLE AS liked,
       (SELECT count(DISTINCT user) FROM ${tested})::DOUBLE AS tested, (SELECT count(*) FROM ${items})::DOUBLE AS items,
       (SELECT count(*) FROM ${met})::DOUBLE AS interactions, (SELECT count(DISTINCT user) FROM ${met})::DOUBLE AS "trainUsers",
       (SELECT count(*) FROM ${tested} WHERE liked)::DOUBLE AS "likedAll"`,
  );
  const of = (name: string) => Number(found?.[name] ?? 0);
  const { columns } = yield* db.numericColumns("count what each user liked", {
    from: `(SELECT u.number, count(*) AS n FROM ${liked} AS l JOIN ${users} AS u ON l.user = u.user
      GROUP BY u.number ORDER BY u.number)`,
    select: ["n"],
    rows: of("users"),
  });
  const offsets = new Float64Array(of("users") + 1);
  for (const [user, n] of (columns[0] ?? none).entries()) offsets[user + 1] = offsets[user]! + n;
  return {
    users: of("users"),
    likedNothing: of("tested") - of("users"),
    metBefore: of("likedAll") - of("liked"),
    relevant: { offsets, values: new Float64Array(of("liked")).fill(1) },
    items: of("items"),
    interactions: of("interactions"),
    trainUsers: of("trainUsers"),
    sql: { users, liked, met, items, tags },
  };
});

const none = new Float64Array();

const numbered = (column: string, relation: string): string =>
  `SELECT ${column}, row_number() OVER (ORDER BY ${column}) - 1 AS number FROM (SELECT DISTINCT ${column} FROM ${relation})`;

/** Items that nobody knows are numbered by a hash, beyond all others and exactly as a double. */
const strangers = 2 ** 48;

/** Reads the first `at` places of the judged users; `lists` is a relation `user`, `item`, `rank`. */
export const readPlaces = Effect.fnUntraced(function* (
  { users, items, sql }: Ground,
  lists: string,
  at: number,
): Effect.fn.Return<
  Places,
  Duckdb.DuckdbError | Artifact.ArtifactStoreError,
  Duckdb.Duckdb | Artifact.ArtifactStore | Scope.Scope
> {
  const db = yield* Duckdb.Duckdb;
  const operation = "read the lists of the judged users";
  const first = yield* Table.scratch(
    operation,
    `SELECT u.number AS u, l.user, l.item, l.rank FROM ${lists} AS l JOIN ${sql.users} AS u ON l.user = u.user
     WHERE l.rank <= ${at}`,
  );
  const [counted] = yield* db.rows(operation, `SELECT count(*)::DOUBLE AS n FROM ${first}`);
  const { columns } = yield* db.numericColumns(operation, {
    from: `(SELECT f.u, coalesce(i.number, ${items} + md5_number_lower(f.item) % ${strangers}) AS item, coalesce(i.met, 0) AS met, (l.item IS NOT NULL)::INT AS liked, (m.item IS NOT NULL)::INT AS seen
      FROM ${first} AS f LEFT JOIN ${sql.items} AS i ON f.item = i.item
      LEFT JOIN ${sql.liked} AS l ON f.user = l.user AND f.item = l.item
      LEFT JOIN ${sql.met} AS m ON f.user = m.user AND f.item = m.item
      ORDER BY f.u, f.rank)`,
    select: ["u", "item", "met", "liked", "seen"],
    rows: Number(counted?.["n"] ?? 0),
  });
  const [user = none, item = none, met = none, liked = none, seen = none] = columns;
  const offsets = new Float64Array(users + 1);
  for (const one of user) offsets[one + 1]! += 1;
  for (let one = 0; one < users; one++) offsets[one + 1]! += offsets[one]!;
  const diversity = new Float64Array(users).fill(Number.NaN);
  if (sql.tags !== undefined) {
    const tagged = yield* Table.scratch(
      operation,
      `SELECT f.u, f.rank, t.tags FROM ${first} AS f LEFT JOIN ${sql.tags} AS t ON f.item = t.item`,
    );
    const distances = yield* Table.scratch(
      operation,
      `SELECT a.u, avg(1 - ${Catalogue.tagCosineSql("a.tags", "b.tags")} ORDER BY a.rank, b.rank) AS d
       FROM ${tagged} AS a JOIN ${tagged} AS b ON a.u = b.u AND a.rank < b.rank GROUP BY a.u`,
    );
    const [pairs] = yield* db.rows(operation, `SELECT count(*)::DOUBLE AS n FROM ${distances}`);
    const read = yield* db.numericColumns(operation, {
      from: `(FROM ${distances} ORDER BY u)`,
      select: ["u", "d"],
      rows: Number(pairs?.["n"] ?? 0),
    });
    for (const [row, u] of (read.columns[0] ?? none).entries()) {
      diversity[u] = read.columns[1]![row]!;
    }
  }
  return { shown: { offsets, values: liked }, item, met, seen, diversity };
}, Effect.scoped);
