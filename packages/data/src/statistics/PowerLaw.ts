import * as Result from "effect/Result";
import { ascending, finite, inUnit, parallel, problem, type Numbers } from "./internal/Check.ts";
import { student } from "./internal/Inverse.ts";
import type { Interval } from "./Interval.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/** A loss that falls with the number of rows n towards a limit: `limit + scale * n^-exponent`. */
export interface PowerLaw {
  readonly limit: number;
  readonly scale: number;
  readonly exponent: number;
  /** Standard deviation of the losses around the curve, with n - 3 degrees of freedom. */
  readonly residualSd: number;
  /** What more rows would save: the loss at `from` rows less the one at `to`, with an interval by the delta method. */
  readonly saving: (
    from: number,
    to: number,
    level?: number,
  ) => Result.Result<Interval, StatisticsError>;
}

/**
 * Fits a power law to a learning curve by least squares: losses at ascending numbers of rows. Four points or more,
 * because three lie on a curve whatever they are; five leave two degrees of freedom, so that intervals are wide.
 *
 * Source: Cortes et al., Learning Curves, NIPS 1993; Hestness et al., 2017, arXiv:1712.00409. For each exponent, limit
 * and scale are a linear regression; the exponent is searched on 0.01 to 3. Beyond the largest number of rows it is an
 * extrapolation. Errors: `lengthMismatch`, `notFinite`, `unsorted`, `tooFew`, `outOfRange` (rows below 1, level).
 *
 * @example
 * ```ts
 * import { PowerLaw } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const curve = Result.getOrThrow(PowerLaw.fit([100, 200, 400, 800], [0.5, 0.45, 0.4147, 0.3898]))
 * curve.limit // 0.3301
 * ```
 */
export const fit = (rows: Numbers, losses: Numbers): Result.Result<PowerLaw, StatisticsError> => {
  const operation = "fit";
  const bad =
    parallel(operation, "rows", rows, "losses", losses) ??
    finite(operation, "rows", rows) ??
    finite(operation, "losses", losses) ??
    ascending(operation, "rows", rows, true) ??
    (rows.length < 4
      ? problem(operation, "tooFew", "rows", `${rows.length} points`, "Have four or more")
      : undefined) ??
    (rows[0]! < 1
      ? problem(operation, "outOfRange", "rows", `rows[0] is ${rows[0]!}`, "Count rows from 1")
      : undefined);
  if (bad !== undefined) return Result.fail(bad);
  // Relative to the largest, so that powers neither vanish nor explode.
  const most = rows[rows.length - 1]!;
  const sizes = Float64Array.from(rows, (n) => n / most);
  const { exponent, limit, scale, squares } = bestOf(sizes, losses);
  const degrees = sizes.length - 3;
  const residualSd = Math.sqrt(squares / degrees);
  return Result.succeed({
    limit,
    scale: scale * most ** exponent,
    exponent,
    residualSd,
    saving: (from, to, level = 0.95) => {
      const wrong = inUnit("saving", "level", level) ?? finite("saving", "from and to", [from, to]);
      if (wrong !== undefined) return Result.fail(wrong);
      const [a, b] = [from / most, to / most];
      const [pa, pb] = [a ** -exponent, b ** -exponent];
      // Derivatives of the saving with respect to limit, scale and exponent.
      const slope = [0, pa - pb, scale * (pb * Math.log(b) - pa * Math.log(a))];
      const variance = quadratic(informationOf(sizes, scale, exponent), slope);
      if (variance === null) {
        return Result.fail(
          problem(
            "saving",
            "degenerate",
            "losses",
            "the losses do not change with the number of rows, so that no exponent fits better than another",
            "More rows do not help as far as this curve goes",
          ),
        );
      }
      const estimate = scale * (pa - pb);
      const reach = student((1 + level) / 2, degrees) * residualSd * Math.sqrt(variance);
      return Result.succeed({
        estimate,
        lower: estimate - reach,
        upper: estimate + reach,
        level,
        method: "delta",
      });
    },
  });
};

interface Fitted {
  readonly exponent: number;
  readonly limit: number;
  readonly scale: number;
  readonly squares: number;
}

/** A grid of exponents, then a golden section around the best of them. */
const bestOf = (sizes: Float64Array, losses: Numbers): Fitted => {
  const at = (log: number) => linear(sizes, losses, Math.exp(log));
  const [from, to, steps] = [Math.log(0.01), Math.log(3), 120];
  const step = (to - from) / steps;
  let best = from;
  for (let k = 0; k <= steps; k++) {
    if (at(from + k * step).squares < at(best).squares) best = from + k * step;
  }
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [best - step, best + step];
  for (let round = 0; round < 60; round++) {
    const [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (at(left).squares < at(right).squares) high = right;
    else low = left;
  }
  return at((low + high) / 2);
};

/** The least-squares line of losses over n^-exponent. */
const linear = (sizes: Float64Array, losses: Numbers, exponent: number): Fitted => {
  const x = sizes.map((n) => n ** -exponent);
  const count = x.length;
  const meanX = x.reduce((sum, one) => sum + one, 0) / count;
  let meanY = 0;
  for (let i = 0; i < count; i++) meanY += losses[i]! / count;
  let [xx, xy] = [0, 0];
  for (let i = 0; i < count; i++) {
    xx += (x[i]! - meanX) ** 2;
    xy += (x[i]! - meanX) * (losses[i]! - meanY);
  }
  const scale = xx === 0 ? 0 : xy / xx;
  const limit = meanY - scale * meanX;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (losses[i]! - limit - scale * x[i]!) ** 2;
  return { exponent, limit, scale, squares };
};

/** The matrix J'J of the curve's derivatives. */
const informationOf = (
  sizes: Float64Array,
  scale: number,
  exponent: number,
): ReadonlyArray<ReadonlyArray<number>> => {
  const rows = Array.from(sizes, (n) => {
    const power = n ** -exponent;
    return [1, power, -scale * power * Math.log(n)];
  });
  return [0, 1, 2].map((i) =>
    [0, 1, 2].map((j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
  );
};

/** v' M^-1 v for a symmetric 3 x 3 matrix, by Cramer's rule; null where M is singular. */
const quadratic = (
  m: ReadonlyArray<ReadonlyArray<number>>,
  v: ReadonlyArray<number>,
): number | null => {
  const cell = (i: number, j: number) => m[i % 3]![j % 3]!;
  const cofactor = (i: number, j: number) =>
    cell(i + 1, j + 1) * cell(i + 2, j + 2) - cell(i + 1, j + 2) * cell(i + 2, j + 1);
  const determinant = [0, 1, 2].reduce((sum, j) => sum + cell(0, j) * cofactor(0, j), 0);
  const size = cell(0, 0) * cell(1, 1) * cell(2, 2);
  if (!(determinant > 1e-14 * size)) return null;
  let sum = 0;
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) sum += (v[i]! * cofactor(i, j) * v[j]!) / determinant;
  }
  return Math.max(0, sum);
};
