/** What several annotators said about the same items: the input of agreement and consensus. */
import * as Result from "effect/Result";
import {
  finite,
  notEmpty,
  parallel,
  problem,
  wholeAtLeast,
  type Numbers,
} from "./internal/Check.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/**
 * Ratings as parallel arrays, one element per rating, in any order: annotator `annotator[i]` gave item `item[i]` the
 * class `label[i]`. Items and annotators are any whole numbers; classes are 0 to `classes` - 1. Who did not rate an item
 * has no element for it: nothing is made up for a missing rating.
 */
export interface Ratings {
  readonly item: Numbers;
  readonly annotator: Numbers;
  readonly label: Numbers;
  /** How many classes there are, whether used or not. */
  readonly classes: number;
}

/** Ratings with items and annotators numbered from 0 in ascending order of their ids, sorted by item, then annotator. */
export interface ItemRatings {
  /** Ids by number. */
  readonly items: Float64Array;
  readonly annotators: Float64Array;
  readonly classes: number;
  /** The ratings of item u are those from `start[u]` to `start[u + 1]`. */
  readonly start: Int32Array;
  readonly annotator: Int32Array;
  readonly label: Int32Array;
}

/** Checks ratings and groups them by item: O(n log n) once, for all that is asked of them. */
export const byItem = (
  operation: string,
  ratings: Ratings,
): Result.Result<ItemRatings, StatisticsError> => {
  const bad = problemIn(operation, ratings);
  if (bad !== undefined) return Result.fail(bad);
  const items = distinct(ratings.item);
  const annotators = distinct(ratings.annotator);
  const itemOf = numbersOf(ratings.item, items);
  const annotatorOf = numbersOf(ratings.annotator, annotators);
  const order = Int32Array.from(itemOf.keys()).toSorted(
    (a, b) => itemOf[a]! - itemOf[b]! || annotatorOf[a]! - annotatorOf[b]! || a - b,
  );
  const start = new Int32Array(items.length + 1);
  for (const item of itemOf) start[item + 1]! += 1;
  for (let u = 0; u < items.length; u++) start[u + 1]! += start[u]!;
  return Result.succeed({
    items,
    annotators,
    classes: ratings.classes,
    start,
    annotator: order.map((row) => annotatorOf[row]!),
    label: order.map((row) => ratings.label[row]!),
  });
};

const distinct = (values: Numbers): Float64Array =>
  Float64Array.from(new Set(Array.from(values))).toSorted();

const numbersOf = (values: Numbers, ids: Float64Array): Int32Array => {
  const number = new Map(Array.from(ids, (id, index) => [id, index]));
  return Int32Array.from(values, (value) => number.get(value)!);
};

const problemIn = (operation: string, ratings: Ratings): StatisticsError | undefined => {
  const { item, annotator, label, classes } = ratings;
  const bad =
    notEmpty(operation, "item", item) ??
    parallel(operation, "item", item, "annotator", annotator) ??
    parallel(operation, "item", item, "label", label) ??
    finite(operation, "item", item) ??
    finite(operation, "annotator", annotator) ??
    wholeAtLeast(operation, "classes", classes, 1);
  if (bad !== undefined) return bad;
  for (let i = 0; i < label.length; i++) {
    if (Number.isInteger(label[i]) && label[i]! >= 0 && label[i]! < classes) continue;
    return problem(
      operation,
      "outOfRange",
      "label",
      `label[${i}] is ${label[i]}, not one of the classes 0 to ${classes - 1}`,
      "Leave out what an annotator did not rate, and number the classes from 0",
      i,
    );
  }
  return undefined;
};
