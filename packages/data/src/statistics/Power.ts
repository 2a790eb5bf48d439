/**
 * Power: how likely a test is to see a difference that is there, and how many rows it needs to. Ask before the test:
 * a power computed from its own outcome says nothing that the p-value does not (Hoenig & Heisey, The American
 * Statistician 55(1), 2001).
 *
 * All tests here are two-sided, as the intervals of a verdict are. Figures agree with R's `power.t.test` and
 * `power.prop.test`, statsmodels and G*Power.
 */
import * as Result from "effect/Result";
import { inUnit, problem } from "./internal/Check.ts";
import { normal, student } from "./internal/Inverse.ts";
import { noncentralT } from "./internal/NoncentralT.ts";
import type { StatisticsError } from "./StatisticsError.ts";

/** How sure a test is to be; both have the usual defaults. */
export interface Assurance {
  /** Confidence level of the test: 1 less the probability of seeing what is not there. Default 0.95. */
  readonly level?: number;
  /** Probability of seeing what is there. Default 0.8 (Cohen 1988). */
  readonly power?: number;
}

/** A mean of independent values: say of the paired gain of each row, or of each block of rows. */
export interface MeanDesign {
  /** The true mean (or difference of two) to be told from zero, in any unit. */
  readonly difference: number;
  /** Standard deviation of the values, in the same unit; of both arms where there are two. */
  readonly sd: number;
}

/**
 * The probability that a t-test of the mean of `count` values sees `difference`: for paired rows, and for blocks.
 *
 * 1 - T'(t) + T'(-t) with T' the noncentral t distribution of `count - 1` degrees and noncentrality
 * `difference / sd * sqrt(count)` (Cohen, Statistical Power Analysis, 1988). Errors: `outOfRange`.
 *
 * @example
 * ```ts
 * import { Power } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const power = Result.getOrThrow(Power.ofMean({ difference: 0.5, sd: 1, count: 30 })) // 0.7540
 * ```
 */
export const ofMean = (
  design: MeanDesign & { readonly count: number },
  { level = 0.95 }: Pick<Assurance, "level"> = {},
): Result.Result<number, StatisticsError> => {
  const bad = faulty("ofMean", { ...design, level }, { count: [design.count, 2] });
  return bad === undefined ? Result.succeed(one(design, design.count, level)) : Result.fail(bad);
};

/**
 * How many values a t-test of their mean needs to see `difference`: not a whole number, so round it up. At least 2.
 *
 * @example
 * ```ts
 * import { Power } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const count = Result.getOrThrow(Power.countForMean({ difference: 0.5, sd: 1 })) // 33.37
 * ```
 */
export const countForMean = (
  design: MeanDesign,
  { level = 0.95, power = 0.8 }: Assurance = {},
): Result.Result<number, StatisticsError> => {
  const bad = faulty("countForMean", { ...design, level, power });
  return bad === undefined
    ? Result.succeed(least((count) => one(design, count, level), power))
    : Result.fail(bad);
};

/**
 * The smallest difference that a t-test of the mean of `count` values sees: its minimum detectable effect.
 *
 * @example
 * ```ts
 * import { Power } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const smallest = Result.getOrThrow(Power.detectableMean({ sd: 1, count: 30 })) // 0.5296
 * ```
 */
export const detectableMean = (
  design: { readonly sd: number; readonly count: number },
  { level = 0.95, power = 0.8 }: Assurance = {},
): Result.Result<number, StatisticsError> => {
  const { sd, count } = design;
  const bad = faulty("detectableMean", { sd, level, power }, { count: [count, 2] });
  if (bad !== undefined) return Result.fail(bad);
  const seen = (difference: number) => one({ difference, sd }, count, level) - power;
  let high = sd / Math.sqrt(count);
  while (seen(high) < 0) high *= 2;
  return Result.succeed(root(seen, 0, high));
};

/**
 * The probability that an unpaired t-test of two arms of `perArm` values each sees `difference`: an A/B test of a mean.
 *
 * @example
 * ```ts
 * import { Power } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const power = Result.getOrThrow(Power.ofTwoMeans({ difference: 1, sd: 1, perArm: 20 })) // 0.8690
 * ```
 */
export const ofTwoMeans = (
  design: MeanDesign & { readonly perArm: number },
  { level = 0.95 }: Pick<Assurance, "level"> = {},
): Result.Result<number, StatisticsError> => {
  const bad = faulty("ofTwoMeans", { ...design, level }, { perArm: [design.perArm, 2] });
  return bad === undefined ? Result.succeed(two(design, design.perArm, level)) : Result.fail(bad);
};

/**
 * How many values each of two arms needs for `difference` to be seen: not a whole number, so round it up.
 *
 * @example
 * ```ts
 * import { Power } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const perArm = Result.getOrThrow(Power.perArmForMeans({ difference: 1, sd: 1 }, { power: 0.9 })) // 22.02
 * ```
 */
export const perArmForMeans = (
  design: MeanDesign,
  { level = 0.95, power = 0.8 }: Assurance = {},
): Result.Result<number, StatisticsError> => {
  const bad = faulty("perArmForMeans", { ...design, level, power });
  return bad === undefined
    ? Result.succeed(least((count) => two(design, count, level), power))
    : Result.fail(bad);
};

/**
 * How many values each of two arms needs for a change of a rate `from` one `to` another to be seen: an A/B test of a
 * conversion. The normal approximation of R's `power.prop.test` (Fleiss, Levin & Paik 2003, section 4.2, without
 * continuity correction).
 *
 * @example
 * ```ts
 * import { Power } from "@ml-pipe/data"
 * import * as Result from "effect/Result"
 *
 * const perArm = Result.getOrThrow(Power.perArmForRates({ from: 0.5, to: 0.75 }, { power: 0.9 })) // 76.71
 * ```
 */
export const perArmForRates = (
  { from, to }: { readonly from: number; readonly to: number },
  { level = 0.95, power = 0.8 }: Assurance = {},
): Result.Result<number, StatisticsError> => {
  const operation = "perArmForRates";
  const bad =
    inUnit(operation, "from", from) ??
    inUnit(operation, "to", to) ??
    faulty(operation, { difference: from - to, level, power });
  if (bad !== undefined) return Result.fail(bad);
  const alike = normal((1 + level) / 2) * Math.sqrt((from + to) * (1 - (from + to) / 2));
  const apart = normal(power) * Math.sqrt(from * (1 - from) + to * (1 - to));
  return Result.succeed(((alike + apart) / (from - to)) ** 2);
};

const one = ({ difference, sd }: MeanDesign, count: number, level: number): number =>
  seen((Math.abs(difference) / sd) * Math.sqrt(count), count - 1, level);

const two = ({ difference, sd }: MeanDesign, perArm: number, level: number): number =>
  seen((Math.abs(difference) / sd) * Math.sqrt(perArm / 2), 2 * (perArm - 1), level);

const seen = (noncentrality: number, degrees: number, level: number): number => {
  const critical = student((1 + level) / 2, degrees);
  return Math.min(
    1,
    1 -
      noncentralT(critical, degrees, noncentrality) +
      noncentralT(-critical, degrees, noncentrality),
  );
};

/** The smallest count from which the power is there; power grows with the count. */
const least = (powerOf: (count: number) => number, power: number): number => {
  if (powerOf(2) >= power) return 2;
  let high = 4;
  while (powerOf(high) < power && high < 1e15) high *= 2;
  return root((count) => powerOf(count) - power, high / 2, high);
};

/** Where an increasing function is zero, by bisection. */
const root = (f: (x: number) => number, from: number, to: number): number => {
  let [low, high] = [from, to];
  for (let step = 0; step < 100 && high - low > 1e-12 * high; step++) {
    const middle = (low + high) / 2;
    if (f(middle) < 0) low = middle;
    else high = middle;
  }
  return high;
};

const faulty = (
  operation: string,
  {
    difference,
    sd,
    level,
    power,
  }: { readonly [K in "difference" | "sd" | "level" | "power"]?: number },
  counts: { readonly [name: string]: readonly [value: number, least: number] } = {},
): StatisticsError | undefined =>
  (level === undefined ? undefined : inUnit(operation, "level", level)) ??
  (power === undefined ? undefined : inUnit(operation, "power", power)) ??
  (difference === undefined || (Number.isFinite(difference) && difference !== 0)
    ? undefined
    : outside(operation, "difference", difference, "a finite number other than 0")) ??
  (sd === undefined || (Number.isFinite(sd) && sd > 0)
    ? undefined
    : outside(operation, "sd", sd, "a finite number above 0")) ??
  Object.entries(counts)
    .filter(([, [value, atLeast]]) => !(Number.isFinite(value) && value >= atLeast))
    .map(([name, [value, atLeast]]) =>
      outside(operation, name, value, `a finite number of at least ${atLeast}`),
    )[0];

const outside = (operation: string, name: string, value: number, needed: string): StatisticsError =>
  problem(
    operation,
    "outOfRange",
    name,
    `${name} is ${value}, ${needed} is needed`,
    `Pass ${needed}`,
  );
