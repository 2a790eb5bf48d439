/**
 * Business costs: what a charter's metric charges for each row, whatever is predicted. A model says something
 * of a row (a probability, a number, one for each class), something is done about it (yes or no, the number, a
 * choice), and that costs, once the outcome is known. What judges by costs asks here, so that it judges
 * decisions, numbers and classes alike.
 */
import type { Metric } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { Signature } from "./Model.ts";
import { probabilitiesOf, type Predictions, type UnknownClasses } from "./Predictions.ts";
import type { ModelRelease } from "./Release.ts";
import * as Cost from "./statistics/Cost.ts";
import { noNaN, problem } from "./statistics/internal/Check.ts";
import * as Regression from "./statistics/Regression.ts";
import type { StatisticsError } from "./statistics/StatisticsError.ts";

/** The metrics that charge rows one by one; that of a list does not. */
export type RowMetric = Metric.DecisionMetric | Metric.NumberMetric | Metric.ClassMetric;

/** What a model says of rows. */
export type Said = Pick<Predictions, "signature" | "scores" | "rows">;

/** How rows are charged. Costs are per row, in {@link unit}. */
export interface BusinessCost {
  readonly unit: string;
  /** What a model must say. */
  readonly needs: Signature["_tag"];
  /** For classes: what labels can be, and what can be chosen. */
  readonly classes: Pick<Cost.ChoiceMatrix, "choices"> & {
    readonly labels: ReadonlyArray<string>;
  };
  /** The probability from which is acted; undefined unless a decision is yes or no. */
  readonly threshold: number | undefined;
  /** What is done about what a model says: 1 or 0, the number, or the place of the choice. */
  readonly done: (said: Said) => Effect.Effect<Float64Array, StatisticsError | UnknownClasses>;
  /** What it costs to have done this, by outcome: 1 or 0, the number, or the place of the class. */
  readonly of: (
    done: Float64Array,
    outcome: Float64Array,
  ) => Effect.Effect<Float64Array, StatisticsError>;
  /** What it costs to do what is cheapest for each outcome: with perfect foresight. */
  readonly withForesight: (outcome: Float64Array) => Effect.Effect<Float64Array, StatisticsError>;
  /** What doing one thing instead of another can save on a row, ascending; undefined where it is any amount. */
  readonly savings: ReadonlyArray<number> | undefined;
}

/**
 * How a metric charges. Fails with `StatisticsError` where its costs favour one decision or choice always.
 *
 * @example
 * ```ts
 * import { BusinessCost } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 * import * as Result from "effect/Result";
 *
 * const cost = Result.getOrThrow(
 *   BusinessCost.of({ name: "stock", unit: "EUR per day", error: { over: 1, under: 3 } }),
 * );
 * // One loaf too many, and two too few.
 * const charged = cost.of(Float64Array.of(11, 8), Float64Array.of(10, 10)); // [1, 6]
 * const free = cost.withForesight(Float64Array.of(10, 10)); // [0, 0]
 * ```
 */
export const of = (metric: RowMetric): Result.Result<BusinessCost, StatisticsError> => {
  if ("costs" in metric) return ofDecisions(metric);
  if ("error" in metric) return Result.succeed(ofNumbers(metric));
  return Result.map(Cost.choiceMatrix(metric), ofChoices);
};

/**
 * The same costs, where what is done follows from a release's own policy: the threshold or the costs that it
 * was made with.
 *
 * @example
 * ```ts
 * import { BusinessCost, type Release } from "@ml-pipe/data";
 * import * as Result from "effect/Result";
 *
 * const inPlace = (metric: BusinessCost.RowMetric, release: Release.ModelRelease) =>
 *   BusinessCost.of(metric).pipe(Result.flatMap((cost) => BusinessCost.asReleased(cost, release)));
 * ```
 */
export const asReleased = (
  cost: BusinessCost,
  { threshold, classCosts }: Pick<ModelRelease, "threshold" | "classCosts">,
): Result.Result<BusinessCost, StatisticsError> => {
  if (threshold !== undefined) {
    return Result.succeed({ ...cost, threshold, done: acting(threshold) });
  }
  if (classCosts === undefined) return Result.succeed(cost);
  return Result.flatMap(Cost.choiceMatrix({ name: "", unit: cost.unit, classCosts }), (own) => {
    const places = own.choices.map((choice) => cost.classes.choices.indexOf(choice));
    const unpriced = own.choices.filter((_, one) => places[one] === -1);
    if (unpriced.length > 0) {
      const found = `the release can choose ${unpriced.map((one) => `"${one}"`).join(", ")}, for which there are no costs`;
      const next = "Say in the charter what choosing it costs";
      return Result.fail(problem("asReleased", "outOfRange", "classCosts", found, next));
    }
    const chosen = choosing(own);
    return Result.succeed({
      ...cost,
      done: (said) => Effect.map(chosen(said), (all) => all.map((one) => places[one] ?? -1)),
    });
  });
};

const none = { labels: [], choices: [] };

const acting =
  (threshold: number): BusinessCost["done"] =>
  ({ scores }) => {
    const bad = noNaN("done", "scores", scores);
    return bad === undefined
      ? Effect.succeed(scores.map((probability) => Number(probability >= threshold)))
      : Effect.fail(bad);
  };

const ofDecisions = ({
  costs,
  unit,
}: Metric.DecisionMetric): Result.Result<BusinessCost, StatisticsError> => {
  const matrix = { ...costs, unit };
  const charge = (done: Float64Array, outcome: Float64Array) =>
    ifAny(outcome, () => Cost.rowCosts(done, outcome, 1, matrix));
  const missed = costs.falseNegative - costs.truePositive;
  const wrong = costs.falsePositive - costs.trueNegative;
  return Result.map(Cost.optimalThreshold(matrix), (threshold) => ({
    unit,
    needs: "probability",
    classes: none,
    threshold,
    done: acting(threshold),
    of: charge,
    withForesight: (outcome) => charge(outcome, outcome),
    savings: ascending([-missed, -wrong, 0, missed, wrong]),
  }));
};

const ofNumbers = ({ error, unit }: Metric.NumberMetric): BusinessCost => ({
  unit,
  needs: "value",
  classes: none,
  threshold: undefined,
  done: ({ scores }) => Effect.succeed(scores),
  of: (done, outcome) => ifAny(outcome, () => Regression.rowErrors(done, outcome, error)),
  withForesight: (outcome) => Effect.succeed(new Float64Array(outcome.length)),
  savings: undefined,
});

const ofChoices = (matrix: Cost.ChoiceMatrix): BusinessCost => {
  const { classes, choices, costs, unit } = matrix;
  const rows = classes.map((_, one) =>
    costs.subarray(one * choices.length, (one + 1) * choices.length),
  );
  const cheapest = rows.map((row) => row.indexOf(Math.min(...row)));
  const charge = (done: Float64Array, outcome: Float64Array) =>
    ifAny(outcome, () => Cost.choiceCosts(done, outcome, matrix));
  return {
    unit,
    needs: "classes",
    classes: { labels: classes, choices },
    threshold: undefined,
    done: choosing(matrix),
    of: charge,
    withForesight: (outcome) =>
      charge(
        outcome.map((one) => cheapest[one] ?? -1),
        outcome,
      ),
    savings: ascending(
      rows.flatMap((row) => [...row].flatMap((one) => [...row].map((other) => other - one))),
    ),
  };
};

const choosing =
  (matrix: Cost.ChoiceMatrix): BusinessCost["done"] =>
  (said) =>
    Effect.flatMap(probabilitiesOf(said, matrix.classes), (probabilities) =>
      Effect.fromResult(Cost.cheapest(probabilities, matrix)),
    );

const ascending = (values: ReadonlyArray<number>): ReadonlyArray<number> =>
  [...new Set(values)].toSorted((a, b) => a - b);

/** Of no rows, nothing can be charged. */
const ifAny = (
  outcome: Float64Array,
  charge: () => Result.Result<Float64Array, StatisticsError>,
): Effect.Effect<Float64Array, StatisticsError> =>
  outcome.length === 0 ? Effect.succeed(new Float64Array()) : Effect.fromResult(charge());
