/** What scaling and imputation learn from a numeric column; `NaN` is missing. */

/** The values that are there. */
export const present = (column: Float64Array): Float64Array =>
  column.filter((value) => !Number.isNaN(value));

/** The mean. */
export const meanOf = (values: Float64Array): number => sumOf(values) / values.length;

const sumOf = (values: Float64Array): number => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
};

/** The standard deviation, divided by n; 0 where rounding cannot tell it from 0. */
export const deviationOf = (values: Float64Array): number => {
  const mean = meanOf(values);
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const variance = squares / values.length;
  // A constant column has a variance only by rounding: the bound of Chan, Golub and LeVeque 1983 that
  // scikit-learn uses (`_is_constant_feature`).
  const n = values.length;
  const bound = n * Number.EPSILON * variance + (n * mean * Number.EPSILON) ** 2;
  return variance <= bound ? 0 : Math.sqrt(variance);
};

/** A quantile by linear interpolation: type 7 of Hyndman and Fan 1996, numpy's default. */
export const quantileOf = (sorted: Float64Array, probability: number): number => {
  const at = (sorted.length - 1) * probability;
  const below = Math.floor(at);
  const lower = sorted[below] ?? Number.NaN;
  const upper = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  return lower + (upper - lower) * (at - below);
};

/** The most frequent value; of several, the smallest. */
export const modeOf = (sorted: Float64Array): number => {
  let [best, most] = [Number.NaN, 0];
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && sorted[to] === sorted[from]) to++;
    if (to - from > most) [best, most] = [sorted[from] ?? Number.NaN, to - from];
    from = to;
  }
  return best;
};
