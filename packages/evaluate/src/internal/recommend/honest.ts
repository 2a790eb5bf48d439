/** Whether lists can be judged honestly at all. */
import type { Artifact, Charter } from "@ml-pipe/core";
import { Duckdb, Recommendations, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { ListsInvalid, ListsOfOtherSplit, OtherBaseline } from "../../recommend/errors.ts";

/** Tables by input. */
export type ListTables = { readonly [input: string]: Table.AnyTable };

/** That all tables are of the split of the test table. */
export const requireOneSplit = (
  tables: ListTables,
  test: Table.AnyTable,
): Effect.Effect<void, ListsOfOtherSplit> => {
  const { split } = test;
  const inputs = Object.entries(tables).flatMap(([input, table]) =>
    table.split === split ? [] : [input],
  );
  return split !== null && inputs.length === 0
    ? Effect.void
    : Effect.fail(new ListsOfOtherSplit({ inputs, split }));
};

/** That lists are lists. */
export const requireLists = Effect.fnUntraced(function* (
  input: string,
  table: Table.AnyTable,
): Effect.fn.Return<
  void,
  ListsInvalid | Duckdb.DuckdbError | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb.Duckdb;
  const relation = yield* Table.relation(table);
  const twice = (column: string) =>
    `(SELECT count(*) FROM (SELECT 1 FROM ${relation} GROUP BY user, ${column} HAVING count(*) > 1))::DOUBLE`;
  const [found] = yield* db.rows(
    `look at the lists "${input}"`,
    `SELECT ${twice("item")} AS items, ${twice("rank")} AS ranks,
       count_if(user IS NULL OR item IS NULL OR rank IS NULL OR rank < 1)::DOUBLE AS unranked FROM ${relation}`,
  );
  const of = (name: string) => Number(found?.[name] ?? 0);
  if (of("items") + of("ranks") + of("unranked") > 0) {
    return yield* new ListsInvalid({
      input,
      repeatedItems: of("items"),
      repeatedRanks: of("ranks"),
      unranked: of("unranked"),
    });
  }
});

/** That the lists of the baseline are those that the charter names. */
export const requireBaseline = Effect.fnUntraced(function* (
  { spec }: Pick<Charter.Charter, "spec">,
  table: Table.AnyTable,
): Effect.fn.Return<
  void,
  OtherBaseline | Duckdb.DuckdbError | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb.Duckdb;
  const expected = Recommendations.sourceOf(spec.baseline);
  const rows = yield* db.rows(
    "look at the lists of the baseline",
    `SELECT DISTINCT source FROM ${yield* Table.relation(table)} ORDER BY source`,
  );
  const found = rows.map(({ source }) => String(source));
  if (expected === null || found.length !== 1 || found[0] !== expected) {
    return yield* new OtherBaseline({ baseline: spec.baseline.name, expected, found });
  }
});
