/**
 * Anomalies: whether the newest value of a series, such as the number of rows of each day's batch, is
 * like those before it. Every judgement says between which limits it expected the value; with too short
 * a history it could not run, and never passes.
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { forecast } from "./internal/HoltWinters.ts";
import { sortedQuantile } from "./internal/Quantile.ts";

/** A value of a series. */
export interface Point {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly value: number;
}

const common = {
  /** How many deviations from what is expected are an anomaly. Default 3.5. */
  deviations: Schema.optionalKey(Schema.Finite),
  /** Values before the newest that are needed. Default: see the kind. */
  minHistory: Schema.optionalKey(Schema.Int),
};

/**
 * What is expected of the newest value.
 *
 * - `robust`: the median of the history, give or take 3.5 times 1.4826 times the median absolute
 *   deviation; one wild day in the history does not widen it. At least 7 values. Iglewicz & Hoaglin, How to
 *   Detect and Handle Outliers, 1993.
 * - `seasonal`: the same of what is left after taking off the median of each day of the week (or month of
 *   the year). At least two of each season that occurs, and two full cycles: 14 days, or 24 months.
 * - `change`: at most the share `atMost` (0.5 is 50 %) more or less than the value before. At least 1 value.
 * - `holt-winters`: the one-step forecast of additive triple exponential smoothing with seasons of `period`
 *   values, give or take 3.5 standard deviations of its past errors; follows a trend. At least two full
 *   periods and three values more. Holt 1957; Winters, Management Science 6(3), 1960.
 */
export const Model = Schema.Union([
  Schema.TaggedStruct("robust", common),
  Schema.TaggedStruct("seasonal", {
    ...common,
    season: Schema.Literals(["day-of-week", "month-of-year"]),
  }),
  Schema.TaggedStruct("change", { atMost: Schema.Finite }),
  Schema.TaggedStruct("holt-winters", { ...common, period: Schema.Int }),
]);
/** See {@link Model}. */
export type Model = typeof Model.Type;

/** How the newest value was judged. */
export const Judgement = Schema.Struct({
  outcome: Schema.Literals(["passed", "failed", "could not run"]),
  value: Schema.NullOr(Schema.Finite),
  /** The limits, both included; null if it could not run. */
  lower: Schema.NullOr(Schema.Finite),
  upper: Schema.NullOr(Schema.Finite),
  /** Values before the newest. */
  history: Schema.Int,
  /** Why it could not run, in words. */
  why: Schema.optionalKey(Schema.String),
});
/** See {@link Judgement}. */
export type Judgement = typeof Judgement.Type;

/** What narrows or bounds a judgement beside the model. */
export interface JudgeOptions {
  /**
   * The standard deviation that the value has by sampling alone, such as sd / sqrt(rows) of a mean: limits
   * are never narrower than that many times `deviations`, however steady the history. Default 0.
   */
  readonly noise?: number;
  /** The range that the value can have at all, such as `[0, 1]` of a share. */
  readonly range?: readonly [least: number, most: number];
}

/**
 * Judges the newest value against those before it, in any order; values that are not finite are left out of
 * the history.
 *
 * @example
 * ```ts
 * import { Anomaly } from "@ml-pipe/data";
 *
 * const day = 86_400_000;
 * const history = [100, 104, 98, 101, 99, 103, 97].map((value, at) => ({ at: at * day, value }));
 * const { outcome } = Anomaly.judge({ _tag: "robust" }, history, { at: 7 * day, value: 250 }); // "failed"
 * ```
 */
export const judge = (
  model: Model,
  history: ReadonlyArray<Point>,
  newest: Point,
  { noise = 0, range = [-Infinity, Infinity] }: JudgeOptions = {},
): Judgement => {
  const past = history
    .filter(({ at, value }) => at < newest.at && Number.isFinite(value))
    .toSorted((a, b) => a.at - b.at);
  const could = {
    value: Number.isFinite(newest.value) ? newest.value : null,
    history: past.length,
  };
  const idle = (why: string): Judgement => ({
    ...could,
    outcome: "could not run",
    lower: null,
    upper: null,
    why,
  });
  if (!Number.isFinite(newest.value)) return idle("it has no value");
  const expected = expect(model, past, newest, noise);
  if (Result.isFailure(expected)) return idle(expected.failure);
  const { centre, reach } = expected.success;
  const lower = Math.max(range[0], centre - reach);
  const upper = Math.min(range[1], centre + reach);
  const outcome = newest.value >= lower && newest.value <= upper ? "passed" : "failed";
  return { ...could, outcome, lower, upper };
};

interface Expected {
  readonly centre: number;
  readonly reach: number;
}

/** What is expected, or why nothing can be, in words. */
const expect = (
  model: Model,
  past: ReadonlyArray<Point>,
  newest: Point,
  noise: number,
): Result.Result<Expected, string> => {
  switch (model._tag) {
    case "robust":
      return enough(past, model.minHistory ?? 7, () =>
        Result.succeed(
          around(
            past.map(({ value }) => value),
            model.deviations,
            noise,
          ),
        ),
      );
    case "seasonal":
      return enough(past, Math.max(model.minHistory ?? 0, cycles[model.season]), () =>
        seasonal(model, past, newest, noise),
      );
    case "change": {
      const last = past.at(-1);
      return last === undefined
        ? Result.fail(lacking(0, 1))
        : last.value === 0
          ? Result.fail("the value before is 0, of which there is no share")
          : Result.succeed({ centre: last.value, reach: Math.abs(last.value) * model.atMost });
    }
    case "holt-winters": {
      const { period, deviations = 3.5 } = model;
      if (!(Number.isInteger(period) && period >= 2)) {
        return Result.fail(`a period of ${period} is no season`);
      }
      return enough(past, Math.max(model.minHistory ?? 0, 2 * period + 3), () => {
        const { next, error } = forecast(
          past.map(({ value }) => value),
          period,
        );
        return Result.succeed({ centre: next, reach: deviations * Math.max(error, noise) });
      });
    }
  }
};

/** Two cycles. */
const cycles = { "day-of-week": 14, "month-of-year": 24 } as const;

const enough = (
  past: ReadonlyArray<Point>,
  least: number,
  then: () => Result.Result<Expected, string>,
): Result.Result<Expected, string> =>
  past.length < least ? Result.fail(lacking(past.length, least)) : then();

const lacking = (found: number, least: number): string =>
  `${found} earlier ${found === 1 ? "value" : "values"}, at least ${least} are needed`;

const median = (values: ReadonlyArray<number>): number =>
  sortedQuantile(Float64Array.from(values).toSorted(), 0.5);

/**
 * Median and deviation. Where more than half of the values are equal, the median absolute deviation is 0;
 * the mean one, times sqrt(pi / 2), takes its place.
 */
const around = (values: ReadonlyArray<number>, deviations = 3.5, noise = 0): Expected => {
  const centre = median(values);
  const distances = values.map((value) => Math.abs(value - centre));
  const mad = 1.4826 * median(distances);
  const mean = distances.reduce((sum, each) => sum + each, 0) / distances.length;
  const scale = mad > 0 ? mad : mean * Math.sqrt(Math.PI / 2);
  return { centre, reach: deviations * Math.max(scale, noise) };
};

const seasonal = (
  { season, deviations }: Extract<Model, { readonly _tag: "seasonal" }>,
  past: ReadonlyArray<Point>,
  newest: Point,
  noise: number,
): Result.Result<Expected, string> => {
  const seasonOf = ({ at }: Point): number =>
    season === "day-of-week" ? new Date(at).getUTCDay() : new Date(at).getUTCMonth();
  const bySeason = Map.groupBy(past, seasonOf);
  const own = bySeason.get(seasonOf(newest)) ?? [];
  if (own.length < 2) {
    return Result.fail(`${own.length} earlier of the same ${season}, at least 2 are needed`);
  }
  const usual = new Map(
    [...bySeason].map(([key, points]) => [key, median(points.map(({ value }) => value))]),
  );
  const left = past.map((point) => point.value - (usual.get(seasonOf(point)) ?? 0));
  const { centre, reach } = around(left, deviations, noise);
  return Result.succeed({ centre: centre + (usual.get(seasonOf(newest)) ?? 0), reach });
};
