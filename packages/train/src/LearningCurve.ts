/**
 * Learning curves: would more data help? The same training on growing parts of the training rows, each
 * measured on the validation rows, and a power law through them. Costs as much as it trains: ask for it.
 */
import {
  type Artifact,
  type Charter,
  type Contract,
  type Exhibit,
  type Finding,
  type Metric,
  Stage,
  type Store,
} from "@ml-pipe/core";
import {
  BusinessCost,
  type Duckdb,
  FeatureSet,
  GoldenSet,
  Interval,
  type Model,
  PowerLaw,
  Predictions,
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

const judged = {
  /** The power law `limit + scale · rows^−exponent`. */
  curve: Schema.Struct({
    limit: Schema.Finite,
    scale: Schema.Finite,
    exponent: Schema.Finite,
  }),
  /** What twice the rows would take off; null where the curve is flat. */
  saving: Schema.NullOr(Interval.Interval),
  /** `yes` and `no`: the whole interval lies on this side of what is worth it. */
  moreHelps: Schema.Literals(["yes", "no", "inconclusive"]),
};
const Judged = Schema.Struct(judged);
type Judged = typeof Judged.Type;

/** A learning curve, and what it says of more rows. */
export const LearningCurve = Schema.Struct({
  /** What was measured on validation rows; lower is better. */
  loss: Schema.String,
  points: Schema.Array(
    Schema.Struct({
      share: Schema.Finite,
      rows: Schema.Int,
      loss: Schema.Finite,
      /** What it costs to go by the model, per row, in the charter's metric. */
      cost: Schema.optionalKey(Schema.Finite),
    }),
  ),
  ...judged,
  /** The same of what it costs, where a charter says so. */
  business: Schema.optionalKey(
    Schema.Struct({
      unit: Schema.String,
      /** What the baseline costs on the same rows, per row. */
      baselineCost: Schema.Finite,
      /** The charter's: what a saving must reach to be worth it. */
      smallestGain: Schema.Finite,
      ...judged,
    }),
  ),
}).annotate({ title: "LearningCurve" });
/** See {@link LearningCurve}. */
export type LearningCurve = typeof LearningCurve.Type;

/** The charters whose metric is of a label. */
export type CharterFor<Out extends Contract.Contract> =
  Out extends FeatureSet.Labelled<boolean>
    ? Charter.Charter<Metric.DecisionMetric>
    : Out extends FeatureSet.Labelled<number>
      ? Charter.Charter<Metric.NumberMetric>
      : Charter.Charter<Metric.ClassMetric>;

/** How {@link learningCurve} measures. */
export interface LearningCurveOptions<Out extends Contract.Contract, E, R> {
  /** The stage that trains, such as `Train.boostedTrees(set)`. */
  readonly train: Trainer<Out, E, R>;
  /**
   * Says what more rows are worth: what it costs to go by the model is measured, too, and twice the rows help if they
   * save the charter's smallest gain. Default: only the loss is measured.
   */
  readonly charter?: CharterFor<Out>;
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
  | Predictions.PredictionsError
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
 * With a `charter`, the same is said of what it costs to go by the model: `business`. A model may be more sure of what
 * it says and decide no better.
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
  const charter: Charter.Charter<BusinessCost.RowMetric> | undefined = options.charter;
  const charge = charter === undefined ? undefined : chargeBy(set, charter);
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
      ...(charter === undefined ? {} : { charter: charter.digest }),
    },
    fingerprint: (): Effect.Effect<Schema.Json, LearningCurveError | E, R | Needs> =>
      GoldenSet.registeredDigests(set),
    run: Effect.fnUntraced(function* (parts, { exhibit, finding, progress }) {
      const points: Array<LearningCurve["points"][number]> = [];
      let baselineCost = 0;
      for (const [at, share] of shares.entries()) {
        const some = yield* sampled(set, parts.train, share);
        yield* progress({
          label: `trains on ${counted(some.rows, "row")}`,
          share: at / shares.length,
          rows: some.rows,
        });
        const model = yield* train.run({ train: some, validation: parts.validation });
        const found = yield* measure(set, model, parts.validation, loss);
        const charged = yield* charge?.(model, parts.validation) ?? Effect.undefined;
        baselineCost = charged?.baseline ?? 0;
        const cost = charged === undefined ? {} : { cost: charged.model };
        points.push({ share, rows: some.rows, loss: found.loss, ...cost });
      }
      const last = points.at(-1) ?? { rows: 1, loss: 0 };
      const least = worth * Math.abs(last.loss);
      const judge = (values: ReadonlyArray<number>, enough: number) =>
        Effect.fromResult(
          judgedOf({ rows: points.map(({ rows }) => rows), values }, enough, level),
        );
      const curve: LearningCurve = {
        loss,
        points,
        ...(yield* judge(
          points.map((point) => point.loss),
          least,
        )),
        ...(charter === undefined
          ? {}
          : {
              business: {
                unit: charter.spec.metric.unit,
                baselineCost,
                smallestGain: charter.spec.smallestGain,
                ...(yield* judge(
                  points.map(({ cost = 0 }) => cost),
                  charter.spec.smallestGain,
                )),
              },
            }),
      };
      yield* Effect.forEach(findingsOf(curve, least), finding);
      yield* Effect.forEach(exhibitsOf(curve), exhibit);
      return curve;
    }),
  });
};

/** What it costs to go by a model, and by the baseline, on the rows of a table. */
const chargeBy = (
  set: FeatureSet.FeatureSet<Contract.Contract, Contract.Contract>,
  { spec: { metric, baseline } }: Charter.Charter<BusinessCost.RowMetric>,
) => {
  const business = Result.getOrThrow(BusinessCost.of(metric));
  const { classes } = business;
  return Effect.fnUntraced(function* (model: Model.AnyModel, table: Table.AnyTable) {
    const asked = { model, table, baseline, classes, rows: "labelled" } as const;
    const predicted = yield* Predictions.read(set, asked);
    const { label } = predicted;
    return {
      model: meanOf(yield* business.of(yield* business.done(predicted), label)),
      baseline: meanOf(yield* business.of(predicted.baseline, label)),
    };
  });
};

const meanOf = (values: Float64Array): number =>
  values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length);

/** The power law through values by rows, and whether twice the rows take enough off. */
const judgedOf = (
  {
    rows,
    values,
  }: { readonly rows: ReadonlyArray<number>; readonly values: ReadonlyArray<number> },
  enough: number,
  level: number,
): Result.Result<Judged, StatisticsError> =>
  Result.map(PowerLaw.fit(rows, values), (fitted) => {
    const { limit, scale, exponent } = fitted;
    const most = rows.at(-1) ?? 1;
    const saving = Result.getOrElse(fitted.saving(most, 2 * most, level), () => null);
    const moreHelps =
      saving === null || saving.upper < enough
        ? "no"
        : saving.lower > enough
          ? "yes"
          : "inconclusive";
    return { curve: { limit, scale, exponent }, saving, moreHelps };
  });

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

const findingsOf = (curve: LearningCurve, least: number): ReadonlyArray<Finding.Finding> => {
  const { business, loss, points } = curve;
  const { rows = 0, loss: lowest = 0, cost = 0 } = points.at(-1) ?? {};
  return [
    findingOf("train.more-data", curve, {
      rows,
      what: `a ${loss} of ${number(lowest)}`,
      enough: number(least),
    }),
    ...(business === undefined
      ? []
      : [
          findingOf("train.more-data-worth", business, {
            rows,
            what: `${number(cost)} ${business.unit}, where the baseline costs ${number(business.baselineCost)}`,
            enough: `${number(business.smallestGain)} ${business.unit}, the charter's smallest gain,`,
          }),
        ]),
  ];
};

const findingOf = (
  check: string,
  { saving, moreHelps }: Judged,
  about: { readonly rows: number; readonly what: string; readonly enough: string },
): Finding.Finding => {
  const { rows, what, enough } = about;
  const found =
    saving === null
      ? `${what}, which does not change with the number of rows`
      : `twice as many as ${whole(rows)} would take ${number(saving.estimate)} off ${what} (${percent(saving.level)} interval ${number(saving.lower)} to ${number(saving.upper)})`;
  return {
    check,
    severity: "info",
    expected: `a saving of at least ${enough} from twice the training rows, or none`,
    found: `${moreHelps}: ${found}`,
    rows,
    next: {
      yes: "Ingest more rows before looking for a better model.",
      no: "More rows of this kind will not help much: look for better features.",
      inconclusive: "The curve does not say: give more shares, or more validation rows.",
    }[moreHelps],
  };
};

/** Points between the smallest number of rows and twice the largest at which the law is drawn. */
const drawn = 40;

const exhibitsOf = (curve: LearningCurve): ReadonlyArray<Exhibit.Exhibit> => {
  const { loss, points, business } = curve;
  return [
    exhibitOf("Would more data help?", curve, {
      what: loss,
      points: points.map(({ rows, loss: y }) => [rows, y]),
    }),
    ...(business === undefined
      ? []
      : [
          {
            ...exhibitOf("What would more data be worth?", business, {
              what: business.unit,
              points: points.map(({ rows, cost = 0 }) => [rows, cost]),
            }),
            rules: [{ y: business.baselineCost, label: "baseline" }],
          },
        ]),
  ];
};

const exhibitOf = (
  title: string,
  { curve, moreHelps }: Judged,
  about: {
    readonly what: string;
    readonly points: ReadonlyArray<readonly [number, number]>;
  },
): Extract<Exhibit.Exhibit, { readonly _tag: "line" }> => {
  const { what, points } = about;
  const [first, last] = [points[0]?.[0] ?? 1, points.at(-1)?.[0] ?? 1];
  const law = Array.from({ length: drawn + 1 }, (_, k): readonly [number, number] => {
    const rows = first + ((2 * last - first) * k) / drawn;
    return [rows, curve.limit + curve.scale * rows ** -curve.exponent];
  });
  return {
    _tag: "line",
    title,
    caption: `${moreHelps}: ${what} on validation rows by training rows, and a power law drawn on to twice as many`,
    x: { label: "training rows" },
    y: { label: what },
    series: [
      { name: "measured", points, marks: true },
      { name: "power law", points: law },
    ],
  };
};
