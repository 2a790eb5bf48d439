/**
 * Model comparisons: which of two models that were judged on the same test rows decides more cheaply, in
 * the business metric, by a paired test.
 *
 * Both are looked up, not scored again: an evaluation records what its model costs on each block of rows,
 * and the paired bootstrap over blocks needs no more. So comparing is no new look at the test rows. But who
 * chooses by it uses them again: the interval is corrected for all pairs of models that were judged on them.
 */
import { Holdout, type Run, Verdict } from "@ml-pipe/core";
import { Interval, Predictions } from "@ml-pipe/data";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Judgement } from "./Evaluation.ts";
import { kindOf } from "./internal/judgedModel.ts";

const Compared = Schema.Struct({
  /** Digest of the model. */
  model: Schema.String,
  /** What it is in words: also of how many trials it is the best. Null where the run did not make it. */
  kind: Schema.NullOr(Schema.String),
  /** What it costs per decision. */
  cost: Schema.Finite,
});

/** Two models on the same rows. */
export const ModelComparison = Schema.Struct({
  metric: Schema.String,
  unit: Schema.String,
  rows: Schema.Int,
  blocks: Schema.Struct({ by: Predictions.Block, count: Schema.Int }),
  was: Compared,
  is: Compared,
  /** What the later model saves per decision, paired by block; null where the blocks cannot tell. */
  saved: Schema.NullOr(Interval.Interval),
  /** Models that were judged on these rows, and the pairs of them that the interval is corrected for. */
  models: Schema.Int,
  pairs: Schema.Int,
  /** `later` and `earlier`: the whole interval says that this one is cheaper. */
  better: Schema.Literals(["later", "earlier", "inconclusive"]),
}).annotate({ title: "ModelComparison" });
/** See {@link ModelComparison}. */
export type ModelComparison = typeof ModelComparison.Type;

/** Why two runs' models are not compared. */
export interface NotCompared {
  readonly because: string;
  readonly next: string;
}

interface Found {
  readonly judged: Judgement;
  readonly verdict: Verdict.Verdict;
}

/**
 * Compares the models of two runs, the first being the earlier one. `undefined` where either run judged
 * none, or both judged the same model: there is nothing to compare.
 *
 * @example
 * ```ts
 * import type { Run } from "@ml-pipe/core";
 * import { ModelComparison } from "@ml-pipe/evaluate";
 * import * as Result from "effect/Result";
 *
 * const laterIsBetter = (was: Run.Run, is: Run.Run): boolean => {
 *   const compared = ModelComparison.between(was, is, []);
 *   return (
 *     compared !== undefined && Result.isSuccess(compared) && compared.success.better === "later"
 *   );
 * };
 * ```
 */
export const between = (
  was: Run.Run,
  is: Run.Run,
  looks: ReadonlyArray<Holdout.Look>,
): Result.Result<ModelComparison, NotCompared> | undefined => {
  const [before, after] = [foundIn(was), foundIn(is)];
  if (before === undefined || after === undefined) return undefined;
  if (before.verdict.model === after.verdict.model) return undefined;
  const reason = whyNot(before, after, was, is, looks);
  if (reason !== undefined) return Result.fail(reason);
  const { metric } = is.graph.charter;
  const models = modelsJudged(after.verdict, before.verdict, looks);
  const pairs = (models * (models - 1)) / 2;
  const level = Holdout.correctedLevel(after.judged.holdout.nominalLevel, pairs);
  const [a, b] = [before.judged.byBlock, after.judged.byBlock];
  const interval = Interval.bootstrapTotals(
    a.cost.map((cost, block) => cost - (b.cost[block] ?? 0)),
    a.rows,
    // Tails of a corrected level are thin: as many resamples in them as in those of one pair.
    { level, resamples: Math.min(20_000, 2000 * pairs) },
  );
  const saved = Result.isSuccess(interval) ? interval.success : null;
  const { rows, blocks } = after.judged;
  return Result.succeed({
    metric: metric.name,
    unit: metric.unit,
    rows,
    blocks,
    was: comparedOf(was, before, rows),
    is: comparedOf(is, after, rows),
    saved,
    models,
    pairs,
    better:
      saved !== null && saved.lower > 0
        ? "later"
        : saved !== null && saved.upper < 0
          ? "earlier"
          : "inconclusive",
  });
};

const comparedOf = (run: Run.Run, { judged, verdict }: Found, rows: number) => ({
  model: verdict.model,
  kind: kindOf(run, verdict) ?? null,
  cost: total(judged.byBlock.cost) / rows,
});

const total = (numbers: ReadonlyArray<number>): number =>
  numbers.reduce((sum, one) => sum + one, 0);

/** The evaluation and the verdict of a run: of the stage that gave both. */
const foundIn = (run: Run.Run): Found | undefined => {
  for (const { outputs } of run.stages.toReversed()) {
    const values = Object.values(outputs ?? {});
    const judged = values.flatMap((value) => Option.toArray(decodeJudged(value)))[0];
    const verdict = values.flatMap((value) => Option.toArray(decodeVerdict(value)))[0];
    if (judged !== undefined && verdict !== undefined) return { judged, verdict };
  }
  return undefined;
};

const decodeJudged = Schema.decodeUnknownOption(Judgement);
const decodeVerdict = Schema.decodeUnknownOption(Verdict.Verdict);

const encodeMetric = (run: Run.Run): string => JSON.stringify(run.graph.charter.metric);

const whyNot = (
  before: Found,
  after: Found,
  was: Run.Run,
  is: Run.Run,
  looks: ReadonlyArray<Holdout.Look>,
): NotCompared | undefined => {
  if (encodeMetric(was) !== encodeMetric(is)) {
    return {
      because: "their charters have different metrics or costs",
      next: "Judge both under one charter.",
    };
  }
  const { by } = after.judged.blocks;
  const sameTable = before.verdict.testSet === after.verdict.testSet;
  const sameBlocks =
    before.judged.blocks.by === by &&
    JSON.stringify(before.judged.byBlock.rows) === JSON.stringify(after.judged.byBlock.rows);
  // Rows by themselves are told apart by their place in the table only.
  const same = sameTable || (by !== "row" && sameRows(before.verdict, after.verdict, looks));
  return same && sameBlocks
    ? undefined
    : {
        because: sameTable
          ? "their rows were put into blocks differently"
          : "they were judged on different test rows",
        next: "Judge both on one test set: announce the second look with holdout, and say why.",
      };
};

/** Whether the ledger knows both test tables as the same rows: under other features, say. */
const sameRows = (
  before: Verdict.Verdict,
  after: Verdict.Verdict,
  looks: ReadonlyArray<Holdout.Look>,
): boolean => {
  const testSetOf = ({ testSet: table, model }: Verdict.Verdict) =>
    looks.find((look) => look.table === table && look.model === model)?.testSet;
  const [first, second] = [testSetOf(before), testSetOf(after)];
  return first !== undefined && first === second;
};

/** How many models were judged on these rows, as far as the ledger knows: these two at least. */
const modelsJudged = (
  after: Verdict.Verdict,
  before: Verdict.Verdict,
  looks: ReadonlyArray<Holdout.Look>,
): number => {
  const testSet = looks.find((look) => look.table === after.testSet)?.testSet;
  const seen = looks
    .filter((look) => look.testSet === testSet && look.outcome !== "nothing-seen")
    .map(({ model }) => model);
  return new Set([after.model, before.model, ...seen]).size;
};
