/**
 * The stage that judges a model against the charter, on the test part of a split.
 *
 * It answers in the business metric: does the model cost less per decision than the baseline, by at
 * least the smallest gain worth shipping? Accuracy and calibration are evidence, not the question.
 */
import {
  type Artifact,
  Charter,
  type Contract,
  Digest,
  type Holdout,
  type Metric,
  Stage,
  type Store,
  Verdict,
} from "@ml-pipe/core";
import {
  Cost,
  Decisions,
  type Duckdb,
  type FeatureSet,
  Maturity,
  Model,
  type StatisticsError,
  Table,
  Words,
} from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Evaluation } from "./Evaluation.ts";
import * as FurtherGates from "./FurtherGates.ts";
import { exhibitsOf } from "./internal/exhibits.ts";
import { auditFindings, findingsOf } from "./internal/findings.ts";
import { gates } from "./internal/gates.ts";
import { begin, correctedFor, end, requireReason } from "./internal/ledger.ts";
import { measure } from "./internal/measure.ts";
import { sliceColumn } from "./internal/slices.ts";
import * as Leakage from "./Leakage.ts";

export {
  ListsInvalid,
  ListsOfOtherSplit,
  NobodyToJudge,
  OtherBaseline,
} from "./recommend/errors.ts";
export {
  ListEvaluation,
  ListProperty,
  SourceResult,
  SystemEvaluation,
} from "./recommend/ListEvaluation.ts";
export {
  recommendations,
  type RecommendationsOptions,
  type RecommendationsStage,
} from "./recommend/recommendations.ts";
export { system, type SystemOptions, type SystemStage } from "./recommend/system.ts";
export type { ListOptions, ListsError } from "./internal/recommend/judging.ts";
export { Evaluation, SensitivityResult, SliceResult } from "./Evaluation.ts";
export {
  Dependence,
  explain,
  type ExplainError,
  type ExplainOptions,
  type ExplainStage,
  Explanation,
  FeatureImportance,
  NothingToExplain,
} from "./Explain.ts";
export {
  GainImpossible,
  NoHonestTest,
  NoOutcomes,
  power,
  PowerAnalysis,
  type PowerError,
  type PowerOptions,
  type PowerStage,
  TestTooSmall,
} from "./Power.ts";

const { whole } = Words;

/** The test table is the one that the model was trained on. */
export class LeakedTestSet extends Schema.TaggedError<LeakedTestSet>()("LeakedTestSet", {
  table: Digest.Digest,
}) {
  override get message(): string {
    return `the test table (${this.table.slice(0, 19)}) is the table that the model was trained on, so the evaluation would only show what it remembers. Wire the test part of the split to it.`;
  }
}

/** The model and the test table come from different splits, so rows could be in both. */
export class OtherSplit extends Schema.TaggedError<OtherSplit>()("OtherSplit", {
  model: Schema.NullOr(Schema.String),
  table: Schema.NullOr(Schema.String),
}) {
  override get message(): string {
    const name = (split: string | null) => split?.slice(0, 19) ?? "no split";
    return `the model was trained on split ${name(this.model)} and the test table is of ${name(this.table)}, so rows could be in both. Train and evaluate on parts of one split.`;
  }
}

/** No row of the test table has a known outcome, so that there is nothing to judge by. */
export class NothingToJudge extends Schema.TaggedError<NothingToJudge>()("NothingToJudge", {
  rows: Schema.Int,
  label: Schema.String,
}) {
  override get message(): string {
    return `none of the ${whole(this.rows)} rows of the test table has an outcome (${this.label}). Move the test period back until outcomes are known, or look for the join that lost them.`;
  }
}

/** The train table is not the one that the model was trained on, so an audit of it would say nothing. */
export class OtherTrainTable extends Schema.TaggedError<OtherTrainTable>()("OtherTrainTable", {
  model: Digest.Digest,
  table: Digest.Digest,
}) {
  override get message(): string {
    return `the model was trained on table ${this.model.slice(0, 19)}, and the train table wired to its evaluation is ${this.table.slice(0, 19)}: leakage between train and test could not be seen. Wire the table that the model is trained on to both.`;
  }
}

/** How often the test rows may be looked at. */
export interface HoldoutOptions {
  /** How many models are to be judged on these rows, this one among them: intervals widen for all. */
  readonly looks: number;
  /** Why more than one; recorded with each look. */
  readonly justification: string;
}

/** How {@link decisions} judges. */
export interface DecisionsOptions<
  Kept extends string,
  Feature extends string = never,
> extends FurtherGates.FurtherOptions<Kept, Feature> {
  /** Metric, costs, baseline, smallest gain and kill date: what the gates are derived from. */
  readonly charter: Charter.Charter<Metric.DecisionMetric>;
  /** Kept columns of the feature set by whose values the gain is shown. Default: none. */
  readonly slices?: ReadonlyArray<Kept>;
  /** Values with fewer rows are not judged on their own, and said so. Default 1000. */
  readonly minSliceRows?: number;
  /**
   * Rows that resemble each other, which the bootstrap draws together. Default: those of one day of
   * decision (UTC); without a moment of the decision, those of one group; without groups, each by itself.
   */
  readonly blocks?: Decisions.Block;
  /** Seed of the bootstrap; default 0. Equal seeds and inputs give equal verdicts. */
  readonly seed?: number;
  /** Confidence level of all intervals; default 0.95. */
  readonly level?: number;
  /** Largest expected calibration error (ten bins of equal width) that passes; default 0.05. */
  readonly maxCalibrationError?: number;
  /** Rows of each outcome below which there is no verdict; default 100. */
  readonly minPerClass?: number;
  /**
   * Blocks with decisions below which there is no verdict; default 2, the least from which an interval
   * can be had. Below ten it is too narrow, which is a finding.
   */
  readonly minBlocks?: number;
  /** ROC AUC from which a leak is suspected; default 0.99. Raise it where the task is that easy. */
  readonly suspiciousAuc?: number;
  /**
   * For a second model on the same test rows, and each further one: how many there will be, and why. Without
   * it, the first model that is judged on them is the only one ({@link Holdout.HoldoutSpent}).
   */
  readonly holdout?: HoldoutOptions;
  /** What the author knows about leakage: features that are right, and the rows the score is claimed for. */
  readonly leakage?: Leakage.AuditOptions;
}

/** Columns that the feature set's table has in common with its source: the kept ones. */
type KeptOf<C extends Contract.Contract, Out extends Contract.Contract> = keyof C["columns"] &
  keyof Out["columns"] &
  string;

/** Columns of the feature set's table that are features: those that are not kept, the label apart. */
type FeatureOf<Out extends Contract.Contract> = Exclude<keyof Out["columns"] & string, "label">;

/** What {@link decisions} can fail with. */
export type EvaluateError =
  | Decisions.DecisionsError
  | StatisticsError
  | LeakedTestSet
  | OtherTrainTable
  | OtherSplit
  | Holdout.HoldoutSpent
  | Store.StoreError
  | NothingToJudge;

/** The stage that {@link decisions} makes. */
export type EvaluateStage<Out extends Contract.Contract> = Stage.Stage<
  {
    readonly model: Model.Model<Out>;
    readonly train: Table.Table<Out, "train">;
    readonly data: Table.Table<Out, "test">;
  },
  Stage.Ports<{
    readonly verdict: Verdict.Verdict;
    readonly evaluation: Evaluation;
    readonly audit: Leakage.Audit;
  }>,
  {},
  EvaluateError,
  Duckdb.Duckdb | Artifact.ArtifactStore | Store.Store
>;

/**
 * A stage that judges a model of a feature set on the test part of its split.
 *
 * The verdict is passed only if every gate passed: `beats the baseline` (the interval of the paired
 * gain lies at or above the charter's smallest gain; below it: failed; across it: inconclusive),
 * `calibrated`, `no leakage suspected`, `enough data` and `charter in force`, one for each of the charter's
 * budgets, and those asked for by `fairness`, `segments`, `robustness` and `overfit`.
 *
 * Fails with {@link LeakedTestSet}, {@link OtherTrainTable}, {@link OtherSplit} or
 * {@link NothingToJudge} where no honest verdict is possible, and with {@link Holdout.HoldoutSpent} where
 * another model was judged on the same rows before and nobody said why. Throws `StatisticsError` when it is made if the costs favour one decision always,
 * so that this shows before anything is trained.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Evaluate } from "@ml-pipe/evaluate";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 *   charter: Charter.Charter<Metric.DecisionMetric>,
 * ) => Evaluate.decisions(set, { charter, maxCalibrationError: 0.03 });
 * ```
 */
export const decisions = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: DecisionsOptions<KeptOf<C, Out>, FeatureOf<Out>>,
): EvaluateStage<Out> => {
  const {
    charter,
    slices = [],
    minSliceRows = 1000,
    blocks = Decisions.defaultBlock(set),
    seed = 0,
    level = 0.95,
  } = options;
  const { maxCalibrationError = 0.05, minPerClass = 100, suspiciousAuc = 0.99 } = options;
  const { minBlocks = 2 } = options;
  const { holdout = { looks: 1, justification: "" }, leakage = {} } = options;
  requireReason(holdout);
  Leakage.checkOptions(set, leakage);
  FurtherGates.checkOptions(set, options);
  const limits = { maxCalibrationError, minPerClass, minBlocks, suspiciousAuc };
  const unknown = slices.find((column) => set.contract.spec.columns[column] === undefined);
  if (unknown !== undefined) {
    throw new TypeError(
      `evaluate: the table of "${set.spec.name}" has no column "${unknown}"; add it to keep`,
    );
  }
  const { metric } = charter.spec;
  const matrix = { ...metric.costs, unit: metric.unit };
  const threshold = Result.getOrThrow(Cost.optimalThreshold(matrix));
  return Stage.make("evaluate", {
    description: `judges the ${charter.spec.metric.name} against "${charter.spec.baseline.name}"`,
    input: {
      model: Model.of(set),
      train: Table.of(set.contract, "train"),
      data: Table.of(set.contract, "test"),
    },
    outputs: { verdict: Verdict.Verdict, evaluation: Evaluation, audit: Leakage.Audit },
    params: {
      featureSet: set.digest,
      charter: charter.digest,
      slices,
      minSliceRows,
      blocks,
      seed,
      level,
      ...limits,
      ...FurtherGates.paramsOf(options),
      ...(options.holdout === undefined ? {} : { holdout: { ...holdout } }),
      ...(options.leakage === undefined
        ? {}
        : { leakage: Schema.decodeUnknownSync(Schema.Json)(leakage) }),
    },
    charter,
    // A verdict from before the kill date is no verdict after it, and one that was corrected for fewer
    // looks at the test rows is none after another look.
    fingerprint: Effect.fnUntraced(function* ({ model, data }) {
      const now = yield* Clock.currentTimeMillis;
      return {
        expired: Charter.isExpired(charter, new Date(now)),
        looks: yield* correctedFor(set, { model, data, looks: holdout.looks }),
        premature: yield* Decisions.prematureLabels(set, data, Maturity.outcomesBy(charter, now)),
      };
    }),
    run: Effect.fnUntraced(function* ({ model, train, data }, { exhibit, finding, progress }) {
      yield* requireHonest(model, train, data);
      const look = yield* begin(set, {
        model,
        data,
        holdout,
        level,
        purpose: `${metric.name} against "${charter.spec.baseline.name}"`,
      });
      const judged = yield* Effect.gen(function* () {
        const columns = yield* Effect.forEach(slices, (column) =>
          sliceColumn(data, column, minSliceRows),
        );
        const groups = yield* FurtherGates.groupsOf(data, options);
        const outcomesBy = Maturity.outcomesBy(charter, yield* Clock.currentTimeMillis);
        const decided = yield* Decisions.read(set, {
          model,
          table: data,
          baseline: charter.spec.baseline,
          rows: "labelled",
          outcomesBy,
          blocks,
          select: [...columns, ...groups].map(({ sql }) => sql),
        });
        if (decided.rows === 0) {
          const { premature } = decided;
          const early =
            premature === 0 ? "" : `; ${whole(premature)} are there before they can be known`;
          return yield* new NothingToJudge({ rows: data.rows, label: `label${early}` });
        }
        yield* progress({ label: "scored", rows: decided.rows });
        const measured = yield* measure(decided, {
          charter,
          threshold,
          blocks,
          slices: columns,
          look,
          seed,
          suspiciousAuc,
        });
        yield* progress({ label: "looks for leakage", rows: decided.rows });
        const audit = yield* Leakage.audit(
          set,
          {
            train,
            test: data,
            estimator: decided.estimator,
            transform: decided.transform,
            outcomeKnownAfterMs: charter.spec.decision.outcomeKnownAfterMs,
            look,
          },
          leakage,
        );
        const further = yield* FurtherGates.answer(
          set,
          {
            model,
            train,
            data,
            charter,
            threshold,
            blocks,
            outcomesBy,
            decided,
            groups: groups.map((group, index) => ({
              ...group,
              codes: decided.selected[columns.length + index] ?? new Float64Array(),
            })),
            level: look.level,
            seed,
          },
          options,
        );
        const evaluation = { ...measured, ...further.results };
        const now = new Date(yield* Clock.currentTimeMillis);
        const verdict = Verdict.judge(
          [...gates, ...further.gates],
          { evaluation, audit, charter, now, ...limits },
          {
            model: model.document.digest,
            charter: charter.digest,
            testSet: Table.digestOf(data),
          },
        );
        return { columns, decided, evaluation, further, audit, verdict, outcomesBy };
      }).pipe(end(look, ({ verdict }) => verdict.status));
      // From here on, somebody may see what the test rows said.
      const { columns, decided, evaluation, further, audit, verdict, outcomesBy } = judged;
      const { premature } = evaluation.excluded;
      if (premature > 0) {
        const { owner } = set.contract.spec;
        const by = new Date(outcomesBy);
        const about = { premature, known: evaluation.rows, by, owner };
        yield* finding(Maturity.prematureFinding("evaluate.mature", about));
      }
      yield* Effect.forEach(
        findingsOf(evaluation, columns, { minSliceRows, owner: set.contract.spec.owner }),
        finding,
      );
      yield* Effect.forEach(auditFindings(audit), finding);
      yield* Effect.forEach(exhibitsOf(evaluation, audit, decided, charter), exhibit);
      yield* Effect.forEach(further.exhibits, exhibit);
      return { verdict, evaluation, audit };
    }),
  });
};

const requireHonest = (
  model: Model.AnyModel,
  train: Table.AnyTable,
  data: Table.AnyTable,
): Effect.Effect<void, LeakedTestSet | OtherTrainTable | OtherSplit> => {
  const { split, table } = model.trainedOn;
  if (table === Table.digestOf(data)) return Effect.fail(new LeakedTestSet({ table }));
  if (table !== Table.digestOf(train)) {
    return Effect.fail(new OtherTrainTable({ model: table, table: Table.digestOf(train) }));
  }
  return split !== null && split === data.split
    ? Effect.void
    : Effect.fail(new OtherSplit({ model: split, table: data.split }));
};
