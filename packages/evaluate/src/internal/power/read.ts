/** What the power of a test depends on: what the baseline costs on rows with an outcome, and how it varies. */
import type { Artifact, Charter } from "@ml-pipe/core";
import { type BusinessCost, Duckdb, Predictions, type StatisticsError, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type AnySet, requireKnownClasses } from "../rows.ts";

/** Units of rows (blocks, or single rows), and how much the part of one in the mean over rows varies. */
export interface Spread {
  readonly units: number;
  readonly sd: number;
}

/** What the baseline costs on rows with an outcome. */
export interface Charged {
  readonly rows: number;
  /** Mean over rows: of the baseline, and of perfect foresight. */
  readonly baselineCost: number;
  readonly leastCost: number;
  readonly block: Spread;
  readonly unit: Spread;
  /** Days from the first to the last decision, both counted; null without a moment of the decision. */
  readonly days: number | null;
}

/** Charges the baseline on the rows of a table that have an outcome, in their order. */
export const chargedOf = Effect.fnUntraced(function* (
  set: AnySet,
  table: Table.AnyTable,
  options: {
    readonly baseline: Charter.Baseline;
    readonly cost: BusinessCost.BusinessCost;
    readonly blocks: Predictions.Block;
    readonly unit: "group" | "row";
  },
): Effect.fn.Return<
  Charged,
  Predictions.PredictionsError | StatisticsError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const { cost } = options;
  const db = yield* Duckdb.Duckdb;
  const from = yield* labelled(set, table);
  const asked = { ...options, classes: cost.classes };
  const answers = yield* Predictions.answersSql(set, asked);
  const { decidedAt } = set.spec;
  const [count] = yield* db.rows(
    "count the train rows",
    `SELECT count(*)::DOUBLE AS rows, ${decidedAt === undefined ? "NULL" : daysSql(set)} AS days FROM ${from}`,
  );
  const rows = Number(count?.["rows"] ?? 0);
  const { columns } = yield* db.numericColumns("read what the baseline does", {
    from,
    select: [
      answers.label,
      answers.baseline,
      Predictions.blockSql(set, options.blocks),
      Predictions.blockSql(set, options.unit),
    ],
    rows,
  });
  const [label = none, said = none, block = none, unit = none] = columns;
  yield* requireKnownClasses(label, { cost, from, role: table.role, labelSql: answers.label });
  yield* Predictions.requireAnswers(asked, said);
  const charged = yield* cost.of(said, label);
  const spread = (by: Predictions.Block, of: Float64Array) =>
    spreadOf(charged, by === "row" ? null : of);
  return {
    rows,
    baselineCost: meanOf(charged),
    leastCost: meanOf(yield* cost.withForesight(label)),
    block: spread(options.blocks, block),
    unit: spread(options.unit, unit),
    days: decidedAt === undefined ? null : Number(count?.["days"] ?? 0),
  };
});

const daysSql = (set: AnySet): string => {
  const day = Predictions.blockSql(set, "day");
  return `max(${day}) - min(${day}) + 1`;
};

const none = new Float64Array();

const meanOf = (values: Float64Array): number =>
  values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length);

/**
 * The standard deviation s of a unit's part in the mean over rows, so that the mean's standard error is
 * s / √units: of a ratio of two sums (Cochran, Sampling Techniques, 1977, section 6.3). `unit` numbers the rows'
 * units; null where each row is one.
 */
const spreadOf = (cost: Float64Array, unit: Float64Array | null): Spread => {
  const mean = meanOf(cost);
  const residuals = new Map<number, number>();
  let squares = 0;
  if (unit === null) {
    for (const one of cost) squares += (one - mean) ** 2;
  } else {
    for (const [row, one] of cost.entries()) {
      const own = unit[row] ?? 0;
      residuals.set(own, (residuals.get(own) ?? 0) + one - mean);
    }
    for (const residual of residuals.values()) squares += residual ** 2;
  }
  const units = unit === null ? cost.length : residuals.size;
  const sd = units < 2 ? 0 : Math.sqrt(squares / (units - 1)) * (units / cost.length);
  return { units, sd };
};

/** How many rows of a table have an outcome, and in how many blocks: nothing else is read. */
export const testSize = Effect.fnUntraced(function* (
  set: AnySet,
  table: Table.AnyTable,
  blocks: Predictions.Block,
): Effect.fn.Return<
  { readonly rows: number; readonly blocks: number },
  Duckdb.DuckdbError | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb.Duckdb;
  const distinct = blocks === "row" ? "*" : `DISTINCT ${Predictions.blockSql(set, blocks)}`;
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
