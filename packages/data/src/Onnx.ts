/**
 * Models in ONNX, from whatever program wrote them, and built-in models as ONNX for other programs
 * ({@link encode}). A file is data: it is read without executing anything, checked before it is used, and
 * refused if it needs operators that only a library of its own could compute. ONNX Runtime computes the
 * scores, in a thread; the package `onnxruntime-node` is loaded then and no sooner.
 */
import * as fs from "node:fs/promises";
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { OnnxFailed, OnnxInvalid, type OnnxRuntimeMissing } from "./onnx/errors.ts";
import { NotProtobuf } from "./onnx/protobuf.ts";
import { type Fitting, fit, type Problem } from "./onnx/fit.ts";
import { Input, pack, type WantedInputs } from "./onnx/inputs.ts";
import { structureOf, type Structure } from "./onnx/structure.ts";
import { start } from "./onnx/thread.ts";

export { OnnxFailed, OnnxInvalid, OnnxRuntimeMissing, runtimeVersion } from "./onnx/errors.ts";
export { AlreadyOnnx, encode, type EncodeOptions, NotInOnnx } from "./onnx/export/encode.ts";
export { encodeRecommender, RecommenderNotInOnnx } from "./onnx/export/factors.ts";
export type { Operator, Port, Structure } from "./onnx/structure.ts";

/** The media type of an ONNX file. */
export const mediaType = "application/onnx";

/**
 * An ONNX file as an estimator: which of its inputs take which features, and which numbers of which output
 * are the scores.
 */
export const OnnxModel = Schema.TaggedStruct("OnnxModel", {
  version: Schema.Literal(1),
  features: Schema.Array(Schema.String),
  file: Artifact.Artifact,
  /** The program that wrote the file, such as `skl2onnx 1.20.0`; may be empty. */
  producer: Schema.String,
  /** A missing number is NaN, a missing text empty. */
  inputs: Schema.Array(Input),
  /** Of each row's numbers in this output, those at `columns` are its scores. */
  output: Schema.Struct({
    name: Schema.String,
    columns: Schema.Array(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  }),
});
/** See {@link OnnxModel}. */
export type OnnxModel = typeof OnnxModel.Type;

/** What reading a file as a model of given features is told. */
export interface ReadOptions extends WantedInputs {
  /** Default: the only output of floating-point numbers. */
  readonly output?: string;
  /**
   * Which columns of the output are the scores, from 0. Default: the only one; of two, which are
   * probabilities of "no" and "yes" as scikit-learn orders them, the second.
   */
  readonly columns?: ReadonlyArray<number>;
  /** Larger files are refused. Default: 512 MiB. */
  readonly maxBytes?: number;
}

/** What reading a file can fail with. */
export type ReadError = OnnxInvalid | OnnxRuntimeMissing | OnnxFailed | Artifact.ArtifactStoreError;

const defaultMaxBytes = 512 * 2 ** 20;

/**
 * What an ONNX file says of itself: inputs, outputs, operators. Needs no runtime. Fails with
 * {@link OnnxInvalid} if the file is absent, too large or not ONNX.
 *
 * @example
 * ```ts
 * import { Onnx } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const inputs = (file: string) =>
 *   Onnx.inspect(file).pipe(Effect.map(({ inputs }) => inputs.map(({ name }) => name)));
 * ```
 */
export const inspect: (
  file: string,
  options?: Pick<ReadOptions, "maxBytes">,
) => Effect.Effect<Structure, OnnxInvalid> = Effect.fnUntraced(function* (
  file,
  { maxBytes = defaultMaxBytes } = {},
) {
  const invalid = (problem: Problem) => new OnnxInvalid({ file, problems: [problem] });
  const where = "file";
  const found = yield* Effect.promise(() => fs.stat(file).catch(() => undefined));
  if (found?.isFile() !== true) {
    const next = "Correct the path, or write the model there first.";
    return yield* invalid({ where, expected: "a file", found: "none", next });
  }
  if (found.size > maxBytes) {
    const next = "Export a smaller model, or raise maxBytes.";
    const expected = `at most ${maxBytes} bytes`;
    return yield* invalid({ where, expected, found: `${found.size} bytes`, next });
  }
  return yield* Effect.tryPromise({
    try: async () => structureOf(await fs.readFile(file)),
    catch: (thrown) =>
      invalid({
        where,
        expected: "an ONNX model",
        found: thrown instanceof NotProtobuf ? `none: ${thrown.message}` : String(thrown),
        next: "Write it with an exporter of ONNX, such as skl2onnx, and hand over the whole file.",
      }),
  });
});

/**
 * Reads a file as a model of given features, and stores it. Checks all that the file says, then scores
 * rows of zeros with it, so that a file which cannot be computed is found out here.
 *
 * @example
 * ```ts
 * import { Onnx } from "@ml-pipe/data";
 *
 * const model = Onnx.read("churn.onnx", { features: ["months", "charge"] });
 * ```
 */
export const read: (
  file: string,
  options: ReadOptions,
) => Effect.Effect<OnnxModel, ReadError, Artifact.ArtifactStore> = Effect.fnUntraced(
  function* (file, options) {
    const structure = yield* inspect(file, options);
    const invalid = (problems: ReadonlyArray<Problem>) => new OnnxInvalid({ file, problems });
    const { problems, fitting } = fit(structure, options);
    if (fitting === undefined) return yield* invalid(problems);
    const store = yield* Artifact.ArtifactStore;
    const stored = yield* store.put(mediaType, (temporary) =>
      Artifact.attempt("copy", file, () => fs.copyFile(file, temporary)),
    );
    const { width } = yield* trial(stored, options.features, fitting);
    const { columns = width <= 2 ? [width - 1] : [] } = options;
    const wrong = columnsProblem(fitting.output, width, columns);
    if (wrong !== undefined) return yield* invalid([wrong]);
    const { producer } = structure;
    return {
      _tag: "OnnxModel",
      version: 1,
      features: options.features,
      file: stored,
      producer,
      inputs: fitting.inputs,
      output: { name: fitting.output, columns },
    };
  },
);

/** Rows that are tried: more than one, so that a model which takes single rows only is found out. */
const triedRows = 3;
/** No model that can be used takes as long for them. */
const triedMillis = 60_000;

const trial = Effect.fnUntraced(function* (
  file: Artifact.Artifact,
  features: ReadonlyArray<string>,
  { inputs, output }: Fitting,
) {
  const path = yield* (yield* Artifact.ArtifactStore).path(file).pipe(Effect.orDie);
  const thread = yield* start({ path, inputs, output });
  const zeros = features.map(() => new Float64Array(triedRows));
  const given = inputs.map((input) => pack(input, zeros, features, [0, triedRows]));
  const problem = `it took longer than ${triedMillis / 1000} s for ${triedRows} rows`;
  return yield* Effect.timeoutOrElse(thread.score(triedRows, given), {
    duration: triedMillis,
    orElse: () => Effect.fail(new OnnxFailed({ during: "score", problem })),
  });
}, Effect.scoped);

const columnsProblem = (
  output: string,
  width: number,
  columns: ReadonlyArray<number>,
): Problem | undefined => {
  const isColumn = (one: number) => Number.isInteger(one) && one >= 0 && one < width;
  return columns.length > 0 && columns.every(isColumn)
    ? undefined
    : {
        where: `output "${output}"`,
        expected:
          columns.length === 0
            ? "one number for each row, or the columns that are the scores"
            : `the columns ${columns.join(", ")}, counted from 0`,
        found: `${width} numbers for each row`,
        next: "Name the columns that have the scores.",
      };
};
