/**
 * The rows of a test table as the holdout ledger knows them: recognised again under other features,
 * another order or another split.
 */
import { type Artifact, type Contract, Digest, Holdout } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError, identifier, literal } from "./Duckdb.ts";
import type { FeatureSetSpec } from "./FeatureSet.ts";
import * as Table from "./Table.ts";

/** What must be known of the feature set, or of the interactions, whose test rows are recognised. */
export interface Recognised {
  readonly spec: Pick<FeatureSetSpec, "name" | "decidedAt"> & {
    readonly source: Pick<Contract.ContractSpec, "name" | "key" | "group">;
  };
  readonly contract: { readonly spec: Contract.ContractSpec };
}

/** What must be known of the feature set that made a test table. */
export interface Rows extends Recognised {
  readonly spec: FeatureSetSpec;
}

/**
 * What identifies a row: when it is decided, its key and group where the table has them, and its outcome.
 * Features and kept columns are left out, because another feature does not make other rows. Where only
 * the outcome would be left, all columns.
 */
export const identityOf = (set: Recognised): ReadonlyArray<string> => {
  const there = Object.keys(set.contract.spec.columns);
  const { key = [], group } = set.spec.source;
  const named = [set.spec.decidedAt, ...key, group].filter((column) => column !== undefined);
  const identity = [...new Set(named)].filter((column) => there.includes(column));
  if (identity.length === 0) return there;
  return there.includes("label") ? [...identity, "label"] : identity;
};

/**
 * The rows of a test table: their number, a digest that depends on nothing but them, and a sample by
 * which overlaps are found. Hashes are MD5, which no later version of DuckDB computes otherwise; sums of
 * them are exact, so that the order of rows and the number of threads do not matter.
 *
 * Rows of one instant with the same outcome are told apart only by a declared key or group that the
 * feature set keeps: declare one where many rows share their time.
 *
 * @example
 * ```ts
 * import { type FeatureSet, type Table, TestRows } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const digestOf = (set: FeatureSet.FeatureSet, test: Table.AnyTable) =>
 *   TestRows.of(set, test).pipe(Effect.map(({ digest }) => digest));
 * ```
 */
export const of = Effect.fnUntraced(function* (
  set: Recognised,
  table: Table.AnyTable,
): Effect.fn.Return<
  Holdout.TestSet,
  DuckdbError | Table.ReadError,
  Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb;
  const contract = set.spec.source.name;
  const columns = identityOf(set).map((name) =>
    set.contract.spec.columns[name]?.type === "timestamp"
      ? `epoch_us(CAST(${identifier(name)} AS TIMESTAMP))`
      : identifier(name),
  );
  const text = columns.map((column) => `coalesce(CAST(${column} AS VARCHAR), chr(1))`);
  const hashes = `SELECT md5_number_lower(concat_ws(chr(31), ${[literal(contract), ...text].join(", ")})) AS h
    FROM ${yield* Table.relation(table)}`;
  const [found] = yield* db.rows(
    "recognise the test rows",
    `WITH hashes AS MATERIALIZED (${hashes})
     SELECT count(*)::DOUBLE AS rows, CAST(sum(h) AS VARCHAR) AS sum,
       (SELECT string_agg(lpad(to_hex(h), 16, '0'), ' ' ORDER BY h)
        FROM (SELECT DISTINCT h FROM hashes ORDER BY h LIMIT ${Holdout.sampleSize})) AS sample
     FROM hashes`,
  );
  const rows = Number(found?.["rows"] ?? 0);
  const sum = String(found?.["sum"] ?? "");
  const identity = identityOf(set).join(", ");
  return {
    digest: Digest.ofJson({ contract, identity, rows, sum }),
    contract,
    identity,
    rows,
    sample: String(found?.["sample"] ?? "").split(" "),
  };
});
