/** Slices: the gain on the rows with each value of a kept column. */
import { type Artifact } from "@ml-pipe/core";
import { Duckdb, type StatisticsError, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { SliceResult } from "../Evaluation.ts";
import { type Blocks, estimate, totalsOf } from "./blocks.ts";

/** One column's slices: the values judged, most rows first, and how to number them in SQL. */
export interface SliceColumn {
  readonly column: string;
  readonly values: ReadonlyArray<string | null>;
  /** The number of the row's value in `values`, or -1. */
  readonly sql: string;
  /** What is not judged because it has too few rows. */
  readonly small: { readonly values: number; readonly rows: number };
}

/** Most slices of one column that are judged: more say little and widen every interval. */
const mostSlices = 50;

/** Finds the values of a column with enough labelled rows to be judged. */
export const sliceColumn = Effect.fnUntraced(function* (
  table: Table.AnyTable,
  column: string,
  minRows: number,
): Effect.fn.Return<
  SliceColumn,
  Duckdb.DuckdbError | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb.Duckdb;
  const relation = yield* Table.relation(table);
  const text = `CAST(${Duckdb.identifier(column)} AS VARCHAR)`;
  const rows = yield* db.rows(
    `count the values of "${column}"`,
    `SELECT ${text} AS value, count(*)::DOUBLE AS n FROM ${relation} WHERE label IS NOT NULL
     GROUP BY 1 ORDER BY n DESC, value`,
  );
  const counted = rows.map(({ value, n }) => ({
    value: value === null ? null : String(value),
    rows: Number(n),
  }));
  // Text with a NUL character cannot be written in SQL as it stands.
  const isLarge = (one: (typeof counted)[number]) =>
    one.rows >= minRows && one.value?.includes("\0") !== true;
  const large = counted.filter(isLarge).slice(0, mostSlices);
  const values = large.map(({ value }) => value);
  const left = counted.filter((one) => !large.includes(one));
  return {
    column,
    values,
    sql: numberOf(text, values),
    small: { values: left.length, rows: left.reduce((sum, one) => sum + one.rows, 0) },
  };
});

/** An enum numbers its values by a hash table, so this costs the same for 2 values as for 50. */
const numberOf = (text: string, values: ReadonlyArray<string | null>): string => {
  const present = values.filter((value) => value !== null);
  const missing = values.indexOf(null);
  if (present.length === 0) return `CASE WHEN ${text} IS NULL THEN ${missing} ELSE -1 END`;
  const type = `ENUM(${present.map(Duckdb.literal).join(", ")})`;
  const code = `coalesce(enum_code(TRY_CAST(${text} AS ${type})), -1)`;
  const shifted =
    missing === -1 ? code : `CASE WHEN ${code} >= ${missing} THEN ${code} + 1 ELSE ${code} END`;
  return `CASE WHEN ${text} IS NULL THEN ${missing} ELSE ${shifted} END`;
};

/**
 * The gain of every slice, with intervals at the level that holds for all of them together (Bonferroni:
 * Dunn, JASA 56, 1961).
 */
export const judgeSlices = Effect.fnUntraced(function* (
  columns: ReadonlyArray<SliceColumn>,
  codes: ReadonlyArray<Float64Array>,
  gain: Float64Array,
  blocks: Blocks,
  options: { readonly level: number; readonly seed: number },
): Effect.fn.Return<ReadonlyArray<SliceResult>, StatisticsError> {
  const number = columns.reduce((sum, { values }) => sum + values.length, 0);
  const level = 1 - (1 - options.level) / Math.max(1, number);
  const results: Array<SliceResult> = [];
  for (const [index, { column, values }] of columns.entries()) {
    const code = codes[index] ?? new Float64Array();
    const totals = values.map(() => totalsOf(blocks));
    for (let row = 0; row < code.length; row++) {
      const slice = totals[code[row]!];
      if (slice === undefined) continue;
      const block = blocks.index[row]!;
      slice.sums[block]! += gain[row]!;
      slice.counts[block]! += 1;
    }
    for (const [slice, value] of values.entries()) {
      const total = totals[slice];
      if (total === undefined) continue;
      // Tails of a corrected level are thin: more resamples, so that they are not two draws.
      const found = yield* estimate(total, { level, seed: options.seed, resamples: 10_000 });
      results.push({
        column,
        value,
        rows: total.counts.reduce((sum, one) => sum + one, 0),
        gain: found,
        worse: found.interval !== null && found.interval.upper < 0,
      });
      yield* Effect.yieldNow;
    }
  }
  return results;
});
