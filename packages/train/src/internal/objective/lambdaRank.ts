/**
 * Ranking by query: LambdaMART (Burges 2010, "From RankNet to LambdaRank to LambdaMART: an overview", section
 * 7). Each pair of rows of a query with labels y_i > y_j, at least one of them among the first `depth` by
 * score, pulls the two apart by ρ·|ΔNDCG| with ρ = 1/(1+e^(F_i−F_j)), and adds ρ(1−ρ)·|ΔNDCG| to both
 * hessians. As LightGBM 4 does by default (`lambdarank_norm`), |ΔNDCG| is divided by 0.01 + |F_i − F_j|, and what a
 * query adds up to, S, is scaled to log2(1+S).
 *
 * Gains are 2^y − 1, discounts 1/log2(1+rank) (Burges et al. 2005, "Learning to rank using gradient descent";
 * Järvelin & Kekäläinen 2002). The loss of a query is 1 − NDCG at `depth`; a query whose labels are all
 * equal has none, and no gradients. The state of a row is its gradient and its hessian.
 */
import { exponential } from "../exponential.ts";
import { largestRelevance } from "../trainingData.ts";
import type { Objective, ScoredRows } from "./Objective.ts";

/** See the head of this file. */
export const lambdaRank = (data: ScoredRows, depth: number): Objective => {
  const { rows, raw, labels, weights, state } = data;
  const queries = data.queries ?? Int32Array.of(0, rows);
  const longest = queries.reduce(
    (most, first, q) => Math.max(most, first - (queries[q - 1] ?? first)),
    0,
  );
  const discounts = Float64Array.from({ length: longest }, (_, rank) => 1 / Math.log2(rank + 2));
  const gains = Float64Array.from({ length: largestRelevance + 1 }, (_, y) => 2 ** y - 1);

  /** DCG of the first `depth` of these rows of the query that begins at `first`. */
  const dcg = (order: ArrayLike<number>, first: number): number => {
    let sum = 0;
    for (let rank = 0; rank < Math.min(depth, order.length); rank++) {
      sum += gains[labels[first + order[rank]!]!]! * discounts[rank]!;
    }
    return sum;
  };

  const addPairs = (order: Uint32Array, first: number, ideal: number): void => {
    const best = raw[first + order[0]!]!;
    const worst = raw[first + order.at(-1)!]!;
    let sum = 0;
    for (let a = 0; a < Math.min(depth, order.length); a++) {
      for (let b = a + 1; b < order.length; b++) {
        const rowA = first + order[a]!;
        const rowB = first + order[b]!;
        if (labels[rowA] === labels[rowB]) continue;
        const [high, low] = labels[rowA]! > labels[rowB]! ? [rowA, rowB] : [rowB, rowA];
        const apart = raw[high]! - raw[low]!;
        let change =
          (gains[labels[high]!]! - gains[labels[low]!]!) * Math.abs(discounts[a]! - discounts[b]!);
        change /= ideal;
        if (best !== worst) change /= 0.01 + Math.abs(apart);
        const rho = 1 / (1 + exponential(apart));
        const gradient = rho * change;
        const hessian = rho * (1 - rho) * change;
        state[2 * high] = state[2 * high]! - gradient;
        state[2 * low] = state[2 * low]! + gradient;
        state[2 * high + 1] = state[2 * high + 1]! + hessian;
        state[2 * low + 1] = state[2 * low + 1]! + hessian;
        sum += 2 * gradient;
      }
    }
    if (sum === 0) return;
    const factor = Math.log2(1 + sum) / sum;
    for (let i = 2 * first; i < 2 * (first + order.length); i++) state[i] = state[i]! * factor;
  };

  return {
    // Of the queries that begin in the block; the last one may reach beyond it.
    measure: (start, end, out) => {
      let loss = 0;
      let weight = 0;
      let gradient = 0;
      let hessian = 0;
      for (let q = firstAtLeast(queries, start); queries[q]! < end; q++) {
        const first = queries[q]!;
        const last = queries[q + 1]!;
        state.fill(0, 2 * first, 2 * last);
        const byScore = Uint32Array.from({ length: last - first }, (_, i) => i);
        const byLabel = byScore.toSorted(
          (a, b) => labels[first + b]! - labels[first + a]! || a - b,
        );
        const ideal = dcg(byLabel, first);
        let queryWeight = 0;
        for (let i = first; i < last; i++) queryWeight += weights === null ? 1 : weights[i]!;
        queryWeight /= last - first;
        if (labels[first + byLabel[0]!] === labels[first + byLabel.at(-1)!]) continue;
        byScore.sort((a, b) => raw[first + b]! - raw[first + a]! || a - b);
        addPairs(byScore, first, ideal);
        weight += queryWeight;
        loss += queryWeight * (1 - dcg(byScore, first) / ideal);
        for (let i = first; i < last; i++) {
          const w = weights === null ? 1 : weights[i]!;
          gradient = Math.max(gradient, w * Math.abs(state[2 * i]!));
          hessian = Math.max(hessian, w * state[2 * i + 1]!);
        }
      }
      out.loss = loss;
      out.weight = weight;
      out.gradient = gradient;
      out.hessian = hessian;
    },
    gradient: (i) => state[2 * i]!,
    hessian: (i) => state[2 * i + 1]!,
    leafValue: null,
  };
};

/** The position of the first number of a sorted list that is at least `value`. */
const firstAtLeast = (sorted: Int32Array, value: number): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
};
