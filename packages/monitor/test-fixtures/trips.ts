/** A small world for tests: a release of a hand-made model, its training table and live tables. */
import {
  Artifact,
  Charter,
  Column,
  Contract,
  Digest,
  type Exhibit,
  type Finding,
  type Signal,
  Stage,
  Verdict,
} from "@ml-pipe/core";
import {
  Duckdb,
  type Estimator,
  FeatureSet,
  Model,
  type Release,
  Rule,
  Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { TestClock } from "effect/testing";

export const Trip = Contract.make("trip", {
  version: "1.0.0",
  owner: "dispatch",
  columns: {
    at: Column.timestamp({ description: "departure" }),
    x: Column.float({ nullable: true, description: "log-odds of being late, plus 1" }),
    late: Column.boolean({ availableAt: "outcome", nullable: true }),
  },
  eventTime: "at",
});

export const TripFeatures = FeatureSet.make("trip-features", {
  version: "1.0.0",
  of: Trip,
  decidedAt: "at",
  features: ($) => ({ x: $.x, weekday: $.at.dayOfWeek() }),
  label: ($) => $.late,
});

/** Same columns, another name: its releases do not fit. */
export const OtherFeatures = FeatureSet.make("other-features", {
  version: "1.0.0",
  of: Trip,
  decidedAt: "at",
  features: ($) => ({ x: $.x, weekday: $.at.dayOfWeek() }),
  label: ($) => $.late,
});

export const charter = Charter.make({
  title: "Warn passengers of late trips",
  decision: {
    question: "warn passengers?",
    madeAt: "departure",
    actor: "dispatcher",
    outcomeKnownAfter: "36 hours",
  },
  metric: {
    name: "expected cost",
    unit: "EUR per trip",
    costs: { truePositive: 15, falsePositive: 15, falseNegative: 60, trueNegative: 0 },
  },
  baseline: Rule.baseline(TripFeatures.contract, {
    name: "rule of thumb",
    description: "warn when it looks bad",
    when: ($) => $.x.gt(1.5),
  }),
  smallestGain: 0.5,
  surface: "app",
  kill: { on: "2027-12-31", criterion: "no gain after a year" },
  owner: "passenger-care",
});

/** The right model of these trips: P(late) = sigmoid(x − 1). */
export const rightModel: Estimator.LinearModel = {
  _tag: "LinearModel",
  version: 1,
  link: "logit",
  features: ["x", "weekday"],
  intercepts: [-1],
  coefficients: [[1, 0]],
  mean: [0, 0],
  sd: [1, 1],
  imputation: [0, 0],
};

/** A release of a model trained on the table, as deploying would make it. */
export const releaseOn = (train: Table.AnyTable, estimator: Estimator.Estimator = rightModel) =>
  Model.store(TripFeatures, {
    estimator,
    kind: "hand-made model",
    trainedOn: { split: train.split, table: Table.digestOf(train), rows: train.rows },
  }).pipe(
    Effect.map((model): Release.Release<typeof TripFeatures.contract> => {
      const passed = { outcome: "passed", expected: "", found: "", next: "" } as const;
      return {
        name: "trips",
        version: 3,
        model,
        verdict: Verdict.judge([{ name: "by hand", check: () => passed }], null, {
          model: model.document.digest,
          charter: charter.digest,
          testSet: Digest.ofBytes("test"),
        }),
        charter: charter.digest,
        request: Trip.spec,
        decision: charter.spec.decision.question,
        threshold: 0.25,
        histories: model.document,
        knownUntil: new Date("2001-02-05"),
        releasedAt: new Date("2001-02-05"),
      };
    }),
  );

/** Monday, for both periods. */
export const firstTrainDay = "2001-01-01";
/** Monday. */
export const firstLiveDay = "2001-02-05";

/**
 * Writes a table of generated trips over a number of days, `perDay` each: `x` is spread evenly over −3 to
 * 3 and `label` is true with probability sigmoid(x − 1). Everything is a hash of the row's number.
 */
export const tripsOf = <R extends "train" | "live">(
  role: R,
  options: {
    readonly days: number;
    readonly perDay: number;
    /** SQL over `i`, `day`, `x0` (as generated), `u`; default `x0`. */
    readonly x?: string;
    /** SQL over `i`, `day`, `x`, `u`; default sigmoid(x − 1) > u. */
    readonly label?: string;
    /** SQL over `i`, `day`; default all. */
    readonly where?: string;
  },
) => {
  const start = new Date(role === "train" ? firstTrainDay : firstLiveDay).getTime();
  const uniform = (salt: number) => `(hash(i * 7 + ${salt}) % 1000003) / 1000003.0`;
  return Table.write(TripFeatures.contract, role, {
    split: "split-one",
    query: `
      SELECT "at", x, CAST(1 + day % 7 AS DOUBLE) AS weekday,
        CAST(${options.label ?? "u < 1 / (1 + exp(1 - x))"} AS BOOLEAN) AS label
      FROM (SELECT *, CAST(${options.x ?? "x0"} AS DOUBLE) AS x FROM (
        SELECT i, i // ${options.perDay} AS day,
          epoch_ms(CAST(${start} + (i // ${options.perDay}) * 86400000 + (i % ${options.perDay}) * 1000 AS BIGINT)) AS "at",
          -3 + 6 * ${uniform(role === "train" ? 1 : 2)} AS x0, ${uniform(3)} AS u
        FROM (SELECT range AS i FROM range(${options.days * options.perDay}))))
      WHERE ${options.where ?? "TRUE"} ORDER BY i`,
  });
};

/** DuckDB and a store in a temporary folder. */
export const services = Layer.mergeAll(
  Duckdb.Duckdb.layer({ threads: 2 }),
  Artifact.ArtifactStore.layerTemporary,
);

/** What a stage told while it ran. */
export interface Recorded {
  readonly findings: Array<Finding.Finding>;
  readonly exhibits: Array<Exhibit.Exhibit>;
  readonly signals: Array<Signal.Emitted>;
}

/** Runs with the services and records what stages tell. */
export const recording = <A, E, R>(
  run: (recorded: Recorded) => Effect.Effect<A, E, R>,
): Effect.Effect<
  A,
  E | Artifact.ArtifactStoreError,
  Exclude<R, Layer.Success<typeof services>>
> => {
  const recorded: Recorded = { findings: [], exhibits: [], signals: [] };
  const record = (event: Stage.StageEvent) =>
    Effect.sync(() => {
      if (event._tag === "Finding") recorded.findings.push(event.finding);
      if (event._tag === "Exhibit") recorded.exhibits.push(event.exhibit);
      if (event._tag === "Signal") recorded.signals.push(event.emitted);
    });
  return TestClock.setTime(Date.UTC(2026, 10, 24)).pipe(
    Effect.andThen(run(recorded)),
    Effect.provideService(Stage.Reporter, record),
    Effect.provide(services),
  );
};
