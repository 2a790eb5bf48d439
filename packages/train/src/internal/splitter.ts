/**
 * The best split of a node on one feature, from its histogram.
 *
 * The gain of splitting (G, H) into left and right is G_L²/(H_L+λ) + G_R²/(H_R+λ) − G²/(H+λ): Chen &
 * Guestrin 2016, "XGBoost", equation 7, without its factor ½ and γ. Where monotone constraints bound
 * the value v of a node, its term is −Gv as in scikit-learn, which is the same for v = −G/(H+λ).
 *
 * Numbers: every boundary is tried with the missing values on the right, and if there are any, also with
 * them on the left. Categories: in the order of their gradient by hessian, which makes the best two
 * groups neighbours (Fisher 1958, "On grouping for maximum homogeneity"), with the smoothing and minimum
 * support of scikit-learn 1.9. Of equal gains the first wins, so the result is the same everywhere.
 */

/** What a node's histogram adds up to, in fixed point; `count` is rows. */
export interface Sums {
  readonly gradient: number;
  readonly hessian: number;
  readonly count: number;
}

/** A node to be split, and the bounds that monotone constraints above it put on its children's values. */
export interface Node extends Sums {
  readonly lower: number;
  readonly upper: number;
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
  /** Whether any feature has a monotone constraint: only then are values bounded. */
  readonly bounded: boolean;
}

/** The sums of all nodes' histograms, as the kernels write them. */
export interface Histograms {
  readonly signed: Int32Array;
  readonly unsigned: Uint32Array;
}

/** Keeps a division by an empty hessian finite, as scikit-learn does. */
const tiny = 1e-15;
/** Gains below this part of the parent's own score are rounding. */
const noise = 1e-12;
const word = 4294967296;

/** The nearest number within bounds. */
export const clip = (x: number, low: number, high: number): number =>
  x < low ? low : x > high ? high : x;

/** The Newton step −G/(H+λ) of a node, within its bounds. */
export const newtonStep = (
  sums: Sums,
  bounds: { readonly lower: number; readonly upper: number },
  rules: SplitRules,
): number =>
  clip(
    (-sums.gradient * rules.gradientUnit) / (sums.hessian * rules.hessianUnit + rules.l2 + tiny),
    bounds.lower,
    bounds.upper,
  );

/** What a node that stays whole contributes, and what a split has to contribute to be worth it. */
const scoreOf = (node: Node, rules: SplitRules) => {
  const g = node.gradient * rules.gradientUnit;
  const h = node.hessian * rules.hessianUnit + rules.l2 + tiny;
  const whole = rules.bounded ? -g * clip(-g / h, node.lower, node.upper) : (g * g) / h;
  return { whole, atLeast: whole + Math.max(rules.minGain, Math.abs(whole) * noise) };
};

/**
 * Writes the best split to `out[at..at+splitWidth]`: gain (0 if there is none), last bin on the left,
 * whether missing goes left, and the sums of the left side. `bins` numeric bins start at int32 index
 * `first`, followed by the bin of missing values. `monotone` is 1 if the right side's value must not be
 * less than the left one's, −1 if not more, 0 if nothing.
 */
export const findSplit = (
  { signed, unsigned }: Histograms,
  first: number,
  bins: number,
  node: Node,
  monotone: -1 | 0 | 1,
  rules: SplitRules,
  out: Float64Array,
  at: number,
): void => {
  const { l2, gradientUnit, hessianUnit, minSamplesLeaf, minHessian, bounded } = rules;
  const { lower, upper } = node;
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

  const parent = scoreOf(node, rules);
  let best = parent.atLeast;
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
      const hl = lh * hessianUnit + l2 + tiny;
      const hr = (totalH - lh) * hessianUnit + l2 + tiny;
      let score = (l * l) / hl + (r * r) / hr;
      if (bounded) {
        const left = clip(-l / hl, lower, upper);
        const right = clip(-r / hr, lower, upper);
        if (monotone * (right - left) < 0) continue;
        score = -l * left - r * right;
      }
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
  out[at] = bestBin < 0 ? 0 : best - parent.whole;
  out[at + 1] = bestBin;
  out[at + 2] = bestMissingLeft;
  out[at + 3] = bestG;
  out[at + 4] = bestH;
  out[at + 5] = bestC;
};

/** The most categories of a feature: a byte holds them and the missing bin. */
export const maximumCategories = 254;
/** Words of a set of bins. */
export const setWords = 8;
/** Rows (scaled by the node's mean hessian) that a category needs, and by which its mean is smoothed. */
const categorySupport = 10;

// One thread looks at one feature at a time.
const means = new Float64Array(maximumCategories + 1);

/**
 * As {@link findSplit}, on a category: `bins` categories, then the bin of missing values, which is one more
 * category. Writes the bins that go left to the set at `sets[setAt..]`; categories with too few rows
 * in this node go right.
 */
export const findCategorySplit = (
  { signed, unsigned }: Histograms,
  first: number,
  bins: number,
  node: Node,
  rules: SplitRules,
  out: Float64Array,
  at: number,
  sets: Uint32Array,
  setAt: number,
): void => {
  const { l2, gradientUnit, hessianUnit, minSamplesLeaf, minHessian, bounded } = rules;
  const { lower, upper } = node;
  const shift = rules.countShift - 32;
  const mask = 2 ** shift - 1;
  const gradientOf = (b: number) => signed[first + 4 * b + 1]! * word + unsigned[first + 4 * b]!;
  const hessianOf = (b: number) =>
    (unsigned[first + 4 * b + 3]! & mask) * word + unsigned[first + 4 * b + 2]!;
  const countOf = (b: number) => unsigned[first + 4 * b + 3]! >>> shift;

  const order: Array<number> = [];
  // In whole numbers: where all hessians are equal, ten rows are enough whatever rounding would say.
  const support = categorySupport * node.hessian;
  for (let b = 0; b <= bins; b++) {
    const h = hessianOf(b);
    if (countOf(b) === 0 || h * node.count < support) continue;
    means[b] = (gradientOf(b) * gradientUnit) / (h * hessianUnit + categorySupport);
    order.push(b);
  }
  order.sort((a, b) => means[a]! - means[b]! || a - b);

  const parent = scoreOf(node, rules);
  let best = parent.atLeast;
  let bestFrom = 0;
  let bestTo = 0;
  let bestG = 0;
  let bestH = 0;
  let bestC = 0;
  const half = (order.length + 1) >> 1;
  // From the low end, then from the high end: the side that is scanned goes left, and is the smaller.
  for (const fromLow of order.length > 1 ? [true, false] : []) {
    let lg = 0;
    let lh = 0;
    let lc = 0;
    for (let taken = 1; taken <= (fromLow ? half : half - 1); taken++) {
      const bin = order[fromLow ? taken - 1 : order.length - taken]!;
      lg += gradientOf(bin);
      lh += hessianOf(bin);
      lc += countOf(bin);
      if (lc < minSamplesLeaf || node.count - lc < minSamplesLeaf) continue;
      if (lh < minHessian || node.hessian - lh < minHessian) continue;
      const l = lg * gradientUnit;
      const r = (node.gradient - lg) * gradientUnit;
      const hl = lh * hessianUnit + l2 + tiny;
      const hr = (node.hessian - lh) * hessianUnit + l2 + tiny;
      const score = bounded
        ? -l * clip(-l / hl, lower, upper) - r * clip(-r / hr, lower, upper)
        : (l * l) / hl + (r * r) / hr;
      if (score > best) {
        best = score;
        bestFrom = fromLow ? 0 : order.length - taken;
        bestTo = fromLow ? taken : order.length;
        bestG = lg;
        bestH = lh;
        bestC = lc;
      }
    }
  }
  sets.fill(0, setAt, setAt + setWords);
  for (let k = bestFrom; k < bestTo; k++) {
    const bin = order[k]!;
    sets[setAt + (bin >> 5)] = sets[setAt + (bin >> 5)]! | (1 << (bin & 31));
  }
  const missingLeft = countOf(bins) > 0 ? isIn(sets, setAt, bins) : bestC > node.count - bestC;
  out[at] = bestTo === 0 ? 0 : best - parent.whole;
  out[at + 1] = 0;
  out[at + 2] = missingLeft ? 1 : 0;
  out[at + 3] = bestG;
  out[at + 4] = bestH;
  out[at + 5] = bestC;
};

/** Whether a set of bins has this one. */
export const isIn = (sets: Uint32Array, setAt: number, bin: number): boolean =>
  (sets[setAt + (bin >> 5)]! & (1 << (bin & 31))) !== 0;
