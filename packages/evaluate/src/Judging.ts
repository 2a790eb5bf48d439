/**
 * Judging: what evaluations have in common, whatever is predicted. A look at the test rows is recorded before
 * the first one is scored; model and baseline are compared row by row in the charter's metric; leakage is
 * looked for; the gates answer; and only then does anybody see what the test rows said.
 */
import {
  type Artifact,
  Charter,
  type Contract,
  Digest,
  type Exhibit,
  type Finding,
  type Holdout,
  type Metric,
  Stage,
  type Store,
  Verdict,
} from "@ml-pipe/core";
import {
  type Duckdb,
  type FeatureSet,
  Maturity,
  Model,
  Predictions,
  type StatisticsError,
  Table,
  Words,
} from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Judgement } from "./Evaluation.ts";
import { auditFindings, findingsOf } from "./internal/findings.ts";
import type { Judged } from "./internal/gates.ts";
import { begin, correctedFor, end, requireReason } from "./internal/ledger.ts";
import type { PairedOptions, PairedRows } from "./internal/paired.ts";
import { sliceColumn } from "./internal/slices.ts";
import * as Leakage from "./Leakage.ts";

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

/** How every evaluation judges. */
export interface JudgeOptions<M extends Metric.Metric, Kept extends string> {
  /** Metric, baseline, smallest gain and kill date: what the gates are derived from. */
  readonly charter: Charter.Charter<M>;
  /** Kept columns of the feature set by whose values the gain is shown. Default: none. */
  readonly slices?: ReadonlyArray<Kept>;
  /** Values with fewer rows are not judged on their own, and said so. Default 1000. */
  readonly minSliceRows?: number;
  /**
   * Rows that resemble each other, which the bootstrap draws together. Default: those of one day of
   * decision (UTC); without a moment of the decision, those of one group; without groups, each by itself.
   */
  readonly blocks?: Predictions.Block;
  /** Seed of the bootstrap; default 0. Equal seeds and inputs give equal verdicts. */
  readonly seed?: number;
  /** Confidence level of all intervals; default 0.95. */
  readonly level?: number;
  /**
   * Blocks with decisions below which there is no verdict; default 2, the least from which an interval
   * can be had. Below ten it is too narrow, which is a finding.
   */
  readonly minBlocks?: number;
  /**
   * For a second model on the same test rows, and each further one: how many there will be, and why. Without
   * it, the first model that is judged on them is the only one ({@link Holdout.HoldoutSpent}).
   */
  readonly holdout?: HoldoutOptions;
  /** What the author knows about leakage: features that are right, and the rows the score is claimed for. */
  readonly leakage?: Leakage.AuditOptions;
}

/** Columns that the feature set's table has in common with its source: the kept ones. */
export type KeptOf<
  C extends Contract.Contract,
  Out extends Contract.Contract,
> = keyof C["columns"] & keyof Out["columns"] & string;

/** Columns of the feature set's table that are features: those that are not kept, the label apart. */
export type FeatureOf<Out extends Contract.Contract> = Exclude<
  keyof Out["columns"] & string,
  "label"
>;

/** What every evaluation can fail with. */
export type JudgeError =
  | Predictions.PredictionsError
  | StatisticsError
  | LeakedTestSet
  | OtherTrainTable
  | OtherSplit
  | Holdout.HoldoutSpent
  | Store.StoreError
  | NothingToJudge;

/** A stage that judges a model of the feature set whose table is under contract `Out`. */
export type JudgeStage<Out extends Contract.Contract, E extends Judgement, Err> = Stage.Stage<
  {
    readonly model: Model.Model<Out>;
    readonly train: Table.Table<Out, "train">;
    readonly data: Table.Table<Out, "test">;
  },
  Stage.Ports<{
    readonly verdict: Verdict.Verdict;
    readonly evaluation: E;
    readonly audit: Leakage.Audit;
  }>,
  {},
  JudgeError | Err,
  Duckdb.Duckdb | Artifact.ArtifactStore | Store.Store
>;

/** What is to be judged, and by what. */
export interface Asked extends PairedOptions {
  readonly model: Model.AnyModel;
  readonly train: Table.AnyTable;
  readonly data: Table.AnyTable;
  /** Outcomes of later decisions cannot be known yet. */
  readonly outcomesBy: number;
  readonly look: Holdout.Look;
}

/** What one kind of prediction makes of it. */
export interface Answer<E extends Judgement> {
  readonly evaluation: E;
  /** All gates, in the order in which they are read. */
  readonly gates: ReadonlyArray<Verdict.Gate<Judged<E>>>;
  readonly findings: ReadonlyArray<Finding.Finding>;
  readonly exhibits: ReadonlyArray<Exhibit.Exhibit>;
}

/** What is particular about judging one kind of prediction. */
export interface Task<P extends PairedRows, E extends Judgement, Err> {
  readonly evaluation: Schema.Codec<E, unknown>;
  /** What the verdict depends on besides the options of every evaluation. */
  readonly params: { readonly [name: string]: Schema.Json };
  /** Reads the labelled rows; `selected` begins with the slices. */
  readonly read: (
    asked: Asked,
    options: Omit<Predictions.PredictionsOptions, "classes"> & {
      readonly select: ReadonlyArray<string>;
    },
  ) => Effect.Effect<P, JudgeError | Err, Duckdb.Duckdb | Artifact.ArtifactStore>;
  readonly answer: (
    predicted: P,
    asked: Asked & { readonly audit: Leakage.Audit },
  ) => Effect.Effect<Answer<E>, JudgeError | Err, Duckdb.Duckdb | Artifact.ArtifactStore>;
}

/** Makes the stage of one kind of prediction. Throws a `TypeError` for options that say nothing. */
export const judging = <
  C extends Contract.Contract,
  Out extends Contract.Contract,
  P extends PairedRows & Pick<Predictions.Predictions, "transform">,
  E extends Judgement,
  Err,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: JudgeOptions<Metric.Metric, string>,
  task: Task<P, E, Err>,
): JudgeStage<Out, E, Err> => {
  const { charter, slices = [], minSliceRows = 1000, seed = 0, level = 0.95 } = options;
  const { blocks = Predictions.defaultBlock(set) } = options;
  const { holdout = { looks: 1, justification: "" }, leakage = {} } = options;
  requireReason(holdout);
  Leakage.checkOptions(set, leakage);
  const unknown = slices.find((column) => set.contract.spec.columns[column] === undefined);
  if (unknown !== undefined) {
    throw new TypeError(
      `evaluate: the table of "${set.spec.name}" has no column "${unknown}"; add it to keep`,
    );
  }
  const { metric, baseline } = charter.spec;
  return Stage.make("evaluate", {
    description: `judges the ${metric.name} against "${baseline.name}"`,
    input: {
      model: Model.of(set),
      train: Table.of(set.contract, "train"),
      data: Table.of(set.contract, "test"),
    },
    outputs: { verdict: Verdict.Verdict, evaluation: task.evaluation, audit: Leakage.Audit },
    params: {
      featureSet: set.digest,
      charter: charter.digest,
      slices,
      minSliceRows,
      blocks,
      seed,
      level,
      ...task.params,
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
        premature: yield* Predictions.prematureLabels(set, data, Maturity.outcomesBy(charter, now)),
      };
    }),
    run: Effect.fnUntraced(function* ({ model, train, data }, { exhibit, finding, progress }) {
      yield* requireHonest(model, train, data);
      const look = yield* begin(set, {
        model,
        data,
        holdout,
        level,
        purpose: `${metric.name} against "${baseline.name}"`,
      });
      const judged = yield* Effect.gen(function* () {
        const columns = yield* Effect.forEach(slices, (column) =>
          sliceColumn(data, column, minSliceRows),
        );
        const outcomesBy = Maturity.outcomesBy(charter, yield* Clock.currentTimeMillis);
        const asked = {
          model,
          train,
          data,
          charter,
          outcomesBy,
          look,
          blocks,
          slices: columns,
          seed,
        };
        const predicted = yield* task.read(asked, {
          model,
          table: data,
          baseline,
          rows: "labelled",
          outcomesBy,
          blocks,
          select: columns.map(({ sql }) => sql),
        });
        if (predicted.rows === 0) {
          const { premature } = predicted;
          const early =
            premature === 0 ? "" : `; ${whole(premature)} are there before they can be known`;
          return yield* new NothingToJudge({ rows: data.rows, label: `label${early}` });
        }
        yield* progress({ label: "looks for leakage", rows: predicted.rows });
        const { estimator, transform } = predicted;
        const { outcomeKnownAfterMs } = charter.spec.decision;
        const audit = yield* Leakage.audit(
          set,
          { train, test: data, estimator, transform, outcomeKnownAfterMs, look },
          leakage,
        );
        yield* progress({ label: "measures", rows: predicted.rows });
        const answer = yield* task.answer(predicted, { ...asked, audit });
        const now = new Date(yield* Clock.currentTimeMillis);
        const verdict = Verdict.judge(
          answer.gates,
          { evaluation: answer.evaluation, audit, charter, now },
          {
            model: model.document.digest,
            charter: charter.digest,
            testSet: Table.digestOf(data),
          },
        );
        return { columns, ...answer, audit, verdict, outcomesBy };
      }).pipe(end(look, ({ verdict }) => verdict.status));
      // From here on, somebody may see what the test rows said.
      const { columns, evaluation, audit, verdict, outcomesBy } = judged;
      const { premature } = evaluation.excluded;
      const { owner } = set.contract.spec;
      if (premature > 0) {
        const by = new Date(outcomesBy);
        const about = { premature, known: evaluation.rows, by, owner };
        yield* finding(Maturity.prematureFinding("evaluate.mature", about));
      }
      yield* Effect.forEach(judged.findings, finding);
      yield* Effect.forEach(findingsOf(evaluation, columns, { minSliceRows, owner }), finding);
      yield* Effect.forEach(auditFindings(audit), finding);
      yield* Effect.forEach(judged.exhibits, exhibit);
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
