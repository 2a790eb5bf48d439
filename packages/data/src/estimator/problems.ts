/** What can be wrong with a model document that already has the right shape. */
import * as Schema from "effect/Schema";

/** One fault of a model document: what is wrong, and the path to it such as `trees[3].left[7]`. */
export const EstimatorProblem = Schema.Struct({ what: Schema.String, where: Schema.String });
/** See {@link EstimatorProblem}. */
export type EstimatorProblem = typeof EstimatorProblem.Type;

/** Takes note of a fault. */
export type Report = (where: string, what: string) => void;

/** Reports every list that does not have the expected length; whether all have it. */
export const sameLength = <K extends string>(
  holder: { readonly [P in K]: ReadonlyArray<unknown> },
  keys: ReadonlyArray<K>,
  expected: number,
  at: string,
  report: Report,
): boolean => {
  const wrong = keys.filter((key) => holder[key].length !== expected);
  for (const key of wrong) {
    report(`${at}${key}`, `${holder[key].length} entries where ${expected} are expected`);
  }
  return wrong.length === 0;
};

/** Reports every value that a list has more than once. */
export const distinct = (
  values: ReadonlyArray<string | number>,
  at: string,
  report: Report,
): void => {
  const seen = new Set<string | number>();
  for (const [i, value] of values.entries()) {
    if (seen.has(value)) report(`${at}[${i}]`, `${JSON.stringify(value)} is listed twice`);
    seen.add(value);
  }
};
