/** Checks of single rows by a typed formula over several columns. */
import type { Check, Contract } from "@ml-pipe/core";
import { Expr } from "@ml-pipe/data";
import * as Schema from "effect/Schema";

/**
 * A check of every row by a formula over the contract's columns, outcomes included. A row for which it
 * is false fails. Where it is null, because a column of it is, the row does not fail; if it is null for
 * every row, the check could not run. For a condition in SQL, see `Check.sql`.
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
export interface RowCheck<C extends Contract.Contract> extends Omit<Check.RowOptions, "name"> {
  readonly name: string;
  readonly holds: ($: Expr.Columns<C>) => Expr.BooleanExpr;
  /** In words, for those who read the findings. */
  readonly expected: string;
}

/** A check that a validation of tables under `C` takes. */
export type AnyCheck<C extends Contract.Contract> = Check.Check<Contract.Row<C>> | RowCheck<C>;

/** Checks as data, formulas included. Throws a `TypeError` if a formula uses a history. */
export const specsOf = <C extends Contract.Contract>(
  contract: C,
  checks: ReadonlyArray<AnyCheck<C>>,
): ReadonlyArray<Check.CheckSpec> => {
  const $ = Expr.columns(contract);
  return checks.map((check) => {
    if ("spec" in check) return check.spec;
    const { name, holds, expected, severity = "fail", ...about } = check;
    const { ast } = holds($);
    if (Expr.historiesOf(ast).length > 0) {
      throw new TypeError(`validate: the row check "${name}" uses a history, which no row has`);
    }
    const formula = Schema.encodeSync(Schema.toCodecJson(Expr.Ast))(ast);
    return {
      ...about,
      kind: "formula",
      name,
      columns: [...Expr.columnsOf(ast)],
      args: { expected, formula },
      severity,
    };
  });
};
