/** Kinds of checks of several values of one row: see `Check.greaterThan` and its neighbours in core. */
import { Expr } from "@ml-pipe/data";
import * as Schema from "effect/Schema";
import type { ColumnPlan } from "../rowsSql.ts";
import {
  and,
  any,
  haveValues,
  type Kind,
  noArgs,
  numbers,
  ordered,
  rowKind,
  several,
  two,
} from "./Kind.ts";
import { isNull, listOf, listProblem, sqlNumber, Values } from "./sql.ts";

/** Two columns, compared by an operator; no number that is not finite compares well with another. */
const comparison = (types: Kind["types"], operator: string, words: string): Kind =>
  rowKind({
    columns: two,
    ...(types === undefined ? {} : { types }),
    alike: true,
    args: noArgs,
    compile: (_, { columns }) => {
      const [first, second] = columns;
      return {
        expected: `${first?.name} ${words} ${second?.name}`,
        holds: and([finite(columns), `${first?.column} ${operator} ${second?.column}`]),
      };
    },
  });

const finite = (columns: ReadonlyArray<ColumnPlan>): string =>
  haveValues(columns.filter(({ spec }) => spec.type === "float"));

/** SQL: in how many of the columns a row has a value. */
const numberPresent = (columns: ReadonlyArray<ColumnPlan>): string =>
  columns.map((column) => `CAST(NOT ${isNull(column)} AS INTEGER)`).join(" + ");

const presence = (words: string, holds: (present: string, all: number) => string): Kind =>
  rowKind({
    columns: several,
    args: noArgs,
    compile: (_, { columns }) => ({
      expected: `${words} of ${columns.map(({ name }) => name).join(", ")}`,
      holds: holds(`(${numberPresent(columns)})`, columns.length),
      counts: "",
    }),
  });

const sumOf = (columns: ReadonlyArray<ColumnPlan>): string =>
  columns.map(({ column }) => `CAST(${column} AS DOUBLE)`).join(" + ");

/** The kinds by name. */
export const rowKinds: { readonly [kind: string]: Kind } = {
  "greater-than": comparison(ordered, ">", "greater than"),
  "greater-or-equal": comparison(ordered, ">=", "at least"),
  equal: comparison(undefined, "=", "equal to"),
  "combination-in-set": rowKind({
    columns: several,
    args: Schema.Struct({ values: Schema.Array(Values) }),
    compile: ({ values }, { columns }) => {
      const names = columns.map(({ name }) => name).join(", ");
      for (const combination of values) {
        if (combination.length !== columns.length) {
          return `${JSON.stringify(combination)} is no combination of ${names}`;
        }
        for (const [index, column] of columns.entries()) {
          const problem = listProblem(column, combination.slice(index, index + 1));
          if (problem !== undefined) return problem;
        }
      }
      const rows = values.map((combination) => `row(${listOf(combination)})`).join(", ");
      return {
        expected: `${names} one of ${values.map((one) => one.join(" and ")).join("; ")}`,
        holds:
          rows === ""
            ? "false"
            : `row(${columns.map(({ column }) => column).join(", ")}) IN (${rows})`,
      };
    },
  }),
  "sum-equals": rowKind({
    columns: { atLeast: 1, atMost: Infinity },
    types: numbers,
    args: Schema.Struct({
      total: Schema.optionalKey(Schema.Finite),
      tolerance: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
    }),
    compile: ({ total, tolerance }, { columns }) => {
      const parts = total === undefined ? columns.slice(0, -1) : columns;
      const last = total === undefined ? columns.at(-1) : undefined;
      if (parts.length === 0) return "it has no column to add up";
      const whole = last === undefined ? sqlNumber(total ?? 0) : `CAST(${last.column} AS DOUBLE)`;
      const sum = `(${sumOf(parts)})`;
      const within =
        tolerance === undefined
          ? `1e-9 * greatest(abs(${sum}), abs(${whole}), 1)`
          : sqlNumber(tolerance);
      return {
        expected: `${parts.map(({ name }) => name).join(" + ")} = ${last?.name ?? total}${tolerance === undefined ? "" : ` ± ${tolerance}`}`,
        holds: and([finite(columns), `abs(${sum} - ${whole}) <= ${within}`]),
      };
    },
  }),
  "any-present": presence("at least one", (present) => `${present} >= 1`),
  "one-present": presence("exactly one", (present) => `${present} = 1`),
  "all-or-none-present": presence("all or none", (present, all) => `${present} IN (0, ${all})`),
  "distinct-within-row": rowKind({
    columns: several,
    alike: true,
    args: noArgs,
    compile: (_, { columns }) => ({
      expected: `different values in ${columns.map(({ name }) => name).join(", ")}`,
      holds: and(
        columns.flatMap(({ column }, index) =>
          columns
            .slice(index + 1)
            .map((other) => `${column} IS DISTINCT FROM ${other.column} OR ${column} IS NULL`),
        ),
      ),
      counts: `(${numberPresent(columns)}) >= 2`,
    }),
  }),
  sql: rowKind({
    columns: any,
    args: Schema.Struct({ condition: Schema.String }),
    compile: ({ condition }) => {
      // The line break ends a comment in it.
      const holds = `(${condition}\n)`;
      return { expected: condition, holds, counts: `${holds} IS NOT NULL` };
    },
  }),
  formula: rowKind({
    columns: any,
    args: Schema.Struct({ expected: Schema.String, formula: Expr.Ast }),
    compile: ({ expected, formula }) => {
      const holds = `(${Expr.sql({ ast: formula })})`;
      return { expected, holds, counts: `${holds} IS NOT NULL` };
    },
  }),
};
