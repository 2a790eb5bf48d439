/** The stage that judges predicted numbers by what their errors cost. */
import type { Contract, Metric } from "@ml-pipe/core";
import { BusinessCost, type FeatureSet, Predictions, Rule, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { RegressionEvaluation } from "./Evaluation.ts";
import * as Fairness from "./Fairness.ts";
import * as FurtherGates from "./FurtherGates.ts";
import { costExhibits, shared } from "./internal/exhibits.ts";
import { constantFinding } from "./internal/findings.ts";
import { baselineGates, numberGates } from "./internal/gates.ts";
import { numberExhibits } from "./internal/regression/exhibits.ts";
import { measureNumbers } from "./internal/regression/measure.ts";
import {
  type FeatureOf,
  type JudgeError,
  type JudgeOptions,
  type JudgeStage,
  judging,
  type KeptOf,
} from "./Judging.ts";
import { requireSignature, type WrongPrediction } from "./WrongPrediction.ts";

/** How {@link regression} judges. */
export interface RegressionOptions<Kept extends string, Feature extends string = never>
  extends JudgeOptions<Metric.NumberMetric, Kept>, FurtherGates.FurtherOptions<Kept, Feature> {
  /** Whether errors cost groups of people alike, and go the same way. */
  readonly fairness?: Fairness.NumberFairnessOptions<Kept>;
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
 * in {@link decisions}), `no leakage suspected`, `enough data` and `charter in force`, one for each of the charter's
 * budgets, and those asked for by `fairness`, `segments`, `robustness` and `overfit`. The baseline is a
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
  options: RegressionOptions<KeptOf<C, Out>, FeatureOf<Out>>,
): RegressionStage<Out> => {
  const { charter, minRows = 100, minBlocks = 2, suspiciousR2 = 0.99 } = options;
  const limits = { minRows, minBlocks, suspiciousR2 };
  const { fairness } = options;
  const further = FurtherGates.ask(
    set,
    options,
    fairness === undefined ? undefined : Fairness.ofNumbers(fairness),
  );
  const { metric, baseline } = charter.spec;
  const cost = Result.getOrThrow(BusinessCost.of(metric));
  const { unit } = set.contract.spec.columns["label"] ?? {};
  return judging(set, options, {
    evaluation: RegressionEvaluation,
    params: { ...limits, ...FurtherGates.paramsOf(further) },
    read: Effect.fnUntraced(function* ({ model, data }, { select, ...rest }) {
      const predicted = yield* FurtherGates.readWithGroups(data, further, select, (all) =>
        Predictions.read(set, { ...rest, select: all }),
      );
      yield* requireSignature(model, predicted.signature, "value");
      return predicted;
    }),
    answer: Effect.fnUntraced(function* (predicted, asked) {
      const measured = yield* measureNumbers(predicted, { ...asked, charter });
      const { value, cost: least } = measured.constant;
      const isBaseline = Rule.isBaseline(predicted, baseline);
      const answered = yield* FurtherGates.answer(
        set,
        { ...asked, charter, cost, predicted },
        isBaseline ? {} : further,
      );
      const evaluation = { ...measured, ...answered.results };
      return {
        evaluation,
        gates: [...(isBaseline ? baselineGates : numberGates(limits)), ...answered.gates],
        findings: constantFinding(evaluation, {
          answer: `${Words.number(value)} for every row`,
          costs: least,
        }),
        exhibits: [
          ...costExhibits(evaluation, charter, [
            { name: `always ${Words.number(value)}, in hindsight`, value: least },
          ]),
          ...numberExhibits(evaluation, unit),
          ...shared(evaluation, asked.audit),
          ...answered.exhibits,
        ],
      };
    }),
  });
};
