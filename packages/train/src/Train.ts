/**
 * The stages that train a model on the train part of a split. The validation part may stop the training
 * early and is never what a model is judged on; a test table does not fit by type.
 */
export {
  type FoldEstimator,
  FoldUnusable,
  outOfFold,
  type OutOfFoldError,
  type OutOfFoldOptions,
  type OutOfFoldStage,
} from "./OutOfFold.ts";

export { factors, type FactorsOptions } from "./recommend/factors.ts";
export {
  contentNeighbours,
  type Descriptors,
  itemNeighbours,
  type NeighboursOptions,
} from "./recommend/neighbours.ts";
export type { Descriptor } from "./recommend/content.ts";
export type { RecommenderError, RecommenderStage } from "./recommend/pairs.ts";
export { popularity, type PopularityOptions, randomItems } from "./recommend/popularity.ts";

export type { Prepared } from "./internal/prepared.ts";
export { onnx, type OnnxOptions, type OnnxStage } from "./OnnxStage.ts";
export {
  python,
  type PythonOptions,
  type PythonStage,
  type PythonTrainError,
  PythonTypesStale,
} from "./PythonStage.ts";
export { SplitMismatch, type TrainError, type TrainStage } from "./internal/trainingStage.ts";
export type { Weighted } from "./internal/trainingTable.ts";
export { constant, type ConstantOptions, rule, type RuleStage } from "./BaselineStage.ts";
export {
  calibrate,
  type CalibrateError,
  type CalibrateOptions,
  type CalibrateStage,
} from "./Calibrate.ts";
export {
  type CharterFor,
  LearningCurve,
  learningCurve,
  type LearningCurveError,
  type LearningCurveOptions,
  type LearningCurveStage,
} from "./LearningCurve.ts";
export { linear, type LinearStageOptions } from "./LinearStage.ts";
export { boostedTrees, type BoostedTreesStageOptions } from "./BoostedTreesStage.ts";
export {
  type LossFor,
  NothingTrained,
  search,
  type SearchError,
  type SearchOptions,
  SearchResult,
  type Strategy,
  type Trainer,
} from "./Search.ts";
