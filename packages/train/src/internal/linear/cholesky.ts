/**
 * Solves `matrix · x = right` for a symmetric positive definite matrix by Cholesky's factorisation
 * (Golub & Van Loan 2013, "Matrix Computations", algorithm 4.2.1). `matrix` is row-major and only its
 * lower triangle is read. `null` if it is not positive definite to working precision.
 */
export const solvePositiveDefinite = (
  matrix: Float64Array,
  right: Float64Array,
): Float64Array | null => {
  const n = right.length;
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= factor[i * n + k]! * factor[j * n + k]!;
      if (i > j) {
        factor[i * n + j] = sum / factor[j * n + j]!;
      } else {
        if (!(sum > 1e-14 * matrix[i * n + i]!)) return null;
        factor[i * n + i] = Math.sqrt(sum);
      }
    }
  }
  const x = right.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] = x[i]! - factor[i * n + k]! * x[k]!;
    x[i] = x[i]! / factor[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] = x[i]! - factor[k * n + i]! * x[k]!;
    x[i] = x[i]! / factor[i * n + i]!;
  }
  return x;
};
