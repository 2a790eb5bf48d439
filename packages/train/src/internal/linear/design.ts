/**
 * The standardised features as a matrix that is never written down: a column that is mostly 0 is kept as its
 * other values and their rows, and costs as much as it has of them. Sums go column by column: the same bits every
 * time. Gives way to other fibres between columns.
 */
import * as Effect from "effect/Effect";
import type { Column } from "../trainingData.ts";
import type { Scaling } from "./standardise.ts";

/** Give way after about this many multiplications. */
const workPerTurn = 10_000_000;

/** A column with fewer other values than this share of its rows is kept as these. */
const sparseShare = 0.3;

/** What is known of one column. */
type Kept =
  | { readonly _tag: "all"; readonly values: Column }
  /** All other values are 0. */
  | { readonly _tag: "some"; readonly rows: Int32Array; readonly values: Float64Array };

/** A matrix of rows × (features and, last, an intercept). */
export interface Design {
  readonly rows: number;
  /** The matrix times one output's parameters: a sum for each row. */
  readonly times: (parameters: Float64Array) => Effect.Effect<Float64Array>;
  /** Its transpose times a number for each row. */
  readonly transposed: (numbers: Float64Array) => Effect.Effect<Float64Array>;
  /** The sums over rows of each feature's squares, each times the row's weight. */
  readonly squares: (weights: Float64Array) => Effect.Effect<Float64Array>;
}

/** Looks at each column once. One that never varies counts as 0. */
export const designOf: (
  columns: ReadonlyArray<Column>,
  rows: number,
  scaling: Scaling,
) => Effect.Effect<Design> = Effect.fnUntraced(function* (columns, rows, scaling) {
  const kept: Array<Kept | undefined> = [];
  for (const [j, column] of columns.entries()) {
    kept.push(scaling.varies[j] === 1 ? keep(column, scaling.mean[j]!) : undefined);
    if (j % 64 === 63) yield* Effect.yieldNow;
  }
  const each = Effect.fnUntraced(function* (use: (j: number, column: Kept) => void) {
    let work = 0;
    for (const [j, column] of kept.entries()) {
      if (column === undefined) continue;
      use(j, column);
      work += column.values.length;
      if (work < workPerTurn) continue;
      work = 0;
      yield* Effect.yieldNow;
    }
  });
  const { mean, sd } = scaling;
  const last = columns.length;
  return {
    rows,
    times: Effect.fnUntraced(function* (parameters) {
      const sums = new Float64Array(rows);
      // Of a column of which only some values are kept, 0 is −mean / sd in all rows.
      let shift = parameters[last]!;
      yield* each((j, column) => {
        const weight = parameters[j]! / sd[j]!;
        if (weight === 0) return;
        const m = mean[j]!;
        if (column._tag === "some") {
          shift -= weight * m;
          const { rows: at, values } = column;
          for (let n = 0; n < values.length; n++)
            sums[at[n]!] = sums[at[n]!]! + weight * values[n]!;
          return;
        }
        for (let i = 0; i < rows; i++) {
          const x = column.values[i]!;
          if (x === x) sums[i] = sums[i]! + weight * (x - m);
        }
      });
      for (let i = 0; i < rows; i++) sums[i] = sums[i]! + shift;
      return sums;
    }),
    transposed: Effect.fnUntraced(function* (numbers) {
      const products = new Float64Array(last + 1);
      let total = 0;
      for (let i = 0; i < rows; i++) total += numbers[i]!;
      products[last] = total;
      yield* each((j, column) => {
        const m = mean[j]!;
        let sum = 0;
        if (column._tag === "some") {
          const { rows: at, values } = column;
          for (let n = 0; n < values.length; n++) sum += numbers[at[n]!]! * values[n]!;
          sum -= m * total;
        } else {
          for (let i = 0; i < rows; i++) {
            const x = column.values[i]!;
            if (x === x) sum += numbers[i]! * (x - m);
          }
        }
        products[j] = sum / sd[j]!;
      });
      return products;
    }),
    squares: Effect.fnUntraced(function* (weights) {
      const squares = new Float64Array(last + 1);
      let total = 0;
      for (let i = 0; i < rows; i++) total += weights[i]!;
      squares[last] = total;
      yield* each((j, column) => {
        const m = mean[j]!;
        let sum = column._tag === "some" ? m * m * total : 0;
        if (column._tag === "some") {
          const { rows: at, values } = column;
          for (let n = 0; n < values.length; n++) {
            sum += weights[at[n]!]! * values[n]! * (values[n]! - 2 * m);
          }
        } else {
          for (let i = 0; i < rows; i++) {
            const x = column.values[i]!;
            if (x === x) sum += weights[i]! * (x - m) ** 2;
          }
        }
        squares[j] = sum / sd[j]! ** 2;
      });
      return squares;
    }),
  };
});

/** A missing value counts as the mean. */
const keep = (column: Column, mean: number): Kept => {
  let others = 0;
  for (let i = 0; i < column.length; i++) if (column[i] !== 0) others++;
  if (others > sparseShare * column.length) return { _tag: "all", values: column };
  const rows = new Int32Array(others);
  const values = new Float64Array(others);
  for (let i = 0, n = 0; i < column.length; i++) {
    const x = column[i]!;
    if (x === 0) continue;
    rows[n] = i;
    values[n++] = x === x ? x : mean;
  }
  return { _tag: "some", rows, values };
};
