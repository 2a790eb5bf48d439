// Tables of counts, rows by columns, for tests and measures of association.
import * as Result from "effect/Result";
import type { StatisticsError } from "../StatisticsError.ts";
import { masses, notEmpty, problem, type Numbers } from "./Check.ts";

/** A checked table without empty rows and columns, row by row. */
export interface Contingency {
  readonly rows: number;
  readonly columns: number;
  readonly counts: Float64Array;
  readonly rowTotals: Float64Array;
  readonly columnTotals: Float64Array;
  readonly total: number;
}

export const contingency = (
  operation: string,
  table: ReadonlyArray<Numbers>,
): Result.Result<Contingency, StatisticsError> => {
  const width = table[0]?.length ?? 0;
  const uneven = table.find((row) => row.length !== width);
  const bad =
    notEmpty(operation, "counts", table[0] ?? []) ??
    (uneven === undefined
      ? undefined
      : problem(
          operation,
          "lengthMismatch",
          "counts",
          `a row has ${uneven.length} counts where the first has ${width}`,
          "Count all rows of the table over the same categories",
        )) ??
    masses(
      operation,
      "counts",
      table.flatMap((row) => Array.from(row)),
    );
  if (bad !== undefined) return Result.fail(bad);
  const places = Array.from({ length: width }, (_, column) => column).filter((column) =>
    table.some((row) => row[column]! > 0),
  );
  const kept = table.filter((row) => places.some((column) => row[column]! > 0));
  const counts = Float64Array.from(kept.flatMap((row) => places.map((column) => row[column]!)));
  const rowTotals = new Float64Array(kept.length);
  const columnTotals = new Float64Array(places.length);
  let total = 0;
  counts.forEach((count, at) => {
    rowTotals[Math.floor(at / places.length)]! += count;
    columnTotals[at % places.length]! += count;
    total += count;
  });
  return Result.succeed({
    rows: kept.length,
    columns: places.length,
    counts,
    rowTotals,
    columnTotals,
    total,
  });
};

/** What a cell would count if rows and columns were independent. */
export const expectedCount = (table: Contingency, row: number, column: number): number =>
  (table.rowTotals[row]! * table.columnTotals[column]!) / table.total;
