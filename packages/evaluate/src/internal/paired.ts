/** What every evaluation has, whatever is predicted: what model and baseline cost on the same rows. */
import type { Charter, Holdout } from "@ml-pipe/core";
import type { Estimator, Model, Predictions, StatisticsError } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { Judgement } from "../Evaluation.ts";
import { type Blocks, blocksOf, byBlock, estimate, sumByBlock } from "./blocks.ts";
import { contributionsOf } from "./explain/contributions.ts";
import { importanceOf } from "./leakage.ts";
import { judgeSlices, type SliceColumn } from "./slices.ts";

/** What the numbers depend on besides the predictions. */
export interface PairedOptions {
  readonly charter: Pick<Charter.Charter, "spec">;
  /** What the rows are numbered by. */
  readonly blocks: Predictions.Block;
  readonly slices: ReadonlyArray<SliceColumn>;
  /** With the confidence level of all intervals. */
  readonly look: Pick<
    Holdout.Look,
    "level" | "number" | "correctedFor" | "nominalLevel" | "justification"
  >;
  readonly seed: number;
}

/** The predictions, as far as it asks for them. */
export type PairedRows = Pick<
  Predictions.Predictions,
  "rows" | "unlabelled" | "premature" | "undated" | "block" | "selected" | "estimator" | "features"
> & { readonly signature?: Model.Signature };

/** How intervals are drawn. */
export interface Bootstrap {
  readonly level: number;
  readonly seed: number;
  readonly resamples: number;
}

/** The numbers that every evaluation has, and what further ones are drawn by. */
export interface Paired {
  readonly judgement: Judgement;
  readonly blocks: Blocks;
  readonly bootstrap: Bootstrap;
}

/** Compares what each row costs by the model and by the baseline. */
export const paired = Effect.fnUntraced(function* (
  predicted: PairedRows,
  costs: { readonly model: Float64Array; readonly baseline: Float64Array },
  options: PairedOptions,
): Effect.fn.Return<Paired, StatisticsError | Estimator.ScoreInputInvalid> {
  const { metric, smallestGain } = options.charter.spec;
  const { level, number, correctedFor, nominalLevel, justification = "" } = options.look;
  // Tails of a corrected level are thin: as many resamples in them as in those of one look.
  const resamples = Math.min(20_000, 2000 * correctedFor);
  const bootstrap = { level, seed: options.seed, resamples };
  const blocks = blocksOf(predicted.block);
  const gainOfRow = costs.baseline.map((cost, row) => cost - costs.model[row]!);
  const mean = (values: Float64Array) => estimate(sumByBlock(values, blocks), bootstrap);
  const judgement: Judgement = {
    rows: predicted.rows,
    excluded: {
      unlabelled: predicted.unlabelled - predicted.premature,
      premature: predicted.premature,
      undated: predicted.undated,
    },
    blocks: { by: options.blocks, count: blocks.count },
    byBlock: byBlock(costs.model, blocks),
    unit: metric.unit,
    level,
    holdout: { number, correctedFor, nominalLevel, justification },
    cost: { model: yield* mean(costs.model), baseline: yield* mean(costs.baseline) },
    gain: yield* mean(gainOfRow),
    smallestGain,
    importance: importanceOf(predicted.estimator),
    contributions: yield* contributionsOf(predicted, predicted.features),
    slices: yield* judgeSlices(options.slices, predicted.selected, gainOfRow, blocks, bootstrap),
  };
  return { judgement, blocks, bootstrap };
});
