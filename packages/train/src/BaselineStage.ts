/**
 * Models that learn next to nothing: the same answer for every row, and a rule that a person could apply. The
 * first model of a project, which takes the whole path to production on the first day, and what every later
 * one has to beat.
 */
import { type Artifact, type Charter, type Contract, type Finding, Stage } from "@ml-pipe/core";
import {
  Duckdb,
  type Expr,
  FeatureSet,
  Model,
  Rule,
  Table,
  type Transform,
  Words,
} from "@ml-pipe/data";
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
 * A stage whose model is a rule: that of a charter's baseline, or any other. It says 1 or 0 for yes or no, the
 * number that its formula gives, or 1 for the class that it chooses, and goes through evaluation, deployment
 * and serving like any other model. The classes are those of the training rows. Learns nothing else from them
 * but what to say where the formula has no answer, or one that is no class: the mean of its numbers, the most
 * frequent class. A finding says of how many rows that is so.
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
export const rule = <C extends Contract.Contract, Out extends FeatureSet.Labelled>(
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
      const label = FeatureSet.labelKind(set.spec);
      const formula = yield* Rule.formula(baseline, label);
      const classes = yield* classesOf(set, train);
      const { rows } = train;
      const transform: Transform.Fitted = {
        version: 1,
        rows,
        outputs: [answer(formula, classes)],
        dropped: [],
      };
      const { columns, labels } = yield* readTable(set, train, { transform, classes });
      yield* requireClasses(classes);
      const answers = (columns[0] ?? new Float64Array()).filter((one) => !Number.isNaN(one));
      const mean = label === "number" && answers.length > 0 ? meanOf(answers) : 0;
      const otherwise: Rule.Otherwise =
        // No answer is a no.
        classes === undefined ? { value: mean } : { class: mostFrequent(classes, labels), classes };
      const unanswered = labels.length - answers.length;
      yield* Effect.forEach(unansweredFinding(set, baseline, unanswered, otherwise), finding);
      const { estimator, outputs } = Rule.modelOf(formula, otherwise);
      return yield* Model.store(set, {
        estimator,
        transform: { ...transform, outputs },
        kind: `rule: ${baseline.name}`,
        trainedOn: trainedOn(train),
        ...signatureOf(classes),
      });
    }),
  });

/** The answer as a number: the place of a class among the others. */
const answer = (
  formula: Expr.Ast,
  classes: ReadonlyArray<string> | undefined,
): Transform.Fitted["outputs"][number] =>
  classes === undefined
    ? { _tag: "formula", name: "rule", expr: formula }
    : {
        _tag: "lookup",
        name: "rule",
        of: formula,
        values: classes,
        numbers: [...classes.keys()],
        missing: null,
        unknown: null,
      };

const requireClasses = (classes: ReadonlyArray<string> | undefined) =>
  failOn(
    "data",
    classes === undefined || classes.length > 1
      ? []
      : [
          {
            what: classes.length === 0 ? "no rows with a label" : `all labels are "${classes[0]}"`,
            where: "training label",
            next: "A choice needs two classes: check the label's definition and the split upstream.",
          },
        ],
  );

/** Of the classes of the labelled rows; of several, the first. */
const mostFrequent = (classes: ReadonlyArray<string>, labels: Float64Array): string => {
  const rows = classes.map((_, k) => labels.filter((label) => label === k).length);
  return classes[rows.indexOf(Math.max(...rows))] ?? "";
};

const unansweredFinding = (
  { contract: { spec } }: FeatureSet.FeatureSet,
  { name }: Charter.Baseline,
  rows: number,
  otherwise: Rule.Otherwise,
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
          found: `${Words.counted(rows, "training row")} without one, which count as ${"class" in otherwise ? `"${otherwise.class}"` : otherwise.value}`,
          rows,
          next: "End the formula with orElse, to say what is done then.",
        },
      ];
