/** Kinds of checks of one value of each row: see `Check.notNull` and its neighbours in core. */
import { Duckdb } from "@ml-pipe/data";
import * as Schema from "effect/Schema";
import type { ColumnPlan } from "../rowsSql.ts";
import { instantText, Limits, limitNumber, limitsText } from "../words.ts";
import {
  type Kind,
  type RowWords,
  instants,
  noArgs,
  numbers,
  one,
  ordered,
  rowKind,
  text,
} from "./Kind.ts";
import { isNull, listOf, listProblem, sqlNumber, Values } from "./sql.ts";

/** A kind for one column, whose condition is written over its SQL. */
const valueKind = <A>(
  types: Kind["types"],
  args: Schema.Codec<A, unknown>,
  compile: (column: ColumnPlan, args: A) => RowWords | string,
): Kind =>
  rowKind({
    columns: one,
    ...(types === undefined ? {} : { types }),
    args,
    compile: (args, { columns: [column] }) =>
      column === undefined ? "it has no column" : compile(column, args),
  });

/** SQL: a value within limits. NaN is above all numbers: no finite limit lets it or ±Infinity in. */
const inside = (
  { column, spec }: ColumnPlan,
  { low, high }: { readonly low?: string; readonly high?: string },
): string => {
  const largest = `CAST('${Number.MAX_VALUE}' AS DOUBLE)`;
  const [least, most] =
    spec.type === "float" ? [low ?? `-${largest}`, high ?? largest] : [low, high];
  return [
    ...(least === undefined ? [] : [`${column} >= ${least}`]),
    ...(most === undefined ? [] : [`${column} <= ${most}`]),
  ].join(" AND ");
};

const Patterns = Schema.Struct({ patterns: Schema.NonEmptyArray(Schema.String) });
const Sets = Schema.Struct({ values: Values });

/** White space of any script. */
const blank = "[\\s\\p{Z}]";

const parsed = {
  boolean: (x: string) => `TRY_CAST(${x} AS BOOLEAN) IS NOT NULL`,
  int: (x: string) =>
    `regexp_full_match(${x}, '\\s*[+-]?\\d+\\s*') AND TRY_CAST(${x} AS BIGINT) IS NOT NULL`,
  float: (x: string) => `coalesce(isfinite(TRY_CAST(${x} AS DOUBLE)), false)`,
  timestamp: (x: string) => `coalesce(isfinite(TRY_CAST(${x} AS TIMESTAMPTZ)), false)`,
} as const;

const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const octet = "(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const digit = "TRY_CAST(c AS INTEGER)";
const form = {
  email: (x: string) => fullMatch(x, `[a-zA-Z0-9.!#$%&'*+/=?^_\`{|}~-]+@${label}(?:\\.${label})*`),
  url: (x: string) => fullMatch(x, "(?i)https?://[^\\s/?#]+(?:[/?#]\\S*)?"),
  uuid: (x: string) => fullMatch(x, "(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
  ipv4: (x: string) => fullMatch(x, `${octet}(?:\\.${octet}){3}`),
  json: (x: string) => `json_valid(${x})`,
  // Luhn: every second digit from the right counts twice, digit by digit.
  "card-number": (x: string) =>
    `${fullMatch(x, "\\d(?:[ -]?\\d){11,18}")} AND list_sum(list_transform(string_split(reverse(regexp_replace(${x}, '[ -]', '', 'g')), ''), lambda c, i: CASE WHEN i % 2 = 0 THEN (2 * ${digit}) // 10 + (2 * ${digit}) % 10 ELSE ${digit} END)) % 10 = 0`,
  "iso-date": (x: string) =>
    `${fullMatch(x, "\\d{4}-\\d{2}-\\d{2}")} AND try_strptime(${x}, '%Y-%m-%d') IS NOT NULL`,
} as const;

const fullMatch = (x: string, pattern: string): string =>
  `regexp_full_match(${x}, ${Duckdb.literal(pattern)})`;

/** The kinds by name. */
export const valueKinds: { readonly [kind: string]: Kind } = {
  "not-null": rowKind({
    columns: one,
    args: noArgs,
    compile: (_, { columns: [column] }) => ({
      expected: "a value in every row",
      holds: `NOT ${isNull(column)}`,
      counts: "",
      found: "'null'",
    }),
  }),
  null: rowKind({
    columns: one,
    args: noArgs,
    compile: (_, { columns: [column] }) => ({
      expected: "no value in any row",
      holds: isNull(column),
      counts: "",
    }),
  }),
  between: valueKind(ordered, Limits, (plan, limits) => {
    const { spec } = plan;
    const time = spec.type === "timestamp";
    const given = [limits.atLeast, limits.atMost].filter((limit) => limit !== undefined);
    if (given.some((limit) => (typeof limit === "string") !== time)) {
      return `its limits are not of ${spec.type}`;
    }
    const limit = (value: number | string) =>
      time ? `epoch_ms(${limitNumber(value)})` : sqlNumber(limitNumber(value));
    const { atLeast, atMost } = limits;
    const unit = spec.unit === undefined ? "" : ` ${spec.unit}`;
    return {
      expected: `values ${limitsText(limits, time ? instantText : undefined)}${unit}`,
      holds: inside(plan, {
        ...(atLeast === undefined ? {} : { low: limit(atLeast) }),
        ...(atMost === undefined ? {} : { high: limit(atMost) }),
      }),
      strict: true,
    };
  }),
  positive: valueKind(numbers, noArgs, (plan) => ({
    expected: "numbers above 0",
    holds: `${plan.column} > 0 AND ${inside(plan, { low: "0" })}`,
    strict: true,
  })),
  "non-negative": valueKind(numbers, noArgs, (plan) => ({
    expected: "numbers of 0 or more",
    holds: inside(plan, { low: "0" }),
    strict: true,
  })),
  "whole-number": valueKind(numbers, noArgs, (plan) => ({
    expected: "numbers without a fraction",
    holds: `trunc(${plan.column}) = ${plan.column} AND isfinite(CAST(${plan.column} AS DOUBLE))`,
  })),
  "z-score": rowKind({
    columns: one,
    types: numbers,
    args: Schema.Struct({ atMost: Schema.Finite }),
    compile: ({ atMost }, { columns: [plan] }) => {
      const x = plan?.column ?? "";
      const real = `isfinite(CAST(${x} AS DOUBLE))`;
      return {
        expected: `values within ${atMost} standard deviations of the mean`,
        search: (those: string) =>
          `SELECT "~row" AS row, ${x} || ' of mean ' || "~mean" || ' and standard deviation ' || "~sd" AS reason
           FROM ${those}, (SELECT avg(${x}) AS "~mean", coalesce(stddev_samp(${x}), 0) AS "~sd" FROM ${those} WHERE ${real})
           WHERE NOT (${real} AND abs(${x} - "~mean") <= ${sqlNumber(atMost)} * "~sd")`,
      };
    },
  }),
  "in-set": valueKind(
    undefined,
    Sets,
    (plan, { values }) =>
      listProblem(plan, values) ?? {
        expected: `one of ${values.join(", ")}`,
        ...(values.length === 0
          ? { holds: "false" }
          : { holds: `${plan.column} IN (${listOf(values)})`, strict: true }),
      },
  ),
  "not-in-set": valueKind(
    undefined,
    Sets,
    (plan, { values }) =>
      listProblem(plan, values) ?? {
        expected: `none of ${values.join(", ")}`,
        holds:
          values.length === 0
            ? `${plan.finite} IS NOT NULL`
            : `coalesce(${plan.finite} NOT IN (${listOf(values)}), false)`,
      },
  ),
  matches: valueKind(text, Patterns, ({ column }, { patterns }) => ({
    expected: `text that matches ${patterns.join(" or ")}`,
    holds: patterns.map((pattern) => fullMatch(column, pattern)).join(" OR "),
    strict: true,
  })),
  "not-matches": valueKind(text, Patterns, ({ column }, { patterns }) => ({
    expected: `text without ${patterns.join(" or ")}`,
    holds: `NOT (${patterns
      .map((pattern) => `regexp_matches(${column}, ${Duckdb.literal(pattern)})`)
      .join(" OR ")})`,
    strict: true,
  })),
  length: valueKind(text, Limits, ({ column }, limits) => ({
    expected: `text of length ${limitsText(limits)}`,
    holds: [
      ...(limits.atLeast === undefined ? [] : [`length(${column}) >= ${Number(limits.atLeast)}`]),
      ...(limits.atMost === undefined ? [] : [`length(${column}) <= ${Number(limits.atMost)}`]),
    ].join(" AND "),
    strict: true,
  })),
  format: valueKind(
    text,
    Schema.Struct({
      format: Schema.Literals(["email", "url", "uuid", "ipv4", "json", "card-number", "iso-date"]),
    }),
    ({ column }, { format }) => ({
      expected: `text that is ${format}`,
      holds: form[format](column),
    }),
  ),
  "date-format": valueKind(
    text,
    Schema.Struct({ pattern: Schema.String }),
    ({ column }, { pattern }) => ({
      expected: `text in the format ${pattern}`,
      holds: `try_strptime(${column}, ${Duckdb.literal(pattern)}) IS NOT NULL`,
    }),
  ),
  "parses-as": valueKind(
    text,
    Schema.Struct({ type: Schema.Literals(["boolean", "int", "float", "timestamp"]) }),
    ({ column }, { type }) => ({
      expected: `text that is ${type}`,
      holds: parsed[type](column),
    }),
  ),
  "not-blank": valueKind(text, noArgs, ({ column }) => ({
    expected: "text that is not blank",
    holds: `NOT regexp_full_match(${column}, '${blank}*')`,
    strict: true,
  })),
  trimmed: valueKind(text, noArgs, ({ column }) => ({
    expected: "text without white space at its ends",
    holds: `NOT regexp_matches(${column}, '^${blank}|${blank}$')`,
    strict: true,
  })),
  "no-null-words": valueKind(text, noArgs, ({ column }) => ({
    expected: "no text that stands for a missing value",
    holds: `NOT regexp_full_match(${column}, '(?i)${blank}*(?:|n/?a|nan|null|none|nil|-|\\?)${blank}*')`,
    strict: true,
  })),
  "not-in-future": rowKind({
    columns: one,
    types: instants,
    timed: true,
    args: noArgs,
    compile: (_, { columns: [column], asOf = 0 }) => ({
      expected: `no instant after ${instantText(asOf)}`,
      holds: `${column?.column} <= epoch_ms(${asOf})`,
    }),
  }),
};
