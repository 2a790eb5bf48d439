import * as Result from "effect/Result";
import { problem, wholeAtLeast } from "./internal/Check.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/** Two classifiers on the same rows, where they differ. */
export interface Discordant {
  /** Rows that only the first gets right. */
  readonly losses: number;
  /** Rows that only the second gets right. */
  readonly wins: number;
}

/**
 * The exact one-sided test of McNemar: the probability of at least so many losses among the rows on which two
 * classifiers differ, if the second were as good as the first. Rows on which both are right or both wrong say nothing.
 *
 * P(X >= losses), X binomial with `losses + wins` trials of probability 1/2. 1 where they never differ.
 * Source: McNemar, Psychometrika 12(2), 1947; exact: Liddell, The Statistician 25(4), 1976. Errors: `outOfRange`.
 *
 * @example
 * ```ts
 * import { McNemar } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const p = Result.getOrThrow(McNemar.exact({ losses: 5, wins: 0 })) // 0.03125
 * ```
 */
export const exact = ({ losses, wins }: Discordant): Result.Result<number, StatisticsError> => {
  const bad =
    wholeAtLeast("mcNemar", "losses", losses, 0) ??
    wholeAtLeast("mcNemar", "wins", wins, 0) ??
    (losses + wins <= maximum ? undefined : tooMany(losses + wins));
  if (bad !== undefined) return Result.fail(bad);
  const trials = losses + wins;
  // log of the binomial coefficient, from its neighbour.
  let log = -trials * Math.LN2;
  let sum = 0;
  for (let k = trials; k >= losses; k--) {
    sum += Math.exp(log);
    log += Math.log(k) - Math.log(trials - k + 1);
  }
  return Result.succeed(Math.min(1, sum));
};

/** Beyond it, the sum is slow and its rounding shows. */
const maximum = 1_000_000;

const tooMany = (trials: number): StatisticsError =>
  problem(
    "mcNemar",
    "outOfRange",
    "losses",
    `${trials} rows on which the two differ`,
    "Compare them by an interval of the difference: Interval.blockBootstrap",
  );
