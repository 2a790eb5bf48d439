/** A built-in model as an ONNX file. */
import { Digest } from "@ml-pipe/core";
import * as Arr from "effect/Array";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { AnyEstimator } from "../../estimator/AnyEstimator.ts";
import { type Estimator, width as widthOf } from "../../Estimator.ts";
import type { ModelDocument } from "../../Model.ts";
import { calibrationGraph } from "./calibration.ts";
import { doubles, type Graph, type Inputs, type Port, type Value, writeModel } from "./graph.ts";
import { linearGraph } from "./linear.ts";
import { inputsOf, missingTextOf, portOf, transformGraph, unwritableIn } from "./transform.ts";
import { treesGraph } from "./trees.ts";

/** What a file takes, and tells beside the computation. */
export interface EncodeOptions {
  /**
   * What a file of a model with a transformation takes. `columns` (default): an input for each column of the
   * feature table that the transformation reads, which is part of the file. `prepared`: one matrix of what the
   * transformation gives, which is then not in the file.
   */
  readonly from?: "columns" | "prepared";
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

/** A model's transformation uses what ONNX has no operators for. Lists all of it. */
export class NotInOnnx extends Schema.TaggedError<NotInOnnx>()("NotInOnnx", {
  featureSet: Schema.String,
  columns: Schema.Array(
    Schema.Struct({ column: Schema.String, uses: Schema.Array(Schema.String) }),
  ),
}) {
  override get message(): string {
    const list = this.columns.map(({ column, uses }) => `"${column}" (${uses.join(", ")})`);
    return `the transformation of the model of ${this.featureSet} cannot be written as ONNX: ${list.join(", ")}. Make these a feature of the set, which is computed before; or export from: "prepared", and prepare the columns where the file is used.`;
  }
}

/**
 * A built-in model as the bytes of an ONNX file: opset 21 and ai.onnx.ml 5 (ONNX 1.16; ONNX Runtime 1.20 or
 * newer), all in doubles, so that its scores are those of the model but for rounding (1e-6 and less; see
 * docs/onnx.md). Transformation and calibration are part of it; the features of the set are not computed.
 *
 * The input `input` takes rows × features, NaN being missing. A model with a transformation has an input of
 * rows × 1 for each column of the feature table that this reads instead, of the column's name: doubles, or texts.
 * The output is rows × scores: `probability`, `value`, `score`, or `probabilities` of the classes.
 * `metadata_props` has the names of the `features`, the `classes`, the feature set and the kind of prediction, the
 * lists as JSON; `inputs`, with what each holds, and `missing_text`, which stands for a missing text, if columns
 * are read. The same model gives the same bytes.
 *
 * Fails with {@link NotInOnnx} where the transformation has formulas that ONNX cannot say the same of.
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
  { from = "columns", metadata = {} }: EncodeOptions = {},
): Effect.Effect<Uint8Array, AlreadyOnnx | NotInOnnx> => {
  const { estimator, signature, calibration, featureSet } = document;
  if (!isBuiltIn(estimator)) return Effect.fail(new AlreadyOnnx({ file: estimator.file.digest }));
  const width = widthOf(estimator);
  const output = signature._tag === "classes" ? "probabilities" : signature._tag;
  return Effect.map(entranceOf(document, from), ({ inputs, about, prepared }) =>
    writeModel(
      {
        name: featureSet.name,
        description: `a model of ${featureSet.name} ${featureSet.version}, trained by ml-pipe`,
        inputs,
        output: {
          name: inputs.some(({ name }) => name === output) ? `${output}~` : output,
          type: "double",
          columns: width,
        },
        metadata: {
          ...about,
          feature_set: `${featureSet.name} ${featureSet.version}`,
          prediction: signature._tag,
          ...(signature._tag === "classes" ? { classes: JSON.stringify(signature.classes) } : {}),
          ...metadata,
        },
      },
      (graph, given) => {
        const scores = scoresGraph(graph, prepared(graph, given), estimator);
        return calibration === undefined
          ? scores
          : calibrationGraph(graph, calibration, width, scores);
      },
    ),
  );
};

/** What a file takes, what it tells of that, and how it becomes what the model reads. */
interface Entrance {
  readonly inputs: Inputs<Port>;
  readonly about: { readonly [key: string]: string };
  readonly prepared: (graph: Graph, inputs: Inputs<Value>) => Value;
}

const entranceOf = (
  { estimator, featureSet, transform }: ModelDocument,
  from: "columns" | "prepared",
): Effect.Effect<Entrance, NotInOnnx> => {
  const matrix = (columns: number): Port => ({ name: "input", type: "double", columns });
  if (transform === undefined || from === "prepared") {
    const { features } = estimator;
    return Effect.succeed({
      inputs: [matrix(features.length)],
      about: { features: JSON.stringify(features) },
      prepared: (_, [input]) => input,
    });
  }
  const unwritable = unwritableIn(transform);
  if (unwritable.length > 0) {
    return Effect.fail(new NotInOnnx({ featureSet: featureSet.name, columns: unwritable }));
  }
  const names = featureSet.features.map(({ name }) => name);
  const columns = inputsOf(transform, names);
  const ports = columns.map(portOf);
  const missingText = missingTextOf(transform);
  return Effect.succeed({
    // What reads no column still has to be told how many rows there are.
    inputs: Arr.isReadonlyArrayNonEmpty(ports) ? ports : [matrix(0)],
    about: {
      features: JSON.stringify(columns.map(({ name }) => name)),
      inputs: JSON.stringify(columns),
      missing_text: missingText,
    },
    prepared: (graph, inputs) => {
      const [rows] = inputs;
      const given = columns.map((column, at) => ({ ...column, value: inputs[at] ?? rows }));
      return transformGraph(graph, transform, { rows, columns: given, missingText });
    },
  });
};

const isBuiltIn = (estimator: AnyEstimator): estimator is Estimator =>
  estimator._tag !== "OnnxModel";

const scoresGraph = (graph: Graph, features: Value, estimator: Estimator): Value => {
  switch (estimator._tag) {
    case "ConstantModel":
      return graph.everyRow(
        features,
        graph.constant(doubles(estimator.values, 1, estimator.values.length)),
      );
    case "LinearModel":
      return linearGraph(graph, features, estimator);
    case "TreeEnsemble":
      return treesGraph(graph, features, estimator);
  }
};
