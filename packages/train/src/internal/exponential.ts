/**
 * A fast exponential for the gradient loop, where `Math.exp` was half of the training time.
 *
 * e^x = 2^k · 2^(j/64) · e^r with n = round(64·x/ln 2), k = ⌊n/64⌋, j = n mod 64 and |r| ≤ ln 2 / 128: two
 * tables and a polynomial (Tang 1989, "Table-driven implementation of the exponential function in IEEE
 * floating-point arithmetic"). Relative error below 1e-13; only IEEE operations, so the same everywhere.
 */

const steps = 64;
const fractions = Float64Array.from({ length: steps }, (_, j) => 2 ** (j / steps));
const bias = 1023;
const powers = Float64Array.from({ length: 2046 }, (_, k) => 2 ** (k - bias));
const inverse = steps / Math.LN2;
// ln 2 / 64 in two parts: products of the first with n < 2^17 are exact.
const stepHigh = Math.fround(Math.LN2 / steps);
const stepLow = Math.LN2 / steps - stepHigh;
/** Adding and subtracting this rounds to the nearest whole number. */
const rounder = 1.5 * 2 ** 52;
/** Beyond this the result is cut off; probabilities are 0 or 1 to the last bit long before. */
const limit = 700;

/** `e^x`, with x cut to ±700. */
export const exponential = (x: number): number => {
  const c = x > limit ? limit : x < -limit ? -limit : x;
  const n = c * inverse + rounder - rounder;
  const r = c - n * stepHigh - n * stepLow;
  const i = n | 0;
  const p = 1 + r * (1 + r * (0.5 + r * (1 / 6 + r * (1 / 24))));
  return powers[(i >> 6) + bias]! * fractions[i & 63]! * p;
};

/** The nearest whole number, for |x| < 2^31. */
export const nearest = (x: number): number => (x + rounder - rounder) | 0;
