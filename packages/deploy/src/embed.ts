/**
 * Released models for any Node program: no Effect, no promise on the way to a prediction, and no native
 * code. Import it as `@ml-pipe/deploy/embed`.
 */
import { FeatureStore, FeatureStoreRedis, Release } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Redacted from "effect/Redacted";
import * as Outcome from "effect/Result";
import * as Scope from "effect/Scope";
import * as Predictor from "./Predictor.ts";

/** One thing that is wrong with a request. */
export interface Problem {
  /** The field, or `""` for the request as a whole. */
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}

/** What every answer says beside what is predicted. */
interface About {
  /** Which release answered, such as `flight-delay@3`. */
  readonly release: string;
  /** Features without a value. */
  readonly missing: ReadonlyArray<string>;
  /** Features that need outcomes from after what is known to the release or the feature store. */
  readonly stale: ReadonlyArray<string>;
  /** Features of whose entity nothing is known. */
  readonly unseen: ReadonlyArray<string>;
  /** Features whose state is too old, or could not be read, and is missing for that. */
  readonly unavailable: ReadonlyArray<string>;
}

/** The answer to a yes/no question. */
export interface Prediction extends About {
  /** Probability of what the model predicts. */
  readonly probability: number;
  /** Whether acting costs less than not acting. */
  readonly act: boolean;
  /** The charter's question, answered. */
  readonly decision: string;
}

/** A predicted number, in the unit of the label. */
export interface NumberPrediction extends About {
  readonly value: number;
}

/** Probabilities of classes, and what follows from them. */
export interface ClassPrediction extends About {
  /** The most probable class. */
  readonly class: string;
  /** The choice with the lowest expected cost: a class, or another way out. */
  readonly choice: string;
  /** By class; they sum to 1. */
  readonly probabilities: { readonly [name: string]: number };
}

/** A list of items for one user. */
export interface ListPrediction extends About {
  /** The first place first. */
  readonly items: ReadonlyArray<{
    /** As the interactions name it. */
    readonly item: string | number;
    readonly rank: number;
    /** Comparable within the list only. */
    readonly score: number;
    /** The source that the place is owed to most. */
    readonly source: string;
  }>;
  /** Of what the user has met by the request, what the release knows nothing of. */
  readonly unknownItems: ReadonlyArray<string | number>;
}

/** What a release may answer: a yes/no decision, a number, a class, or a list of items. */
export interface Answers {
  readonly list: ListPrediction;
  readonly decision: Prediction;
  readonly number: NumberPrediction;
  readonly class: ClassPrediction;
}

/** A prediction, or everything that is wrong with the request or the state that it needs. */
export type Result<P = Prediction> =
  | { readonly ok: true; readonly prediction: P }
  | { readonly ok: false; readonly problems: ReadonlyArray<Problem> };

/** What contributions are in: log-odds for a yes/no decision, class scores for classes. */
type Scale = "logOdds" | "logRate" | "classScores" | "value";

interface Moved {
  /** What the model expects without knowing the features. */
  readonly base: number;
  /** The largest first. With `base` they add up to the model's score, before any calibration. */
  readonly contributions: ReadonlyArray<{
    readonly feature: string;
    readonly contribution: number;
  }>;
}

/** Which features moved a prediction, and how far. */
export interface Explanation extends Moved {
  readonly scale: Scale;
}

/** Which features moved the score of each class, and how far. */
export interface ClassExplanation {
  readonly scale: Scale;
  readonly classes: { readonly [name: string]: Moved };
}

/** How each answer is explained. */
export interface Explanations {
  readonly decision: Explanation;
  readonly number: Explanation;
  readonly class: ClassExplanation;
  /** Nothing but the source that each place names. */
  readonly list: never;
}

/** A prediction and what it came from, or everything that is wrong. */
export type ExplainedResult<P = Prediction, X = Explanation> =
  | { readonly ok: true; readonly prediction: P; readonly explanation: X }
  | { readonly ok: false; readonly problems: ReadonlyArray<Problem> };

/** A release, loaded. */
interface Opened {
  readonly release: {
    /** Such as `flight-delay@3`. */
    readonly label: string;
    readonly name: string;
    readonly version: number;
    /** The question that a prediction answers. */
    readonly decision: string;
    /** The probability from which the answer to a yes/no question is yes. */
    readonly threshold?: number;
    /** The instant up to which outcomes are known to the model's features. */
    readonly knownUntil: Date;
    readonly releasedAt: Date;
  };
  /** JSON Schema of a request. */
  readonly signature: { readonly [keyword: string]: unknown };
  /** A request that is valid. */
  readonly example: { readonly [field: string]: unknown };
}

/** The embedded feature store of the state folder, which is kept fresh. */
export interface StoreOptions {
  /** By how many milliseconds the state may fall short of what a decision needs. Default: any. */
  readonly maxAgeMillis?: number;
  /** Refuses requests whose state is too old; otherwise it is missing. Default false. */
  readonly refuse?: boolean;
}

/** A feature store, which may be elsewhere. */
export interface AnyStoreOptions extends StoreOptions {
  /** The address of a Redis server that has the store: `redis://…`, or `rediss://…` over TLS. */
  readonly url?: string;
  /** How many milliseconds it may take to answer. Default 100. */
  readonly timeoutMillis?: number;
}

/** How a release is opened. */
export interface OpenOptions<
  K extends keyof Answers = keyof Answers,
  S extends StoreOptions = StoreOptions,
> {
  /** What the release is to answer; default `decision`. One that answers something else is not opened. */
  readonly predicts?: K;
  /** Reads the state of histories from a feature store, instead of the one that the release carries. */
  readonly store?: S;
}

/** A release with a built-in model. */
export interface Model<P = Prediction, X = Explanation> extends Opened {
  /** Checks a request, given as parsed JSON, and predicts. Takes about ten microseconds; never throws. */
  readonly predict: (request: unknown) => Result<P>;
  /**
   * Likewise, and says which features moved the prediction. Takes some hundred microseconds. Throws for a list,
   * which names the source of each place.
   */
  readonly explain: (request: unknown) => ExplainedResult<P, X>;
}

/** A release with any model and any feature store, also a model in ONNX and a store in Redis. */
export interface AsyncModel<P = Prediction> extends Opened {
  /**
   * Checks a request, given as parsed JSON, and predicts. A model in ONNX does so in a thread. Rejects
   * only if ONNX Runtime cannot compute.
   */
  readonly predict: (request: unknown) => Promise<Result<P>>;
  /**
   * Ends the thread of a model in ONNX, and leaves the server of a store: a connection keeps the program
   * running, a thread does not.
   */
  readonly close: () => Promise<void>;
}

/**
 * Opens a release with a built-in model: `flight-delay@3`, `flight-delay@latest` or `flight-delay`.
 * Verifies every file that it reads. Rejects with an `Error` whose message says what to do if there is no
 * such release (it names the closest), if a file of it was damaged or changed, or if its model is in
 * ONNX, which {@link openReleaseAsync} opens.
 *
 * Open it once, when the service starts: predictions need no file.
 *
 * @example
 * ```ts
 * import { openRelease } from "@ml-pipe/deploy/embed";
 *
 * const answer = async (body: unknown): Promise<string> => {
 *   const model = await openRelease(".ml-pipe", "flight-delay");
 *   const result = model.predict(body);
 *   return result.ok ? result.prediction.decision : result.problems.map(({ field }) => field).join();
 * };
 * ```
 */
export const openRelease = async <K extends keyof Answers = "decision">(
  stateFolder: string,
  release: string,
  options: OpenOptions<K> = {},
): Promise<Model<Answers[K], Explanations[K]>> => {
  const { predictor, is, explains, close } = await open(stateFolder, release, options);
  if (!predictor.synchronous) {
    await close();
    throw new Error(
      `${predictor.label} does not answer at once, because its model is in ONNX or its feature store elsewhere: open it with openReleaseAsync, and await its predictions.`,
    );
  }
  return {
    ...describe(predictor),
    predict: (request) => Effect.runSync(resultOf(predictor, is, request)),
    explain: (request) => Effect.runSync(explainedOf(predictor, { is, explains }, request)),
  };
};

/**
 * Opens a release with any model, as {@link openRelease} does. A model in ONNX needs the package
 * `onnxruntime-node` beside this one. Its feature store may be in Redis.
 *
 * @example
 * ```ts
 * import { openReleaseAsync } from "@ml-pipe/deploy/embed";
 *
 * const answer = async (body: unknown): Promise<boolean> => {
 *   const model = await openReleaseAsync(".ml-pipe", "churn");
 *   const result = await model.predict(body);
 *   return result.ok && result.prediction.act;
 * };
 * ```
 */
export const openReleaseAsync = async <K extends keyof Answers = "decision">(
  stateFolder: string,
  release: string,
  options: OpenOptions<K, AnyStoreOptions> = {},
): Promise<AsyncModel<Answers[K]>> => {
  const { predictor, is, close } = await open(stateFolder, release, options);
  return {
    ...describe(predictor),
    predict: (request) => Effect.runPromise(resultOf(predictor, is, request)),
    close,
  };
};

/** Opens a release until it is closed. */
const open = async <K extends keyof Answers>(
  stateFolder: string,
  release: string,
  { store, predicts }: OpenOptions<K, AnyStoreOptions>,
) => {
  const scope = Scope.makeUnsafe();
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void));
  const opened =
    store === undefined
      ? Predictor.open(stateFolder, release)
      : Effect.flatMap(Layer.build(layerOf(stateFolder, store)), (context) =>
          Predictor.openWithStore(stateFolder, release, {
            ...(store.maxAgeMillis === undefined ? {} : { maxAge: store.maxAgeMillis }),
            ...(store.timeoutMillis === undefined ? {} : { timeout: store.timeoutMillis }),
            otherwise: store.refuse === true ? "refuse" : "missing",
          }).pipe(Effect.provide(context)),
        );
  const predictor = await Effect.runPromise(
    opened.pipe(
      Scope.provide(scope),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
    ),
  );
  const kind = kindOf(predictor.release);
  // Where nothing is asked for, the type is that of a decision.
  const asked = predicts ?? ("decision" as K);
  if (kind !== asked) {
    await close();
    throw new Error(
      `${predictor.label} answers with a ${kind}, and a ${asked} is asked for: open it with { predicts: "${kind}" }.`,
    );
  }
  return { predictor, is: isOf[asked], explains: explainsOf[asked], close };
};

const layerOf = (stateFolder: string, { url }: AnyStoreOptions) =>
  url === undefined
    ? FeatureStore.FeatureStore.layer(stateFolder)
    : FeatureStoreRedis.layer({ url: Redacted.make(url) });

type Is<P> = (prediction: Predictor.Prediction) => prediction is P & Predictor.Prediction;

const isOf: { readonly [K in keyof Answers]: Is<Answers[K]> } = {
  decision: (prediction): prediction is Predictor.DecisionPrediction => "act" in prediction,
  number: (prediction): prediction is Predictor.NumberPrediction => "value" in prediction,
  class: (prediction): prediction is Predictor.ClassPrediction => "choice" in prediction,
  list: (prediction): prediction is Predictor.ListPrediction => "items" in prediction,
};

type Explains<X> = (explained: Predictor.Explained) => explained is X & Predictor.Explained;

const isPlain = (explained: Predictor.Explained): explained is Explanation & Predictor.Explained =>
  "base" in explained;

const explainsOf: { readonly [K in keyof Explanations]: Explains<Explanations[K]> } = {
  decision: isPlain,
  number: isPlain,
  class: (explained): explained is ClassExplanation & Predictor.Explained => "classes" in explained,
  list: (_explained): _explained is never => false,
};

const kindOf = (release: Release.AnyRelease): keyof Answers => {
  if (Release.isSystem(release)) return "list";
  if (release.threshold !== undefined) return "decision";
  return release.classCosts === undefined ? "number" : "class";
};

/** A release answers with what its policy says, which {@link open} has seen. */
const otherAnswer = () => new TypeError("a release answered with something else than it opened as");

const describe = ({ release, label, signature, example }: Predictor.Predictor): Opened => {
  const { name, version, decision, knownUntil, releasedAt } = release;
  const threshold = Release.isSystem(release) ? undefined : release.threshold;
  return {
    release: {
      label,
      name,
      version,
      decision,
      ...(threshold === undefined ? {} : { threshold }),
      knownUntil,
      releasedAt,
    },
    signature,
    example,
  };
};

const resultOf = <P>(predictor: Predictor.Predictor, is: Is<P>, request: unknown) =>
  Effect.map(predictor.predict(request), (prediction): Result<P> => {
    if (!is(prediction)) throw otherAnswer();
    return { ok: true, prediction };
  }).pipe(Effect.catchTags({ RequestInvalid: refuse, StateUnavailable: refuse }));

const explainedOf = <P, X>(
  { label, answer, explain }: Predictor.Predictor,
  { is, explains }: { readonly is: Is<P>; readonly explains: Explains<X> },
  request: unknown,
) =>
  Effect.map(answer([request]), ([answered]): ExplainedResult<P, X> => {
    if (answered === undefined) throw new TypeError("an answer is missing");
    if (explain === undefined) {
      throw new Error(
        `${label} answers with lists: each place names its source, and nothing else explains it.`,
      );
    }
    if (Outcome.isFailure(answered)) {
      return { ok: false, problems: Predictor.problemsOf(answered.failure) };
    }
    const { prediction } = answered.success;
    const explanation = explain(answered.success);
    if (!is(prediction) || !explains(explanation)) throw otherAnswer();
    return { ok: true, prediction, explanation };
  });

const refuse = (refused: Predictor.Refused) =>
  Effect.succeed<Result<never>>({ ok: false, problems: Predictor.problemsOf(refused) });
