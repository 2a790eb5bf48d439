/** The stage that judges choices among classes by what they cost. */
import type { Contract, Metric } from "@ml-pipe/core";
import { BusinessCost, Cost, type FeatureSet, Predictions, Rule } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { ClassificationEvaluation } from "./Evaluation.ts";
import * as Fairness from "./Fairness.ts";
import * as FurtherGates from "./FurtherGates.ts";
import { classExhibits } from "./internal/classification/exhibits.ts";
import { measureClasses } from "./internal/classification/measure.ts";
import { costExhibits, shared } from "./internal/exhibits.ts";
import { constantFinding } from "./internal/findings.ts";
import { baselineGates, classGates } from "./internal/gates.ts";
import {
  type FeatureOf,
  type JudgeError,
  type JudgeOptions,
  type JudgeStage,
  judging,
  type KeptOf,
} from "./Judging.ts";
import { requireSignature, type WrongPrediction } from "./WrongPrediction.ts";

/** How {@link classification} judges. */
export interface ClassificationOptions<Kept extends string, Feature extends string = never>
  extends JudgeOptions<Metric.ClassMetric, Kept>, FurtherGates.FurtherOptions<Kept, Feature> {
  /** Whether choices cost groups of people alike, and favour them alike. */
  readonly fairness?: Fairness.ClassFairnessOptions<Kept>;
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
 * in {@link decisions}), `calibrated`, `no leakage suspected`, `enough data` of each class and `charter in force`, one
 * for each of the charter's budgets, and those asked for by `fairness`, `segments`, `robustness` and `overfit`.
 * The baseline is a `Rule.classBaseline`, which must have an answer for every row; as a model (`Train.rule`) it passes
 * as what is done today.
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
  options: ClassificationOptions<KeptOf<C, Out>, FeatureOf<Out>>,
): ClassificationStage<Out> => {
  const { charter, maxCalibrationError = 0.05, minPerClass = 30, minBlocks = 2 } = options;
  const { suspiciousAuc = 0.999 } = options;
  const limits = { maxCalibrationError, minPerClass, minBlocks, suspiciousAuc };
  const matrix = Result.getOrThrow(Cost.choiceMatrix(charter.spec.metric));
  const cost = Result.getOrThrow(BusinessCost.of(charter.spec.metric));
  const { fairness } = options;
  const further = FurtherGates.ask(
    set,
    options,
    fairness === undefined ? undefined : Fairness.ofClasses(fairness, cost.classes),
  );
  return judging(set, options, {
    evaluation: ClassificationEvaluation,
    params: { ...limits, ...FurtherGates.paramsOf(further) },
    read: Effect.fnUntraced(function* ({ model, data }, { select, ...rest }) {
      const { classes } = cost;
      const predicted = yield* FurtherGates.readWithGroups(data, further, select, (all) =>
        Predictions.read(set, { ...rest, classes, select: all }),
      );
      yield* requireSignature(model, predicted.signature, "classes");
      const probabilities = yield* Predictions.probabilitiesOf(predicted, matrix.classes);
      return { ...predicted, probabilities };
    }),
    answer: Effect.fnUntraced(function* (predicted, asked) {
      const measured = yield* measureClasses(predicted, { ...asked, matrix });
      // A rule may choose what is no class, and its model cannot.
      const isBaseline =
        Rule.isBaseline(predicted, charter.spec.baseline) && measured.gain.estimate === 0;
      const answered = yield* FurtherGates.answer(
        set,
        { ...asked, charter, cost, predicted },
        isBaseline ? {} : further,
      );
      const evaluation = { ...measured, ...answered.results };
      const { choice, cost: least } = measured.constant;
      const answer = `"${choice}" for every row`;
      return {
        evaluation,
        gates: [...(isBaseline ? baselineGates : classGates(limits)), ...answered.gates],
        findings: constantFinding(evaluation, { answer, costs: least }),
        exhibits: [
          ...costExhibits(evaluation, charter, [
            { name: `always ${choice}, in hindsight`, value: least },
          ]),
          ...classExhibits(evaluation),
          ...shared(evaluation, asked.audit),
          ...answered.exhibits,
        ],
      };
    }),
  });
};
