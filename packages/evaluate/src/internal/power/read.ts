/** What the power of a test depends on, counted in one pass: whole numbers, so that every run counts the same. */
import type { Artifact } from "@ml-pipe/core";
import { Decisions, Duckdb, Predictions, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { AnySet } from "../rows.ts";

/** The outcomes of a yes/no decision, in the order of {@link Moments}. */
export const cellNames = [
  "truePositive",
  "falsePositive",
  "falseNegative",
  "trueNegative",
] as const;

/**
 * How often the baseline has each outcome in units of rows (blocks, or single rows): their number, the sums
 * over units, and the sums of products, from which the variance of any cost of them follows.
 */
export interface Moments {
  readonly units: number;
  readonly sums: ReadonlyArray<number>;
  readonly products: ReadonlyArray<ReadonlyArray<number>>;
}

/** What the baseline does on rows with an outcome. */
export interface Cells {
  readonly rows: number;
  readonly block: Moments;
  readonly unit: Moments;
  /** Days from the first to the last decision, both counted; null without a moment of the decision. */
  readonly days: number | null;
}

/** Counts what the baseline does on the rows of a table that have an outcome. */
export const cellsOf = Effect.fnUntraced(function* (
  set: AnySet,
  table: Table.AnyTable,
  options: {
    readonly rule: string;
    readonly blocks: Decisions.Block;
    readonly unit: "group" | "row";
  },
): Effect.fn.Return<
  Cells,
  Duckdb.DuckdbError | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb.Duckdb;
  const from = yield* labelled(set, table);
  const byRow = yield* moments(set, from, options.rule, "row");
  const of = (by: Decisions.Block) =>
    by === "row" ? Effect.succeed(byRow) : moments(set, from, options.rule, by);
  const { decidedAt } = set.spec;
  const day = decidedAt === undefined ? undefined : Decisions.blockSql(set, "day");
  const [span] =
    day === undefined
      ? []
      : yield* db.rows(
          "count the days",
          `SELECT max(${day}) - min(${day}) + 1 AS days FROM ${from}`,
        );
  const block = yield* of(options.blocks);
  return {
    rows: byRow.units,
    block,
    unit: options.unit === options.blocks ? block : yield* of(options.unit),
    days: span === undefined ? null : Number(span["days"] ?? 0),
  };
});

/** How many rows of a table have an outcome, and in how many blocks: nothing else is read. */
export const testSize = Effect.fnUntraced(function* (
  set: AnySet,
  table: Table.AnyTable,
  blocks: Decisions.Block,
): Effect.fn.Return<
  { readonly rows: number; readonly blocks: number },
  Duckdb.DuckdbError | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb.Duckdb;
  const distinct = blocks === "row" ? "*" : `DISTINCT ${Decisions.blockSql(set, blocks)}`;
  const [row] = yield* db.rows(
    "count the test rows",
    `SELECT count(*)::DOUBLE AS rows, count(${distinct})::DOUBLE AS blocks FROM ${yield* labelled(set, table)}`,
  );
  return { rows: Number(row?.["rows"] ?? 0), blocks: Number(row?.["blocks"] ?? 0) };
});

const labelled = (set: AnySet, table: Table.AnyTable) =>
  Effect.map(
    Table.relation(table),
    (relation) => `(FROM ${relation} WHERE ${Predictions.judgedSql(set.spec)})`,
  );

const moments = Effect.fnUntraced(function* (
  set: AnySet,
  from: string,
  rule: string,
  by: Decisions.Block,
) {
  const db = yield* Duckdb.Duckdb;
  const when = {
    truePositive: "label AND acts",
    falsePositive: "NOT label AND acts",
    falseNegative: "label AND NOT acts",
    trueNegative: "NOT label AND NOT acts",
  };
  const counts = cellNames.map((name) => `count(*) FILTER (WHERE ${when[name]}) AS ${name}`);
  const grouped = by === "row" ? "" : "GROUP BY unit";
  const products = cellNames.flatMap((one) =>
    cellNames.map((two) => `sum(${one}::HUGEINT * ${two})::DOUBLE AS ${one}_${two}`),
  );
  const [row = {}] = yield* db.rows(
    `count what the baseline does by ${by}`,
    `WITH decided AS (SELECT label, ${rule} = 1 AS acts, ${Decisions.blockSql(set, by)} AS unit FROM ${from}),
     units AS (SELECT ${counts.join(", ")} FROM decided ${grouped})
     SELECT count(*)::DOUBLE AS units, ${cellNames.map((name) => `sum(${name})::DOUBLE AS ${name}`).join(", ")},
       ${products.join(", ")} FROM units`,
  );
  const of = (name: string) => Number(row[name] ?? 0);
  const sums = cellNames.map(of);
  // A row has one outcome: no products of two.
  const found: Moments =
    by === "row"
      ? {
          units: sums.reduce((sum, one) => sum + one, 0),
          sums,
          products: sums.map((count, i) => sums.map((_, j) => (i === j ? count : 0))),
        }
      : {
          units: of("units"),
          sums,
          products: cellNames.map((one) => cellNames.map((two) => of(`${one}_${two}`))),
        };
  return found;
});
