/** The object behind every expression: what its methods put together. */
import type { Column } from "@ml-pipe/core";
import type { Availability } from "../Expr.ts";
import type { Ast, OperatorName } from "./ast.ts";
import { heldBy, kindOf, problemsOf } from "./kinds.ts";
import type { Param } from "./operators/Operator.ts";

/** One object has the methods of every kind; the interfaces of `Expr` say which of them make sense. */
class Formula {
  readonly ast: Ast;
  readonly availableAt: Availability;
  constructor(ast: Ast, availableAt: Availability) {
    this.ast = ast;
    this.availableAt = availableAt;
  }

  equals = (that: unknown) => call("equals", [this, that]);
  notEquals = (that: unknown) => call("notEquals", [this, that]);
  gt = (that: unknown) => call("greaterThan", [this, that]);
  gte = (that: unknown) => call("greaterOrEqual", [this, that]);
  lt = (that: unknown) => call("lessThan", [this, that]);
  lte = (that: unknown) => call("lessOrEqual", [this, that]);
  isIn = (values: ReadonlyArray<Param>) => call("isIn", [this], values);
  isNull = () => call("isNull", [this]);
  orElse = (that: unknown) => call("orElse", [this, that]);

  and = (that: unknown) => call("and", [this, that]);
  or = (that: unknown) => call("or", [this, that]);
  not = () => call("not", [this]);
  toNumber = () => call("toNumber", [this]);

  plus = (that: unknown) => call("add", [this, that]);
  minus = (that: unknown) => call("subtract", [this, that]);
  times = (that: unknown) => call("multiply", [this, that]);
  dividedBy = (that: unknown) => call("divide", [this, that]);
  modulo = (that: unknown) => call("modulo", [this, that]);
  quotient = (that: unknown) => call("quotient", [this, that]);
  power = (that: unknown) => call("power", [this, that]);
  min = (that: unknown) => call("min", [this, that]);
  max = (that: unknown) => call("max", [this, that]);
  negated = () => call("negate", [this]);
  abs = () => call("abs", [this]);
  sign = () => call("sign", [this]);
  floor = () => call("floor", [this]);
  ceil = () => call("ceil", [this]);
  trunc = () => call("trunc", [this]);
  round = () => call("round", [this]);
  roundTo = (step: number) => call("roundTo", [this], [step]);
  sqrt = () => call("sqrt", [this]);
  exp = () => call("exp", [this]);
  ln = () => call("ln", [this]);
  log2 = () => call("log2", [this]);
  log10 = () => call("log10", [this]);
  sin = () => call("sin", [this]);
  cos = () => call("cos", [this]);
  bucket = (edges: ReadonlyArray<number>) => call("bucket", [this], edges);

  length = () => call(kindOf(this.ast) === "list" ? "listLength" : "length", [this]);
  lowerAscii = () => call("lowerAscii", [this]);
  upperAscii = () => call("upperAscii", [this]);
  trim = () => call("trim", [this]);
  concat = (that: unknown) => call("concat", [this, that]);
  startsWith = (that: unknown) => call("startsWith", [this, that]);
  endsWith = (that: unknown) => call("endsWith", [this, that]);
  contains = (that: unknown) =>
    call(kindOf(this.ast) === "list" ? "listContains" : "contains", [this, that]);
  replaceAll = (look: string, put: string) => call("replaceAll", [this], [look, put]);
  substring = (start: number, length: number) => call("substring", [this], [start, length]);
  matches = (pattern: string) => call("matches", [this], [pattern]);
  extract = (pattern: string, group = 0) => call("extract", [this], [pattern, group]);
  parseNumber = () => call("parseNumber", [this]);
  hashBucket = (buckets: number) => call("hashBucket", [this], [buckets]);

  at = (place: number) => itemOf(this, place);
  dot = (that: unknown) => call("dot", [this, that]);
  cosine = (that: unknown) => call("cosine", [this, that]);
  norm = () => call("norm", [this]);

  year = (zone?: string) => call("year", [this], zoneOf(zone));
  quarter = (zone?: string) => call("quarter", [this], zoneOf(zone));
  month = (zone?: string) => call("month", [this], zoneOf(zone));
  isoWeek = (zone?: string) => call("isoWeek", [this], zoneOf(zone));
  dayOfYear = (zone?: string) => call("dayOfYear", [this], zoneOf(zone));
  dayOfMonth = (zone?: string) => call("dayOfMonth", [this], zoneOf(zone));
  dayOfWeek = (zone?: string) => call("dayOfWeek", [this], zoneOf(zone));
  hourOfDay = (zone?: string) => call("hourOfDay", [this], zoneOf(zone));
  minuteOfDay = (zone?: string) => call("minuteOfDay", [this], zoneOf(zone));
  startOf = (unit: string) => call("startOf", [this], [unit]);
  plusMinutes = (that: unknown) => call("plusMinutes", [this, that]);
  plusMonths = (months: number) => call("plusMonths", [this], [months]);
  minutesUntil = (that: unknown) => call("minutesUntil", [this, that]);
}

const zoneOf = (zone: string | undefined): ReadonlyArray<Param> =>
  zone === undefined ? [] : [zone];

/** Puts a call together. Throws a `TypeError` that says what is wrong with an operator's constants. */
const call = (
  operator: OperatorName,
  operands: ReadonlyArray<unknown>,
  params: ReadonlyArray<Param> = [],
): Formula => {
  const args = operands.map(formulaOf);
  const ast: Ast = {
    _tag: "call",
    operator,
    args: args.map((arg) => arg.ast),
    ...(params.length === 0 ? {} : { params }),
  };
  const isChecked = params.length > 0 || ast.args.some((arg) => kindOf(arg) === "list");
  const problem = isChecked ? paramProblem(ast) : undefined;
  if (problem !== undefined) throw new TypeError(`an expression: ${problem}`);
  return formula(ast, latest(args.map(({ availableAt }) => availableAt)));
};

/** Of constants alone: stored. */
const latest = (all: ReadonlyArray<Availability>): Availability =>
  all.includes("outcome") ? "outcome" : all.includes("decision") ? "decision" : "stored";

/** Of the constants only: whether the arguments fit, a whole expression is asked. */
const paramProblem = (ast: Ast): string | undefined => problemsOf(ast, allKinds)[0];
const allKinds = ["number", "boolean", "text", "time", "list"] as const;

/** An expression from its parts. */
export const formula = (ast: Ast, availableAt: Availability): Formula =>
  new Formula(ast, availableAt);

/**
 * A column as an expression; a struct as an object of them. One of a looked-up row depends on the entity
 * and the time alone.
 */
export const columnFormula = (name: string, spec: Column.ColumnSpec, lookup?: string): unknown => {
  const availableAt = lookup === undefined ? spec.availableAt : "stored";
  const place = { _tag: "column", name, ...(lookup === undefined ? {} : { of: lookup }) } as const;
  if (spec.type === "struct") {
    return Object.fromEntries(
      Object.entries(spec.fields ?? {}).map(([field, { type }]) => [
        field,
        formula({ ...place, type, path: [field] }, availableAt),
      ]),
    );
  }
  const items = spec.items === undefined ? {} : { items: spec.items.type };
  const size = spec.size === undefined ? {} : { size: spec.size };
  return formula({ ...place, type: spec.type, ...items, ...size }, availableAt);
};

const itemOf = ({ ast, availableAt }: Formula, place: number): Formula => {
  if (ast._tag !== "column" || kindOf(ast) !== "list") {
    throw new TypeError("an expression: at is for columns of lists");
  }
  if (!Number.isInteger(place) || place < 0) {
    throw new TypeError(`an expression: a place in a list is a whole number from 0, not ${place}`);
  }
  const { name, of, path = [] } = ast;
  return formula(
    {
      _tag: "column",
      name,
      ...(of === undefined ? {} : { of }),
      type: heldBy(ast),
      path: [...path, place],
    },
    availableAt,
  );
};

/** `yes` where the condition is true, else `no`; of which kind, the overloads of `Expr.when` say. */
export const whenFormula = (condition: unknown, yes: unknown, no: unknown): never =>
  call("choose", [condition, yes, no]) as never;

/** A constant or an expression. Throws a `TypeError` for what is neither. */
export const formulaOf = (operand: unknown): Formula => {
  if (operand instanceof Formula) return operand;
  if (operand === null || typeof operand === "string" || typeof operand === "boolean") {
    return formula({ _tag: "literal", value: operand }, "stored");
  }
  if (typeof operand === "number" && Number.isFinite(operand)) {
    return formula({ _tag: "literal", value: operand }, "stored");
  }
  if (operand instanceof Date) return call("instant", [], [operand.getTime()]);
  throw new TypeError(
    `an expression takes a finite number, text, true, false, a date or another expression, not ${String(operand)}`,
  );
};
