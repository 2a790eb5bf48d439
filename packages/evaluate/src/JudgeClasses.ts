/** The stage that judges choices among classes by what they cost. */
import type { Contract, Metric } from "@ml-pipe/core";
import { Cost, type FeatureSet, Predictions, Rule } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Budgets from "./Budgets.ts";
import { ClassificationEvaluation } from "./Evaluation.ts";
import { classExhibits } from "./internal/classification/exhibits.ts";
import { measureClasses } from "./internal/classification/measure.ts";
import { costExhibits, shared } from "./internal/exhibits.ts";
import { constantFinding } from "./internal/findings.ts";
import { baselineGates, classGates } from "./internal/gates.ts";
import {
  type JudgeError,
  type JudgeOptions,
  type JudgeStage,
  judging,
  type KeptOf,
  requireSignature,
  type WrongPrediction,
} from "./Judging.ts";

/** How {@link classification} judges. */
export interface ClassificationOptions<Kept extends string> extends JudgeOptions<
  Metric.ClassMetric,
  Kept
> {
  /** Largest expected calibration error of the most probable class that passes; default 0.05. */
  readonly maxCalibrationError?: number;
  /** Rows of each class below which there is no verdict; default 30. */
  readonly minPerClass?: number;
  /** Mean ROC AUC of the classes from which a leak is suspected; default 0.999. */
  readonly suspiciousAuc?: number;
}

/** What {@link classification} can fail with. */
export type ClassificationError = JudgeError | WrongPrediction;

/** The stage that {@link classification} makes. */
export type ClassificationStage<Out extends Contract.Contract> = JudgeStage<
  Out,
  ClassificationEvaluation,
  WrongPrediction
>;

/**
 * A stage that judges a model of a feature set whose label is a class, on the test part of its split. For each row
 * it takes the choice with the lowest expected cost by the charter (Elkan 2001), which may be another way out than
 * a class.
 *
 * The verdict is passed only if every gate passed: `beats the baseline` (in the charter's costs, paired by row, as
 * in {@link decisions}), `calibrated`, `no leakage suspected`, `enough data` of each class and `charter in force`.
 * The baseline is a `Rule.classBaseline`, which must have an answer for every row.
 *
 * Fails as {@link decisions} does, and with `UnknownClasses` where rows have a class that the charter has no costs
 * for. Throws `StatisticsError` when it is made if the costs favour one choice always.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Evaluate } from "@ml-pipe/evaluate";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<string>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 *   charter: Charter.Charter<Metric.ClassMetric>,
 * ) => Evaluate.classification(set, { charter, minPerClass: 50 });
 * ```
 */
export const classification = <
  C extends Contract.Contract,
  Out extends FeatureSet.Labelled<string>,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: ClassificationOptions<KeptOf<C, Out>>,
): ClassificationStage<Out> => {
  const { charter, maxCalibrationError = 0.05, minPerClass = 30, minBlocks = 2 } = options;
  const { suspiciousAuc = 0.999 } = options;
  const limits = { maxCalibrationError, minPerClass, minBlocks, suspiciousAuc };
  const matrix = Result.getOrThrow(Cost.choiceMatrix(charter.spec.metric));
  return judging(set, options, {
    evaluation: ClassificationEvaluation,
    params: limits,
    read: Effect.fnUntraced(function* ({ model }, asked) {
      const classes = { labels: matrix.classes, choices: matrix.choices };
      const predicted = yield* Predictions.read(set, { ...asked, classes });
      yield* requireSignature(model, predicted.signature, "classes");
      const probabilities = yield* Predictions.probabilitiesOf(predicted, matrix.classes);
      return { ...predicted, probabilities };
    }),
    answer: Effect.fnUntraced(function* (predicted, asked) {
      const evaluation = yield* measureClasses(predicted, { ...asked, matrix });
      const { choice, cost } = evaluation.constant;
      const answer = `"${choice}" for every row`;
      return {
        evaluation,
        gates: [
          // A rule may choose what is no class, and its model cannot.
          ...(Rule.isBaseline(predicted, charter.spec.baseline) && evaluation.gain.estimate === 0
            ? baselineGates
            : classGates(limits)),
          ...Budgets.storedGates(asked.model, charter.spec.budgets),
        ],
        findings: constantFinding(evaluation, { answer, costs: cost }),
        exhibits: [
          ...costExhibits(evaluation, charter, [
            { name: `always ${choice}, in hindsight`, value: cost },
          ]),
          ...classExhibits(evaluation),
          ...shared(evaluation, asked.audit),
        ],
      };
    }),
  });
};
