/** Tables as files for another program: the features, the label, and nothing else. */
import * as path from "node:path";
import { Artifact } from "@ml-pipe/core";
import { Duckdb, FeatureSet, Table, Transform, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { failOn, type TrainingError, type TrainingProblem } from "./trainingData.ts";

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
 * scope. DuckDB writes it; no row is ever here. Fails if no training could use them.
 */
export const handOver: (
  set: FeatureSet.FeatureSet,
  table: Table.AnyTable,
  options: HandOverOptions,
) => Effect.Effect<
  HandedOver,
  Duckdb.DuckdbError | Table.ReadError | TrainingError | Artifact.ArtifactStoreError,
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
  const labelType = format === "csv" && label === "boolean" ? "TINYINT" : types[label];
  const select = [
    ...columns.map(
      (column, j) => `CAST(${column} AS DOUBLE) AS ${Duckdb.identifier(features[j] ?? "")}`,
    ),
    `CAST(label AS ${labelType}) AS label`,
    ...(weight === undefined ? [] : [`CAST(${Duckdb.identifier(weight)} AS DOUBLE) AS "~weight"`]),
  ];
  const file = path.join(yield* store.temporaryFolder, `${table.role}.${format}`);
  const relation = yield* Table.relation(table, { rowNumbers: true });
  const rows = `SELECT ${select.join(", ")} FROM ${relation} WHERE label IS NOT NULL ORDER BY file_row_number`;
  const count = yield* requireUsable(operation, table.role, rows, features, weight !== undefined);
  yield* db.execute(
    operation,
    `COPY (${rows}) TO ${Duckdb.literal(file)} (${format === "csv" ? "FORMAT csv, HEADER, NULLSTR 'nan'" : "FORMAT parquet, COMPRESSION zstd"})`,
  );
  return {
    path: file,
    format,
    rows: count,
    features,
    texts: transform === undefined ? {} : Transform.textsOf(transform),
    label,
    weighted: weight !== undefined,
    featureSet: { name, version, digest: set.digest },
  };
});

/**
 * How many rows there are. Fails with all that no training can use, as built-in ones do: no rows, a label that is always
 * the same, infinite features, weights that are none.
 */
const requireUsable = Effect.fnUntraced(function* (
  operation: string,
  part: string,
  rows: string,
  features: ReadonlyArray<string>,
  weighted: boolean,
): Effect.fn.Return<number, Duckdb.DuckdbError | TrainingError, Duckdb.Duckdb> {
  const weighs = weighted ? `"~weight"` : "1";
  const infinite = features.map(
    (name, j) => `count(*) FILTER (isinf(${Duckdb.identifier(name)}))::DOUBLE AS "~infinite${j}"`,
  );
  const [found = {}] = yield* (yield* Duckdb.Duckdb).rows(
    operation,
    `SELECT count(*)::DOUBLE AS "~rows",
       count(*) FILTER (${weighs} > 0)::DOUBLE AS "~heavy",
       count(*) FILTER (coalesce(${weighs} < 0 OR NOT isfinite(${weighs}::DOUBLE), TRUE))::DOUBLE AS "~unweighed",
       CAST(min(label) FILTER (${weighs} > 0) AS VARCHAR) AS "~least",
       CAST(max(label) FILTER (${weighs} > 0) AS VARCHAR) AS "~most"
       ${infinite.map((one) => `, ${one}`).join("")} FROM (${rows})`,
  );
  const of = (what: string) => Number(found[what] ?? 0);
  const [all, heavy, unweighed] = [of("~rows"), of("~heavy"), of("~unweighed")];
  const least = found["~least"];
  const problems: Array<TrainingProblem> = [];
  if (all === 0) {
    problems.push({
      what: "no rows with a label",
      where: `${part} data`,
      next: "Check the source, the filters and the split upstream.",
    });
  }
  if (unweighed > 0) {
    problems.push({
      what: `${Words.counted(unweighed, "weight")} missing, negative or infinite`,
      where: `${part} weights`,
      next: "Give weights of at least 0.",
    });
  } else if (all > 0 && heavy === 0) {
    problems.push({
      what: "no row has a weight above 0",
      where: `${part} weights`,
      next: "Give some rows a weight.",
    });
  }
  if (part === "train" && heavy > 1 && least === found["~most"]) {
    problems.push({
      what: `all ${Words.counted(heavy, "label")} are ${String(least)}`,
      where: "train label",
      next: "There is nothing to learn from a constant label: check its definition and the split.",
    });
  }
  for (const [j, name] of features.entries()) {
    const many = of(`~infinite${j}`);
    if (many === 0) continue;
    problems.push({
      what: `${Words.counted(many, "value")} infinite`,
      where: `${part} feature "${name}"`,
      next: "Find the division by zero or overflow that made it, or make it missing.",
    });
  }
  yield* failOn("data", problems);
  return all;
});
