/**
 * Learning curves: would more data help? The same training on growing parts of the training rows, each
 * measured on the validation rows, and a power law through them. Costs as much as it trains: ask for it.
 */
import {
  type Artifact,
  type Contract,
  type Exhibit,
  type Finding,
  Stage,
  type Store,
} from "@ml-pipe/core";
import {
  type Duckdb,
  FeatureSet,
  GoldenSet,
  Interval,
  PowerLaw,
  type StatisticsError,
  type Table,
  Words,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { defaultLoss, type Loss, measure, type MeasureError } from "./internal/search/loss.ts";
import { sampled } from "./internal/search/sample.ts";
import { inputsOf, type TrainInputs } from "./internal/trainingStage.ts";
import type { LossFor, Trainer } from "./Search.ts";

const { counted, number, percent, whole } = Words;

/** A learning curve, and what it says of more rows. */
export const LearningCurve = Schema.Struct({
  /** What was measured on validation rows; lower is better. */
  loss: Schema.String,
  points: Schema.Array(
    Schema.Struct({ share: Schema.Finite, rows: Schema.Int, loss: Schema.Finite }),
  ),
  /** The power law `limit + scale · rows^−exponent`. */
  curve: Schema.Struct({
    limit: Schema.Finite,
    scale: Schema.Finite,
    exponent: Schema.Finite,
  }),
  /** What twice the rows would take off the loss; null where the curve is flat. */
  saving: Schema.NullOr(Interval.Interval),
  /** `yes` and `no`: the whole interval lies on this side of what is worth it. */
  moreHelps: Schema.Literals(["yes", "no", "inconclusive"]),
}).annotate({ title: "LearningCurve" });
/** See {@link LearningCurve}. */
export type LearningCurve = typeof LearningCurve.Type;

/** How {@link learningCurve} measures. */
export interface LearningCurveOptions<Out extends Contract.Contract, E, R> {
  /** The stage that trains, such as `Train.boostedTrees(set)`. */
  readonly train: Trainer<Out, E, R>;
  /** Shares of the training rows, ascending, at least four; default 0.2, 0.4, 0.6, 0.8 and 1. */
  readonly shares?: ReadonlyArray<number>;
  /** Default: log loss of probabilities, squared error of numbers. */
  readonly loss?: LossFor<Out>;
  /** Smallest share of the loss that is worth twice the rows; default 0.01. */
  readonly worth?: number;
  /** Confidence level of the interval; default 0.95. */
  readonly level?: number;
}

/** What measuring a curve can fail with, beside what its trainer can. */
export type LearningCurveError =
  | MeasureError
  | Table.WriteError
  | StatisticsError
  | Store.StoreError;

type Needs = Duckdb.Duckdb | Artifact.ArtifactStore;

/** The stage that {@link learningCurve} makes. */
export type LearningCurveStage<Out extends Contract.Contract, E, R> = Stage.Stage<
  TrainInputs<Out>,
  LearningCurve,
  {},
  LearningCurveError | E,
  R | Needs
>;

/**
 * A stage that trains on growing shares of the training rows, smaller ones being parts of larger ones, and
 * says whether twice the rows would help: `yes` if the whole interval of the saving lies above `worth` of the
 * loss, `no` if below, else inconclusive. Five points leave two degrees of freedom: give more shares for a
 * narrower interval. It is an extrapolation, and supposes that new rows are like these.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Train.learningCurve(set, { train: Train.linear(set) });
 * ```
 */
export const learningCurve = <C extends Contract.Contract, Out extends FeatureSet.Labelled, E, R>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: LearningCurveOptions<Out, E, R>,
): LearningCurveStage<Out, E, R> => {
  const { train, shares = [0.2, 0.4, 0.6, 0.8, 1], worth = 0.01, level = 0.95 } = options;
  const loss: Loss = options.loss ?? defaultLoss[FeatureSet.labelKind(set.spec)];
  requireUsable({ shares, worth, level });
  return Stage.make("learningCurve", {
    description: "asks whether more training rows would help",
    input: inputsOf(set),
    output: LearningCurve,
    params: {
      featureSet: set.digest,
      trainer: train.info.params,
      shares,
      loss,
      worth,
      level,
    },
    fingerprint: (): Effect.Effect<Schema.Json, LearningCurveError | E, R | Needs> =>
      GoldenSet.registeredDigests(set),
    run: Effect.fnUntraced(function* (parts, { exhibit, finding, progress }) {
      const points: Array<LearningCurve["points"][number]> = [];
      for (const [at, share] of shares.entries()) {
        const some = yield* sampled(set, parts.train, share);
        yield* progress({
          label: `trains on ${counted(some.rows, "row")}`,
          share: at / shares.length,
          rows: some.rows,
        });
        const model = yield* train.run({ train: some, validation: parts.validation });
        const found = yield* measure(set, model, parts.validation, loss);
        points.push({ share, rows: some.rows, loss: found.loss });
      }
      const fitted = yield* Effect.fromResult(
        PowerLaw.fit(
          points.map(({ rows }) => rows),
          points.map((point) => point.loss),
        ),
      );
      const last = points.at(-1) ?? { rows: 1, loss: 0 };
      const saving = Result.getOrElse(fitted.saving(last.rows, 2 * last.rows, level), () => null);
      const { limit, scale, exponent } = fitted;
      const least = worth * Math.abs(last.loss);
      const curve: LearningCurve = {
        loss,
        points,
        curve: { limit, scale, exponent },
        saving,
        moreHelps:
          saving === null || saving.upper < least
            ? "no"
            : saving.lower > least
              ? "yes"
              : "inconclusive",
      };
      yield* finding(findingOf(curve, least));
      yield* exhibit(exhibitOf(curve));
      return curve;
    }),
  });
};

const requireUsable = ({
  shares,
  worth,
  level,
}: {
  readonly shares: ReadonlyArray<number>;
  readonly worth: number;
  readonly level: number;
}): void => {
  const ascending = shares.every(
    (share, at) => share > (shares[at - 1] ?? 0) && share <= 1 && Number.isFinite(share),
  );
  const problems = [
    ...(ascending && shares.length >= 4
      ? []
      : [`shares are ${shares.join(", ")}, give at least four, ascending, above 0, at most 1`]),
    ...(worth >= 0 && worth < 1 ? [] : [`worth is ${worth}, give a share from 0 to below 1`]),
    ...(level > 0 && level < 1 ? [] : [`level is ${level}, give a probability between 0 and 1`]),
  ];
  if (problems.length > 0) throw new TypeError(`learningCurve: ${problems.join("; ")}`);
};

const findingOf = (
  { loss, points, saving, moreHelps }: LearningCurve,
  least: number,
): Finding.Finding => {
  const last = points.at(-1) ?? { rows: 0, loss: 0 };
  const found =
    saving === null
      ? `a ${loss} of ${number(last.loss)} that does not change with the number of rows`
      : `twice as many as ${whole(last.rows)} would take ${number(saving.estimate)} off a ${loss} of ${number(last.loss)} (${percent(saving.level)} interval ${number(saving.lower)} to ${number(saving.upper)})`;
  return {
    check: "train.more-data",
    severity: "info",
    expected: `a saving of at least ${number(least)} from twice the training rows, or none`,
    found: `${moreHelps}: ${found}`,
    rows: last.rows,
    next: {
      yes: "Ingest more rows before looking for a better model.",
      no: "More rows of this kind will not help much: look for better features.",
      inconclusive: "The curve does not say: give more shares, or more validation rows.",
    }[moreHelps],
  };
};

/** Points between the smallest number of rows and twice the largest at which the law is drawn. */
const drawn = 40;

const exhibitOf = ({ loss, points, curve, moreHelps }: LearningCurve): Exhibit.Exhibit => {
  const [first, last] = [points[0]?.rows ?? 1, points.at(-1)?.rows ?? 1];
  const law = Array.from({ length: drawn + 1 }, (_, k): readonly [number, number] => {
    const rows = first + ((2 * last - first) * k) / drawn;
    return [rows, curve.limit + curve.scale * rows ** -curve.exponent];
  });
  return {
    _tag: "line",
    title: "Would more data help?",
    caption: `${moreHelps}: ${loss} on validation rows by training rows, and a power law drawn on to twice as many`,
    x: { label: "training rows" },
    y: { label: loss },
    series: [
      {
        name: "measured",
        points: points.map(({ rows, loss: y }): readonly [number, number] => [rows, y]),
        marks: true,
      },
      { name: "power law", points: law },
    ],
  };
};
