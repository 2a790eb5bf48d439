import * as Result from "effect/Result";
import { finite, masses, parallel, problem, type Numbers } from "./internal/Check.ts";
import type { StatisticsError } from "./StatisticsError.ts";

export {
  ksBinned,
  type KsBounds,
  ksSorted,
  type WassersteinOptions,
  wassersteinBinned,
  wassersteinQuantiles,
  wassersteinSorted,
} from "./OrderedDrift.ts";

/**
 * One column of one data set as counts: rows per bin (or per category), and rows without a value. Reference and
 * current must be counted in the **same bins**, cut on the reference. Counts may be weights.
 *
 * `missing`, if given on either side, is a bin of its own in every distance between populations: a column that loses
 * its values has drifted. (Ordered distances, `ksBinned` and the Wasserstein ones, cannot place it: see
 * `missingShift`.)
 */
export interface Population {
  readonly counts: Numbers;
  readonly missing?: number;
}

/**
 * The values from which peers call it drift, each with its source. They are habits, not laws: they do not depend on
 * the number of rows (an effect size, where a p-value flags everything at scale), but better ones come from resampling
 * blocks of your own reference.
 */
export const defaultThresholds = {
  /** PSI: below 0.1 no shift worth acting on. Siddiqi, Credit Risk Scorecards, 2006; Evidently's default. */
  psi: 0.1,
  /** PSI: above 0.25 a major shift. Siddiqi 2006. */
  psiMajor: 0.25,
  /** Jensen–Shannon distance: Evidently's 0.1 is in base e; in base 2, used here, that is 0.1 / sqrt(ln 2) = 0.1201. */
  jensenShannon: 0.1 / Math.sqrt(Math.LN2),
  /** Hellinger distance: Evidently's default. */
  hellinger: 0.1,
  /** 1-Wasserstein distance over the reference standard deviation: Evidently's default. */
  wasserstein: 0.1,
  /** Kolmogorov–Smirnov statistic: deepchecks FeatureDrift. */
  ks: 0.2,
  /** Bias-corrected Cramér's V: deepchecks FeatureDrift. */
  cramersV: 0.2,
  /** Cramér's V or Kolmogorov–Smirnov statistic of the label or the prediction: deepchecks LabelDrift. */
  label: 0.15,
} as const;

/** The share given to an empty bin in `psi`, so that its logarithm exists: 0.0001, as Evidently. */
export const psiFloor = 0.0001;

/**
 * Population stability index: sum over bins of (c - r) ln(c / r), shares r and c. Never negative; 0 if the shares
 * agree. It is Jeffreys' divergence in nats. A bin empty on one side counts as share `floor` (default `psiFloor`);
 * shares are not rescaled after that.
 *
 * Source: Jeffreys, Proc. R. Soc. A 186, 1946; Siddiqi, Credit Risk Scorecards, 2006. Thresholds: `defaultThresholds`.
 * Errors: `empty`, `lengthMismatch`, `notFinite`, `negative`, `allZero`, `outOfRange` (floor not in (0, 1)).
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const psi = Result.getOrThrow(Drift.psi({ counts: [50, 50] }, { counts: [30, 70], missing: 0 })) // 0.1695
 * const drifted = psi >= Drift.defaultThresholds.psi // true
 * ```
 */
export const psi = (
  reference: Population,
  current: Population,
  floor: number = psiFloor,
): Result.Result<number, StatisticsError> =>
  Result.map(floored("psi", reference, current, floor), ([r, c]) => {
    let sum = 0;
    for (let i = 0; i < r.length; i++) {
      if (r[i] !== c[i]) sum += (c[i]! - r[i]!) * Math.log(c[i]! / r[i]!);
    }
    return sum;
  });

/**
 * Kullback–Leibler divergence of the reference from the current data, in **nats**: sum over bins of c ln(c / r). Not
 * symmetric: it is large where there are rows now that were rare before. Empty bins count as in `psi`; should that bring
 * it below 0, it is 0.
 *
 * Source: Kullback & Leibler, Ann. Math. Statist. 22(1), 1951. Errors as `psi`.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const nats = Result.getOrThrow(Drift.kullbackLeibler({ counts: [50, 50] }, { counts: [30, 70] })) // 0.0823
 * ```
 */
export const kullbackLeibler = (
  reference: Population,
  current: Population,
  floor: number = psiFloor,
): Result.Result<number, StatisticsError> =>
  Result.map(floored("kullbackLeibler", reference, current, floor), ([r, c]) => {
    let sum = 0;
    for (let i = 0; i < r.length; i++) sum += c[i]! * Math.log(c[i]! / r[i]!);
    return Math.max(0, sum);
  });

/**
 * Jensen–Shannon distance in base 2: the square root of the mean divergence of both from their mixture. Symmetric, a
 * metric, in [0, 1], and defined with empty bins.
 *
 * Source: Lin, IEEE Trans. Information Theory 37(1), 1991; Endres & Schindelin, ibid. 49(7), 2003. Errors as `psi`.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const apart = Result.getOrThrow(Drift.jensenShannon({ counts: [1, 0] }, { counts: [0, 1] })) // 1
 * ```
 */
export const jensenShannon = (
  reference: Population,
  current: Population,
): Result.Result<number, StatisticsError> =>
  Result.map(shares("jensenShannon", reference, current), ([r, c]) => {
    let sum = 0;
    for (let i = 0; i < r.length; i++) {
      const was = r[i]!;
      const is = c[i]!;
      const middle = (was + is) / 2;
      if (was > 0) sum += was * Math.log2(was / middle);
      if (is > 0) sum += is * Math.log2(is / middle);
    }
    return Math.sqrt(Math.min(1, Math.max(0, sum / 2)));
  });

/**
 * Total variation: half the sum of absolute differences of shares; the share of rows one would have to move. In
 * [0, 1]. Source: Levin & Peres, Markov Chains and Mixing Times, 2017, section 4.1. Errors as `psi`.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const moved = Result.getOrThrow(Drift.totalVariation({ counts: [50, 50] }, { counts: [30, 70] })) // 0.2
 * ```
 */
export const totalVariation = (
  reference: Population,
  current: Population,
): Result.Result<number, StatisticsError> =>
  Result.map(shares("totalVariation", reference, current), ([r, c]) => {
    let sum = 0;
    for (let i = 0; i < r.length; i++) sum += Math.abs(r[i]! - c[i]!);
    return Math.min(1, sum / 2);
  });

/**
 * L-infinity: the largest absolute difference of shares, which says which category moved most. In [0, 1]. The
 * comparator of TensorFlow Data Validation for categories. Errors as `psi`.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const most = Result.getOrThrow(Drift.lInfinity({ counts: [50, 50, 0] }, { counts: [30, 60, 10] })) // 0.2
 * ```
 */
export const lInfinity = (
  reference: Population,
  current: Population,
): Result.Result<number, StatisticsError> =>
  Result.map(shares("lInfinity", reference, current), ([r, c]) => {
    let most = 0;
    for (let i = 0; i < r.length; i++) most = Math.max(most, Math.abs(r[i]! - c[i]!));
    return most;
  });

/**
 * Hellinger distance: sqrt(sum (sqrt r - sqrt c)^2 / 2). A metric in [0, 1], sensitive to rare bins.
 * Source: Hellinger, J. reine angew. Math. 136, 1909; Le Cam & Yang, Asymptotics in Statistics, 2000. Errors as `psi`.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const distance = Result.getOrThrow(Drift.hellinger({ counts: [1, 0] }, { counts: [0, 1] })) // 1
 * ```
 */
export const hellinger = (
  reference: Population,
  current: Population,
): Result.Result<number, StatisticsError> =>
  Result.map(shares("hellinger", reference, current), ([r, c]) => {
    let sum = 0;
    for (let i = 0; i < r.length; i++) sum += (Math.sqrt(r[i]!) - Math.sqrt(c[i]!)) ** 2;
    return Math.sqrt(Math.min(1, sum / 2));
  });

/** Association of data set (reference or current) with bin. */
export interface ChiSquare {
  /** Pearson's statistic; it grows with the number of rows, so do not compare it between samples. */
  readonly statistic: number;
  /** Bins seen on either side, less one. */
  readonly degreesOfFreedom: number;
  /** Cramér's V without correction, in [0, 1]. */
  readonly cramersV: number;
  /** Bias-corrected Cramér's V, in [0, 1], near 0 without drift at any number of rows: the effect size to act on. */
  readonly cramersVCorrected: number;
}

/**
 * Pearson's chi-square of the 2 x bins table of reference and current counts, without continuity correction, and its
 * effect size. Bins empty on both sides are left out. No p-value on purpose: at scale it flags every difference.
 *
 * Source: Pearson, Phil. Mag. 50, 1900; Cramér 1946; correction: Bergsma, J. Korean Stat. Soc. 42(3), 2013. Counts
 * must be rows, not weights. Errors as `psi`, and `tooFew` with three rows or fewer.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const table = Result.getOrThrow(Drift.chiSquare({ counts: [50, 50] }, { counts: [30, 70] }))
 * table.statistic // 8.333
 * table.cramersVCorrected // 0.1919
 * ```
 */
export const chiSquare = (
  reference: Population,
  current: Population,
): Result.Result<ChiSquare, StatisticsError> =>
  Result.flatMap(cells("chiSquare", reference, current), ([r, c]) => {
    const before = total(r);
    const now = total(c);
    const rows = before + now;
    if (rows <= 3) {
      return Result.fail(
        problem(
          "chiSquare",
          "tooFew",
          "counts",
          `only ${rows} rows in both`,
          "Wait for more rows; each bin wants 5",
        ),
      );
    }
    let statistic = 0;
    let bins = 0;
    for (let i = 0; i < r.length; i++) {
      const column = r[i]! + c[i]!;
      if (column === 0) continue;
      bins++;
      const expectedBefore = (column * before) / rows;
      const expectedNow = (column * now) / rows;
      statistic +=
        (r[i]! - expectedBefore) ** 2 / expectedBefore + (c[i]! - expectedNow) ** 2 / expectedNow;
    }
    if (bins === 1)
      return Result.succeed({
        statistic: 0,
        degreesOfFreedom: 0,
        cramersV: 0,
        cramersVCorrected: 0,
      });
    const phi2 = statistic / rows;
    const phi2Corrected = Math.max(0, phi2 - (bins - 1) / (rows - 1));
    const width = Math.min(bins - (bins - 1) ** 2 / (rows - 1), 2 - 1 / (rows - 1)) - 1;
    return Result.succeed({
      statistic,
      degreesOfFreedom: bins - 1,
      cramersV: Math.min(1, Math.sqrt(phi2)),
      cramersVCorrected: width > 0 ? Math.min(1, Math.sqrt(phi2Corrected / width)) : 0,
    });
  });

/**
 * The share of missing values in current less that in reference, in [-1, 1]: to be reported beside the ordered
 * distances, which leave missing values out. Errors as `psi`.
 *
 * @example
 * ```ts
 * import { Drift } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const shift = Result.getOrThrow(
 *   Drift.missingShift({ counts: [100], missing: 0 }, { counts: [80], missing: 20 })
 * ) // 0.2
 * ```
 */
export const missingShift = (
  reference: Population,
  current: Population,
): Result.Result<number, StatisticsError> =>
  Result.map(
    cells("missingShift", { counts: reference.counts, missing: reference.missing ?? 0 }, current),
    ([r, c]) => c[c.length - 1]! / total(c) - r[r.length - 1]! / total(r),
  );

type Pair = readonly [Float64Array, Float64Array];

/** Counts of both, checked, with the missing rows as a last bin when either side states them. */
const cells = (
  operation: string,
  reference: Population,
  current: Population,
): Result.Result<Pair, StatisticsError> => {
  const mismatch = parallel(
    operation,
    "reference.counts",
    reference.counts,
    "current.counts",
    current.counts,
  );
  if (mismatch !== undefined) return Result.fail(mismatch);
  const withMissing = reference.missing !== undefined || current.missing !== undefined;
  const r = extended(reference, withMissing);
  const c = extended(current, withMissing);
  const bad = masses(operation, "reference", r) ?? masses(operation, "current", c);
  if (bad !== undefined) return Result.fail(bad);
  const infinite = finite(operation, "counts", [total(r), total(c)]);
  return infinite === undefined ? Result.succeed([r, c]) : Result.fail(infinite);
};

const extended = (population: Population, withMissing: boolean): Float64Array => {
  const size = population.counts.length;
  const all = new Float64Array(withMissing ? size + 1 : size);
  all.set(population.counts);
  if (withMissing) all[size] = population.missing ?? 0;
  return all;
};

const total = (counts: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i]!;
  return sum;
};

const shares = (
  operation: string,
  reference: Population,
  current: Population,
): Result.Result<Pair, StatisticsError> =>
  Result.map(cells(operation, reference, current), (pair) => {
    for (const counts of pair) {
      const sum = total(counts);
      for (let i = 0; i < counts.length; i++) counts[i]! /= sum;
    }
    return pair;
  });

/** Shares in which an empty bin is `floor`: one that is empty on both sides adds nothing. */
const floored = (
  operation: string,
  reference: Population,
  current: Population,
  floor: number,
): Result.Result<Pair, StatisticsError> => {
  if (!(floor > 0 && floor < 1)) {
    const what = `floor is ${floor}, it lies in (0, 1)`;
    return Result.fail(problem(operation, "outOfRange", "floor", what, `Use ${psiFloor}`));
  }
  return Result.map(shares(operation, reference, current), (pair) => {
    for (const side of pair) {
      for (let i = 0; i < side.length; i++) if (side[i] === 0) side[i] = floor;
    }
    return pair;
  });
};
