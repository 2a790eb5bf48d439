/** The stage that trains a linear model. */
import { type Contract, type Exhibit, type Finding, Stage } from "@ml-pipe/core";
import { type Estimator, FeatureSet, GoldenSet, Model } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type Prepared, preparedBy } from "./internal/prepared.ts";
import {
  fitted,
  inputsOf,
  notGolden,
  requireOneSplit,
  signatureOf,
  trainedOn,
  type TrainStage,
} from "./internal/trainingStage.ts";
import {
  classesOf,
  type NumberColumns,
  readTable,
  strangeFinding,
  type Weighted,
} from "./internal/trainingTable.ts";
import { fitLinear, type LinearOptions, type LinearResult } from "./Linear.ts";

/** How {@link linear} trains. */
export interface LinearStageOptions<Out extends Contract.Contract>
  extends LinearOptions, Prepared<Out>, Weighted<Out> {
  /**
   * Only for labels that are numbers. `identity` (default): any number; `log`: a count or an amount of at
   * least 0, whose logarithm is linear (Poisson regression).
   */
  readonly link?: Out extends FeatureSet.Labelled<number> ? "identity" | "log" : never;
  /**
   * Only with link `log`: the feature in proportion to which the expected count grows, such as days insured.
   * With `prepare`, the column of that name which comes out, so leave it as it is there.
   */
  readonly exposure?: Out extends FeatureSet.Labelled<number> ? NumberColumns<Out> : never;
}

/**
 * A stage that trains a generalised linear model with an elastic net penalty, which follows what the label is:
 * logistic regression for yes/no, linear (or, with link `log`, Poisson) regression for a number, multinomial
 * regression for a class. Features are standardised; a missing value counts as the mean. The validation rows
 * are measured and not used to fit. The same inputs and options give the same model, bit for bit.
 *
 * A feature that never varies gets the coefficient 0 and is a finding.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Train.linear(set, { l1: 2, l2: 0.5 });
 * ```
 */
export const linear = <C extends Contract.Contract, Out extends FeatureSet.Labelled>(
  set: FeatureSet.FeatureSet<C, Out>,
  { prepare, weight, ...options }: LinearStageOptions<Out> = {},
): TrainStage<Out> => {
  const link = linkOf(set, options.link);
  const kind = linearKinds[link];
  return Stage.make("train", {
    description: `trains a ${kind}`,
    input: inputsOf(set),
    output: Model.of(set),
    params: {
      estimator: "linear",
      featureSet: set.digest,
      ...preparedBy(prepare),
      ...(weight === undefined ? {} : { weight }),
      ...options,
      link,
    },
    fingerprint: GoldenSet.registeredDigests(set),
    run: Effect.fnUntraced(function* ({ train, validation }, { exhibit, finding }) {
      yield* requireOneSplit(train, validation);
      yield* Effect.forEach(yield* notGolden(set, train, validation), finding);
      const transform = yield* fitted(prepare, train, exhibit);
      const classes = yield* classesOf(set, train, weight);
      const rows = yield* readTable(set, train, { transform, classes, weight });
      const held = yield* readTable(set, validation, { transform, classes, weight });
      yield* Effect.forEach(strangeFinding(set.contract, held), finding);
      const fit = yield* fitLinear(
        { ...rows, ...(held.labels.length === 0 ? {} : { validation: held }) },
        { ...options, link },
      );
      const { estimator } = fit;
      yield* Effect.forEach(unvaryingFindings(set.contract, fit), finding);
      yield* exhibit(coefficients(estimator, classes));
      yield* exhibit(losses(fit));
      return yield* Model.store(set, {
        estimator,
        transform,
        kind,
        trainedOn: trainedOn(train),
        ...signatureOf(classes),
      });
    }),
  });
};

type Link = Estimator.LinearModel["link"];

/** The link for a label of this kind. */
export const linkOf = (
  { spec }: FeatureSet.FeatureSet,
  asked: "identity" | "log" | undefined,
): Link => {
  const label = FeatureSet.labelKind(spec);
  if (asked !== undefined && label !== "number") {
    throw new TypeError(
      `train: link "${asked}" is for numbers, and the label of "${spec.name}" is none`,
    );
  }
  return label === "boolean" ? "logit" : label === "text" ? "softmax" : (asked ?? "identity");
};

/** What a model with a link is called. */
export const linearKinds = {
  identity: "linear regression",
  logit: "logistic regression",
  log: "Poisson regression",
  softmax: "multinomial regression",
} as const satisfies { readonly [K in Link]: string };

const unvaryingFindings = (
  { spec }: Contract.Contract,
  { unvarying }: LinearResult,
): ReadonlyArray<Finding.Finding> =>
  unvarying.map((column) => ({
    check: "train.varies",
    severity: "warn",
    column,
    owner: spec.owner,
    expected: "a feature with at least two different values in the training rows",
    found: "the same value in all of them, or none: its coefficient is 0",
    next: "Drop the feature, or find out upstream why it does not vary.",
  }));

/** Rows of a table of coefficients: a reader looks at the first. */
const shownCoefficients = 100;

const coefficients = (
  { features, coefficients }: Estimator.LinearModel,
  classes: ReadonlyArray<string> | undefined,
): Exhibit.Exhibit => {
  const rows = features
    .map((feature, j) => ({ feature, own: coefficients.map((one) => one[j] ?? 0) }))
    .toSorted((a, b) => largest(b.own) - largest(a.own));
  const zero = rows.filter(({ own }) => largest(own) === 0).length;
  return {
    _tag: "table",
    title: "Coefficients",
    caption: `by one standard deviation of the feature, largest first; ${zero} of ${features.length} are 0`,
    columns: ["feature", ...(classes ?? ["coefficient"])],
    rows: rows
      .slice(0, shownCoefficients)
      .map(({ feature, own }) => [feature, ...own.map((w) => Number(w.toPrecision(6)))]),
  };
};

const largest = (values: ReadonlyArray<number>): number => Math.max(...values.map(Math.abs));

const losses = ({
  estimator,
  iterations,
  trainLoss,
  validationLoss,
}: LinearResult): Exhibit.Exhibit => ({
  _tag: "table",
  title: "Loss",
  caption: `after ${iterations} Newton steps, without the penalty`,
  columns: ["rows", lossNames[estimator.link]],
  rows: [
    ["train", Number(trainLoss.toPrecision(6))],
    ["validation", validationLoss === undefined ? null : Number(validationLoss.toPrecision(6))],
  ],
});

const lossNames = {
  identity: "mean squared error",
  logit: "log loss",
  log: "mean Poisson deviance",
  softmax: "log loss",
} as const satisfies { readonly [K in Link]: string };
