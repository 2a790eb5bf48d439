/** The numbers of an evaluation of choices among classes, from the predictions for the test rows. */
import {
  Classification,
  Cost,
  type Estimator,
  Interval,
  Multiclass,
  type Predictions,
  type StatisticsError,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { ClassificationEvaluation, Estimated } from "../../Evaluation.ts";
import type { FurtherResults } from "../../FurtherGates.ts";
import { type Blocks, orNull } from "../blocks.ts";
import { type Bootstrap, paired, type PairedOptions } from "../paired.ts";

/** What the numbers depend on besides the predictions. */
export interface ClassificationMeasure extends PairedOptions {
  readonly matrix: Cost.ChoiceMatrix;
}

/** Predictions with one probability for each class of the matrix, in its order. */
export interface ClassPredictions extends Predictions.Predictions {
  readonly probabilities: Float64Array;
}

/** Computes the evaluation. */
export const measureClasses = Effect.fnUntraced(function* (
  predicted: ClassPredictions,
  options: ClassificationMeasure,
): Effect.fn.Return<
  Omit<ClassificationEvaluation, keyof FurtherResults>,
  StatisticsError | Estimator.ScoreInputInvalid
> {
  const { probabilities, baseline, label } = predicted;
  const { matrix } = options;
  const { classes, choices } = matrix;
  const scored = { probabilities, labels: label, classes: classes.length };
  const chosen = yield* Effect.fromResult(Cost.cheapest(probabilities, matrix));
  const costs = {
    model: yield* Effect.fromResult(Cost.choiceCosts(chosen, label, matrix)),
    baseline: yield* Effect.fromResult(Cost.choiceCosts(baseline, label, matrix)),
  };
  const { judgement, blocks, bootstrap } = yield* paired(predicted, costs, options);
  yield* Effect.yieldNow;
  const probable = mostProbable(probabilities, classes.length);
  const square = { labels: label, classes: classes.length, choices: classes.length };
  const table = yield* Effect.fromResult(
    Multiclass.confusion({ ...square, chosen: probable.class }),
  );
  const rates = yield* Effect.fromResult(Multiclass.rates(table, classes.length));
  const of = ratesByBlock(probable.class, label, classes.length, blocks, bootstrap);
  yield* Effect.yieldNow;
  const auc = yield* Effect.fromResult(Multiclass.oneVsRestAuc(scored));
  yield* Effect.yieldNow;
  const right = Uint8Array.from(label, (one, row) => Number(probable.class[row] === one));
  const decided = yield* Effect.fromResult(
    Multiclass.confusion({
      chosen,
      labels: label,
      classes: classes.length,
      choices: choices.length,
    }),
  );
  return {
    ...judgement,
    constant: cheapestChoice(decided, matrix),
    classes,
    choices,
    confusion: rowsOf(decided, choices.length),
    accuracy: of(rates.accuracy, ({ accuracy }) => accuracy),
    balancedAccuracy: of(rates.balancedAccuracy, ({ balancedAccuracy }) => balancedAccuracy),
    macroF1: of(rates.macroF1, ({ macroF1 }) => macroF1),
    weightedF1: rates.weightedF1,
    matthews: rates.matthews,
    kappa: rates.kappa,
    rocAuc: auc.macro,
    logLoss: yield* Effect.fromResult(Multiclass.logLoss(scored)),
    brierScore: yield* Effect.fromResult(Multiclass.brierScore(scored)),
    calibrationError: yield* Effect.fromResult(Multiclass.expectedCalibrationError(scored)),
    reliability: yield* Effect.fromResult(Classification.reliability(probable.probability, right)),
    perClass: yield* Effect.forEach(rates.perClass, (own, one) =>
      Effect.map(Effect.fromResult(Multiclass.classReliability(scored, one)), (reliability) => ({
        ...own,
        class: classes[one] ?? "",
        rocAuc: auc.perClass[one] ?? null,
        reliability,
      })),
    ),
  };
});

/** The one choice that is cheapest for all rows. */
const cheapestChoice = (
  decided: Float64Array,
  { choices, costs }: Cost.ChoiceMatrix,
): ClassificationEvaluation["constant"] => {
  const rowsOfClass = rowsOf(decided, choices.length).map((row) =>
    row.reduce((sum, one) => sum + one, 0),
  );
  const rows = rowsOfClass.reduce((sum, one) => sum + one, 0);
  const all = choices.map((choice, at) => ({
    choice,
    cost:
      rowsOfClass.reduce((sum, own, one) => sum + own * costs[one * choices.length + at]!, 0) /
      rows,
  }));
  return all.reduce((least, one) => (one.cost < least.cost ? one : least));
};

/** The most probable class of each row, the first of equal ones, and its probability. */
const mostProbable = (probabilities: Float64Array, classes: number) => {
  const rows = probabilities.length / classes;
  const found = { class: new Float64Array(rows), probability: new Float64Array(rows) };
  for (let row = 0; row < rows; row++) {
    let best = 0;
    for (let one = 1; one < classes; one++) {
      if (probabilities[row * classes + one]! > probabilities[row * classes + best]!) best = one;
    }
    found.class[row] = best;
    found.probability[row] = probabilities[row * classes + best]!;
  }
  return found;
};

/** Cells from which drawing tables again takes longer than it is worth. */
const mostCells = 400;

/** Rates with intervals, from the confusion table of each block. */
const ratesByBlock = (
  chosen: Float64Array,
  label: Float64Array,
  classes: number,
  blocks: Blocks,
  { level, seed }: Bootstrap,
) => {
  const cells = classes * classes;
  const tables = Array.from(
    { length: cells > mostCells ? 0 : cells },
    () => new Float64Array(blocks.size),
  );
  for (let row = 0; row < label.length; row++) {
    const table = tables[label[row]! * classes + chosen[row]!];
    if (table !== undefined) table[blocks.index[row]!]! += 1;
  }
  return (estimate: number, of: (rates: Multiclass.Rates) => number): Estimated => ({
    estimate,
    interval: orNull(
      Interval.bootstrapStatistic(
        tables,
        (table) => {
          const rates = Multiclass.rates(table, classes);
          return rates._tag === "Success" ? of(rates.success) : Number.NaN;
        },
        { level, seed, resamples: 1000 },
      ),
    ),
  });
};

const rowsOf = (table: Float64Array, width: number): ReadonlyArray<ReadonlyArray<number>> =>
  Array.from({ length: table.length / width }, (_, row) =>
    Array.from(table.subarray(row * width, (row + 1) * width)),
  );
