// Input checks. Each returns the error, or undefined if the input is good, so that a caller reads
//   const bad = first(...) ?? second(...); if (bad !== undefined) return Result.fail(bad)
import type * as Result from "effect/Result";
import { StatisticsError, type StatisticsReason } from "../StatisticsError.ts";

/** Numbers by position: any typed array, or a plain array. */
export type Numbers = ArrayLike<number>;

export type Checked<A> = Result.Result<A, StatisticsError>;

export const problem = (
  operation: string,
  reason: StatisticsReason,
  argument: string,
  what: string,
  next: string,
  index?: number,
): StatisticsError => {
  const message = `${operation}: ${what}. ${next}`;
  return new StatisticsError(
    index === undefined
      ? { operation, reason, argument, message }
      : { operation, reason, argument, index, message },
  );
};

export const parallel = (
  operation: string,
  firstName: string,
  first: Numbers,
  secondName: string,
  second: Numbers,
): StatisticsError | undefined => {
  if (first.length !== second.length) {
    return problem(
      operation,
      "lengthMismatch",
      secondName,
      `${firstName} has ${first.length} elements but ${secondName} has ${second.length}`,
      "Pass two arrays of the same rows in the same order",
    );
  }
  return notEmpty(operation, firstName, first);
};

export const notEmpty = (
  operation: string,
  name: string,
  values: Numbers,
): StatisticsError | undefined =>
  values.length === 0
    ? problem(
        operation,
        "empty",
        name,
        `${name} is empty`,
        "Check the filter or split that selects the rows",
      )
    : undefined;

export const noNaN = (
  operation: string,
  name: string,
  values: Numbers,
): StatisticsError | undefined => {
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) {
      return problem(
        operation,
        "notFinite",
        name,
        `${name}[${i}] is NaN`,
        "Find out why it is missing, then impute it or drop the row on purpose",
        i,
      );
    }
  }
  return undefined;
};

export const finite = (
  operation: string,
  name: string,
  values: Numbers,
): StatisticsError | undefined => {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) {
      return problem(
        operation,
        "notFinite",
        name,
        `${name}[${i}] is ${values[i]!}, a finite number is needed`,
        "Find out why it is not finite, then impute it or drop the row on purpose",
        i,
      );
    }
  }
  return undefined;
};

export const probabilities = (
  operation: string,
  name: string,
  values: Numbers,
): StatisticsError | undefined => {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!(value >= 0 && value <= 1)) {
      return problem(
        operation,
        Number.isNaN(value) ? "notFinite" : "outOfRange",
        name,
        `${name}[${i}] is ${value}, a probability in [0, 1] is needed`,
        "Pass the model's probability of the positive class, not a raw score or logit",
        i,
      );
    }
  }
  return undefined;
};

export const binary = (
  operation: string,
  name: string,
  values: Numbers,
): StatisticsError | undefined => {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== 0 && value !== 1) {
      return problem(
        operation,
        "notBinary",
        name,
        `${name}[${i}] is ${value}, a label is 0 or 1`,
        "Encode the positive class as 1 and the other as 0, and drop unlabelled rows on purpose",
        i,
      );
    }
  }
  return undefined;
};

/** Non-negative, finite, and not all zero. */
export const masses = (
  operation: string,
  name: string,
  values: Numbers,
): StatisticsError | undefined => {
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      return problem(
        operation,
        "notFinite",
        name,
        `${name}[${i}] is ${value}, a finite number is needed`,
        "Check the query that produced it",
        i,
      );
    }
    if (value < 0) {
      return problem(
        operation,
        "negative",
        name,
        `${name}[${i}] is ${value}, it cannot be negative`,
        "Check the query that produced it",
        i,
      );
    }
    total += value;
  }
  return total > 0
    ? undefined
    : problem(
        operation,
        "allZero",
        name,
        `${name} sums to zero`,
        "There is nothing to compare: check that the rows exist",
      );
};

/** Scores (no NaN) against 0/1 labels of which both classes are present. */
export const rankable = (
  operation: string,
  scores: Numbers,
  labels: Numbers,
): StatisticsError | undefined =>
  parallel(operation, "scores", scores, "labels", labels) ??
  noNaN(operation, "scores", scores) ??
  binary(operation, "labels", labels) ??
  bothClasses(operation, labels);

export const bothClasses = (operation: string, labels: Numbers): StatisticsError | undefined => {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i]!;
  return positives > 0 && positives < labels.length
    ? undefined
    : problem(
        operation,
        "oneClass",
        "labels",
        `all ${labels.length} labels are ${positives === 0 ? 0 : 1}`,
        "A ranking needs at least one row of each class: take a larger or stratified sample, or use logLoss or brierScore",
      );
};

/** Probabilities against 0/1 labels. */
export const scored = (
  operation: string,
  probability: Numbers,
  labels: Numbers,
): StatisticsError | undefined =>
  parallel(operation, "probabilities", probability, "labels", labels) ??
  probabilities(operation, "probabilities", probability) ??
  binary(operation, "labels", labels);

/** A number strictly between 0 and 1. */
export const inUnit = (
  operation: string,
  name: string,
  value: number,
): StatisticsError | undefined =>
  value > 0 && value < 1
    ? undefined
    : problem(
        operation,
        "outOfRange",
        name,
        `${name} is ${value}, it lies strictly between 0 and 1`,
        "Use 0.95 for a 95 % level",
      );

/** A whole number of at least `least`. */
export const wholeAtLeast = (
  operation: string,
  name: string,
  value: number,
  least: number,
): StatisticsError | undefined =>
  Number.isSafeInteger(value) && value >= least
    ? undefined
    : problem(
        operation,
        "outOfRange",
        name,
        `${name} is ${value}, a whole number of at least ${least} is needed`,
        `Pass ${name} of ${least} or more`,
      );

/** Ascending (equal neighbours allowed unless `strictly`). */
export const ascending = (
  operation: string,
  name: string,
  values: Numbers,
  strictly: boolean,
): StatisticsError | undefined => {
  for (let i = 1; i < values.length; i++) {
    if (values[i]! < values[i - 1]! || (strictly && values[i] === values[i - 1])) {
      return problem(
        operation,
        "unsorted",
        name,
        `${name}[${i}] = ${values[i]!} follows ${values[i - 1]!}, the order must be ${strictly ? "strictly " : ""}ascending`,
        "Sort it first (Float64Array.sort, or ORDER BY in the query)",
        i,
      );
    }
  }
  return undefined;
};

/** Whole numbers from 0 to before `count`: which class a row is of. */
export const placesIn = (
  operation: string,
  name: string,
  values: Numbers,
  count: number,
): StatisticsError | undefined => {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isInteger(value) && value >= 0 && value < count) continue;
    return problem(
      operation,
      "outOfRange",
      name,
      `${name}[${i}] is ${value}, which is none of 0 to ${count - 1}`,
      "Number the classes from 0, and drop unlabelled rows on purpose",
      i,
    );
  }
  return undefined;
};
