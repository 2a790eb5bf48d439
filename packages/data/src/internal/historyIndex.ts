/** The buckets of a history, laid out to be looked up millions of times. */
import type { HistoryState } from "../History.ts";
import type { ScalarRow } from "./compile.ts";
import type { Scalar } from "./operators/Operator.ts";

/** The buckets of one entity, oldest first. */
export interface Buckets {
  readonly hop: Float64Array;
  readonly count: Float64Array;
  readonly sum: Float64Array;
}

/** The buckets of the entity that a row is of. */
export type EntityIndex = (row: ScalarRow) => Buckets | undefined;

type Level = Map<Scalar, Level | Buckets>;

/** Indexes a state by its entities: one map for each column of the key, so that no key is built. */
export const entityIndex = (
  by: ReadonlyArray<string>,
  state: HistoryState | undefined,
): EntityIndex => {
  let whole: Buckets | undefined;
  const root: Level = new Map();
  for (const { key, ...buckets } of state?.entities ?? []) {
    const last = key.at(-1);
    if (last === undefined) {
      whole = bucketsOf(buckets);
      continue;
    }
    let level = root;
    for (const part of key.slice(0, -1)) {
      const found = level.get(part);
      const next: Level = found instanceof Map ? found : new Map();
      level.set(part, next);
      level = next;
    }
    level.set(last, bucketsOf(buckets));
  }
  if (by.length === 0) return () => whole;
  return (row) => {
    let found: Level | Buckets | undefined = root;
    for (const column of by) {
      if (!(found instanceof Map)) return undefined;
      found = found.get(row[column] ?? null);
    }
    return found instanceof Map ? undefined : found;
  };
};

const bucketsOf = (
  entity: Pick<HistoryState["entities"][number], "hop" | "count" | "sum">,
): Buckets => ({
  hop: Float64Array.from(entity.hop),
  count: Float64Array.from(entity.count),
  sum: Float64Array.from(entity.sum),
});

/**
 * The place of the first hop at or after `from`. Sums are then taken hop by hop: differences of running
 * totals would lose the small ones beside the large.
 */
export const firstAtOrAfter = (hop: Float64Array, from: number): number => {
  let [low, high] = [0, hop.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((hop[middle] ?? Infinity) < from) low = middle + 1;
    else high = middle;
  }
  return low;
};
