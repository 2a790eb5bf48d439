/** Kinds of figures of a column: see `Check.mean` and its neighbours in core. */
import * as Schema from "effect/Schema";
import type { Ask } from "../Check.ts";
import { instantText } from "../words.ts";
import {
  and,
  type FigureWords,
  figureKind,
  filterOf,
  haveValues,
  type Kind,
  noArgs,
  numbers,
  one,
  ordered,
  type Subject,
  text,
  two,
} from "./Kind.ts";
import { isNull, sqlNumber } from "./sql.ts";

/** A figure of one column from aggregates of the scan, written over the column and a filter. */
const ofColumn = (
  types: Kind["types"],
  words: string,
  asks: (x: string, filter: string) => ReadonlyArray<string>,
  value?: FigureWords["value"],
  plain?: true,
): Kind =>
  figureKind({
    columns: one,
    ...(types === undefined ? {} : { types }),
    args: noArgs,
    compile: ({ columns, where }) => ({
      words,
      asks: asks(columns[0]?.finite ?? "", filterOf(where)),
      ...(value === undefined ? {} : { value }),
      ...(plain === undefined ? {} : { plain }),
    }),
  });

const divided = ([a, b]: ReadonlyArray<number | null>): number | null =>
  a === null || a === undefined || b === null || b === undefined || b === 0 ? null : a / b;

/** The smallest or largest value; an instant is its epoch milliseconds. */
const extreme = (aggregate: "min" | "max", words: string): Kind =>
  figureKind({
    columns: one,
    types: ordered,
    args: noArgs,
    compile: ({ columns, where }) => {
      const sql = `${aggregate}(${columns[0]?.finite})${filterOf(where)}`;
      return columns[0]?.spec.type === "timestamp"
        ? { words, asks: [`CAST(epoch_ms(${sql}) AS DOUBLE)`], show: instantText }
        : { words, asks: [sql] };
    },
  });

/** Nulls of a column, as a number or a share of the rows. */
const nulls = (words: string, value?: FigureWords["value"]): Kind =>
  figureKind({
    columns: one,
    args: noArgs,
    compile: ({ columns: [column], where }) => {
      const rows = `count(*)${filterOf(where)}`;
      const present = `count(${column?.column})`;
      const missing =
        where === undefined && column?.mayVanish === false
          ? `count(*) - ${present}`
          : `count_if(${and([where, isNull(column)])})`;
      return {
        words,
        asks: [missing, rows],
        ...(value === undefined ? {} : { value }),
        counted: rows,
        plain: true,
      };
    },
  });

/** An aggregate of the finite values in a pass of its own: what keeps all of them in memory. */
const inMemory = ({ columns, where }: Subject, aggregate: string): Ask => ({
  from: `(SELECT CAST(${columns[0]?.finite} AS DOUBLE) AS value FROM rows WHERE ${and([where, haveValues(columns)])})`,
  sql: aggregate,
});

const fromMemory = (words: string, ...aggregates: ReadonlyArray<string>): Kind =>
  figureKind({
    columns: one,
    types: numbers,
    args: noArgs,
    compile: (subject) => ({
      words,
      asks: aggregates.map((aggregate) => inMemory(subject, aggregate)),
      value: ([a, b]) =>
        a === null || a === undefined || b === null ? null : b === undefined ? a : a - b,
    }),
  });

const Q = Schema.Struct({ q: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })) });

/** The kinds by name. */
export const statisticKinds: { readonly [kind: string]: Kind } = {
  "null-share": nulls("null share", divided),
  "null-count": nulls("number of nulls"),
  min: extreme("min", "smallest value"),
  max: extreme("max", "largest value"),
  mean: ofColumn(numbers, "mean", (x, filter) => [`avg(${x})${filter}`]),
  sum: ofColumn(numbers, "sum", (x, filter) => [`sum(${x})${filter}`]),
  "standard-deviation": ofColumn(numbers, "standard deviation", (x, filter) => [
    `stddev_samp(${x})${filter}`,
  ]),
  variance: ofColumn(
    numbers,
    "variance",
    (x, filter) => [`var_samp(${x})${filter}`],
    undefined,
    true,
  ),
  "coefficient-of-variation": ofColumn(
    numbers,
    "coefficient of variation",
    (x, filter) => [`stddev_samp(${x})${filter}`, `abs(avg(${x})${filter})`],
    divided,
    true,
  ),
  skewness: ofColumn(
    numbers,
    "skewness",
    (x, filter) => [`skewness(${x})${filter}`],
    undefined,
    true,
  ),
  kurtosis: ofColumn(
    numbers,
    "kurtosis",
    (x, filter) => [`kurtosis(${x})${filter}`],
    undefined,
    true,
  ),
  "zero-share": figureKind({
    columns: one,
    types: numbers,
    args: noArgs,
    compile: ({ columns, where }) => ({
      words: "share of zeros",
      asks: [
        `count_if(${and([where, `${columns[0]?.column} = 0`])})`,
        `count(${columns[0]?.finite})${filterOf(where)}`,
      ],
      value: divided,
      plain: true,
    }),
  }),
  median: fromMemory("median", "quantile_cont(value, 0.5)"),
  quantile: figureKind({
    columns: one,
    types: numbers,
    args: Q,
    compile: (subject, { q }) => ({
      words: `${q} quantile`,
      asks: [inMemory(subject, `quantile_cont(value, ${sqlNumber(q)})`)],
    }),
  }),
  "approx-quantile": figureKind({
    columns: one,
    types: numbers,
    args: Q,
    compile: ({ columns, where }, { q }) => ({
      words: `approximate ${q} quantile`,
      asks: [`approx_quantile(CAST(${columns[0]?.finite} AS DOUBLE), ${q})${filterOf(where)}`],
    }),
  }),
  "interquartile-range": fromMemory(
    "interquartile range",
    "quantile_cont(value, 0.75)",
    "quantile_cont(value, 0.25)",
  ),
  "median-absolute-deviation": fromMemory("median absolute deviation", "mad(value)"),
  correlation: figureKind({
    columns: two,
    types: numbers,
    args: noArgs,
    compile: ({ columns, where }) => ({
      words: "correlation",
      asks: [`corr(${columns.map(({ finite }) => finite).join(", ")})${filterOf(where)}`],
    }),
  }),
  "min-length": ofColumn(text, "shortest length", (x, filter) => [`min(length(${x}))${filter}`]),
  "max-length": ofColumn(text, "greatest length", (x, filter) => [`max(length(${x}))${filter}`]),
  "mean-length": ofColumn(text, "mean length", (x, filter) => [`avg(length(${x}))${filter}`]),
};
