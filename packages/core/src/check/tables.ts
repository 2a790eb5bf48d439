/** Checks of the table as a whole: its size, its columns, its age, and any figure in SQL. */
import * as Duration from "effect/Duration";
import type { OfAny, OfInstants, OfTable } from "./CheckSpec.ts";
import { type Limits, limits, make, type Options } from "./options.ts";

/**
 * The number of rows; with `where`, of those for which it is true.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.rowCount({ between: [1000, 5000], where: "country = 'DE'", name: "germany" });
 * ```
 */
export const rowCount = (options: Limits & Options): OfTable =>
  make("row-count", [], options, limits("rowCount", options));

/**
 * The number of rows divided by that of another table, such as the day before: 1 is as many.
 *
 * @example
 * ```ts
 * import { Check, Contract } from "@ml-pipe/core";
 *
 * const asMany = (yesterday: Contract.Contract) =>
 *   Check.rowCountRatio(yesterday, { between: [0.8, 1.25] });
 * ```
 */
export const rowCountRatio = (
  other: { readonly name: string },
  options: Limits & Options,
): OfTable =>
  make(
    "row-count-ratio",
    [],
    options,
    { contract: other.name, ...limits("rowCountRatio", options) },
    `.${other.name}`,
  );

/**
 * The number of columns in the file, also of those that the contract does not have.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.columnCount({ equals: 12 });
 * ```
 */
export const columnCount = (options: Limits & Options): OfTable =>
  make("column-count", [], options, limits("columnCount", options));

/**
 * The file has no column that the contract does not have.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.noOtherColumns({ severity: "warn" });
 * ```
 */
export const noOtherColumns = (options?: Options): OfTable => make("no-other-columns", [], options);

/**
 * The contract's columns come in its order in the file.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.columnOrder({ severity: "info" });
 * ```
 */
export const columnOrder = (options?: Options): OfTable => make("column-order", [], options);

/**
 * The share of rows that repeat an earlier one in all columns of the contract, or in some.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.duplicateShare(["user", "item"], { atMost: 0.001 });
 * ```
 */
export const duplicateShare = <const N extends string>(
  columns: ReadonlyArray<N>,
  options: Limits & Options,
): OfAny<N> => make("duplicate-share", columns, options, limits("duplicateShare", options));

/**
 * The newest instant that is not in the future is at most so old when the table is validated (`asOf`).
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.freshness("loadedAt", { atMost: "2 hours" });
 * ```
 */
export const freshness = <const N extends string>(
  column: N,
  options: { readonly atMost: Duration.Input } & Options,
): OfInstants<N> =>
  make("freshness", [column], options, {
    atMostMs: Duration.toMillis(Duration.fromInputUnsafe(options.atMost)),
  });

/**
 * The longest time between two instants that follow one another: an hour without rows shows here. It
 * takes a pass and sorts the column.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.longestGap("at", { atMost: "1 hour" });
 * ```
 */
export const longestGap = <const N extends string>(
  column: N,
  options: { readonly atMost: Duration.Input } & Options,
): OfInstants<N> =>
  make("longest-gap", [column], options, {
    atMostMs: Duration.toMillis(Duration.fromInputUnsafe(options.atMost)),
  });

/**
 * A figure in SQL (DuckDB) within limits: one expression of aggregates over the named columns, with
 * functions that depend on nothing but their arguments. No subquery, no file.
 *
 * @example
 * ```ts
 * import { Check } from "@ml-pipe/core";
 *
 * const check = Check.aggregate("late-share", ["delay"], "avg(CAST(delay > 15 AS INT))", { atMost: 0.3 });
 * ```
 */
export const aggregate = <const N extends string>(
  name: string,
  columns: ReadonlyArray<N>,
  expression: string,
  options: Limits & Omit<Options, "name">,
): OfAny<N> =>
  make("aggregate", columns, { ...options, name }, { expression, ...limits(name, options) });
