/** Rates by group, and how surely they differ. */
import { HypothesisTest, Interval, type StatisticsError } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { FairnessOptions, FairnessResult, RateOf } from "../Fairness.ts";
import { type Blocks, orNull } from "./blocks.ts";
import type { SliceColumn } from "./slices.ts";

/** What the rates are of: one number a row. */
export interface Decided {
  readonly probability: Float64Array;
  readonly label: Float64Array;
  readonly threshold: number;
  readonly blocks: Blocks;
}

/** Throws a `TypeError` for options that say nothing. */
export const checkOptions = ({
  by,
  maxDifference = 0.1,
  minRows = 100,
  rates,
}: FairnessOptions) => {
  const problems = [
    ...(by.length > 0 ? [] : ["by names no column"]),
    ...(maxDifference > 0 && maxDifference < 1
      ? []
      : [`maxDifference is ${maxDifference}, give a difference of rates between 0 and 1`]),
    ...(Number.isInteger(minRows) && minRows >= 1 ? [] : [`minRows is ${minRows}, give 1 or more`]),
    ...(rates === undefined || rates.length > 0 ? [] : ["rates names no rate"]),
  ];
  if (problems.length > 0) throw new TypeError(`fairness: ${problems.join("; ")}`);
};

/** Compares each group with all others. `codes` are the numbers of each column's values, by row. */
export const measure = Effect.fnUntraced(function* (
  decided: Decided,
  columns: ReadonlyArray<SliceColumn & { readonly codes: Float64Array }>,
  options: FairnessOptions,
  level: number,
): Effect.fn.Return<FairnessResult, StatisticsError> {
  const { maxDifference = 0.1, rates = ["selection", "truePositive", "falsePositive"] } = options;
  const differences: Array<Compared> = [];
  for (const column of columns) {
    for (const of of rates) {
      const { groups, all } = ratesOf(decided, column, of);
      const pairOnly = groups.length === 2 && total(all.trials) === groupTotal(groups);
      // Of two groups, each is the other's others: compared once.
      for (const [code, own] of (pairOnly ? groups.slice(0, 1) : groups).entries()) {
        const others = less(all, own);
        const difference = orNull(differenceOf(own, others, level));
        differences.push({
          column: column.column,
          value: column.values[code] ?? null,
          of,
          rows: total(own.trials),
          rate: rateOf(own),
          others: rateOf(others),
          difference,
          p: pBeyond(own, others, maxDifference),
        });
      }
      yield* Effect.yieldNow;
    }
  }
  const adjusted = yield* adjust(differences.map(({ p }) => p));
  return {
    maxDifference,
    level,
    differences: differences.map(({ p: _, ...one }, index) => {
      const pOf = adjusted[index] ?? null;
      return { ...one, pBeyond: pOf, outcome: outcomeOf(one, pOf, maxDifference, level) };
    }),
    fourFifths:
      options.fourFifths === undefined
        ? []
        : yield* fourFifths(decided, columns, options.fourFifths.favourable, level),
    small: columns.flatMap(({ column, small }) =>
      small.values === 0 ? [] : [{ column, ...small }],
    ),
  };
});

type Compared = Omit<FairnessResult["differences"][number], "pBeyond" | "outcome"> & {
  readonly p: number | null;
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
 * Group less others. Where no block varies, as with all hits against none, each block counts as one row
 * (Wilson's intervals, joined): rows alone would prove more than they can.
 */
const differenceOf = (
  own: ByBlock,
  others: ByBlock,
  level: number,
): Result.Result<Interval.Interval, StatisticsError> => {
  const found = Interval.rateDifference(own, others, level);
  if (Result.isSuccess(found) || found.failure.reason !== "degenerate") return found;
  const wilson = (of: ByBlock) => {
    const blocks = of.trials.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
    return Interval.wilson(Math.round((rateOf(of) ?? 0) * blocks), blocks, level);
  };
  return Result.flatMap(wilson(own), (first) =>
    Result.flatMap(wilson(others), (second) => Interval.differenceOf(first, second)),
  );
};

/**
 * One-sided p of a difference beyond the limit, in its direction: half of what the widest interval leaves
 * out that still lies beyond it.
 */
const pBeyond = (own: ByBlock, others: ByBlock, limit: number): number | null => {
  const isBeyond = (level: number): boolean | null => {
    const interval = orNull(differenceOf(own, others, level));
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
  readonly trials: Float64Array;
  readonly hits: Float64Array;
}

const ratesOf = (
  { probability, label, threshold, blocks }: Decided,
  { codes, values }: Pick<SliceColumn, "values"> & { readonly codes: Float64Array },
  of: RateOf,
) => {
  const empty = (): ByBlock => ({
    trials: new Float64Array(blocks.size),
    hits: new Float64Array(blocks.size),
  });
  const all = empty();
  const groups = values.map(empty);
  for (let row = 0; row < probability.length; row++) {
    if (of === "truePositive" && label[row] !== 1) continue;
    if (of === "falsePositive" && label[row] !== 0) continue;
    const block = blocks.index[row]!;
    const acts = probability[row]! >= threshold ? 1 : 0;
    all.trials[block]! += 1;
    all.hits[block]! += acts;
    const own = groups[codes[row]!];
    if (own === undefined) continue;
    own.trials[block]! += 1;
    own.hits[block]! += acts;
  }
  return { all, groups };
};

const less = (all: ByBlock, own: ByBlock): ByBlock => ({
  trials: all.trials.map((count, block) => count - own.trials[block]!),
  hits: all.hits.map((count, block) => count - own.hits[block]!),
});

const total = (counts: Float64Array): number => counts.reduce((sum, one) => sum + one, 0);

const groupTotal = (groups: ReadonlyArray<ByBlock>): number =>
  groups.reduce((sum, { trials }) => sum + total(trials), 0);

const rateOf = ({ trials, hits }: ByBlock): number | null =>
  total(trials) === 0 ? null : total(hits) / total(trials);

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
  decided: Decided,
  columns: ReadonlyArray<SliceColumn & { readonly codes: Float64Array }>,
  favourable: "act" | "not act",
  level: number,
): Effect.fn.Return<FairnessResult["fourFifths"], StatisticsError> {
  const found = columns.flatMap((column) => {
    const groups = ratesOf(decided, column, "selection").groups.map(({ trials, hits }) => ({
      trials,
      hits: favourable === "act" ? hits : trials.map((count, block) => count - hits[block]!),
    }));
    const rated = groups.flatMap((own, code) => {
      const rate = rateOf(own);
      return rate === null ? [] : [{ own, rate, value: column.values[code] ?? null }];
    });
    const best = rated.toSorted((a, b) => b.rate - a.rate)[0];
    if (best === undefined || rated.length < 2) return [];
    return rated.map((one) => ({
      column: column.column,
      value: one.value,
      rows: total(one.own.trials),
      rate: one.rate,
      best: best.rate,
      ratio: best.rate === 0 ? 1 : one.rate / best.rate,
      p: one === best ? null : twoSided(pBeyond(one.own, best.own, 0)),
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
