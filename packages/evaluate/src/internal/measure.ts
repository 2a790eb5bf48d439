/** The numbers of an evaluation, from the decisions on the test rows. */
import type { Charter, Metric } from "@ml-pipe/core";
import {
  Classification,
  Cost,
  type Decisions,
  type Estimator,
  Interval,
  type StatisticsError,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { FurtherResults } from "../FurtherGates.ts";
import type { Evaluation, SensitivityResult } from "../Evaluation.ts";
import { estimate, orNull, sumByBlock } from "./blocks.ts";
import { findSuspect } from "./leakage.ts";
import { paired, type PairedOptions } from "./paired.ts";

/** What the numbers depend on besides the decisions. */
export interface MeasureOptions extends PairedOptions {
  readonly charter: Pick<Charter.Charter<Metric.DecisionMetric>, "spec">;
  /** Probability from which acting is cheaper. */
  readonly threshold: number;
  readonly suspiciousAuc: number;
}

/** Computes the evaluation. */
export const measure = Effect.fnUntraced(function* (
  decisions: Decisions.Decisions,
  options: MeasureOptions,
): Effect.fn.Return<
  Omit<Evaluation, keyof FurtherResults | "system">,
  StatisticsError | Estimator.ScoreInputInvalid
> {
  const { probability, label, baseline } = decisions;
  const { threshold } = options;
  const { metric } = options.charter.spec;
  const matrix = { ...metric.costs, unit: metric.unit };
  const costs = {
    model: yield* Effect.fromResult(Cost.rowCosts(probability, label, threshold, matrix)),
    baseline: yield* Effect.fromResult(Cost.rowCosts(baseline, label, 1, matrix)),
  };
  const { judgement, blocks, bootstrap } = yield* paired(decisions, costs, options);
  const neverCost = label.map((one) => (one === 1 ? matrix.falseNegative : matrix.trueNegative));
  const alwaysCost = label.map((one) => (one === 1 ? matrix.truePositive : matrix.falsePositive));
  const mean = (values: Float64Array) => estimate(sumByBlock(values, blocks), bootstrap);
  const cost = {
    ...judgement.cost,
    neverAct: yield* mean(neverCost),
    alwaysAct: yield* mean(alwaysCost),
  };
  yield* Effect.yieldNow;

  const rocAuc = orNull(Classification.rocAuc(probability, label));
  yield* Effect.yieldNow;
  const rocAucInterval = orNull(Interval.aucInterval(probability, label, bootstrap.level));
  yield* Effect.yieldNow;
  const averagePrecision = orNull(Classification.averagePrecision(probability, label));
  yield* Effect.yieldNow;

  const suspicious = rocAuc !== null && rocAuc >= options.suspiciousAuc;
  const suspect = findSuspect(
    { estimator: decisions.estimator, suspicious },
    decisions.features,
    label,
  );
  yield* Effect.yieldNow;
  return {
    ...judgement,
    positives: label.reduce((sum, one) => sum + one, 0),
    threshold,
    cost,
    confusion: yield* Effect.fromResult(Classification.confusion(probability, label, threshold)),
    rocAuc,
    rocAucInterval,
    averagePrecision,
    logLoss: yield* Effect.fromResult(Classification.logLoss(probability, label)),
    brierScore: yield* Effect.fromResult(Classification.brierScore(probability, label)),
    calibrationError: yield* Effect.fromResult(
      Classification.expectedCalibrationError(probability, label),
    ),
    reliability: yield* Effect.fromResult(Classification.reliability(probability, label)),
    suspect,
    sensitivity: sensitivity(decisions, matrix),
  };
});

/** The gain with each cost of an error half and half as much again, at the threshold best for it. */
const sensitivity = (
  { probability, baseline, label }: Decisions.Decisions,
  matrix: Cost.CostMatrix,
): ReadonlyArray<SensitivityResult> =>
  (["falsePositive", "falseNegative"] as const).flatMap((cost) =>
    [0.5, 1.5].map((factor) => {
      const changed = { ...matrix, [cost]: matrix[cost] * factor };
      const threshold = orNull(Cost.optimalThreshold(changed));
      const costAt = (scores: Float64Array, from: number): number | null => {
        const table = orNull(Classification.confusion(scores, label, from));
        return table === null
          ? null
          : (orNull(Cost.expectedCost(table, changed))?.perDecision ?? null);
      };
      const [before, after] = [
        costAt(baseline, 1),
        threshold === null ? null : costAt(probability, threshold),
      ];
      const gain = before === null || after === null ? null : before - after;
      return { cost, factor, threshold, gain };
    }),
  );

/** Expected cost per decision at each threshold k / steps, in one pass over the rows. */
export const costByThreshold = (
  { probability, label }: Pick<Decisions.Decisions, "probability" | "label">,
  costs: Metric.DecisionCosts,
  steps = 100,
): ReadonlyArray<readonly [number, number]> => {
  // Rows whose probability reaches k / steps and not the next step.
  const positives = new Float64Array(steps + 1);
  const negatives = new Float64Array(steps + 1);
  for (let row = 0; row < probability.length; row++) {
    let step = Math.min(steps, Math.floor(probability[row]! * steps));
    if (step < steps && (step + 1) / steps <= probability[row]!) step++;
    if (step / steps > probability[row]!) step--;
    if (label[row] === 1) positives[step]! += 1;
    else negatives[step]! += 1;
  }
  const allPositives = positives.reduce((sum, one) => sum + one, 0);
  const allNegatives = probability.length - allPositives;
  let [truePositive, falsePositive] = [0, 0];
  const points: Array<readonly [number, number]> = [];
  for (let step = steps; step >= 0; step--) {
    truePositive += positives[step]!;
    falsePositive += negatives[step]!;
    const total =
      truePositive * costs.truePositive +
      falsePositive * costs.falsePositive +
      (allPositives - truePositive) * costs.falseNegative +
      (allNegatives - falsePositive) * costs.trueNegative;
    points.push([step / steps, total / probability.length]);
  }
  return points.toReversed();
};
