import * as Result from "effect/Result";
import { contingency, expectedCount, type Contingency } from "./internal/Contingency.ts";
import {
  ascending,
  finite,
  noNaN,
  notEmpty,
  problem,
  wholeAtLeast,
  type Numbers,
} from "./internal/Check.ts";
import { chiSquareTail, kolmogorovTail, normalTwoTails, smirnovTail } from "./internal/Tail.ts";
import { ksSorted } from "./OrderedDrift.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/**
 * The outcome of a test of "both are alike". A small `pValue` says that a difference is there, not that it is large:
 * with many rows every difference is there. Act on an effect size; correct p-values of many columns with
 * {@link adjust}.
 */
export interface TestResult {
  readonly statistic: number;
  /** Two-sided: the probability of a statistic at least as extreme if both are alike. */
  readonly pValue: number;
}

/** The outcome of a test on a table of counts. */
export interface CountsTest extends TestResult {
  readonly degreesOfFreedom: number;
  /**
   * Too few rows for the p-value: an expected count below 1, or more than a fifth of them below 5 (Cochran,
   * Biometrics 10(4), 1954). Then the test did not run: join rare categories, or wait for more rows.
   */
  readonly sparse: boolean;
}

/**
 * Pearson's chi-square test of independence of a table of counts, rows by columns; two rows test whether two
 * populations have the same shares. No continuity correction; rows and columns without counts are left out.
 *
 * Source: Pearson, Phil. Mag. 50, 1900. Errors: `empty`, `lengthMismatch`, `notFinite`, `negative`, `allZero`.
 *
 * @example
 * ```ts
 * import { HypothesisTest } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const test = Result.getOrThrow(HypothesisTest.chiSquare([[50, 50], [30, 70]]))
 * test.pValue // 0.0039
 * ```
 */
export const chiSquare = (
  counts: ReadonlyArray<Numbers>,
): Result.Result<CountsTest, StatisticsError> =>
  Result.map(contingency("chiSquare", counts), (table) => {
    let statistic = 0;
    eachCell(table, (observed, expected) => (statistic += (observed - expected) ** 2 / expected));
    return countsTest(table, statistic);
  });

/**
 * The G-test (likelihood ratio) of the same question as {@link chiSquare}: G = 2 sum O ln(O / E).
 *
 * Source: Wilks, Ann. Math. Statist. 6(4), 1935; Sokal & Rohlf, Biometry. Errors as `chiSquare`.
 *
 * @example
 * ```ts
 * import { HypothesisTest } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const test = Result.getOrThrow(HypothesisTest.gTest([[50, 50], [30, 70]]))
 * test.statistic // 8.3983
 * ```
 */
export const gTest = (counts: ReadonlyArray<Numbers>): Result.Result<CountsTest, StatisticsError> =>
  Result.map(contingency("gTest", counts), (table) => {
    let statistic = 0;
    eachCell(table, (observed, expected) => {
      if (observed > 0) statistic += 2 * observed * Math.log(observed / expected);
    });
    return countsTest(table, Math.max(0, statistic));
  });

const eachCell = (
  table: Contingency,
  visit: (observed: number, expected: number) => void,
): void => {
  for (let row = 0; row < table.rows; row++) {
    for (let column = 0; column < table.columns; column++) {
      visit(table.counts[row * table.columns + column]!, expectedCount(table, row, column));
    }
  }
};

const countsTest = (table: Contingency, statistic: number): CountsTest => {
  const degreesOfFreedom = (table.rows - 1) * (table.columns - 1);
  let least = Infinity;
  let below5 = 0;
  eachCell(table, (_, expected) => {
    least = Math.min(least, expected);
    if (expected < 5) below5++;
  });
  return {
    statistic,
    degreesOfFreedom,
    pValue: chiSquareTail(statistic, degreesOfFreedom),
    sparse: least < 1 || below5 > (table.rows * table.columns) / 5,
  };
};

/** The outcome of a Kolmogorov–Smirnov test. */
export interface KsTest extends TestResult {
  /** `exact` counts paths and supposes no ties, which makes it careful with them; `asymptotic` is the limit. */
  readonly method: "exact" | "asymptotic";
}

/**
 * The p-value of a two-sample Kolmogorov–Smirnov statistic of `n` and `m` rows: exact if n m is at most 10,000 (as
 * R's `ks.test`), else from the limit distribution.
 *
 * Source: Smirnov, Ann. Math. Statist. 19(2), 1948; Kim & Jennrich 1973. Errors: `outOfRange`.
 *
 * @example
 * ```ts
 * import { HypothesisTest } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const test = Result.getOrThrow(HypothesisTest.ksOf(0.5, 20, 20))
 * test.pValue // 0.0123
 * ```
 */
export const ksOf = (
  statistic: number,
  n: number,
  m: number,
): Result.Result<KsTest, StatisticsError> => {
  const bad =
    wholeAtLeast("ksOf", "n", n, 1) ??
    wholeAtLeast("ksOf", "m", m, 1) ??
    (statistic >= 0 && statistic <= 1
      ? undefined
      : problem(
          "ksOf",
          "outOfRange",
          "statistic",
          `statistic is ${statistic}, it lies in [0, 1]`,
          "Pass a statistic of Drift.ksSorted",
        ));
  if (bad !== undefined) return Result.fail(bad);
  const exact = n * m <= 10_000;
  return Result.succeed({
    statistic,
    pValue: exact
      ? smirnovTail(statistic, n, m)
      : kolmogorovTail(statistic * Math.sqrt((n / (n + m)) * m)),
    method: exact ? "exact" : "asymptotic",
  });
};

/**
 * The two-sample Kolmogorov–Smirnov test of ascending samples: {@link ksOf} of `Drift.ksSorted`, with its errors.
 *
 * @example
 * ```ts
 * import { HypothesisTest } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const test = Result.getOrThrow(HypothesisTest.ks([1, 2, 3], [4, 5, 6]))
 * test.pValue // 0.1
 * ```
 */
export const ks = (reference: Numbers, current: Numbers): Result.Result<KsTest, StatisticsError> =>
  Result.flatMap(ksSorted(reference, current), (statistic) =>
    ksOf(statistic, reference.length, current.length),
  );

/**
 * The z-test that two proportions are equal, pooled: `successes` of `trials`, before and now. Its square is the
 * chi-square of the 2 x 2 table. Undefined variation (all successes, or none) gives z = 0 and p = 1.
 *
 * Source: Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions, 2003, section 3.1. Errors: `outOfRange`.
 *
 * @example
 * ```ts
 * import { HypothesisTest } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const test = Result.getOrThrow(
 *   HypothesisTest.proportions({ successes: 50, trials: 100 }, { successes: 30, trials: 100 })
 * )
 * test.statistic // 2.8868
 * ```
 */
export const proportions = (
  reference: { readonly successes: number; readonly trials: number },
  current: { readonly successes: number; readonly trials: number },
): Result.Result<TestResult, StatisticsError> => {
  for (const { successes, trials } of [reference, current]) {
    const bad =
      wholeAtLeast("proportions", "trials", trials, 1) ??
      wholeAtLeast("proportions", "successes", successes, 0) ??
      (successes <= trials
        ? undefined
        : problem(
            "proportions",
            "outOfRange",
            "successes",
            `${successes} successes of ${trials} trials`,
            "Pass counts of the same rows",
          ));
    if (bad !== undefined) return Result.fail(bad);
  }
  const [a, b] = [reference, current];
  const pooled = (a.successes + b.successes) / (a.trials + b.trials);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / a.trials + 1 / b.trials));
  const statistic =
    deviation === 0 ? 0 : (a.successes / a.trials - b.successes / b.trials) / deviation;
  return Result.succeed({ statistic, pValue: normalTwoTails(statistic) });
};

/** The outcome of a Mann–Whitney test. */
export interface MannWhitney extends TestResult {
  /** The effect size: the probability that a row of `current` exceeds one of `reference`, ties half. 0.5 if alike. */
  readonly superiority: number;
}

/**
 * The Mann–Whitney U test (Wilcoxon rank-sum) of two ascending samples, by the normal approximation with corrections
 * for ties and continuity, two-sided: good from about eight rows each. `statistic` is U of the first.
 *
 * Source: Mann & Whitney, Ann. Math. Statist. 18(1), 1947. Errors: `empty`, `notFinite` (NaN), `unsorted`,
 * `degenerate` (all values equal).
 *
 * @example
 * ```ts
 * import { HypothesisTest } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const test = Result.getOrThrow(HypothesisTest.mannWhitney([1, 2, 3], [4, 5, 6]))
 * test.superiority // 1
 * ```
 */
export const mannWhitney = (
  reference: Numbers,
  current: Numbers,
): Result.Result<MannWhitney, StatisticsError> => {
  const operation = "mannWhitney";
  for (const [name, values] of [
    ["reference", reference],
    ["current", current],
  ] as const) {
    const bad =
      notEmpty(operation, name, values) ??
      noNaN(operation, name, values) ??
      ascending(operation, name, values, false);
    if (bad !== undefined) return Result.fail(bad);
  }
  const [n, m] = [reference.length, current.length];
  const rows = n + m;
  let [i, j, statistic, ties] = [0, 0, 0, 0];
  while (i < n || j < m) {
    const x =
      i === n ? current[j]! : j === m ? reference[i]! : Math.min(reference[i]!, current[j]!);
    const [fromI, fromJ] = [i, j];
    while (i < n && reference[i] === x) i++;
    while (j < m && current[j] === x) j++;
    const [here, there] = [i - fromI, j - fromJ];
    statistic += here * (fromJ + there / 2);
    ties += (here + there) ** 3 - (here + there);
  }
  const variance = ((n * m) / 12) * (rows + 1 - ties / (rows * (rows - 1)));
  if (!(variance > 0)) {
    return Result.fail(
      problem(
        operation,
        "degenerate",
        "current",
        "all values are equal",
        "There is no order to compare",
      ),
    );
  }
  const distance = Math.max(0, Math.abs(statistic - (n * m) / 2) - 0.5);
  return Result.succeed({
    statistic,
    pValue: normalTwoTails(distance / Math.sqrt(variance)),
    superiority: 1 - statistic / (n * m),
  });
};

/**
 * Adjusts the p-values of many tests, so that the adjusted ones can be held against one level.
 *
 * - `bonferroni` and `holm` bound the probability of **any** false alarm; Holm is never weaker (Holm, Scand. J.
 *   Statist. 6(2), 1979).
 * - `benjamini-hochberg` bounds the expected **share** of false alarms among all alarms (Benjamini & Hochberg,
 *   J. R. Statist. Soc. B 57(1), 1995).
 *
 * In the order given. Errors: `notFinite`, `outOfRange` (outside [0, 1]). No p-values give none.
 *
 * @example
 * ```ts
 * import { HypothesisTest } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const adjusted = Result.getOrThrow(HypothesisTest.adjust([0.01, 0.04, 0.03], "holm")) // 0.03, 0.06, 0.06
 * ```
 */
export const adjust = (
  pValues: Numbers,
  method: "bonferroni" | "holm" | "benjamini-hochberg",
): Result.Result<Float64Array, StatisticsError> => {
  const bad = finite("adjust", "pValues", pValues);
  if (bad !== undefined) return Result.fail(bad);
  const tests = pValues.length;
  const outside = Array.from(pValues).findIndex((p) => p < 0 || p > 1);
  if (outside >= 0) {
    return Result.fail(
      problem(
        "adjust",
        "outOfRange",
        "pValues",
        `pValues[${outside}] is ${pValues[outside]}`,
        "Pass probabilities in [0, 1]",
        outside,
      ),
    );
  }
  const adjusted = new Float64Array(tests);
  if (method === "bonferroni") {
    for (let i = 0; i < tests; i++) adjusted[i] = Math.min(1, pValues[i]! * tests);
    return Result.succeed(adjusted);
  }
  const order = Array.from({ length: tests }, (_, i) => i).toSorted(
    (a, b) => pValues[a]! - pValues[b]!,
  );
  let last = method === "holm" ? 0 : 1;
  for (let step = 0; step < tests; step++) {
    const rank = method === "holm" ? step : tests - 1 - step;
    const at = order[rank]!;
    last =
      method === "holm"
        ? Math.max(last, Math.min(1, pValues[at]! * (tests - rank)))
        : Math.min(last, (pValues[at]! * tests) / (rank + 1));
    adjusted[at] = last;
  }
  return Result.succeed(adjusted);
};
