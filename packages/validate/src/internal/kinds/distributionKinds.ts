/** Kinds of figures of how often values occur: see `Check.entropy` and its neighbours in core. */
import * as Schema from "effect/Schema";
import { couldNotRun, type Judged } from "../Check.ts";
import {
  and,
  type FigureWords,
  figureKind,
  filterOf,
  haveValues,
  type Kind,
  noArgs,
  one,
  type Subject,
  tableKind,
  two,
} from "./Kind.ts";
import { listOf, listProblem, Value, type Values } from "./sql.ts";

type Figures = ReadonlyArray<number | null>;

/** The different values of a column and how often each occurs: one GROUP BY for all its checks. */
const countsOf = ({ columns, where }: Subject): string => {
  const x = columns[0]?.column;
  return `(SELECT ${x} AS value, count(*) AS n FROM rows WHERE ${and([where, haveValues(columns)])} GROUP BY ${x})`;
};

/** A figure of those counts. */
const ofCounts = (
  words: string,
  asks: ReadonlyArray<string>,
  value: (values: Figures) => number | null,
): Kind =>
  figureKind({
    columns: one,
    args: noArgs,
    compile: (subject): FigureWords => ({
      words,
      asks: asks.map((sql) => ({ from: countsOf(subject), sql })),
      value,
      plain: true,
    }),
  });

const ratio = ([part, whole]: Figures): number | null =>
  part === null || part === undefined || whole === null || whole === undefined || whole === 0
    ? null
    : part / whole;

/** How often each pair of values occurs, and each value of it alone. */
const pairsOf = ({ columns, where }: Subject): string => {
  const [a, b] = columns.map(({ column }) => column);
  return `(SELECT n, sum(n) OVER (PARTITION BY a) AS na, sum(n) OVER (PARTITION BY b) AS nb, a, b FROM (
    SELECT ${a} AS a, ${b} AS b, count(*) AS n FROM rows WHERE ${and([where, haveValues(columns)])} GROUP BY ALL))`;
};

const ofPairs = (
  words: string,
  asks: ReadonlyArray<string>,
  value: (values: Figures) => number | null,
): Kind =>
  figureKind({
    columns: two,
    args: noArgs,
    compile: (subject): FigureWords => ({
      words,
      asks: asks.map((sql) => ({ from: pairsOf(subject), sql })),
      value,
    }),
  });

/** A judgement of the values of a column, given how often each occurs. */
const ofValues = (
  expected: (values: string) => string,
  asks: (values: string) => ReadonlyArray<string>,
  judge: (wanted: typeof Values.Type, found: ReadonlyArray<unknown>) => Judged,
): Kind =>
  tableKind({
    columns: one,
    args: Schema.Struct({ values: Schema.NonEmptyArray(Value) }),
    compile: ({ values }, subject) => {
      const [plan] = subject.columns;
      const problem = plan === undefined ? undefined : listProblem(plan, values);
      if (problem !== undefined) return problem;
      const from = countsOf(subject);
      return {
        expected: expected(values.join(", ")),
        asks: ["count(*)", ...["count(*)", ...asks(listOf(values))].map((sql) => ({ from, sql }))],
        judge: ([all, different, ...found]) =>
          Number(different) === 0
            ? couldNotRun(Number(all) === 0 ? "the table has no rows" : "no row has a value for it")
            : judge(values, found),
      };
    },
  });

/** The kinds by name. */
export const distributionKinds: { readonly [kind: string]: Kind } = {
  "distinct-count": ofCounts(
    "number of different values",
    ["count(*)"],
    ([count]) => count ?? null,
  ),
  "approx-distinct-count": figureKind({
    columns: one,
    args: noArgs,
    compile: ({ columns, where }) => ({
      words: "approximate number of different values",
      asks: [`approx_count_distinct(${columns[0]?.finite})${filterOf(where)}`],
      plain: true,
    }),
  }),
  "distinct-share": ofCounts("share of different values", ["count(*)", "sum(n)"], ratio),
  "unique-share": ofCounts("share of values that occur once", ["count_if(n = 1)", "sum(n)"], ratio),
  "unique-value-ratio": ofCounts(
    "share of the different values that occur once",
    ["count_if(n = 1)", "count(*)"],
    ratio,
  ),
  "most-common-share": ofCounts("share of the most common value", ["max(n)", "sum(n)"], ratio),
  "class-balance": ofCounts(
    "ratio of the rarest to the most common value",
    ["min(n)", "max(n)"],
    ratio,
  ),
  // −Σ p ln p with p = n / N is ln N − Σ n ln n / N.
  entropy: ofCounts("entropy", ["sum(n * ln(n))", "sum(n)"], ([terms, total]) =>
    typeof terms !== "number" || typeof total !== "number"
      ? null
      : Math.max(0, Math.log(total) - terms / total),
  ),
  "most-common": ofValues(
    (values) => `one of ${values} as the most common value`,
    (list) => [
      "max(n)",
      `max(n) FILTER (WHERE value IN (${list}))`,
      "left(CAST(arg_max(value, row(n, value)) AS VARCHAR), 80)",
    ],
    (_, [most, those, value]) => ({
      outcome: Number(those) === Number(most) ? "passed" : "failed",
      found: `${String(value)}, ${String(most)} times`,
    }),
  ),
  contains: ofValues(
    (values) => `each of ${values} at least once`,
    (list) => [`list(value) FILTER (WHERE value IN (${list}))`],
    (wanted, [there]) => {
      const present = new Set((Array.isArray(there) ? there : []).map(String));
      const missing = wanted.filter((value) => !present.has(String(value)));
      return missing.length === 0
        ? { outcome: "passed", found: "all of them" }
        : { outcome: "failed", found: `none that is ${missing.join(", ")}` };
    },
  ),
  "mutual-information": ofPairs(
    "mutual information",
    ["sum(n * ln(n / (na * nb)))", "sum(n)"],
    ([terms, total]) =>
      typeof terms !== "number" || typeof total !== "number"
        ? null
        : Math.max(0, terms / total + Math.log(total)),
  ),
  // χ² / N = Σ n² / (na · nb) − 1, because N · Σ n² / (na · nb) − N is χ².
  "cramers-v": ofPairs(
    "Cramér's V",
    ["sum(n * n / (na * nb))", "count(DISTINCT a)", "count(DISTINCT b)"],
    ([terms, rows, columns]) => {
      const freedom = Math.min(rows ?? 0, columns ?? 0) - 1;
      return typeof terms !== "number" || freedom < 1
        ? null
        : Math.sqrt(Math.max(0, terms - 1) / freedom);
    },
  ),
};
