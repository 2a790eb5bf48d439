/**
 * The quantile of ascending values at probability `p` in [0, 1], by linear interpolation between order
 * statistics (type 7 of Hyndman & Fan, The American Statistician 50(4), 1996; NumPy's and R's default).
 */
export const sortedQuantile = (sorted: Float64Array, p: number): number => {
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const lower = sorted[below]!;
  const upper = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return lower + (upper - lower) * (position - below);
};
