/** Operators on yes and no (Kleene's three-valued logic), on null, and comparisons. */
import { literal } from "../../Duckdb.ts";
import { compareText } from "./codePoints.ts";
import { infix, numberSql, once, type Operator, type Param, type Scalar } from "./Operator.ts";

const logic = { takes: ["boolean", "boolean"], gives: "boolean" } as const;
const compared = { takes: ["same", "same"], gives: "boolean" } as const;

/** Numbers and instants by size, false before true, text by code points. */
const comparison = (symbol: string, holds: (a: number, b: number) => boolean) =>
  ({
    ...compared,
    sql: infix(symbol),
    js: () => (a: Scalar, b: Scalar) =>
      typeof a === "string" && typeof b === "string"
        ? holds(compareText(a, b), 0)
        : holds(Number(a), Number(b)),
  }) satisfies Operator;

const paramSql = (param: Param): string =>
  typeof param === "string"
    ? literal(param)
    : typeof param === "number"
      ? numberSql(param)
      : String(param);

export const logical = {
  equals: { ...compared, sql: infix("="), js: () => (a: Scalar, b: Scalar) => a === b },
  notEquals: { ...compared, sql: infix("<>"), js: () => (a: Scalar, b: Scalar) => a !== b },
  greaterThan: comparison(">", (a, b) => a > b),
  greaterOrEqual: comparison(">=", (a, b) => a >= b),
  lessThan: comparison("<", (a, b) => a < b),
  lessOrEqual: comparison("<=", (a, b) => a <= b),
  isIn: {
    takes: ["same"],
    gives: "boolean",
    problem: (params) => {
      if (params.length === 0) return "takes at least one value";
      return new Set(params.map((param) => typeof param)).size === 1
        ? undefined
        : "takes values of one kind";
    },
    paramsLikeFirst: true,
    sql: ([a = ""], params) => `(${a} IN (${params.map(paramSql).join(", ")}))`,
    js: (params) => {
      const values = new Set<Scalar>(params);
      return (a: Scalar) => values.has(a);
    },
  },
  and: {
    ...logic,
    sql: infix("AND"),
    js: () => (a: boolean | null, b: boolean | null) =>
      a === false || b === false ? false : a === null || b === null ? null : true,
    nulls: true,
  },
  or: {
    ...logic,
    sql: infix("OR"),
    js: () => (a: boolean | null, b: boolean | null) =>
      a === true || b === true ? true : a === null || b === null ? null : false,
    nulls: true,
  },
  not: {
    takes: ["boolean"],
    gives: "boolean",
    sql: ([a]) => `(NOT ${a})`,
    js: () => (a: boolean) => !a,
  },
  isNull: {
    takes: ["same"],
    gives: "boolean",
    sql: ([a]) => `(${a} IS NULL)`,
    js: () => (a: Scalar) => a === null,
    nulls: true,
  },
  orElse: {
    takes: ["same", "same"],
    gives: "same",
    sql: ([a, b]) => `coalesce(${a}, ${b})`,
    js: () => (a: Scalar, b: Scalar) => a ?? b,
    nulls: true,
    whole: "as its arguments",
  },
  /** Where the condition is missing, the other value: as in SQL's CASE. */
  choose: {
    takes: ["boolean", "same", "same"],
    gives: "same",
    sql: ([condition, yes, no]) => `(CASE WHEN ${condition} THEN ${yes} ELSE ${no} END)`,
    js: () => (condition: boolean | null, yes: Scalar, no: Scalar) =>
      condition === true ? yes : no,
    nulls: true,
    whole: "as its arguments",
  },
  toNumber: {
    takes: ["boolean"],
    gives: "number",
    sql: ([a = ""]) => once(a, (yes) => `CAST(${yes} AS DOUBLE)`),
    js: () => Number,
    whole: "always",
  },
} as const satisfies { readonly [name: string]: Operator };
