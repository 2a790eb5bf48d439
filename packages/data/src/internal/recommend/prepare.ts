/** What a system answers from, computed in DuckDB once and kept as arrays: see `parts.ts` for the file. */
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { Duckdb, type DuckdbError } from "../../Duckdb.ts";
import { type Catalogue, tagsSql } from "../../recommend/Catalogue.ts";
import { textSql } from "../../recommend/Interactions.ts";
import type { Form } from "../../recommend/Recommender.ts";
import type { SystemSpec } from "../../recommend/SystemSpec.ts";
import * as Table from "../../Table.ts";
import { fixedPoint, readSide } from "./candidates.ts";
import { boostsSql, capsSql, visibleSql } from "./merge.ts";
import type { Part, Parts } from "./parts.ts";

/** What parts are made of. */
export interface Sources {
  readonly spec: SystemSpec;
  /** What was learnt, in the order of the system's sources. */
  readonly forms: ReadonlyArray<Form>;
  /** Who met what: a relation `user`, `item`, `liked`. */
  readonly pairs: string;
  readonly items: { readonly catalogue: Catalogue; readonly relation: string } | undefined;
}

type Made<A> = Effect.Effect<
  A,
  DuckdbError | Artifact.ArtifactMissing | Artifact.ArtifactStoreError,
  Duckdb | Artifact.ArtifactStore | Scope.Scope
>;

const operation = "prepare a system for serving";

/**
 * The parts: `users` and `items` by number, in the order of their names; `met.*` what each user has met; what each
 * source has learnt, as `0.*`, `1.*` …; and what the rules say of each item.
 */
export const prepareParts = Effect.fnUntraced(function* (
  sources: Sources,
): Effect.fn.Return<Parts, Effect.Error<Made<Parts>>, Effect.Services<Made<Parts>>> {
  const { forms, pairs } = sources;
  const store = yield* Artifact.ArtifactStore;
  const fileOf = Effect.fnUntraced(function* (artifact: Artifact.Artifact) {
    yield* store.verify(artifact);
    return Table.parquet(yield* store.path(artifact));
  });
  const learnt = yield* Effect.forEach(forms, (form) => learntOf(form, fileOf));
  const named = [`SELECT item AS id FROM ${pairs}`, ...learnt.map(({ items }) => items)];
  const items = yield* numbered(named.join(" UNION "));
  const users = yield* numbered(`SELECT user AS id FROM ${pairs}`);
  const met = yield* grouped(
    users,
    `SELECT u.number AS g, i.number AS item, p.liked FROM ${pairs} AS p
     JOIN ${users} AS u ON p.user = u.id JOIN ${items} AS i ON p.item = i.id`,
    { key: "item", values: ["liked"] },
  );
  const parts: Record<string, Part> = {
    users: yield* namesOf(users),
    items: yield* namesOf(items),
    "met.offsets": met.offsets,
    "met.items": Int32Array.from(met.keys),
    "met.liked": Uint8Array.from(met.values[0]!),
    ...(yield* rulesOf(sources, items)),
  };
  for (const [at, { read }] of learnt.entries()) {
    for (const [name, part] of Object.entries(yield* read(users, items))) {
      parts[`${at}.${name}`] = part;
    }
  }
  return parts;
});

/** Names by number, in a file: read more than once. */
const numbered = (names: string) =>
  Table.scratch(
    operation,
    `SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM (SELECT DISTINCT id FROM (${names})) ORDER BY id`,
  );

const namesOf = Effect.fnUntraced(function* (names: string) {
  const db = yield* Duckdb;
  const [found] = yield* db.rows(
    operation,
    `SELECT CAST(to_json(coalesce(list(id ORDER BY number), [])) AS VARCHAR) AS names FROM ${names}`,
  );
  const list: ReadonlyArray<string> = JSON.parse(String(found?.["names"]));
  return list;
});

const countOf = Effect.fnUntraced(function* (relation: string) {
  const db = yield* Duckdb;
  const [found] = yield* db.rows(operation, `SELECT count(*)::DOUBLE AS n FROM ${relation}`);
  return Number(found?.["n"] ?? 0);
});

const columnsOf = Effect.fnUntraced(function* (
  relation: string,
  select: ReadonlyArray<string>,
  order: string,
) {
  const db = yield* Duckdb;
  const rows = yield* countOf(relation);
  const from = `(FROM ${relation} ORDER BY ${order})`;
  return (yield* db.numericColumns(operation, { from, select, rows })).columns;
});

/** Rows by the number of a name: those of name n are at `offsets[n]` to `offsets[n + 1]`, in the order of the key. */
const grouped = Effect.fnUntraced(function* (
  names: string,
  query: string,
  { key, values }: { readonly key: string; readonly values: ReadonlyArray<string> },
) {
  const relation = yield* Table.scratch(operation, query);
  const [g = none, keys = none, ...rest] = yield* columnsOf(
    relation,
    ["g", key, ...values],
    `g, ${key}`,
  );
  const offsets = new Int32Array((yield* countOf(names)) + 1);
  for (const one of g) offsets[one + 1]!++;
  for (let at = 1; at < offsets.length; at++) offsets[at]! += offsets[at - 1]!;
  return { offsets, keys, values: rest };
});

const none = new Float64Array();

/** What a source has learnt: the items that it knows, and how its parts are read. */
const learntOf = Effect.fnUntraced(function* <E, R>(
  form: Form,
  fileOf: (artifact: Artifact.Artifact) => Effect.Effect<string, E, R>,
) {
  const none = (items: string, read: Read) => ({ items, read });
  switch (form._tag) {
    case "factors": {
      const [users, items] = [yield* fileOf(form.users), yield* fileOf(form.items)];
      const side = (name: string, relation: string, names: string) =>
        factorsOf(name, { relation, names, factors: form.factors });
      return none(`SELECT id FROM ${items}`, (allUsers, allItems) =>
        Effect.gen(function* () {
          return {
            ...(yield* side("users", users, allUsers)),
            ...(yield* side("items", items, allItems)),
          };
        }),
      );
    }
    case "neighbours": {
      const file = yield* fileOf(form.neighbours);
      return none(
        `SELECT item AS id FROM ${file} UNION SELECT neighbour FROM ${file}`,
        (_, items) =>
          Effect.map(
            grouped(
              items,
              `SELECT a.number AS g, b.number AS neighbour, round(n.similarity * ${fixedPoint}) AS similarity
               FROM ${file} AS n JOIN ${items} AS a ON n.item = a.id JOIN ${items} AS b ON n.neighbour = b.id`,
              { key: "neighbour", values: ["similarity"] },
            ),
            ({ offsets, keys, values }) => ({
              offsets,
              neighbours: Int32Array.from(keys),
              similarity: values[0]!,
            }),
          ),
      );
    }
    case "scores": {
      const file = yield* fileOf(form.scores);
      return none(`SELECT item AS id FROM ${file}`, (_, items) =>
        ordered(file, items, "s.score", "s.score DESC, s.item"),
      );
    }
    case "random": {
      const file = yield* fileOf(form.items);
      return none(`SELECT item AS id FROM ${file}`, (_, items) =>
        ordered(file, items, "1", `md5('${form.seed} item ' || s.item), s.item`),
      );
    }
  }
});

type Read = (users: string, items: string) => Made<Parts>;

/** The factors of one side, and which number each of its rows has among all names. */
const factorsOf = Effect.fnUntraced(function* (
  name: string,
  side: { readonly relation: string; readonly names: string; readonly factors: number },
) {
  const relation = yield* Table.scratch(
    operation,
    `SELECT f.*, n.number FROM ${side.relation} AS f JOIN ${side.names} AS n ON f.id = n.id`,
  );
  const { bias, factors } = yield* readSide(relation, side.factors);
  const [numbers = none] = yield* columnsOf(relation, ["number"], "number");
  return {
    [`${name}.numbers`]: Int32Array.from(numbers),
    [`${name}.bias`]: bias,
    [`${name}.factors`]: factors,
  };
});

/** Items in an order, with their scores. */
const ordered = Effect.fnUntraced(function* (
  file: string,
  items: string,
  score: string,
  order: string,
) {
  const relation = `(SELECT i.number AS item, ${score} AS score, row_number() OVER (ORDER BY ${order}) AS place
    FROM ${file} AS s JOIN ${items} AS i ON s.item = i.id)`;
  const [item = none, scores = none] = yield* columnsOf(relation, ["item", "score"], "place");
  return { order: Int32Array.from(item), scores };
});

/** What rules and variety say of each item: the SQL that merges lists says it here, too. */
const rulesOf = Effect.fnUntraced(function* ({ spec, items: known }: Sources, items: string) {
  if (known === undefined) return {};
  const { relation, catalogue } = known;
  const from = `${items} AS n LEFT JOIN (SELECT *, ${textSql(catalogue.item)} AS "~item" FROM ${relation}) AS i ON n.id = i."~item"`;
  const boosts = boostsSql(spec);
  const caps = capsSql(spec);
  const said = yield* Table.scratch(
    operation,
    `SELECT n.number, ${visibleSql(spec)} AS visible
      ${boosts.map((boost, at) => `, ${boost} AS "boost${at}"`).join("")}
      ${caps.map((cap, at) => `, ${cap} AS "cap${at}"`).join("")} FROM ${from}`,
  );
  const codes = caps.map(
    (_, at) =>
      `CASE WHEN "cap${at}" IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY "cap${at}") END AS "code${at}"`,
  );
  const [visible = none, ...rest] = yield* columnsOf(
    `(SELECT * ${codes.map((code) => `, ${code}`).join("")} FROM ${said})`,
    ["visible", ...boosts.map((_, at) => `"boost${at}"`), ...caps.map((_, at) => `"code${at}"`)],
    "number",
  );
  const parts: Record<string, Part> = { visible: Uint8Array.from(visible) };
  for (const [at, column] of rest.entries()) {
    if (at < boosts.length) parts[`boost.${at}`] = column;
    else parts[`cap.${at - boosts.length}`] = Int32Array.from(column);
  }
  if (spec.diversify === null) return parts;
  const { offsets, keys } = yield* grouped(
    items,
    `SELECT number AS g, dense_rank() OVER (ORDER BY tag) AS tag
     FROM (SELECT n.number, unnest(${tagsSql(spec.diversify, "i")}) AS tag FROM ${from})`,
    { key: "tag", values: [] },
  );
  return { ...parts, "tags.offsets": offsets, tags: Int32Array.from(keys) };
});
