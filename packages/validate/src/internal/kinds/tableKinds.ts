/** Kinds of checks of the table as a whole: see `Check.rowCount` and its neighbours in core. */
import { Duckdb } from "@ml-pipe/data";
import * as Schema from "effect/Schema";
import { couldNotRun } from "../Check.ts";
import {
  durationText,
  figureText,
  instantText,
  Limits,
  limitsText,
  rowsText,
  within,
} from "../words.ts";
import { and, any, figureKind, instants, type Kind, noArgs, none, one, tableKind } from "./Kind.ts";

const Age = Schema.Struct({ atMostMs: Schema.Finite });

/** The last instant that a JavaScript `Date` can hold, in microseconds. */
const lastMicros = "8640000000000000000";

/** The kinds by name. */
export const tableKinds: { readonly [kind: string]: Kind } = {
  "row-count": tableKind({
    columns: none,
    args: Limits,
    compile: (limits, { where }) => ({
      expected: `number of rows ${limitsText(limits)}`,
      asks: [where === undefined ? "count(*)" : `count_if(${where})`],
      // Zero is a count like any other: limits that allow it are kept by an empty table.
      judge: ([count]) => ({
        outcome: within(limits, Number(count)) ? "passed" : "failed",
        found: rowsText(Number(count)),
      }),
    }),
  }),
  "row-count-ratio": figureKind({
    columns: none,
    args: Schema.Struct({ contract: Schema.String }),
    compile: ({ where, other }, { contract }) => ({
      words: `number of rows divided by that of ${contract}`,
      asks: [
        where === undefined ? "count(*)" : `count_if(${where})`,
        { from: other ?? "", sql: "count(*)" },
      ],
      value: ([own, others]) => (others === 0 ? null : (own ?? 0) / (others ?? 0)),
    }),
  }),
  "column-count": tableKind({
    columns: none,
    args: Limits,
    compile: (limits, { file }) => ({
      expected: `number of columns ${limitsText(limits)}`,
      asks: [],
      judge: () => ({
        outcome: within(limits, file.length) ? "passed" : "failed",
        found: `${file.length} columns`,
      }),
    }),
  }),
  "no-other-columns": tableKind({
    columns: none,
    args: noArgs,
    compile: (_, { contract, file }) => ({
      expected: "no column that the contract does not have",
      asks: [],
      judge: () => {
        const others = file.filter(({ name }) => !Object.hasOwn(contract.spec.columns, name));
        return others.length === 0
          ? { outcome: "passed", found: `${file.length} columns` }
          : { outcome: "failed", found: others.map(({ name }) => name).join(", ") };
      },
    }),
  }),
  "column-order": tableKind({
    columns: none,
    args: noArgs,
    compile: (_, { contract, file }) => ({
      expected: "the contract's columns in its order",
      asks: [],
      judge: () => {
        const found = file
          .map(({ name }) => name)
          .filter((name) => Object.hasOwn(contract.spec.columns, name));
        const wanted = Object.keys(contract.spec.columns);
        return {
          outcome: found.join("\n") === wanted.join("\n") ? "passed" : "failed",
          found: found.join(", "),
        };
      },
    }),
  }),
  "duplicate-share": figureKind({
    columns: any,
    args: noArgs,
    compile: ({ columns, contract, where }) => {
      const names =
        columns.length > 0
          ? columns.map(({ column }) => column)
          : Object.keys(contract.spec.columns).map(Duckdb.identifier);
      const filter = where === undefined ? "" : ` WHERE ${where}`;
      const from = `(SELECT count(*) AS n FROM rows${filter} GROUP BY ${names.join(", ")})`;
      return {
        words: "share of rows that repeat another",
        asks: [
          { from, sql: "sum(n) - count(*)" },
          { from, sql: "sum(n)" },
        ],
        value: ([repeats, rows]) =>
          typeof repeats !== "number" || typeof rows !== "number" ? null : repeats / rows,
        counted: where === undefined ? "count(*)" : `count_if(${where})`,
        plain: true,
      };
    },
  }),
  freshness: tableKind({
    columns: one,
    types: instants,
    timed: true,
    args: Age,
    compile: ({ atMostMs }, { columns: [plan], where, asOf = 0 }) => {
      const newest = and([
        where,
        `${plan?.column} BETWEEN make_timestamp(-${lastMicros}) AND epoch_ms(${asOf})`,
      ]);
      return {
        expected: `an instant at most ${durationText(atMostMs)} before ${instantText(asOf)}`,
        asks: [
          "count(*)",
          `CAST(epoch_ms(max(${plan?.column}) FILTER (WHERE ${newest})) AS DOUBLE)`,
        ],
        judge: ([all, at]) => {
          if (at === null || at === undefined) {
            const why = `no row has a "${plan?.name}" up to then`;
            return couldNotRun(Number(all) === 0 ? "the table has no rows" : why);
          }
          const age = asOf - Number(at);
          return {
            outcome: age <= atMostMs ? "passed" : "failed",
            found: `the newest at ${instantText(Number(at))}, ${durationText(age)} before`,
          };
        },
      };
    },
  }),
  "longest-gap": tableKind({
    columns: one,
    types: instants,
    args: Age,
    compile: ({ atMostMs }, { columns: [plan], where }) => {
      const x = plan?.column;
      const filter = and([where, `${x} IS NOT NULL`]);
      const from = `(SELECT CAST(epoch_ms(${x}) AS DOUBLE) AS until, epoch_ms(${x}) - lag(epoch_ms(${x})) OVER (ORDER BY ${x}) AS gap FROM rows WHERE ${filter})`;
      return {
        expected: `no more than ${durationText(atMostMs)} between two instants`,
        asks: [
          { from, sql: "CAST(max(gap) AS DOUBLE)" },
          { from, sql: "arg_max(until, gap)" },
        ],
        judge: ([gap, until]) =>
          gap === null || gap === undefined
            ? couldNotRun("fewer than two rows have an instant")
            : {
                outcome: Number(gap) <= atMostMs ? "passed" : "failed",
                found: `${durationText(Number(gap))} until ${instantText(Number(until))}`,
              },
      };
    },
  }),
  aggregate: tableKind({
    columns: any,
    args: Schema.Struct({ expression: Schema.String, ...Limits.fields }),
    compile: ({ expression, ...limits }, { where }) => {
      // The line break ends a comment in it.
      const sql = `CAST((${expression}\n) AS DOUBLE)`;
      return {
        expected: `${expression} ${limitsText(limits)}`,
        // A condition can only stand outside an expression of which nothing is known.
        asks: [
          where === undefined ? "count(*)" : `count_if(${where})`,
          where === undefined ? sql : { from: `(SELECT * FROM rows WHERE ${where})`, sql },
        ],
        judge: ([count, value]) => {
          if (Number(count) === 0) return couldNotRun("no row is left for it");
          const figure = value === null || value === undefined ? Number.NaN : Number(value);
          return Number.isFinite(figure)
            ? {
                outcome: within(limits, figure) ? "passed" : "failed",
                found: figureText(figure),
              }
            : couldNotRun(`it is ${value === null ? "null" : String(value)}`);
        },
      };
    },
  }),
};
