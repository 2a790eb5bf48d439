/** Histograms of features by day: bins cut on the reference, counts of a table in one pass. */
import type { Artifact } from "@ml-pipe/core";
import { Decisions, Duckdb, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/**
 * The bins of one feature. Few values: one bin for each and one for any other. Many: ranges between the
 * deciles of the reference, `(lower, upper]`. Missing rows have a bin of their own, the last.
 */
export interface Bins {
  readonly feature: string;
  readonly kind: "values" | "ranges";
  /** The values, or the upper ends of all ranges but the last. Ascending. */
  readonly cuts: ReadonlyArray<number>;
}

/** Rows per bin of each feature, in the order of the bins; the last count is of missing rows. */
export type DayCounts = ReadonlyArray<Float64Array>;

/** Days (since 1970-01-01 UTC, ascending) with the counts of each. */
export type Histograms = ReadonlyMap<number, DayCounts>;

type Needs = Duckdb.Duckdb | Artifact.ArtifactStore;
type Failure = Duckdb.DuckdbError | Table.ReadError;

/** Distinct values up to which each has its own bin. */
const mostValues = 20;
/** Room for the bins of one feature in a cell's number. */
const stride = 100;

const deciles = "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]";

const valueOf = (feature: string): string => `CAST(${Duckdb.identifier(feature)} AS DOUBLE)`;
const present = (feature: string): string =>
  `${valueOf(feature)} IS NOT NULL AND NOT isnan(${valueOf(feature)})`;

/** Rows that are enough to cut bins: the deciles are then right to a tenth of a percent or so. */
const sampleRows = 200_000;

/** Cuts the bins on every k-th row of the reference, so that the same table gives the same bins. */
export const binsOf = Effect.fnUntraced(function* (
  reference: Table.AnyTable,
  features: ReadonlyArray<string>,
): Effect.fn.Return<ReadonlyArray<Bins>, Failure, Needs> {
  if (features.length === 0) return [];
  const db = yield* Duckdb.Duckdb;
  const operation = "cut the bins of the reference";
  const every = Math.max(1, Math.ceil(reference.rows / sampleRows));
  const names = features.map(Duckdb.identifier).join(", ");
  const relation = `(SELECT ${names} FROM (SELECT *, row_number() OVER () AS "~row"
    FROM ${yield* Table.relation(reference)}) WHERE "~row" % ${every} = 0)`;
  const summary = features.map(
    (feature, index) =>
      `approx_count_distinct(${valueOf(feature)}) FILTER (WHERE ${present(feature)}) AS "n${index}",
       quantile_disc(${valueOf(feature)}, ${deciles}) FILTER (WHERE ${present(feature)}) AS "q${index}"`,
  );
  const [row] = yield* db.rows(operation, `SELECT ${summary.join(", ")} FROM ${relation}`);
  // The sketch errs by an eighth, rarely by half; the exact list decides.
  const few = features.filter((_, index) => Number(row?.[`n${index}`] ?? 0) <= 2 * mostValues);
  const lists = few.map(
    (feature, index) =>
      `list(DISTINCT ${valueOf(feature)}) FILTER (WHERE ${present(feature)}) AS "v${index}"`,
  );
  const [values] =
    few.length === 0
      ? []
      : yield* db.rows(operation, `SELECT ${lists.join(", ")} FROM ${relation}`);
  return features.map((feature, index) => {
    const distinct = numbersOf(values?.[`v${few.indexOf(feature)}`]);
    return few.includes(feature) && distinct.length <= mostValues
      ? { feature, kind: "values", cuts: distinct }
      : { feature, kind: "ranges", cuts: numbersOf(row?.[`q${index}`]) };
  });
});

const numbersOf = (list: unknown): ReadonlyArray<number> =>
  Array.isArray(list) ? [...new Set(list.map(Number))].toSorted((a, b) => a - b) : [];

/** Number of bins with that of missing rows. */
const sizeOf = ({ cuts }: Bins): number => cuts.length + 2;

/** Counts a table's rows by day and bin, for all features in one pass. */
export const histogramsOf = Effect.fnUntraced(function* (
  table: Table.AnyTable,
  decidedAt: string,
  bins: ReadonlyArray<Bins>,
): Effect.fn.Return<Histograms, Failure, Needs> {
  if (bins.length === 0) return new Map();
  const db = yield* Duckdb.Duckdb;
  const time = Duckdb.identifier(decidedAt);
  const cells = bins.map((one, index) => `${index * stride} + ${binSql(one)}`);
  const rows = yield* db.rows(
    `count the ${table.role} table by day and bin`,
    `SELECT day, cell, count(*)::DOUBLE AS n FROM (
       SELECT floor(epoch_ms(CAST(${time} AS TIMESTAMP)) / ${Decisions.millisPerDay}.0) AS day,
         unnest([${cells.join(", ")}]) AS cell
       FROM ${yield* Table.relation(table)} WHERE ${time} IS NOT NULL
     ) GROUP BY day, cell ORDER BY day, cell`,
  );
  const days = new Map<number, DayCounts>();
  for (const { day, cell, n } of rows) {
    const number = Number(day);
    let counts = days.get(number);
    if (counts === undefined) {
      counts = bins.map((one) => new Float64Array(sizeOf(one)));
      days.set(number, counts);
    }
    const feature = counts[Math.floor(Number(cell) / stride)];
    if (feature !== undefined) feature[Number(cell) % stride] = Number(n);
  }
  return days;
});

/** The number of a row's bin. */
const binSql = (bins: Bins): string => {
  const value = valueOf(bins.feature);
  const other = String(bins.cuts.length);
  const found =
    bins.kind === "values"
      ? `CASE ${bins.cuts.map((cut, bin) => `WHEN ${value} = ${double(cut)} THEN ${bin}`).join(" ")} ELSE ${other} END`
      : searchSql(value, bins.cuts, 0, bins.cuts.length);
  const whenPresent = bins.cuts.length === 0 ? other : found;
  return `CASE WHEN ${present(bins.feature)} THEN ${whenPresent} ELSE ${sizeOf(bins) - 1} END`;
};

/** A binary search for the first cut that is not below the value. */
const searchSql = (
  value: string,
  cuts: ReadonlyArray<number>,
  from: number,
  to: number,
): string => {
  const middle = (from + to) >> 1;
  const cut = cuts[middle];
  if (from === to || cut === undefined) return String(from);
  const below = searchSql(value, cuts, from, middle);
  return `CASE WHEN ${value} <= ${double(cut)} THEN ${below} ELSE ${searchSql(value, cuts, middle + 1, to)} END`;
};

/** As text, so that the double is read as it was written; a number would be a decimal first. */
const double = (value: number): string => `CAST('${value}' AS DOUBLE)`;

/** The counts of several days together. */
export const sumOf = (days: Iterable<DayCounts>): DayCounts => {
  let sum: DayCounts = [];
  for (const counts of days) {
    sum =
      sum.length === 0
        ? counts.map((one) => one.slice())
        : sum.map((one, feature) => one.map((count, bin) => count + (counts[feature]?.[bin] ?? 0)));
  }
  return sum;
};
