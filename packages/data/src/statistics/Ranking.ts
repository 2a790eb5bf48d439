import type { Metric } from "@ml-pipe/core";
import * as Result from "effect/Result";
import { finite, noNaN, parallel, problem, wholeAtLeast, type Numbers } from "./internal/Check.ts";
import { ascendingOrder } from "./internal/Ranking.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/** Lists of numbers one after the other: list `i` is `values[offsets[i]]` up to before `offsets[i + 1]`. */
export interface Ragged {
  /** One more than there are lists, from 0 to the number of values. */
  readonly offsets: Numbers;
  readonly values: Numbers;
}

/**
 * How good the first `at` items of each list are: one number per list, in [0, 1], NaN for a list for which nothing is
 * relevant (it can be neither good nor bad: leave it out of a mean).
 *
 * `shown` has the relevance of each item in the order of the list, best first: 0 or less is not relevant, and for
 * `ndcg` more is better. `relevant` has the relevances of all that was relevant for each list, shown or not, in any
 * order; by default, nothing is relevant that is not in the list.
 *
 * With r_i the relevance at rank i = 1, 2, … and R the number of relevant items:
 * - `ndcg`: Σ_(i ≤ at) g(r_i) / log2(i + 1), divided by the same of the best possible order; g(r) = 2^r − 1 (Burges et
 *   al., ICML 2005) or r (Järvelin & Kekäläinen, TOIS 20(4), 2002; as scikit-learn);
 * - `map`: the mean precision at the ranks of relevant items, Σ_(i ≤ at) P(i) [r_i > 0] / min(at, R);
 * - `mrr`: one divided by the rank of the first relevant item, 0 if it is not among the first `at`;
 * - `recall`: the share of all relevant items among the first `at`; `precision`: hits divided by `at`, also where the
 *   list is shorter (both as trec_eval).
 *
 * Errors: `empty`, `lengthMismatch`, `notFinite`, `outOfRange` (`at`), `unsorted` (offsets).
 *
 * @example
 * ```ts
 * import { Ranking } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * // Two lists of three items, of which the first and the last are relevant, and the last only.
 * const shown = { offsets: [0, 3, 6], values: [1, 0, 1, 0, 0, 1] }
 * const perList = Result.getOrThrow(Ranking.quality(shown, { quality: "recall", at: 2 })) // [0.5, 0]
 * ```
 */
export const quality = (
  shown: Ragged,
  { quality: which, at, gain = "exponential" }: Metric.ListQuality,
  relevant: Ragged = shown,
): Result.Result<Float64Array, StatisticsError> => {
  const bad =
    wholeAtLeast("quality", "at", at, 1) ??
    ragged("shown", shown) ??
    (relevant === shown
      ? undefined
      : (ragged("relevant", relevant) ??
        parallel("quality", "shown", shown.offsets, "relevant", relevant.offsets)));
  if (bad !== undefined) return Result.fail(bad);
  const lists = shown.offsets.length - 1;
  const found = new Float64Array(lists);
  const worth = gain === "linear" ? (r: number) => Math.max(r, 0) : exponentialGain;
  for (let list = 0; list < lists; list++) {
    const start = shown.offsets[list]!;
    const end = Math.min(shown.offsets[list + 1]!, start + at);
    const ideal = relevancesOf(relevant, list);
    if (ideal.length === 0) found[list] = Number.NaN;
    else if (which === "ndcg") {
      ideal.sort((a, b) => b - a);
      const best = discounted(ideal, 0, Math.min(at, ideal.length), worth);
      found[list] = discounted(shown.values, start, end, worth) / best;
    } else found[list] = byHits[which](shown.values, start, end, at, ideal.length);
  }
  return Result.succeed(found);
};

const exponentialGain = (r: number): number => 2 ** Math.max(r, 0) - 1;

const discounted = (
  values: Numbers,
  start: number,
  end: number,
  worth: (relevance: number) => number,
): number => {
  let sum = 0;
  for (let i = start; i < end; i++) sum += worth(values[i]!) / Math.log2(i - start + 2);
  return sum;
};

/** The qualities that only ask which ranks are relevant, from the relevances at `start` up to before `end`. */
const byHits = {
  map: (values: Numbers, start: number, end: number, at: number, relevant: number): number => {
    let [hits, sum] = [0, 0];
    for (let i = start; i < end; i++) {
      if (!(values[i]! > 0)) continue;
      hits++;
      sum += hits / (i - start + 1);
    }
    return sum / Math.min(at, relevant);
  },
  mrr: (values: Numbers, start: number, end: number): number => {
    for (let i = start; i < end; i++) if (values[i]! > 0) return 1 / (i - start + 1);
    return 0;
  },
  recall: (values: Numbers, start: number, end: number, _: number, relevant: number): number =>
    hitsIn(values, start, end) / relevant,
  precision: (values: Numbers, start: number, end: number, at: number): number =>
    hitsIn(values, start, end) / at,
};

const hitsIn = (values: Numbers, start: number, end: number): number => {
  let hits = 0;
  for (let i = start; i < end; i++) if (values[i]! > 0) hits++;
  return hits;
};

/** The relevances above zero of one list. */
const relevancesOf = ({ offsets, values }: Ragged, list: number): Array<number> => {
  const above: Array<number> = [];
  for (let i = offsets[list]!; i < offsets[list + 1]!; i++) {
    if (values[i]! > 0) above.push(values[i]!);
  }
  return above;
};

/** Scored rows as lists. */
export interface Ordered {
  /** What numbers the lists, ascending: `ids[i]` is the number of list `i`. */
  readonly ids: Float64Array;
  /** The rows in the order of the lists, best score first: where `shown` and others come from. */
  readonly order: Uint32Array;
  readonly offsets: Uint32Array;
}

/**
 * Puts scored rows in order: rows of one `list` (any number, such as a user's) by descending `score`. Rows with equal
 * scores stay in the order in which they are given, so give them in an order that does not know the outcome. O(n).
 *
 * Errors: `empty`, `lengthMismatch`, `notFinite` (NaN).
 *
 * @example
 * ```ts
 * import { Ranking } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const relevance = [0, 1, 1]
 * const { offsets, order } = Result.getOrThrow(Ranking.inOrder([7, 7, 3], [0.2, 0.9, 0.5])) // rows 2, then 1 and 0
 * const shown = { offsets, values: Float64Array.from(order, (row) => relevance[row] ?? 0) }
 * ```
 */
export const inOrder = (list: Numbers, score: Numbers): Result.Result<Ordered, StatisticsError> => {
  const bad =
    parallel("inOrder", "list", list, "score", score) ??
    noNaN("inOrder", "list", list) ??
    noNaN("inOrder", "score", score);
  if (bad !== undefined) return Result.fail(bad);
  const byScore = ascendingOrder(Float64Array.from(score, (one) => -one));
  const byList = ascendingOrder(Float64Array.from(byScore, (row) => list[row]!));
  const order = byList.map((position) => byScore[position]!);
  const starts: Array<number> = [];
  for (let i = 0; i < order.length; i++) {
    if (i === 0 || list[order[i]!] !== list[order[i - 1]!]) starts.push(i);
  }
  return Result.succeed({
    ids: Float64Array.from(starts, (start) => list[order[start]!]!),
    order,
    offsets: Uint32Array.from([...starts, order.length]),
  });
};

const ragged = (name: string, { offsets, values }: Ragged): StatisticsError | undefined => {
  if (offsets.length < 2) {
    return problem(
      "quality",
      "empty",
      name,
      `${name} has no lists`,
      "Check the filter or split that selects the rows",
    );
  }
  for (let i = 0; i < offsets.length; i++) {
    const [before, here] = [i === 0 ? 0 : offsets[i - 1]!, offsets[i]!];
    const last = i === offsets.length - 1;
    if (
      Number.isInteger(here) &&
      here >= before &&
      (i > 0 || here === 0) &&
      (!last || here === values.length)
    )
      continue;
    return problem(
      "quality",
      "unsorted",
      name,
      `${name}.offsets[${i}] is ${here}`,
      `Give whole numbers that rise from 0 to the ${values.length} values`,
      i,
    );
  }
  return finite("quality", name, values);
};
