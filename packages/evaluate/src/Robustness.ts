/**
 * Robustness: how much dearer the model's decisions get when its inputs are not as they were in training:
 * missing, noisy, shifted, or without one of their sources. Each change is paired with the same rows as
 * they are, so that the difference is known more narrowly than either cost.
 */
import type { Artifact, Exhibit, Verdict } from "@ml-pipe/core";
import { type Duckdb, Interval, Random, type StatisticsError, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { estimate, sumByBlock } from "./internal/blocks.ts";
import {
  type CostError,
  type Features,
  minus,
  type Rows,
  type ScoreError,
} from "./internal/rows.ts";

const { counted, number, percent, whole } = Words;

/** How inputs are changed, and how much dearer decisions may get. */
export interface RobustnessOptions<Feature extends string = string> {
  /** Largest extra cost per decision that passes, in the metric's unit. */
  readonly maxFall: number;
  /** Share of all values that go missing; default 0.1, and 0 leaves this change out. */
  readonly missing?: number;
  /** Noise added to each value, in standard deviations of its feature; default 0.1. */
  readonly noise?: number;
  /** How far every value of a feature is moved, up and down, in its standard deviations; default 0.1. */
  readonly shift?: number;
  /** Features whose source may be down: each is missing in every row. Default: none. */
  readonly outages?: ReadonlyArray<Feature>;
}

/** How much dearer decisions are under changed inputs. */
export const RobustnessResult = Schema.Struct({
  rows: Schema.Int,
  /** In the metric's unit. */
  maxFall: Schema.Finite,
  changes: Schema.Array(
    Schema.Struct({
      /** In words, such as `10 % of values missing`. */
      change: Schema.String,
      /** Extra cost per decision; its interval is corrected for the number of changes (Bonferroni). */
      fall: Schema.Struct({
        estimate: Schema.Finite,
        interval: Schema.NullOr(Interval.Interval),
      }),
    }),
  ),
}).annotate({ title: "RobustnessResult" });
/** See {@link RobustnessResult}. */
export type RobustnessResult = typeof RobustnessResult.Type;

/** Throws a `TypeError` for options that say nothing. */
export const checkOptions = (
  { maxFall, missing = 0, noise = 0, shift = 0, outages = [] }: RobustnessOptions,
  features: ReadonlyArray<string>,
): void => {
  const problems = [
    ...(Number.isFinite(maxFall) ? [] : [`maxFall is ${maxFall}, give a cost`]),
    ...(missing >= 0 && missing <= 1 ? [] : [`missing is ${missing}, give a share from 0 to 1`]),
    ...[["noise", noise] as const, ["shift", shift] as const].flatMap(([name, value]) =>
      Number.isFinite(value) && value >= 0
        ? []
        : [`${name} is ${value}, give standard deviations, 0 or more`],
    ),
    ...outages
      .filter((name) => !features.includes(name))
      .map((name) => `outages: there is no feature "${name}"`),
  ];
  if (problems.length > 0) throw new TypeError(`robustness: ${problems.join("; ")}`);
};

/** Measures each change on the same rows. */
export const measure = Effect.fnUntraced(function* (
  rows: Rows,
  options: RobustnessOptions,
  bootstrap: { readonly level: number; readonly seed: number },
): Effect.fn.Return<
  RobustnessResult,
  CostError | ScoreError | StatisticsError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const clean = yield* rows.costOf(yield* rows.score(rows.features));
  const changes = changesOf(rows, options, bootstrap.seed);
  const level = 1 - (1 - bootstrap.level) / Math.max(1, changes.length);
  const results: Array<RobustnessResult["changes"][number]> = [];
  for (const { change, features } of changes) {
    const changed = yield* rows.costOf(yield* rows.score(features()));
    const fall = yield* estimate(sumByBlock(minus(changed, clean), rows.blocks), {
      ...bootstrap,
      level,
      resamples: 10_000,
    });
    results.push({ change, fall });
    yield* Effect.yieldNow;
  }
  return { rows: rows.rows, maxFall: options.maxFall, changes: results };
});

interface Change {
  readonly change: string;
  readonly features: () => Features;
}

const changesOf = (
  { features, names }: Rows,
  { missing = 0.1, noise = 0.1, shift = 0.1, outages = [] }: RobustnessOptions,
  seed: number,
): ReadonlyArray<Change> => {
  const spreads = features.map(spreadOf);
  // A draw for each change: one does not change with the options of another.
  const draws = (salt: number) => Random.Xoshiro128.fromSeed(seed * 16 + salt);
  const moved = (change: (column: Float64Array, sd: number) => Float64Array) => () =>
    features.map((column, index) => {
      const sd = spreads[index] ?? null;
      return sd === null ? column : change(column, sd);
    });
  return [
    ...(missing === 0
      ? []
      : [
          {
            change: `${percent(missing)} of values missing`,
            features: () => {
              const random = draws(1);
              return features.map((column) =>
                column.map((value) => (random.uniform() < missing ? Number.NaN : value)),
              );
            },
          },
        ]),
    ...(noise === 0
      ? []
      : [
          {
            change: `noise of ${number(noise)} standard deviations`,
            features: () => {
              const random = draws(2);
              return moved((column, sd) =>
                column.map((value) => value + noise * sd * random.gaussian()),
              )();
            },
          },
        ]),
    ...(shift === 0
      ? []
      : ([1, -1] as const).map((sign) => ({
          change: `all values ${number(shift)} standard deviations ${sign === 1 ? "up" : "down"}`,
          features: moved((column, sd) => column.map((value) => value + sign * shift * sd)),
        }))),
    ...outages.map((name) => ({
      change: `no values of ${name}`,
      features: () =>
        features.map((column, index) =>
          names[index] === name ? new Float64Array(column.length).fill(Number.NaN) : column,
        ),
    })),
  ];
};

/** Values up to which a feature is taken for a code, which noise would turn into something else. */
const mostCodes = 10;

/** The standard deviation of a feature; null for one with few different values, or none that varies. */
const spreadOf = (column: Float64Array): number | null => {
  const values = new Set<number>();
  let [count, sum] = [0, 0];
  for (const value of column) {
    if (!Number.isFinite(value)) continue;
    if (values.size <= mostCodes) values.add(value);
    count++;
    sum += value;
  }
  if (values.size <= mostCodes) return null;
  let squares = 0;
  for (const value of column) if (Number.isFinite(value)) squares += (value - sum / count) ** 2;
  return Math.sqrt(squares / count);
};

/** The gate: under each change, the whole interval of the extra cost lies at or below the limit. */
export const gate = (result: RobustnessResult, unit: string): Verdict.Gate<unknown> => ({
  name: "robust",
  check: () => {
    const { changes, maxFall, rows } = result;
    const expected = `at most ${number(maxFall)} ${unit} more under changed inputs, on ${counted(rows, "row")}`;
    const worst = changes.toSorted((a, b) => upperOf(b) - upperOf(a))[0];
    if (worst === undefined) {
      return {
        outcome: "inconclusive",
        expected,
        found: "no change to try",
        next: "Ask for at least one: missing, noise, shift or outages.",
      };
    }
    const found = `worst: ${wordsOf(worst, unit)}${changes.length === 1 ? "" : `, of ${whole(changes.length)} changes`}`;
    const beyond = changes.filter(({ fall: { interval } }) => interval && interval.lower > maxFall);
    if (beyond.length > 0) {
      return {
        outcome: "failed",
        expected,
        found: beyond.map((one) => wordsOf(one, unit)).join("; "),
        next: "Train with such rows (missing values, noise), leave the feature out, or check the inputs where it is served and fall back to the baseline.",
      };
    }
    return upperOf(worst) <= maxFall
      ? { outcome: "passed", expected, found, next: "Nothing to do." }
      : {
          outcome: "inconclusive",
          expected,
          found,
          next: "The interval reaches across the limit: test on more rows, or let the owner decide.",
        };
  },
});

type Measured = RobustnessResult["changes"][number];

const upperOf = ({ fall: { interval } }: Measured): number => interval?.upper ?? Infinity;

const wordsOf = ({ change, fall: { estimate: more, interval } }: Measured, unit: string): string =>
  interval === null
    ? `${change} costs ${number(more)} ${unit} more, without an interval`
    : `${change} costs ${number(more)} ${unit} more (interval ${number(interval.lower)} to ${number(interval.upper)})`;

/** The figure. */
export const exhibitOf = (
  { changes, maxFall, rows }: RobustnessResult,
  unit: string,
): Exhibit.Exhibit => ({
  _tag: "bar",
  title: "If inputs are not as they were",
  caption: `extra cost of the model's decisions on the same ${counted(rows, "row")}; intervals hold for all changes together`,
  value: { label: unit },
  bars: changes.map(({ change, fall: { estimate: value, interval } }) => ({
    name: change,
    value,
    ...(interval === null ? {} : { lower: interval.lower, upper: interval.upper }),
  })),
  reference: { value: maxFall, label: "limit" },
});
