/**
 * Binning: a numeric column becomes one byte per row.
 *
 * Bin boundaries are the midpoints between distinct values if there are at most `maxBins` of them, else
 * `maxBins`-quantiles (inverted empirical distribution, averaged at jumps), as scikit-learn 1.9 does.
 * Value `x` falls into bin `b` iff `threshold[b-1] < x <= threshold[b]`, so "bin <= b" and
 * "x <= threshold[b]" are the same question and the trained tree can be asked with raw values. Missing
 * values take the bin after the last. A category has one bin per code.
 */

type Column = Float64Array | Float32Array;

/** A generator of numbers in [0, 1) (mulberry32), the same on every machine. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};

/** The sorted values from which boundaries are computed: all, or one per equal stretch of rows. */
const sortedSample = (column: Column, size: number, seed: number): Float64Array => {
  const rows = column.length;
  let count = 0;
  let sample: Float64Array;
  if (rows <= size) {
    sample = new Float64Array(rows);
    for (let i = 0; i < rows; i++) {
      const x = column[i]!;
      if (x === x) sample[count++] = x;
    }
  } else {
    const random = randomFrom(seed);
    sample = new Float64Array(size);
    for (let k = 0; k < size; k++) {
      const x = column[Math.floor(((k + random()) * rows) / size)]!;
      if (x === x) sample[count++] = x;
    }
  }
  const values = sample.subarray(0, count);
  values.sort();
  return values;
};

/** A boundary `t` with `low <= t < high`, halfway if doubles allow it. */
const between = (low: number, high: number): number => {
  const middle = low / 2 + high / 2;
  return middle >= low && middle < high ? middle : low;
};

/**
 * The increasing boundaries of a column: at most `maxBins - 1`, none if the column is constant or all
 * missing.
 */
export const findThresholds = (
  column: Column,
  maxBins: number,
  sampleSize: number,
  seed: number,
): Float64Array => {
  const sorted = sortedSample(column, sampleSize, seed);
  const count = sorted.length;
  const distinct: Array<number> = [];
  for (let i = 0; i < count && distinct.length <= maxBins; i++) {
    if (i === 0 || sorted[i] !== sorted[i - 1]) distinct.push(sorted[i]!);
  }
  if (distinct.length <= maxBins) {
    return Float64Array.from({ length: Math.max(0, distinct.length - 1) }, (_, i) =>
      between(distinct[i]!, distinct[i + 1]!),
    );
  }
  const last = sorted[count - 1]!;
  const thresholds: Array<number> = [];
  for (let k = 1; k < maxBins; k++) {
    const position = Math.floor((k * count) / maxBins);
    const high = sorted[position]!;
    const t = (k * count) % maxBins === 0 ? between(sorted[position - 1]!, high) : high;
    if (t < last && (thresholds.length === 0 || t > thresholds[thresholds.length - 1]!)) {
      thresholds.push(t);
    }
  }
  return Float64Array.from(thresholds);
};

/** Writes the bin of every row to `out`; a missing value gets bin `thresholds.length + 1`. */
export const binColumn = (column: Column, thresholds: Float64Array, out: Uint8Array): void => {
  // Padding with +∞ to a power of two makes the search a fixed number of steps.
  let size = 1;
  while (size < thresholds.length + 1) size *= 2;
  const padded = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  padded.set(thresholds);
  const missing = thresholds.length + 1;
  const half = size >>> 1;
  for (let i = 0; i < column.length; i++) {
    const x = column[i]!;
    let bin = 0;
    for (let step = half; step > 0; step >>>= 1) {
      // Without a branch, which would be guessed wrong every other time.
      bin += step & -Number(padded[bin + step - 1]! < x);
    }
    out[i] = x === x ? bin : missing;
  }
};

/** Writes the position of every row's code to `out`; a missing or unknown one gets the place after the last. */
export const binCategories = (column: Column, codes: Float64Array, out: Uint8Array): void => {
  const positions = new Map(Array.from(codes, (code, position) => [code, position]));
  for (let i = 0; i < column.length; i++) out[i] = positions.get(column[i]!) ?? codes.length;
};
