/** Sums per day: what a bootstrap over days needs of the rows. */
import { Interval } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Result from "effect/Result";
import type { StatisticsError } from "@ml-pipe/data";

/** Rows numbered by day: `index[row]` is 0 for the first day with rows. */
export interface Blocks {
  readonly index: Int32Array;
  readonly size: number;
}

/** Numbers days in their order. */
export const blocksOf = (day: Int32Array): Blocks => {
  const days = [...new Set(day)].toSorted((a, b) => a - b);
  const number = new Map(days.map((one, index) => [one, index] as const));
  return { index: day.map((one) => number.get(one) ?? 0), size: days.length };
};

/** A mean and its interval over days; no interval where there are fewer than two days. */
export interface Estimate {
  readonly estimate: number;
  readonly interval: Interval.Interval | null;
}

/** Sum and number of rows for each block of one group of rows. */
export interface Totals {
  readonly sums: Float64Array;
  readonly counts: Float64Array;
}

/** Empty totals. */
export const totalsOf = (blocks: Blocks): Totals => ({
  sums: new Float64Array(blocks.size),
  counts: new Float64Array(blocks.size),
});

/** The mean over rows with the interval of a bootstrap over the days that have any. */
export const estimate = Effect.fnUntraced(function* (
  { sums, counts }: Totals,
  options: Interval.BootstrapOptions,
): Effect.fn.Return<Estimate, StatisticsError> {
  const present = counts.map((count) => (count > 0 ? 1 : 0));
  const keep = (_: number, block: number) => present[block] === 1;
  const [blockSums, blockCounts] = [sums.filter(keep), counts.filter(keep)];
  const mean = total(sums) / total(counts);
  if (blockSums.length < 2) return { estimate: mean, interval: null };
  const interval = yield* Effect.fromResult(
    Interval.bootstrapTotals(blockSums, blockCounts, options),
  );
  return { estimate: mean, interval };
});

const total = (numbers: Float64Array): number => numbers.reduce((sum, one) => sum + one, 0);

/** The value of a statistic, or null where the data cannot give it (one class, too few rows). */
export const orNull = <A>(result: Result.Result<A, StatisticsError>): A | null =>
  result._tag === "Success" ? result.success : null;
