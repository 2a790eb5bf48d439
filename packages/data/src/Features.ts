/** The stage that computes a feature set over a table, and the state that serves it online. */
import { type Artifact, Stage } from "@ml-pipe/core";
import type { Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError } from "./Duckdb.ts";
import type { FeatureSet, FeatureSetSpec } from "./FeatureSet.ts";
import type { HistoryState } from "./History.ts";
import { bucketSql, distinctHistories, featureSql, key } from "./internal/featureSql.ts";
import * as Table from "./Table.ts";

/**
 * A stage that computes a feature set over a checked table. Rows come out in order of decision,
 * those of one instant in the order of the table; each sees only what was known before it.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { Features, type FeatureSet } from "@ml-pipe/data";
 *
 * const stageFor = <C extends Contract.Contract, Out extends Contract.Contract>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Features.stage(set);
 * ```
 */
export const stage = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet<C, Out>,
) =>
  Stage.make("features", {
    description: `computes ${set.spec.features.length} features as of each decision`,
    input: { data: Table.of(set.source, "checked") },
    output: Table.of(set.contract, "checked"),
    params: { featureSet: set.spec.name, digest: set.digest },
    run: Effect.fnUntraced(function* ({ data }, { progress }) {
      const relation = yield* Table.relation(data, { rowNumbers: true });
      const table = yield* Table.write(set.contract, "checked", {
        query: featureSql(set.spec, relation, ["file_row_number"]),
      });
      yield* progress({ label: "rows", rows: table.rows });
      return table;
    }),
  });

/**
 * The state of a feature set's histories as it was known at an instant: what a service must hold to
 * serve requests from then on. Covers one window back, up to the last full hop before `at`.
 *
 * With it, `FeatureSet.compileRow` gives a request what the batch gives a row decided in the same hop.
 * For later requests it misses the outcomes that became known since: take a new state at least once a
 * hop.
 *
 * @example
 * ```ts
 * import { Features, FeatureSet, type Table } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const server = (set: FeatureSet.FeatureSet, source: Table.AnyTable) =>
 *   Features.stateAt(set.spec, source, new Date("2001-06-01T00:00:00Z")).pipe(
 *     Effect.map((state) => FeatureSet.compileRow(set.spec, state)),
 *   );
 * ```
 */
export const stateAt = Effect.fnUntraced(function* (
  spec: FeatureSetSpec,
  source: Table.AnyTable,
  at: Date,
): Effect.fn.Return<
  ReadonlyArray<HistoryState>,
  DuckdbError | Table.ReadError,
  Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb;
  const relation = yield* Table.relation(source);
  return yield* Effect.forEach(distinctHistories(spec), (history) =>
    Effect.gen(function* () {
      const end = Math.floor(at.getTime() / history.hopMs);
      const start = end - history.windowMs / history.hopMs;
      const keys = history.by.map((_, index) => key(index));
      const byKey =
        keys.length === 0
          ? "HAVING count(*) > 0"
          : `GROUP BY ${keys.join(", ")} ORDER BY ${keys.join(", ")}`;
      const rows = yield* db.rows(
        `read the history by ${history.by.join(", ")}`,
        `SELECT CAST([${keys.map((one) => `to_json(${one})`).join(", ")}] AS VARCHAR[]) AS key,
           list(CAST("~hop" AS DOUBLE) ORDER BY "~hop") AS hop,
           list("~n" ORDER BY "~hop") AS count, list("~s" ORDER BY "~hop") AS sum
         FROM (${bucketSql(spec, history, relation)})
         WHERE "~hop" >= ${start} AND "~hop" < ${end}
         ${byKey}`,
      );
      const entities = rows.map(({ key, hop, count, sum }) => ({
        key: listOf(key).map((json) => JSON.parse(String(json ?? "null"))),
        hop: listOf(hop).map(Number),
        count: listOf(count).map(Number),
        sum: listOf(sum).map(Number),
      }));
      return { history, entities };
    }),
  );
});

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : []);
