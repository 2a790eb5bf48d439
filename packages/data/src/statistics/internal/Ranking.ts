// Sorting scores and counting classes at each distinct score: what every ranking metric is made of.
import type { Numbers } from "./Check.ts";

// Which half of a float64, seen as two uint32, holds sign and exponent.
const high = new Uint32Array(new Float64Array([1]).buffer)[0] === 0 ? 1 : 0;
const low = 1 - high;

const digitBits = 11;
const radix = 1 << digitBits;
const digitMask = radix - 1;

/**
 * The positions of `values` in ascending order of value, stable. No NaN allowed.
 *
 * Least-significant-digit radix sort of the IEEE 754 bits, six passes of eleven bits, a pass whose digit is the
 * same everywhere being skipped: O(n), and about three times faster than a comparison sort with a callback.
 */
export const ascendingOrder = (values: Numbers): Uint32Array => {
  const n = values.length;
  const keys = new Float64Array(n);
  // Adding 0 turns -0 into +0, so the two are ties.
  for (let i = 0; i < n; i++) keys[i] = values[i]! + 0;
  const bits = new Uint32Array(keys.buffer);
  const highs = new Uint32Array(n);
  const lows = new Uint32Array(n);
  const counts = new Uint32Array(6 * radix);
  for (let i = 0; i < n; i++) {
    let hi = bits[2 * i + high]!;
    let lo = bits[2 * i + low]!;
    if (hi >>> 31 === 1) {
      hi = ~hi >>> 0;
      lo = ~lo >>> 0;
    } else {
      hi = (hi ^ 0x80000000) >>> 0;
    }
    highs[i] = hi;
    lows[i] = lo;
    for (let pass = 0; pass < 6; pass++) counts[pass * radix + digit(hi, lo, pass)]!++;
  }
  let order = new Uint32Array(n);
  let spare = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  if (n === 0) return order;
  for (let pass = 0; pass < 6; pass++) {
    const base = pass * radix;
    if (counts[base + digit(highs[0]!, lows[0]!, pass)] === n) continue;
    let start = 0;
    for (let d = 0; d < radix; d++) {
      const count = counts[base + d]!;
      counts[base + d] = start;
      start += count;
    }
    for (let k = 0; k < n; k++) {
      const i = order[k]!;
      spare[counts[base + digit(highs[i]!, lows[i]!, pass)]!++] = i;
    }
    const swap = order;
    order = spare;
    spare = swap;
  }
  return order;
};

const digit = (hi: number, lo: number, pass: number): number => {
  switch (pass) {
    case 0:
      return lo & digitMask;
    case 1:
      return (lo >>> 11) & digitMask;
    case 2:
      return ((lo >>> 22) | (hi << 10)) & digitMask;
    case 3:
      return (hi >>> 1) & digitMask;
    case 4:
      return (hi >>> 12) & digitMask;
    default:
      return hi >>> 23;
  }
};

/** At each distinct score, from the highest down: the weight of positives and of negatives scored at least that. */
export interface ThresholdCounts {
  readonly size: number;
  readonly threshold: Float64Array;
  readonly truePositive: Float64Array;
  readonly falsePositive: Float64Array;
}

/** Input already checked by `rankable`. */
export const thresholdCounts = (
  scores: Numbers,
  labels: Numbers,
  weights?: Numbers,
): ThresholdCounts => {
  const n = scores.length;
  const order = ascendingOrder(scores);
  const threshold = new Float64Array(n);
  const truePositive = new Float64Array(n);
  const falsePositive = new Float64Array(n);
  let size = 0;
  let positive = 0;
  let negative = 0;
  for (let k = n - 1; k >= 0; k--) {
    const row = order[k]!;
    const weight = weights === undefined ? 1 : weights[row]!;
    if (labels[row] === 1) positive += weight;
    else negative += weight;
    if (k === 0 || scores[order[k - 1]!] !== scores[row]) {
      threshold[size] = scores[row]! + 0;
      truePositive[size] = positive;
      falsePositive[size] = negative;
      size++;
    }
  }
  return { size, threshold, truePositive, falsePositive };
};
