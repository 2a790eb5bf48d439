/**
 * Checks: what must hold of a table beside the types, nulls and limits of its columns. A check is data:
 * a contract carries it to every team that relies on it, its digest covers it, and the stage that
 * validates compiles it into its scan.
 *
 * The type of a check names the columns that it reads and their types, so that a contract takes only
 * checks of columns that it has. Except where one says otherwise, nulls are left out, and a check that
 * no row or no value is left for could not run, which is a finding.
 */
export {
  type Check,
  CheckSpec,
  type OfAlike,
  type OfAny,
  type OfInstants,
  type OfNumbers,
  type OfOrdered,
  type OfSame,
  type OfTable,
  type OfText,
} from "./check/CheckSpec.ts";
export type { FigureLimits, Limits, Options, RelativeLimits, RowOptions } from "./check/options.ts";
export * from "./check/values.ts";
export * from "./check/rows.ts";
export * from "./check/comparisons.ts";
export * from "./check/statistics.ts";
export * from "./check/distribution.ts";
export * from "./check/tables.ts";
