/** Properties of lists with their intervals, over users. */
import type { Metric } from "@ml-pipe/core";
import { Interval, Ranking, type StatisticsError } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { ListProperty } from "../../recommend/ListEvaluation.ts";
import { type Blocks, blocksOf, type Estimate, estimate, totalsOf } from "../blocks.ts";
import type { Ground, Places } from "./read.ts";

/** How intervals are made. */
export interface Bootstrap {
  readonly level: number;
  readonly seed: number;
  readonly resamples: number;
}

/** One number for each judged user; NaN where it says nothing about them. */
type ByUser = Float64Array;

/** Users by blocks: each is one, unless there are very many. */
export const blocksOfUsers = ({ users }: Ground): Blocks =>
  blocksOf(Float64Array.from({ length: users }, (_, user) => user));

/** The quality of the first places of each user's list. */
export const qualityOf = (
  { relevant }: Ground,
  { shown }: Places,
  list: Metric.ListQuality,
): Effect.Effect<ByUser, StatisticsError> =>
  Effect.fromResult(Ranking.quality(shown, list, relevant));

/**
 * A property by user as a mean of each side and of their difference, where both have it: somebody must. The
 * interval of the difference is a bootstrap over users, those of the sides are Student's.
 */
export const compared = Effect.fnUntraced(function* (
  name: ListProperty["name"],
  judged: ByUser,
  against: ByUser,
  blocks: Blocks,
  bootstrap: Bootstrap,
): Effect.fn.Return<ListProperty, StatisticsError> {
  const totals = totalsOf(blocks);
  const has = (_: number, user: number) => !Number.isNaN(judged[user]! - against[user]!);
  for (let user = 0; user < judged.length; user++) {
    if (!has(0, user)) continue;
    totals.sums[blocks.index[user]!]! += judged[user]! - against[user]!;
    totals.counts[blocks.index[user]!]! += 1;
  }
  return {
    name,
    judged: yield* meanOf(judged.filter(has), bootstrap),
    against: yield* meanOf(against.filter(has), bootstrap),
    difference: yield* estimate(totals, bootstrap),
  };
});

const meanOf = Effect.fnUntraced(function* (
  values: Float64Array,
  { level }: Bootstrap,
): Effect.fn.Return<Estimate, StatisticsError> {
  if (values.length < 2) return { estimate: values[0]!, interval: null };
  const interval = yield* Effect.fromResult(
    Interval.meanDifference(values, new Float64Array(values.length), { level }),
  );
  return { estimate: interval.estimate, interval };
});

const qualities = ["ndcg", "map", "mrr", "recall", "precision"] as const;

/** All properties of lists held against others. */
export const propertiesOf = Effect.fnUntraced(function* (
  ground: Ground,
  lists: { readonly judged: Places; readonly against: Places; readonly baseline: Places },
  list: Metric.ListQuality,
  bootstrap: Bootstrap,
): Effect.fn.Return<ReadonlyArray<ListProperty>, StatisticsError> {
  const blocks = blocksOfUsers(ground);
  const { judged, against, baseline } = lists;
  const found: Array<ListProperty | undefined> = [];
  const both = Effect.fnUntraced(function* (
    name: ListProperty["name"],
    of: (places: Places) => ByUser,
  ) {
    const [mine, theirs] = [of(judged), of(against)];
    // Where nobody has a list on both sides, nothing is said.
    if (mine.every((one, user) => Number.isNaN(one - theirs[user]!))) return;
    found.push(yield* compared(name, mine, theirs, blocks, bootstrap));
  });
  for (const quality of qualities) {
    const asked = { ...list, quality };
    const [mine, theirs] = [
      yield* qualityOf(ground, judged, asked),
      yield* qualityOf(ground, against, asked),
    ];
    found.push(yield* compared(quality, mine, theirs, blocks, bootstrap));
    yield* Effect.yieldNow;
  }
  const expected = itemsByUser(baseline);
  yield* both("serendipity", (places) =>
    meanByUser(places, (at, user) =>
      places.shown.values[at]! > 0 && expected[user]?.has(places.item[at]!) !== true ? 1 : 0,
    ),
  );
  const total = ground.interactions;
  yield* both("novelty", (places) =>
    meanByUser(places, (at) => -Math.log2(Math.max(1, places.met[at]!) / total)),
  );
  yield* both("popularity", (places) =>
    meanByUser(places, (at) => places.met[at]! / ground.trainUsers),
  );
  yield* both("diversity", ({ diversity }) => diversity);
  for (const name of ["coverage", "concentration"] as const) {
    found.push(yield* overall(name, ground, judged, against, bootstrap));
  }
  return found.filter((one) => one !== undefined);
});

/** The mean over the places of each user's list; NaN without a list. */
const meanByUser = ({ shown }: Places, valueOf: (at: number, user: number) => number): ByUser => {
  const users = shown.offsets.length - 1;
  const means = new Float64Array(users);
  for (let user = 0; user < users; user++) {
    const [start, end] = [shown.offsets[user]!, shown.offsets[user + 1]!];
    let sum = 0;
    for (let at = start; at < end; at++) sum += valueOf(at, user);
    means[user] = sum / (end - start);
  }
  return means;
};

/** The items of each user's list. */
export const itemsByUser = ({ shown, item }: Places): ReadonlyArray<ReadonlySet<number>> =>
  Array.from(
    { length: shown.offsets.length - 1 },
    (_, user) => new Set(item.subarray(shown.offsets[user]!, shown.offsets[user + 1]!)),
  );

/** Groups of users that are left out in turn. */
const folds = 20;

/**
 * A property of all lists together. It is no mean over users, so that its interval comes from leaving out a
 * group of users at a time (delete-a-group jackknife: Kott, J. Official Statistics 17(4), 2001), with Student's
 * quantile: drawing users again would show fewer different items than there are.
 */
const overall = Effect.fnUntraced(function* (
  name: "coverage" | "concentration",
  { users, items }: Ground,
  judged: Places,
  against: Places,
  { level }: Bootstrap,
): Effect.fn.Return<ListProperty | undefined, StatisticsError> {
  if (judged.item.length === 0 || against.item.length === 0) return undefined;
  const groups = Math.min(folds, users);
  const figure = name === "coverage" ? coverageOf : concentrationOf;
  const mine = withoutEach(judged, items, groups, figure);
  const theirs = withoutEach(against, items, groups, figure);
  const both = {
    all: mine.all - theirs.all,
    without: mine.without.map((one, group) => one - theirs.without[group]!),
  };
  const told = ({ all, without }: typeof both): Effect.Effect<Estimate, StatisticsError> => {
    if (groups < 2) return Effect.succeed({ estimate: all, interval: null });
    // Pseudo-values, whose mean varies as the figure does.
    const pseudo = without.map((one) => groups * all - (groups - 1) * one);
    const mean = pseudo.reduce((sum, one) => sum + one, 0) / groups;
    const squares = pseudo.reduce((sum, one) => sum + (one - mean) ** 2, 0);
    const moments = {
      count: groups,
      mean: all,
      standardDeviation: Math.sqrt(squares / (groups - 1)),
    };
    return Effect.map(
      Effect.fromResult(Interval.meanFromMoments(moments, { level })),
      (interval) => ({ estimate: all, interval }),
    );
  };
  return {
    name,
    judged: yield* told(mine),
    against: yield* told(theirs),
    difference: yield* told(both),
  };
});

/** A figure of how often each item is shown: of all users, and without each group of them. */
const withoutEach = (
  { shown, item }: Places,
  items: number,
  groups: number,
  figure: (shown: Float64Array, items: number) => number,
) => {
  const counts = new Float64Array(items);
  for (const one of item) if (one < items) counts[one]! += 1;
  const users = shown.offsets.length - 1;
  const without = Array.from({ length: groups }, (_, group) => {
    const less = counts.slice();
    for (let user = group; user < users; user += groups) {
      for (let at = shown.offsets[user]!; at < shown.offsets[user + 1]!; at++) {
        if (item[at]! < items) less[item[at]!]! -= 1;
      }
    }
    return figure(less, items);
  });
  return { all: figure(counts, items), without };
};

/** Share of the items that are shown to anybody; strangers to the catalogue do not count. */
const coverageOf = (counts: Float64Array, items: number): number => {
  let different = 0;
  for (let item = 0; item < items; item++) if (counts[item]! > 0) different++;
  return different / items;
};

/** Gini coefficient: Σ (2i − n − 1) x(i) / (n Σ x), with x in ascending order. */
const concentrationOf = (counts: Float64Array, items: number): number => {
  const sorted = counts.toSorted();
  let [weighted, sum] = [0, 0];
  for (let i = 0; i < items; i++) {
    weighted += (2 * (i + 1) - items - 1) * sorted[i]!;
    sum += sorted[i]!;
  }
  return sum === 0 ? 0 : weighted / (items * sum);
};

/** What lists of two sources have in common: means over the users who have both. */
export const overlapOf = (
  a: Places,
  b: Places,
): { readonly jaccard: number; readonly rankBiased: number } => {
  const users = a.shown.offsets.length - 1;
  let [both, jaccard, rankBiased] = [0, 0, 0];
  for (let user = 0; user < users; user++) {
    const [mine, theirs] = [a, b].map(({ item, shown }) =>
      item.subarray(shown.offsets[user]!, shown.offsets[user + 1]!),
    );
    if (mine === undefined || theirs === undefined) continue;
    const depth = Math.min(mine.length, theirs.length);
    if (depth === 0) continue;
    both++;
    const first = new Set(mine);
    const common = theirs.filter((item) => first.has(item)).length;
    jaccard += common / (mine.length + theirs.length - common);
    rankBiased += rankBiasedOverlap(mine, theirs, depth);
  }
  return both === 0
    ? { jaccard: 0, rankBiased: 0 }
    : { jaccard: jaccard / both, rankBiased: rankBiased / both };
};

const persistence = 0.9;

/** Equation 30 of Webber et al. 2010, for lists of one length. */
const rankBiasedOverlap = (a: Float64Array, b: Float64Array, depth: number): number => {
  const [left, right] = [new Set<number>(), new Set<number>()];
  let [common, sum] = [0, 0];
  for (let d = 1; d <= depth; d++) {
    const [x, y] = [a[d - 1]!, b[d - 1]!];
    if (x === y) common++;
    else common += (right.has(x) ? 1 : 0) + (left.has(y) ? 1 : 0);
    left.add(x);
    right.add(y);
    sum += (common / d) * persistence ** d;
  }
  return (common / depth) * persistence ** depth + ((1 - persistence) / persistence) * sum;
};
