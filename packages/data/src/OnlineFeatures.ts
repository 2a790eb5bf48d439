/**
 * The features of requests, with what is known of the state that they came from: the snapshot of a
 * release, or a feature store that is kept fresh. The values are those that a batch computes as of each
 * decision, as far as the state reaches.
 */
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { compileRow, type FeatureSetSpec } from "./FeatureSet.ts";
import { FeatureStore, type FeatureStoreError } from "./FeatureStore.ts";
import { ageOf, type FeatureFreshness, freshnessOf } from "./featureStore/freshness.ts";
import { entityOf, type Series, seriesOf } from "./featureStore/series.ts";
import type { EntityState, Head } from "./featureStore/shape.ts";
import { requireState, type StateMissing } from "./featureStore/StateMissing.ts";
import { type HistorySource, HistoryState, same } from "./History.ts";
import { type Buckets, entityIndex } from "./internal/historyIndex.ts";
import type { Request } from "./internal/rowProgram.ts";
import { type LookupSource, LookupState } from "./Lookup.ts";

export type { Request } from "./internal/rowProgram.ts";

/** The state of a feature set's histories and lookups, as `Features.stateAt` makes it. */
export const Snapshot = Schema.Array(Schema.Union([HistoryState, LookupState]));
/** See {@link Snapshot}. */
export type Snapshot = typeof Snapshot.Type;

/** The features of one request. */
export interface Computed {
  /** In the order of the feature set; NaN is missing. */
  readonly features: Float64Array;
  /** Those whose state does not reach to the decision, or not back to the start of their window. */
  readonly stale: ReadonlyArray<string>;
  /** Those whose entity the state knows nothing of. */
  readonly unseen: ReadonlyArray<string>;
  /** Those whose state is too old, or could not be read, and was not used. */
  readonly unavailable: ReadonlyArray<string>;
}

/** What is asked of a state. */
export interface StateOptions {
  /**
   * By how much a state may fall short of what a decision needs. Default: by any age, which `stale`
   * tells.
   */
  readonly maxAge?: Duration.Input;
  /** How long the store may take. Default 100 milliseconds. */
  readonly timeout?: Duration.Input;
  /**
   * What becomes of a request whose state is too old, or cannot be read: what needs it is missing
   * (`"missing"`, the default), or it is refused.
   */
  readonly otherwise?: "missing" | "refuse";
}

/** A request was refused, because the state that it needs is too old or cannot be read. */
export class StateUnavailable extends Schema.TaggedError<StateUnavailable>()("StateUnavailable", {
  features: Schema.Array(Schema.String),
  problem: Schema.String,
}) {
  override get message(): string {
    return `the state of ${this.features.join(", ")} is not available: ${this.problem}. Try again later, or serve with missing values instead.`;
  }
}

/** Computes the features of requests. */
export interface OnlineFeatures {
  /** Whether `Effect.runSync` runs {@link rows}: true unless the state is elsewhere. */
  readonly synchronous: boolean;
  /** The features of requests, with one look at the state for all of them. */
  readonly rows: (
    requests: ReadonlyArray<Request>,
  ) => Effect.Effect<ReadonlyArray<Result.Result<Computed, StateUnavailable>>>;
  /** How old the state of each feature that needs one is, for decisions at an instant. */
  readonly freshness: (
    at: Date,
  ) => Effect.Effect<ReadonlyArray<FeatureFreshness>, FeatureStoreError>;
}

/**
 * Features from a snapshot, as `Features.stateAt` makes it and a release carries it.
 *
 * @example
 * ```ts
 * import { Features, type FeatureSet, OnlineFeatures, type Table } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const online = (set: FeatureSet.FeatureSet, trips: Table.AnyTable, at: Date) =>
 *   Effect.map(Features.stateAt(set.spec, trips, at), (state) =>
 *     OnlineFeatures.fromSnapshot(set.spec, state, at),
 *   );
 * ```
 */
export const fromSnapshot = (
  spec: FeatureSetSpec,
  snapshot: Snapshot,
  knownUntil: Date,
): OnlineFeatures => {
  const series = seriesOf(spec);
  const heads = series.map(({ hopMs, windowHops }): Head => {
    const end = Math.floor(knownUntil.getTime() / hopMs);
    return { fromHop: end - windowHops, batchHop: end, knownUntil: knownUntil.getTime() };
  });
  const states = series.map(({ keeps: { family, lookup } }) =>
    family === undefined
      ? [snapshot.find((one) => "lookup" in one && one.lookup === lookup.digest)]
      : family.map((history) =>
          snapshot.find((one) => "history" in one && same(one.history, history)),
        ),
  );
  const indexes = series.map(({ by }, index) =>
    (states[index] ?? []).map((state) =>
      state === undefined ? () => undefined : entityIndex(by, state),
    ),
  );
  const known = states.map(([state]) => state !== undefined);
  const compute = computer(spec, series, {});
  const row = (request: Request) =>
    compute(
      request,
      series.map((_, index): EntityState => {
        if (known[index] !== true) return { head: undefined, buckets: undefined };
        const found = (indexes[index] ?? []).map((bucketsOf) => bucketsOf(request));
        return { head: heads[index], buckets: found.every(isThere) ? found : undefined };
      }),
    );
  return {
    synchronous: true,
    rows: (requests) => Effect.sync(() => requests.map(row)),
    freshness: (at) => Effect.sync(() => freshnessOf(spec, series, heads, at.getTime())),
  };
};

const isThere = <A>(value: A | undefined): value is A => value !== undefined;

/**
 * Features from the feature store. Fails with {@link StateMissing} if it has no state of them, as they
 * are defined now.
 *
 * @example
 * ```ts
 * import { type FeatureSet, FeatureStore, OnlineFeatures } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const answer = (set: FeatureSet.FeatureSet, requests: ReadonlyArray<OnlineFeatures.Request>) =>
 *   OnlineFeatures.fromStore(set.spec, { maxAge: "2 hours", otherwise: "refuse" }).pipe(
 *     Effect.flatMap(({ rows }) => rows(requests)),
 *     Effect.provide(FeatureStore.FeatureStore.layer(".ml-pipe")),
 *   );
 * ```
 */
export const fromStore = Effect.fnUntraced(function* (
  spec: FeatureSetSpec,
  options: StateOptions = {},
): Effect.fn.Return<OnlineFeatures, StateMissing | FeatureStoreError, FeatureStore> {
  const store = yield* FeatureStore;
  const series = seriesOf(spec);
  yield* requireState(spec, store, series, yield* store.heads(series));
  const compute = computer(spec, series, options);
  const timeout = Duration.fromInputUnsafe(options.timeout ?? "100 millis");
  const tooLate = `${store.name} did not answer within ${Duration.toMillis(timeout)} ms`;
  const read = (requests: ReadonlyArray<Request>) => {
    const reading = store.read(
      requests.flatMap((request) =>
        series.map((one) => ({ series: one, entity: entityOf(one.by, request) })),
      ),
    );
    if (store.synchronous) return reading;
    const orElse = () => Effect.fail({ message: tooLate });
    return Effect.timeoutOrElse(reading, { duration: timeout, orElse });
  };
  const rows: OnlineFeatures["rows"] = (requests) =>
    Effect.match(read(requests), {
      onSuccess: (states) =>
        requests.map((request, index) =>
          compute(request, states.slice(index * series.length, (index + 1) * series.length)),
        ),
      onFailure: ({ message }) => requests.map((request) => compute(request, [], message)),
    });
  return {
    synchronous: store.synchronous,
    rows,
    freshness: (at) =>
      Effect.map(store.heads(series), (heads) => freshnessOf(spec, series, heads, at.getTime())),
  };
});

/**
 * Computes a request from the states of its entities, one for each series; from none, with the problem,
 * if they could not be read.
 */
const computer = (
  spec: FeatureSetSpec,
  series: ReadonlyArray<Series>,
  { maxAge, otherwise = "missing" }: StateOptions,
) => {
  const maxAgeMs = maxAge === undefined ? Infinity : millisOf(maxAge);
  // The closures run at once, so that one place is enough for what they look up.
  const current: Array<ReadonlyArray<Buckets> | "unavailable" | undefined> = [];
  const sources = series.flatMap(
    ({ keeps: { family, lookup } }, index): ReadonlyArray<HistorySource | LookupSource> => {
      const bucketsOf = (place: number) => () => {
        const found = current[index];
        return typeof found === "object" ? found[place] : found;
      };
      return family === undefined
        ? [{ lookup: lookup.digest, bucketsOf: bucketsOf(0) }]
        : family.map((history, place) => ({ history, bucketsOf: bucketsOf(place) }));
    },
  );
  const compute = compileRow(spec, sources);
  const { decidedAt = "" } = spec;
  const namesOf = (isIn: (index: number) => boolean): ReadonlyArray<string> => {
    const names = new Set(series.flatMap(({ features }, index) => (isIn(index) ? features : [])));
    return spec.features.map(({ name }) => name).filter((name) => names.has(name));
  };
  const stale = series.map(() => false);
  return (
    request: Request,
    states: ReadonlyArray<EntityState>,
    problem?: string,
  ): Result.Result<Computed, StateUnavailable> => {
    const decided = request[decidedAt];
    const at = decided instanceof Date ? decided.getTime() : Number.NaN;
    let oldest = 0;
    for (const [index, { hopMs, windowHops }] of series.entries()) {
      const { head, buckets } = states[index] ?? nothing;
      const age = head === undefined ? Infinity : ageOf(head, hopMs, at);
      if (head === undefined || age > maxAgeMs) {
        current[index] = "unavailable";
        stale[index] = false;
        oldest = Math.max(oldest, age);
      } else {
        current[index] = buckets;
        stale[index] = age > 0 || Math.floor(at / hopMs) - windowHops < head.fromHop;
      }
    }
    const unavailable = current.includes("unavailable")
      ? namesOf((index) => current[index] === "unavailable")
      : none;
    if (unavailable.length > 0 && otherwise === "refuse") {
      const why =
        problem ??
        (oldest === Infinity
          ? "the store no longer has it"
          : `it ends ${Math.round(oldest / 1000)} s before the decision, and at most ${maxAgeMs / 1000} s are accepted`);
      return Result.fail(new StateUnavailable({ features: unavailable, problem: why }));
    }
    return Result.succeed({
      features: compute(request),
      stale: stale.includes(true) ? namesOf((index) => stale[index] === true) : none,
      unseen: current.includes(undefined) ? namesOf((index) => current[index] === undefined) : none,
      unavailable,
    });
  };
};

const none: ReadonlyArray<string> = [];
const nothing: EntityState = { head: undefined, buckets: undefined };

const millisOf = (input: Duration.Input): number =>
  Duration.toMillis(Duration.fromInputUnsafe(input));
