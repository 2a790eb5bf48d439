/** Encoding of text by the label of the rows that have it. */
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError } from "../Duckdb.ts";
import type { Ast } from "../internal/ast.ts";
import { toSql } from "../internal/compile.ts";
import { innerFoldSql, placeSql } from "./apply.ts";
import type { TransformProblem } from "./errors.ts";
import type { Label } from "./label.ts";
import type { Output, Step } from "./spec.ts";

/** Some rows: how many, their mean label, and the sum of the squares of the distances from it. */
interface Moments {
  readonly rows: number;
  readonly mean: number;
  readonly squares: number;
}

const none: Moments = { rows: 0, mean: 0, squares: 0 };

/** Two sets of rows as one: Chan, Golub and LeVeque 1983, formula 2.1. */
const together = (a: Moments, b: Moments): Moments => {
  if (a.rows === 0 || b.rows === 0) return a.rows === 0 ? b : a;
  const rows = a.rows + b.rows;
  const apart = b.mean - a.mean;
  return {
    rows,
    mean: (a.rows * a.mean + b.rows * b.mean) / rows,
    squares: a.squares + b.squares + (apart * apart * a.rows * b.rows) / rows,
  };
};

const allOf = (parts: ReadonlyArray<Moments>): Moments => parts.reduce(together, none);

/**
 * A column with the mean label of each value; of several classes one for each of them, with its share, of
 * two only for the second. Sums go in the order of the rows: the same rows give the same bytes.
 */
export const targetMean = Effect.fnUntraced(function* (options: {
  readonly name: string;
  readonly of: Ast;
  readonly step: Extract<Step, { _tag: "targetMean" }>;
  readonly relation: string;
  readonly group: string | undefined;
  readonly label: Label;
  readonly rows: number;
  readonly operation: string;
  readonly values: ReadonlyArray<string>;
}): Effect.fn.Return<
  { readonly outputs: ReadonlyArray<Output> } | TransformProblem,
  DuckdbError,
  Duckdb
> {
  const { name, of, step, relation, group, label, rows, operation, values } = options;
  const { smoothing, seed, folds } = step;
  const db = yield* Duckdb;
  const { columns } = yield* db.numericColumns(operation, {
    from: relation,
    select: [
      placeSql(`(${toSql(of)})`, values),
      innerFoldSql({ seed, folds }, { group }),
      label.sql,
    ],
    rows,
  });
  const [places = nothing, inFold = nothing, labels = nothing] = columns;
  const strange = labels.findIndex((one) => !Number.isFinite(one));
  if (strange >= 0) {
    return {
      column: name,
      what: `the label of a training row is ${labels[strange]}`,
      next: "Drop or quarantine rows without a proper label before training.",
    };
  }
  // The last is what is missing.
  const cells = places.map(
    (place, row) => (Number.isNaN(place) ? values.length : place - 1) * folds + inFold[row]!,
  );
  const { classes } = label;
  const targets: ReadonlyArray<{ readonly name: string; readonly labels: Float64Array }> =
    classes === undefined || classes.length <= 2
      ? [{ name, labels }]
      : classes.map((one, k) => ({
          name: `${name}: ${one}`,
          labels: labels.map((place) => Number(place === k)),
        }));
  const outputs: Array<Output> = [];
  for (const target of targets) {
    const moments = momentsOf(cells, target.labels, (values.length + 1) * folds);
    const byValue = Array.from({ length: values.length + 1 }, (_, value) =>
      moments.slice(value * folds, (value + 1) * folds),
    );
    const means = (pick: (of: ReadonlyArray<Moments>) => Moments) => {
      const picked = byValue.map(pick);
      const overall = allOf(picked);
      const numbers = picked.map((own) => smoothed(own, overall, smoothing));
      return {
        rows: overall.rows,
        numbers: numbers.slice(0, -1),
        missing: numbers.at(-1) ?? overall.mean,
        unknown: overall.mean,
      };
    };
    const inner = Array.from({ length: folds }, (_, fold) =>
      means((parts) => allOf(parts.filter((_, index) => index !== fold))),
    );
    if (inner.some((one) => one.rows === 0)) {
      return {
        column: name,
        what: "all training rows are in one inner fold",
        next: "There are too few rows or groups to encode by the label: use another encoding.",
      };
    }
    const { rows: _, ...all } = means(allOf);
    outputs.push({
      _tag: "lookup",
      name: target.name,
      of,
      values,
      ...all,
      inner: { seed, folds: inner.map(({ rows: _, ...rest }) => rest) },
    });
  }
  return { outputs };
});

const nothing = new Float64Array();

/** The moments of the rows in each cell, in two passes: the digits of a large mean are not lost. */
const momentsOf = (
  cells: Float64Array,
  labels: Float64Array,
  count: number,
): ReadonlyArray<Moments> => {
  const rows = new Float64Array(count);
  const means = new Float64Array(count);
  const squares = new Float64Array(count);
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]!;
    rows[cell] = rows[cell]! + 1;
    means[cell] = means[cell]! + labels[i]!;
  }
  for (let cell = 0; cell < count; cell++)
    if (rows[cell]! > 0) means[cell] = means[cell]! / rows[cell]!;
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]!;
    squares[cell] = squares[cell]! + (labels[i]! - means[cell]!) ** 2;
  }
  return Array.from(rows, (own, cell) => ({
    rows: own,
    mean: means[cell]!,
    squares: squares[cell]!,
  }));
};

/**
 * The mean label of some rows, drawn to the overall mean. Empirical Bayes weighs the two by the variance
 * of all labels and that within these rows: λ = nV / (nV + v).
 */
const smoothed = (own: Moments, overall: Moments, smoothing: "auto" | number): number => {
  if (own.rows === 0) return overall.mean;
  if (smoothing !== "auto") {
    return (own.rows * own.mean + smoothing * overall.mean) / (own.rows + smoothing);
  }
  const weighted = (overall.squares / overall.rows) * own.rows;
  const lambda = weighted / (weighted + own.squares / own.rows);
  return Number.isNaN(lambda) ? overall.mean : lambda * own.mean + (1 - lambda) * overall.mean;
};
