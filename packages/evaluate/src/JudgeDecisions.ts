/** The stage that judges yes/no decisions by what they cost. */
import type { Contract, Metric } from "@ml-pipe/core";
import { BusinessCost, DecisionSystem, Decisions, type FeatureSet, Rule } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { Evaluation } from "./Evaluation.ts";
import * as Fairness from "./Fairness.ts";
import * as FurtherGates from "./FurtherGates.ts";
import { blocksOf } from "./internal/blocks.ts";
import { exhibitsOf } from "./internal/exhibits.ts";
import { trivialFinding } from "./internal/findings.ts";
import * as InsideSystem from "./InsideSystem.ts";
import { baselineGates, decisionGates } from "./internal/gates.ts";
import { measure } from "./internal/measure.ts";
import {
  type FeatureOf,
  type JudgeError,
  type JudgeOptions,
  type JudgeStage,
  judging,
  type KeptOf,
} from "./Judging.ts";

/** How {@link decisions} judges. */
export interface DecisionsOptions<Kept extends string, Feature extends string = never>
  extends JudgeOptions<Metric.DecisionMetric, Kept>, FurtherGates.FurtherOptions<Kept, Feature> {
  /**
   * The product that the model would serve in: whether its gain survives the rules that overrule it, in the same
   * look at the test rows.
   */
  readonly system?: DecisionSystem.DecisionSystem;
  /** Whether groups of people are decided on alike. */
  readonly fairness?: Fairness.FairnessOptions<Kept>;
  /** Largest expected calibration error (ten bins of equal width) that passes; default 0.05. */
  readonly maxCalibrationError?: number;
  /** Rows of each outcome below which there is no verdict; default 100. */
  readonly minPerClass?: number;
  /** ROC AUC from which a leak is suspected; default 0.99. Raise it where the task is that easy. */
  readonly suspiciousAuc?: number;
}

/** What {@link decisions} can fail with. */
export type EvaluateError = JudgeError | Decisions.NotProbabilities;

/** The stage that {@link decisions} makes. */
export type EvaluateStage<Out extends Contract.Contract> = JudgeStage<
  Out,
  Evaluation,
  Decisions.NotProbabilities
>;

/**
 * A stage that judges a model of a feature set on the test part of its split.
 *
 * The verdict is passed only if every gate passed: `beats the baseline` (the interval of the paired
 * gain lies at or above the charter's smallest gain; below it: failed; across it: inconclusive),
 * `calibrated`, `no leakage suspected`, `enough data` and `charter in force`, one for each of the charter's
 * budgets, and those asked for by `system`, `fairness`, `segments`, `robustness` and `overfit`.
 *
 * Fails with {@link LeakedTestSet}, {@link OtherTrainTable}, {@link OtherSplit} or
 * {@link NothingToJudge} where no honest verdict is possible, and with {@link Holdout.HoldoutSpent} where
 * another model was judged on the same rows before and nobody said why. Throws `StatisticsError` when it is made if the costs favour one decision always,
 * so that this shows before anything is trained.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Evaluate } from "@ml-pipe/evaluate";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 *   charter: Charter.Charter<Metric.DecisionMetric>,
 * ) => Evaluate.decisions(set, { charter, maxCalibrationError: 0.03 });
 * ```
 */
export const decisions = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: DecisionsOptions<KeptOf<C, Out>, FeatureOf<Out>>,
): EvaluateStage<Out> => {
  const { charter, maxCalibrationError = 0.05, minPerClass = 100, minBlocks = 2 } = options;
  const { suspiciousAuc = 0.99 } = options;
  const limits = { maxCalibrationError, minPerClass, minBlocks, suspiciousAuc };
  const { fairness, system } = options;
  if (system !== undefined && system.spec.featureSet !== set.digest) {
    throw new TypeError(
      `evaluate: the system "${system.name}" is of another feature set than "${set.spec.name}"`,
    );
  }
  const asked = FurtherGates.ask(
    set,
    options,
    fairness === undefined ? undefined : Fairness.ofDecisions(fairness),
  );
  const cost = Result.getOrThrow(BusinessCost.of(charter.spec.metric));
  return judging(set, options, {
    evaluation: Evaluation,
    params: {
      ...limits,
      ...FurtherGates.paramsOf(asked),
      ...(system === undefined ? {} : { system: system.digest }),
    },
    read: ({ data }, { select, ...rest }) => {
      const rules = system === undefined ? [] : DecisionSystem.rulesSql(system);
      return FurtherGates.readWithGroups(data, asked, [...select, ...rules], (all) =>
        Decisions.read(set, { ...rest, select: all }),
      );
    },
    answer: Effect.fnUntraced(function* (decided, input) {
      const { threshold = 0 } = cost;
      const measured = yield* measure(decided, { ...input, charter, threshold, suspiciousAuc });
      const isBaseline = Rule.isBaseline(decided, charter.spec.baseline);
      const signature = { _tag: "probability" } as const;
      const predicted = { ...decided, signature, scores: decided.probability };
      const further = yield* FurtherGates.answer(
        set,
        { ...input, charter, cost, predicted },
        isBaseline ? {} : asked,
      );
      const { unit, smallestGain } = measured;
      const inside =
        system === undefined || isBaseline
          ? undefined
          : yield* InsideSystem.measure(
              system,
              {
                model: yield* cost.done(predicted),
                baseline: decided.baseline,
                label: decided.label,
                rules: decided.selected.slice(
                  input.slices.length,
                  input.slices.length + system.spec.rules.length,
                ),
                blocks: blocksOf(decided.block),
              },
              cost,
              { level: input.look.level, seed: input.seed },
            );
      const evaluation = {
        ...measured,
        ...further.results,
        ...(inside === undefined ? {} : { system: inside }),
      };
      return {
        evaluation,
        gates: [
          ...(isBaseline ? baselineGates : decisionGates(limits)),
          ...(inside === undefined ? [] : [InsideSystem.gate(inside, { unit, smallestGain })]),
          ...further.gates,
        ],
        findings: [
          ...trivialFinding(evaluation),
          ...(inside === undefined
            ? []
            : InsideSystem.findingsOf(inside, { unit, owner: set.contract.spec.owner })),
        ],
        exhibits: [
          ...exhibitsOf(evaluation, input.audit, decided, charter),
          ...(inside === undefined ? [] : [InsideSystem.exhibitOf(inside, unit)]),
          ...further.exhibits,
        ],
      };
    }),
  });
};
