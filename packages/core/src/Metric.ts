/**
 * Metrics: the quantity that a charter promises to improve. One metric value drives the offline gate
 * and what monitoring watches, so that both speak of the same thing.
 *
 * What a metric measures follows from what is predicted: the costs of a yes/no decision, the error of a
 * number, the costs of choosing among classes, or the quality of a list. Costs and errors are better when
 * lower, the quality of a list when higher.
 */
import * as Schema from "effect/Schema";

const named = {
  name: Schema.String,
  /** Such as `USD per flight`. */
  unit: Schema.String,
};

/**
 * What each of the four outcomes of a yes/no decision costs, in the metric's unit. `positive` is the
 * decision to act; `true` and `false` say whether acting turned out right. Savings are negative.
 */
export const DecisionCosts = Schema.Struct({
  truePositive: Schema.Finite,
  falsePositive: Schema.Finite,
  falseNegative: Schema.Finite,
  trueNegative: Schema.Finite,
});
/** See {@link DecisionCosts}. */
export type DecisionCosts = typeof DecisionCosts.Type;

/** The mean cost of a yes/no decision. Lower is better. */
export const DecisionMetric = Schema.Struct({ ...named, costs: DecisionCosts });
/** See {@link DecisionMetric}. */
export type DecisionMetric = typeof DecisionMetric.Type;

const Positive = Schema.Finite.check(Schema.isGreaterThan(0));

/**
 * What a wrong number costs, with `p` predicted and `y` found:
 * - `absolute`: `|p − y|`, in the unit of the number;
 * - `squared`: `(p − y)²`, in the square of that unit;
 * - `quantile`: the pinball loss (Koenker and Bassett 1978), lowest for that quantile of the number:
 *   `q · (y − p)` below it and `(1 − q) · (p − y)` above;
 * - `over` and `under`: what each unit too much and each unit too little costs, in the metric's unit.
 */
export const NumberError = Schema.Union([
  Schema.Literals(["absolute", "squared"]),
  Schema.Struct({
    quantile: Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThan(1)),
  }),
  Schema.Struct({ over: Positive, under: Positive }),
]);
/** See {@link NumberError}. */
export type NumberError = typeof NumberError.Type;

/** The mean error of a predicted number. Lower is better. */
export const NumberMetric = Schema.Struct({ ...named, error: NumberError });
/** See {@link NumberMetric}. */
export type NumberMetric = typeof NumberMetric.Type;

/**
 * What choosing costs, by the class that it turned out to be and then by what was chosen:
 * `{ spam: { spam: 0, ham: 1 }, ham: { spam: 20, ham: 0 } }`. What can be chosen is the same for every
 * class; beside the classes it may hold other ways out, such as to ask a person.
 */
export const ClassCosts = Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Finite));
/** See {@link ClassCosts}. */
export type ClassCosts = typeof ClassCosts.Type;

/** The mean cost of choosing among classes. Lower is better. */
export const ClassMetric = Schema.Struct({ ...named, classCosts: ClassCosts });
/** See {@link ClassMetric}. */
export type ClassMetric = typeof ClassMetric.Type;

/** How good the first `at` items of a list are: see `Ranking` in `@ml-pipe/data`. */
export const ListQuality = Schema.Struct({
  quality: Schema.Literals(["ndcg", "map", "mrr", "recall", "precision"]),
  at: Schema.Int.check(Schema.isGreaterThan(0)),
  /** For `ndcg`, what an item of relevance `r` is worth: `2^r − 1` (the default), or `r` itself. */
  gain: Schema.optionalKey(Schema.Literals(["exponential", "linear"])),
});
/** See {@link ListQuality}. */
export type ListQuality = typeof ListQuality.Type;

/** The mean quality of a list, such as one for each user. Higher is better. */
export const ListMetric = Schema.Struct({ ...named, list: ListQuality });
/** See {@link ListMetric}. */
export type ListMetric = typeof ListMetric.Type;

/** A business metric. Which one it is shows in its key: `costs`, `error`, `classCosts` or `list`. */
export const Metric = Schema.Union([DecisionMetric, NumberMetric, ClassMetric, ListMetric]);
/** See {@link Metric}. */
export type Metric = typeof Metric.Type;

const keys = ["costs", "error", "classCosts", "list"] as const;

/** What is wrong with a metric of the right form; empty if it is sound. */
export const problems = (metric: Metric): ReadonlyArray<string> => {
  const given = keys.filter((key) => key in metric);
  return [
    ...(given.length === 1 ? [] : [`metric: ${given.join(" and ")} are given; give one of them`]),
    ...("classCosts" in metric ? classProblems(metric.classCosts) : []),
  ];
};

const classProblems = (costs: ClassCosts): ReadonlyArray<string> => {
  const classes = Object.keys(costs);
  const choices = choicesOf({ classCosts: costs });
  return [
    ...(classes.length >= 2
      ? []
      : [`metric.classCosts: ${classes.length} classes; give two or more`]),
    ...classes.flatMap((one) =>
      choices
        .filter((choice) => costs[one]?.[choice] === undefined)
        .map((choice) => `metric.classCosts: what does choosing "${choice}" cost for "${one}"?`),
    ),
    ...classes
      .filter((one) => !choices.includes(one))
      .map((one) => `metric.classCosts: the class "${one}" can never be chosen`),
  ];
};

/**
 * What can be chosen, in the order in which it is written: the classes, and other ways out.
 *
 * @example
 * ```ts
 * import { Metric } from "@ml-pipe/core";
 *
 * const choices = Metric.choicesOf({
 *   classCosts: { spam: { spam: 0, ham: 1, ask: 2 }, ham: { spam: 20, ham: 0, ask: 2 } },
 * }); // ["spam", "ham", "ask"]
 * ```
 */
export const choicesOf = ({
  classCosts,
}: Pick<ClassMetric, "classCosts">): ReadonlyArray<string> => [
  ...new Set(Object.values(classCosts).flatMap((row) => Object.keys(row))),
];

/**
 * The metric of choosing among classes where every mistake is as bad as another: its mean is the share
 * of rows that are wrong.
 *
 * @example
 * ```ts
 * import { Metric } from "@ml-pipe/core";
 *
 * const metric = Metric.misclassification(["setosa", "versicolor", "virginica"]);
 * ```
 */
export const misclassification = (
  classes: ReadonlyArray<string>,
  { name = "misclassification", unit = "mistakes per row" } = {},
): ClassMetric => ({
  name,
  unit,
  classCosts: Object.fromEntries(
    classes.map((actual) => [
      actual,
      Object.fromEntries(classes.map((chosen) => [chosen, chosen === actual ? 0 : 1])),
    ]),
  ),
});

/** Whether more of the metric is better: only of the quality of a list. */
export const higherIsBetter = (metric: Metric): boolean => "list" in metric;

/**
 * What a metric charges or measures, for a person.
 *
 * @example
 * ```ts
 * import { Metric } from "@ml-pipe/core";
 *
 * const words: string = Metric.describe({
 *   name: "stock cost", unit: "USD per day", error: { over: 1, under: 3 },
 * }); // each unit too much costs 1, each unit too little 3
 * ```
 */
export const describe = (metric: Metric): string => {
  if ("costs" in metric) {
    const { truePositive, falsePositive, falseNegative, trueNegative } = metric.costs;
    return `what each outcome costs: true positive ${truePositive}, false positive ${falsePositive}, false negative ${falseNegative}, true negative ${trueNegative}`;
  }
  if ("classCosts" in metric) {
    return `what each choice costs: ${Object.entries(metric.classCosts)
      .map(
        ([actual, row]) =>
          `${actual} (${Object.entries(row)
            .map(([chosen, cost]) => `${chosen} ${cost}`)
            .join(", ")})`,
      )
      .join("; ")}`;
  }
  if ("list" in metric) return `${listNames[metric.list.quality]} of the first ${metric.list.at}`;
  const { error } = metric;
  if (error === "absolute") return "how far the number is off";
  if (error === "squared") return "the square of how far the number is off";
  return "quantile" in error
    ? `how far the number is off, ${error.quantile} times where it is too low and ${Number((1 - error.quantile).toPrecision(12))} times where it is too high`
    : `each unit too much costs ${error.over}, each unit too little ${error.under}`;
};

const listNames = {
  ndcg: "NDCG",
  map: "mean average precision",
  mrr: "mean reciprocal rank",
  recall: "recall",
  precision: "precision",
} as const;
