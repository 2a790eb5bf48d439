/**
 * Matrix factorisation by alternating least squares: with the factors of items fixed, those of each user
 * are the solution of a small linear system, and the other way round.
 *
 * - explicit: minimises Σ (rating − mean − bias(u) − bias(i) − x(u)·y(i))² + λ (Σ‖x‖² + Σ‖y‖² + biases²)
 *   over the ratings given (Koren, Bell & Volinsky, Computer 42(8), 2009). A bias is one more column.
 * - implicit: minimises Σ c (p − x(u)·y(i))² + λ (Σ‖x‖² + Σ‖y‖²) over all pairs; p is 1 for a pair that
 *   occurred and 0 else, c is 1 + α·value and 1 else (Hu, Koren & Volinsky, ICDM 2008).
 *
 * A team of threads runs {@link alternate} on shared memory. Each system is solved by one thread, and
 * what is added up over rows is added by blocks in their order, so that the number of threads does not
 * matter, bit for bit.
 */
import { randomFrom } from "./binning.ts";
import type { Team } from "./team.ts";

/** A sparse matrix by rows (CSR): the entries of row r are those from `starts[r]` to `starts[r + 1]`. */
export interface SparseRows {
  readonly starts: Float64Array;
  readonly columns: Int32Array;
  readonly values: Float64Array;
}

/** One side: its rows of the matrix, and a vector for each. */
export interface Side {
  readonly entries: SparseRows;
  readonly count: number;
  /** `count` × `width`, row-major; with a bias, it is the last of each row. */
  readonly vectors: Float64Array;
}

/** What the threads share. All arrays lie on shared memory. */
export interface Factorization {
  readonly feedback: "explicit" | "implicit";
  /** Factors, and one for the bias where feedback is explicit. */
  readonly width: number;
  readonly regularization: number;
  /** Weight of an entry of the implicit kind, beyond the 1 of every pair. */
  readonly confidence: number;
  readonly iterations: number;
  /** The mean rating; 0 where feedback is implicit. */
  readonly mean: number;
  readonly users: Side;
  readonly items: Side;
  /** One number, or one Gram matrix, for each block of the larger side. */
  readonly partial: Float64Array;
  readonly gram: { readonly users: Float64Array; readonly items: Float64Array };
  /** Set to 1 by a thread that found a system without a solution. */
  readonly failed: Int32Array;
}

/** Rows that are one piece of work. */
export const blockRows = 256;

/** Blocks of a side. */
export const blocksOf = (count: number): number => Math.ceil(count / blockRows);

/** Draws the vectors of the items; users follow from them. */
export const initialise = ({ items, width, feedback }: Factorization, seed: number): void => {
  const random = randomFrom(seed);
  const factors = feedback === "explicit" ? width - 1 : width;
  const scale = 1 / Math.sqrt(factors);
  for (let row = 0; row < items.count; row++) {
    for (let f = 0; f < factors; f++) items.vectors[row * width + f] = (random() - 0.5) * scale;
  }
};

/**
 * Runs all iterations; `report` is called by every thread after each, with the objective per entry.
 * Ends early, in all threads alike, where a system has no solution.
 */
export const alternate = (
  shared: Factorization,
  team: Team,
  report: (iteration: number, loss: number) => void,
): void => {
  const implicit = shared.feedback === "implicit";
  const scratch = scratchOf(shared.width);
  if (implicit) gramOf(shared, "items", team);
  for (let iteration = 1; iteration <= shared.iterations; iteration++) {
    solve(shared, "users", team, scratch);
    if (implicit) gramOf(shared, "users", team);
    solve(shared, "items", team, scratch);
    if (implicit) gramOf(shared, "items", team);
    const loss = lossOf(shared, team);
    if (Atomics.load(shared.failed, 0) === 1) return;
    report(iteration, loss);
  }
};

/** The Gram matrix of a side, Σ v vᵀ: of blocks first, then of all, in their order. */
const gramOf = (shared: Factorization, side: "users" | "items", team: Team): void => {
  const { width, partial } = shared;
  const { count, vectors } = shared[side];
  const size = width * width;
  const blocks = blocksOf(count);
  for (let block = team.take(); block < blocks; block = team.take()) {
    const sums = partial.subarray(block * size, (block + 1) * size);
    sums.fill(0);
    const end = Math.min(count, (block + 1) * blockRows);
    for (let row = block * blockRows; row < end; row++) {
      addOuter(sums, vectors, row * width, width, 1);
    }
  }
  team.barrier();
  if (team.thread === 0) {
    const gram = shared.gram[side];
    gram.fill(0);
    for (let block = 0; block < blocks; block++) {
      for (let at = 0; at < size; at++) gram[at]! += partial[block * size + at]!;
    }
  }
  team.barrier();
};

/** Adds weight · v vᵀ to the lower triangle. */
const addOuter = (
  sums: Float64Array,
  vectors: Float64Array,
  at: number,
  width: number,
  weight: number,
): void => {
  for (let a = 0; a < width; a++) {
    const scaled = weight * vectors[at + a]!;
    const row = a * width;
    for (let b = 0; b <= a; b++) sums[row + b]! += scaled * vectors[at + b]!;
  }
};

interface Scratch {
  readonly matrix: Float64Array;
  readonly right: Float64Array;
  readonly vector: Float64Array;
}

const scratchOf = (width: number): Scratch => ({
  matrix: new Float64Array(width * width),
  right: new Float64Array(width),
  vector: new Float64Array(width),
});

/** Solves the system of each row of a side. */
const solve = (
  shared: Factorization,
  side: "users" | "items",
  team: Team,
  scratch: Scratch,
): void => {
  const { count } = shared[side];
  const blocks = blocksOf(count);
  for (let block = team.take(); block < blocks; block = team.take()) {
    const end = Math.min(count, (block + 1) * blockRows);
    for (let row = block * blockRows; row < end; row++) {
      if (!solveRow(shared, side, row, scratch)) Atomics.store(shared.failed, 0, 1);
    }
  }
  team.barrier();
};

const solveRow = (
  shared: Factorization,
  side: "users" | "items",
  row: number,
  { matrix, right, vector }: Scratch,
): boolean => {
  const { width, regularization, confidence, mean } = shared;
  const { entries, vectors } = shared[side];
  const other = shared[side === "users" ? "items" : "users"].vectors;
  const implicit = shared.feedback === "implicit";
  if (implicit) matrix.set(shared.gram[side === "users" ? "items" : "users"]);
  else matrix.fill(0);
  right.fill(0);
  const end = entries.starts[row + 1]!;
  for (let entry = entries.starts[row]!; entry < end; entry++) {
    const at = entries.columns[entry]! * width;
    const value = entries.values[entry]!;
    if (implicit) {
      // The Gram matrix has every pair with weight 1.
      const extra = confidence * value;
      addOuter(matrix, other, at, width, extra);
      for (let f = 0; f < width; f++) right[f]! += (1 + extra) * other[at + f]!;
    } else {
      // The bias of this row multiplies 1; the other's is known, and goes to the right side.
      const target = value - mean - other[at + width - 1]!;
      for (let f = 0; f < width - 1; f++) vector[f] = other[at + f]!;
      vector[width - 1] = 1;
      addOuter(matrix, vector, 0, width, 1);
      for (let f = 0; f < width; f++) right[f]! += target * vector[f]!;
    }
  }
  for (let f = 0; f < width; f++) matrix[f * width + f]! += regularization;
  return solveInto(matrix, right, vectors.subarray(row * width, (row + 1) * width));
};

/** Cholesky's factorisation in place (Golub & Van Loan 2013, algorithm 4.2.1), then two substitutions. */
const solveInto = (matrix: Float64Array, right: Float64Array, x: Float64Array): boolean => {
  const n = right.length;
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const column = j * n;
      let sum = matrix[row + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[row + k]! * matrix[column + k]!;
      if (i > j) matrix[row + j] = sum / matrix[column + j]!;
      else if (sum > 0) matrix[row + i] = Math.sqrt(sum);
      else return false;
    }
  }
  for (let i = 0; i < n; i++) {
    let sum = right[i]!;
    for (let k = 0; k < i; k++) sum -= matrix[i * n + k]! * x[k]!;
    x[i] = sum / matrix[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i]!;
    for (let k = i + 1; k < n; k++) sum -= matrix[k * n + i]! * x[k]!;
    x[i] = sum / matrix[i * n + i]!;
  }
  return true;
};

/** The objective, divided by the number of entries. */
const lossOf = (shared: Factorization, team: Team): number => {
  const { users, items, width, partial, mean, confidence, regularization } = shared;
  const implicit = shared.feedback === "implicit";
  const blocks = blocksOf(users.count);
  for (let block = team.take(); block < blocks; block = team.take()) {
    let sum = 0;
    const end = Math.min(users.count, (block + 1) * blockRows);
    for (let row = block * blockRows; row < end; row++) {
      const last = users.entries.starts[row + 1]!;
      for (let entry = users.entries.starts[row]!; entry < last; entry++) {
        const [a, b] = [row * width, users.entries.columns[entry]! * width];
        const value = users.entries.values[entry]!;
        let score = 0;
        const factors = implicit ? width : width - 1;
        for (let f = 0; f < factors; f++) score += users.vectors[a + f]! * items.vectors[b + f]!;
        if (implicit) {
          // What this pair costs beyond what the product of the Gram matrices counts for it.
          sum += (1 + confidence * value) * (1 - score) ** 2 - score * score;
        } else {
          score += mean + users.vectors[a + factors]! + items.vectors[b + factors]!;
          sum += (value - score) ** 2;
        }
      }
    }
    partial[block] = sum;
  }
  team.barrier();
  let loss = 0;
  for (let block = 0; block < blocks; block++) loss += partial[block]!;
  if (implicit) {
    // Σ (x·y)² over all pairs is the trace of XᵀX YᵀY.
    for (let a = 0; a < width; a++) {
      for (let b = 0; b <= a; b++) {
        const both = shared.gram.users[a * width + b]! * shared.gram.items[a * width + b]!;
        loss += a === b ? both : 2 * both;
      }
    }
  }
  loss += regularization * (squares(users.vectors) + squares(items.vectors));
  // Nobody writes the partial sums of the next pass before all have read these.
  team.barrier();
  return loss / users.entries.values.length;
};

const squares = (numbers: Float64Array): number => {
  let sum = 0;
  for (let at = 0; at < numbers.length; at++) sum += numbers[at]! * numbers[at]!;
  return sum;
};
