/** Operators on numbers. Every result that is not finite is missing. */
import {
  apply,
  comparedSql,
  finite,
  finiteSql,
  infix,
  numberSql,
  once,
  one,
  type Operator,
  type Param,
} from "./Operator.ts";

const binary = { takes: ["number", "number"], gives: "number" } as const;
const unary = { takes: ["number"], gives: "number" } as const;

const arithmetic = (symbol: string, js: (a: number, b: number) => number) =>
  ({
    ...binary,
    sql: (args, _, bounded) => {
      const result = infix(symbol)(args);
      return bounded ? result : finiteSql(result);
    },
    js: () => (a: number, b: number) => finite(js(a, b)),
  }) satisfies Operator;

/** A function that is exact on both sides, for all finite numbers. */
const exact = (name: string, js: (a: number) => number) =>
  ({ ...unary, sql: apply(name), js: () => js }) satisfies Operator;

/**
 * A function of a library for mathematics, whose last digits differ between libraries. DuckDB raises
 * outside the domain, so it is asked only inside.
 */
const transcendental = (name: string, domain: string | undefined, js: (a: number) => number) =>
  ({
    ...unary,
    sql: ([a = ""]) =>
      domain === undefined
        ? finiteSql(`${name}(${a})`)
        : once(a, (x) => finiteSql(`(CASE WHEN ${x} ${domain} THEN ${name}(${x}) END)`)),
    js: () => (a: number) => finite(js(a)),
    relativeError: 1e-13,
  }) satisfies Operator;

/** Of two numbers, the one that a function of SQL picks; missing if either is. */
const pick = (name: string, js: (a: number, b: number) => number) =>
  ({
    ...binary,
    // `least` and `greatest` skip nulls, so the sum, which does not, decides about them.
    sql: ([a = "", b = ""]) =>
      `(CASE WHEN ${a} IS NOT NULL AND ${b} IS NOT NULL THEN ${name}(${a}, ${b}) END)`,
    js: () => js,
  }) satisfies Operator;

/** Halves are rounded away from zero, as SQL does. */
export const roundHalfAway = (value: number): number =>
  Math.sign(value) * Math.round(Math.abs(value));

const isNumber = (param: Param): boolean => typeof param === "number" && Number.isFinite(param);
const ascending = (params: ReadonlyArray<Param>): boolean =>
  params.every((edge, index) => isNumber(edge) && (index === 0 || edge > (params[index - 1] ?? 0)));

export const numbers = {
  add: { ...arithmetic("+", (a, b) => a + b), whole: "as its arguments" },
  subtract: { ...arithmetic("-", (a, b) => a - b), whole: "as its arguments" },
  multiply: { ...arithmetic("*", (a, b) => a * b), whole: "as its arguments" },
  // By zero it is infinite or NaN on both sides, so missing.
  divide: arithmetic("/", (a, b) => a / b),
  // The sign is that of the dividend; by zero it is NaN on both sides, so missing.
  modulo: { ...arithmetic("%", (a, b) => a % b), whole: "as its arguments" },
  quotient: {
    ...binary,
    sql: (args) => finiteSql(`trunc(${infix("/")(args)})`),
    js: () => (a: number, b: number) => finite(Math.trunc(a / b)),
    whole: "always",
  },
  negate: {
    ...unary,
    sql: ([a = ""]) => `(-${a})`,
    js: () => (a: number) => -a,
    whole: "as its arguments",
  },
  abs: { ...exact("abs", Math.abs), whole: "as its arguments" },
  sign: {
    ...unary,
    sql: ([a = ""]) => `CAST(sign(${a}) AS DOUBLE)`,
    js: () => Math.sign,
    whole: "always",
  },
  floor: { ...exact("floor", Math.floor), whole: "always" },
  ceil: { ...exact("ceil", Math.ceil), whole: "always" },
  trunc: { ...exact("trunc", Math.trunc), whole: "always" },
  round: { ...exact("round", roundHalfAway), whole: "always" },
  roundTo: {
    ...unary,
    problem: one("a step above 0", (step) => isNumber(step) && Number(step) > 0),
    sql: ([a = ""], [step], bounded) => {
      const by = numberSql(Number(step));
      const result = `(round(${a} / ${by}) * ${by})`;
      return bounded ? result : finiteSql(result);
    },
    js: ([step]) => {
      const by = Number(step);
      return (a: number) => finite(roundHalfAway(a / by) * by);
    },
  },
  // IEEE 754 prescribes the square root to the last digit.
  sqrt: {
    ...unary,
    sql: ([a = ""]) => once(a, (x) => `(CASE WHEN ${x} >= 0 THEN sqrt(${x}) END)`),
    js: () => Math.sqrt,
  },
  power: {
    ...binary,
    sql: ([a = "", b = ""]) => finiteSql(`power(${a}, ${b})`),
    js: () => (a: number, b: number) => {
      // ECMAScript leaves ±1 to an infinite power open, C does not; exponents here are finite.
      return finite(a ** b);
    },
    relativeError: 1e-13,
  },
  exp: transcendental("exp", undefined, Math.exp),
  ln: transcendental("ln", "> 0", Math.log),
  log2: transcendental("log2", "> 0", Math.log2),
  log10: transcendental("log10", "> 0", Math.log10),
  sin: transcendental("sin", undefined, Math.sin),
  cos: transcendental("cos", undefined, Math.cos),
  min: { ...pick("least", Math.min), whole: "as its arguments" },
  max: { ...pick("greatest", Math.max), whole: "as its arguments" },
  bucket: {
    ...unary,
    compares: true,
    problem: (params) =>
      params.length > 0 && ascending(params)
        ? undefined
        : "takes edges in ascending order, at least one",
    sql: ([a = ""], edges) =>
      once(
        a,
        (x) =>
          `(${edges.map((edge) => `CAST(${x} >= ${comparedSql(Number(edge))} AS DOUBLE)`).join(" + ")})`,
      ),
    js: (params) => {
      const edges = Float64Array.from(params, Number);
      return (a: number) => {
        let [low, high] = [0, edges.length];
        while (low < high) {
          const middle = (low + high) >>> 1;
          if ((edges[middle] ?? Infinity) <= a) low = middle + 1;
          else high = middle;
        }
        return low;
      };
    },
    whole: "always",
  },
} as const satisfies { readonly [name: string]: Operator };
