/** Checks of single rows that a contract cannot express: a formula over several columns. */
import type { Contract, Finding } from "@ml-pipe/core";
import { Expr } from "@ml-pipe/data";

/**
 * A check of every row. A row for which the formula is false fails. Where it is null, because a column
 * of it is, the row does not fail; if it is null for every row, the check could not run.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import type { Validate } from "@ml-pipe/validate";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1.0.0", owner: "fleet", columns: { km: Column.float(), minutes: Column.float() },
 * });
 * const plausible: Validate.RowCheck<typeof Trip> = {
 *   name: "speed",
 *   expected: "at most 200 km/h",
 *   holds: ($) => $.km.dividedBy($.minutes.dividedBy(60)).lte(200),
 * };
 * ```
 */
export interface RowCheck<C extends Contract.Contract> {
  readonly name: string;
  readonly holds: ($: Expr.Columns<C>) => Expr.BooleanExpr;
  /** In words, for those who read the findings. */
  readonly expected: string;
  /** `fail`, the default, quarantines the rows; `warn` and `info` only report them. */
  readonly severity?: Finding.Severity;
}

/** A row check with its formula as data. */
export interface RowCheckSpec {
  readonly name: string;
  readonly expected: string;
  readonly severity: Finding.Severity;
  readonly ast: Expr.Ast;
}

/** Builds the formulas of a contract's row checks. Throws a `TypeError` if two share a name. */
export const specsOf = <C extends Contract.Contract>(
  contract: C,
  checks: ReadonlyArray<RowCheck<C>>,
): ReadonlyArray<RowCheckSpec> => {
  const $ = Expr.columns(contract);
  const names = new Set<string>();
  return checks.map(({ name, holds, expected, severity = "fail" }) => {
    if (names.has(name)) throw new TypeError(`validate: two row checks are named "${name}"`);
    names.add(name);
    const { ast } = holds($);
    const [history] = Expr.historiesOf(ast);
    if (history !== undefined) {
      throw new TypeError(`validate: the row check "${name}" uses a history, which no row has`);
    }
    return { name, expected, severity, ast };
  });
};
