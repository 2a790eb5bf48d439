/**
 * Models that learn next to nothing: the same answer for every row, and a rule that a person could apply. The
 * first model of a project, which takes the whole path to production on the first day, and what every later
 * one has to beat.
 */
import { type Artifact, type Charter, type Contract, type Finding, Stage } from "@ml-pipe/core";
import { Duckdb, FeatureSet, Model, Rule, Table, type Transform, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  inputsOf,
  requireOneSplit,
  signatureOf,
  trainedOn,
  type TrainError,
  type TrainInputs,
  type TrainStage,
} from "./internal/trainingStage.ts";
import { classesOf, readTable } from "./internal/trainingTable.ts";
import { failOn } from "./internal/trainingData.ts";

/** How {@link constant} chooses its answer. */
export interface ConstantOptions<Out extends Contract.Contract> {
  /**
   * Only for labels that are numbers: this quantile of them, such as 0.5 for the median, which is the best
   * constant for the absolute error. Default: the mean.
   */
  readonly quantile?: Out extends FeatureSet.Labelled<number> ? number : never;
}

/**
 * A stage that trains the best constant: the share of yes, the mean or a quantile of a number, the share of
 * each class among the training rows.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * // Of a set whose label is a number, `{ quantile: 0.5 }` gives the median.
 * const mean = <C extends Contract.Contract, Out extends FeatureSet.Labelled<number>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Train.constant(set);
 * ```
 */
export const constant = <C extends Contract.Contract, Out extends FeatureSet.Labelled>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: ConstantOptions<Out> = {},
): TrainStage<Out> => {
  const quantile: number | undefined = options.quantile;
  if (quantile !== undefined && FeatureSet.labelKind(set.spec) !== "number") {
    throw new TypeError(
      `train: a quantile is of numbers, and the label of "${set.spec.name}" is none`,
    );
  }
  if (quantile !== undefined && !(quantile >= 0 && quantile <= 1)) {
    throw new TypeError(`train: the quantile ${quantile} is not between 0 and 1`);
  }
  return Stage.make("train", {
    description: "takes the best constant",
    input: inputsOf(set),
    output: Model.of(set),
    params: {
      estimator: "constant",
      featureSet: set.digest,
      ...(quantile === undefined ? {} : { quantile }),
    },
    run: Effect.fnUntraced(function* ({ train, validation }) {
      yield* requireOneSplit(train, validation);
      const classes = yield* classesOf(set, train);
      // Reads no feature: what comes out is nothing.
      const transform: Transform.Fitted = {
        version: 1,
        rows: train.rows,
        outputs: [],
        dropped: [],
      };
      const { labels } = yield* readTable(set, train, { transform, classes });
      const where = "training label";
      const next = "Check the source, the filters and the split upstream.";
      yield* failOn(
        "data",
        labels.length === 0 ? [{ what: "no rows with a label", where, next }] : [],
      );
      const values =
        classes !== undefined
          ? classes.map((_, k) => labels.filter((label) => label === k).length / labels.length)
          : [quantile === undefined ? meanOf(labels) : yield* quantileOf(train, quantile)];
      return yield* Model.store(set, {
        estimator: { _tag: "ConstantModel", version: 1, features: [], values },
        transform,
        kind: "constant",
        trainedOn: trainedOn(train),
        ...signatureOf(classes),
      });
    }),
  });
};

const meanOf = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const quantileOf = Effect.fnUntraced(function* (train: Table.AnyTable, quantile: number) {
  const db = yield* Duckdb.Duckdb;
  const [row] = yield* db.rows(
    "take a quantile of the labels",
    `SELECT quantile_cont(label::DOUBLE, ${quantile}) AS value FROM ${yield* Table.relation(train)}`,
  );
  return Number(row?.["value"]);
});

/** The stage that {@link rule} makes. */
export type RuleStage<Out extends Contract.Contract> = Stage.Stage<
  TrainInputs<Out>,
  Model.Model<Out>,
  {},
  TrainError | Rule.RuleInvalid,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/**
 * A stage whose model is a rule: that of a charter's baseline, or any other. It says 1 or 0 for yes or no, or
 * the number that its formula gives, and goes through evaluation, deployment and serving like any other
 * model. Learns from no row, but for what a number is taken to be where the formula has no answer: the mean
 * of its answers.
 *
 * @example
 * ```ts
 * import type { Charter, Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * // The walking skeleton: what is done today, on the path that every later model takes.
 * const today = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 *   charter: Charter.Charter,
 * ) => Train.rule(set, charter.spec.baseline);
 * ```
 */
export const rule = <
  C extends Contract.Contract,
  Out extends FeatureSet.Labelled<boolean> | FeatureSet.Labelled<number>,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  baseline: Charter.Baseline,
): RuleStage<Out> =>
  Stage.make("train", {
    description: `applies "${baseline.name}"`,
    input: inputsOf(set),
    output: Model.of(set),
    params: { estimator: "rule", featureSet: set.digest, rule: baseline.rule },
    run: Effect.fnUntraced(function* ({ train, validation }, { finding }) {
      yield* requireOneSplit(train, validation);
      const yesNo = FeatureSet.labelKind(set.spec) === "boolean";
      const expr = yield* Rule.formula(baseline, yesNo ? "boolean" : "number");
      const transform: Transform.Fitted = {
        version: 1,
        rows: train.rows,
        outputs: [{ _tag: "formula", name: "rule", expr }],
        dropped: [],
      };
      const { columns } = yield* readTable(set, train, { transform, classes: undefined });
      const answers = (columns[0] ?? new Float64Array()).filter((answer) => !Number.isNaN(answer));
      const unanswered = (columns[0]?.length ?? 0) - answers.length;
      // No answer is a no.
      const otherwise = yesNo || answers.length === 0 ? 0 : meanOf(answers);
      yield* Effect.forEach(unansweredFinding(set, baseline, unanswered, otherwise), finding);
      return yield* Model.store(set, {
        estimator: {
          _tag: "LinearModel",
          version: 1,
          link: "identity",
          features: ["rule"],
          intercepts: [0],
          coefficients: [[1]],
          mean: [0],
          sd: [1],
          imputation: [otherwise],
        },
        transform,
        kind: `rule: ${baseline.name}`,
        trainedOn: trainedOn(train),
      });
    }),
  });

const unansweredFinding = (
  { contract: { spec } }: FeatureSet.FeatureSet,
  { name }: Charter.Baseline,
  rows: number,
  otherwise: number,
): ReadonlyArray<Finding.Finding> =>
  rows === 0
    ? []
    : [
        {
          check: "train.answers",
          // That no answer is a no is how decisions are told; of a number it is a guess.
          severity: spec.columns["label"]?.type === "boolean" ? "info" : "warn",
          owner: spec.owner,
          expected: `an answer of "${name}" for every row`,
          found: `${Words.counted(rows, "training row")} without one, which count as ${otherwise}`,
          rows,
          next: "End the formula with orElse, to say what is done then.",
        },
      ];
