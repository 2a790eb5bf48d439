/** What a release predicted on each live row, what came of it, and what both cost. */
import type { Artifact, Charter, Contract, Metric } from "@ml-pipe/core";
import {
  Cost,
  Decisions,
  type Duckdb,
  type FeatureSet,
  Predictions,
  Regression,
  Release,
  type StatisticsError,
  type Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/** Parallel arrays, one element per row. Costs count only where the outcome is known. */
export interface Outcomes extends Pick<
  Predictions.Predictions,
  "rows" | "undated" | "unlabelled" | "premature"
> {
  readonly day: Float64Array;
  /** The probability, the number, or the probability of the most probable class. */
  readonly predicted: Float64Array;
  /** 1 or 0, the number, or whether the most probable class was right; NaN where that is not known. */
  readonly observed: Float64Array;
  readonly cost: Float64Array;
  readonly baselineCost: Float64Array;
}

/** Scores the live rows and charges what is known by the charter's metric. */
export const outcomesOf = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  about: {
    readonly release: Release.ModelRelease;
    readonly live: Table.AnyTable;
    readonly charter: Charter.Charter;
    readonly outcomesBy: number;
  },
): Effect.fn.Return<
  Outcomes,
  Decisions.DecisionsError | StatisticsError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const { release, live, charter, outcomesBy } = about;
  const { metric, baseline } = charter.spec;
  const asked = {
    model: release.model,
    table: live,
    baseline,
    rows: "all",
    outcomesBy,
    blocks: "day",
  } as const;
  if ("costs" in metric) {
    const decided = yield* Decisions.read(set, asked);
    const { probability, label } = decided;
    const matrix = { ...metric.costs, unit: metric.unit };
    const known = label.map((one) => (one === 1 ? 1 : 0));
    const costOf = (scores: Float64Array, from: number) =>
      Effect.fromResult(Cost.rowCosts(scores, known, from, matrix));
    const cost = rowsOr(decided.rows, costOf(probability, Release.thresholdOf(release)));
    return {
      ...decided,
      day: decided.block,
      predicted: probability,
      observed: label,
      cost: yield* cost,
      baselineCost: yield* rowsOr(decided.rows, costOf(decided.baseline, 1)),
    };
  }
  if ("error" in metric) {
    const predicted = yield* Predictions.read(set, asked);
    const { scores, label } = predicted;
    const known = label.map((one) => (Number.isNaN(one) ? 0 : one));
    const costOf = (numbers: Float64Array) =>
      Effect.fromResult(Regression.rowErrors(numbers, known, metric.error));
    return {
      ...predicted,
      day: predicted.block,
      predicted: scores,
      observed: label,
      cost: yield* rowsOr(predicted.rows, costOf(scores)),
      baselineCost: yield* rowsOr(predicted.rows, costOf(predicted.baseline)),
    };
  }
  if ("classCosts" in metric) return yield* ofClasses(set, asked, metric, release);
  throw new TypeError(`monitor: a release does not answer with what "${metric.name}" measures`);
});

/** Of no rows, nothing can be computed. */
const rowsOr = <E, R>(rows: number, costs: Effect.Effect<Float64Array, E, R>) =>
  rows === 0 ? Effect.succeed(new Float64Array()) : costs;

/** The release chose by its own costs; what it chose is charged by the charter's. */
const ofClasses = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  asked: Predictions.PredictionsOptions,
  metric: Metric.ClassMetric,
  release: Release.ModelRelease,
): Effect.fn.Return<
  Outcomes,
  Predictions.PredictionsError | StatisticsError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const charged = yield* Effect.fromResult(Cost.choiceMatrix(metric));
  const { classCosts = metric.classCosts } = release;
  const chooses = yield* Effect.fromResult(Cost.choiceMatrix({ ...metric, classCosts }));
  const predicted = yield* Predictions.read(set, {
    ...asked,
    classes: { labels: charged.classes, choices: charged.choices },
  });
  const { label, rows } = predicted;
  const width = chooses.classes.length;
  const probabilities = yield* Predictions.probabilitiesOf(predicted, chooses.classes);
  const places = chooses.choices.map((choice) => charged.choices.indexOf(choice));
  const chosen = (yield* Effect.fromResult(Cost.cheapest(probabilities, chooses))).map(
    (choice) => places[choice] ?? -1,
  );
  const known = label.map((one) => (Number.isNaN(one) ? 0 : one));
  const costOf = (choice: Float64Array) =>
    rowsOr(rows, Effect.fromResult(Cost.choiceCosts(choice, known, charged)));
  const confidence = new Float64Array(rows);
  const right = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let best = 0;
    for (let one = 1; one < width; one++) {
      if (probabilities[row * width + one]! > probabilities[row * width + best]!) best = one;
    }
    confidence[row] = probabilities[row * width + best]!;
    right[row] = Number.isNaN(label[row]!)
      ? Number.NaN
      : Number(chooses.classes[best] === charged.classes[label[row]!]);
  }
  return {
    ...predicted,
    day: predicted.block,
    predicted: confidence,
    observed: right,
    cost: yield* costOf(chosen),
    baselineCost: yield* costOf(predicted.baseline),
  };
});
