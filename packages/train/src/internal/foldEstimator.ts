/** What is trained on each fold's complement, by what the label is, and how well it predicts the fold. */
import type { Contract } from "@ml-pipe/core";
import { Classification, type Estimator, FeatureSet, Multiclass, Regression } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { type BoostedTreesSettings, fitBoostedTrees } from "../BoostedTrees.ts";
import { type BoostedTreesStageOptions, objectiveOf } from "../BoostedTreesStage.ts";
import { fitLinear, type LinearOptions } from "../Linear.ts";
import { linearKinds, linkOf, type LinearStageOptions } from "../LinearStage.ts";
import type { TrainingData, TrainingError } from "./trainingData.ts";

/** What is trained on each fold's complement: options as of the stages `boostedTrees` and `linear`. */
export type FoldEstimator<Out extends Contract.Contract = Contract.Contract> =
  | ({ readonly kind: "boosted-trees" } & Omit<
      BoostedTreesSettings,
      "objective" | "quantile" | "earlyStopping"
    > &
      Pick<BoostedTreesStageOptions<Out>, "objective" | "quantile">)
  | ({ readonly kind: "linear" } & LinearOptions &
      Pick<LinearStageOptions<Out>, "link" | "exposure">);

/** An estimator that knows the label. */
export interface FoldFit {
  /** In words. */
  readonly kind: string;
  readonly fit: (data: TrainingData) => Effect.Effect<Estimator.Estimator, TrainingError>;
}

/** Chooses link or objective by the label. Throws for one that does not fit it. */
export const fitOf = <Out extends Contract.Contract>(
  set: FeatureSet.FeatureSet,
  estimator: FoldEstimator<Out>,
): FoldFit => {
  if (estimator.kind === "linear") {
    const { kind: _, ...options } = estimator;
    const link = linkOf(set, options.link);
    return {
      kind: linearKinds[link],
      fit: (data) =>
        Effect.map(fitLinear(data, { ...options, link }), ({ estimator }) => estimator),
    };
  }
  const { kind: _, objective: asked, ...options } = estimator;
  const objective = objectiveOf(set, { asked, quantile: options.quantile, query: undefined });
  return {
    kind: "gradient-boosted trees",
    fit: (data) =>
      Effect.map(fitBoostedTrees(data, { ...options, objective }), ({ estimator }) => estimator),
  };
};

/** A figure of a fold; null where it cannot be computed. */
type Figure = number | null;

/** What is told of a fold beside its rows. */
export interface FoldMeasures {
  readonly names: ReadonlyArray<string>;
  readonly of: (scores: Float64Array, labels: Float64Array) => ReadonlyArray<Figure>;
}

/** The figures that suit the label. */
export const measuresOf = (
  { spec }: FeatureSet.FeatureSet,
  classes: ReadonlyArray<string> | undefined,
): FoldMeasures => {
  if (classes !== undefined) {
    return {
      names: ["accuracy", "log loss"],
      of: (probabilities, labels) => {
        const scored = { probabilities, labels, classes: classes.length };
        return [orNull(Multiclass.topK(scored, 1)), orNull(Multiclass.logLoss(scored))];
      },
    };
  }
  if (FeatureSet.labelKind(spec) === "number") {
    return {
      names: ["mean absolute error", "root mean squared error", "R²"],
      of: (scores, labels) => {
        const errors = Regression.errors(scores, labels);
        return (["meanAbsolute", "rootMeanSquared", "r2"] as const).map((figure) =>
          orNull(Result.map(errors, (found) => found[figure])),
        );
      },
    };
  }
  return {
    names: ["positive", "ROC AUC", "log loss"],
    of: (scores, labels) => [
      labels.reduce((sum, one) => sum + one, 0),
      orNull(Classification.rocAuc(scores, labels)),
      orNull(Classification.logLoss(scores, labels)),
    ],
  };
};

const orNull = (result: Result.Result<Figure, unknown>): Figure =>
  Result.match(result, {
    onSuccess: (value) => (value === null ? null : Number(value.toPrecision(6))),
    onFailure: () => null,
  });
