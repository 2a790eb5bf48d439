/**
 * The best split of a node on one feature, from its histogram.
 *
 * The gain of splitting (G, H) into left and right is G_L²/(H_L+λ) + G_R²/(H_R+λ) − G²/(H+λ): Chen &
 * Guestrin 2016, "XGBoost", equation 7, without its factor ½ and γ. Every boundary is tried with
 * the missing values on the right, and if there are any, also with them on the left. Of equal gains the
 * first wins, so the result is the same everywhere.
 */

/** What a node's histogram adds up to, in fixed point; `count` is rows. */
export interface Sums {
  readonly gradient: number;
  readonly hessian: number;
  readonly count: number;
}

/** Limits and scales that hold for a whole tree. */
export interface SplitRules {
  readonly minSamplesLeaf: number;
  /** In fixed point. */
  readonly minHessian: number;
  readonly minGain: number;
  readonly l2: number;
  /** One unit of fixed point as a number. */
  readonly gradientUnit: number;
  readonly hessianUnit: number;
  readonly countShift: number;
}

/** Keeps a division by an empty hessian finite, as scikit-learn does. */
const tiny = 1e-15;
/** Gains below this part of the parent's own score are rounding. */
const noise = 1e-12;

/** The Newton step −G/(H+λ) of a node. */
export const newtonStep = (sums: Sums, rules: SplitRules): number =>
  (-sums.gradient * rules.gradientUnit) / (sums.hessian * rules.hessianUnit + rules.l2 + tiny);

/**
 * Writes the best split to `out[at..at+splitWidth]`: gain (0 if there is none), last bin on the left,
 * whether missing goes left, and the sums of the left side. `bins` numeric bins start at int32 index
 * `first`, followed by the bin of missing values.
 */
export const findSplit = (
  signed: Int32Array,
  unsigned: Uint32Array,
  first: number,
  bins: number,
  node: Sums,
  rules: SplitRules,
  out: Float64Array,
  at: number,
): void => {
  const { l2, gradientUnit, hessianUnit, minSamplesLeaf, minHessian } = rules;
  const word = 4294967296;
  const shift = rules.countShift - 32;
  const mask = 2 ** shift - 1;
  const totalG = node.gradient;
  const totalH = node.hessian;
  const totalC = node.count;

  const m = first + 4 * bins;
  const missingG = signed[m + 1]! * word + unsigned[m]!;
  const missingHigh = unsigned[m + 3]!;
  const missingC = missingHigh >>> shift;
  const missingH = (missingHigh & mask) * word + unsigned[m + 2]!;

  const g0 = totalG * gradientUnit;
  const parent = (g0 * g0) / (totalH * hessianUnit + l2 + tiny);
  let best = parent + Math.max(rules.minGain, parent * noise);
  let bestBin = -1;
  let bestMissingLeft = 0;
  let bestG = 0;
  let bestH = 0;
  let bestC = 0;

  let leftG = 0;
  let leftH = 0;
  let leftC = 0;
  // The last boundary separates all numbers from the missing ones.
  const boundaries = missingC > 0 ? bins : bins - 1;
  for (let b = 0, p = first; b < boundaries; b++, p += 4) {
    const high = unsigned[p + 3]!;
    const count = high >>> shift;
    if (count === 0) continue;
    leftC += count;
    leftG += signed[p + 1]! * word + unsigned[p]!;
    leftH += (high & mask) * word + unsigned[p + 2]!;
    for (let side = missingC > 0 ? 1 : 0; side >= 0; side--) {
      const lc = side === 1 ? leftC + missingC : leftC;
      const lh = side === 1 ? leftH + missingH : leftH;
      if (lc < minSamplesLeaf || totalC - lc < minSamplesLeaf) continue;
      if (lh < minHessian || totalH - lh < minHessian) continue;
      const lg = side === 1 ? leftG + missingG : leftG;
      const l = lg * gradientUnit;
      const r = (totalG - lg) * gradientUnit;
      const score =
        (l * l) / (lh * hessianUnit + l2 + tiny) +
        (r * r) / ((totalH - lh) * hessianUnit + l2 + tiny);
      if (score > best) {
        best = score;
        bestBin = b;
        bestMissingLeft = side;
        bestG = lg;
        bestH = lh;
        bestC = lc;
      }
    }
  }
  // A node that saw no missing value of this feature sends later ones with the majority.
  if (missingC === 0) bestMissingLeft = bestC > totalC - bestC ? 1 : 0;
  out[at] = bestBin < 0 ? 0 : best - parent;
  out[at + 1] = bestBin;
  out[at + 2] = bestMissingLeft;
  out[at + 3] = bestG;
  out[at + 4] = bestH;
  out[at + 5] = bestC;
};
