/**
 * Models: typed handles on trained models. The document behind the handle is JSON: the estimator and
 * the feature set it was trained on. Loading it verifies its digest and never executes code.
 */
import { Artifact, Contract, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Calibration, problems as calibrationProblems } from "./Calibration.ts";
import { AnyEstimator, widthOf } from "./estimator/AnyEstimator.ts";
import { problems } from "./Estimator.ts";
import { type FeatureSet, FeatureSetSpec, type LabelKind, labelKind } from "./FeatureSet.ts";
import * as Onnx from "./Onnx.ts";
import { Fitted, textsOf } from "./transform/spec.ts";

export { AnyEstimator } from "./estimator/AnyEstimator.ts";

/**
 * What a model says of a row, which follows from what the label is:
 * - `probability` that a yes/no label is yes;
 * - `value`: the number itself, in the label's unit;
 * - `classes`: a probability for each class, in the order given;
 * - `score`: a number that only puts rows in order, as a ranking does.
 */
export const Signature = Schema.Union([
  Schema.TaggedStruct("probability", {}),
  Schema.TaggedStruct("value", {}),
  Schema.TaggedStruct("classes", { classes: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("score", {}),
]);
/** See {@link Signature}. */
export type Signature = typeof Signature.Type;

/** The content of a model's artifact. */
export const ModelDocument = Schema.Struct({
  featureSet: FeatureSetSpec,
  signature: Signature,
  /** What the features go through before the estimator reads them, fitted on the training rows. */
  transform: Schema.optionalKey(Fitted),
  estimator: AnyEstimator,
  /** What the estimator's probabilities go through, fitted on validation rows. */
  calibration: Schema.optionalKey(Calibration),
});
/** See {@link ModelDocument}. */
export type ModelDocument = typeof ModelDocument.Type;

/** Any model, as it is stored. */
export const AnyModel = Schema.Struct({
  featureSet: Schema.Struct({ name: Schema.String, digest: Digest.Digest }),
  /** Kind of estimator in words, such as `gradient-boosted trees`. */
  kind: Schema.String,
  document: Artifact.Artifact,
  /** The ONNX file that the document names, if it does. */
  file: Schema.optionalKey(Artifact.Artifact),
  trainedOn: Schema.Struct({
    /** The split whose train part was used. */
    split: Schema.NullOr(Schema.String),
    table: Digest.Digest,
    rows: Schema.Int,
  }),
});
/** See {@link AnyModel}. */
export type AnyModel = typeof AnyModel.Type;

/** A model of the feature set whose table is under contract `C`. */
export interface Model<out C extends Contract.Contract = Contract.Contract> extends AnyModel {
  readonly featureSet: AnyModel["featureSet"] & { readonly name: C["name"] };
  /** Only for the compiler. */
  readonly "~contract"?: C;
}

/**
 * The schema of models of a feature set.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { type FeatureSet, Model } from "@ml-pipe/data";
 *
 * const schemaOf = (set: FeatureSet.FeatureSet) => Model.of(set);
 * ```
 */
export const of = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet<C, Out>,
): Schema.Codec<Model<Out>, unknown> => {
  const isThis = (model: AnyModel): model is Model<Out> => model.featureSet.digest === set.digest;
  return AnyModel.pipe(
    Schema.refine(isThis, {
      title: `Model<${set.spec.name}>`,
      expected: `a model of the feature set ${set.spec.name} ${set.spec.version} (${set.digest.slice(0, 15)})`,
      ...Contract.annotationsOf(set.contract),
    }),
  );
};

/** A model's document does not have the form that it should. */
export class ModelInvalid extends Schema.TaggedError<ModelInvalid>()("ModelInvalid", {
  digest: Digest.Digest,
  problem: Schema.String,
}) {
  override get message(): string {
    return `model ${this.digest.slice(0, 19)} cannot be loaded: ${this.problem}. Train it again with this version of ml-pipe.`;
  }
}

/** What loading a model can fail with. */
export type LoadError = ModelInvalid | Artifact.ArtifactMissing | Artifact.ArtifactStoreError;

/** Loads a model's document: verifies the digest, then the form and that it fits its handle. */
export const load = Effect.fnUntraced(function* (
  model: AnyModel,
): Effect.fn.Return<ModelDocument, LoadError, Artifact.ArtifactStore> {
  const store = yield* Artifact.ArtifactStore;
  const json = yield* store.readJson(model.document);
  const invalid = (problem: string) => new ModelInvalid({ digest: model.document.digest, problem });
  const document = yield* Schema.decodeUnknownEffect(ModelDocument)(json).pipe(
    Effect.mapError(({ message }) => invalid(message)),
  );
  if (Digest.ofJson(document.featureSet) !== model.featureSet.digest) {
    return yield* invalid(`it was trained on another feature set than ${model.featureSet.name}`);
  }
  const { estimator } = document;
  if (estimator._tag === "OnnxModel") {
    if (estimator.file.digest !== model.file?.digest) {
      return yield* invalid("it names another ONNX file than its handle");
    }
  } else {
    const [first] = problems(estimator);
    if (first !== undefined) return yield* invalid(`${first.what} at ${first.where}`);
  }
  const wrong = signatureProblem(document) ?? calibrationProblem(document);
  if (wrong !== undefined) return yield* invalid(wrong);
  const prepared = document.transform?.outputs.map(({ name }) => name);
  if (prepared !== undefined && prepared.join("\n") !== estimator.features.join("\n")) {
    return yield* invalid("it does not read what its transformation gives, in that order");
  }
  return document;
});

/** The first fault of a model's calibration, if it has one. */
const calibrationProblem = ({
  signature,
  calibration,
  estimator,
}: ModelDocument): string | undefined => {
  if (calibration === undefined) return undefined;
  if (signature._tag !== "probability" && signature._tag !== "classes") {
    return `it gives ${signatureNames[signature._tag]}, and is calibrated like a probability`;
  }
  const found: Array<string> = [];
  calibrationProblems(calibration, widthOf(estimator), (where, what) => {
    found.push(`${what} at ${where}`);
  });
  return found[0];
};

/** Whether a model says what its label is. */
const signatureProblem = ({
  featureSet,
  signature,
  estimator,
}: ModelDocument): string | undefined => {
  const kind = labelKind(featureSet);
  if (!says[kind].includes(signature._tag)) {
    return `its label is ${labelNames[kind]}, and it gives ${signatureNames[signature._tag]}`;
  }
  const classes = signature._tag === "classes" ? signature.classes : [""];
  if (widthOf(estimator) !== classes.length) {
    return `it gives ${widthOf(estimator)} scores a row where its signature needs ${classes.length}`;
  }
  return signature._tag !== "classes" ||
    (classes.length >= 2 && new Set(classes).size === classes.length)
    ? undefined
    : `its classes are ${JSON.stringify(classes)}, where two or more different ones are needed`;
};

/** What a model may say of each kind of label. */
const says: { readonly [kind in LabelKind]: ReadonlyArray<Signature["_tag"]> } = {
  boolean: ["probability", "score"],
  number: ["value", "score"],
  text: ["classes"],
};

const labelNames = { boolean: "yes or no", number: "a number", text: "a class" } as const;

const signatureNames = {
  probability: "a probability",
  value: "a number",
  classes: "probabilities of classes",
  score: "a score",
} as const;

/**
 * Stores a trained estimator and returns the handle. Without a signature, the model says what a label of
 * its kind needs: a probability, or a value; classes are named.
 */
export const store = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet<C, Out>,
  trained: Pick<AnyModel, "kind" | "trainedOn"> & {
    readonly signature?: Signature;
    readonly estimator: AnyEstimator;
    readonly transform?: Fitted | undefined;
    readonly calibration?: Calibration;
  },
): Effect.fn.Return<Model<Out>, Artifact.ArtifactStoreError, Artifact.ArtifactStore> {
  const artifacts = yield* Artifact.ArtifactStore;
  const { estimator, transform, calibration, signature = signatureOf(set.spec), ...rest } = trained;
  const prepared = transform === undefined ? {} : { transform };
  const document = yield* artifacts.putJson({
    featureSet: set.spec,
    signature,
    ...prepared,
    estimator,
    ...(calibration === undefined ? {} : { calibration }),
  });
  const file = estimator._tag === "OnnxModel" ? { file: estimator.file } : {};
  return {
    ...rest,
    document,
    ...file,
    featureSet: { name: set.contract.name, digest: set.digest },
  };
});

const signatureOf = (spec: FeatureSetSpec): Signature => {
  switch (labelKind(spec)) {
    case "boolean":
      return { _tag: "probability" };
    case "number":
      return { _tag: "value" };
    case "text":
      throw new TypeError(
        `the model of "${spec.name}" predicts classes: name them in its signature`,
      );
  }
};

/** What a file in ONNX is told to be. */
export interface ImportOptions extends Omit<Onnx.ReadOptions, "features" | "texts"> {
  /** What it is in words. Default: `ONNX model` and the program that wrote it. */
  readonly kind?: string;
  readonly trainedOn: AnyModel["trainedOn"];
  /** Default: what the label needs; that of classes, in the order of the output's columns, is given. */
  readonly signature?: Signature;
  /** What the features go through before the file reads them. */
  readonly transform?: Fitted | undefined;
}

/**
 * Makes a model of a feature set of a file in ONNX: checks it, tries it, stores it. It takes the features
 * of the set (or what the transformation gives) as the columns of one matrix, in their order, or by inputs
 * with their names. An input of texts takes a column of `Transform.ordinal`, whose texts are known.
 *
 * Nothing in a file says what rows it was trained on: `trainedOn` is the word of the one who imports it.
 *
 * @example
 * ```ts
 * import { type FeatureSet, Model } from "@ml-pipe/data";
 *
 * const imported = (set: FeatureSet.FeatureSet, trainedOn: Model.AnyModel["trainedOn"]) =>
 *   Model.importOnnx(set, "churn.onnx", { kind: "random forest", trainedOn });
 * ```
 */
export const importOnnx = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet<C, Out>,
  file: string,
  options: ImportOptions,
): Effect.fn.Return<Model<Out>, Onnx.ReadError, Artifact.ArtifactStore> {
  const { kind, trainedOn, transform, ...read } = options;
  const signature = options.signature ?? signatureOf(set.spec);
  const columns =
    signature._tag === "classes" ? { columns: [...signature.classes.keys()] } : undefined;
  const estimator = yield* Onnx.read(file, {
    ...columns,
    ...read,
    features: (transform?.outputs ?? set.spec.features).map(({ name }) => name),
    texts: transform === undefined ? {} : textsOf(transform),
  });
  return yield* store(set, {
    kind: kind ?? `ONNX model of ${estimator.producer || "an unknown program"}`,
    trainedOn,
    signature,
    estimator,
    transform,
  });
});
