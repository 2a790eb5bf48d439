import * as Result from "effect/Result";
import { type Contingency, contingency, expectedCount } from "./internal/Contingency.ts";
import { finite, masses, parallel, problem, type Numbers } from "./internal/Check.ts";
import { ascendingOrder } from "./internal/Ranking.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/**
 * Shannon entropy of counts in **bits**: 0 if all rows are in one category, log2 k if spread evenly over k.
 *
 * Source: Shannon, Bell System Technical Journal 27, 1948. Errors: `notFinite`, `negative`, `allZero`.
 *
 * @example
 * ```ts
 * import { Association } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const bits = Result.getOrThrow(Association.entropy([1, 1, 2])) // 1.5
 * ```
 */
export const entropy = (counts: Numbers): Result.Result<number, StatisticsError> => {
  const bad = masses("entropy", "counts", counts);
  return bad === undefined ? Result.succeed(bitsOf(counts)) : Result.fail(bad);
};

const bitsOf = (counts: Numbers): number => {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i]!;
  let bits = 0;
  for (let i = 0; i < counts.length; i++) {
    const share = counts[i]! / total;
    if (share > 0) bits -= share * Math.log2(share);
  }
  return Math.max(0, bits);
};

/**
 * Mutual information of the rows and the columns of a table of counts, in **bits**: by how much knowing one shortens
 * the description of the other. 0 if independent. Biased upwards in sparse tables.
 *
 * Source: Cover & Thomas, Elements of Information Theory, 2006, section 2.3. Errors: `empty`, `lengthMismatch`,
 * `notFinite`, `negative`, `allZero`.
 *
 * @example
 * ```ts
 * import { Association } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const bits = Result.getOrThrow(Association.mutualInformation([[5, 0], [0, 5]])) // 1
 * ```
 */
export const mutualInformation = (
  counts: ReadonlyArray<Numbers>,
): Result.Result<number, StatisticsError> =>
  Result.map(contingency("mutualInformation", counts), informationOf);

const informationOf = (table: Contingency): number => {
  let bits = 0;
  for (let at = 0; at < table.counts.length; at++) {
    const count = table.counts[at]!;
    if (count === 0) continue;
    const expected = expectedCount(table, Math.floor(at / table.columns), at % table.columns);
    bits += (count / table.total) * Math.log2(count / expected);
  }
  return Math.max(0, bits);
};

/**
 * Theil's U of the columns given the rows: the share of the entropy of the columns that the rows explain, in [0, 1].
 * Not symmetric: a key explains everything, nothing explains a key. 1 if the columns do not vary.
 *
 * Source: Theil, Economics and Information Theory, 1967. Errors as `mutualInformation`.
 *
 * @example
 * ```ts
 * import { Association } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const share = Result.getOrThrow(Association.theilsU([[5, 0], [5, 0], [0, 10]])) // 1
 * ```
 */
export const theilsU = (counts: ReadonlyArray<Numbers>): Result.Result<number, StatisticsError> =>
  Result.map(contingency("theilsU", counts), (table) => {
    const bits = bitsOf(table.columnTotals);
    return bits === 0 ? 1 : Math.min(1, informationOf(table) / bits);
  });

/**
 * Cramér's V of a table of counts, bias-corrected: association of two categorical columns, in [0, 1], near 0 for
 * independent ones whatever the number of rows and categories. 0 if one does not vary.
 *
 * Source: Cramér 1946; correction: Bergsma, J. Korean Stat. Soc. 42(3), 2013. Errors as `mutualInformation`, and
 * `tooFew` below two rows.
 *
 * @example
 * ```ts
 * import { Association } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const v = Result.getOrThrow(Association.cramersV([[50, 50], [30, 70]])) // 0.1919
 * ```
 */
export const cramersV = (counts: ReadonlyArray<Numbers>): Result.Result<number, StatisticsError> =>
  Result.flatMap(contingency("cramersV", counts), (table) => {
    const { rows, columns, total } = table;
    if (total < 2) {
      return Result.fail(
        problem("cramersV", "tooFew", "counts", `${total} rows`, "Wait for more rows"),
      );
    }
    let phi2 = 0;
    for (let at = 0; at < table.counts.length; at++) {
      const expected = expectedCount(table, Math.floor(at / columns), at % columns);
      phi2 += (table.counts[at]! - expected) ** 2 / expected / total;
    }
    const corrected = Math.max(0, phi2 - ((rows - 1) * (columns - 1)) / (total - 1));
    const width =
      Math.min(rows - (rows - 1) ** 2 / (total - 1), columns - (columns - 1) ** 2 / (total - 1)) -
      1;
    return Result.succeed(width > 0 ? Math.min(1, Math.sqrt(corrected / width)) : 0);
  });

/**
 * Pearson's correlation of two columns, row by row, in [-1, 1]. Two passes.
 *
 * Errors: `empty`, `lengthMismatch`, `notFinite`, `degenerate` (a column does not vary).
 *
 * @example
 * ```ts
 * import { Association } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const r = Result.getOrThrow(Association.pearson([1, 2, 3], [2, 4, 7])) // 0.9934
 * ```
 */
export const pearson = (x: Numbers, y: Numbers): Result.Result<number, StatisticsError> =>
  correlation("pearson", x, y, (values) => values);

/**
 * Spearman's rank correlation: {@link pearson} of the ranks, ties sharing their mean rank. Sees any monotonic
 * relation, and is not moved by a few extreme values.
 *
 * Source: Spearman, Am. J. Psychology 15(1), 1904. Errors as `pearson`.
 *
 * @example
 * ```ts
 * import { Association } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const rho = Result.getOrThrow(Association.spearman([1, 2, 3, 4], [1, 8, 27, 1000])) // 1
 * ```
 */
export const spearman = (x: Numbers, y: Numbers): Result.Result<number, StatisticsError> =>
  correlation("spearman", x, y, ranks);

const correlation = (
  operation: string,
  x: Numbers,
  y: Numbers,
  prepare: (values: Numbers) => Numbers,
): Result.Result<number, StatisticsError> => {
  const bad =
    parallel(operation, "x", x, "y", y) ?? finite(operation, "x", x) ?? finite(operation, "y", y);
  if (bad !== undefined) return Result.fail(bad);
  const [a, b] = [prepare(x), prepare(y)];
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i]! - meanA, b[i]! - meanB];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  if (!(aa > 0 && bb > 0)) {
    const [argument, other] = aa > 0 ? ["y", "x"] : ["x", "y"];
    return Result.fail(
      problem(
        operation,
        "degenerate",
        argument,
        `${argument} does not vary`,
        `No ${other} correlates with a constant: leave it out`,
      ),
    );
  }
  return Result.succeed(Math.max(-1, Math.min(1, ab / Math.sqrt(aa) / Math.sqrt(bb))));
};

const meanOf = (values: Numbers): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
};

/** Ranks from 1; equal values share their mean rank. */
const ranks = (values: Numbers): Float64Array => {
  const order = ascendingOrder(values);
  const found = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let at = from; at < to; at++) found[order[at]!] = (from + 1 + to) / 2;
    from = to;
  }
  return found;
};
