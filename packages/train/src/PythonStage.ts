/** The stage whose model a Python script trains, and hands back in ONNX. */
import * as fs from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { Artifact, type Contract, Python, Stage } from "@ml-pipe/core";
import {
  Duckdb,
  FeatureSet,
  GoldenSet,
  Model,
  Onnx,
  Table,
  type Transform,
  Words,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { handOver, HandedOver } from "./internal/handOver.ts";
import { type Prepared, preparedBy } from "./internal/prepared.ts";
import { requireScores, type TriedError } from "./internal/tried.ts";
import type { TrainingError } from "./internal/trainingData.ts";
import {
  fitted,
  type GoldenError,
  inputsOf,
  notGolden,
  requireOneSplit,
  type SplitMismatch,
  trainedOn,
  type TrainInputs,
} from "./internal/trainingStage.ts";
import type { Weighted } from "./internal/trainingTable.ts";

/** A script, its environment, and what it may take. */
export interface PythonOptions<Out extends Contract.Contract, X extends Stage.SecretSources = {}>
  extends
    Prepared<Out>,
    Weighted<Out>,
    Python.Environment,
    Pick<
      Stage.PythonDefinition<{}, X>,
      | "script"
      | "args"
      | "reads"
      | "cwd"
      | "environment"
      | "secrets"
      | "timeout"
      | "memory"
      | "grace"
      | "resources"
    > {
  /** What the script finds in `ml_pipe.params`. */
  readonly params?: { readonly [name: string]: Schema.Json };
  /** Types that `ml-pipe codegen python` wrote: refused if they are of other features than these. */
  readonly types?: string | URL;
}

/** Types for Python were generated from another state of the feature set. */
export class PythonTypesStale extends Schema.TaggedError<PythonTypesStale>()("PythonTypesStale", {
  file: Schema.String,
  featureSet: Schema.String,
  expected: Schema.String,
  found: Schema.NullOr(Schema.String),
}) {
  override get message(): string {
    const found = this.found === null ? "nothing of it" : `${this.found.slice(0, 19)}`;
    return `${this.file} is not generated from ${this.featureSet} as it is now (${this.expected.slice(0, 19)}): found ${found}. Run: ml-pipe codegen python <the pipeline's file> --out ${this.file}`;
  }
}

/** What a training in Python can fail with, beside what its secrets can. */
export type PythonTrainError =
  | Stage.ProcessError
  | Stage.InputMismatch
  | Python.PythonError
  | Python.PythonPackageMissing
  | Python.PythonModuleUntracked
  | PythonTypesStale
  | Onnx.ReadError
  | TriedError
  | TrainingError
  | SplitMismatch
  | GoldenError
  | Transform.TransformError;

/** A stage that trains a model in Python. */
export type PythonStage<
  Out extends Contract.Contract,
  X extends Stage.SecretSources = {},
> = Stage.Stage<
  TrainInputs<Out>,
  Model.Model<Out>,
  {},
  PythonTrainError | Effect.Error<X[keyof X]>,
  Duckdb.Duckdb | Artifact.ArtifactStore | Effect.Services<X[keyof X]>
>;

/** What the script hands back. */
const outputs = {
  model: Schema.Struct({
    file: Artifact.Artifact,
    kind: Schema.optionalKey(Schema.String),
    output: Schema.optionalKey(Schema.String),
    columns: Schema.optionalKey(Schema.Array(Schema.Int)),
    classes: Schema.optionalKey(Schema.Array(Schema.String)),
    inputs: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(Schema.String))),
  }),
  metrics: Schema.Record(Schema.String, Schema.Finite),
};

/**
 * A stage whose model a Python script trains, with scikit-learn, XGBoost, LightGBM or whatever it likes, and
 * hands back in ONNX. Only the train and the validation part are handed over: features and label, as
 * Parquet where the environment has pyarrow, else as CSV.
 *
 * The model is checked and tried when it comes back; a script that fails, hangs, takes too much memory or
 * hands back something else is a typed error. The interpreter, what is installed, the lock file, the script
 * and the data are what the result is known by.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract, Out extends Contract.Contract>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) =>
 *   Train.python(set, {
 *     script: new URL("./train.py", import.meta.url),
 *     venv: new URL("./.venv", import.meta.url),
 *     requirements: new URL("./requirements.txt", import.meta.url),
 *     params: { trees: 200 },
 *     timeout: "1 hour",
 *     memory: "8 GiB",
 *   });
 * ```
 */
export const python = <
  C extends Contract.Contract,
  Out extends Contract.Contract,
  const X extends Stage.SecretSources = {},
>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: PythonOptions<Out, X>,
): PythonStage<Out, X> => {
  const { prepare, weight, params = {}, types, venv, interpreter, requirements, ...rest } = options;
  const environment: Python.Environment = {
    ...(venv === undefined ? {} : { venv }),
    ...(interpreter === undefined ? {} : { interpreter }),
    ...(requirements === undefined ? {} : { requirements }),
  };
  const name = basename(String(options.script));
  const reads = [...(rest.reads ?? []), ...(types === undefined ? [] : [types])];
  const script = Stage.python("train", {
    ...environment,
    ...rest,
    reads,
    params,
    input: { train: HandedOver, validation: HandedOver },
    outputs,
  });
  const { memory, resources = {} } = options;
  return Stage.make("train", {
    description: "trains a model in Python",
    input: inputsOf(set),
    output: Model.of(set),
    params: {
      estimator: "python",
      featureSet: set.digest,
      ...preparedBy(prepare),
      weight: weight ?? null,
      args: rest.args ?? [],
      params,
    },
    environment: rest.environment ?? [],
    resources: { ...(memory === undefined ? {} : { memory }), ...resources },
    fingerprint: Effect.all({
      goldens: GoldenSet.registeredDigests(set),
      python: Python.identity("train", environment, { script: options.script, reads }),
    }),
    run: Effect.fnUntraced(function* ({ train, validation }, { exhibit, finding, progress }) {
      yield* requireOneSplit(train, validation);
      yield* Effect.forEach(yield* notGolden(set, train, validation), finding);
      if (types !== undefined) yield* requireFresh(set, types);
      const found = yield* Python.inspect(environment);
      const transform = yield* fitted(prepare, train, exhibit);
      const format = Python.has(found, "pyarrow") ? ("parquet" as const) : ("csv" as const);
      const how = { transform, weight, format };
      yield* progress({ label: `handing over as ${format}`, rows: train.rows });
      const { model, metrics } = yield* script.run({
        train: yield* handOver(set, train, how),
        validation: yield* handOver(set, validation, how),
      });
      const { file, classes, ...said } = model;
      yield* requireClasses(set, train, name, classes);
      const path = yield* (yield* Artifact.ArtifactStore).path(file);
      const imported = yield* Model.importOnnx(set, path, {
        ...said,
        trainedOn: trainedOn(train),
        transform,
        signature: signatureFor(set, classes),
      }).pipe(Effect.mapError((error) => handedBack(error, path, name)));
      yield* requireScores(set, imported, validation);
      yield* exhibit({
        _tag: "table",
        title: "Trained in Python",
        caption: `${imported.kind}; data handed over as ${format}; what the script says of itself is no verdict`,
        columns: ["what", "value"],
        rows: [
          ...Object.entries(metrics).map(([name, value]) => [name, value] as const),
          ["Python", `${found.implementation} ${found.version}, ${found.executable}`],
          ["packages", Words.counted(found.packages.length, "package")],
        ],
      });
      return imported;
    }, Effect.scoped),
  });
};

/** What the model says of a row; the classes of a label that is text are those that the script names. */
const signatureFor = (
  set: FeatureSet.FeatureSet,
  classes: ReadonlyArray<string> | undefined,
): Model.Signature => {
  switch (FeatureSet.labelKind(set.spec)) {
    case "boolean":
      return { _tag: "probability" };
    case "number":
      return { _tag: "value" };
    case "text":
      return { _tag: "classes", classes: classes ?? [] };
  }
};

/** The model that a script handed back has no name of its own: where it is stored says nothing. */
const handedBack = <E>(error: E, path: string, script: string): E | Onnx.OnnxInvalid =>
  error instanceof Onnx.OnnxInvalid && error.file === path
    ? new Onnx.OnnxInvalid({ ...error, file: `what ${script} handed back` })
    : error;

/** The classes that a script names are those of the labels that it was given. */
const requireClasses = Effect.fnUntraced(function* (
  set: FeatureSet.FeatureSet,
  train: Table.AnyTable,
  command: string,
  classes: ReadonlyArray<string> | undefined,
) {
  const invalid = (problem: string) =>
    new Stage.ProcessOutputInvalid({
      stage: "train",
      command,
      problems: [{ output: "model", problem }],
    });
  if (FeatureSet.labelKind(set.spec) !== "text") {
    return classes === undefined
      ? undefined
      : yield* invalid(
          `it names classes (${classes.join(", ")}), and the label is none: leave \`classes\` out, and name the score by \`columns\` if it is not the last`,
        );
  }
  const db = yield* Duckdb.Duckdb;
  const rows = yield* db.rows(
    "read the classes",
    `SELECT DISTINCT label FROM ${yield* Table.relation(train)} WHERE label IS NOT NULL ORDER BY label`,
  );
  const known = rows.map((row) => String(row["label"]));
  if (classes === undefined) {
    return yield* invalid(`name the classes, in the order of its columns: ${known.join(", ")}`);
  }
  const strange = classes.filter((one) => !known.includes(one));
  if (strange.length > 0) {
    return yield* invalid(
      `it names the classes ${strange.join(", ")}, and those of the training rows are ${known.join(", ")}`,
    );
  }
});

/** Generated types say of which state of a feature set they are. */
const requireFresh = Effect.fnUntraced(function* (set: FeatureSet.FeatureSet, types: string | URL) {
  const file = typeof types === "string" ? types : fileURLToPath(types);
  const text = yield* Effect.promise(() => fs.readFile(file, "utf8").catch(() => ""));
  const { name, version } = set.spec;
  const found = text
    .split("\n")
    .map((line) => /^# from (\S+) \S+ (sha256-[0-9a-f]+)\s*$/.exec(line))
    .find((match) => match?.[1] === name);
  if (found?.[2] === set.digest) return;
  return yield* new PythonTypesStale({
    file,
    featureSet: `${name} ${version}`,
    expected: set.digest,
    found: found?.[2] ?? null,
  });
});
