/** Tables as files for another program: the features, the label, and nothing else. */
import * as path from "node:path";
import { Artifact } from "@ml-pipe/core";
import { Duckdb, FeatureSet, Table, Transform } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";

/** How rows are written. Texts of CSV are quoted where they must be; a missing number is `nan`. */
export const Format = Schema.Literals(["parquet", "csv"]);
/** See {@link Format}. */
export type Format = typeof Format.Type;

/** A table as a program is told of it. */
export const HandedOver = Schema.Struct({
  path: Schema.String,
  format: Format,
  rows: Schema.Int,
  /** Columns in the order that the model reads them. After them come `label`, and `~weight` if asked for. */
  features: Schema.Array(Schema.String),
  /** Of features that stand for texts: the texts, at the places that the numbers are. */
  texts: Schema.Record(Schema.String, Schema.Array(Schema.String)),
  label: FeatureSet.LabelKind,
  weighted: Schema.Boolean,
  featureSet: Schema.Struct({
    name: Schema.String,
    version: Schema.String,
    digest: Schema.String,
  }),
});
/** See {@link HandedOver}. */
export type HandedOver = typeof HandedOver.Type;

/** What is handed over, and how. */
export interface HandOverOptions {
  readonly transform: Transform.Fitted | undefined;
  readonly weight: string | undefined;
  readonly format: Format;
}

const types = { boolean: "BOOLEAN", number: "DOUBLE", text: "VARCHAR" } as const;

/**
 * Writes the rows of a table that have a label, in the order of the table, to a file that goes with the
 * scope. DuckDB writes it; no row is ever here.
 */
export const handOver: (
  set: FeatureSet.FeatureSet,
  table: Table.AnyTable,
  options: HandOverOptions,
) => Effect.Effect<
  HandedOver,
  Duckdb.DuckdbError | Table.ReadError | Artifact.ArtifactStoreError,
  Duckdb.Duckdb | Artifact.ArtifactStore | Scope.Scope
> = Effect.fnUntraced(function* (set, table, { transform, weight, format }) {
  const db = yield* Duckdb.Duckdb;
  const store = yield* Artifact.ArtifactStore;
  const operation = `hand over the ${table.role} table`;
  const { name, version, features: own } = set.spec;
  const { group } = set.contract.spec;
  const label = FeatureSet.labelKind(set.spec);
  const features = (transform?.outputs ?? own).map((one) => one.name);
  const columns =
    transform === undefined
      ? features.map(Duckdb.identifier)
      : Transform.selectSql(transform, table.role === "train" ? { group } : undefined);
  // In CSV a yes is 1: every program reads numbers.
  const labelType = format === "csv" && label === "boolean" ? "DOUBLE" : types[label];
  const select = [
    ...columns.map(
      (column, j) => `CAST(${column} AS DOUBLE) AS ${Duckdb.identifier(features[j] ?? "")}`,
    ),
    `CAST(label AS ${labelType}) AS label`,
    ...(weight === undefined ? [] : [`CAST(${Duckdb.identifier(weight)} AS DOUBLE) AS "~weight"`]),
  ];
  const file = path.join(yield* store.temporaryFolder, `${table.role}.${format}`);
  const relation = yield* Table.relation(table, { rowNumbers: true });
  yield* db.execute(
    operation,
    `COPY (SELECT ${select.join(", ")} FROM ${relation} WHERE label IS NOT NULL ORDER BY file_row_number)
     TO ${Duckdb.literal(file)} (${format === "csv" ? "FORMAT csv, HEADER, NULLSTR 'nan'" : "FORMAT parquet, COMPRESSION zstd"})`,
  );
  const [count] = yield* db.rows(operation, `SELECT count(label)::DOUBLE AS n FROM ${relation}`);
  return {
    path: file,
    format,
    rows: Number(count?.["n"] ?? 0),
    features,
    texts: transform === undefined ? {} : Transform.textsOf(transform),
    label,
    weighted: weight !== undefined,
    featureSet: { name, version, digest: set.digest },
  };
});
