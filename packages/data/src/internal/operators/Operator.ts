/** What an operator is: one meaning, written once for each compiler. */

/** A value at run time that is no number: text, a list, or null for what is missing. */
export type OtherCell = string | ReadonlyArray<number | string | null> | null;

/**
 * A value at run time: numbers, instants as epoch milliseconds, yes and no as 1 and 0, with NaN for what
 * is missing; and what is no number.
 */
export type Cell = number | OtherCell;

/** Whether a value is missing. */
export const isMissing = (cell: Cell): boolean =>
  typeof cell === "number" ? Number.isNaN(cell) : cell === null;

/** The kinds of values. `null` is the kind of what is always missing: it fits everywhere. */
export type Kind = "number" | "boolean" | "text" | "time" | "list" | "null";

/** A constant that an operator is set up with, such as a time zone or a pattern. */
export type Param = string | number | boolean;

/** One operator. */
export interface Operator {
  /** The kinds it takes; `same` stands for any one kind, the same in each place. */
  readonly takes: ReadonlyArray<Kind | "same">;
  readonly gives: Kind | "same";
  /** What is wrong with its constants; `undefined` if nothing is. Absent: it has none. */
  readonly problem?: (params: ReadonlyArray<Param>) => string | undefined;
  /** Its constants are of the kind of its first argument. */
  readonly paramsLikeFirst?: true;
  /** It reads an instant to the minute or coarser, so that finer parts need not be cut off first. */
  readonly coarse?: true;
  /** SQL arguments arrive as complete expressions; `bounded`: the result cannot overflow. */
  readonly sql: (
    args: ReadonlyArray<string>,
    params: ReadonlyArray<Param>,
    bounded: boolean,
  ) => string;
  /** SQL of the same as a whole number of SQL's own, for {@link compares}. */
  readonly wholeSql?: (args: ReadonlyArray<string>, params: ReadonlyArray<Param>) => string;
  /**
   * It only compares its arguments with each other and with constants. SQL compares whole numbers several
   * times faster than doubles, so beside constants they arrive as they are: see {@link comparedSql}.
   */
  readonly compares?: true;
  /** Its lists must be of numbers. */
  readonly vectors?: true;
  /**
   * Makes the closure once for all rows. It is called with arguments that are there, unless `nulls` is
   * set: where one is missing, so is the result.
   */
  readonly js: (params: ReadonlyArray<Param>) => (...args: ReadonlyArray<never>) => Cell;
  /** The operator decides about what is missing itself. */
  readonly nulls?: true;
  /** Its numbers are whole: always, or if its arguments are. Absent: they need not be. */
  readonly whole?: "always" | "as its arguments";
  /**
   * By how much the compilers may differ, relative to the value. Absent: not at all. Mathematical
   * libraries do not agree on the last digit of transcendental functions.
   */
  readonly relativeError?: number;
}

/** `(a + b)`. */
export const infix =
  (symbol: string) =>
  ([a = "", b = ""]: ReadonlyArray<string>): string =>
    `(${a} ${symbol} ${b})`;

/** `name(a, b)`. */
export const apply =
  (name: string) =>
  (args: ReadonlyArray<string>): string =>
    `${name}(${args.join(", ")})`;

/** The same, as a number. */
export const applyNumber =
  (name: string) =>
  (args: ReadonlyArray<string>): string =>
    `CAST(${name}(${args.join(", ")}) AS DOUBLE)`;

/**
 * Uses a value in several places of an expression. A long one is computed once, as the argument of a
 * lambda: written out twice at each level, the SQL of a formula would double with its depth.
 */
export const once = (sql: string, use: (value: string) => string): string =>
  sql.length <= 100 ? use(sql) : `(list_transform([${sql}], lambda "~v": ${use('"~v"')})[1])`;

/** Missing unless finite. */
export const finiteSql = (sql: string): string =>
  once(sql, (value) => `(CASE WHEN isfinite(${value}) THEN ${value} END)`);

/** Missing unless finite. */
export const finite = (value: number): number => (Number.isFinite(value) ? value : Number.NaN);

/** A number in SQL, exactly: DuckDB reads `0.1` as a decimal, but `1e-1` as the nearest double. */
export const numberSql = (value: number): string =>
  value < 0 ? `(${value.toExponential()})` : value.toExponential();

/**
 * A number to compare with, exactly: as a whole number of SQL's own where it is one. Below 2^53 each has
 * a double of its own, so whole numbers and doubles compare alike with it.
 */
export const comparedSql = (value: number): string =>
  Number.isSafeInteger(value) ? `(${value + 0})` : numberSql(value);

/** Says what is wrong unless there is exactly one constant of a certain sort. */
export const one =
  (what: string, fits: (param: Param) => boolean) =>
  (params: ReadonlyArray<Param>): string | undefined => {
    const [param] = params;
    return params.length === 1 && param !== undefined && fits(param)
      ? undefined
      : `takes ${what}, not ${params.map((each) => JSON.stringify(each)).join(", ") || "nothing"}`;
  };

/** Whole numbers from 0 that SQL takes as a position. */
export const isPosition = (param: Param): boolean =>
  typeof param === "number" && Number.isInteger(param) && param >= 0 && param < 2 ** 31;
