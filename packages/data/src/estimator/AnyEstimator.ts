/** What computes the scores of a model: a built-in model, or a file in ONNX. */
import * as Schema from "effect/Schema";
import { Estimator, width } from "../Estimator.ts";
import { OnnxModel } from "../Onnx.ts";

/** What computes the scores: a built-in model, or a file in ONNX. */
export const AnyEstimator = Schema.Union([Estimator, OnnxModel]);
/** See {@link AnyEstimator}. */
export type AnyEstimator = typeof AnyEstimator.Type;

/** How many scores a row gets. */
export const widthOf = (estimator: AnyEstimator): number =>
  estimator._tag === "OnnxModel" ? estimator.output.columns.length : width(estimator);
