/**
 * Expressions: one typed formula over a contract's columns with one semantics and two compilers, SQL
 * for a batch and a closure for a request. An expression is data: it is stored with a release, and
 * loading it never executes code.
 *
 * Semantics, the same in both compilers: every operator is total. A null argument gives null, except
 * in Kleene logic (`and`, `or`), `isNull` and `orElse`. Division by zero, and any result that is not
 * finite, is null. Times are instants in UTC with millisecond resolution.
 */
import type { Column, Contract } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { toSql } from "./internal/compile.ts";

/** The operators. Their meaning in both compilers stands in one table: see `internal/operators.ts`. */
export const OperatorName = Schema.Literals([
  "add",
  "subtract",
  "multiply",
  "divide",
  "equals",
  "greaterThan",
  "greaterOrEqual",
  "lessThan",
  "lessOrEqual",
  "and",
  "or",
  "not",
  "isNull",
  "orElse",
  "hourOfDay",
  "minuteOfDay",
  "dayOfWeek",
  "plusMinutes",
]);
/** See {@link OperatorName}. */
export type OperatorName = typeof OperatorName.Type;

/** An aggregate over earlier rows of the same entity: see {@link History}. */
export interface HistoryAst {
  readonly _tag: "history";
  readonly aggregate: "mean" | "count";
  /** The columns that identify the entity. */
  readonly by: ReadonlyArray<string>;
  /** What is aggregated; ignored by `count`. */
  readonly of: Ast;
  /** When the aggregated value of a row becomes known. */
  readonly knownAt: Ast;
  /** Length of the window, a multiple of `hopMs`. */
  readonly windowMs: number;
  /** The window ends at the last full hop before the row's own time. */
  readonly hopMs: number;
}

/** An expression as data. */
export type Ast =
  | { readonly _tag: "column"; readonly name: string; readonly type: Column.ColumnType }
  | { readonly _tag: "literal"; readonly value: string | number | boolean | null }
  | { readonly _tag: "call"; readonly operator: OperatorName; readonly args: ReadonlyArray<Ast> }
  | HistoryAst;

/** The schema of {@link Ast}. */
export const Ast: Schema.Codec<Ast> = Schema.Union([
  Schema.TaggedStruct("column", {
    name: Schema.String,
    type: Schema.Literals(["boolean", "int", "float", "string", "timestamp"]),
  }),
  Schema.TaggedStruct("literal", {
    value: Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null]),
  }),
  Schema.TaggedStruct("call", {
    operator: OperatorName,
    args: Schema.Array(Schema.suspend((): Schema.Codec<Ast> => Ast)),
  }),
  Schema.TaggedStruct("history", {
    aggregate: Schema.Literals(["mean", "count"]),
    by: Schema.Array(Schema.String),
    of: Schema.suspend((): Schema.Codec<Ast> => Ast),
    knownAt: Schema.suspend((): Schema.Codec<Ast> => Ast),
    windowMs: Schema.Int.check(Schema.isGreaterThan(0)),
    hopMs: Schema.Int.check(Schema.isGreaterThan(0)),
  }),
]);

/**
 * An expression of type `T` that can be evaluated at `A`: at the decision, or only once the outcome is
 * known. Any value may also be null.
 */
export interface Expr<out T, out A extends Column.Availability = Column.Availability> {
  readonly ast: Ast;
  readonly availableAt: A;
  /** Only for the compiler. */
  readonly "~type"?: T;
  /** Whether the value is missing. */
  readonly isNull: () => BooleanExpr<A>;
}

type Operand<T, A extends Column.Availability> = T | Expr<T, A>;
type Known = Column.Availability;

/** A numeric expression. */
export interface NumberExpr<out A extends Known = Known> extends Expr<number, A> {
  readonly plus: <B extends Known = never>(that: Operand<number, B>) => NumberExpr<A | B>;
  readonly minus: <B extends Known = never>(that: Operand<number, B>) => NumberExpr<A | B>;
  readonly times: <B extends Known = never>(that: Operand<number, B>) => NumberExpr<A | B>;
  /** Null where `that` is zero. */
  readonly dividedBy: <B extends Known = never>(that: Operand<number, B>) => NumberExpr<A | B>;
  readonly equals: <B extends Known = never>(that: Operand<number, B>) => BooleanExpr<A | B>;
  readonly gt: <B extends Known = never>(that: Operand<number, B>) => BooleanExpr<A | B>;
  readonly gte: <B extends Known = never>(that: Operand<number, B>) => BooleanExpr<A | B>;
  readonly lt: <B extends Known = never>(that: Operand<number, B>) => BooleanExpr<A | B>;
  readonly lte: <B extends Known = never>(that: Operand<number, B>) => BooleanExpr<A | B>;
  /** `that` where the value is missing. */
  readonly orElse: <B extends Known = never>(that: Operand<number, B>) => NumberExpr<A | B>;
}

/** A yes/no expression with Kleene logic. */
export interface BooleanExpr<out A extends Known = Known> extends Expr<boolean, A> {
  readonly and: <B extends Known = never>(that: Operand<boolean, B>) => BooleanExpr<A | B>;
  readonly or: <B extends Known = never>(that: Operand<boolean, B>) => BooleanExpr<A | B>;
  readonly not: () => BooleanExpr<A>;
}

/** A text expression. */
export interface StringExpr<out A extends Known = Known> extends Expr<string, A> {
  readonly equals: <B extends Known = never>(that: Operand<string, B>) => BooleanExpr<A | B>;
}

/** An instant. All parts are in UTC. */
export interface TimeExpr<out A extends Known = Known> extends Expr<Date, A> {
  /** 0 to 23. */
  readonly hourOfDay: () => NumberExpr<A>;
  /** 0 to 1439. */
  readonly minuteOfDay: () => NumberExpr<A>;
  /** Monday 1 to Sunday 7 (ISO 8601). */
  readonly dayOfWeek: () => NumberExpr<A>;
  readonly plusMinutes: <B extends Known = never>(that: Operand<number, B>) => TimeExpr<A | B>;
}

/** The expression that stands for a column of JavaScript type `T`. */
export type OfType<T, A extends Known> = [NonNullable<T>] extends [number]
  ? NumberExpr<A>
  : [NonNullable<T>] extends [boolean]
    ? BooleanExpr<A>
    : [NonNullable<T>] extends [Date]
      ? TimeExpr<A>
      : StringExpr<A>;

/** The columns of a contract as expressions: what formulas are written in. */
export type Columns<C extends Contract.Contract> = {
  readonly [K in keyof C["columns"]]: C["columns"][K] extends Column.Column<infer T, infer A>
    ? OfType<T, A>
    : never;
};

/** One object has the methods of every kind; the interfaces above say which of them make sense. */
class Formula {
  readonly ast: Ast;
  readonly availableAt: Known;
  constructor(ast: Ast, availableAt: Known) {
    this.ast = ast;
    this.availableAt = availableAt;
  }
  plus = (that: unknown) => call("add", this, that);
  minus = (that: unknown) => call("subtract", this, that);
  times = (that: unknown) => call("multiply", this, that);
  dividedBy = (that: unknown) => call("divide", this, that);
  equals = (that: unknown) => call("equals", this, that);
  gt = (that: unknown) => call("greaterThan", this, that);
  gte = (that: unknown) => call("greaterOrEqual", this, that);
  lt = (that: unknown) => call("lessThan", this, that);
  lte = (that: unknown) => call("lessOrEqual", this, that);
  orElse = (that: unknown) => call("orElse", this, that);
  and = (that: unknown) => call("and", this, that);
  or = (that: unknown) => call("or", this, that);
  not = () => call("not", this);
  isNull = () => call("isNull", this);
  hourOfDay = () => call("hourOfDay", this);
  minuteOfDay = () => call("minuteOfDay", this);
  dayOfWeek = () => call("dayOfWeek", this);
  plusMinutes = (that: unknown) => call("plusMinutes", this, that);
}

const call = (operator: OperatorName, ...operands: ReadonlyArray<unknown>): Formula => {
  const args = operands.map(formulaOf);
  const late = args.some(({ availableAt }) => availableAt === "outcome");
  return new Formula(
    { _tag: "call", operator, args: args.map(({ ast }) => ast) },
    late ? "outcome" : "decision",
  );
};

const formulaOf = (operand: unknown): Formula => {
  if (operand instanceof Formula) return operand;
  if (operand === null || typeof operand === "string" || typeof operand === "boolean") {
    return new Formula({ _tag: "literal", value: operand }, "decision");
  }
  if (typeof operand === "number" && Number.isFinite(operand)) {
    return new Formula({ _tag: "literal", value: operand }, "decision");
  }
  throw new TypeError(
    `an expression takes a finite number, text, true, false or another expression, not ${String(operand)}`,
  );
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
    Object.entries(contract.columns).map(([name, { spec }]) => [
      name,
      new Formula({ _tag: "column", name, type: spec.type }, spec.availableAt),
    ]),
  );
  // A formula has the methods of every type; the contract says which of them apply to each column.
  return formulas as Columns<C>;
};

/** A numeric expression from its parts: for operators that live in other modules. */
export const number = <A extends Known>(ast: Ast, availableAt: A): NumberExpr<A> =>
  new Formula(ast, availableAt) as NumberExpr<Known> as NumberExpr<A>;

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
 * const sql = Expr.sql(Expr.columns(Trip).km.gt(100)); // (CAST("km" AS DOUBLE) > CAST(100 AS DOUBLE))
 * ```
 */
export const sql = (expression: Pick<Expr<unknown>, "ast">): string => toSql(expression.ast);

/** The names of the columns that an expression reads, those of its histories included. */
export const columnsOf = (ast: Ast): ReadonlySet<string> => {
  switch (ast._tag) {
    case "column":
      return new Set([ast.name]);
    case "literal":
      return new Set();
    case "call":
      return new Set(ast.args.flatMap((arg) => [...columnsOf(arg)]));
    case "history":
      return new Set([...ast.by, ...columnsOf(ast.of), ...columnsOf(ast.knownAt)]);
  }
};

/** The histories inside an expression. */
export const historiesOf = (ast: Ast): ReadonlyArray<HistoryAst> => {
  switch (ast._tag) {
    case "history":
      return [ast];
    case "call":
      return ast.args.flatMap(historiesOf);
    default:
      return [];
  }
};
