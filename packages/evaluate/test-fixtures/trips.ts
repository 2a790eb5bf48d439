/** A small world for tests: trips that are late or not, hand-made models of them, and test tables. */
import {
  Artifact,
  Charter,
  Column,
  Contract,
  type Exhibit,
  type Finding,
  type Metric,
  Stage,
  Store,
} from "@ml-pipe/core";
import { Duckdb, type Estimator, FeatureSet, Model, Rule, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { TestClock } from "effect/testing";
import type { EvaluateStage } from "../src/Evaluate.ts";

export const Trip = Contract.make("trip", {
  version: "1.0.0",
  owner: "dispatch",
  columns: {
    at: Column.timestamp({ description: "departure" }),
    x: Column.float({ description: "log-odds of being late, plus 1" }),
    peek: Column.float({ nullable: true, description: "claims to be known at departure" }),
    origin: Column.string({ nullable: true }),
    late: Column.boolean({ availableAt: "outcome", nullable: true }),
  },
  eventTime: "at",
});

export const TripFeatures = FeatureSet.make("trip-features", {
  version: "1.0.0",
  of: Trip,
  decidedAt: "at",
  keep: ["origin"],
  features: ($) => ({ x: $.x, peek: $.peek }),
  label: ($) => $.late,
});

/** Same columns, another name: models of it do not fit. */
export const OtherFeatures = FeatureSet.make("other-features", {
  version: "1.0.0",
  of: Trip,
  decidedAt: "at",
  keep: ["origin"],
  features: ($) => ({ x: $.x, peek: $.peek }),
  label: ($) => $.late,
});

export const charterWith = (
  options: {
    readonly smallestGain?: number;
    readonly warnFrom?: number;
    readonly truePositive?: number;
    readonly killOn?: string;
    readonly budgets?: Charter.Budgets;
  } = {},
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
      costs: {
        truePositive: options.truePositive ?? 15,
        falsePositive: 15,
        falseNegative: 60,
        trueNegative: 0,
      },
    },
    baseline: Rule.baseline(TripFeatures.contract, {
      name: "rule of thumb",
      description: "warn when it looks bad",
      when: ($) => $.x.gt(options.warnFrom ?? 1.5),
    }),
    smallestGain: options.smallestGain ?? 0.5,
    surface: "app",
    ...(options.budgets === undefined ? {} : { budgets: options.budgets }),
    kill: { on: options.killOn ?? "2027-12-31", criterion: "no gain after a year" },
    owner: "passenger-care",
  });

/** The right model of these trips: P(late) = sigmoid(x − 1). */
export const rightModel: Estimator.LinearModel = {
  _tag: "LinearModel",
  version: 1,
  link: "logit",
  features: ["x", "peek"],
  intercepts: [-1],
  coefficients: [[1, 0]],
  mean: [0, 0],
  sd: [1, 1],
  imputation: [0, 0],
};

/** Sees only `peek`: P(late) is `high` above 0.5, else `low`. */
export const peekingModel = (low: number, high: number): Estimator.TreeEnsemble => ({
  _tag: "TreeEnsemble",
  version: 1,
  objective: "logistic",
  features: ["x", "peek"],
  baseScores: [0],
  trees: [
    {
      feature: [1, -1, -1],
      threshold: [0.5, 0, 0],
      left: [1, 0, 0],
      right: [2, 0, 0],
      missingLeft: [1, 0, 0],
      value: [0, Math.log(low / (1 - low)), Math.log(high / (1 - high))],
      cover: [2, 1, 1],
    },
  ],
  importance: [1, 99],
});

export const constantModel = (value: number): Estimator.ConstantModel => ({
  _tag: "ConstantModel",
  version: 1,
  features: ["x", "peek"],
  values: [value],
});

const split = "split-one";

/** What generated trips are like. */
interface TripOptions {
  readonly days: number;
  readonly perDay: number;
  /** SQL over `i`, `day`, `x`, `u` (uniform), `label`; default missing. */
  readonly peek?: string;
  /** SQL; default sigmoid(x − 1) > u. */
  readonly label?: string;
  /** SQL; default one of A, B, C. */
  readonly origin?: string;
  readonly split?: string | null;
}

/**
 * Generated trips, as many a day as `perDay`: `x` is spread evenly over −3 to 3 and `label` is true with
 * probability sigmoid(x − 1). Everything is a hash of the row's number.
 */
const tripsSql = (options: TripOptions, firstDay: number, salt: number): string => {
  const uniform = (n: number) => `(hash(i * 7 + ${salt + n}) % 1000003) / 1000003.0`;
  return `
    SELECT "at", x, CAST(${options.peek ?? "NULL"} AS DOUBLE) AS peek,
      CAST(${options.origin ?? "substr('ABC', 1 + i % 3, 1)"} AS VARCHAR) AS origin, label
    FROM (SELECT *, ${options.label ?? "u < 1 / (1 + exp(1 - x))"} AS label FROM (
      SELECT i, i // ${options.perDay} AS day,
        epoch_ms((${firstDay} + i // ${options.perDay}) * 86400000 + 3600000) AS "at",
        -3 + 6 * ${uniform(1)} AS x, ${uniform(2)} AS u, ${uniform(3)} AS v
      FROM (SELECT range AS i FROM range(${options.days * options.perDay}))))
    ORDER BY "at", i`;
};

/** The check that says of these trips that "peek" has no values, unless it is given some. */
export const withoutValues = "leakage.single-feature";

const firstTestDay = Math.floor(990_000_000_000 / 86_400_000);

/** Writes a test table of generated trips. */
export const tripsOf = (options: TripOptions) =>
  Table.write(TripFeatures.contract, "test", {
    query: tripsSql(options, firstTestDay, 0),
    split: options.split === undefined ? split : options.split,
  });

/** Writes a validation table of the same trips, of the days before the test. */
export const validationTripsOf = (options: TripOptions) =>
  Table.write(TripFeatures.contract, "validation", {
    query: tripsSql(options, firstTestDay - options.days - 1, 900_000),
    split: options.split === undefined ? split : options.split,
  });

/** Writes the train table of the same trips, of the days before. */
export const trainTripsOf = (options: Partial<TripOptions> = {}) => {
  const trips = { days: 20, perDay: 100, ...options };
  return Table.write(TripFeatures.contract, "train", {
    query: tripsSql(trips, firstTestDay - trips.days - 1, 500_000),
    split: trips.split === undefined ? split : trips.split,
  });
};

/** Stores a model that claims to have been trained on the usual train table. */
export const modelOf = (
  estimator: Estimator.Estimator,
  trainedOn: Partial<Model.AnyModel["trainedOn"]> = {},
) =>
  Effect.flatMap(trainTripsOf(), (train) =>
    Model.store(TripFeatures, {
      estimator,
      kind: "hand-made model",
      trainedOn: { split, table: Table.digestOf(train), rows: train.rows, ...trainedOn },
    }),
  );

type Trips = typeof TripFeatures.contract;

/**
 * Judges a model as if nobody had looked at these rows before; by default beside the usual train table.
 */
export const judge = (
  stage: EvaluateStage<Trips>,
  input: {
    readonly model: Model.Model<Trips>;
    readonly data: Table.Table<Trips, "test">;
    readonly train?: Table.Table<Trips, "train">;
  },
) =>
  Effect.gen(function* () {
    return yield* stage.run({ train: input.train ?? (yield* trainTripsOf()), ...input });
  }).pipe(Effect.provide(Store.Store.layerMemory));

/** DuckDB and a store in a temporary folder. */
export const services = Layer.mergeAll(
  Duckdb.Duckdb.layer({ threads: 2 }),
  Artifact.ArtifactStore.layerTemporary,
);

/** What a stage told while it ran. */
export interface Recorded {
  readonly findings: Array<Finding.Finding>;
  readonly exhibits: Array<Exhibit.Exhibit>;
}

/** Runs with the services, in 2026, and records what stages tell. */
export const recording = <A, E, R>(
  run: (recorded: Recorded) => Effect.Effect<A, E, R>,
): Effect.Effect<
  A,
  E | Artifact.ArtifactStoreError,
  Exclude<R, Layer.Success<typeof services>>
> => {
  const recorded: Recorded = { findings: [], exhibits: [] };
  const record = (event: Stage.StageEvent) =>
    Effect.sync(() => {
      if (event._tag === "Finding") recorded.findings.push(event.finding);
      if (event._tag === "Exhibit") recorded.exhibits.push(event.exhibit);
    });
  return TestClock.setTime(Date.UTC(2026, 10, 24)).pipe(
    Effect.andThen(run(recorded)),
    Effect.provideService(Stage.Reporter, record),
    Effect.provide(services),
  );
};
