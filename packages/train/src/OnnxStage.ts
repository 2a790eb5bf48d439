/** The stage that takes a model from a file in ONNX, which another program has trained. */
import { fileURLToPath } from "node:url";
import { Artifact, type Contract, Stage } from "@ml-pipe/core";
import {
  type Duckdb,
  type FeatureSet,
  GoldenSet,
  Model,
  type Onnx,
  type Table,
  type Transform,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type Prepared, preparedBy } from "./internal/prepared.ts";
import { requireScores, type TriedError } from "./internal/tried.ts";
import {
  fitted,
  type GoldenError,
  inputsOf,
  notGolden,
  requireOneSplit,
  type SplitMismatch,
  trainedOn,
} from "./internal/trainingStage.ts";

/** Which file, and what it is. */
export interface OnnxOptions<Out extends Contract.Contract>
  extends Omit<Model.ImportOptions, "trainedOn" | "transform">, Prepared<Out> {
  /** The file; one named by URL is found wherever the pipeline is started. */
  readonly file: string | URL;
}

/** A stage that imports a model of the feature set whose table is under contract `Out`. */
export type OnnxStage<Out extends Contract.Contract> = Stage.Stage<
  {
    readonly train: Table.Table<Out, "train">;
    readonly validation: Table.Table<Out, "validation">;
  },
  Model.Model<Out>,
  {},
  Onnx.ReadError | TriedError | SplitMismatch | GoldenError | Transform.TransformError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/**
 * A stage that imports a model in ONNX, where other stages train one. It takes the tables that the model
 * was trained on, so that it is judged like any other; but nothing in a file proves which rows it has
 * seen, and a finding says so in each run. Where Python trains within the pipeline, it is proved.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract, Out extends Contract.Contract>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Train.onnx(set, { file: new URL("./churn.onnx", import.meta.url), kind: "random forest" });
 * ```
 */
export const onnx = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet.FeatureSet<C, Out>,
  { file, prepare, ...options }: OnnxOptions<Out>,
): OnnxStage<Out> => {
  const path = typeof file === "string" ? file : fileURLToPath(file);
  return Stage.make("train", {
    description: "imports a model in ONNX",
    input: inputsOf(set),
    output: Model.of(set),
    params: {
      estimator: "onnx",
      featureSet: set.digest,
      ...preparedBy(prepare),
      inputs: options.inputs === undefined ? null : { ...options.inputs },
      output: options.output ?? null,
      columns: options.columns ?? null,
      kind: options.kind ?? null,
      signature: options.signature === undefined ? null : { ...options.signature },
    },
    fingerprint: Effect.all({
      goldens: GoldenSet.registeredDigests(set),
      // A file that is not there is found out by reading it.
      file: Effect.promise(() =>
        Artifact.digestFile(path).then(
          ({ digest }) => digest,
          () => null,
        ),
      ),
    }),
    run: Effect.fnUntraced(function* ({ train, validation }, { exhibit, finding }) {
      yield* requireOneSplit(train, validation);
      yield* Effect.forEach(yield* notGolden(set, train, validation), finding);
      const model = yield* Model.importOnnx(set, path, {
        ...options,
        transform: yield* fitted(prepare, train, exhibit),
        trainedOn: trainedOn(train),
      });
      yield* requireScores(set, model, validation);
      yield* finding({
        check: "train.imported",
        severity: "warn",
        expected: "a model that is known to have been trained on the train rows alone",
        found: `${model.kind}, trained elsewhere`,
        next: "Make sure that no test row was among its training rows, or train it in this pipeline with Train.python.",
      });
      return model;
    }),
  });
};
