/** The codes of features that are categories. */
import { maximumCategories } from "./splitter.ts";
import type { Column, TrainingProblem } from "./trainingData.ts";

/** The distinct codes of the kept rows in order; `null` if there are more than a byte holds. */
const codesOf = (column: Column, keep: Int32Array | null): Float64Array | null => {
  const codes = new Set<number>();
  const rows = keep?.length ?? column.length;
  for (let i = 0; i < rows; i++) {
    const code = column[keep === null ? i : keep[i]!]!;
    if (code !== code || codes.has(code)) continue;
    if (codes.size === maximumCategories) return null;
    codes.add(code);
  }
  return Float64Array.from(codes).toSorted();
};

/** The codes of each feature, `null` for a number, and the features that have too many. */
export const findCodes = (
  features: ReadonlyArray<string>,
  columns: ReadonlyArray<Column>,
  categorical: ReadonlyArray<boolean>,
  keep: Int32Array | null,
) => {
  const problems: Array<TrainingProblem> = [];
  const codes = columns.map((column, j) => {
    if (!categorical[j]!) return null;
    const found = codesOf(column, keep);
    if (found === null) {
      problems.push({
        what: `more than ${maximumCategories} categories`,
        where: `training feature "${features[j]}"`,
        next: "Put rare categories together, encode it in a transformation (target mean, frequency), or leave it out of categorical.",
      });
    }
    return found;
  });
  return { codes, problems };
};
