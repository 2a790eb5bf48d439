import * as Result from "effect/Result";
import {
  expectedCalibrationError as expectedCalibrationErrorOf,
  reliability,
  type ReliabilityBin,
  type ReliabilityOptions,
} from "./Calibration.ts";
import { rocAuc } from "./Classification.ts";
import {
  masses,
  notEmpty,
  placesIn,
  problem,
  wholeAtLeast,
  type Numbers,
} from "./internal/Check.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/**
 * Probabilities of several classes: row by row, one for each class, `probabilities[row · classes + class]`. `labels`
 * are the classes that rows turned out to be, from 0.
 */
export interface Scored {
  readonly probabilities: Numbers;
  readonly labels: Numbers;
  readonly classes: number;
}

/**
 * Log loss, in nats per row: minus the mean log probability given to the class that it turned out to be, clipped to
 * the float64 epsilon as scikit-learn does.
 *
 * Source: Good, JRSS B 14(1), 1952. Errors: `empty`, `lengthMismatch`, `notFinite`, `outOfRange` (a probability; the
 * probabilities of a row that do not sum to 1 within 1e-6; a label that is no class).
 *
 * @example
 * ```ts
 * import { Multiclass } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const probabilities = [0.8, 0.1, 0.1, 0.2, 0.2, 0.6]
 * const loss = Result.getOrThrow(Multiclass.logLoss({ probabilities, labels: [0, 2], classes: 3 })) // 0.367
 * ```
 */
export const logLoss = (scored: Scored): Result.Result<number, StatisticsError> => {
  const bad = checked("logLoss", scored);
  if (bad !== undefined) return Result.fail(bad);
  const { probabilities, labels, classes } = scored;
  const least = Number.EPSILON;
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    const p = probabilities[row * classes + labels[row]!]!;
    sum -= Math.log(Math.min(Math.max(p, least), 1 - least));
  }
  return Result.succeed(sum / labels.length);
};

/**
 * Brier score as Brier wrote it: the mean over rows of the sum over classes of the squared difference of probability
 * and outcome, from 0 to 2. For two classes, twice `Classification.brierScore`.
 *
 * Source: Brier, Monthly Weather Review 78(1), 1950. Errors as {@link logLoss}.
 *
 * @example
 * ```ts
 * import { Multiclass } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const probabilities = [0.8, 0.1, 0.1, 0.2, 0.2, 0.6]
 * const brier = Result.getOrThrow(Multiclass.brierScore({ probabilities, labels: [0, 2], classes: 3 })) // 0.15
 * ```
 */
export const brierScore = (scored: Scored): Result.Result<number, StatisticsError> => {
  const bad = checked("brierScore", scored);
  if (bad !== undefined) return Result.fail(bad);
  const { probabilities, labels, classes } = scored;
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    for (let one = 0; one < classes; one++) {
      sum += (probabilities[row * classes + one]! - (labels[row] === one ? 1 : 0)) ** 2;
    }
  }
  return Result.succeed(sum / labels.length);
};

/**
 * The share of rows whose class is among the `k` most probable. Where classes are equally probable at the edge, the
 * row counts as wrong if its class is one of them and not all of them fit: a tie is no knowledge.
 *
 * Errors as {@link logLoss}, and `outOfRange` for `k`.
 *
 * @example
 * ```ts
 * import { Multiclass } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const probabilities = [0.8, 0.1, 0.1, 0.2, 0.3, 0.5]
 * const second = Result.getOrThrow(Multiclass.topK({ probabilities, labels: [0, 1], classes: 3 }, 2)) // 1
 * ```
 */
export const topK = (scored: Scored, k: number): Result.Result<number, StatisticsError> => {
  const bad = wholeAtLeast("topK", "k", k, 1) ?? checked("topK", scored);
  if (bad !== undefined) return Result.fail(bad);
  const { probabilities, labels, classes } = scored;
  let right = 0;
  for (let row = 0; row < labels.length; row++) {
    const own = probabilities[row * classes + labels[row]!]!;
    let ahead = -1;
    for (let one = 0; one < classes; one++) {
      if (probabilities[row * classes + one]! >= own) ahead++;
    }
    if (ahead < k) right++;
  }
  return Result.succeed(right / labels.length);
};

/** The area under the ROC curve of each class against all others; null for a class that has no row, or all. */
export interface OneVsRest {
  readonly perClass: ReadonlyArray<number | null>;
  /** Mean over the classes that have one. */
  readonly macro: number | null;
  /** Mean weighted by the rows of each class. */
  readonly weighted: number | null;
}

/**
 * One-vs-rest ROC AUC: how well each class's probability puts its own rows before all others.
 *
 * Source: Provost & Domingos, CeDER working paper IS-00-04, 2000; scikit-learn's `multi_class="ovr"`. Errors as
 * {@link logLoss}.
 *
 * @example
 * ```ts
 * import { Multiclass } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const probabilities = [0.8, 0.1, 0.1, 0.2, 0.2, 0.6, 0.1, 0.7, 0.2]
 * const { macro } = Result.getOrThrow(Multiclass.oneVsRestAuc({ probabilities, labels: [0, 2, 1], classes: 3 })) // 1
 * ```
 */
export const oneVsRestAuc = (scored: Scored): Result.Result<OneVsRest, StatisticsError> => {
  const bad = checked("oneVsRestAuc", scored);
  if (bad !== undefined) return Result.fail(bad);
  const { labels, classes } = scored;
  const rowsOf = countsOf(labels, classes);
  const perClass = rowsOf.map((_, one) => {
    const own = versusRest(scored, one);
    const auc = rocAuc(own.probabilities, own.labels);
    return Result.isSuccess(auc) ? auc.success : null;
  });
  const present = perClass.flatMap((auc, one) =>
    auc === null ? [] : [{ auc, rows: rowsOf[one] ?? 0 }],
  );
  const rows = present.reduce((sum, one) => sum + one.rows, 0);
  const mean = (weight: (rows: number) => number, total: number): number | null =>
    present.length === 0
      ? null
      : present.reduce((sum, one) => sum + one.auc * weight(one.rows), 0) / total;
  return Result.succeed({
    perClass,
    macro: mean(() => 1, present.length),
    weighted: mean((own) => own, rows),
  });
};

/** The calibration table of one class against all others: see `Classification.reliability`. */
export const classReliability = (
  scored: Scored,
  one: number,
  options: ReliabilityOptions = {},
): Result.Result<ReadonlyArray<ReliabilityBin>, StatisticsError> => {
  const bad = checked("classReliability", scored);
  if (bad !== undefined) return Result.fail(bad);
  const { probabilities, labels } = versusRest(scored, one);
  return reliability(probabilities, labels, options);
};

/**
 * Expected calibration error of the most probable class: the mean over rows of |confidence − share that is right| of
 * their bin, in [0, 1].
 *
 * Source: Guo et al., ICML 2017. Errors as {@link logLoss}.
 *
 * @example
 * ```ts
 * import { Multiclass } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const probabilities = [0.8, 0.1, 0.1, 0.2, 0.2, 0.6]
 * const error = Result.getOrThrow(
 *   Multiclass.expectedCalibrationError({ probabilities, labels: [0, 2], classes: 3 })
 * ) // 0.3
 * ```
 */
export const expectedCalibrationError = (
  scored: Scored,
  options: ReliabilityOptions = {},
): Result.Result<number, StatisticsError> => {
  const bad = checked("expectedCalibrationError", scored);
  if (bad !== undefined) return Result.fail(bad);
  const { probabilities, labels, classes } = scored;
  const confidence = new Float64Array(labels.length);
  const right = new Uint8Array(labels.length);
  for (let row = 0; row < labels.length; row++) {
    let best = 0;
    for (let one = 1; one < classes; one++) {
      if (probabilities[row * classes + one]! > probabilities[row * classes + best]!) best = one;
    }
    confidence[row] = probabilities[row * classes + best]!;
    right[row] = Number(best === labels[row]);
  }
  return expectedCalibrationErrorOf(confidence, right, options);
};

/**
 * What was chosen for rows of each class: `table[actual · choices + chosen]` rows. There may be more choices than
 * classes, such as to ask a person.
 *
 * Errors: `empty`, `lengthMismatch`, `outOfRange` (a label or a choice that is none).
 *
 * @example
 * ```ts
 * import { Multiclass } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const table = Result.getOrThrow(
 *   Multiclass.confusion({ chosen: [0, 1, 1], labels: [0, 0, 1], classes: 2, choices: 2 })
 * ) // [1, 1, 0, 1]
 * ```
 */
export const confusion = (decided: {
  readonly chosen: Numbers;
  readonly labels: Numbers;
  readonly classes: number;
  readonly choices: number;
}): Result.Result<Float64Array, StatisticsError> => {
  const { chosen, labels, classes, choices } = decided;
  const bad =
    notEmpty("confusion", "labels", labels) ??
    (chosen.length === labels.length
      ? undefined
      : mismatch("confusion", "chosen", `${chosen.length} choices`, labels.length)) ??
    placesIn("confusion", "labels", labels, classes) ??
    placesIn("confusion", "chosen", chosen, choices);
  if (bad !== undefined) return Result.fail(bad);
  const table = new Float64Array(classes * choices);
  for (let row = 0; row < labels.length; row++) table[labels[row]! * choices + chosen[row]!]! += 1;
  return Result.succeed(table);
};

/** Rates of one class; null where the definition divides zero by zero. */
export interface ClassRates {
  /** Rows of the class. */
  readonly rows: number;
  /** Rows for which it was chosen. */
  readonly chosen: number;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
}

/** Rates of a square confusion table. */
export interface Rates {
  /** Right choices among all: also micro-averaged precision, recall and F1. */
  readonly accuracy: number;
  /** Mean recall of the classes that have rows. */
  readonly balancedAccuracy: number;
  /** Mean F1 of the classes that have rows or were chosen, one that is undefined counting as 0. */
  readonly macroF1: number;
  /** Mean F1 weighted by the rows of each class. */
  readonly weightedF1: number;
  /** Matthews' correlation of choice and class, −1 to 1; null where only one class occurs, or only one was chosen. */
  readonly matthews: number | null;
  /** Cohen's kappa of choice and class; null where chance explains all. */
  readonly kappa: number | null;
  readonly perClass: ReadonlyArray<ClassRates>;
}

/**
 * Accuracy, F1, Matthews' correlation and kappa of a confusion table of `classes` × `classes`.
 *
 * Sources: van Rijsbergen, Information Retrieval, 1979; Gorodkin, Comput. Biol. Chem. 28(5–6), 2004 (Matthews for
 * several classes); Cohen, Educ. Psychol. Meas. 20(1), 1960. Errors: `outOfRange` (not square), `notFinite`,
 * `negative`, `allZero`.
 *
 * @example
 * ```ts
 * import { Multiclass } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const rates = Result.getOrThrow(Multiclass.rates([8, 2, 1, 9], 2))
 * rates.accuracy // 0.85
 * ```
 */
export const rates = (table: Numbers, classes: number): Result.Result<Rates, StatisticsError> => {
  const bad =
    (table.length === classes * classes
      ? undefined
      : mismatch("rates", "table", `${table.length} cells`, classes * classes)) ??
    masses("rates", "table", table);
  return bad === undefined ? Result.succeed(ratesOf(table, classes)) : Result.fail(bad);
};

const ratesOf = (table: Numbers, classes: number): Rates => {
  const own = Array.from({ length: classes }, (_, one) => {
    let [rows, chosen] = [0, 0];
    for (let other = 0; other < classes; other++) {
      rows += table[one * classes + other]!;
      chosen += table[other * classes + one]!;
    }
    return { rows, chosen, right: table[one * classes + one]! };
  });
  const total = own.reduce((sum, { rows }) => sum + rows, 0);
  const right = own.reduce((sum, one) => sum + one.right, 0);
  const perClass = own.map(({ rows, chosen, right: hits }): ClassRates => ({
    rows,
    chosen,
    precision: share(hits, chosen),
    recall: share(hits, rows),
    f1: share(2 * hits, rows + chosen),
  }));
  const recalls = perClass.flatMap(({ recall }) => (recall === null ? [] : [recall]));
  const scores = perClass.flatMap(({ f1 }) => (f1 === null ? [] : [f1]));
  const together = own.reduce((sum, { rows, chosen }) => sum + rows * chosen, 0);
  const ofRows = total ** 2 - own.reduce((sum, { rows }) => sum + rows ** 2, 0);
  const ofChosen = total ** 2 - own.reduce((sum, { chosen }) => sum + chosen ** 2, 0);
  return {
    accuracy: right / total,
    balancedAccuracy: mean(recalls),
    macroF1: mean(scores),
    weightedF1: perClass.reduce((sum, { rows, f1 }) => sum + rows * (f1 ?? 0), 0) / total,
    matthews: share(right * total - together, Math.sqrt(ofRows * ofChosen)),
    kappa: share(right * total - together, total ** 2 - together),
    perClass,
  };
};

const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, one) => sum + one, 0) / values.length;

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

const countsOf = (labels: Numbers, classes: number): Array<number> => {
  const counts = Array.from({ length: classes }, () => 0);
  for (let row = 0; row < labels.length; row++) counts[labels[row]!]! += 1;
  return counts;
};

/** One class's probability, and whether a row is of it. */
const versusRest = ({ probabilities, labels, classes }: Scored, one: number) => ({
  probabilities: Float64Array.from(
    { length: labels.length },
    (_, row) => probabilities[row * classes + one]!,
  ),
  labels: Uint8Array.from({ length: labels.length }, (_, row) => Number(labels[row] === one)),
});

/** How far the probabilities of a row may sum to something else than 1: sums of float32 are that far off. */
const roundoff = 1e-6;

const checked = (
  operation: string,
  { probabilities, labels, classes }: Scored,
): StatisticsError | undefined => {
  const bad =
    wholeAtLeast(operation, "classes", classes, 2) ??
    notEmpty(operation, "labels", labels) ??
    (probabilities.length === labels.length * classes
      ? undefined
      : mismatch(
          operation,
          "probabilities",
          `${probabilities.length} probabilities`,
          labels.length * classes,
        )) ??
    placesIn(operation, "labels", labels, classes);
  if (bad !== undefined) return bad;
  for (let row = 0; row < labels.length; row++) {
    let sum = 0;
    let least = 0;
    for (let at = row * classes; at < (row + 1) * classes; at++) {
      sum += probabilities[at]!;
      least = Math.min(least, probabilities[at]!);
    }
    if (least >= 0 && Math.abs(sum - 1) <= roundoff) continue;
    return problem(
      operation,
      Number.isNaN(sum) ? "notFinite" : "outOfRange",
      "probabilities",
      least < 0
        ? `a probability of row ${row} is ${least}`
        : `the probabilities of row ${row} sum to ${sum}`,
      "Pass one probability for each class, row by row, which sum to 1",
      row,
    );
  }
  return undefined;
};

const mismatch = (operation: string, name: string, found: string, expected: number) =>
  problem(
    operation,
    "lengthMismatch",
    name,
    `${found} where ${expected} are needed`,
    "Pass arrays of the same rows in the same order",
  );
