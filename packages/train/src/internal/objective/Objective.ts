/**
 * What trees are boosted for: losses, gradients and hessians by row (Friedman 2001, "Greedy function
 * approximation", section 4).
 */

/** Rows and their raw scores: the sum of trees so far. */
export interface ScoredRows {
  readonly rows: number;
  readonly labels: Float64Array;
  readonly weights: Float64Array | null;
  /** Of output `k` and row `i` at `k * rows + i`. */
  readonly raw: Float64Array;
  /** What `measure` leaves for `gradient` and `hessian`: `stateWidth` numbers a row. */
  readonly state: Float64Array;
  /** The first row of every query, and the number of rows; only for ranking. */
  readonly queries: Int32Array | null;
}

/** Figures of one block of rows. */
export interface Measured {
  /** Σ weight · loss. */
  loss: number;
  /** Σ weight. */
  weight: number;
  /** No gradient times weight is larger, up to its sign. */
  gradient: number;
  /** No hessian times weight is larger. */
  hessian: number;
}

/** One loss on one set of rows. Weights are multiplied to gradient and hessian by whoever asks. */
export interface Objective {
  /** Reads the raw scores of rows `start..end`. Once a round, before any gradient of it is asked for. */
  readonly measure: (start: number, end: number, out: Measured) => void;
  readonly gradient: (row: number, output: number) => number;
  readonly hessian: (row: number, output: number) => number;
  /** The value of a leaf with the rows `index`, where the Newton step is not it. */
  readonly leafValue: ((index: Int32Array) => number) | null;
}

/** An objective of rows that do not know of one another; `visit` writes a row's state, returns its loss. */
export const byRow = (
  { weights }: ScoredRows,
  outputs: number,
  of: Omit<Objective, "measure"> & { readonly visit: (row: number) => number },
): Objective => ({
  ...of,
  measure: (start, end, out) => {
    let loss = 0;
    let weight = 0;
    let gradient = 0;
    let hessian = 0;
    for (let i = start; i < end; i++) {
      const w = weights === null ? 1 : weights[i]!;
      weight += w;
      loss += w * of.visit(i);
      for (let k = 0; k < outputs; k++) {
        gradient = Math.max(gradient, w * Math.abs(of.gradient(i, k)));
        hessian = Math.max(hessian, w * of.hessian(i, k));
      }
    }
    out.loss = loss;
    out.weight = weight;
    out.gradient = gradient;
    out.hessian = hessian;
  },
});
