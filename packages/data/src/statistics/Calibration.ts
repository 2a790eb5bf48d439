import * as Result from "effect/Result";
import { problem, scored, wholeAtLeast, type Numbers } from "./internal/Check.ts";
import { sortedQuantile } from "./internal/Quantile.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/** One row of a calibration table: the rows whose probability lies in (lower, upper], the first bin taking 0 too. */
export interface ReliabilityBin {
  readonly lower: number;
  readonly upper: number;
  /** Rows in the bin, at least one. */
  readonly count: number;
  /** Mean probability given. */
  readonly meanProbability: number;
  /** Share of positives seen. */
  readonly observedRate: number;
}

export interface ReliabilityOptions {
  /** How many bins; default 10. */
  readonly bins?: number;
  /** `"width"`: equal-width bins on [0, 1] (default). `"quantile"`: about the same number of rows in each. */
  readonly binning?: "width" | "quantile";
}

/**
 * The calibration table behind a reliability diagram: per bin of probability, what was promised and what happened.
 * Empty bins are left out. Quantile edges that coincide (many equal probabilities) merge their bins.
 *
 * Source: DeGroot & Fienberg, The Statistician 32, 1983; bins (lower, upper] as Guo et al. 2017 and scikit-learn.
 * Errors: `empty`, `lengthMismatch`, `outOfRange` (probability, bins), `notFinite`, `notBinary`.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const table = Result.getOrThrow(Classification.reliability([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], { bins: 2 }))
 * table[1]?.observedRate // 1
 * ```
 */
export const reliability = (
  probabilities: Numbers,
  labels: Numbers,
  options: ReliabilityOptions = {},
): Result.Result<ReadonlyArray<ReliabilityBin>, StatisticsError> =>
  table("reliability", probabilities, labels, options);

const table = (
  operation: string,
  probabilities: Numbers,
  labels: Numbers,
  options: ReliabilityOptions,
): Result.Result<ReadonlyArray<ReliabilityBin>, StatisticsError> => {
  const bins = options.bins ?? 10;
  const binning = options.binning ?? "width";
  const bad =
    wholeAtLeast(operation, "bins", bins, 1) ??
    tooMany(operation, bins) ??
    scored(operation, probabilities, labels);
  if (bad !== undefined) return Result.fail(bad);
  const edges = binning === "width" ? equalWidth(bins) : quantiles(probabilities, bins);
  const count = new Float64Array(bins);
  const promised = new Float64Array(bins);
  const observed = new Float64Array(bins);
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i]!;
    const bin = binOf(edges, p, bins);
    count[bin]! += 1;
    promised[bin]! += p;
    observed[bin]! += labels[i]!;
  }
  const filled: Array<ReliabilityBin> = [];
  for (let bin = 0; bin < bins; bin++) {
    const rows = count[bin]!;
    if (rows === 0) continue;
    filled.push({
      lower: edges[bin]!,
      upper: edges[bin + 1]!,
      count: rows,
      meanProbability: promised[bin]! / rows,
      observedRate: observed[bin]! / rows,
    });
  }
  return Result.succeed(filled);
};

/**
 * Expected calibration error (ECE): the mean over rows of |promised - observed| of their bin, in [0, 1], 0 being
 * calibrated. It depends on the bins and is biased upwards on small samples: compare only at equal bins and like sizes.
 *
 * Source: Naeini, Cooper & Hauskrecht, AAAI 2015; Guo et al., ICML 2017 (here for the probability of the positive
 * class). Arguments and errors as `reliability`.
 *
 * @example
 * ```ts
 * import { Classification } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const ece = Result.getOrThrow(
 *   Classification.expectedCalibrationError([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], { bins: 2 })
 * ) // 0.15
 * ```
 */
export const expectedCalibrationError = (
  probabilities: Numbers,
  labels: Numbers,
  options: ReliabilityOptions = {},
): Result.Result<number, StatisticsError> =>
  Result.map(table("expectedCalibrationError", probabilities, labels, options), (filled) => {
    let sum = 0;
    for (const bin of filled) sum += bin.count * Math.abs(bin.meanProbability - bin.observedRate);
    return sum / probabilities.length;
  });

const mostBins = 10_000;

const tooMany = (operation: string, bins: number): StatisticsError | undefined =>
  bins <= mostBins
    ? undefined
    : problem(
        operation,
        "outOfRange",
        "bins",
        `bins is ${bins}, more than ${mostBins}`,
        "Use 10 to 50 bins: each needs enough rows for its observed rate to mean something",
      );

const equalWidth = (bins: number): Float64Array =>
  Float64Array.from({ length: bins + 1 }, (_, i) => i / bins);

const quantiles = (values: Numbers, bins: number): Float64Array => {
  const sorted = Float64Array.from(values).toSorted();
  return Float64Array.from({ length: bins + 1 }, (_, i) => sortedQuantile(sorted, i / bins));
};

/** The first bin whose upper edge is at least p. */
const binOf = (edges: Float64Array, p: number, bins: number): number => {
  let low = 0;
  let high = bins - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle + 1]! < p) low = middle + 1;
    else high = middle;
  }
  return low;
};
