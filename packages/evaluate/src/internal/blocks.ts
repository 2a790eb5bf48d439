/** Sums per block (day, group or row): what a bootstrap over blocks needs of the rows. */
import { Interval } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Result from "effect/Result";
import type { StatisticsError } from "@ml-pipe/data";

/** Rows by block: `index[row]` is from 0 to `size − 1`. */
export interface Blocks {
  readonly index: Int32Array;
  readonly size: number;
  /** Blocks that occur: more than `size` where some are drawn together. */
  readonly count: number;
}

/**
 * Beyond it, blocks are drawn in bundles: a bundle of independent blocks is independent too, and two
 * thousand of them give the interval's width to within two per cent.
 */
const maxBundles = 2000;

/** Numbers blocks in their order. */
export const blocksOf = (block: Float64Array): Blocks => {
  const blocks = Float64Array.from(new Set(block)).toSorted();
  const number = new Map(Array.from(blocks, (one, index) => [one, index % maxBundles] as const));
  return {
    index: Int32Array.from(block, (one) => number.get(one) ?? 0),
    size: Math.min(blocks.length, maxBundles),
    count: blocks.length,
  };
};

/** A mean and its interval over blocks; no interval where there are fewer than two. */
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

/** Sums a value of each row by block. */
export const sumByBlock = (values: Float64Array, blocks: Blocks): Totals => {
  const totals = totalsOf(blocks);
  for (let row = 0; row < values.length; row++) {
    const block = blocks.index[row]!;
    totals.sums[block]! += values[row]!;
    totals.counts[block]! += 1;
  }
  return totals;
};

/** The same as it is recorded with an evaluation. */
export const byBlock = (cost: Float64Array, blocks: Blocks) => {
  const { sums, counts } = sumByBlock(cost, blocks);
  return { rows: [...counts], cost: [...sums] };
};

/** The mean over rows with the interval of a bootstrap over the blocks that have any. */
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
