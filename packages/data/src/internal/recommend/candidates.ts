/** The best items of each user, for each form of recommender: relations `user`, `item`, `rank`, `score`. */
import * as Effect from "effect/Effect";
import { Duckdb, literal } from "../../Duckdb.ts";
import * as Best from "../../recommend/Best.ts";

/** For whom, and how many. */
export interface About {
  /** A relation of users and the items that they have met: `user`, `item`, `liked`. */
  readonly pairs: string;
  readonly perUser: number;
}

/** By one order for everybody: the first items of it that the user has not met. */
export const placed = (scores: string, { pairs, perUser }: About): string =>
  unmet(
    `SELECT u.user, p.item, p.score, p.place FROM (${met(pairs)}) AS u
     JOIN (SELECT item, score, row_number() OVER (ORDER BY score DESC, item) AS place FROM ${scores}) AS p
       ON p.place <= ${perUser} + u.met`,
    { pairs, perUser },
  );

/** By chance: everybody starts at a place of their own in one drawn order, which goes round. */
export const drawn = (
  items: string,
  { pairs, perUser, seed }: About & { readonly seed: number },
): string =>
  unmet(
    `SELECT user, item, 1.0 / (1 + t) AS score, t AS place FROM (
       SELECT user, unnest(range(least(${perUser} + met, n))) AS t,
         CAST(md5_number_lower(${literal(`${seed} user `)} || user) % n AS BIGINT) AS start, n
       FROM (${met(pairs)}), (SELECT count(*) AS n FROM ${items})) AS u
     JOIN (SELECT item, row_number() OVER (ORDER BY md5(${literal(`${seed} item `)} || item), item) - 1 AS number
       FROM ${items}) AS i ON i.number = (u.start + u.t) % u.n`,
    { pairs, perUser },
  );

/** Similarities are added as whole numbers, so that the order in which threads add them is all one. */
export const fixedPoint = 2 ** 40;

/** By similarity to what the user liked. */
export const listed = (neighbours: string, about: About): string =>
  unmet(
    `SELECT user, item, score, row_number() OVER (PARTITION BY user ORDER BY score DESC, item) AS place FROM (
       SELECT p.user, n.neighbour AS item,
         CAST(sum(CAST(round(n.similarity * ${fixedPoint}) AS HUGEINT)) AS DOUBLE) / ${fixedPoint} AS score
       FROM ${about.pairs} AS p JOIN ${neighbours} AS n ON p.item = n.item WHERE p.liked GROUP BY ALL)`,
    about,
  );

const met = (pairs: string): string => `SELECT user, count(*) AS met FROM ${pairs} GROUP BY user`;

/** Leaves out what the user has met, and numbers the rest by `place`. */
const unmet = (ordered: string, { pairs, perUser }: About): string =>
  `(SELECT user, item, score, row_number() OVER (PARTITION BY user ORDER BY place) AS rank
    FROM (SELECT o.* FROM (${ordered}) AS o ANTI JOIN ${pairs} AS m ON o.user = m.user AND o.item = m.item)
    QUALIFY rank <= ${perUser})`;

/** What a factor recommender says, with its parts as relations. */
export interface Factors {
  readonly base: number;
  readonly factors: number;
  readonly users: string;
  readonly items: string;
}

/** Rows that are handed to DuckDB at once. */
const batchRows = 1 << 20;

/** By the product of factors: all items are scored for each user, a batch of users at a time. */
export const bestFirst = Effect.fnUntraced(function* (model: Factors, { pairs, perUser }: About) {
  const db = yield* Duckdb;
  const operation = "recommend by factors";
  const numbered = (part: string) =>
    `(SELECT *, row_number() OVER (ORDER BY id) - 1 AS number FROM ${part})`;
  const [users, items] = [numbered(model.users), numbered(model.items)];
  const userSide = yield* readSide(users, model.factors);
  const itemSide = yield* readSide(items, model.factors);
  const metSql = `(SELECT u.number AS u, i.number AS i FROM ${pairs} AS p
    JOIN ${users} AS u ON p.user = u.id JOIN ${items} AS i ON p.item = i.id)`;
  const [counted] = yield* db.rows(operation, `SELECT count(*)::DOUBLE AS n FROM ${metSql}`);
  const metPairs = yield* db.numericColumns(operation, {
    from: `(FROM ${metSql} ORDER BY u, i)`,
    select: ["u", "i"],
    rows: Number(counted?.["n"] ?? 0),
  });
  const [metUsers = none, metItems = none] = metPairs.columns;
  const scores = new Float64Array(itemSide.count);
  const relations: Array<string> = [];
  const size = Math.max(1, Math.floor(batchRows / perUser));
  let at = 0;
  for (let from = 0; from < userSide.count; from += size) {
    const to = Math.min(from + size, userSide.count);
    const column = () => new Float64Array((to - from) * perUser);
    const lists = { user: column(), item: column(), score: column(), rank: column() };
    let rows = 0;
    for (let user = from; user < to; user++) {
      scoreItems(model, user, userSide, itemSide, scores);
      for (; metUsers[at] === user; at++) scores[metItems[at]!] = -Infinity;
      for (const [place, item] of Best.indices(scores, perUser).entries()) {
        lists.user[rows] = user;
        lists.item[rows] = item;
        lists.score[rows] = scores[item]!;
        lists.rank[rows++] = place + 1;
      }
      // Other fibres run between users.
      yield* Effect.yieldNow;
    }
    const filled = Object.entries(lists).map(([name, all]) => [name, all.subarray(0, rows)]);
    relations.push(yield* db.fromColumns(operation, Object.fromEntries(filled)));
  }
  const all = relations.map((relation) => `FROM ${relation}`).join(" UNION ALL ");
  return `(SELECT u.id AS user, i.id AS item, b.rank, b.score FROM (${all}) AS b
    JOIN ${users} AS u ON b.user = u.number JOIN ${items} AS i ON b.item = i.number)`;
});

const none = new Float64Array();

/** Factors of users or items. */
export interface Side {
  readonly count: number;
  readonly bias: Float64Array;
  /** One row of factors after the other. */
  readonly factors: Float64Array;
}

/** Reads the factors of one side, in the order of `number`. */
export const readSide = Effect.fnUntraced(function* (relation: string, factors: number) {
  const db = yield* Duckdb;
  const operation = "read the factors of a recommender";
  const [found] = yield* db.rows(operation, `SELECT count(*)::DOUBLE AS n FROM ${relation}`);
  const count = Number(found?.["n"] ?? 0);
  const { columns } = yield* db.numericColumns(operation, {
    from: `(FROM ${relation} ORDER BY number)`,
    select: ["bias", ...Array.from({ length: factors }, (_, f) => `f${f}`)],
    rows: count,
  });
  const rows = new Float64Array(count * factors);
  for (let f = 0; f < factors; f++) {
    const column = columns[f + 1]!;
    for (let row = 0; row < count; row++) rows[row * factors + f] = column[row]!;
  }
  return { count, bias: columns[0] ?? none, factors: rows } satisfies Side;
});

/** The score of each item for a user, who is a row of `users`. */
export const scoreItems = (
  { base, factors }: Pick<Factors, "base" | "factors">,
  user: number,
  users: Side,
  items: Side,
  scores: Float64Array,
): void => {
  const mine = users.factors.subarray(user * factors, (user + 1) * factors);
  const start = base + users.bias[user]!;
  for (let item = 0; item < items.count; item++) {
    let score = start + items.bias[item]!;
    const at = item * factors;
    for (let f = 0; f < factors; f++) score += mine[f]! * items.factors[at + f]!;
    scores[item] = score;
  }
};
