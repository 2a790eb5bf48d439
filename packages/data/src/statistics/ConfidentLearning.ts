import * as Result from "effect/Result";
import { notEmpty, problem, type Numbers } from "./internal/Check.ts";
import { roundKeepingRowTotals } from "./internal/Rounding.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/**
 * Given labels with **out-of-sample** probabilities: `probabilities[k][i]` is the probability of class k for row i, by
 * a model that was not trained on row i; `labels[i]` is the index of its given class. A model that has seen a row agrees
 * with its label, right or wrong, and hides the error.
 */
export interface GivenLabels {
  readonly labels: Numbers;
  readonly probabilities: ReadonlyArray<Numbers>;
}

/** How issues are chosen; the names are those of cleanlab. */
export type IssueFilter =
  | "pruneByNoiseRate"
  | "pruneByClass"
  | "both"
  | "confidentLearning"
  | "predictedNotGiven"
  | "lowSelfConfidence"
  | "lowNormalizedMargin";

/** Sums of probabilities may differ from 1 by this much. */
const sumTolerance = 1e-3;
/** Probabilities nearer than this count as equal, as in cleanlab 2.9 (`FLOATING_POINT_COMPARISON`). */
const near = 1e-6;
/** The threshold of a class without rows: no probability reaches it. */
const unreachable = 2;

/**
 * The threshold of each class: the mean probability of class k over the rows labelled k. A row above it is confidently
 * of class k. A class without rows has the threshold 2, which nothing reaches.
 *
 * Source: Northcutt, Jiang & Chuang, "Confident learning", JAIR 70, 2021, equation 2; cleanlab
 * `get_confident_thresholds`. Errors: `empty`, `lengthMismatch`, `tooFew` (fewer than two classes, or more classes than
 * rows), `notFinite`, `outOfRange` (a probability, a label, or a row whose probabilities do not sum to 1), `oneClass`.
 *
 * @example
 * ```ts
 * import { ConfidentLearning } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const given = { labels: [0, 0, 1], probabilities: [[0.9, 0.7, 0.4], [0.1, 0.3, 0.6]] }
 * const thresholds = Result.getOrThrow(ConfidentLearning.thresholds(given)) // [0.8, 0.6]
 * ```
 */
export const thresholds = (given: GivenLabels): Result.Result<Float64Array, StatisticsError> =>
  checked("thresholds", given, thresholdsOf);

/**
 * The confident joint: `joint[i][j]` estimates how many rows labelled i are truly of class j. Its rows sum to the number
 * of rows with each label (`calibrate: false` gives the raw counts of confident rows instead, at least 1 on the
 * diagonal).
 *
 * Source: Northcutt et al. 2021, equations 1 and 3; cleanlab `compute_confident_joint`. Errors as {@link thresholds}.
 *
 * @example
 * ```ts
 * import { ConfidentLearning } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const given = { labels: [0, 0, 1, 1], probabilities: [[0.9, 0.1, 0.2, 0.1], [0.1, 0.9, 0.8, 0.9]] }
 * const joint = Result.getOrThrow(ConfidentLearning.confidentJoint(given)) // [[1, 1], [0, 2]]
 * ```
 */
export const confidentJoint = (
  given: GivenLabels,
  options: { readonly calibrate?: boolean } = {},
): Result.Result<ReadonlyArray<ReadonlyArray<number>>, StatisticsError> =>
  checked("confidentJoint", given, (rows) => {
    const { joint } = count(rows);
    return options.calibrate === false ? joint : calibrated(joint, rows);
  });

/**
 * Which labels are probably wrong: their row numbers, ascending. `pruneByNoiseRate`, the default, takes for each pair of
 * classes as many rows as the confident joint says are mislabelled so, those with the largest margin first; a row whose
 * label is also its most probable class is never an issue. Rows are told apart by their number where margins are equal.
 *
 * Source: Northcutt et al. 2021, section 3.2; cleanlab 2.9 `find_label_issues` with `frac_noise` 1 and
 * `min_examples_per_class` 1. Errors as {@link thresholds}.
 *
 * @example
 * ```ts
 * import { ConfidentLearning } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const given = { labels: [0, 0, 1, 1], probabilities: [[0.9, 0.1, 0.2, 0.1], [0.1, 0.9, 0.8, 0.9]] }
 * const issues = Result.getOrThrow(ConfidentLearning.findIssues(given)) // [1]
 * ```
 */
export const findIssues = (
  given: GivenLabels,
  filter: IssueFilter = "pruneByNoiseRate",
): Result.Result<Int32Array, StatisticsError> =>
  checked("findIssues", given, (rows) => {
    const isIssue = chosen(rows, filter);
    const ranked = filter === "lowSelfConfidence" || filter === "lowNormalizedMargin";
    if (!ranked) dropAgreeing(rows, isIssue);
    return Int32Array.from(numbersWhere(isIssue));
  });

/** Scores of how credible each given label is: 0 certainly wrong, 1 certainly right. */
export interface LabelQuality {
  /** The probability of the given class. */
  readonly selfConfidence: Float64Array;
  /** (p(given) - the largest other probability + 1) / 2. */
  readonly normalizedMargin: Float64Array;
  /** The class other than the given one that is most probable. */
  readonly suggested: Int32Array;
}

/**
 * How credible each given label is. Source: Kuan & Mueller, "Model-agnostic label quality scoring", ICML DataPerf 2022;
 * cleanlab `get_label_quality_scores`. Errors as {@link thresholds}.
 *
 * @example
 * ```ts
 * import { ConfidentLearning } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const given = { labels: [0, 1], probabilities: [[0.9, 0.4], [0.1, 0.6]] }
 * const scores = Result.getOrThrow(ConfidentLearning.quality(given)).normalizedMargin // [0.9, 0.6]
 * ```
 */
export const quality = (given: GivenLabels): Result.Result<LabelQuality, StatisticsError> =>
  checked("quality", given, qualityOf);

/** Rows that passed the checks of {@link checked}. */
type Rows = GivenLabels;

const thresholdsOf = ({ labels, probabilities }: Rows): Float64Array => {
  const sums = new Float64Array(probabilities.length);
  const counts = new Float64Array(probabilities.length);
  for (let i = 0; i < labels.length; i++) {
    const k = labels[i]!;
    sums[k]! += probabilities[k]![i]!;
    counts[k]! += 1;
  }
  return sums.map((sum, k) =>
    counts[k] === 0 ? unreachable : Math.max(2 * near, sum / counts[k]!),
  );
};

/** The raw confident joint, and the rows that it counts off its diagonal. */
const count = (
  rows: Rows,
): { readonly joint: ReadonlyArray<ReadonlyArray<number>>; readonly offDiagonal: Uint8Array } => {
  const { labels, probabilities } = rows;
  const limits = thresholdsOf(rows);
  const joint = probabilities.map(() => Array.from(probabilities, () => 0));
  const offDiagonal = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    let confident = -1;
    let several = false;
    for (const [k, column] of probabilities.entries()) {
      if (column[i]! < limits[k]! - near) continue;
      several = confident >= 0;
      if (confident < 0) confident = k;
    }
    if (confident < 0) continue;
    const guess = several ? argmax(probabilities, i) : confident;
    joint[labels[i]!]![guess]! += 1;
    if (guess !== labels[i]) offDiagonal[i] = 1;
  }
  for (const [k, row] of joint.entries()) row[k] = Math.max(1, row[k]!);
  return { joint, offDiagonal };
};

const calibrated = (
  joint: ReadonlyArray<ReadonlyArray<number>>,
  { labels }: Rows,
): ReadonlyArray<ReadonlyArray<number>> => {
  const counts = new Float64Array(joint.length);
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]! += 1;
  const scaled = joint.map((row, k) => {
    const sum = row.reduce((total, one) => total + one, 0);
    return row.map((one) => (one / sum) * counts[k]!);
  });
  return roundKeepingRowTotals(scaled);
};

const argmax = (probabilities: ReadonlyArray<Numbers>, row: number, bonusFor = -1): number => {
  let best = 0;
  let most = -Infinity;
  for (const [k, column] of probabilities.entries()) {
    const p = column[row]! + (k === bonusFor ? near : 0);
    if (p > most) {
      most = p;
      best = k;
    }
  }
  return best;
};

/** A row whose given class is its most probable one, or as good as that, is no issue. */
const dropAgreeing = ({ labels, probabilities }: Rows, isIssue: Uint8Array): void => {
  for (let i = 0; i < labels.length; i++) {
    if (isIssue[i] === 1 && argmax(probabilities, i, labels[i]!) === labels[i]) isIssue[i] = 0;
  }
};

const chosen = (rows: Rows, filter: IssueFilter): Uint8Array => {
  const { labels, probabilities } = rows;
  switch (filter) {
    case "pruneByNoiseRate":
      return pruned(rows, "noiseRate");
    case "pruneByClass":
      return pruned(rows, "class");
    case "both": {
      const byClass = pruned(rows, "class");
      return pruned(rows, "noiseRate").map((one, i) => one & byClass[i]!);
    }
    case "confidentLearning":
      return count(rows).offDiagonal;
    case "predictedNotGiven":
      return Uint8Array.from(labels, (label, i) => (argmax(probabilities, i) === label ? 0 : 1));
    case "lowSelfConfidence":
    case "lowNormalizedMargin": {
      const { selfConfidence, normalizedMargin } = qualityOf(rows);
      const issues = count(rows).offDiagonal;
      dropAgreeing(rows, issues);
      const number = issues.reduce((sum, one) => sum + one, 0);
      return lowest(filter === "lowSelfConfidence" ? selfConfidence : normalizedMargin, number);
    }
  }
};

const lowest = (scores: Float64Array, number: number): Uint8Array => {
  const marks = new Uint8Array(scores.length);
  for (const row of orderBy(scores).subarray(0, number)) marks[row] = 1;
  return marks;
};

/** Row numbers by ascending value, ties in the order of rows. */
const orderBy = (values: Float64Array): Int32Array =>
  Int32Array.from(values.keys()).toSorted((a, b) => values[a]! - values[b]! || a - b);

/** How many rows labelled k are truly of class j, leaving at least one row right in each class. */
const pruneCounts = (rows: Rows): ReadonlyArray<ReadonlyArray<number>> =>
  calibrated(count(rows).joint, rows).map((row, k) => {
    const missing = Math.max(0, 1 - row[k]!);
    const others = Math.max(1, row.filter((one) => one !== 0).length - 1);
    const reduced = row.map((one, j) =>
      j === k ? Math.max(1, one) : Math.trunc(Math.max(0, one - missing / others)),
    );
    return reduced;
  });

const pruned = (rows: Rows, by: "noiseRate" | "class"): Uint8Array => {
  const { labels, probabilities } = rows;
  const counts = pruneCounts(rows);
  const isIssue = new Uint8Array(labels.length);
  const rowsOf = probabilities.map((): Array<number> => []);
  for (let i = 0; i < labels.length; i++) rowsOf[labels[i]!]!.push(i);
  for (const [k, members] of rowsOf.entries()) {
    if (members.length <= 1) continue;
    const own = probabilities[k]!;
    const mark = (badness: (row: number) => number, number: number) => {
      const order = orderBy(Float64Array.from(members, badness));
      for (const index of order.subarray(0, number)) isIssue[members[index]!] = 1;
    };
    if (by === "class") {
      const wrong = members.length - counts[k]![k]!;
      if (wrong >= 1) mark((row) => own[row]!, wrong);
      continue;
    }
    for (const [j, other] of probabilities.entries()) {
      const wrong = counts[k]![j]!;
      if (j !== k && wrong > 0) mark((row) => own[row]! - other[row]!, wrong);
    }
  }
  return isIssue;
};

const qualityOf = ({ labels, probabilities }: Rows): LabelQuality => {
  const selfConfidence = new Float64Array(labels.length);
  const normalizedMargin = new Float64Array(labels.length);
  const suggested = new Int32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const own = probabilities[labels[i]!]![i]!;
    let most = -Infinity;
    for (const [k, column] of probabilities.entries()) {
      if (k === labels[i] || !(column[i]! > most)) continue;
      most = column[i]!;
      suggested[i] = k;
    }
    selfConfidence[i] = own;
    normalizedMargin[i] = (own - most + 1) / 2;
  }
  return { selfConfidence, normalizedMargin, suggested };
};

const numbersWhere = (marks: Uint8Array): ReadonlyArray<number> => {
  const numbers: Array<number> = [];
  for (let i = 0; i < marks.length; i++) if (marks[i] === 1) numbers.push(i);
  return numbers;
};

const checked = <A>(
  operation: string,
  given: GivenLabels,
  compute: (rows: Rows) => A,
): Result.Result<A, StatisticsError> => {
  const bad = problemIn(operation, given);
  return bad === undefined ? Result.succeed(compute(given)) : Result.fail(bad);
};

const problemIn = (operation: string, given: GivenLabels): StatisticsError | undefined => {
  const { labels, probabilities } = given;
  const classes = probabilities.length;
  const empty = notEmpty(operation, "labels", labels);
  if (empty !== undefined) return empty;
  if (classes < 2 || classes > labels.length) {
    return problem(
      operation,
      "tooFew",
      "probabilities",
      `${classes} classes for ${labels.length} rows`,
      "Two classes and as many rows as classes are the least; give one array of probabilities per class",
    );
  }
  const uneven = probabilities.findIndex((column) => column.length !== labels.length);
  if (uneven >= 0) {
    return problem(
      operation,
      "lengthMismatch",
      "probabilities",
      `class ${uneven} has ${probabilities[uneven]!.length} probabilities for ${labels.length} labels`,
      "Give one probability per class and row",
    );
  }
  let first = labels[0];
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      return problem(
        operation,
        "outOfRange",
        "labels",
        `labels[${i}] is ${label}, not one of the classes 0 to ${classes - 1}`,
        "Leave out rows without a label on purpose, and number the classes from 0",
        i,
      );
    }
    if (label !== first) first = undefined;
    let sum = 0;
    for (const column of probabilities) {
      const p = column[i]!;
      if (!(p >= 0 && p <= 1)) {
        return problem(
          operation,
          Number.isFinite(p) ? "outOfRange" : "notFinite",
          "probabilities",
          `a probability of row ${i} is ${p}, it lies in [0, 1]`,
          "Pass class probabilities of a model that was not trained on the row",
          i,
        );
      }
      sum += p;
    }
    if (Math.abs(sum - 1) > sumTolerance) {
      return problem(
        operation,
        "outOfRange",
        "probabilities",
        `the probabilities of row ${i} sum to ${sum}, not to 1`,
        "Give the probabilities of all classes: for two classes p and 1 - p",
        i,
      );
    }
  }
  return first === undefined
    ? undefined
    : problem(
        operation,
        "oneClass",
        "labels",
        `all ${labels.length} labels are ${first}`,
        "There is nothing to confuse one class with: check the label's definition and the split",
      );
};
