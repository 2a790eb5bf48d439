/**
 * Platt's sigmoid (Platt 1999, "Probabilistic Outputs for Support Vector Machines") on log-odds: a logistic
 * regression on one feature whose targets are drawn in from 0 and 1 by the number of rows of each class.
 * Newton's method with step halving as Lin, Lin & Weng 2007 give it ("A Note on Platt's Probabilistic
 * Outputs for Support Vector Machines"). A slope below 0 would reverse the order: 0 is taken then.
 */
export const plattCurve = (
  logOdds: Float64Array,
  labels: Float64Array,
): { readonly slope: number; readonly intercept: number } => {
  const rows = labels.length;
  const positives = labels.reduce((sum, label) => sum + label, 0);
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (rows - positives + 2);
  let slope = 0;
  /** The log-odds of all rows together. */
  const level = Math.log((positives + 1) / (rows - positives + 1));
  let intercept = level;
  let loss = lossAt(logOdds, labels, slope, intercept, high, low);
  for (let iteration = 0; iteration < 100; iteration++) {
    let [g1, g2, h11, h21, h22] = [0, 0, ridge, 0, ridge];
    for (let i = 0; i < rows; i++) {
      const z = logOdds[i]!;
      const p = 1 / (1 + Math.exp(-(slope * z + intercept)));
      const d = p - (labels[i] === 1 ? high : low);
      const v = p * (1 - p);
      g1 += z * d;
      g2 += d;
      h11 += z * z * v;
      h21 += z * v;
      h22 += v;
    }
    if (Math.abs(g1) < tolerance * rows && Math.abs(g2) < tolerance * rows) break;
    const determinant = h11 * h22 - h21 * h21;
    const d1 = -(h22 * g1 - h21 * g2) / determinant;
    const d2 = -(h11 * g2 - h21 * g1) / determinant;
    const descent = g1 * d1 + g2 * d2;
    let share = 1;
    for (; share > 1e-10; share /= 2) {
      const next = lossAt(logOdds, labels, slope + share * d1, intercept + share * d2, high, low);
      if (next < loss + 1e-4 * share * descent + 1e-12 * Math.abs(loss)) {
        slope += share * d1;
        intercept += share * d2;
        loss = next;
        break;
      }
    }
    if (share <= 1e-10) break;
  }
  return slope >= 0 ? { slope, intercept } : { slope: 0, intercept: level };
};

const tolerance = 1e-12;
/** Keeps the Hessian regular where all scores are equal. */
const ridge = 1e-12;

const lossAt = (
  logOdds: Float64Array,
  labels: Float64Array,
  slope: number,
  intercept: number,
  high: number,
  low: number,
): number => {
  let loss = 0;
  for (let i = 0; i < logOdds.length; i++) {
    const f = slope * logOdds[i]! + intercept;
    const target = labels[i] === 1 ? high : low;
    // −t·log p − (1 − t)·log(1 − p), without overflow.
    loss +=
      f >= 0 ? (1 - target) * f + Math.log1p(Math.exp(-f)) : -target * f + Math.log1p(Math.exp(f));
  }
  return loss;
};
