/**
 * The temperature that makes labels most likely (Guo, Pleiss, Sun & Weinberger 2017, "On Calibration of Modern
 * Neural Networks"). The loss is convex in 1/temperature, which is looked for from e^−10 to e^10 by bisection
 * on its derivative.
 */
export const temperatureOf = (
  /** Row-major logarithms of the classes' probabilities; for width 1 the log-odds. */
  logarithms: Float64Array,
  labels: Float64Array,
  width: number,
): number => {
  const slope = width === 1 ? slopeOfTwo : slopeOfSeveral;
  let low = -10;
  let high = 10;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (slope(logarithms, labels, width, Math.exp(middle)) < 0) low = middle;
    else high = middle;
  }
  return Math.exp(-(low + high) / 2);
};

/** d loss / d β = Σ (p − y)·z. */
const slopeOfTwo = (
  z: Float64Array,
  labels: Float64Array,
  _width: number,
  beta: number,
): number => {
  let slope = 0;
  for (let i = 0; i < z.length; i++) {
    slope += (1 / (1 + Math.exp(-beta * z[i]!)) - labels[i]!) * z[i]!;
  }
  return slope;
};

/** d loss / d β = Σ (Σ_k p_k·z_k − z_y). */
const slopeOfSeveral = (
  z: Float64Array,
  labels: Float64Array,
  width: number,
  beta: number,
): number => {
  let slope = 0;
  for (let i = 0, row = 0; i < labels.length; i++, row += width) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let k = row; k < row + width; k++) largest = Math.max(largest, z[k]!);
    let total = 0;
    let mean = 0;
    for (let k = row; k < row + width; k++) {
      const share = Math.exp(beta * (z[k]! - largest));
      total += share;
      mean += share * z[k]!;
    }
    slope += mean / total - z[row + labels[i]!]!;
  }
  return slope;
};
