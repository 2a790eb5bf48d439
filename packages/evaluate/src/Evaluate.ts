/**
 * Stages that judge a model against the charter, on the test part of a split.
 *
 * They answer in the business metric: does the model cost less than the baseline, by at least the smallest
 * gain worth shipping? Accuracy and calibration are evidence, not the question.
 */
export {
  ClassificationEvaluation,
  Evaluation,
  RegressionEvaluation,
  SensitivityResult,
  SliceResult,
} from "./Evaluation.ts";
export {
  classification,
  type ClassificationError,
  type ClassificationOptions,
  type ClassificationStage,
} from "./JudgeClasses.ts";
export {
  decisions,
  type DecisionsOptions,
  type EvaluateError,
  type EvaluateStage,
} from "./JudgeDecisions.ts";
export {
  regression,
  type RegressionError,
  type RegressionOptions,
  type RegressionStage,
} from "./JudgeNumbers.ts";
export {
  type HoldoutOptions,
  LeakedTestSet,
  NothingToJudge,
  OtherSplit,
  OtherTrainTable,
} from "./Judging.ts";
export { InsideSystemResult, RuleResult } from "./InsideSystem.ts";
export { WrongPrediction } from "./WrongPrediction.ts";
export { Contributions } from "./Contributions.ts";
export {
  Dependence,
  explain,
  type ExplainError,
  type ExplainOptions,
  type ExplainStage,
  Explanation,
  FeatureImportance,
  NothingToExplain,
} from "./Explain.ts";
export {
  GainImpossible,
  NoHonestTest,
  NoOutcomes,
  power,
  PowerAnalysis,
  type PowerError,
  type PowerOptions,
  type PowerStage,
  TestTooSmall,
} from "./Power.ts";
export {
  ListsInvalid,
  ListsOfOtherSplit,
  NobodyToJudge,
  OtherBaseline,
} from "./recommend/errors.ts";
export {
  ListEvaluation,
  ListProperty,
  SourceResult,
  SystemEvaluation,
} from "./recommend/ListEvaluation.ts";
export {
  recommendations,
  type RecommendationsOptions,
  type RecommendationsStage,
} from "./recommend/recommendations.ts";
export { system, type SystemOptions, type SystemStage } from "./recommend/system.ts";
export type { ListOptions, ListsError } from "./internal/recommend/judging.ts";
