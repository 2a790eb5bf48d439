/** How wrong a model is on the rows of a table. */
import type { Artifact } from "@ml-pipe/core";
import {
  Calibration,
  type Duckdb,
  type Estimator,
  type FeatureSet,
  Model,
  Scoring,
  type Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  failOn,
  type TrainingError,
  trainingError,
  type TrainingProblem,
} from "../trainingData.ts";
import { readTable } from "../trainingTable.ts";

/** The mean over rows of the log loss, squared error of probabilities, error of numbers, or mistakes. */
export type Loss = "logLoss" | "brier" | "squared" | "absolute" | "poisson" | "mistakes";

/** What is compared where nobody says, by kind of label. */
export const defaultLoss = { boolean: "logLoss", number: "squared", text: "logLoss" } as const;

/** Mean loss, and of how many rows. */
export interface Measured {
  readonly loss: number;
  readonly rows: number;
}

/** What measuring can fail with. */
export type MeasureError =
  | TrainingError
  | Model.LoadError
  | Scoring.OpenError
  | Estimator.ScoreInputInvalid
  | Duckdb.DuckdbError
  | Table.ReadError;

/** Scores the labelled rows of a table and takes the mean of their losses. */
export const measure: (
  set: FeatureSet.FeatureSet,
  model: Model.AnyModel,
  table: Table.AnyTable,
  loss: Loss,
) => Effect.Effect<Measured, MeasureError, Duckdb.Duckdb | Artifact.ArtifactStore> =
  Effect.fnUntraced(function* (set, model, table, loss) {
    const document = yield* Model.load(model);
    const { estimator, transform, signature } = document;
    const classes = signature._tag === "classes" ? signature.classes : undefined;
    const { features } = estimator;
    const { columns, labels } = yield* readTable(set, table, { transform, classes, features });
    yield* failOn("data", problemsOf(labels, loss, classes));
    return yield* Effect.scoped(
      Effect.gen(function* () {
        const scoring = yield* Scoring.open(document);
        const scores = new Float64Array(labels.length * scoring.width);
        yield* scoring.columns(columns, scores);
        const of = losses[loss];
        let sum = 0;
        for (let i = 0; i < labels.length; i++) {
          sum += of(scores.subarray(i * scoring.width, (i + 1) * scoring.width), labels[i] ?? 0);
        }
        const mean = sum / labels.length;
        if (!Number.isFinite(mean)) return yield* notFinite(mean, loss);
        return { loss: mean, rows: labels.length };
      }),
    );
  });

/** Why these labels cannot be measured on. */
const problemsOf = (
  labels: Float64Array,
  loss: Loss,
  classes: ReadonlyArray<string> | undefined,
): ReadonlyArray<TrainingProblem> => {
  const where = "validation label";
  if (labels.length === 0) {
    const known = classes === undefined ? "" : ` and one of the classes ${classes.join(", ")}`;
    const next = "Make the validation part larger, or check how outcomes come into it.";
    return [{ what: `no row has an outcome${known} to measure a loss on`, where, next }];
  }
  const negative = loss === "poisson" ? labels.findIndex((label) => label < 0) : -1;
  const next = 'Compare by the loss "squared" or "absolute": of a count, none is below 0.';
  return negative < 0
    ? []
    : [{ what: `label ${labels[negative]} is below 0`, where: `${where}, row ${negative}`, next }];
};

const notFinite = (loss: number, name: Loss): TrainingError =>
  trainingError("numeric", [
    {
      what: `the mean ${name} of the validation rows is ${loss}`,
      where: "validation rows",
      next: "Look for predictions and labels that are infinite or extremely large.",
    },
  ]);

type RowLoss = (scores: Float64Array, label: number) => number;

/** The probability of what came true. */
const ofTruth: RowLoss = (scores, label) => {
  const [only = 0] = scores;
  return scores.length > 1 ? (scores[label] ?? 0) : label === 1 ? only : 1 - only;
};

const losses: { readonly [K in Loss]: RowLoss } = {
  logLoss: (scores, label) => -Math.log(Math.max(ofTruth(scores, label), Calibration.nearest)),
  brier: ([p = 0], label) => (p - label) ** 2,
  squared: ([value = 0], label) => (value - label) ** 2,
  absolute: ([value = 0], label) => Math.abs(value - label),
  // The deviance; a mean of 0 counts as almost 0.
  poisson: ([value = 0], label) => {
    const mean = Math.max(value, Calibration.nearest);
    return 2 * ((label > 0 ? label * Math.log(label / mean) : 0) - (label - mean));
  },
  mistakes: (scores, label) => {
    const first = scores.reduce((best, p, k) => (p > (scores[best] ?? 0) ? k : best), 0);
    return first === label ? 0 : 1;
  },
};
