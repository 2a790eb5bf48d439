import * as Result from "effect/Result";
import { problem, type Numbers } from "./internal/Check.ts";
import { type Agreement, type AgreementOptions, summarised } from "./internal/ItemBootstrap.ts";
import { byItem, type ItemRatings, type Ratings } from "./Ratings.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/** What the classes are: names, ranks, numbers with meaningful differences, or with meaningful ratios. */
export type Measurement = "nominal" | "ordinal" | "interval" | "ratio";

/** How {@link krippendorffAlpha} reads the classes. */
export interface AlphaOptions extends AgreementOptions {
  /** Default `nominal`. `ordinal` takes the classes in their order. */
  readonly measurement?: Measurement;
  /** The number that each class stands for, where `interval` or `ratio`; default: its index. */
  readonly values?: Numbers;
}

/**
 * Krippendorff's alpha: agreement of any number of annotators, each of whom may have rated any of the items. Items with
 * one rating tell nothing and are left out.
 *
 * 1 less observed over expected disagreement, from the coincidences of values within items. Linear in the ratings:
 * squared differences (of values, or of mid-ranks where `ordinal`) need no pairs; only `ratio` does.
 *
 * Source: Krippendorff, Content Analysis, 2004, chapter 11; Computing Krippendorff's alpha-reliability, 2011.
 * Interval: percentile bootstrap over items (Zapf et al. 2016). Errors as {@link cohenKappa}, and `negative` for a
 * negative value where `ratio`.
 *
 * @example
 * ```ts
 * import { Agreement } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const ratings = { item: [1, 1, 2, 2, 3], annotator: [1, 2, 1, 3, 2], label: [0, 0, 1, 1, 0], classes: 2 }
 * const alpha = Result.getOrThrow(Agreement.krippendorffAlpha(ratings)).estimate // 1
 * ```
 */
export const krippendorffAlpha = (
  ratings: Ratings,
  options: AlphaOptions = {},
): Result.Result<Agreement, StatisticsError> =>
  Result.flatMap(byItem("krippendorffAlpha", ratings), (grouped) => {
    const { measurement = "nominal" } = options;
    const values = Float64Array.from(
      options.values ?? Array.from({ length: grouped.classes }, (_, k) => k),
    );
    const bad = valuesProblem(values, grouped.classes, measurement);
    if (bad !== undefined) return Result.fail(bad);
    const units = Int32Array.from(grouped.items.keys()).filter(
      (u) => grouped.start[u + 1]! - grouped.start[u]! >= 2,
    );
    const pairable = units.reduce((sum, u) => sum + grouped.start[u + 1]! - grouped.start[u]!, 0);
    const statistic = (weight: Numbers | undefined) =>
      alphaOf(grouped, units, weight, measurement, values);
    const what = { operation: "krippendorffAlpha", items: units.length, ratings: pairable };
    return summarised(what, statistic, options, "rated at least twice");
  });

const valuesProblem = (
  values: Float64Array,
  classes: number,
  measurement: Measurement,
): StatisticsError | undefined => {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (values.length !== classes || index >= 0) {
    return problem(
      "krippendorffAlpha",
      index >= 0 ? "notFinite" : "lengthMismatch",
      "values",
      `${values.length} values, one of them perhaps not a number, for ${classes} classes`,
      "Give one finite number per class",
      index >= 0 ? index : undefined,
    );
  }
  const negative = measurement === "ratio" ? values.findIndex((value) => value < 0) : -1;
  return negative < 0
    ? undefined
    : problem(
        "krippendorffAlpha",
        "negative",
        "values",
        `values[${negative}] is ${values[negative]}, and ratios need numbers of at least 0`,
        "Use the measurement interval",
        negative,
      );
};

/** NaN where no disagreement is expected. */
const alphaOf = (
  { start, label, classes }: ItemRatings,
  units: Int32Array,
  weight: Numbers | undefined,
  measurement: Measurement,
  values: Float64Array,
): number => {
  const totals = new Float64Array(classes);
  for (const [index, u] of units.entries()) {
    const w = weight === undefined ? 1 : weight[index]!;
    for (let at = start[u]!; at < start[u + 1]!; at++) totals[label[at]!]! += w;
  }
  const n = totals.reduce((sum, one) => sum + one, 0);
  const positions = measurement === "ordinal" ? midRanks(totals) : centred(values, totals, n);
  /** The sum of squared differences of all ordered pairs among values that occur `counts` times. */
  const between = (counts: Float64Array, used: ReadonlyArray<number>): number => {
    if (used.length < 2) return 0;
    let [size, squares, sum, sumOfSquares, pairs] = [0, 0, 0, 0, 0];
    for (const k of used) {
      const c = counts[k]!;
      const x = positions[k]!;
      size += c;
      squares += c * c;
      sum += c * x;
      sumOfSquares += c * x * x;
    }
    if (measurement === "nominal") return size * size - squares;
    if (measurement !== "ratio") return 2 * (size * sumOfSquares - sum * sum);
    for (const [i, k] of used.entries()) {
      for (const l of used.slice(i + 1)) {
        const [a, b] = [values[k]!, values[l]!];
        const ratio = a + b === 0 ? 0 : (a - b) / (a + b);
        pairs += 2 * counts[k]! * counts[l]! * ratio * ratio;
      }
    }
    return pairs;
  };
  let observed = 0;
  const counts = new Float64Array(classes);
  for (const [index, u] of units.entries()) {
    const w = weight === undefined ? 1 : weight[index]!;
    if (w === 0) continue;
    const used: Array<number> = [];
    for (let at = start[u]!; at < start[u + 1]!; at++) {
      const k = label[at]!;
      if (counts[k] === 0) used.push(k);
      counts[k]! += 1;
    }
    observed += (w * between(counts, used)) / (start[u + 1]! - start[u]! - 1);
    for (const k of used) counts[k] = 0;
  }
  const expected = between(
    totals,
    Array.from(totals.keys()).filter((k) => totals[k]! > 0),
  );
  return expected > 0 ? 1 - (observed * (n - 1)) / expected : NaN;
};

/** The place of each class when all values are put in a row: ranks before it and half of its own. */
const midRanks = (totals: Float64Array): Float64Array => {
  let before = 0;
  return totals.map((count) => {
    const rank = before + count / 2;
    before += count;
    return rank;
  });
};

/** Values about their mean, so that sums of squares lose no digits. */
const centred = (values: Float64Array, totals: Float64Array, n: number): Float64Array => {
  const mean = values.reduce((sum, value, k) => sum + (value * totals[k]!) / n, 0);
  return values.map((value) => value - mean);
};
