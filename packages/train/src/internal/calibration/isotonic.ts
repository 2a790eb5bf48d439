/**
 * Isotonic regression: the function that never falls and is nearest to the labels in squared error, by
 * pooling adjacent violators (Ayer et al. 1955; Barlow et al. 1972). Scores that are equal are one point at
 * the mean of their labels. Of each level stretch only the ends are kept, as in scikit-learn.
 */
export const isotonicSteps = (
  scores: Float64Array,
  labels: Float64Array,
): { readonly from: ReadonlyArray<number>; readonly to: ReadonlyArray<number> } => {
  const order = Uint32Array.from(scores, (_, i) => i).toSorted((a, b) => scores[a]! - scores[b]!);
  const start: Array<number> = [];
  const end: Array<number> = [];
  const sum: Array<number> = [];
  const count: Array<number> = [];
  const add = (at: number, until: number, total: number, rows: number) => {
    start.push(at);
    end.push(until);
    sum.push(total);
    count.push(rows);
  };
  for (let i = 0; i < order.length;) {
    const score = scores[order[i]!]!;
    let total = 0;
    let rows = 0;
    for (; i < order.length && scores[order[i]!] === score; i++, rows++)
      total += labels[order[i]!]!;
    add(score, score, total, rows);
    for (let k = start.length - 1; k > 0; k--) {
      // Means compared without division, so that equal ones are equal.
      if (sum[k - 1]! * count[k]! < sum[k]! * count[k - 1]!) break;
      sum[k - 1] = sum[k - 1]! + sum[k]!;
      count[k - 1] = count[k - 1]! + count[k]!;
      end[k - 1] = end[k]!;
      for (const list of [start, end, sum, count]) list.pop();
    }
  }
  const from: Array<number> = [];
  const to: Array<number> = [];
  for (const [k, first] of start.entries()) {
    const level = sum[k]! / count[k]!;
    from.push(first);
    to.push(level);
    if (end[k]! > first) {
      from.push(end[k]!);
      to.push(level);
    }
  }
  return { from, to };
};
