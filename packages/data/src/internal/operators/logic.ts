/** Operators on yes and no (Kleene's three-valued logic), on null, and comparisons. */
import { literal } from "../../Duckdb.ts";
import { compareText } from "./codePoints.ts";
import {
  type Cell,
  comparedSql,
  infix,
  isMissing,
  once,
  type Operator,
  type Param,
} from "./Operator.ts";

const logic = { takes: ["boolean", "boolean"], gives: "boolean" } as const;
const compared = { takes: ["same", "same"], gives: "boolean", compares: true } as const;

/** Numbers and instants by size, false before true, text by code points. */
const comparison = (symbol: string, holds: (a: number, b: number) => boolean) =>
  ({
    ...compared,
    sql: infix(symbol),
    js: () => (a: number | string, b: number | string) =>
      Number(
        typeof a === "number" && typeof b === "number"
          ? holds(a, b)
          : holds(compareText(String(a), String(b)), 0),
      ),
  }) satisfies Operator;

const paramSql = (param: Param): string =>
  typeof param === "string"
    ? literal(param)
    : typeof param === "number"
      ? comparedSql(param)
      : String(param);

export const logical = {
  equals: { ...compared, sql: infix("="), js: () => (a: Cell, b: Cell) => Number(a === b) },
  notEquals: { ...compared, sql: infix("<>"), js: () => (a: Cell, b: Cell) => Number(a !== b) },
  greaterThan: comparison(">", (a, b) => a > b),
  greaterOrEqual: comparison(">=", (a, b) => a >= b),
  lessThan: comparison("<", (a, b) => a < b),
  lessOrEqual: comparison("<=", (a, b) => a <= b),
  isIn: {
    takes: ["same"],
    gives: "boolean",
    compares: true,
    problem: (params) => {
      if (params.length === 0) return "takes at least one value";
      return new Set(params.map((param) => typeof param)).size === 1
        ? undefined
        : "takes values of one kind";
    },
    paramsLikeFirst: true,
    sql: ([a = ""], params) => `(${a} IN (${params.map(paramSql).join(", ")}))`,
    js: (params) => {
      const values = new Set<Cell>(
        params.map((param) => (typeof param === "boolean" ? Number(param) : param)),
      );
      return (a: Cell) => Number(values.has(a));
    },
  },
  and: {
    ...logic,
    sql: infix("AND"),
    // 0 decides; else what is missing stays missing, as NaN does in a product.
    js: () => (a: number, b: number) => (a === 0 || b === 0 ? 0 : a * b),
    nulls: true,
  },
  or: {
    ...logic,
    sql: infix("OR"),
    js: () => (a: number, b: number) => (a === 1 || b === 1 ? 1 : a + b),
    nulls: true,
  },
  not: {
    takes: ["boolean"],
    gives: "boolean",
    sql: ([a]) => `(NOT ${a})`,
    js: () => (a: number) => 1 - a,
  },
  isNull: {
    takes: ["same"],
    gives: "boolean",
    sql: ([a]) => `(${a} IS NULL)`,
    js: () => (a: Cell) => Number(isMissing(a)),
    nulls: true,
  },
  orElse: {
    takes: ["same", "same"],
    gives: "same",
    sql: ([a, b]) => `coalesce(${a}, ${b})`,
    js: () => (a: Cell, b: Cell) => (isMissing(a) ? b : a),
    nulls: true,
    whole: "as its arguments",
  },
  /** Where the condition is missing, the other value: as in SQL's CASE. */
  choose: {
    takes: ["boolean", "same", "same"],
    gives: "same",
    sql: ([condition, yes, no]) => `(CASE WHEN ${condition} THEN ${yes} ELSE ${no} END)`,
    js: () => (condition: number, yes: Cell, no: Cell) => (condition === 1 ? yes : no),
    nulls: true,
    whole: "as its arguments",
  },
  toNumber: {
    takes: ["boolean"],
    gives: "number",
    sql: ([a = ""]) => once(a, (yes) => `CAST(${yes} AS DOUBLE)`),
    js: () => (a: number) => a,
    whole: "always",
  },
} as const satisfies { readonly [name: string]: Operator };
