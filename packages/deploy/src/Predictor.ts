/**
 * Predictors: a release, loaded and ready to answer. Every file behind it is verified by its digest
 * and its form; nothing that is loaded is ever executed.
 */
import { Artifact, Contract } from "@ml-pipe/core";
import type { FeatureStore } from "@ml-pipe/data";
import {
  Explanation,
  FeatureSet,
  Model,
  type Onnx,
  OnlineFeatures,
  Release,
  Scoring,
  ServedSystem,
  Transform,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { inconsistency } from "./internal/releaseFile.ts";
import { answeringBy, requestProblem } from "./internal/systemPredictor.ts";
import { type Prediction, tellerOf } from "./Prediction.ts";
import { type GetError, Registry } from "./Registry.ts";
import * as Request from "./Request.ts";

export {
  ClassPrediction,
  DecisionPrediction,
  ListPrediction,
  NumberPrediction,
  Prediction,
} from "./Prediction.ts";

/** A release whose parts do not belong together, so it is not served. */
export class ReleaseMismatch extends Schema.TaggedError<ReleaseMismatch>()("ReleaseMismatch", {
  release: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `release ${this.release} is not served: ${this.problem}. Run the pipeline again to release it anew.`;
  }
}

/** What loading a predictor can fail with. */
export type LoadError =
  | Model.LoadError
  | Scoring.OpenError
  | ServedSystem.OpenError
  | ReleaseMismatch;

/** Why a request is not answered. */
export type Refused = Request.RequestInvalid | OnlineFeatures.StateUnavailable;

/** What is wrong with a request, or with the state that it needs, as a list. */
export const problemsOf = (refused: Refused): ReadonlyArray<Request.Problem> =>
  refused._tag === "RequestInvalid"
    ? refused.problems
    : [
        {
          field: "",
          expected: `the state of ${refused.features.join(", ")}`,
          found: refused.problem,
        },
      ];

/** A loaded release. */
export interface Predictor {
  readonly release: Release.AnyRelease;
  /** `flight-delay@3`. */
  readonly label: string;
  /** JSON Schema of a request. */
  readonly signature: Contract.JsonSchema;
  /** A request that is valid. */
  readonly example: { readonly [column: string]: Schema.Json };
  /** What its features are, as data; undefined for a system, which has none. */
  readonly featureSet: FeatureSet.FeatureSetSpec | undefined;
  /**
   * Whether `predict` and `answer` are synchronous, so that `Effect.runSync` runs them: true of every
   * built-in model, unless its feature store is elsewhere. One in ONNX computes in a thread.
   */
  readonly synchronous: boolean;
  /** Answers one request, given as parsed JSON. */
  readonly predict: (json: unknown) => Effect.Effect<Prediction, Refused | Onnx.OnnxFailed>;
  /**
   * Answers requests together, each with what its answer was computed from. Their state is read in one
   * round trip.
   */
  readonly answer: (
    requests: ReadonlyArray<unknown>,
  ) => Effect.Effect<ReadonlyArray<Result.Result<Answered, Refused>>, Onnx.OnnxFailed>;
  /**
   * Says which features moved an answer, and how far; undefined for a model in ONNX, whose inside is not
   * known, and for a system, which names the source of each place. A calibration that follows the model is not part of it.
   */
  readonly explain: ((answered: Answered) => Explained) | undefined;
  /** How old the state of each feature that needs one is, for decisions at an instant. */
  readonly freshness: OnlineFeatures.OnlineFeatures["freshness"];
}

/** How a prediction came about: of several classes, each of their scores. */
export type Explained =
  | Explanation.Explanation
  | {
      readonly scale: Explanation.Scale;
      readonly classes: {
        readonly [name: string]: Omit<Explanation.Explanation, "scale">;
      };
    };

/** A prediction with what it was computed from. */
export interface Answered {
  readonly prediction: Prediction;
  /** The request, checked: instants are dates. */
  readonly request: { readonly [column: string]: unknown };
  /** In the order of the feature set; NaN is missing. A system has none. */
  readonly features: Float64Array;
  /** What the model was given: the features, or what its transformation made of them. */
  readonly row: Float64Array;
}

/**
 * Loads a release, until the scope closes, with the state that it carries: of its histories, or of a system what
 * its sources have learnt. Refuses one whose parts, verdict and request do not belong together.
 *
 * @example
 * ```ts
 * import { Artifact } from "@ml-pipe/core";
 * import { Predictor, Registry } from "@ml-pipe/deploy";
 * import * as Effect from "effect/Effect";
 *
 * const program = Effect.gen(function* () {
 *   const registry = yield* Registry.Registry;
 *   const predictor = yield* Predictor.load(yield* registry.get("flight-delay"));
 *   return yield* predictor.predict({ date: "2001-06-01T10:15:00Z", origin: "SFO", distance: 300 });
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(Registry.Registry.layer(".ml-pipe")),
 *   Effect.provide(Artifact.ArtifactStore.layer(".ml-pipe")),
 * );
 * ```
 */
export const load: (
  release: Release.AnyRelease,
) => Effect.Effect<Predictor, LoadError, Artifact.ArtifactStore | Scope.Scope> = Effect.fnUntraced(
  function* (release) {
    if (Release.isSystem(release)) return yield* loadSystem(release);
    const document = yield* documentOf(release);
    const store = yield* Artifact.ArtifactStore;
    const histories = yield* store.readJson(release.histories).pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(OnlineFeatures.Snapshot)),
      Effect.catchTag("SchemaError", ({ message }) =>
        Effect.fail(mismatch(release, `the state of its histories has another form: ${message}`)),
      ),
    );
    const { featureSet } = document;
    const online = OnlineFeatures.fromSnapshot(featureSet, histories, release.knownUntil);
    return yield* make(release, document, online);
  },
);

/** What loading a predictor that reads from a store can fail with. */
export type StoreLoadError = LoadError | FeatureStore.StateMissing | FeatureStore.FeatureStoreError;

/**
 * Loads a release as {@link load} does, but reads the state of its features from the feature store, which
 * is kept fresh. Fails with `StateMissing` if the store does not have it.
 *
 * @example
 * ```ts
 * import type { Release } from "@ml-pipe/data";
 * import { Predictor } from "@ml-pipe/deploy";
 *
 * const fresh = (release: Release.AnyRelease) =>
 *   Predictor.loadWithStore(release, { maxAge: "2 hours", otherwise: "refuse" });
 * ```
 */
export const loadWithStore: (
  release: Release.AnyRelease,
  options?: OnlineFeatures.StateOptions,
) => Effect.Effect<
  Predictor,
  StoreLoadError,
  Artifact.ArtifactStore | FeatureStore.FeatureStore | Scope.Scope
> = Effect.fnUntraced(function* (release, options) {
  if (Release.isSystem(release)) {
    return yield* mismatch(release, "a system has no features that a store could keep fresh");
  }
  const document = yield* documentOf(release);
  const online = yield* OnlineFeatures.fromStore(document.featureSet, options);
  return yield* make(release, document, online);
});

/**
 * Finds a release in a state folder and loads it, with no service to provide. Looks first, so that a
 * folder given by mistake stays as it is.
 *
 * @example
 * ```ts
 * import { Predictor } from "@ml-pipe/deploy";
 *
 * const predictor = Predictor.open(".ml-pipe", "flight-delay@latest");
 * ```
 */
export const open: (
  stateFolder: string,
  reference: string,
) => Effect.Effect<Predictor, GetError | LoadError, Scope.Scope> = (stateFolder, reference) =>
  Effect.flatMap(find(stateFolder, reference), (release) =>
    load(release).pipe(Effect.provide(Artifact.ArtifactStore.layer(stateFolder))),
  );

/**
 * The same with a feature store instead of the state that the release carries.
 *
 * @example
 * ```ts
 * import { FeatureStore } from "@ml-pipe/data";
 * import { Predictor } from "@ml-pipe/deploy";
 * import * as Effect from "effect/Effect";
 *
 * const predictor = Predictor.openWithStore(".ml-pipe", "flight-delay", { maxAge: "2 hours" }).pipe(
 *   Effect.provide(FeatureStore.FeatureStore.layer(".ml-pipe")),
 * );
 * ```
 */
export const openWithStore: (
  stateFolder: string,
  reference: string,
  options?: OnlineFeatures.StateOptions,
) => Effect.Effect<
  Predictor,
  GetError | StoreLoadError,
  FeatureStore.FeatureStore | Scope.Scope
> = (stateFolder, reference, options) =>
  Effect.flatMap(find(stateFolder, reference), (release) =>
    loadWithStore(release, options).pipe(Effect.provide(Artifact.ArtifactStore.layer(stateFolder))),
  );

const find = (
  stateFolder: string,
  reference: string,
): Effect.Effect<Release.AnyRelease, GetError> =>
  Registry.use(({ get }) => get(reference)).pipe(Effect.provide(Registry.layer(stateFolder)));

const mismatch = (release: Release.AnyRelease, problem: string) =>
  new ReleaseMismatch({ release: Release.label(release), problem });

const requireConsistent = (release: Release.AnyRelease) => {
  const contradiction = inconsistency(release);
  return contradiction === undefined ? Effect.void : mismatch(release, contradiction);
};

/** A system answers with lists, all in memory. */
const loadSystem = Effect.fnUntraced(function* (release: Release.SystemRelease) {
  yield* requireConsistent(release);
  const problem = requestProblem(release);
  if (problem !== undefined) return yield* mismatch(release, problem);
  const answering = answeringBy(release, yield* ServedSystem.open(release.system));
  return { ...answering, predict: predictWith(answering.answer) } satisfies Predictor;
});

/** The model's document, if all of the release belongs together. */
const documentOf = Effect.fnUntraced(function* (release: Release.ModelRelease) {
  yield* requireConsistent(release);
  const document = yield* Model.load(release.model);
  const { featureSet, transform, estimator } = document;
  const features = featureSet.features.map(({ name }) => name);
  if (transform === undefined && estimator.features.join() !== features.join()) {
    return yield* mismatch(
      release,
      "the model's features are not those of its feature set, in its order",
    );
  }
  const needed = FeatureSet.requestColumns(featureSet, transform);
  if (Object.keys(release.request.columns).toSorted().join() !== needed.join()) {
    return yield* mismatch(
      release,
      `its request does not have the columns that its features need: ${needed.join(", ")}`,
    );
  }
  return document;
});

const make = Effect.fnUntraced(function* (
  release: Release.ModelRelease,
  document: Model.ModelDocument,
  online: OnlineFeatures.OnlineFeatures,
): Effect.fn.Return<Predictor, LoadError, Artifact.ArtifactStore | Scope.Scope> {
  const { featureSet, transform, estimator, signature } = document;
  const teller = tellerOf(release, signature);
  if (Result.isFailure(teller)) return yield* mismatch(release, teller.failure);
  const say = teller.success;
  const scoring = yield* Scoring.open(document);
  const label = Release.label(release);
  const check = Request.checker(release.request);
  const prepare = transform === undefined ? undefined : Transform.compile(transform, featureSet);
  const names = featureSet.features.map(({ name }) => name);
  /** What the model is asked, of requests that are valid. */
  const ask = Effect.fnUntraced(function* (requests: ReadonlyArray<unknown>) {
    const checked = requests.map(check);
    const valid = checked.flatMap((one) => (Result.isSuccess(one) ? [one.success] : []));
    const computed = (yield* online.rows(valid)).values();
    return checked.map((one): Result.Result<Asked, Refused> => {
      if (Result.isFailure(one)) {
        return Result.fail(new Request.RequestInvalid({ problems: one.failure }));
      }
      const request = one.success;
      return Result.map(computed.next().value ?? unread, (found) => ({
        request,
        found,
        row: prepare?.(found.features, request) ?? found.features,
      }));
    });
  });
  const tell = (scores: Float64Array, at: number, { request, found, row }: Asked): Answered => {
    const { features, stale, unseen, unavailable } = found;
    const prediction = say(scores, at, {
      release: label,
      missing: missingOf(features, names),
      stale,
      unseen,
      unavailable,
    });
    return { prediction, request, features, row };
  };
  const answer: Predictor["answer"] = Effect.fnUntraced(function* (requests) {
    const asked = yield* ask(requests);
    const rows = asked.flatMap((one) => (Result.isSuccess(one) ? [one.success.row] : []));
    const scores = yield* scoring.rows(rows);
    let next = 0;
    return asked.map((one) =>
      Result.map(one, (valid) => tell(scores, next++ * scoring.width, valid)),
    );
  });
  return {
    release,
    label,
    signature: Contract.toJsonSchema(release.request),
    example: Request.exampleOf(release.request, release.knownUntil),
    featureSet,
    synchronous: estimator._tag !== "OnnxModel" && online.synchronous,
    answer,
    predict: predictWith(answer),
    explain: explainerOf(estimator, signature),
    freshness: online.freshness,
  };
});

/** Made ready when it is first asked: most predictions are not explained. */
const explainerOf = (
  estimator: Model.ModelDocument["estimator"],
  signature: Model.Signature,
): Predictor["explain"] => {
  if (estimator._tag === "OnnxModel") return undefined;
  let explainer: Explanation.Explainer | undefined;
  return ({ row }) => {
    const { scale } = (explainer ??= Explanation.make(estimator));
    const outputs = Explanation.explain(explainer, row);
    const [only] = outputs;
    if (signature._tag !== "classes" && only !== undefined) return only;
    const names = signature._tag === "classes" ? signature.classes : [];
    const classes = names.flatMap((name, k) => {
      const output = outputs[k];
      if (output === undefined) return [];
      const { base, contributions } = output;
      return [[name, { base, contributions }] as const];
    });
    return { scale, classes: Object.fromEntries(classes) };
  };
};

/** A request that is valid, with its features, and the row that the model is given. */
interface Asked {
  readonly request: Request.Row;
  readonly found: OnlineFeatures.Computed;
  readonly row: Float64Array;
}

/** Never seen: there are features for each request. */
const unread = Result.fail(
  new OnlineFeatures.StateUnavailable({ features: [], problem: "the store gave no answer" }),
);

/** Answers one request by what answers several. */
export const predictWith =
  (answer: Predictor["answer"]): Predictor["predict"] =>
  (json) =>
    Effect.flatMap(answer([json]), ([one]) =>
      one === undefined
        ? Effect.die(new TypeError("an answer is missing"))
        : Result.isSuccess(one)
          ? Effect.succeed(one.success.prediction)
          : Effect.fail(one.failure),
    );

const none: ReadonlyArray<string> = [];

const missingOf = (features: Float64Array, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  let missing: Array<string> | undefined;
  for (let index = 0; index < features.length; index++) {
    if (Number.isNaN(features[index])) (missing ??= []).push(names[index] ?? "");
  }
  return missing ?? none;
};
