/** A built-in model as an ONNX file. */
import { Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { AnyEstimator } from "../../estimator/AnyEstimator.ts";
import { type Estimator, width as widthOf } from "../../Estimator.ts";
import type { ModelDocument } from "../../Model.ts";
import { calibrationGraph } from "./calibration.ts";
import { type Graph, type Value, writeModel } from "./graph.ts";
import { linearGraph } from "./linear.ts";
import { treesGraph } from "./trees.ts";

/** What a file tells beside the computation, as texts: a release, a threshold. */
export interface EncodeOptions {
  /** Goes into `metadata_props`, beside what is always there. */
  readonly metadata?: { readonly [key: string]: string };
}

/** The model is in ONNX already. */
export class AlreadyOnnx extends Schema.TaggedError<AlreadyOnnx>()("AlreadyOnnx", {
  file: Digest.Digest,
}) {
  override get message(): string {
    return `the model is in ONNX already: its file is the artifact ${this.file}. Copy that.`;
  }
}

/**
 * A built-in model as the bytes of an ONNX file: opset 21 and ai.onnx.ml 5 (ONNX 1.16; ONNX Runtime 1.20 or
 * newer), all in doubles, so that its scores are those of the model but for rounding (1e-6 and less; see
 * docs/onnx.md). Calibration is part of it.
 *
 * The input `input` takes rows × features, NaN being missing: what the model's transformation gives, if it has
 * one, else the features of its set. The output is rows × scores: `probability`, `value`, `score`, or
 * `probabilities` of the classes. `metadata_props` has the names of the `features`, the `classes`, the feature
 * set and the kind of prediction, the lists as JSON. The same model gives the same bytes.
 *
 * @example
 * ```ts
 * import { Model, Onnx } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const bytesOf = (model: Model.AnyModel) => Effect.flatMap(Model.load(model), (document) => Onnx.encode(document));
 * ```
 */
export const encode = (
  document: ModelDocument,
  { metadata = {} }: EncodeOptions = {},
): Effect.Effect<Uint8Array, AlreadyOnnx> => {
  const { estimator, signature, calibration, featureSet } = document;
  if (!isBuiltIn(estimator)) return Effect.fail(new AlreadyOnnx({ file: estimator.file.digest }));
  const width = widthOf(estimator);
  return Effect.sync(() =>
    writeModel(
      {
        name: featureSet.name,
        description: `a model of ${featureSet.name} ${featureSet.version}, trained by ml-pipe`,
        features: estimator.features.length,
        output: {
          name: signature._tag === "classes" ? "probabilities" : signature._tag,
          columns: width,
        },
        metadata: {
          features: JSON.stringify(estimator.features),
          feature_set: `${featureSet.name} ${featureSet.version}`,
          prediction: signature._tag,
          ...(signature._tag === "classes" ? { classes: JSON.stringify(signature.classes) } : {}),
          ...metadata,
        },
      },
      (graph) => {
        const scores = scoresGraph(graph, estimator);
        return calibration === undefined
          ? scores
          : calibrationGraph(graph, calibration, width, scores);
      },
    ),
  );
};

const isBuiltIn = (estimator: AnyEstimator): estimator is Estimator =>
  estimator._tag !== "OnnxModel";

const scoresGraph = (graph: Graph, estimator: Estimator): Value => {
  switch (estimator._tag) {
    case "ConstantModel":
      return graph.everyRow(estimator.values);
    case "LinearModel":
      return linearGraph(graph, estimator);
    case "TreeEnsemble":
      return treesGraph(graph, estimator);
  }
};
