/**
 * Checks: what must hold of a table beside the types, nulls and limits of its columns. A check is data:
 * a contract carries it to every team that relies on it, its digest covers it, and the stage that
 * validates compiles it into its scan.
 *
 * The type of a check names the columns that it reads and their types, so that a contract takes only
 * checks of columns that it has.
 */
import * as Schema from "effect/Schema";
import { Severity } from "./Finding.ts";

/** A check as data: stored with its contract and shown with its findings. */
export const CheckSpec = Schema.Struct({
  /** What is checked, such as `mean`. */
  kind: Schema.String,
  /** Unique in a table; default: the columns and the kind, such as `delay.mean`. */
  name: Schema.String,
  /** The columns that it reads, in the order that the kind gives them a meaning. */
  columns: Schema.Array(Schema.String),
  /** Limits and other parameters of the kind. */
  args: Schema.Record(Schema.String, Schema.Json),
  /** The share of the rows (0 to 1) that must pass, for checks of single rows. Default: all. */
  mostly: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  /** A condition in SQL: the check is about the rows for which it is true. Default: all. */
  where: Schema.optionalKey(Schema.String),
  severity: Severity,
  /** The team that answers for its findings, where that is not the contract's owner. */
  owner: Schema.optionalKey(Schema.String),
  /** Why it matters, for those who read the findings. */
  description: Schema.optionalKey(Schema.String),
});
/** See {@link CheckSpec}. */
export type CheckSpec = typeof CheckSpec.Type;

/**
 * A check of tables with at least the columns of `Row`.
 *
 * @typeParam Row - the columns that it reads, with their types: `{ delay: number | null }`
 */
export interface Check<in Row> {
  readonly spec: CheckSpec;
  /** Only for the compiler. */
  readonly "~row"?: (row: Row) => void;
}
