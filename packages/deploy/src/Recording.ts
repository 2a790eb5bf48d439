/**
 * Recording what is served. Of a model: the requests and the features that were computed for them, a line of JSON
 * each, under the contract of `Parity.servedContract`. A later run computes the features again from the
 * history and compares: see `Parity.stage`.
 */
import { createHash } from "node:crypto";
import { LineFile } from "@ml-pipe/core";
import { FeatureSet, Parity, Release } from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import { type Answered, type Predictor, predictWith } from "./Predictor.ts";

/** What is recorded. */
export interface RecordingOptions {
  /**
   * A file of lines of JSON, appended to; made if absent. It holds what callers sent: guard it. Of a list it has a
   * line for each place, under `Recommendations.contract`, with the release and the instant.
   */
  readonly file: string;
  /**
   * The share of the entities, 0 to 1, that is recorded. An entity (what histories and lookups go by; without
   * them, a request) is recorded always or never, so that its history can be checked as a whole.
   * Default 1.
   */
  readonly share?: number;
  /** Told once if the file cannot be written. Requests are answered all the same. */
  readonly onFailure?: (problem: string) => void;
}

/**
 * A predictor that records what it answers, until the scope closes. Nothing waits for the disk: lines
 * are written ten times a second, and dropped rather than kept beyond 8 MB. Dies with a `RangeError` for
 * a share that is none.
 *
 * @example
 * ```ts
 * import { type Predictor, Recording } from "@ml-pipe/deploy";
 *
 * const recorded = (predictor: Predictor.Predictor) =>
 *   Recording.record(predictor, { file: "served.ndjson", share: 0.01 });
 * ```
 */
export const record = Effect.fnUntraced(function* (
  predictor: Predictor,
  { file, share = 1, onFailure = () => {} }: RecordingOptions,
): Effect.fn.Return<Predictor, never, Scope.Scope> {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`a share is from 0 to 1, not ${share}`);
  const lines = LineFile.make(file, { onFailure });
  yield* Effect.addFinalizer(() => Effect.promise(() => lines.close()));
  yield* Effect.promise(() => lines.flush()).pipe(
    Effect.delay("100 millis"),
    Effect.forever,
    Effect.forkScoped,
  );
  const linesOf = linesFor(predictor);
  const isRecorded = sampler(entityOf(predictor), share);
  const keep = (answered: Answered, at: Date) => {
    if (!isRecorded(answered.request)) return;
    for (const line of linesOf(answered, at)) lines.push(JSON.stringify(line));
  };
  const answer: Predictor["answer"] = Effect.fnUntraced(function* (requests) {
    const answers = yield* predictor.answer(requests);
    const at = new Date(yield* Clock.currentTimeMillis);
    for (const one of answers) if (Result.isSuccess(one)) keep(one.success, at);
    return answers;
  });
  return { ...predictor, answer, predict: predictWith(answer) };
});

/** The lines that are kept of an answer. */
const linesFor = ({ featureSet, release, label }: Predictor) => {
  if (Release.isSystem(release)) {
    const { user } = release.system.interactions;
    return ({ request, prediction }: Answered, at: Date): ReadonlyArray<object> => {
      const common = { user: String(request[user] ?? ""), release: label, at };
      return "items" in prediction
        ? prediction.items.map((place) => ({ ...common, ...place, item: String(place.item) }))
        : [];
    };
  }
  const names = (featureSet?.features ?? []).map(({ name }) => Parity.servedName(name));
  return ({ request, features }: Answered): ReadonlyArray<object> => {
    const line: Record<string, unknown> = { ...request };
    for (const [index, name] of names.entries()) line[name] = orNull(features[index]);
    return [line];
  };
};

const orNull = (value = Number.NaN): number | null => (Number.isNaN(value) ? null : value);

/** The columns of a request that name whom it is about: of the state, or the user; undefined if there are none. */
const entityOf = ({ featureSet, release }: Predictor): ReadonlyArray<string> | undefined => {
  if (Release.isSystem(release)) return [release.system.interactions.user];
  return (featureSet === undefined ? [] : FeatureSet.entitiesOf(featureSet))
    .filter((by) => by.length > 0)
    .toSorted((a, b) => a.length - b.length)[0];
};

/** Decides by a hash of the entity: the first 32 bits of SHA-256, as a share. */
const sampler = (
  entity: ReadonlyArray<string> | undefined,
  share: number,
): ((request: { readonly [column: string]: unknown }) => boolean) => {
  if (share === 1) return () => true;
  return (request) => {
    const key = entity === undefined ? request : entity.map((name) => request[name]);
    const bits = createHash("sha256").update(JSON.stringify(key)).digest().readUInt32BE();
    return bits / 2 ** 32 < share;
  };
};
