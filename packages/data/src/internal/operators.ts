/**
 * What each operator means, in both compilers side by side. SQL arguments arrive as complete
 * expressions; closures never see null (the compiler handles it) except where `nulls` says so.
 */
import type { OperatorName } from "../Expr.ts";

/** A value at run time: instants are epoch milliseconds. */
export type Scalar = number | string | boolean | null;

interface Operator {
  readonly sql: (...args: ReadonlyArray<string>) => string;
  /** Called with non-null arguments, unless `nulls` is set. */
  readonly js: (...args: ReadonlyArray<never>) => Scalar;
  /** The operator decides about null itself. */
  readonly nulls?: true;
}

const infix = (symbol: string) => (a = "", b = "") => `(${a} ${symbol} ${b})`;
const finiteSql = (sql: string) => `(CASE WHEN isfinite(${sql}) THEN ${sql} END)`;
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const minuteMs = 60_000;
const dayMs = 86_400_000;
const modulo = (value: number, by: number) => ((value % by) + by) % by;

/** The operators by name. */
export const operators: { readonly [name in OperatorName]: Operator } = {
  add: {
    sql: (a, b) => finiteSql(infix("+")(a, b)),
    js: (a: number, b: number) => finite(a + b),
  },
  subtract: {
    sql: (a, b) => finiteSql(infix("-")(a, b)),
    js: (a: number, b: number) => finite(a - b),
  },
  multiply: {
    sql: (a, b) => finiteSql(infix("*")(a, b)),
    js: (a: number, b: number) => finite(a * b),
  },
  divide: {
    sql: (a, b) => finiteSql(`(${a} / nullif(${b}, 0))`),
    js: (a: number, b: number) => (b === 0 ? null : finite(a / b)),
  },
  equals: { sql: infix("="), js: (a: Scalar, b: Scalar) => a === b },
  greaterThan: { sql: infix(">"), js: (a: number, b: number) => a > b },
  greaterOrEqual: { sql: infix(">="), js: (a: number, b: number) => a >= b },
  lessThan: { sql: infix("<"), js: (a: number, b: number) => a < b },
  lessOrEqual: { sql: infix("<="), js: (a: number, b: number) => a <= b },
  and: {
    sql: infix("AND"),
    js: (a: boolean | null, b: boolean | null) =>
      a === false || b === false ? false : a === null || b === null ? null : true,
    nulls: true,
  },
  or: {
    sql: infix("OR"),
    js: (a: boolean | null, b: boolean | null) =>
      a === true || b === true ? true : a === null || b === null ? null : false,
    nulls: true,
  },
  not: { sql: (a) => `(NOT ${a})`, js: (a: boolean) => !a },
  isNull: { sql: (a) => `(${a} IS NULL)`, js: (a: Scalar) => a === null, nulls: true },
  orElse: {
    sql: (a, b) => `coalesce(${a}, ${b})`,
    js: (a: Scalar, b: Scalar) => a ?? b,
    nulls: true,
  },
  hourOfDay: {
    sql: (a) => `CAST(hour(${a}) AS DOUBLE)`,
    js: (a: number) => Math.floor(modulo(a, dayMs) / (60 * minuteMs)),
  },
  minuteOfDay: {
    sql: (a) => `CAST(hour(${a}) * 60 + minute(${a}) AS DOUBLE)`,
    js: (a: number) => Math.floor(modulo(a, dayMs) / minuteMs),
  },
  dayOfWeek: {
    sql: (a) => `CAST(isodow(${a}) AS DOUBLE)`,
    // 1970-01-01 was a Thursday, day 4 of the ISO week.
    js: (a: number) => modulo(Math.floor(a / dayMs) + 3, 7) + 1,
  },
  plusMinutes: {
    sql: (a, b) => `(${a} + to_milliseconds(CAST(round(${b} * ${minuteMs}) AS BIGINT)))`,
    js: (a: number, b: number) => a + roundHalfAway(b * minuteMs),
  },
};

/** Rounds halves away from zero, as SQL does. */
const roundHalfAway = (value: number): number => Math.sign(value) * Math.round(Math.abs(value));
