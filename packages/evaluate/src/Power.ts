/**
 * The stage that asks, before anything is trained, whether a test could answer the charter's question: is
 * the smallest gain worth shipping larger than the noise of the test rows, and of the A/B test after them,
 * before the kill date? Public as `Evaluate.power`.
 *
 * Where even the least noise that any model can have drowns the gain, no honest test fits and the run
 * stops. Where only the noise that is to be expected does, the answer is inconclusive, and a finding.
 */
import { type Artifact, type Charter, type Contract, Stage } from "@ml-pipe/core";
import {
  BusinessCost,
  type Duckdb,
  type FeatureSet,
  Predictions,
  type StatisticsError,
  Table,
  Words,
} from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { analyse, daysUntil } from "./internal/power/analyse.ts";
import { exhibitsOf, findingsOf } from "./internal/power/tell.ts";
import { chargedOf, testSize } from "./internal/power/read.ts";

const { number, whole } = Words;

/** A quantity under the least noise that any model can have, and under the noise to be expected. */
const Noises = Schema.Struct({ least: Schema.Finite, expected: Schema.Finite });

/** What a test of the charter's smallest gain can tell: before any model is there. */
export const PowerAnalysis = Schema.Struct({
  status: Schema.Literals(["sufficient", "inconclusive"]),
  /** Why it is inconclusive, in words; empty if it is not. */
  because: Schema.Array(Schema.String),
  unit: Schema.String,
  smallestGain: Schema.Finite,
  /** Confidence of the test and the probability with which it is to see the gain. */
  level: Schema.Finite,
  power: Schema.Finite,
  /** Rows with an outcome that the noise is taken from, and the blocks that they are in. */
  basis: Schema.Struct({
    rows: Schema.Int,
    blocks: Schema.Struct({ by: Predictions.Block, count: Schema.Int }),
    /** What the baseline costs per row, and what perfect foresight would save of it. */
    baselineCost: Schema.Finite,
    largestGain: Schema.Finite,
  }),
  /** The verdict's test: on the rows of the test part. */
  test: Schema.Struct({
    rows: Schema.Int,
    blocks: Schema.Int,
    /** Standard error of the gain. */
    standardError: Noises,
    /** The smallest difference that is told from none with {@link power}. */
    detectable: Noises,
    /** Blocks from which the smallest gain is told from none. */
    blocksNeeded: Noises,
    /** The gain that a model must have to pass with {@link power}: the gate wants all of its interval above. */
    gainToPass: Schema.Finite,
  }),
  /** The A/B test later: an arm that decides as today and one with the model. */
  experiment: Schema.Struct({
    /** What is assigned to an arm: a group of rows, or a row. */
    unit: Schema.Literals(["group", "row"]),
    perArm: Noises,
    /** Units a day in both arms together; null where nothing tells. */
    perDay: Schema.NullOr(Schema.Finite),
    days: Schema.NullOr(Noises),
    /** Days until the kill date, less the time until outcomes are known. */
    daysLeft: Schema.Finite,
  }),
}).annotate({ title: "PowerAnalysis" });
/** See {@link PowerAnalysis}. */
export type PowerAnalysis = typeof PowerAnalysis.Type;

/** No model can save what the charter asks for, whatever it is trained on. */
export class GainImpossible extends Schema.TaggedError<GainImpossible>()("GainImpossible", {
  unit: Schema.String,
  smallestGain: Schema.Finite,
  largestGain: Schema.Finite,
  baseline: Schema.String,
  owner: Schema.String,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    return `no model can save ${number(this.smallestGain)} ${this.unit} over the baseline "${this.baseline}": perfect foresight would save ${number(this.largestGain)}. ${this.owner} sets a smaller gain in the charter, or chooses another problem.`;
  }
}

/** The test rows are too few for the smallest gain, whatever the model. */
export class TestTooSmall extends Schema.TaggedError<TestTooSmall>()("TestTooSmall", {
  unit: Schema.String,
  smallestGain: Schema.Finite,
  detectable: Schema.Finite,
  largestGain: Schema.Finite,
  rows: Schema.Int,
  blocks: Schema.Int,
  by: Predictions.Block,
  blocksNeeded: Schema.Finite,
  owner: Schema.String,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { by, blocks, blocksNeeded, rows, unit } = this;
    const on = by === "row" ? "" : ` in ${Words.counted(blocks, by)}`;
    return `the ${whole(rows)} test rows${on} cannot tell a gain of ${number(this.smallestGain)} ${unit} from none: even with the least noise that a model can have, it takes ${number(this.detectable)}, and perfect foresight gains ${number(this.largestGain)}. Test on at least ${Words.counted(Math.ceil(blocksNeeded), by)} (move the cuts of the split, or ingest more), or ${this.owner} sets a larger smallest gain in the charter.`;
  }
}

/** The A/B test after the release would not end before the kill date, however little noise there is. */
export class NoHonestTest extends Schema.TaggedError<NoHonestTest>()("NoHonestTest", {
  unit: Schema.String,
  smallestGain: Schema.Finite,
  perArm: Schema.Finite,
  unitOf: Schema.Literals(["group", "row"]),
  perDay: Schema.Finite,
  days: Schema.Finite,
  daysLeft: Schema.Finite,
  killOn: Schema.DateFromString,
  owner: Schema.String,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { days, daysLeft, perArm, perDay, unitOf } = this;
    return `no honest A/B test of ${number(this.smallestGain)} ${this.unit} fits before the kill date ${this.killOn.toISOString().slice(0, 10)}: it takes at least ${whole(Math.ceil(perArm))} ${unitOf}s in each arm, which at ${number(perDay)} ${unitOf}s a day are ${whole(Math.ceil(days))} days, and ${whole(Math.max(0, Math.floor(daysLeft)))} are left. ${this.owner} moves the kill date or sets a larger smallest gain in the charter, or the test gets more traffic (experiment.perDay).`;
  }
}

/** No row of the train table has an outcome, so that there is no noise to reckon with. */
export class NoOutcomes extends Schema.TaggedError<NoOutcomes>()("NoOutcomes", {
  role: Schema.Literals(["train", "test"]),
  rows: Schema.Int,
}) {
  override get message(): string {
    return `fewer than two of the ${whole(this.rows)} rows of the ${this.role} table have an outcome (label), so nothing can be said about a test. Look for the join that lost them, or wait until outcomes are known.`;
  }
}

/** How {@link power} asks. */
export interface PowerOptions<M extends BusinessCost.RowMetric = BusinessCost.RowMetric> {
  /** Costs or error, baseline, smallest gain and kill date. */
  readonly charter: Charter.Charter<M>;
  /** Probability with which the smallest gain is to be seen; default 0.8. */
  readonly power?: number;
  /** Confidence level of the verdict to come; default 0.95. */
  readonly level?: number;
  /** How many models are to be judged on the test rows, as in `holdout` of the evaluation; default 1. */
  readonly looks?: number;
  /** As in the evaluation; default the same. */
  readonly blocks?: Predictions.Block;
  /**
   * How much alike a model and the baseline fare, from one block to the next: the correlation of their
   * costs, from which the noise to be expected follows, sd · √(2 (1 − correlation)). Default 0.5.
   */
  readonly correlation?: number;
  /** The A/B test to come. */
  readonly experiment?: {
    /** Units (rows, or groups) a day in both arms together. Default: as many as in the train table. */
    readonly perDay?: number;
  };
}

/** What {@link power} can fail with. */
export type PowerError =
  | GainImpossible
  | TestTooSmall
  | NoHonestTest
  | NoOutcomes
  | Predictions.PredictionsError
  | StatisticsError;

/** The stage that {@link power} makes: it hands the train table on, so that training waits for the answer. */
export type PowerStage<Out extends Contract.Contract> = Stage.Stage<
  {
    readonly train: Table.Table<Out, "train">;
    readonly test: Table.Table<Out, "test">;
  },
  Stage.Ports<{ readonly train: Table.Table<Out, "train">; readonly power: PowerAnalysis }>,
  {},
  PowerError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/**
 * A stage between the split and the training that stops the run where no honest test fits. Of the test
 * rows it counts those with an outcome, and looks at nothing else; noise and base rate are the train rows'.
 *
 * The least noise that a model's gain can have: of decisions and classes each row gains one of a few amounts,
 * none of them between the two next to the smallest gain (a below, b above); so its variance is at least (gain − a)
 * (b − gain). An error of a number can shrink by any amount, and such a bound is 0: only the noise to be expected,
 * perfect foresight and the A/B test speak. Sample sizes as `Power` of the data package computes them.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Evaluate } from "@ml-pipe/evaluate";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>, charter: Charter.Charter<Metric.DecisionMetric>,
 * ) => Evaluate.power(set, { charter, power: 0.9 });
 * ```
 */
export const power = <
  C extends Contract.Contract,
  M extends BusinessCost.RowMetric,
  Out extends FeatureSet.Labelled<FeatureSet.LabelFor<M>>,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: PowerOptions<M>,
): PowerStage<Out> => {
  const { charter, looks = 1, correlation = 0.5, experiment = {} } = options;
  const { blocks = Predictions.defaultBlock(set), level = 0.95 } = options;
  const asked = { level, power: options.power ?? 0.8, looks, correlation, blocks };
  requireUsable({ ...asked, perDay: experiment.perDay });
  const { metric, baseline, owner, kill } = charter.spec;
  const cost = Result.getOrThrow(BusinessCost.of(metric));
  return Stage.make("power", {
    description: `asks whether a test could tell ${number(charter.spec.smallestGain)} ${metric.unit}`,
    input: { train: Table.of(set.contract, "train"), test: Table.of(set.contract, "test") },
    outputs: { train: Table.of(set.contract, "train"), power: PowerAnalysis },
    params: {
      featureSet: set.digest,
      charter: charter.digest,
      ...asked,
      perDay: experiment.perDay ?? null,
    },
    charter,
    // With each day, one less is left for the test.
    fingerprint: Effect.fnUntraced(function* () {
      return { daysLeft: Math.floor(daysUntil(charter, yield* Clock.currentTimeMillis)) };
    }),
    run: Effect.fnUntraced(function* ({ train, test }, { exhibit, finding }) {
      const unit = set.contract.spec.group === undefined ? ("row" as const) : ("group" as const);
      const known = yield* chargedOf(set, train, { baseline, cost, blocks, unit });
      if (known.rows < 2) return yield* new NoOutcomes({ role: "train", rows: train.rows });
      const size = yield* testSize(set, test, blocks);
      if (size.rows < 2) return yield* new NoOutcomes({ role: "test", rows: test.rows });
      const found = analyse(known, size, {
        charter,
        cost,
        ...asked,
        unit,
        perDay: experiment.perDay,
        now: yield* Clock.currentTimeMillis,
      });
      const { unit: money, smallestGain, basis, test: offline, experiment: later } = found;
      const { largestGain } = basis;
      const about = { unit: money, smallestGain, owner };
      if (largestGain < smallestGain) {
        return yield* new GainImpossible({ ...about, largestGain, baseline: baseline.name });
      }
      const detectable = offline.detectable.least;
      if (detectable > smallestGain || smallestGain + detectable > largestGain) {
        return yield* new TestTooSmall({
          ...about,
          detectable,
          largestGain,
          rows: size.rows,
          blocks: size.blocks,
          by: blocks,
          blocksNeeded: offline.blocksNeeded.least,
        });
      }
      if (later.perDay !== null && later.days !== null && later.days.least > later.daysLeft) {
        return yield* new NoHonestTest({
          ...about,
          perArm: later.perArm.least,
          unitOf: unit,
          perDay: later.perDay,
          days: later.days.least,
          daysLeft: later.daysLeft,
          killOn: kill.on,
        });
      }
      yield* Effect.forEach(findingsOf(found, owner), finding);
      yield* Effect.forEach(exhibitsOf(found), exhibit);
      return { train, power: found };
    }),
  });
};

const requireUsable = (options: {
  readonly level: number;
  readonly power: number;
  readonly looks: number;
  readonly correlation: number;
  readonly perDay: number | undefined;
}): void => {
  const { level, power: asked, looks, correlation, perDay } = options;
  const inside = (value: number) => value > 0 && value < 1;
  const problems = [
    ...(inside(level) ? [] : [`level is ${level}, give a probability between 0 and 1`]),
    ...(inside(asked) ? [] : [`power is ${asked}, give a probability between 0 and 1`]),
    ...(Number.isInteger(looks) && looks >= 1 ? [] : [`looks is ${looks}, give 1 or more`]),
    ...(correlation >= -1 && correlation < 1
      ? []
      : [`correlation is ${correlation}, give a number from -1 to below 1`]),
    ...(perDay === undefined || (Number.isFinite(perDay) && perDay > 0)
      ? []
      : [`experiment.perDay is ${perDay}, give a number above 0`]),
  ];
  if (problems.length > 0) throw new TypeError(`power: ${problems.join("; ")}`);
};
