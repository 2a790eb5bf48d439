/** Operators on text: sequences of code points, without normalisation, and case only of A to Z. */
import * as crypto from "node:crypto";
import { literal } from "../../Duckdb.ts";
import { lengthOf, slice } from "./codePoints.ts";
import {
  apply,
  applyNumber,
  finite,
  finiteSql,
  infix,
  isPosition,
  one,
  once,
  type Operator,
  type Param,
} from "./Operator.ts";
import { pattern, problemOfPattern } from "./pattern.ts";

const toText = { takes: ["text"], gives: "text" } as const;
const toNumber = { takes: ["text"], gives: "number" } as const;
const tested = { takes: ["text", "text"], gives: "boolean" } as const;

const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const smalls = capitals.toLowerCase();

/** The numbers that are read from text: no spaces, no separators, no hexadecimal. */
const numeral = "[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?";
const isNumeral = new RegExp(`^(?:${numeral})$`);

const textOf = (param: Param | undefined): string => String(param ?? "");

export const texts = {
  length: {
    ...toNumber,
    sql: applyNumber("length"),
    wholeSql: apply("length"),
    js: () => lengthOf,
    whole: "always",
  },
  lowerAscii: {
    ...toText,
    sql: ([a]) => `translate(${a}, '${capitals}', '${smalls}')`,
    js: () => (a: string) => a.replace(/[A-Z]+/g, (part) => part.toLowerCase()),
  },
  upperAscii: {
    ...toText,
    sql: ([a]) => `translate(${a}, '${smalls}', '${capitals}')`,
    js: () => (a: string) => a.replace(/[a-z]+/g, (part) => part.toUpperCase()),
  },
  /** Spaces only: what else is white differs between libraries, and SQL would take all of category Zs. */
  trim: {
    ...toText,
    sql: ([a]) => `trim(${a}, ' ')`,
    js: () => (a: string) => a.replace(/^ +| +$/g, ""),
  },
  concat: {
    takes: ["text", "text"],
    gives: "text",
    sql: infix("||"),
    js: () => (a: string, b: string) => a + b,
  },
  startsWith: {
    ...tested,
    sql: apply("starts_with"),
    js: () => (a: string, b: string) => Number(a.startsWith(b)),
  },
  endsWith: {
    ...tested,
    sql: apply("ends_with"),
    js: () => (a: string, b: string) => Number(a.endsWith(b)),
  },
  contains: {
    ...tested,
    sql: apply("contains"),
    js: () => (a: string, b: string) => Number(a.includes(b)),
  },
  replaceAll: {
    ...toText,
    problem: (params) =>
      params.length === 2 && params.every((each) => typeof each === "string") && params[0] !== ""
        ? undefined
        : "takes a text to look for, not empty, and one to put in its place",
    sql: ([a], [from, to]) => `replace(${a}, ${literal(textOf(from))}, ${literal(textOf(to))})`,
    js: ([from, to]) => {
      const [look, put] = [textOf(from), textOf(to)];
      return (a: string) => a.replaceAll(look, () => put);
    },
  },
  substring: {
    ...toText,
    problem: (params) =>
      params.length === 2 && params.every(isPosition)
        ? undefined
        : "takes a start, from 0, and a length: whole numbers",
    sql: ([a], [start, length]) => `substring(${a}, ${Number(start) + 1}, ${Number(length)})`,
    js:
      ([start, length]) =>
      (a: string) =>
        slice(a, Number(start), Number(length)),
  },
  matches: {
    takes: ["text"],
    gives: "boolean",
    problem: problemOfPattern,
    sql: ([a], [regex]) => `regexp_full_match(${a}, ${literal(textOf(regex))})`,
    js: ([regex]) => {
      const compiled = pattern(textOf(regex));
      return (a: string) => Number(compiled.matches(a));
    },
  },
  /** The first match, or a group of it that took no part: empty. No match: missing. */
  extract: {
    ...toText,
    problem: ([regex, group, ...rest]) =>
      rest.length > 0 || group === undefined || !isPosition(group) || Number(group) > 9
        ? "takes a pattern and the number of a group, 0 to 9"
        : problemOfPattern([regex ?? 0], Number(group)),
    sql: ([a = ""], [regex, group]) => {
      const re = literal(textOf(regex));
      return once(
        a,
        (text) =>
          `(CASE WHEN regexp_matches(${text}, ${re}) THEN regexp_extract(${text}, ${re}, ${Number(group)}) END)`,
      );
    },
    js: ([regex, group]) => {
      const compiled = pattern(textOf(regex));
      return (a: string) => {
        const matcher = compiled.matcher(a);
        return matcher.find() ? (matcher.group(Number(group)) ?? "") : null;
      };
    },
  },
  parseNumber: {
    ...toNumber,
    sql: ([a = ""]) =>
      once(
        a,
        (text) =>
          `(CASE WHEN regexp_full_match(${text}, '${numeral}') THEN ${finiteSql(`TRY_CAST(${text} AS DOUBLE)`)} END)`,
      ),
    js: () => (a: string) => (isNumeral.test(a) ? finite(Number(a)) : Number.NaN),
  },
  /** The first 52 bits of SHA-256 (FIPS 180-4) of the text in UTF-8, modulo the number of buckets. */
  hashBucket: {
    ...toNumber,
    problem: one("a number of buckets from 1 to 2^31", (n) => isPosition(n) && Number(n) > 0),
    sql: ([a = ""], [buckets]) =>
      `CAST(CAST('0x' || substr(sha256(${a}), 1, 13) AS BIGINT) % ${Number(buckets)} AS DOUBLE)`,
    js: ([buckets]) => {
      const by = Number(buckets);
      return (a: string) => Number.parseInt(crypto.hash("sha256", a).slice(0, 13), 16) % by;
    },
    whole: "always",
  },
} as const satisfies { readonly [name: string]: Operator };
