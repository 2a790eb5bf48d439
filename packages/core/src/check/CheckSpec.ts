/** A check as data, and its type. */
import * as Schema from "effect/Schema";
import { Severity } from "../Finding.ts";

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

type Each<Names extends string, T> = { readonly [K in Names]: T | null };

/** A check of columns of any type. */
export type OfAny<Names extends string> = Check<{ readonly [K in Names]: unknown }>;
/** A check of columns of numbers. */
export type OfNumbers<Names extends string> = Check<Each<Names, number>>;
/** A check of columns of text. */
export type OfText<Names extends string> = Check<Each<Names, string>>;
/** A check of columns of instants. */
export type OfInstants<Names extends string> = Check<Each<Names, Date>>;
/** A check of columns of the type of a value, such as a limit. */
export type OfSame<Names extends string, T> = Check<Each<Names, Widened<T>>>;
/** A check of columns that are all numbers or all instants. */
export type OfOrdered<Names extends string> = Check<Each<Names, number> | Each<Names, Date>>;
/** A check of columns of the same type, whichever. */
export type OfAlike<Names extends string> = Check<
  Each<Names, number> | Each<Names, Date> | Each<Names, string> | Each<Names, boolean>
>;
/** A check of a table as a whole, whatever its columns. */
export type OfTable = Check<{}>;

/** The type of the column that has a value. */
export type Widened<T> = [T] extends [number]
  ? number
  : [T] extends [string]
    ? string
    : [T] extends [boolean]
      ? boolean
      : Date;
