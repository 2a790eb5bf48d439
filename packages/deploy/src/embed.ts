/**
 * Released models for any Node program: no Effect, no promise on the way to a prediction, and no native
 * code. Import it as `@ml-pipe/deploy/embed`.
 */
import * as Effect from "effect/Effect";
import * as Predictor from "./Predictor.ts";

/** One thing that is wrong with a request. */
export interface Problem {
  /** The field, or `""` for the request as a whole. */
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}

/** An answer to one request. */
export interface Prediction {
  /** Probability of what the model predicts. */
  readonly probability: number;
  /** Whether acting costs less than not acting. */
  readonly act: boolean;
  /** The charter's question, answered. */
  readonly decision: string;
  /** Which release answered, such as `flight-delay@3`. */
  readonly release: string;
  /** Features without a value. */
  readonly missing: ReadonlyArray<string>;
  /** Features that need outcomes from after the release was made. */
  readonly stale: ReadonlyArray<string>;
}

/** A prediction, or everything that is wrong with the request. */
export type Result =
  | { readonly ok: true; readonly prediction: Prediction }
  | { readonly ok: false; readonly problems: ReadonlyArray<Problem> };

/** A release, loaded. */
export interface Model {
  readonly release: {
    /** Such as `flight-delay@3`. */
    readonly label: string;
    readonly name: string;
    readonly version: number;
    /** The question that a prediction answers. */
    readonly decision: string;
    /** The probability from which the answer is yes. */
    readonly threshold: number;
    /** The instant up to which outcomes are known to the model's features. */
    readonly knownUntil: Date;
    readonly releasedAt: Date;
  };
  /** JSON Schema of a request. */
  readonly signature: { readonly [keyword: string]: unknown };
  /** A request that is valid. */
  readonly example: { readonly [field: string]: unknown };
  /** Checks a request, given as parsed JSON, and predicts. Takes about ten microseconds; never throws. */
  readonly predict: (request: unknown) => Result;
}

/**
 * Opens a release: `flight-delay@3`, `flight-delay@latest` or `flight-delay`. Verifies every file that
 * it reads. Rejects with an `Error` whose message says what to do if there is no such release (it names
 * the closest), or if a file of it was damaged or changed.
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
export const openRelease = async (stateFolder: string, release: string): Promise<Model> => {
  const predictor = await Effect.runPromise(Predictor.open(stateFolder, release));
  const { label, signature, example } = predictor;
  const { name, version, decision, threshold, knownUntil, releasedAt } = predictor.release;
  return {
    release: { label, name, version, decision, threshold, knownUntil, releasedAt },
    signature,
    example,
    predict: (request) => {
      const result = predictor.predict(request);
      return result._tag === "Success"
        ? { ok: true, prediction: result.success }
        : { ok: false, problems: result.failure.problems };
    },
  };
};
