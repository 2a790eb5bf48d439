/** Rates, costs and biases by group, and how surely they differ. */
import { HypothesisTest, Interval, type StatisticsError } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { ComparedOf, FairnessResult } from "../../Fairness.ts";
import { type Blocks, orNull } from "../blocks.ts";
import type { SliceColumn } from "../slices.ts";
import type { Asked } from "./asked.ts";

/** What groups are compared by: one number a row. */
export interface Treated {
  /** What was done and what came: 1 or 0, numbers, or places of choices and classes. */
  readonly done: Float64Array;
  readonly label: Float64Array;
  /** What doing it cost. */
  readonly cost: Float64Array;
  readonly blocks: Blocks;
}

/** The columns that tell groups, with the numbers of their values by row. */
export type Groups = ReadonlyArray<SliceColumn & { readonly codes: Float64Array }>;

/** Compares each group with all others. */
export const measure = Effect.fnUntraced(function* (
  treated: Treated,
  columns: Groups,
  asked: Asked,
  level: number,
): Effect.fn.Return<FairnessResult, StatisticsError> {
  const quantities = quantitiesOf(treated, asked);
  const differences: Array<Compared> = [];
  for (const column of columns) {
    for (const { of, limit } of asked.compared) {
      const { groups, all } = sumsOf(quantities[of], treated.blocks, column);
      const pairOnly = groups.length === 2 && total(all.counts) === groupTotal(groups);
      // Of two groups, each is the other's others: compared once.
      for (const [code, own] of (pairOnly ? groups.slice(0, 1) : groups).entries()) {
        const others = less(all, own);
        differences.push({
          column: column.column,
          value: column.values[code] ?? null,
          of,
          limit,
          rows: total(own.counts),
          own: meanOf(own),
          others: meanOf(others),
          difference: orNull(differenceOf(of, own, others, level)),
          p: pBeyond(of, own, others, limit),
        });
      }
      yield* Effect.yieldNow;
    }
  }
  const adjusted = yield* adjust(differences.map(({ p }) => p));
  const { fourFifths: favourable } = asked;
  return {
    level,
    asked: asked.compared,
    differences: differences.map(({ p: _, limit, ...one }, index) => {
      const pOf = adjusted[index] ?? null;
      return { ...one, pBeyond: pOf, outcome: outcomeOf(one, pOf, limit, level) };
    }),
    fourFifths:
      favourable === null
        ? []
        : yield* fourFifths(quantities.selection, treated.blocks, columns, favourable, level),
    small: columns.flatMap(({ column, small }) =>
      small.values === 0 ? [] : [{ column, ...small }],
    ),
  };
});

/** A number for each row, of which the mean is taken, and which rows count; all if it is left out. */
interface Quantity {
  readonly of: (row: number) => number;
  readonly counts?: (row: number) => boolean;
}

/** What can be compared; where there is no yes and no, nobody asks for rates. */
const quantitiesOf = (
  { done, label, cost }: Treated,
  { favourable }: Asked,
): { readonly [K in ComparedOf]: Quantity } => {
  const isIn = (places: ReadonlyArray<number>, value: number) => places.includes(value);
  const acts = (row: number) =>
    favourable === null ? done[row]! : Number(isIn(favourable.choices, done[row]!));
  const right = (row: number) =>
    favourable === null ? label[row] === 1 : isIn(favourable.classes, label[row]!);
  return {
    selection: { of: acts },
    truePositive: { of: acts, counts: right },
    falsePositive: { of: acts, counts: (row) => !right(row) },
    cost: { of: (row) => cost[row]! },
    bias: { of: (row) => done[row]! - label[row]! },
  };
};

type Compared = Omit<FairnessResult["differences"][number], "pBeyond" | "outcome"> & {
  readonly p: number | null;
  readonly limit: number;
};

const outcomeOf = (
  { difference }: Pick<Compared, "difference">,
  p: number | null,
  limit: number,
  level: number,
): FairnessResult["differences"][number]["outcome"] => {
  if (difference === null || p === null) return "inconclusive";
  if (p <= 1 - level) return "failed";
  return difference.lower >= -limit && difference.upper <= limit ? "passed" : "inconclusive";
};

/**
 * Group less others. Where no block of a rate varies, as with all hits against none, each block counts as one
 * row (Wilson's intervals, joined): rows alone would prove more than they can.
 */
const differenceOf = (
  of: ComparedOf,
  own: Interval.Sums,
  others: Interval.Sums,
  level: number,
): Result.Result<Interval.Interval, StatisticsError> => {
  if (of === "cost" || of === "bias") return Interval.groupDifference(own, others, level);
  const rates = ({ counts, sums }: Interval.Sums) => ({ trials: counts, hits: sums });
  const found = Interval.rateDifference(rates(own), rates(others), level);
  if (Result.isSuccess(found) || found.failure.reason !== "degenerate") return found;
  const wilson = (sums: Interval.Sums) => {
    const blocks = Array.from(sums.counts).filter((count) => count > 0).length;
    return Interval.wilson(Math.round((meanOf(sums) ?? 0) * blocks), blocks, level);
  };
  return Result.flatMap(wilson(own), (first) =>
    Result.flatMap(wilson(others), (second) => Interval.differenceOf(first, second)),
  );
};

/**
 * One-sided p of a difference beyond the limit, in its direction: half of what the widest interval leaves
 * out that still lies beyond it.
 */
const pBeyond = (
  of: ComparedOf,
  own: Interval.Sums,
  others: Interval.Sums,
  limit: number,
): number | null => {
  const isBeyond = (level: number): boolean | null => {
    const interval = orNull(differenceOf(of, own, others, level));
    return interval === null ? null : interval.lower > limit || interval.upper < -limit;
  };
  const [few, most] = [1e-9, 1 - 1e-12];
  const atOnce = isBeyond(few);
  if (atOnce === null) return null;
  if (!atOnce) return 1;
  let [low, high] = [few, most];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (isBeyond(middle) === true) low = middle;
    else high = middle;
  }
  return (1 - low) / 2;
};

interface ByBlock {
  readonly counts: Float64Array;
  readonly sums: Float64Array;
}

const sumsOf = (
  { of, counts }: Quantity,
  blocks: Blocks,
  { codes, values }: Pick<SliceColumn, "values"> & { readonly codes: Float64Array },
) => {
  const empty = (): ByBlock => ({
    counts: new Float64Array(blocks.size),
    sums: new Float64Array(blocks.size),
  });
  const all = empty();
  const groups = values.map(empty);
  for (let row = 0; row < codes.length; row++) {
    if (counts?.(row) === false) continue;
    const block = blocks.index[row]!;
    const value = of(row);
    all.counts[block]! += 1;
    all.sums[block]! += value;
    const own = groups[codes[row]!];
    if (own === undefined) continue;
    own.counts[block]! += 1;
    own.sums[block]! += value;
  }
  return { all, groups };
};

const less = (all: ByBlock, own: ByBlock): ByBlock => ({
  counts: all.counts.map((count, block) => count - own.counts[block]!),
  sums: all.sums.map((sum, block) =>
    all.counts[block] === own.counts[block] ? 0 : sum - own.sums[block]!,
  ),
});

const total = (counts: Interval.Sums["counts"]): number => {
  let sum = 0;
  for (let at = 0; at < counts.length; at++) sum += counts[at]!;
  return sum;
};

const groupTotal = (groups: ReadonlyArray<ByBlock>): number =>
  groups.reduce((sum, { counts }) => sum + total(counts), 0);

const meanOf = ({ counts, sums }: Interval.Sums): number | null =>
  total(counts) === 0 ? null : total(sums) / total(counts);

/** Holm's correction among those that have a p-value. */
const adjust = Effect.fnUntraced(function* (
  pValues: ReadonlyArray<number | null>,
): Effect.fn.Return<ReadonlyArray<number | null>, StatisticsError> {
  const known = pValues.filter((p) => p !== null);
  const adjusted = yield* Effect.fromResult(HypothesisTest.adjust(known, "holm"));
  let next = 0;
  return pValues.map((p) => (p === null ? null : (adjusted[next++] ?? null)));
});

/** The least ratio of the rule: 29 CFR 1607.4(D). */
const fourFifthsOf = 0.8;

const fourFifths = Effect.fnUntraced(function* (
  selection: Quantity,
  blocks: Blocks,
  columns: Groups,
  favourable: "act" | "not act",
  level: number,
): Effect.fn.Return<FairnessResult["fourFifths"], StatisticsError> {
  const found = columns.flatMap((column) => {
    const groups = sumsOf(selection, blocks, column).groups.map(({ counts, sums }) => ({
      counts,
      sums: favourable === "act" ? sums : counts.map((count, block) => count - sums[block]!),
    }));
    const rated = groups.flatMap((own, code) => {
      const rate = meanOf(own);
      return rate === null ? [] : [{ own, rate, value: column.values[code] ?? null }];
    });
    const best = rated.toSorted((a, b) => b.rate - a.rate)[0];
    if (best === undefined || rated.length < 2) return [];
    return rated.map((one) => ({
      column: column.column,
      value: one.value,
      rows: total(one.own.counts),
      rate: one.rate,
      best: best.rate,
      ratio: best.rate === 0 ? 1 : one.rate / best.rate,
      p: one === best ? null : twoSided(pBeyond("selection", one.own, best.own, 0)),
    }));
  });
  const adjusted = yield* adjust(found.map(({ p }) => p));
  return found.map(({ p: _, ...one }, index) => {
    const pValue = adjusted[index] ?? null;
    const surely = pValue !== null && pValue <= 1 - level;
    const outcome = one.ratio >= fourFifthsOf ? "passed" : surely ? "failed" : "inconclusive";
    return { ...one, pValue, outcome } as const;
  });
});

const twoSided = (p: number | null): number | null => (p === null ? null : Math.min(1, 2 * p));
