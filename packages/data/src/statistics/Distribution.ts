import * as Result from "effect/Result";
import { inUnit, problem } from "./internal/Check.ts";
import { normal, student } from "./internal/Inverse.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/**
 * The quantile of the standard normal distribution: the z with P(Z <= z) = p. For intervals and power checks.
 *
 * Algorithm AS 241, routine PPND16 (M. J. Wichura, Applied Statistics 37(3), 1988): about 16 digits.
 * `p` outside (0, 1) or NaN is an `outOfRange` error.
 *
 * @example
 * ```ts
 * import { Distribution } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const z = Result.getOrThrow(Distribution.normalQuantile(0.975)) // 1.9600
 * ```
 */
export const normalQuantile = (p: number): Result.Result<number, StatisticsError> => {
  const bad = inUnit("normalQuantile", "p", p);
  return bad === undefined ? Result.succeed(normal(p)) : Result.fail(bad);
};

/**
 * The quantile of Student's t distribution with `degrees` degrees of freedom (any positive number).
 *
 * Below 1,000 degrees: the tail P(T > t) = I_x(v/2, 1/2) / 2 with x = v / (v + t^2) (DLMF 8.17; Abramowitz & Stegun
 * 26.7.1), solved by bisection. From 1,000 on: the expansion of A&S 26.7.5. Relative error below 1e-12.
 * `p` outside (0, 1), or degrees that are not positive, is an `outOfRange` error.
 *
 * @example
 * ```ts
 * import { Distribution } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const t = Result.getOrThrow(Distribution.studentQuantile(0.975, 29)) // 2.0452
 * ```
 */
export const studentQuantile = (
  p: number,
  degrees: number,
): Result.Result<number, StatisticsError> => {
  const bad = inUnit("studentQuantile", "p", p);
  if (bad !== undefined) return Result.fail(bad);
  if (!(degrees > 0)) {
    return Result.fail(
      problem(
        "studentQuantile",
        "outOfRange",
        "degrees",
        `degrees is ${degrees}, it must be positive`,
        "Degrees of freedom of a mean are the number of rows less one",
      ),
    );
  }
  return Result.succeed(student(p, degrees));
};
