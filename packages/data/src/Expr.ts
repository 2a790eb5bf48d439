/**
 * Expressions: one typed formula over a contract's columns with one semantics and two compilers, SQL
 * for a batch and a closure for a request. An expression is data: it is stored with a release, and
 * loading it never executes code.
 *
 * Semantics, the same in both compilers: every operator is total. A null argument gives null, except
 * in Kleene logic (`and`, `or`), `isNull`, `orElse` and {@link when}. Division by zero, and any result
 * that is not finite, is null. Times are instants with millisecond resolution, read in UTC unless a zone
 * is named. `docs/feature-semantics.md` has each operator.
 */
import type { Column, Contract } from "@ml-pipe/core";
import type { Ast } from "./internal/ast.ts";
import { toSql } from "./internal/compile.ts";
import { columnFormula, formula, whenFormula } from "./internal/formula.ts";
import type { Unit } from "./internal/operators/times.ts";

export { Ast, columnsOf, historiesOf, type HistoryAst, OperatorName } from "./internal/ast.ts";
export type { Unit } from "./internal/operators/times.ts";

/**
 * When an expression can be evaluated: `"stored"`, before there is a request, of the entity alone, as
 * histories are; `"decision"`, only with the request; `"outcome"`, only once the outcome is known.
 */
export type Availability = "stored" | Column.Availability;

/** An expression of type `T` that can be evaluated at `A`, the latest of them. Any value may be null. */
export interface Expr<out T, out A extends Availability = Availability> {
  readonly ast: Ast;
  readonly availableAt: A;
  /** Only for the compiler. */
  readonly "~type"?: T;
  /** Whether the value is missing. */
  readonly isNull: () => BooleanExpr<A>;
}

type Operand<T, A extends Known> = T | Expr<T, A>;
type Known = Availability;
/** `B` is what the operand says, whatever the result is wanted for. */
type FromTwo<T, R extends "number" | "boolean" | "text" | "time", A extends Known> = <
  B extends Known = never,
>(
  that: Operand<T, B>,
) => Kinds<A | NoInfer<B>>[R];

interface Kinds<A extends Known> {
  readonly number: NumberExpr<A>;
  readonly boolean: BooleanExpr<A>;
  readonly text: StringExpr<A>;
  readonly time: TimeExpr<A>;
}

/** What can be put in order: numbers and instants by size, text by code points. */
interface Ordered<T, A extends Known> extends Expr<T, A> {
  readonly equals: FromTwo<T, "boolean", A>;
  readonly notEquals: FromTwo<T, "boolean", A>;
  readonly gt: FromTwo<T, "boolean", A>;
  readonly gte: FromTwo<T, "boolean", A>;
  readonly lt: FromTwo<T, "boolean", A>;
  readonly lte: FromTwo<T, "boolean", A>;
}

/** A numeric expression: doubles, in which whole numbers are exact up to 2^53. */
export interface NumberExpr<out A extends Known = Known> extends Ordered<number, A> {
  readonly plus: FromTwo<number, "number", A>;
  readonly minus: FromTwo<number, "number", A>;
  readonly times: FromTwo<number, "number", A>;
  /** Null where `that` is zero. */
  readonly dividedBy: FromTwo<number, "number", A>;
  /** The remainder with the sign of the dividend; null where `that` is zero. */
  readonly modulo: FromTwo<number, "number", A>;
  /** The quotient without its fraction: −7 by 2 is −3. Null where `that` is zero. */
  readonly quotient: FromTwo<number, "number", A>;
  /** Null where the result is not a finite real number. */
  readonly power: FromTwo<number, "number", A>;
  /** The smaller one; null if either is. */
  readonly min: FromTwo<number, "number", A>;
  /** The larger one; null if either is. */
  readonly max: FromTwo<number, "number", A>;
  readonly negated: () => NumberExpr<A>;
  readonly abs: () => NumberExpr<A>;
  /** −1, 0 or 1. */
  readonly sign: () => NumberExpr<A>;
  readonly floor: () => NumberExpr<A>;
  readonly ceil: () => NumberExpr<A>;
  /** Towards zero. */
  readonly trunc: () => NumberExpr<A>;
  /** Halves away from zero: −2.5 is −3. */
  readonly round: () => NumberExpr<A>;
  /** To a multiple of `step`, as {@link round}. */
  readonly roundTo: (step: number) => NumberExpr<A>;
  /** Null below zero. */
  readonly sqrt: () => NumberExpr<A>;
  readonly exp: () => NumberExpr<A>;
  /** Null at zero and below, as are `log2` and `log10`. */
  readonly ln: () => NumberExpr<A>;
  readonly log2: () => NumberExpr<A>;
  readonly log10: () => NumberExpr<A>;
  /** Of an angle in radians. */
  readonly sin: () => NumberExpr<A>;
  readonly cos: () => NumberExpr<A>;
  /** How many of the ascending edges are at or below the value: 0 to their number. */
  readonly bucket: (edges: ReadonlyArray<number>) => NumberExpr<A>;
  readonly isIn: (values: ReadonlyArray<number>) => BooleanExpr<A>;
  /** `that` where the value is missing. */
  readonly orElse: FromTwo<number, "number", A>;
}

/** A yes/no expression with Kleene logic. */
export interface BooleanExpr<out A extends Known = Known> extends Expr<boolean, A> {
  readonly and: FromTwo<boolean, "boolean", A>;
  readonly or: FromTwo<boolean, "boolean", A>;
  readonly not: () => BooleanExpr<A>;
  readonly equals: FromTwo<boolean, "boolean", A>;
  readonly orElse: FromTwo<boolean, "boolean", A>;
  /** 1 and 0. */
  readonly toNumber: () => NumberExpr<A>;
}

/** A text expression. Positions and lengths count code points. */
export interface StringExpr<out A extends Known = Known> extends Ordered<string, A> {
  readonly length: () => NumberExpr<A>;
  /** A to Z only, so that it means the same everywhere. */
  readonly lowerAscii: () => StringExpr<A>;
  /** a to z only. */
  readonly upperAscii: () => StringExpr<A>;
  /** Without spaces at the ends; other white space stays. */
  readonly trim: () => StringExpr<A>;
  readonly concat: FromTwo<string, "text", A>;
  readonly startsWith: FromTwo<string, "boolean", A>;
  readonly endsWith: FromTwo<string, "boolean", A>;
  readonly contains: FromTwo<string, "boolean", A>;
  readonly replaceAll: (look: string, put: string) => StringExpr<A>;
  /** At most `length` code points from `start`, counted from 0. */
  readonly substring: (start: number, length: number) => StringExpr<A>;
  /** Whether the whole value matches a pattern of RE2: no look-around, no back-references. */
  readonly matches: (pattern: string) => BooleanExpr<A>;
  /** The first match of a pattern of RE2, or a group of it; null where nothing matches. */
  readonly extract: (pattern: string, group?: number) => StringExpr<A>;
  /** A decimal number such as `-1.5e3`, without spaces or separators; null for any other text. */
  readonly parseNumber: () => NumberExpr<A>;
  /** A bucket from 0 to `buckets` − 1 by the first 52 bits of SHA-256 of the text in UTF-8. */
  readonly hashBucket: (buckets: number) => NumberExpr<A>;
  readonly isIn: (values: ReadonlyArray<string>) => BooleanExpr<A>;
  readonly orElse: FromTwo<string, "text", A>;
}

/** Reads a part of an instant: in UTC, or in a time zone such as `America/New_York`. */
type PartOfTime<A extends Known> = (zone?: string) => NumberExpr<A>;

/**
 * An instant. In a zone, its parts are known from 1970 to 2099, and null outside: for other years there
 * are no exact rules.
 */
export interface TimeExpr<out A extends Known = Known> extends Ordered<Date, A> {
  readonly year: PartOfTime<A>;
  /** 1 to 4. */
  readonly quarter: PartOfTime<A>;
  /** 1 to 12. */
  readonly month: PartOfTime<A>;
  /** 1 to 53 (ISO 8601). */
  readonly isoWeek: PartOfTime<A>;
  /** 1 to 366. */
  readonly dayOfYear: PartOfTime<A>;
  /** 1 to 31. */
  readonly dayOfMonth: PartOfTime<A>;
  /** Monday 1 to Sunday 7 (ISO 8601). */
  readonly dayOfWeek: PartOfTime<A>;
  /** 0 to 23. */
  readonly hourOfDay: PartOfTime<A>;
  /** 0 to 1439. */
  readonly minuteOfDay: PartOfTime<A>;
  /** The instant at which the unit began, in UTC; weeks begin on Monday. */
  readonly startOf: (unit: Unit) => TimeExpr<A>;
  /** Fractions are rounded to milliseconds. */
  readonly plusMinutes: FromTwo<number, "time", A>;
  /** The same day and time of another month, or its last day where it is too short, in UTC. */
  readonly plusMonths: (months: number) => TimeExpr<A>;
  /** Negative where `that` is earlier. */
  readonly minutesUntil: FromTwo<Date, "number", A>;
  readonly orElse: FromTwo<Date, "time", A>;
}

/** A list; what it holds may be missing itself. */
export interface ListExpr<T, out A extends Known = Known> extends Expr<ReadonlyArray<T>, A> {
  readonly length: () => NumberExpr<A>;
  /** The item at a place, counted from 0; null beyond the end. */
  readonly at: (place: number) => OfType<T, A>;
  /** Whether an item is equal; one that is missing is not. */
  readonly contains: FromTwo<NonNullable<T>, "boolean", A>;
}

/**
 * A list of numbers as a vector, such as an embedding. Null where one of two is empty, has another
 * length, or has a number that is missing.
 */
export interface VectorExpr<out A extends Known = Known> {
  /** Σ aᵢ·bᵢ. */
  readonly dot: OfVectors<A>;
  /** The dot product by the norms, −1 to 1; null where a norm is 0. */
  readonly cosine: OfVectors<A>;
  /** The Euclidean length. */
  readonly norm: () => NumberExpr<A>;
}
type OfVectors<A extends Known> = <B extends Known>(
  that: Expr<ReadonlyArray<number | null>, B>,
) => NumberExpr<A | B>;

/** The expression that stands for a column of JavaScript type `T`. */
export type OfType<T, A extends Known> = [NonNullable<T>] extends [number]
  ? NumberExpr<A>
  : [NonNullable<T>] extends [boolean]
    ? BooleanExpr<A>
    : [NonNullable<T>] extends [Date]
      ? TimeExpr<A>
      : [NonNullable<T>] extends [ReadonlyArray<infer E>]
        ? ListExpr<E, A> & ([NonNullable<E>] extends [number] ? VectorExpr<A> : unknown)
        : [NonNullable<T>] extends [string]
          ? StringExpr<A>
          : { readonly [K in keyof NonNullable<T>]: OfType<NonNullable<T>[K], A> };

/** The columns of a contract as expressions: what formulas are written in. */
export type Columns<C extends Contract.Contract> = {
  readonly [K in keyof C["columns"]]: C["columns"][K] extends Column.Column<infer T, infer A>
    ? OfType<T, A>
    : never;
};

/**
 * The columns of a contract as expressions.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Expr } from "@ml-pipe/data";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1", owner: "lab",
 *   columns: { km: Column.float({ unit: "km" }), minutes: Column.float({ availableAt: "outcome" }) },
 * });
 * const $ = Expr.columns(Trip);
 * const long: Expr.BooleanExpr<"decision"> = $.km.gt(100);
 * const speed: Expr.NumberExpr<"decision" | "outcome"> = $.km.dividedBy($.minutes);
 * ```
 */
export const columns = <C extends Contract.Contract>(contract: C): Columns<C> => {
  const formulas: { readonly [name: string]: unknown } = Object.fromEntries(
    Object.entries(contract.columns).map(([name, { spec }]) => [name, columnFormula(name, spec)]),
  );
  // A formula has the methods of every type; the contract says which of them apply to each column.
  return formulas as Columns<C>;
};

/**
 * `yes` where the condition is true, else `no`: also where it is missing, as in SQL's CASE.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Expr } from "@ml-pipe/data";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1", owner: "lab", columns: { km: Column.float(), at: Column.timestamp() },
 * });
 * const $ = Expr.columns(Trip);
 * const night = $.at.hourOfDay("Europe/Berlin").gte(22);
 * const fare: Expr.NumberExpr<"decision"> = Expr.when(night, $.km.times(1.5), $.km);
 * ```
 */
export const when: {
  <A extends Known, B extends Known = never, C extends Known = never>(
    condition: Expr<boolean, A>,
    yes: Operand<number, B>,
    no: Operand<number, C>,
  ): NumberExpr<NoInfer<A | B | C>>;
  <A extends Known, B extends Known = never, C extends Known = never>(
    condition: Expr<boolean, A>,
    yes: Operand<boolean, B>,
    no: Operand<boolean, C>,
  ): BooleanExpr<NoInfer<A | B | C>>;
  <A extends Known, B extends Known = never, C extends Known = never>(
    condition: Expr<boolean, A>,
    yes: Operand<string, B>,
    no: Operand<string, C>,
  ): StringExpr<NoInfer<A | B | C>>;
  <A extends Known, B extends Known = never, C extends Known = never>(
    condition: Expr<boolean, A>,
    yes: Operand<Date, B>,
    no: Operand<Date, C>,
  ): TimeExpr<NoInfer<A | B | C>>;
} = whenFormula;

/** A numeric expression from its parts: for operators that live in other modules. */
export const number = <A extends Known>(ast: Ast, availableAt: A): NumberExpr<A> =>
  formula(ast, availableAt) as NumberExpr<Known> as NumberExpr<A>;

/**
 * An expression as SQL over a relation that has its columns: for a batch. Throws a `TypeError` on a
 * history, which only a feature set can compute.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Expr } from "@ml-pipe/data";
 *
 * const Trip = Contract.make("trip", { version: "1", owner: "lab", columns: { km: Column.float() } });
 * const sql = Expr.sql(Expr.columns(Trip).km.gt(100)); // "km" as a number, compared with 100
 * ```
 */
export const sql = (expression: Pick<Expr<unknown>, "ast">): string => toSql(expression.ast);
