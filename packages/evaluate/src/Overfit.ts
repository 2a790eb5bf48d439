/**
 * Overfitting: how much more the model gains over the baseline on the rows that it learned from than on
 * those that it never saw. Gains, not costs: the baseline is as good or bad in either period, so that a
 * harder month does not look like a model that learned by heart.
 */
import type { Artifact, Exhibit, Verdict } from "@ml-pipe/core";
import { type Duckdb, Interval, type StatisticsError, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { estimate, sumByBlock } from "./internal/blocks.ts";
import { type CostError, minus, type Rows, type ScoreError } from "./internal/rows.ts";

const { counted, number } = Words;

/** How large the gap may be. */
export interface OverfitOptions {
  /** Largest gap of the gains that passes, in the metric's unit. */
  readonly maxGap: number;
}

const Gain = Schema.Struct({
  rows: Schema.Int,
  estimate: Schema.Finite,
  interval: Schema.NullOr(Interval.Interval),
});

/** The gain over the baseline on train and test rows, and the gap between them. */
export const OverfitResult = Schema.Struct({
  /** In the metric's unit. */
  maxGap: Schema.Finite,
  train: Gain,
  test: Gain,
  /** Train less test (Zou & Donner 2008); no interval where either has none. */
  gap: Schema.Struct({
    estimate: Schema.Finite,
    interval: Schema.NullOr(Interval.Interval),
  }),
}).annotate({ title: "OverfitResult" });
/** See {@link OverfitResult}. */
export type OverfitResult = typeof OverfitResult.Type;

/** Throws a `TypeError` for options that say nothing. */
export const checkOptions = ({ maxGap }: OverfitOptions): void => {
  if (!Number.isFinite(maxGap)) throw new TypeError(`overfit: maxGap is ${maxGap}; give a cost`);
};

/** Measures the gap. */
export const measure = Effect.fnUntraced(function* (
  rows: { readonly train: Rows; readonly test: Rows },
  { maxGap }: OverfitOptions,
  bootstrap: { readonly level: number; readonly seed: number },
): Effect.fn.Return<
  OverfitResult,
  CostError | ScoreError | StatisticsError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const gainOn = Effect.fnUntraced(function* (of: Rows) {
    const cost = yield* of.costOf(yield* of.score(of.features));
    const gain = yield* estimate(sumByBlock(minus(of.baselineCost, cost), of.blocks), bootstrap);
    return { rows: of.rows, ...gain };
  });
  const [train, test] = [yield* gainOn(rows.train), yield* gainOn(rows.test)];
  return {
    maxGap,
    train,
    test,
    gap: {
      estimate: train.estimate - test.estimate,
      interval:
        train.interval === null || test.interval === null
          ? null
          : yield* differenceOf(train.interval, test.interval),
    },
  };
});

const differenceOf = (
  train: Interval.Interval,
  test: Interval.Interval,
): Effect.Effect<Interval.Interval, StatisticsError> =>
  Effect.fromResult(Interval.differenceOf(train, test));

/** The gate: the whole interval of the gap lies at or below the limit. */
export const gate = (result: OverfitResult, unit: string): Verdict.Gate<unknown> => ({
  name: "not overfitted",
  check: () => {
    const { gap, maxGap, train, test } = result;
    const { interval } = gap;
    const expected = `to gain at most ${number(maxGap)} ${unit} more on train rows than on test rows`;
    const said = `${number(gap.estimate)} ${unit} more (${number(train.estimate)} on ${counted(train.rows, "train row")}, ${number(test.estimate)} on ${counted(test.rows, "test row")})`;
    if (interval === null) {
      return {
        outcome: "inconclusive",
        expected,
        found: `${said}, without an interval`,
        next: "Train and judge on two blocks at the very least.",
      };
    }
    const found = `${said}, interval ${number(interval.lower)} to ${number(interval.upper)}`;
    if (interval.upper <= maxGap) {
      return { outcome: "passed", expected, found, next: "Nothing to do." };
    }
    return interval.lower > maxGap
      ? {
          outcome: "failed",
          expected,
          found,
          next: "Make the model simpler (fewer or shallower trees, a stronger penalty), stop earlier, or train on more rows; if the periods differ, see drift first.",
        }
      : {
          outcome: "inconclusive",
          expected,
          found,
          next: "The interval reaches across the limit: judge on more blocks, or let the owner decide.",
        };
  },
});

/** The figure. */
export const exhibitOf = ({ train, test }: OverfitResult, unit: string): Exhibit.Exhibit => ({
  _tag: "bar",
  title: "Gain on rows learned from and on others",
  caption:
    "over the baseline, per decision; what is gained on train rows only was learned by heart",
  value: { label: unit },
  bars: (
    [
      ["train", train],
      ["test", test],
    ] as const
  ).map(([name, { estimate: value, interval }]) => ({
    name,
    value,
    ...(interval === null ? {} : { lower: interval.lower, upper: interval.upper }),
  })),
});
