/** Nearest neighbours by cosine, on sparse rows. */
import { Best } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/** Entries of a sparse matrix, sorted by row: which row, which column, and the value there. */
export interface SparseMatrix {
  readonly row: Float64Array;
  readonly column: Float64Array;
  readonly value: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** Which rows are near which, and how near: columns of one length, the nearest first. */
export interface Neighbours {
  readonly row: Float64Array;
  readonly neighbour: Float64Array;
  readonly similarity: Float64Array;
}

/** Rows that are handed on at once, about. */
const batchRows = 1 << 20;

/**
 * The rows that are most similar to each row, at most `count`, without itself: a·b / (‖a‖ ‖b‖ + shrink).
 * Only similarities above 0 count. Equal ones are ordered by row. They are handed to `emit` in batches, so
 * that memory stays bounded.
 *
 * Cosine: Salton & McGill 1983; between items by their users: Sarwar, Karypis, Konstan & Riedl, WWW 2001.
 * The shrinkage damps what rests on few users (Bell & Koren, ICDM 2007).
 */
export const nearest = Effect.fnUntraced(function* <E, R>(
  matrix: SparseMatrix,
  { count, shrink }: { readonly count: number; readonly shrink: number },
  emit: (batch: Neighbours, share: number) => Effect.Effect<void, E, R>,
): Effect.fn.Return<void, E, R> {
  const byRow = index(matrix.row, matrix.rows);
  const byColumn = index(matrix.column, matrix.columns);
  const norms = new Float64Array(matrix.rows);
  for (let at = 0; at < matrix.row.length; at++) {
    norms[matrix.row[at]!]! += matrix.value[at]! * matrix.value[at]!;
  }
  for (let row = 0; row < matrix.rows; row++) norms[row] = Math.sqrt(norms[row]!);
  const size = Math.max(count, Math.min(batchRows, matrix.rows * count));
  const column = () => new Float64Array(size);
  const batch = { row: column(), neighbour: column(), similarity: column() };
  const sums = new Float64Array(matrix.rows);
  const touched = new Int32Array(matrix.rows);
  const marked = new Int32Array(matrix.rows).fill(-1);
  let rows = 0;
  const flush = (share: number) => {
    const filled = {
      row: batch.row.slice(0, rows),
      neighbour: batch.neighbour.slice(0, rows),
      similarity: batch.similarity.slice(0, rows),
    };
    rows = 0;
    return emit(filled, share);
  };
  for (let row = 0; row < matrix.rows; row++) {
    let reached = 0;
    for (let at = byRow.starts[row]!; at < byRow.starts[row + 1]!; at++) {
      const entry = byRow.entries[at]!;
      const column = matrix.column[entry]!;
      const value = matrix.value[entry]!;
      for (let to = byColumn.starts[column]!; to < byColumn.starts[column + 1]!; to++) {
        const other = byColumn.entries[to]!;
        const neighbour = matrix.row[other]!;
        if (marked[neighbour] !== row) {
          marked[neighbour] = row;
          touched[reached++] = neighbour;
          sums[neighbour] = 0;
        }
        sums[neighbour]! += value * matrix.value[other]!;
      }
    }
    for (let at = 0; at < reached; at++) {
      const other = touched[at]!;
      const similarity = sums[other]! / (norms[row]! * norms[other]! + shrink);
      sums[other] = other === row || !(similarity > 0) ? -Infinity : similarity;
    }
    const best = Best.indices(sums, count, touched.subarray(0, reached));
    if (rows + best.length > size) yield* flush(row / matrix.rows);
    for (const neighbour of best) {
      batch.row[rows] = row;
      batch.neighbour[rows] = neighbour;
      batch.similarity[rows++] = sums[neighbour]!;
    }
    // Other fibres run between rows.
    yield* Effect.yieldNow;
  }
  yield* flush(1);
});

/** Which entries each value has, in their order. */
const index = (of: Float64Array, count: number) => {
  const starts = new Int32Array(count + 1);
  for (let at = 0; at < of.length; at++) starts[of[at]! + 1]! += 1;
  for (let one = 0; one < count; one++) starts[one + 1]! += starts[one]!;
  const next = starts.slice();
  const entries = new Int32Array(of.length);
  for (let at = 0; at < of.length; at++) entries[next[of[at]!]!++] = at;
  return { starts, entries };
};
