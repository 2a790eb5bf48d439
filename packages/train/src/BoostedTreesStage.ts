/** The stage that trains gradient-boosted trees. */
import { type Contract, type Exhibit, type Finding, Stage } from "@ml-pipe/core";
import { type Estimator, FeatureSet, GoldenSet, Model, type Transform, Words } from "@ml-pipe/data";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import {
  type BoostedTreesResult,
  type BoostedTreesSettings,
  type BoostingProgress,
  fitBoostedTrees,
} from "./BoostedTrees.ts";
import { preparedBy } from "./internal/prepared.ts";
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
  type TrainingTable,
  type Weighted,
} from "./internal/trainingTable.ts";

/** What nobody has: makes an option of no use where the label does not go with it, and the compiler say why. */
interface Refused<Reason extends string> {
  readonly "~refused": Reason;
}

/** Features are columns of the feature table, or with `prepare` what comes out of it. */
type FeatureName<Out extends Contract.Contract, P> = P extends undefined
  ? NumberColumns<Out>
  : string;

/** How {@link boostedTrees} trains. */
export type BoostedTreesStageOptions<
  Out extends Contract.Contract,
  P extends Transform.Transform<Out> | undefined = undefined,
> = Omit<BoostedTreesSettings, "objective" | "quantile" | "categorical" | "monotone"> &
  Weighted<Out> & {
    /**
     * What the features go through before the model reads them. Fitted by the stage, on its training rows
     * only, and stored with the model: requests go through it too.
     */
    readonly prepare?: P;
    /** See {@link BoostedTreesSettings}. */
    readonly categorical?: ReadonlyArray<FeatureName<Out, P> & string>;
    /** See {@link BoostedTreesSettings}. */
    readonly monotone?: Out extends FeatureSet.Labelled<string>
      ? {
          readonly [feature: string]: Direction;
        } & Refused<"several classes have no monotone constraints: what one gains, another loses">
      : { readonly [K in FeatureName<Out, P>]?: Direction };
    /**
     * Only for labels that are numbers, default `squaredError`. `poisson`: a count or an amount of at
     * least 0; `absoluteError`: the median.
     */
    readonly objective?: Out extends FeatureSet.Labelled<number>
      ? "squaredError" | "absoluteError" | "poisson"
      : "poisson" & Refused<"only a label that is a number has a choice of objectives">;
    /** Only for labels that are numbers: predicts this quantile, above 0 and below 1. */
    readonly quantile?: Out extends FeatureSet.Labelled<number>
      ? number
      : number & Refused<"only a label that is a number has quantiles">;
    /**
     * Ranks rows within queries, such as the results of one search, instead of predicting the label: yes/no,
     * or how relevant a row is (0, 1, 2 … 31). Names the column that rows of one query share.
     */
    readonly query?: Out extends FeatureSet.Labelled<number> | FeatureSet.Labelled<boolean>
      ? Exclude<keyof Out["columns"] & string, "label">
      : string & Refused<"classes have no order to rank rows by">;
    /**
     * Stop when this time is over and keep the best model so far. The model then depends on the machine, and
     * a finding says so. Default none.
     */
    readonly timeBudget?: Duration.Input;
  };

/**
 * A stage that trains gradient-boosted trees, whose objective follows what the label is: two classes for yes/no,
 * several for text, squared error (or what is asked for) for a number, an order with `query`. Needs no Python;
 * the same inputs and options give the same model, bit for bit, on any number of threads.
 *
 * The validation rows stop the training where they are predicted best, and decide how many trees are kept.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Train.boostedTrees(set, { maxTrees: 100, learningRate: 0.1 });
 * ```
 */
export const boostedTrees = <
  C extends Contract.Contract,
  Out extends FeatureSet.Labelled,
  P extends Transform.Transform<Out> | undefined = undefined,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: BoostedTreesStageOptions<Out, P> = {},
): TrainStage<Out> => {
  const { prepare, weight, query, timeBudget, objective: asked, quantile, ...others } = options;
  const { monotone, ...rest } = others;
  const objective = objectiveOf(set, { asked, quantile, query });
  const settings: BoostedTreesSettings = {
    ...rest,
    objective,
    ...(quantile === undefined ? {} : { quantile }),
    ...(monotone === undefined ? {} : { monotone: directionsOf(monotone) }),
  };
  const budget = timeBudget === undefined ? undefined : Duration.fromInputUnsafe(timeBudget);
  return Stage.make("train", {
    description: "trains gradient-boosted trees",
    input: inputsOf(set),
    output: Model.of(set),
    params: {
      estimator: "boosted-trees",
      featureSet: set.digest,
      ...preparedBy(prepare),
      ...(weight === undefined ? {} : { weight }),
      ...(query === undefined ? {} : { query }),
      ...(budget === undefined ? {} : { timeBudgetMs: Duration.toMillis(budget) }),
      ...settings,
    },
    fingerprint: GoldenSet.registeredDigests(set),
    run: Effect.fnUntraced(function* (
      { train, validation },
      { exhibit, finding, progress, stoppable },
    ) {
      yield* requireOneSplit(train, validation);
      yield* Effect.forEach(yield* notGolden(set, train, validation), finding);
      const transform = yield* fitted(prepare, train, exhibit);
      const classes = yield* classesOf(set, train, weight);
      const how = { transform, classes, weight, query };
      const rows = yield* readTable(set, train, how);
      const held = yield* readTable(set, validation, how);
      yield* Effect.forEach(strangeFinding(set.contract, held), finding);
      yield* Effect.forEach(unaskedFinding(set.contract, query, [rows, held]), finding);
      const tell = Effect.runForkWith(yield* Effect.context<never>());
      const describe = progressTeller(objective);
      const onProgress = (point: BoostingProgress) =>
        tell(progress({ ...describe(point), rows: train.rows }));
      const fit = yield* stoppable((asked) =>
        fitBoostedTrees(
          { ...rows, validation: held },
          {
            ...settings,
            ...(budget === undefined ? {} : { timeBudget: budget }),
            stop: asked,
            onProgress,
          },
        ),
      );
      const cut = cutShort(fit);
      if (cut !== undefined) yield* finding(cutFinding(set.contract, cut));
      yield* exhibit(learningCurve(fit, objective));
      return yield* Model.store(set, {
        estimator: fit.estimator,
        transform,
        kind: `gradient-boosted trees${cut === undefined ? "" : `, stopped after ${cut.done} of ${cut.planned}`}`,
        trainedOn: trainedOn(train),
        ...(query === undefined ? signatureOf(classes) : { signature: { _tag: "score" } }),
      });
    }),
  });
};

type Direction = "increasing" | "decreasing";

/** Without the features that are named and have none. */
const directionsOf = (monotone: { readonly [feature: string]: Direction | undefined }) => {
  const directions: { [feature: string]: Direction } = {};
  for (const [feature, direction] of Object.entries(monotone)) {
    if (direction !== undefined) directions[feature] = direction;
  }
  return directions;
};

/** What is minimised for a label of this kind. */
export const objectiveOf = (
  { spec }: FeatureSet.FeatureSet,
  of: {
    readonly asked: Estimator.TreeObjective | undefined;
    readonly quantile: number | undefined;
    readonly query: string | undefined;
  },
): Estimator.TreeObjective => {
  const label = FeatureSet.labelKind(spec);
  const chosen = [
    ...(of.asked === undefined ? [] : [`objective "${of.asked}"`]),
    ...(of.quantile === undefined ? [] : ["quantile"]),
    ...(of.query === undefined ? [] : ["query"]),
  ];
  if (chosen.length > 1) throw new TypeError(`train: ${chosen.join(" and ")}: choose one of them`);
  if (label !== "number" && of.asked !== undefined) {
    throw new TypeError(
      `train: ${chosen[0]} is for numbers, and the label of "${spec.name}" is none`,
    );
  }
  if (label !== "number" && of.quantile !== undefined) {
    throw new TypeError(`train: quantile is for numbers, and the label of "${spec.name}" is none`);
  }
  if (label === "text" && of.query !== undefined) {
    throw new TypeError(`train: classes have no order that query could rank "${spec.name}" by`);
  }
  if (of.query !== undefined) return "lambdaRank";
  if (of.quantile !== undefined) return "quantile";
  return label === "boolean"
    ? "logistic"
    : label === "text"
      ? "softmax"
      : (of.asked ?? "squaredError");
};

const lossNames = {
  logistic: "log loss",
  softmax: "log loss",
  squaredError: "mean squared error",
  absoluteError: "mean absolute error",
  quantile: "mean pinball loss",
  poisson: "mean Poisson deviance",
  lambdaRank: "1 − NDCG",
} as const satisfies { readonly [O in Estimator.TreeObjective]: string };

/** Points of the curve that the live tree draws. */
const curvePoints = 10;

/** Says how far a training is, with its curve: `log loss 0.41 at tree 40 of 100, lowest 0.39 at 31`. */
const progressTeller = (objective: Estimator.TreeObjective) => {
  const name = lossNames[objective].replace("mean ", "");
  const losses: Array<number> = [];
  let lowest = { tree: 0, loss: Infinity };
  return ({ tree, trees, validationLoss, trainLoss }: BoostingProgress) => {
    const loss = validationLoss ?? trainLoss;
    losses.push(loss);
    if (loss < lowest.loss) lowest = { tree, loss };
    const best =
      lowest.tree === tree ? "" : `, lowest ${lowest.loss.toPrecision(4)} at ${lowest.tree}`;
    const points = Math.min(curvePoints, losses.length);
    return {
      label: `${name} ${loss.toPrecision(4)} at tree ${tree} of ${trees}${best}`,
      share: tree / trees,
      curve: Array.from(
        { length: points },
        (_, i) => losses[Math.round(((i + 1) * losses.length) / points) - 1] ?? loss,
      ),
    };
  };
};

/** More points than these no plot shows apart. */
const mostPoints = 500;

/** Which trees the model has. */
const keptWords = (grown: number, kept: number): string =>
  kept === grown
    ? `the model keeps all ${Words.counted(grown, "tree")}`
    : `the model keeps ${kept} of ${Words.counted(grown, "tree")}: the loss on the validation rows was lowest there`;

/** Why there are no more. */
const endWords: { readonly [S in BoostedTreesResult["stopped"]]: string } = {
  maxTrees: "",
  noGain: "; no further split gains anything",
  earlyStopping: "",
  timeBudget: "; then the time was over",
  asked: "; then the run was interrupted",
};

const learningCurve = (
  { history, bestTree, stopped }: BoostedTreesResult,
  objective: Estimator.TreeObjective,
): Exhibit.Exhibit => {
  const grown = history.length - 1;
  const step = Math.ceil(grown / mostPoints);
  const shown = history.filter(
    ({ tree }) => tree % step === 0 || tree === bestTree || tree === grown,
  );
  return {
    _tag: "line",
    title: "Learning curve",
    caption: `${keptWords(grown, bestTree)}${endWords[stopped]}`,
    x: { label: "trees" },
    y: { label: lossNames[objective] },
    series: [
      { name: "train", points: shown.map(({ tree, trainLoss }) => [tree, trainLoss]) },
      {
        name: "validation",
        points: shown.flatMap(({ tree, validationLoss }) =>
          validationLoss === undefined ? [] : [[tree, validationLoss] as const],
        ),
      },
    ],
  };
};

/** A training that did not end by itself: why, after how many trees of how many, and what it keeps. */
interface Cut {
  readonly done: number;
  readonly kept: number;
  readonly planned: number;
  readonly by: "timeBudget" | "asked";
}

const cutShort = (fit: BoostedTreesResult): Cut | undefined => {
  const { history, bestTree: kept, maxTrees: planned, stopped: by } = fit;
  return by === "timeBudget" || by === "asked"
    ? { done: history.length - 1, kept, planned, by }
    : undefined;
};

/** A model that more time would have changed. */
const cutFinding = (
  { spec: { owner } }: Contract.Contract,
  { done, kept, planned, by }: Cut,
): Finding.Finding => {
  const found = `stopped after ${Words.whole(done)} of ${Words.counted(planned, "tree")}, with the best ${kept}`;
  const common = { severity: "warn", owner } as const;
  return by === "timeBudget"
    ? {
        ...common,
        check: "train.time",
        expected: "training that ends within its time budget",
        found: `${found}: the model depends on this machine`,
        next: "Give it more time, or lower maxTrees, so that the same inputs give the same model.",
      }
    : {
        ...common,
        check: "train.stopped",
        expected: "training that ends by itself",
        found: `${found}, because the run was interrupted`,
        next: "`ml-pipe resume` goes on with this model; `ml-pipe run` trains to the end.",
      };
};

/** Rows that nothing says what they are ranked against. */
const unaskedFinding = (
  { spec }: Contract.Contract,
  query: string | undefined,
  tables: ReadonlyArray<TrainingTable>,
): ReadonlyArray<Finding.Finding> => {
  const rows = tables.reduce((sum, { withoutQuery }) => sum + withoutQuery, 0);
  if (query === undefined || rows === 0) return [];
  return [
    {
      check: "train.query",
      severity: "warn",
      column: query,
      owner: spec.owner,
      expected: `a ${query} for every labelled row`,
      found: `${Words.counted(rows, "row")} without one, which are left out`,
      rows,
      next: `Find out why they have no ${query}.`,
    },
  ];
};
