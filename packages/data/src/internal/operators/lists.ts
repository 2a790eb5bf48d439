/** Operators on lists, and on lists of numbers as vectors. What a list holds may be missing itself. */
import { apply, applyNumber, finite, type Operator } from "./Operator.ts";

type List = ReadonlyArray<number | string | null>;
type Vector = ReadonlyArray<number>;

const vectors = { takes: ["list", "list"], gives: "number", vectors: true } as const;
/** Sums of products are added one after the other; a processor may round two steps as one. */
const bySum = 1e-12;

/** Σ aᵢ·bᵢ; NaN unless there are as many of both, at least one, and all of them are there. */
const dot = (a: Vector, b: Vector): number => {
  if (a.length !== b.length || a.length === 0) return Number.NaN;
  let sum = 0;
  for (let index = 0; index < a.length; index++) {
    sum += (a[index] ?? Number.NaN) * (b[index] ?? Number.NaN);
  }
  return sum;
};

/** What is missing as NaN, which no sum loses again: DuckDB raises on a null in any row, asked for or not. */
const vectorSql = (list: string) =>
  `list_transform(${list}, lambda "~x": coalesce("~x", 'nan'::DOUBLE))`;

/**
 * SQL of a result that is made of `"~e".a` and `"~e".b`, both computed once; missing unless both are
 * vectors of one length, and unless finite.
 */
const ofVectors = (a: string, b: string, result: string): string => {
  const fits = `len("~e".a) > 0 AND len("~e".a) = len("~e".b)`;
  const found = `(list_transform([CASE WHEN ${fits} THEN ${result} END], lambda "~f": CASE WHEN isfinite("~f") THEN "~f" END))[1]`;
  return `(list_transform([{'a': ${vectorSql(a)}, 'b': ${vectorSql(b)}}], lambda "~e": ${found}))[1]`;
};

const dotSql = (x: "a" | "b", y: "a" | "b") => `list_inner_product("~e".${x}, "~e".${y})`;
const cosineSql = `${dotSql("a", "b")} / nullif(sqrt(${dotSql("a", "a")}) * sqrt(${dotSql("b", "b")}), 0)`;

export const lists = {
  listLength: {
    takes: ["list"],
    gives: "number",
    sql: applyNumber("len"),
    wholeSql: apply("len"),
    js: () => (a: List) => a.length,
    whole: "always",
  },
  /** A missing item is equal to nothing. */
  listContains: {
    takes: ["list", "same"],
    gives: "boolean",
    sql: ([a = "", b = ""]) =>
      `((list_transform([{'l': ${a}, 'x': ${b}}], lambda "~e": CASE WHEN "~e".l IS NOT NULL AND "~e".x IS NOT NULL THEN list_contains("~e".l, "~e".x) END))[1])`,
    js: () => (a: List, b: number | string) => Number(a.includes(b)),
  },
  dot: {
    ...vectors,
    sql: ([a = "", b = ""]) => ofVectors(a, b, dotSql("a", "b")),
    js: () => (a: Vector, b: Vector) => finite(dot(a, b)),
    relativeError: bySum,
  },
  /** Missing where one of the two has no direction. */
  cosine: {
    ...vectors,
    sql: ([a = "", b = ""]) =>
      ofVectors(
        a,
        b,
        `(list_transform([${cosineSql}], lambda "~q": CASE WHEN isfinite("~q") THEN greatest(-1e0, least(1e0, "~q")) END))[1]`,
      ),
    js: () => (a: Vector, b: Vector) => {
      const cosine = dot(a, b) / (Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b)));
      return Number.isFinite(cosine) ? Math.max(-1, Math.min(1, cosine)) : Number.NaN;
    },
    relativeError: bySum,
  },
  /** The Euclidean length. */
  norm: {
    takes: ["list"],
    gives: "number",
    vectors: true,
    sql: ([a = ""]) => ofVectors(a, a, `sqrt(${dotSql("a", "a")})`),
    js: () => (a: Vector) => finite(Math.sqrt(dot(a, a))),
    relativeError: bySum,
  },
} as const satisfies { readonly [name: string]: Operator };
