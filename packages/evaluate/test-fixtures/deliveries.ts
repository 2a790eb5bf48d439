/** A small world for tests: deliveries that take some minutes and come by one of three ways. */
import { Charter, Column, Contract, type Metric, Store } from "@ml-pipe/core";
import {
  Expr,
  type Estimator,
  FeatureSet,
  Model,
  Rule,
  Table,
  type Transform,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { ClassificationOptions } from "../src/JudgeClasses.ts";
import type { RegressionOptions } from "../src/JudgeNumbers.ts";
import * as Evaluate from "../src/Evaluate.ts";

const Delivery = Contract.make("delivery", {
  version: "1.0.0",
  owner: "dispatch",
  columns: {
    at: Column.timestamp(),
    x: Column.float(),
    peek: Column.float({ nullable: true }),
    town: Column.string({ nullable: true }),
    minutes: Column.float({ unit: "min", availableAt: "outcome", nullable: true }),
    way: Column.string({ availableAt: "outcome", nullable: true }),
  },
  eventTime: "at",
});

const about = { version: "1.0.0", of: Delivery, decidedAt: "at", keep: ["town"] } as const;

/** How many minutes a delivery takes: 30 + 10 x on average. */
export const Minutes = FeatureSet.make("minutes", {
  ...about,
  features: ($) => ({ x: $.x, peek: $.peek }),
  label: ($) => $.minutes,
});

/** By which way it comes. */
export const Ways = FeatureSet.make("ways", {
  ...about,
  features: ($) => ({ x: $.x, peek: $.peek }),
  label: ($) => $.way,
});

const common = {
  title: "Deliver in time",
  decision: {
    question: "when?",
    madeAt: "dispatch",
    actor: "dispatcher",
    outcomeKnownAfter: "1 day",
  },
  surface: "app",
  kill: { on: "2027-12-31", criterion: "no gain after a year" },
  owner: "dispatch",
} as const;

/** Errors in minutes; today, everybody is told half an hour. */
export const minutesCharter = (
  options: {
    readonly error?: Metric.NumberError;
    readonly smallestGain?: number;
    readonly baseline?: Charter.Baseline;
    readonly budgets?: Charter.Budgets;
  } = {},
): Charter.Charter<Metric.NumberMetric> =>
  Charter.make({
    ...common,
    ...(options.budgets === undefined ? {} : { budgets: options.budgets }),
    metric: {
      name: "error",
      unit: "min per delivery",
      error: options.error ?? "absolute",
    },
    baseline:
      options.baseline ??
      Rule.numberBaseline(Minutes.contract, {
        name: "half an hour",
        description: "what everybody is told",
        value: () => 30,
      }),
    smallestGain: options.smallestGain ?? 1,
  });

/** What a wrong way costs; today, everything goes by van. */
export const waysCharter = (
  options: {
    readonly classCosts?: Metric.ClassCosts;
    readonly budgets?: Charter.Budgets;
    readonly baseline?: Charter.Baseline;
    readonly smallestGain?: number;
  } = {},
): Charter.Charter<Metric.ClassMetric> =>
  Charter.make({
    ...common,
    ...(options.budgets === undefined ? {} : { budgets: options.budgets }),
    metric: {
      name: "detours",
      unit: "EUR per delivery",
      classCosts: options.classCosts ?? {
        bike: { bike: 0, van: 2, boat: 9 },
        van: { bike: 5, van: 0, boat: 9 },
        boat: { bike: 9, van: 9, boat: 0 },
      },
    },
    baseline:
      options.baseline ??
      Rule.classBaseline(Ways.contract, {
        name: "by van",
        description: "what is done today",
        class: () => "van",
      }),
    smallestGain: options.smallestGain ?? 0.5,
  });

const linear = { _tag: "LinearModel", version: 1, features: ["x", "peek"] } as const;
const plain = { mean: [0, 0], sd: [1, 1], imputation: [0, 0] } as const;

/** `30 + 10 x`, and so many minutes more. */
export const minutesModel = (more = 0): Estimator.LinearModel => ({
  ...linear,
  ...plain,
  link: "identity",
  intercepts: [30 + more],
  coefficients: [[10, 0]],
});

/** The classes of {@link waysModel}, in the order of a training. */
export const ways = ["bike", "boat", "van"] as const;

/** Log-odds −x, x and 0, times `sharpness`: right with 1. */
export const waysModel = (sharpness = 1): Estimator.LinearModel => ({
  ...linear,
  ...plain,
  link: "softmax",
  intercepts: [0, 0, 0],
  coefficients: [
    [-sharpness, 0],
    [sharpness, 0],
    [0, 0],
  ],
});

const split = "split-one";
const firstTestDay = Math.floor(990_000_000_000 / 86_400_000);

/** What generated deliveries are like. */
export interface DeliveryOptions {
  readonly days?: number;
  readonly perDay?: number;
  /** SQL over `i`, `x`, `u`, `v` (uniform) and `label`. */
  readonly peek?: string;
  readonly label?: string;
  /** Of the train rows; default as if {@link label} were left out. */
  readonly trainLabel?: string;
}

/** Everything is a hash of the row's number: x from −3 to 3, noise of ± 10 minutes. */
const deliveriesSql = (options: DeliveryOptions, label: string, firstDay: number, salt: number) => {
  const { days = 40, perDay = 50 } = options;
  const uniform = (n: number) => `(hash(i * 7 + ${salt + n}) % 1000003) / 1000003.0`;
  return `
    SELECT "at", x, CAST(${options.peek ?? "NULL"} AS DOUBLE) AS peek,
      substr('ABC', CAST(1 + i % 3 AS INTEGER), 1) AS town, label
    FROM (SELECT *, ${options.label ?? label} AS label FROM (
      SELECT i, epoch_ms((${firstDay} + i // ${perDay}) * 86400000 + 3600000) AS "at",
        -3 + 6 * ${uniform(1)} AS x, ${uniform(2)} AS u, ${uniform(3)} AS v
      FROM (SELECT range AS i FROM range(${days * perDay}))))
    ORDER BY "at", i`;
};

const minutesSql = "30 + 10 * x + 20 * u - 10";
const waysSql = `CASE WHEN u * (exp(-x) + exp(x) + 1) < exp(-x) THEN 'bike'
  WHEN u * (exp(-x) + exp(x) + 1) < exp(-x) + exp(x) THEN 'boat' ELSE 'van' END`;

const tablesOf = Effect.fnUntraced(function* <Out extends Contract.Contract>(
  contract: Out,
  label: string,
  options: DeliveryOptions,
) {
  const train = yield* Table.write(contract, "train", {
    query: deliveriesSql(
      { ...options, days: 20, label: options.trainLabel ?? label },
      label,
      firstTestDay - 21,
      500_000,
    ),
    split,
  });
  const data = yield* Table.write(contract, "test", {
    query: deliveriesSql(options, label, firstTestDay, 0),
    split,
  });
  return { train, data };
});

/** Train and test tables of the minutes. */
export const minutesTables = (options: DeliveryOptions = {}) =>
  tablesOf(Minutes.contract, minutesSql, options);

/** Train and test tables of the ways. */
export const waysTables = (options: DeliveryOptions = {}) =>
  tablesOf(Ways.contract, waysSql, options);

const validationOf = <Out extends Contract.Contract>(contract: Out, label: string) =>
  Table.write(contract, "validation", {
    query: deliveriesSql({ days: 10, perDay: 100 }, label, firstTestDay - 40, 900_000),
    split,
  });

/** A validation table of the minutes: a thousand rows. */
export const minutesValidation = validationOf(Minutes.contract, minutesSql);

/** A validation table of the ways: a thousand rows. */
export const waysValidation = validationOf(Ways.contract, waysSql);

const trainedOn = (train: Table.AnyTable): Model.AnyModel["trainedOn"] => ({
  split,
  table: Table.digestOf(train),
  rows: train.rows,
});

/** Judges a model of the minutes as if nobody had looked at these rows before. */
export const judgeMinutes = Effect.fnUntraced(function* (
  options: RegressionOptions<"town", "x" | "peek">,
  rows: DeliveryOptions = {},
  model: { readonly estimator?: Estimator.Estimator; readonly signature?: Model.Signature } = {},
) {
  const { train, data } = yield* minutesTables(rows);
  const stored = yield* Model.store(Minutes, {
    estimator: minutesModel(),
    kind: "hand-made model",
    trainedOn: trainedOn(train),
    ...model,
  });
  const judged = yield* Evaluate.regression(Minutes, options)
    .run({ model: stored, train, data })
    .pipe(Effect.provide(Store.Store.layerMemory));
  return { ...judged, data };
});

/** Judges a model of the ways as if nobody had looked at these rows before. */
export const judgeWays = Effect.fnUntraced(function* (
  options: ClassificationOptions<"town", "x" | "peek">,
  rows: DeliveryOptions = {},
  model: {
    readonly estimator?: Estimator.Estimator;
    readonly transform?: Transform.Fitted;
    readonly classes?: ReadonlyArray<string>;
  } = {},
) {
  const { train, data } = yield* waysTables(rows);
  const stored = yield* Model.store(Ways, {
    estimator: model.estimator ?? waysModel(),
    transform: model.transform,
    kind: "hand-made model",
    trainedOn: trainedOn(train),
    signature: { _tag: "classes", classes: model.classes ?? ways },
  });
  const judged = yield* Evaluate.classification(Ways, options)
    .run({ model: stored, train, data })
    .pipe(Effect.provide(Store.Store.layerMemory));
  return { ...judged, data };
});

/** What decides between two choices of a rule. */
export const farByBoat = Rule.classBaseline(Ways.contract, {
  name: "far by boat",
  description: "from x = 1 on by boat",
  class: ($) => Expr.when($.x.gte(1), "boat", "van"),
});
