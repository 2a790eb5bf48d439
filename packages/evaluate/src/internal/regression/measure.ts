/** The numbers of an evaluation of predicted numbers, from the predictions for the test rows. */
import type { Charter, Metric } from "@ml-pipe/core";
import {
  type Estimator,
  Interval,
  type Predictions,
  Regression,
  type StatisticsError,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { Estimated, RegressionEvaluation } from "../../Evaluation.ts";
import type { FurtherResults } from "../../FurtherGates.ts";
import { type Blocks, estimate, orNull, sumByBlock } from "../blocks.ts";
import { type Bootstrap, paired, type PairedOptions } from "../paired.ts";

/** What the numbers depend on besides the predictions. */
export interface RegressionMeasure extends PairedOptions {
  readonly charter: Pick<Charter.Charter<Metric.NumberMetric>, "spec">;
}

/** Computes the evaluation. */
export const measureNumbers = Effect.fnUntraced(function* (
  predicted: Predictions.Predictions,
  options: RegressionMeasure,
): Effect.fn.Return<
  Omit<RegressionEvaluation, keyof FurtherResults>,
  StatisticsError | Estimator.ScoreInputInvalid
> {
  const { scores, baseline, label } = predicted;
  const { metric } = options.charter.spec;
  const costOf = (numbers: Float64Array, error: Metric.NumberError = metric.error) =>
    Effect.fromResult(Regression.rowErrors(numbers, label, error));
  const costs = { model: yield* costOf(scores), baseline: yield* costOf(baseline) };
  const { judgement, blocks, bootstrap } = yield* paired(predicted, costs, options);
  yield* Effect.yieldNow;
  const own = yield* Effect.fromResult(Regression.errors(scores, label));
  const absolute = yield* estimate(
    sumByBlock(yield* costOf(scores, "absolute"), blocks),
    bootstrap,
  );
  const squares = yield* costOf(scores, "squared");
  const squared = yield* estimate(sumByBlock(squares, blocks), bootstrap);
  yield* Effect.yieldNow;
  const residuals = scores.map((one, row) => one - label[row]!);
  return {
    ...judgement,
    constant: yield* cheapestNumber(metric.error, label, costOf),
    errors: {
      ...own,
      meanAbsolute: absolute,
      rootMeanSquared: rootOf(squared),
      r2: own.r2 === null ? null : r2Of(own.r2, squares, label, blocks, bootstrap),
    },
    baselineErrors: yield* Effect.fromResult(Regression.errors(baseline, label)),
    residuals: quantilesOf(residuals.toSorted()),
    byPrediction: byPrediction(scores, label),
    sensitivity: yield* sensitivity(metric.error, costOf, predicted),
  };
});

/** The one number that is cheapest for all rows: their mean for squared errors, else a quantile. */
const cheapestNumber = Effect.fnUntraced(function* (
  error: Metric.NumberError,
  label: Float64Array,
  costOf: (numbers: Float64Array) => Effect.Effect<Float64Array, StatisticsError>,
): Effect.fn.Return<RegressionEvaluation["constant"], StatisticsError> {
  const value = error === "squared" ? meanOf(label) : quantile(label.toSorted(), shareBelow(error));
  return { value, cost: meanOf(yield* costOf(label.map(() => value))) };
});

/** The quantile at which an error costs as much on either side. */
const shareBelow = (error: Exclude<Metric.NumberError, "squared">): number => {
  if (error === "absolute") return 0.5;
  return "quantile" in error ? error.quantile : error.under / (error.over + error.under);
};

const meanOf = (values: Float64Array): number =>
  values.reduce((sum, one) => sum + one, 0) / values.length;

/** The root of a mean of squares is as sure as that mean: it only rises with it. */
const rootOf = ({ estimate: mean, interval }: Estimated): Estimated => ({
  estimate: Math.sqrt(mean),
  interval:
    interval === null
      ? null
      : {
          ...interval,
          estimate: Math.sqrt(mean),
          lower: Math.sqrt(Math.max(0, interval.lower)),
          upper: Math.sqrt(interval.upper),
        },
});

/** R² with its interval: the squared errors over the squared distances from the mean of all rows, by block. */
const r2Of = (
  r2: number,
  squares: Float64Array,
  label: Float64Array,
  blocks: Blocks,
  bootstrap: Bootstrap,
): Estimated => {
  const mean = meanOf(label);
  const variation = sumByBlock(
    label.map((one) => (one - mean) ** 2),
    blocks,
  );
  const interval = orNull(
    Interval.bootstrapStatistic(
      [sumByBlock(squares, blocks).sums, variation.sums],
      ([errors = 0, all = 0]) => 1 - errors / all,
      bootstrap,
    ),
  );
  return { estimate: r2, interval };
};

const shares = [0.05, 0.25, 0.5, 0.75, 0.95] as const;

const quantilesOf = (sorted: Float64Array): RegressionEvaluation["residuals"] =>
  shares.map((share) => ({ share, value: quantile(sorted, share) }));

/** Linear between the two nearest (R's type 7). */
const quantile = (sorted: Float64Array, share: number): number => {
  const at = share * (sorted.length - 1);
  const [below = 0, above = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
};

/** Bins of predictions with about as many rows each. */
const mostBins = 10;

/** What was predicted and what came, by size of the prediction; equal predictions stay together. */
const byPrediction = (
  scores: Float64Array,
  label: Float64Array,
): RegressionEvaluation["byPrediction"] => {
  const order = Uint32Array.from(scores, (_, row) => row).toSorted(
    (a, b) => scores[a]! - scores[b]!,
  );
  const bins: Array<RegressionEvaluation["byPrediction"][number]> = [];
  let start = 0;
  for (let bin = 1; bin <= mostBins && start < order.length; bin++) {
    let end = Math.max(start + 1, Math.round((bin * order.length) / mostBins));
    while (end < order.length && scores[order[end]!] === scores[order[end - 1]!]) end++;
    const rows = order.subarray(start, end);
    const residuals = Float64Array.from(rows, (row) => scores[row]! - label[row]!).toSorted();
    const mean = (values: Float64Array) =>
      rows.reduce((sum, row) => sum + values[row]!, 0) / rows.length;
    bins.push({
      count: rows.length,
      meanPredicted: mean(scores),
      meanActual: mean(label),
      residuals: {
        low: quantile(residuals, 0.05),
        middle: quantile(residuals, 0.5),
        high: quantile(residuals, 0.95),
      },
    });
    start = end;
  }
  return bins;
};

/** The gain with each cost of a unit half and half as much again: the predictions stay as they are. */
const sensitivity = Effect.fnUntraced(function* (
  error: Metric.NumberError,
  costOf: (
    numbers: Float64Array,
    error: Metric.NumberError,
  ) => Effect.Effect<Float64Array, StatisticsError>,
  { scores, baseline }: Predictions.Predictions,
): Effect.fn.Return<RegressionEvaluation["sensitivity"], StatisticsError> {
  if (typeof error === "string" || "quantile" in error) return [];
  const found: Array<RegressionEvaluation["sensitivity"][number]> = [];
  for (const cost of ["over", "under"] as const) {
    for (const factor of [0.5, 1.5]) {
      const changed = { ...error, [cost]: error[cost] * factor };
      const gain =
        meanOf(yield* costOf(baseline, changed)) - meanOf(yield* costOf(scores, changed));
      found.push({ cost, factor, gain });
    }
  }
  return found;
});
