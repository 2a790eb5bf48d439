/**
 * Do annotators agree beyond chance? Coefficients on {@link Ratings}, each with an interval from drawing items again.
 * 1 is perfect agreement, 0 what chance gives, below 0 worse than that.
 */
import * as Result from "effect/Result";
import { problem, type Numbers } from "./internal/Check.ts";
import { type Agreement, type AgreementOptions, summarised } from "./internal/ItemBootstrap.ts";
import { byItem, type ItemRatings, type Ratings } from "./Ratings.ts";
import type { StatisticsError } from "./StatisticsError.ts";

export type { Agreement, AgreementOptions } from "./internal/ItemBootstrap.ts";
export { type AlphaOptions, krippendorffAlpha, type Measurement } from "./Krippendorff.ts";
export type { Ratings } from "./Ratings.ts";

/** From this on, conclusions may rest on the labels: Krippendorff, Content Analysis, 2004, section 11.4.4. */
export const reliable = 0.8;
/** From this on, tentative conclusions; below, none. Source as {@link reliable}. */
export const tentative = 0.667;

/** How far apart two classes are in {@link cohenKappa}: all disagreements alike, by distance, or by its square. */
export type KappaWeights = "none" | "linear" | "quadratic";

/**
 * Cohen's kappa of two annotators: 1 less the observed over the expected (weighted) disagreement, on the items that both
 * rated once. With weights, classes are in order.
 *
 * Source: Cohen, Educ. Psychol. Meas. 20(1), 1960; weighted: Psychol. Bull. 70(4), 1968. Interval: percentile
 * bootstrap over items. Errors: those of ratings (`empty`, `lengthMismatch`, `notFinite`, `outOfRange`); `tooFew`
 * (no item rated by both); `oneClass` (both used one class only, so that chance explains all).
 *
 * @example
 * ```ts
 * import { Agreement } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const ratings = { item: [1, 1, 2, 2, 3, 3, 4, 4], annotator: [1, 2, 1, 2, 1, 2, 1, 2], label: [0, 0, 1, 1, 1, 0, 0, 0], classes: 2 }
 * const kappa = Result.getOrThrow(Agreement.cohenKappa(ratings, 1, 2)).estimate // 0.5
 * ```
 */
export const cohenKappa = (
  ratings: Ratings,
  first: number,
  second: number,
  options: AgreementOptions & { readonly weights?: KappaWeights } = {},
): Result.Result<Agreement, StatisticsError> =>
  Result.flatMap(byItem("cohenKappa", ratings), (grouped) => {
    const pairs = pairsOf(grouped, first, second);
    const k = grouped.classes;
    const distance = distanceOf(options.weights ?? "none");
    const statistic = (weight: Numbers | undefined): number => {
      const table = new Float64Array(k * k);
      for (let i = 0; i < pairs.length; i++)
        table[pairs[i]!]! += weight === undefined ? 1 : weight[i]!;
      return kappaOf(table, k, distance);
    };
    const what = { operation: "cohenKappa", items: pairs.length, ratings: 2 * pairs.length };
    return summarised(what, statistic, options, "rated by both annotators, once by each");
  });

/**
 * Fleiss' kappa: agreement of any number of annotators, not necessarily the same ones for each item, but as many for
 * every item.
 *
 * Source: Fleiss, Psychol. Bull. 76(5), 1971. Interval: percentile bootstrap over items (Zapf et al., BMC Med. Res.
 * Methodol. 16:93, 2016). Errors as {@link cohenKappa}, and `lengthMismatch` if items have different numbers of
 * ratings: `krippendorffAlpha` takes those.
 *
 * @example
 * ```ts
 * import { Agreement } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const ratings = { item: [1, 1, 2, 2], annotator: [1, 2, 1, 2], label: [0, 0, 1, 1], classes: 2 }
 * const kappa = Result.getOrThrow(Agreement.fleissKappa(ratings)).estimate // 1
 * ```
 */
export const fleissKappa = (
  ratings: Ratings,
  options: AgreementOptions = {},
): Result.Result<Agreement, StatisticsError> =>
  Result.flatMap(byItem("fleissKappa", ratings), (grouped) => {
    const { start, label, classes } = grouped;
    const items = start.length - 1;
    const each = start[1]! - start[0]!;
    const uneven = Array.from({ length: items }, (_, u) => start[u + 1]! - start[u]!).findIndex(
      (size) => size !== each,
    );
    if (uneven >= 0) {
      return Result.fail(
        problem(
          "fleissKappa",
          "lengthMismatch",
          "ratings",
          `item ${grouped.items[uneven]} has ${start[uneven + 1]! - start[uneven]!} ratings where another has ${each}`,
          "Use krippendorffAlpha, which allows for missing ratings",
          uneven,
        ),
      );
    }
    const counts = new Float64Array(items * classes);
    for (let u = 0; u < items; u++) {
      for (let at = start[u]!; at < start[u + 1]!; at++) counts[u * classes + label[at]!]! += 1;
    }
    const statistic = (weight: Numbers | undefined): number => {
      const totals = new Float64Array(classes);
      let agreeing = 0;
      let drawn = 0;
      for (let u = 0; u < items; u++) {
        const w = weight === undefined ? 1 : weight[u]!;
        let squares = 0;
        for (let k = 0; k < classes; k++) {
          const n = counts[u * classes + k]!;
          squares += n * n;
          totals[k]! += w * n;
        }
        agreeing += (w * (squares - each)) / (each * (each - 1));
        drawn += w;
      }
      const expected = totals.reduce((sum, n) => sum + (n / (drawn * each)) ** 2, 0);
      return expected >= 1 ? NaN : (agreeing / drawn - expected) / (1 - expected);
    };
    const what = { operation: "fleissKappa", items: each < 2 ? 0 : items, ratings: items * each };
    return summarised(what, statistic, options, "rated at least twice");
  });

/** How two annotators agree on the items that both rated. */
export interface PairAgreement {
  readonly first: number;
  readonly second: number;
  readonly items: number;
  /** Share of these items with the same class. */
  readonly observed: number;
  /** Cohen's kappa; null where both used one class only. */
  readonly kappa: number | null;
}

/**
 * The agreement of every two annotators that have an item in common, by their ids. One pass over the items, as many
 * steps as there are pairs of ratings of one item. Errors: those of ratings.
 *
 * @example
 * ```ts
 * import { Agreement } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const ratings = { item: [1, 1, 2, 2], annotator: [7, 9, 7, 9], label: [0, 0, 1, 0], classes: 2 }
 * const [pair] = Result.getOrThrow(Agreement.pairwise(ratings)) // { first: 7, second: 9, items: 2, observed: 0.5, kappa: 0 }
 * ```
 */
export const pairwise = (
  ratings: Ratings,
): Result.Result<ReadonlyArray<PairAgreement>, StatisticsError> =>
  Result.map(byItem("pairwise", ratings), (grouped) => {
    const { start, annotator, label, classes, annotators } = grouped;
    const tables = new Map<number, Float64Array>();
    const single = singleRatings(grouped);
    for (let u = 0; u + 1 < start.length; u++) {
      for (let a = start[u]!; a < start[u + 1]!; a++) {
        if (single[a] === 0) continue;
        for (let b = a + 1; b < start[u + 1]!; b++) {
          if (single[b] === 0) continue;
          const key = annotator[a]! * annotators.length + annotator[b]!;
          let table = tables.get(key);
          if (table === undefined) tables.set(key, (table = new Float64Array(classes * classes)));
          table[label[a]! * classes + label[b]!]! += 1;
        }
      }
    }
    return [...tables.entries()]
      .toSorted(([a], [b]) => a - b)
      .map(([key, table]) => {
        const items = table.reduce((sum, n) => sum + n, 0);
        let same = 0;
        for (let k = 0; k < classes; k++) same += table[k * classes + k]!;
        const kappa = kappaOf(table, classes, distanceOf("none"));
        return {
          first: annotators[Math.floor(key / annotators.length)]!,
          second: annotators[key % annotators.length]!,
          items,
          observed: same / items,
          kappa: Number.isNaN(kappa) ? null : kappa,
        };
      });
  });

/** 1 for a rating whose annotator rated the item once, 0 where they rated it again. */
const singleRatings = ({ start, annotator }: ItemRatings): Uint8Array => {
  const single = new Uint8Array(annotator.length).fill(1);
  for (let u = 0; u + 1 < start.length; u++) {
    for (let at = start[u]! + 1; at < start[u + 1]!; at++) {
      if (annotator[at] === annotator[at - 1]) single[at] = single[at - 1] = 0;
    }
  }
  return single;
};

/** Cells (class by the first, class by the second) of the items that both rated once. */
const pairsOf = (grouped: ItemRatings, first: number, second: number): Int32Array => {
  const { start, annotator, label, classes, annotators } = grouped;
  const single = singleRatings(grouped);
  const [a, b] = [annotators.indexOf(first), annotators.indexOf(second)];
  const cells: Array<number> = [];
  for (let u = 0; u + 1 < start.length; u++) {
    let [ofFirst, ofSecond] = [-1, -1];
    for (let at = start[u]!; at < start[u + 1]!; at++) {
      if (single[at] === 0) continue;
      if (annotator[at] === a) ofFirst = label[at]!;
      if (annotator[at] === b) ofSecond = label[at]!;
    }
    if (ofFirst >= 0 && ofSecond >= 0) cells.push(ofFirst * classes + ofSecond);
  }
  return Int32Array.from(cells);
};

const distanceOf = (weights: KappaWeights): ((i: number, j: number) => number) => {
  switch (weights) {
    case "none":
      return (i, j) => (i === j ? 0 : 1);
    case "linear":
      return (i, j) => Math.abs(i - j);
    case "quadratic":
      return (i, j) => (i - j) ** 2;
  }
};

/** NaN where no disagreement is expected. */
const kappaOf = (
  table: Float64Array,
  classes: number,
  distance: (i: number, j: number) => number,
): number => {
  const rows = new Float64Array(classes);
  const columns = new Float64Array(classes);
  let total = 0;
  for (const [cell, n] of table.entries()) {
    rows[Math.floor(cell / classes)]! += n;
    columns[cell % classes]! += n;
    total += n;
  }
  let [observed, expected] = [0, 0];
  for (const [cell, n] of table.entries()) {
    const [i, j] = [Math.floor(cell / classes), cell % classes];
    observed += distance(i, j) * n;
    expected += (distance(i, j) * rows[i]! * columns[j]!) / total;
  }
  return expected > 0 ? 1 - observed / expected : NaN;
};
