/** Permutation importance: what decisions cost more when features come from other rows. */
import type { Artifact } from "@ml-pipe/core";
import { type Duckdb, Random, type StatisticsError } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { FeatureImportance } from "../../Explain.ts";
import { estimate, sumByBlock } from "../blocks.ts";
import type { CostError, Rows, ScoreError } from "../rows.ts";

/** The places of features that are permuted together: as named, or as their correlations say. */
export const groupsOf = (
  { names, features }: Pick<Rows, "names" | "features">,
  together: ReadonlyArray<ReadonlyArray<string>>,
  correlatedFrom: number | null,
): ReadonlyArray<ReadonlyArray<number>> => {
  // Each feature points to one of its group that comes first.
  const first = names.map((_, index) => index);
  const root = (index: number): number => {
    const at = first[index] ?? index;
    return at === index ? index : root(at);
  };
  const join = (a: number, b: number) => {
    const [low, high] = [Math.min(root(a), root(b)), Math.max(root(a), root(b))];
    first[high] = low;
  };
  for (const group of together) {
    const [one, ...others] = group.map((name) => names.indexOf(name));
    if (one !== undefined) for (const other of others) join(one, other);
  }
  if (correlatedFrom !== null) {
    for (const [a, column] of features.entries()) {
      for (let b = a + 1; b < features.length; b++) {
        const other = features[b] ?? new Float64Array();
        if (Math.abs(correlation(column, other)) >= correlatedFrom) join(a, b);
      }
    }
  }
  return names
    .map((_, index) => names.map((__, other) => other).filter((other) => root(other) === index))
    .filter((group) => group.length > 0);
};

/** Pearson's, over rows that have both; 0 where either does not vary. */
const correlation = (a: Float64Array, b: Float64Array): number => {
  let [n, meanA, meanB, varA, varB, both] = [0, 0, 0, 0, 0, 0];
  for (let row = 0; row < a.length; row++) {
    const [x, y] = [a[row]!, b[row]!];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    n++;
    const [dx, dy] = [x - meanA, y - meanB];
    meanA += dx / n;
    meanB += dy / n;
    varA += dx * (x - meanA);
    varB += dy * (y - meanB);
    both += dx * (y - meanB);
  }
  return varA > 0 && varB > 0 ? both / Math.sqrt(varA * varB) : 0;
};

/** The extra cost with these features permuted, one permutation for all of them at a time. */
export const importanceOf = Effect.fnUntraced(function* (
  rows: Rows,
  cost: Float64Array,
  group: ReadonlyArray<number>,
  options: { readonly repeats: number; readonly seed: number; readonly level: number },
): Effect.fn.Return<
  FeatureImportance,
  CostError | ScoreError | StatisticsError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const { repeats, seed, level } = options;
  // A draw for each group: one does not change with what else is asked.
  const random = Random.Xoshiro128.fromSeed(seed * 4096 + (group[0] ?? 0));
  const extra = new Float64Array(rows.rows);
  for (let repeat = 0; repeat < repeats; repeat++) {
    const order = random.permutation(rows.rows);
    const features = rows.features.map((column, index) =>
      group.includes(index) ? Float64Array.from(order, (row) => column[row]!) : column,
    );
    const permuted = yield* rows.costOf(yield* rows.score(features));
    for (let row = 0; row < extra.length; row++) {
      extra[row]! += (permuted[row]! - cost[row]!) / repeats;
    }
    yield* Effect.yieldNow;
  }
  return {
    features: group.map((index) => rows.names[index] ?? ""),
    extraCost: yield* estimate(sumByBlock(extra, rows.blocks), { level, seed, resamples: 10_000 }),
  };
});
