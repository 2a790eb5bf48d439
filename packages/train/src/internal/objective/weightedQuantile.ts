/** Quantiles of numbers that weigh differently. */

/**
 * The quantile `q` of the inverted distribution of the weights, averaged where it is flat: definition 2 of Hyndman & Fan
 * 1996, "Sample quantiles in statistical packages", of a sample in which each value occurs `weight` times. (scikit-learn
 * interpolates where there are no weights, definition 7, and takes definition 1 where there are.)
 */
export const weightedQuantile = (
  values: Float64Array,
  weights: Float64Array | null,
  q: number,
): number => {
  const { length } = values;
  if (weights === null) {
    const sorted = values.toSorted();
    const position = q * length;
    const at = Math.min(Math.max(Math.ceil(position), 1), length);
    const next = position === at && at < length ? at : at - 1;
    return (sorted[at - 1]! + sorted[next]!) / 2;
  }
  const order = Uint32Array.from(values, (_, i) => i).toSorted((a, b) => values[a]! - values[b]!);
  let total = 0;
  for (let k = 0; k < length; k++) total += weights[order[k]!]!;
  const wanted = q * total;
  let sum = 0;
  for (let k = 0; k < length; k++) {
    const value = values[order[k]!]!;
    sum += weights[order[k]!]!;
    // A flat stretch is one up to rounding.
    if (k + 1 < length && Math.abs(sum - wanted) <= 1e-12 * total) {
      return (value + values[order[k + 1]!]!) / 2;
    }
    if (sum >= wanted) return value;
  }
  return values[order[length - 1]!]!;
};
