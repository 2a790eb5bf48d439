/** How a model in ONNX can fail. */
import * as Schema from "effect/Schema";

/** The version of `onnxruntime-node` that models are scored with. */
export const runtimeVersion = "1.30.0";

/** An ONNX file cannot be a model of a feature set: every problem of it. */
export class OnnxInvalid extends Schema.TaggedError<OnnxInvalid>()("OnnxInvalid", {
  /** Where the file is. */
  file: Schema.String,
  problems: Schema.Array(
    Schema.Struct({
      /** The part of the model, such as `input "X"`. */
      where: Schema.String,
      expected: Schema.String,
      found: Schema.String,
      next: Schema.String,
    }),
  ),
}) {
  override get message(): string {
    const lines = this.problems.map(
      ({ where, expected, found, next }) =>
        `${where}: expected ${expected}; found ${found}. ${next}`,
    );
    return `${this.file} cannot be used as a model:\n  ${lines.join("\n  ")}`;
  }
}

/** A model is in ONNX, and the package that computes with it is not installed. */
export class OnnxRuntimeMissing extends Schema.TaggedError<OnnxRuntimeMissing>()(
  "OnnxRuntimeMissing",
  { problem: Schema.String },
) {
  override get message(): string {
    return `this model is in ONNX, and ONNX Runtime could not be loaded (${this.problem}). Install it beside ml-pipe: npm install --ignore-scripts onnxruntime-node@${runtimeVersion} (its install script only fetches libraries for GPUs).`;
  }
}

/** ONNX Runtime could not load a model, or not compute with it. */
export class OnnxFailed extends Schema.TaggedError<OnnxFailed>()("OnnxFailed", {
  during: Schema.Literals(["load", "score"]),
  problem: Schema.String,
}) {
  override get message(): string {
    return this.during === "load"
      ? `ONNX Runtime ${runtimeVersion} cannot load the model: ${this.problem}. Export it again for inputs of float32, which most operators need, for an operator set that this version knows, and with standard operators only.`
      : `ONNX Runtime could not compute the model's scores: ${this.problem}. Try the file on a row in the program that wrote it.`;
  }
}
