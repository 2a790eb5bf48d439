/** One label per item from several annotators, and how good each annotator is. On {@link Ratings}. */
import * as Result from "effect/Result";
import { problem, wholeAtLeast } from "./internal/Check.ts";
import { byItem, type ItemRatings, type Ratings } from "./Ratings.ts";
import type { StatisticsError } from "./StatisticsError.ts";

export type { Ratings } from "./Ratings.ts";

/** One label per item; parallel arrays in ascending order of the items' ids. */
export interface Consensus {
  readonly item: Float64Array;
  /** The class chosen; of classes that are equally good, the lowest: see {@link tied}. */
  readonly label: Int32Array;
  /** The share of votes, or the probability, of the class chosen. */
  readonly confidence: Float64Array;
  /** 1 where another class is equally good, so that a person should decide. */
  readonly tied: Uint8Array;
  /** Ratings of the item. */
  readonly ratings: Int32Array;
}

/**
 * The class that most annotators gave to each item. Errors: those of ratings (`empty`, `lengthMismatch`, `notFinite`,
 * `outOfRange`).
 *
 * @example
 * ```ts
 * import { Consensus } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const ratings = { item: [5, 5, 5], annotator: [1, 2, 3], label: [0, 1, 1], classes: 2 }
 * const { label } = Result.getOrThrow(Consensus.majority(ratings)) // [1]
 * ```
 */
export const majority = (ratings: Ratings): Result.Result<Consensus, StatisticsError> =>
  Result.map(byItem("majority", ratings), (grouped) => chosen(grouped, voteShares(grouped)));

/** A consensus by Dawid and Skene, and what it says of the annotators. */
export interface DawidSkene {
  readonly consensus: Consensus;
  /** Probability of class k for item u at `probability[u * classes + k]`. */
  readonly probability: Float64Array;
  /** The share of each class among the items. */
  readonly prior: Float64Array;
  readonly annotators: ReadonlyArray<AnnotatorQuality>;
  readonly iterations: number;
  /** Whether it came to rest before the limit of iterations. */
  readonly converged: boolean;
}

/** How good one annotator is. */
export interface AnnotatorQuality {
  readonly annotator: number;
  readonly ratings: number;
  /** `confusion[i][j]`: the probability that they say j of an item that is truly i. */
  readonly confusion: ReadonlyArray<ReadonlyArray<number>>;
  /** The probability that they are right about an item drawn at random. */
  readonly accuracy: number;
  /** Share of their ratings equal to the class that most others gave; null if no item has others who do not tie. */
  readonly agreesWithOthers: number | null;
}

/** When {@link dawidSkene} stops. */
export interface DawidSkeneOptions {
  /** Default 1000. */
  readonly maxIterations?: number;
  /** Stops when no probability of an item changes by more. Default 1e-8. */
  readonly tolerance?: number;
}

/** No probability is smaller than this, so that one surprising rating does not rule a class out for good. */
const floor = 1e-10;

/**
 * The consensus by Dawid and Skene: each annotator has a confusion matrix of their own, found together with the items'
 * classes by expectation maximisation, from the shares of votes. Careful annotators weigh more, and one who always
 * confuses two classes is read the other way round.
 *
 * It needs annotators with several items each; from few ratings it overfits, and `majority` is the better choice.
 * Source: Dawid & Skene, Applied Statistics 28(1), 1979. Errors as {@link majority}, and `outOfRange` (an option).
 *
 * @example
 * ```ts
 * import { Consensus } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const ratings = { item: [1, 1, 2, 2], annotator: [1, 2, 1, 2], label: [0, 0, 1, 1], classes: 2 }
 * const { prior } = Result.getOrThrow(Consensus.dawidSkene(ratings)) // [0.5, 0.5]
 * ```
 */
export const dawidSkene = (
  ratings: Ratings,
  options: DawidSkeneOptions = {},
): Result.Result<DawidSkene, StatisticsError> =>
  Result.flatMap(byItem("dawidSkene", ratings), (grouped) => {
    const { maxIterations = 1000, tolerance = 1e-8 } = options;
    const bad =
      wholeAtLeast("dawidSkene", "maxIterations", maxIterations, 1) ??
      (tolerance > 0 ? undefined : badTolerance(tolerance));
    return bad === undefined
      ? Result.succeed(estimate(grouped, maxIterations, tolerance))
      : Result.fail(bad);
  });

const badTolerance = (tolerance: number): StatisticsError =>
  problem(
    "dawidSkene",
    "outOfRange",
    "tolerance",
    `tolerance is ${tolerance}, a number above 0 is needed`,
    "Use 1e-8",
  );

const estimate = (grouped: ItemRatings, maxIterations: number, tolerance: number): DawidSkene => {
  let probability = voteShares(grouped);
  let iterations = 0;
  let change = Infinity;
  while (iterations < maxIterations && change > tolerance) {
    const next = expectation(
      grouped,
      priorOf(grouped, probability),
      errorsOf(grouped, probability),
    );
    change = next.reduce((most, p, at) => Math.max(most, Math.abs(p - probability[at]!)), 0);
    probability = next;
    iterations++;
  }
  const prior = priorOf(grouped, probability);
  const errors = errorsOf(grouped, probability);
  return {
    consensus: chosen(grouped, probability),
    probability,
    prior,
    annotators: qualities(grouped, prior, errors),
    iterations,
    converged: change <= tolerance,
  };
};

/** The share of votes for class k of item u at `[u * classes + k]`. */
const voteShares = ({ start, label, classes }: ItemRatings): Float64Array => {
  const shares = new Float64Array((start.length - 1) * classes);
  for (let u = 0; u + 1 < start.length; u++) {
    const each = 1 / (start[u + 1]! - start[u]!);
    for (let at = start[u]!; at < start[u + 1]!; at++) shares[u * classes + label[at]!]! += each;
  }
  return shares;
};

const priorOf = ({ start, classes }: ItemRatings, probability: Float64Array): Float64Array => {
  const prior = new Float64Array(classes);
  for (let at = 0; at < probability.length; at++) prior[at % classes]! += probability[at]!;
  return prior.map((sum) => sum / (start.length - 1));
};

/** The probability that annotator a says j of an item of class i, at `[(a * classes + i) * classes + j]`. */
const errorsOf = (grouped: ItemRatings, probability: Float64Array): Float64Array => {
  const { start, annotator, label, classes, annotators } = grouped;
  const errors = new Float64Array(annotators.length * classes * classes);
  for (let u = 0; u + 1 < start.length; u++) {
    for (let at = start[u]!; at < start[u + 1]!; at++) {
      const base = annotator[at]! * classes * classes + label[at]!;
      for (let i = 0; i < classes; i++)
        errors[base + i * classes]! += probability[u * classes + i]!;
    }
  }
  for (let row = 0; row < errors.length; row += classes) {
    let sum = 0;
    for (let j = 0; j < classes; j++) {
      errors[row + j] = Math.max(floor, errors[row + j]!);
      sum += errors[row + j]!;
    }
    for (let j = 0; j < classes; j++) errors[row + j]! /= sum;
  }
  return errors;
};

const expectation = (
  { start, annotator, label, classes }: ItemRatings,
  prior: Float64Array,
  errors: Float64Array,
): Float64Array => {
  const logs = errors.map(Math.log);
  const logPrior = prior.map((p) => Math.log(Math.max(floor, p)));
  const next = new Float64Array((start.length - 1) * classes);
  for (let u = 0; u + 1 < start.length; u++) {
    let most = -Infinity;
    for (let i = 0; i < classes; i++) {
      let log = logPrior[i]!;
      for (let at = start[u]!; at < start[u + 1]!; at++) {
        log += logs[(annotator[at]! * classes + i) * classes + label[at]!]!;
      }
      next[u * classes + i] = log;
      most = Math.max(most, log);
    }
    let sum = 0;
    for (let i = 0; i < classes; i++)
      sum += next[u * classes + i] = Math.exp(next[u * classes + i]! - most);
    for (let i = 0; i < classes; i++) next[u * classes + i]! /= sum;
  }
  return next;
};

/** Probabilities nearer than this count as equal. */
const equal = 1e-9;

const chosen = ({ items, start, classes }: ItemRatings, probability: Float64Array): Consensus => {
  const label = new Int32Array(items.length);
  const confidence = new Float64Array(items.length);
  const tied = new Uint8Array(items.length);
  for (let u = 0; u < items.length; u++) {
    for (let k = 0; k < classes; k++) {
      const p = probability[u * classes + k]!;
      if (p > confidence[u]! + equal) {
        label[u] = k;
        confidence[u] = p;
        tied[u] = 0;
      } else if (Math.abs(p - confidence[u]!) <= equal) tied[u] = 1;
    }
  }
  const ratings = Int32Array.from(items.keys(), (u) => start[u + 1]! - start[u]!);
  return { item: items, label, confidence, tied, ratings };
};

const qualities = (
  grouped: ItemRatings,
  prior: Float64Array,
  errors: Float64Array,
): ReadonlyArray<AnnotatorQuality> => {
  const { annotators, annotator, classes } = grouped;
  const counts = new Int32Array(annotators.length);
  for (const a of annotator) counts[a]! += 1;
  const agreement = agreementWithOthers(grouped);
  return Array.from(annotators, (id, a) => {
    const confusion = Array.from({ length: classes }, (_, i) =>
      Array.from(errors.subarray((a * classes + i) * classes, (a * classes + i + 1) * classes)),
    );
    return {
      annotator: id,
      ratings: counts[a]!,
      confusion,
      accuracy: confusion.reduce((sum, row, i) => sum + prior[i]! * row[i]!, 0),
      agreesWithOthers: Number.isNaN(agreement[a]!) ? null : agreement[a]!,
    };
  });
};

/** How often each annotator gives the class that most others gave; NaN where there are no others. */
const agreementWithOthers = (grouped: ItemRatings): Float64Array => {
  const { start, annotator, label, classes, annotators } = grouped;
  const same = new Float64Array(annotators.length);
  const compared = new Float64Array(annotators.length);
  const votes = new Int32Array(classes);
  for (let u = 0; u + 1 < start.length; u++) {
    for (let at = start[u]!; at < start[u + 1]!; at++) {
      votes.fill(0);
      for (let other = start[u]!; other < start[u + 1]!; other++) {
        if (annotator[other] !== annotator[at]) votes[label[other]!]! += 1;
      }
      const most = votes.reduce((max, n) => Math.max(max, n), 0);
      if (most === 0 || votes.filter((n) => n === most).length > 1) continue;
      compared[annotator[at]!]! += 1;
      if (votes[label[at]!] === most) same[annotator[at]!]! += 1;
    }
  }
  return same.map((n, a) => n / compared[a]!);
};
