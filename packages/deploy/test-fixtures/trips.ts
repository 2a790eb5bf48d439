/** A small world for tests: trips that are late or not, a hand-made model of them, and its release. */
import { Artifact, Charter, Column, Contract, Digest, type Metric, Verdict } from "@ml-pipe/core";
import { type Estimator, FeatureSet, History, Model, Release } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

export const Trip = Contract.make("trip", {
  version: "1.0.0",
  owner: "dispatch",
  columns: {
    at: Column.timestamp({ description: "departure" }),
    km: Column.int({ unit: "km", min: 1, max: 5000 }),
    from: Column.string({ pattern: "[A-Z]{3}" }),
    rain: Column.boolean({ nullable: true }),
    delay: Column.int({ unit: "min", availableAt: "outcome" }),
  },
  eventTime: "at",
});

/** The features where a trip is late from so many minutes on. */
export const tripFeatures = (lateAfter: number) =>
  FeatureSet.make("trip-features", {
    version: "1.0.0",
    of: Trip,
    decidedAt: "at",
    features: ($) => ({
      km: $.km,
      hour: $.at.hourOfDay(),
      rain: $.rain,
      lateLately: History.mean($.delay.gt(lateAfter), {
        by: [$.from],
        knownAt: $.at.plusMinutes($.delay),
        window: "1 day",
        hop: "1 hour",
      }),
    }),
    label: ($) => $.delay.gt(15),
  });

export const TripFeatures = tripFeatures(15);

export const charterUntil = (
  on: string,
  approvers: ReadonlyArray<string> = [],
): Charter.Charter<Metric.DecisionMetric> =>
  Charter.make({
    title: "Warn passengers of late trips",
    decision: {
      question: "warn passengers?",
      madeAt: "departure",
      actor: "dispatcher",
      outcomeKnownAfter: "1 day",
    },
    metric: {
      name: "expected cost",
      unit: "EUR per trip",
      costs: { truePositive: 15, falsePositive: 15, falseNegative: 60, trueNegative: 0 },
    },
    baseline: { name: "never warn", description: "as today", rule: false },
    smallestGain: 0.5,
    surface: "app",
    kill: { on, criterion: "no gain after a year" },
    owner: "passenger-care",
    approvers,
  });

/** The virtual clock of tests begins in 1970; this charter lasts for real processes too. */
export const charter = charterUntil("2999-01-01");

/** Late in the rain, and where trips were late lately: probability 0.5 at the mean of each feature. */
export const estimator: Estimator.Estimator = {
  _tag: "LinearModel",
  version: 1,
  link: "logit",
  features: ["km", "hour", "rain", "lateLately"],
  intercepts: [0],
  coefficients: [[0.1, 0.2, 1, 2]],
  mean: [1000, 12, 0.5, 0.5],
  sd: [500, 6, 0.5, 0.25],
  imputation: [1000, 12, 0.5, 0.5],
};

export const storeModel = (changed: Partial<Estimator.LinearModel> = {}) =>
  Model.store(TripFeatures, {
    estimator: { ...estimator, ...changed } as Estimator.Estimator,
    kind: "logistic regression",
    trainedOn: { split: null, table: Digest.ofBytes("trips"), rows: 100 },
  });

const question = (outcome: Verdict.Outcome): Verdict.Gate<unknown> => ({
  name: "gain",
  check: () => ({ outcome, expected: "a gain of 0.5", found: "some", next: "train again" }),
});

export const judge = (
  model: Model.AnyModel,
  outcome: Verdict.Outcome = "passed",
  under: Charter.Charter<Metric.DecisionMetric> = charter,
): Verdict.Verdict =>
  Verdict.judge([question(outcome)], undefined, {
    model: model.document.digest,
    charter: under.digest,
    testSet: Digest.ofBytes("test"),
  });

export const knownUntil = new Date("2001-06-01T00:00:00Z");

/** The three hours before {@link knownUntil} in AAA: 1 of 4 late, none, 3 of 4 late. */
const state = (): ReadonlyArray<History.HistoryState> => {
  const history = TripFeatures.spec.features[3]?.expr;
  if (history === undefined) throw new TypeError("no history");
  const end = knownUntil.getTime() / 3_600_000;
  const columns = { count: [4, 4], sum: [1, 3] };
  const entities = [{ key: ["AAA"], hop: [end - 3, end - 1], columns }];
  return [{ history, entities }];
};

const requestOf = (): Contract.ContractSpec => {
  const { at, km, from, rain } = Trip.spec.columns;
  if (!at || !km || !from || !rain) throw new TypeError("a column is missing");
  return {
    name: "trip-request",
    version: "1.0.0",
    owner: "dispatch",
    consumers: [],
    columns: { at, from, km, rain },
    eventTime: "at",
  };
};

/** A release of a hand-made model, before it is published. */
export const candidate = Effect.fnUntraced(function* (
  options: { readonly name?: string; readonly intercept?: number } = {},
) {
  const model = yield* storeModel({ intercepts: [options.intercept ?? 0] });
  const store = yield* Artifact.ArtifactStore;
  const release: Omit<Release.ModelRelease, "version"> = {
    name: options.name ?? "trip-delay",
    model,
    verdict: judge(model),
    charter: charter.digest,
    request: requestOf(),
    decision: "warn passengers?",
    threshold: 0.25,
    histories: yield* store.putJson(state()),
    knownUntil,
    releasedAt: new Date("2001-06-01T08:00:00Z"),
  };
  return release;
});

/** The same as a release of version 1. */
export const release = candidate().pipe(
  Effect.map((one): Release.ModelRelease => ({ ...one, version: 1 })),
);

/** A valid request. Of AAA, 4 of 8 were late lately. */
export const request = { at: "2001-06-01T00:30:00Z", km: 1000, from: "AAA", rain: true };

/** The digest of the model in a release. */
export const modelOf = (one: Release.AnyRelease): Digest.Digest | undefined =>
  Release.isSystem(one) ? undefined : one.model.document.digest;
