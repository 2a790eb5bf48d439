/** The stage that judges predicted numbers by what their errors cost. */
import type { Contract, Metric } from "@ml-pipe/core";
import { type FeatureSet, Predictions, Rule, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Budgets from "./Budgets.ts";
import { RegressionEvaluation } from "./Evaluation.ts";
import { costExhibits, shared } from "./internal/exhibits.ts";
import { constantFinding } from "./internal/findings.ts";
import { baselineGates, numberGates } from "./internal/gates.ts";
import { numberExhibits } from "./internal/regression/exhibits.ts";
import { measureNumbers } from "./internal/regression/measure.ts";
import {
  type JudgeError,
  type JudgeOptions,
  type JudgeStage,
  judging,
  type KeptOf,
  requireSignature,
  type WrongPrediction,
} from "./Judging.ts";

/** How {@link regression} judges. */
export interface RegressionOptions<Kept extends string> extends JudgeOptions<
  Metric.NumberMetric,
  Kept
> {
  /** Rows below which there is no verdict; default 100. */
  readonly minRows?: number;
  /** R² from which a leak is suspected; default 0.99. Raise it where the task is that easy. */
  readonly suspiciousR2?: number;
}

/** What {@link regression} can fail with. */
export type RegressionError = JudgeError | WrongPrediction;

/** The stage that {@link regression} makes. */
export type RegressionStage<Out extends Contract.Contract> = JudgeStage<
  Out,
  RegressionEvaluation,
  WrongPrediction
>;

/**
 * A stage that judges a model of a feature set whose label is a number, on the test part of its split.
 *
 * The verdict is passed only if every gate passed: `beats the baseline` (in the charter's error, paired by row, as
 * in {@link decisions}), `no leakage suspected`, `enough data` and `charter in force`. The baseline is a
 * `Rule.numberBaseline`, which must have an answer for every row.
 *
 * The model is judged as it was trained: where an error costs more on one side (`over`, `under`, `quantile`),
 * train it for that quantile, `under / (over + under)`.
 *
 * Fails as {@link decisions} does, and with `WrongPrediction` if the model only ranks.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Evaluate } from "@ml-pipe/evaluate";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<number>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 *   charter: Charter.Charter<Metric.NumberMetric>,
 * ) => Evaluate.regression(set, { charter, minRows: 500 });
 * ```
 */
export const regression = <C extends Contract.Contract, Out extends FeatureSet.Labelled<number>>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: RegressionOptions<KeptOf<C, Out>>,
): RegressionStage<Out> => {
  const { charter, minRows = 100, minBlocks = 2, suspiciousR2 = 0.99 } = options;
  const limits = { minRows, minBlocks, suspiciousR2 };
  const { unit } = set.contract.spec.columns["label"] ?? {};
  return judging(set, options, {
    evaluation: RegressionEvaluation,
    params: limits,
    read: Effect.fnUntraced(function* ({ model }, asked) {
      const predicted = yield* Predictions.read(set, asked);
      yield* requireSignature(model, predicted.signature, "value");
      return predicted;
    }),
    answer: Effect.fnUntraced(function* (predicted, asked) {
      const evaluation = yield* measureNumbers(predicted, { ...asked, charter });
      const { value, cost } = evaluation.constant;
      return {
        evaluation,
        gates: [
          ...(Rule.isBaseline(predicted, charter.spec.baseline)
            ? baselineGates
            : numberGates(limits)),
          ...Budgets.storedGates(asked.model, charter.spec.budgets),
        ],
        findings: constantFinding(evaluation, {
          answer: `${Words.number(value)} for every row`,
          costs: cost,
        }),
        exhibits: [
          ...costExhibits(evaluation, charter, [
            { name: `always ${Words.number(value)}, in hindsight`, value: cost },
          ]),
          ...numberExhibits(evaluation, unit),
          ...shared(evaluation, asked.audit),
        ],
      };
    }),
  });
};
