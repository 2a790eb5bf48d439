/**
 * Decisions: what a model and a baseline decide on the rows of a feature table whose label is yes or no. See
 * {@link Predictions} for labels of any kind.
 */
import type { Artifact, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Duckdb } from "./Duckdb.ts";
import type { FeatureSet } from "./FeatureSet.ts";
import * as Predictions from "./Predictions.ts";

export { Block, millisPerDay, prematureLabels } from "./Predictions.ts";

/** A model's score is not a probability, so no cost-optimal decision follows from it. */
export class NotProbabilities extends Schema.TaggedError<NotProbabilities>()("NotProbabilities", {
  kind: Schema.String,
  row: Schema.Int,
  score: Schema.Number,
}) {
  override get message(): string {
    const next = Number.isNaN(this.score)
      ? "It may not know missing values: fill them in within the model, or by Transform.impute"
      : 'Train it for yes/no (objective "logistic" or link "logit")';
    return `the ${this.kind} gives ${this.score} for row ${this.row}, where a probability from 0 to 1 is needed. ${next}.`;
  }
}

/** What {@link read} can fail with. */
export type DecisionsError = Predictions.PredictionsError | NotProbabilities;

/** The decisions on a table: parallel arrays in the order of its rows. */
export interface Decisions extends Omit<Predictions.Predictions, "scores" | "signature"> {
  /** The model's probability that the label is true. */
  readonly probability: Float64Array;
  /** 1, 0, or NaN where the outcome is not known. */
  readonly label: Float64Array;
  /** 1 where the baseline acts, else 0. */
  readonly baseline: Float64Array;
}

/** What {@link read} is asked for. */
export type DecisionsOptions = Omit<Predictions.PredictionsOptions, "classes">;

/**
 * Scores a feature table with a model and evaluates the baseline on it.
 *
 * @example
 * ```ts
 * import type { Charter } from "@ml-pipe/core";
 * import { Decisions, type FeatureSet, type Model, type Table } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const meanRisk = (
 *   set: FeatureSet.FeatureSet, model: Model.AnyModel, table: Table.AnyTable, baseline: Charter.Baseline,
 * ) =>
 *   Decisions.read(set, { model, table, baseline, rows: "all" }).pipe(
 *     Effect.map(({ probability, rows }) => probability.reduce((sum, p) => sum + p, 0) / rows),
 *   );
 * ```
 */
export const read = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet<C, Out>,
  options: DecisionsOptions,
): Effect.fn.Return<Decisions, DecisionsError, Duckdb | Artifact.ArtifactStore> {
  const { scores, signature, ...rest } = yield* Predictions.read(set, options);
  const { kind } = options.model;
  if (signature._tag !== "probability") {
    return yield* new NotProbabilities({ kind, row: 0, score: scores[0] ?? Number.NaN });
  }
  yield* requireProbabilities(kind, scores);
  return { ...rest, probability: scores };
});

const requireProbabilities = (
  kind: string,
  scores: Float64Array,
): Effect.Effect<void, NotProbabilities> => {
  const row = scores.findIndex((score) => !(score >= 0 && score <= 1));
  const score = scores[row];
  return score === undefined
    ? Effect.void
    : Effect.fail(new NotProbabilities({ kind, row, score }));
};
