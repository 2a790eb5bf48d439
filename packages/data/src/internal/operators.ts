/**
 * What each operator means, in both compilers side by side. SQL arguments arrive as complete
 * expressions; closures never see null (the compiler handles it) except where `nulls` says so.
 */
import type { OperatorName } from "../Expr.ts";

/** A value at run time: instants are epoch milliseconds. */
export type Scalar = number | string | boolean | null;

/** The kinds of values. `null` is the kind of what is always missing: it fits everywhere. */
export type Kind = "number" | "boolean" | "text" | "time" | "null";

interface Operator {
  /** The kinds it takes; `same` stands for any one kind, the same in each place. */
  readonly takes: ReadonlyArray<Kind | "same">;
  readonly gives: Kind | "same";
  readonly sql: (...args: ReadonlyArray<string>) => string;
  /** Called with non-null arguments, unless `nulls` is set. */
  readonly js: (...args: ReadonlyArray<never>) => Scalar;
  /** The operator decides about null itself. */
  readonly nulls?: true;
}

const infix =
  (symbol: string) =>
  (a = "", b = "") =>
    `(${a} ${symbol} ${b})`;

/**
 * Uses a value in several places of an expression. A long one is computed once, as the argument of a
 * lambda: written out twice at each level, the SQL of a formula would double with its depth.
 */
export const once = (sql: string, use: (value: string) => string): string =>
  sql.length <= 100 ? use(sql) : `(list_transform([${sql}], lambda "~v": ${use('"~v"')})[1])`;

const finiteSql = (sql: string) =>
  once(sql, (value) => `(CASE WHEN isfinite(${value}) THEN ${value} END)`);
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Beyond it, ECMAScript has no dates: 100 million days from 1970. */
const maxInstantMs = 8.64e15;
const modulo = (value: number, by: number) => ((value % by) + by) % by;

const arithmetic = { takes: ["number", "number"], gives: "number" } as const;
const comparison = { takes: ["number", "number"], gives: "boolean" } as const;
const logic = { takes: ["boolean", "boolean"], gives: "boolean" } as const;
const partOfTime = { takes: ["time"], gives: "number" } as const;

/** The operators by name. */
export const operators: { readonly [name in OperatorName]: Operator } = {
  add: {
    ...arithmetic,
    sql: (a, b) => finiteSql(infix("+")(a, b)),
    js: (a: number, b: number) => finite(a + b),
  },
  subtract: {
    ...arithmetic,
    sql: (a, b) => finiteSql(infix("-")(a, b)),
    js: (a: number, b: number) => finite(a - b),
  },
  multiply: {
    ...arithmetic,
    sql: (a, b) => finiteSql(infix("*")(a, b)),
    js: (a: number, b: number) => finite(a * b),
  },
  divide: {
    ...arithmetic,
    // By zero it is infinite or NaN on both sides, so null.
    sql: (a, b) => finiteSql(infix("/")(a, b)),
    js: (a: number, b: number) => finite(a / b),
  },
  equals: {
    takes: ["same", "same"],
    gives: "boolean",
    sql: infix("="),
    js: (a: Scalar, b: Scalar) => a === b,
  },
  greaterThan: { ...comparison, sql: infix(">"), js: (a: number, b: number) => a > b },
  greaterOrEqual: { ...comparison, sql: infix(">="), js: (a: number, b: number) => a >= b },
  lessThan: { ...comparison, sql: infix("<"), js: (a: number, b: number) => a < b },
  lessOrEqual: { ...comparison, sql: infix("<="), js: (a: number, b: number) => a <= b },
  and: {
    ...logic,
    sql: infix("AND"),
    js: (a: boolean | null, b: boolean | null) =>
      a === false || b === false ? false : a === null || b === null ? null : true,
    nulls: true,
  },
  or: {
    ...logic,
    sql: infix("OR"),
    js: (a: boolean | null, b: boolean | null) =>
      a === true || b === true ? true : a === null || b === null ? null : false,
    nulls: true,
  },
  not: {
    takes: ["boolean"],
    gives: "boolean",
    sql: (a) => `(NOT ${a})`,
    js: (a: boolean) => !a,
  },
  isNull: {
    takes: ["same"],
    gives: "boolean",
    sql: (a) => `(${a} IS NULL)`,
    js: (a: Scalar) => a === null,
    nulls: true,
  },
  orElse: {
    takes: ["same", "same"],
    gives: "same",
    sql: (a, b) => `coalesce(${a}, ${b})`,
    js: (a: Scalar, b: Scalar) => a ?? b,
    nulls: true,
  },
  hourOfDay: {
    ...partOfTime,
    sql: (a) => `CAST(hour(${a}) AS DOUBLE)`,
    js: (a: number) => Math.floor(modulo(a, dayMs) / (60 * minuteMs)),
  },
  minuteOfDay: {
    ...partOfTime,
    sql: (a = "") => once(a, (time) => `CAST(hour(${time}) * 60 + minute(${time}) AS DOUBLE)`),
    js: (a: number) => Math.floor(modulo(a, dayMs) / minuteMs),
  },
  dayOfWeek: {
    ...partOfTime,
    sql: (a) => `CAST(isodow(${a}) AS DOUBLE)`,
    // 1970-01-01 was a Thursday, day 4 of the ISO week.
    js: (a: number) => modulo(Math.floor(a / dayMs) + 3, 7) + 1,
  },
  plusMinutes: {
    takes: ["time", "number"],
    gives: "time",
    // As doubles, which hold every instant exactly: whole numbers would overflow, and raise.
    sql: (a, b) =>
      once(
        `(CAST(epoch_ms(${a}) AS DOUBLE) + round(${b} * ${minuteMs}))`,
        (ms) =>
          `(CASE WHEN abs(${ms}) <= ${maxInstantMs} THEN epoch_ms(CAST(${ms} AS BIGINT)) END)`,
      ),
    js: (a: number, b: number) => {
      const at = a + roundHalfAway(b * minuteMs);
      return Math.abs(at) <= maxInstantMs ? at : null;
    },
  },
};

/** Rounds halves away from zero, as SQL does. */
const roundHalfAway = (value: number): number => Math.sign(value) * Math.round(Math.abs(value));
