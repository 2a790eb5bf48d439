/**
 * Fixed-point gradients and hessians, and how a histogram bin packs its three sums.
 *
 * Gradients and hessians are rounded to integers at a power-of-two scale, so that their sums are exact
 * and independent of the order of summation (the idea of quantised training: Shi et al. 2022,
 * "Quantized Training of Gradient Boosting Decision Trees", here with 15 to 30 bits instead of 2 to 5,
 * about the precision of the float32 that scikit-learn uses).
 *
 * A bin is two int64: `[Σ gradient, count << countShift | Σ hessian]`.
 */

/** The scales of one data set. */
export interface FixedPoint {
  /** Bits of the largest gradient; the sum over all rows stays below 2^53. */
  readonly gradientBits: number;
  /** Bits of the largest hessian; the sum over all rows stays below `2^countShift`. */
  readonly hessianBits: number;
  /** Position of the count in the second int64; at least 32. */
  readonly countShift: number;
}

/** The largest number of rows for which hessians keep at least 11 bits. */
export const maximumRows = 2 ** 26 - 1;

/** Bit widths for `rows` rows. */
export const fixedPointFor = (rows: number): FixedPoint => {
  const rowBits = Math.ceil(Math.log2(rows + 1));
  const countShift = 63 - rowBits;
  return {
    gradientBits: Math.min(30, 53 - rowBits),
    hessianBits: Math.min(26, countShift - rowBits),
    countShift,
  };
};

/** The power of two by which values up to `largest` are multiplied to fit `bits` bits. */
export const scaleFor = (largest: number, bits: number): number =>
  largest > 0 ? 2 ** (bits - Math.ceil(Math.log2(largest))) : 1;
