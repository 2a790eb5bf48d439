/**
 * Predictors: a release, loaded and ready to answer. Every file behind it is verified by its digest
 * and its form; nothing that is loaded is ever executed.
 */
import { Artifact, Contract } from "@ml-pipe/core";
import {
  Expr,
  FeatureSet,
  History,
  Model,
  type Onnx,
  Release,
  Scoring,
  Transform,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { inconsistency } from "./internal/releaseFile.ts";
import { type GetError, Registry } from "./Registry.ts";
import * as Request from "./Request.ts";

/** An answer to one request. */
export const Prediction = Schema.Struct({
  /** Probability of the feature set's label. */
  probability: Schema.Finite,
  /** Whether acting costs less than not acting: the probability reaches the release's threshold. */
  act: Schema.Boolean,
  /** The charter's question, answered. */
  decision: Schema.String,
  /** Which release answered, such as `flight-delay@3`. */
  release: Schema.String,
  /** Features without a value: a null in the request, or a history without rows. */
  missing: Schema.Array(Schema.String),
  /** Features whose history should reach beyond what was known when the release was made. */
  stale: Schema.Array(Schema.String),
});
/** See {@link Prediction}. */
export type Prediction = typeof Prediction.Type;

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
export type LoadError = Model.LoadError | Scoring.OpenError | ReleaseMismatch;

/** A loaded release. */
export interface Predictor {
  readonly release: Release.AnyRelease;
  /** `flight-delay@3`. */
  readonly label: string;
  /** JSON Schema of a request. */
  readonly signature: Contract.JsonSchema;
  /** A request that is valid. */
  readonly example: { readonly [column: string]: Schema.Json };
  /** What its features are, as data. */
  readonly featureSet: FeatureSet.FeatureSetSpec;
  /**
   * Whether `predict` and `answer` are synchronous, so that `Effect.runSync` runs them: true of every
   * built-in model. One in ONNX computes in a thread.
   */
  readonly synchronous: boolean;
  /** Answers one request, given as parsed JSON. */
  readonly predict: (
    json: unknown,
  ) => Effect.Effect<Prediction, Request.RequestInvalid | Onnx.OnnxFailed>;
  /** Answers requests together, each with what its answer was computed from. */
  readonly answer: (
    requests: ReadonlyArray<unknown>,
  ) => Effect.Effect<
    ReadonlyArray<Result.Result<Answered, Request.RequestInvalid>>,
    Onnx.OnnxFailed
  >;
}

/** A prediction with what it was computed from. */
export interface Answered {
  readonly prediction: Prediction;
  /** The request, checked: instants are dates. */
  readonly request: { readonly [column: string]: unknown };
  /** In the order of the feature set; NaN is missing. */
  readonly features: Float64Array;
}

/**
 * Loads a release, until the scope closes. Refuses one whose model, histories, verdict and request do not
 * belong together.
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
    const label = Release.label(release);
    const mismatch = (problem: string) => new ReleaseMismatch({ release: label, problem });
    const contradiction = inconsistency(release);
    if (contradiction !== undefined) return yield* mismatch(contradiction);
    const document = yield* Model.load(release.model);
    const { featureSet, transform, estimator } = document;
    const features = featureSet.features.map(({ name }) => name);
    if (transform === undefined && estimator.features.join() !== features.join()) {
      return yield* mismatch("the model's features are not those of its feature set, in its order");
    }
    const needed = FeatureSet.requestColumns(featureSet, transform);
    if (Object.keys(release.request.columns).toSorted().join() !== needed.join()) {
      return yield* mismatch(
        `its request does not have the columns that its features need: ${needed.join(", ")}`,
      );
    }
    const store = yield* Artifact.ArtifactStore;
    const histories = yield* store.readJson(release.histories).pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Histories)),
      Effect.catchTag("SchemaError", ({ message }) =>
        Effect.fail(mismatch(`the state of its histories has another form: ${message}`)),
      ),
    );
    const scoring = yield* Scoring.open(estimator);
    return make(release, document, histories, scoring);
  },
);

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
) => Effect.Effect<Predictor, GetError | LoadError, Scope.Scope> = Effect.fnUntraced(
  function* (stateFolder, reference) {
    const release = yield* Registry.use(({ get }) => get(reference)).pipe(
      Effect.provide(Registry.layer(stateFolder)),
    );
    return yield* load(release).pipe(Effect.provide(Artifact.ArtifactStore.layer(stateFolder)));
  },
);

/** The state of a feature set's histories, as a release keeps it. */
export const Histories = Schema.Array(History.HistoryState);

const make = (
  release: Release.AnyRelease,
  { featureSet, transform, estimator }: Model.ModelDocument,
  histories: ReadonlyArray<History.HistoryState>,
  scoring: Scoring.Scoring,
): Predictor => {
  const label = Release.label(release);
  const check = Request.checker(release.request);
  const compute = FeatureSet.compileRow(featureSet, histories);
  const prepare = transform === undefined ? undefined : Transform.compile(transform, featureSet);
  const names = featureSet.features.map(({ name }) => name);
  const staleAt = staleness(featureSet, release.knownUntil);
  const { decidedAt = "" } = featureSet;
  const { threshold } = release;
  const yes = `${release.decision} yes`;
  const no = `${release.decision} no`;
  /** What the model is asked, of a request that is valid. */
  const ask = (json: unknown) =>
    Result.map(check(json), (request) => {
      const features = compute(request);
      return { request, features, row: prepare?.(features, request) ?? features };
    });
  const tell = (probability: number, { request, features }: Omit<Answered, "prediction">) => {
    const act = probability >= threshold;
    const prediction: Prediction = {
      probability,
      act,
      decision: act ? yes : no,
      release: label,
      missing: missingOf(features, names),
      stale: staleAt(request[decidedAt]),
    };
    return { prediction, request, features };
  };
  const answer: Predictor["answer"] = (requests) => {
    const asked = requests.map(ask);
    const rows = asked.flatMap((one) => (Result.isSuccess(one) ? [one.success.row] : []));
    return Effect.map(scoring.rows(rows), (scores) => {
      let next = 0;
      return asked.map((one) =>
        Result.isSuccess(one)
          ? Result.succeed(tell(scores[next++] ?? Number.NaN, one.success))
          : Result.fail(new Request.RequestInvalid({ problems: one.failure })),
      );
    });
  };
  return {
    release,
    label,
    signature: Contract.toJsonSchema(release.request),
    example: Request.exampleOf(release.request, release.knownUntil),
    featureSet,
    synchronous: estimator._tag !== "OnnxModel",
    answer,
    predict: predictWith(answer),
  };
};

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

/** Which features' histories end after what was known, for a decision at an instant. */
const staleness = (
  featureSet: FeatureSet.FeatureSetSpec,
  knownUntil: Date,
): ((decidedAt: unknown) => ReadonlyArray<string>) => {
  const freshUntil = featureSet.features.flatMap(({ name, expr }) => {
    const ends = Expr.historiesOf(expr).map(
      ({ hopMs }) => (Math.floor(knownUntil.getTime() / hopMs) + 1) * hopMs,
    );
    return ends.length === 0 ? [] : [{ name, before: Math.min(...ends) }];
  });
  const first = Math.min(...freshUntil.map(({ before }) => before));
  return (decidedAt) => {
    const at = decidedAt instanceof Date ? decidedAt.getTime() : Number.NaN;
    if (!(at >= first)) return none;
    return freshUntil.flatMap(({ name, before }) => (at >= before ? [name] : []));
  };
};
