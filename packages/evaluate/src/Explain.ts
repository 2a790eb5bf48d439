/**
 * The stage that says what a model goes by: how much dearer going by it gets when a feature says nothing
 * (permutation importance), how far each feature moves its predictions (mean absolute Shapley values), and how
 * they go with a feature (partial dependence, with single rows' curves). Public as `Evaluate.explain`.
 *
 * It looks at validation rows, so it can be read as often as one likes without spending the test rows. What
 * a feature does to a model is no proof of what it does in the world.
 */
import { type Artifact, type Charter, type Contract, Stage } from "@ml-pipe/core";
import {
  BusinessCost,
  type Duckdb,
  type FeatureSet,
  Interval,
  Model,
  Predictions,
  type StatisticsError,
  Table,
  Words,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Contributions } from "./Contributions.ts";
import { contributionsOf } from "./internal/explain/contributions.ts";
import { curvesOf, gridOf } from "./internal/explain/dependence.ts";
import { exhibitsOf } from "./internal/explain/exhibits.ts";
import { groupsOf, importanceOf } from "./internal/explain/permutation.ts";
import { type AnySet, readRows, type RowsError } from "./internal/rows.ts";
import type { FeatureOf } from "./Judging.ts";
import { requireSignature, type WrongPrediction } from "./WrongPrediction.ts";

/** What it costs more to go by the model when these features are permuted together. */
export const FeatureImportance = Schema.Struct({
  features: Schema.Array(Schema.String),
  /** Extra cost per row, in the metric's unit; its interval holds for all of them together (Bonferroni). */
  extraCost: Schema.Struct({
    estimate: Schema.Finite,
    interval: Schema.NullOr(Interval.Interval),
  }),
});
/** See {@link FeatureImportance}. */
export type FeatureImportance = typeof FeatureImportance.Type;

/** How what the model says goes with one feature, all others as they are. */
export const Dependence = Schema.Struct({
  feature: Schema.String,
  values: Schema.Array(Schema.Finite),
  /** Of the probability, of the number, or of the probability of each class. */
  outputs: Schema.Array(
    Schema.Struct({
      /** Null unless there are classes. */
      class: Schema.NullOr(Schema.String),
      /** Mean over the rows at each value: partial dependence (Friedman 2001, section 8.2). */
      mean: Schema.Array(Schema.Finite),
      /** The same of single rows: individual conditional expectation (Goldstein et al. 2015). */
      rows: Schema.Array(Schema.Array(Schema.Finite)),
    }),
  ),
}).annotate({ title: "Dependence" });
/** See {@link Dependence}. */
export type Dependence = typeof Dependence.Type;

/** What the model goes by. */
export const Explanation = Schema.Struct({
  rows: Schema.Int,
  unit: Schema.String,
  level: Schema.Finite,
  /** What it costs to go by it on these rows, on average. */
  cost: Schema.Finite,
  /** Most first. */
  importance: Schema.Array(FeatureImportance),
  /** Null for a model in ONNX, whose inside is not known. */
  contributions: Schema.NullOr(Contributions),
  dependence: Schema.Array(Dependence),
}).annotate({ title: "Explanation" });
/** See {@link Explanation}. */
export type Explanation = typeof Explanation.Type;

/** How {@link explain} looks. */
export interface ExplainOptions<
  Feature extends string = never,
  M extends BusinessCost.RowMetric = BusinessCost.RowMetric,
> {
  /** Says what it costs. */
  readonly charter: Charter.Charter<M>;
  /**
   * Features that stand for the same thing, and are permuted together: alone, each seems to say little
   * because the others still say it.
   */
  readonly together?: ReadonlyArray<ReadonlyArray<Feature>>;
  /** Puts features together, too, whose correlation (Pearson, of either sign) reaches this. Default: none. */
  readonly correlatedFrom?: number;
  /** Permutations of each; default 5. */
  readonly repeats?: number;
  /** Features whose dependence is shown: the most important ones; default 6. */
  readonly dependence?: number;
  /** Rows looked at, at most, spread over the table; default 20,000. */
  readonly rows?: number;
  /** Confidence level of the intervals; default 0.95. */
  readonly level?: number;
  /** Seed of permutations and bootstrap; default 0. */
  readonly seed?: number;
}

/** There is no row with an outcome to explain by. */
export class NothingToExplain extends Schema.TaggedError<NothingToExplain>()("NothingToExplain", {
  rows: Schema.Int,
}) {
  override get message(): string {
    return `none of the ${Words.whole(this.rows)} rows of the validation table has an outcome (label), so nothing says what a feature is worth. Look for the join that lost them, or explain on another period.`;
  }
}

/** What {@link explain} can fail with. */
export type ExplainError = NothingToExplain | WrongPrediction | RowsError | StatisticsError;

/** The stage that {@link explain} makes. */
export type ExplainStage<Out extends Contract.Contract> = Stage.Stage<
  {
    readonly model: Model.Model<Out>;
    readonly data: Table.Table<Out, "validation">;
  },
  Explanation,
  {},
  ExplainError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/**
 * A stage that explains a model on validation rows, in the metric of the charter.
 *
 * Importance: Breiman, Machine Learning 45(1), 2001; model-agnostic: Fisher, Rudin & Dominici, JMLR 20(177),
 * 2019. The extra cost of each row, averaged over the permutations, is paired with the row as it is, and its
 * interval is a bootstrap over blocks, as of a verdict.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Evaluate } from "@ml-pipe/evaluate";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<number>>(
 *   set: FeatureSet.FeatureSet<C, Out>, charter: Charter.Charter<Metric.NumberMetric>,
 * ) => Evaluate.explain(set, { charter, correlatedFrom: 0.9 });
 * ```
 */
export const explain = <
  C extends Contract.Contract,
  M extends BusinessCost.RowMetric,
  Out extends FeatureSet.Labelled<FeatureSet.LabelFor<M>>,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: ExplainOptions<FeatureOf<Out>, M>,
): ExplainStage<Out> => {
  const { charter, together = [], correlatedFrom = null } = options;
  const { repeats = 5, dependence = 6, rows: mostRows = 20_000, level = 0.95, seed = 0 } = options;
  const names = set.spec.features.map(({ name }) => name);
  const asked = { together, correlatedFrom, repeats, dependence, rows: mostRows, level, seed };
  requireUsable(asked, names);
  const { metric, baseline } = charter.spec;
  const business = Result.getOrThrow(BusinessCost.of(metric));
  return Stage.make("explain", {
    description: "says what the model goes by",
    input: { model: Model.of(set), data: Table.of(set.contract, "validation") },
    output: Explanation,
    params: { featureSet: set.digest, ...asked },
    charter,
    run: Effect.fnUntraced(function* ({ model, data }, { exhibit, progress }) {
      const wide: AnySet = set;
      const rows = yield* readRows(wide, {
        model,
        table: data,
        baseline,
        cost: business,
        blocks: Predictions.defaultBlock(set),
        mostRows,
      });
      yield* requireSignature(model, rows.signature, business.needs);
      if (rows.rows === 0) return yield* new NothingToExplain({ rows: data.rows });
      const cost = yield* rows.costOf(yield* rows.score(rows.features));
      const groups = groupsOf(rows, together, correlatedFrom);
      const importance: Array<FeatureImportance> = [];
      for (const [index, group] of groups.entries()) {
        yield* progress({
          label: `permutes ${group.map((at) => names[at]).join(", ")}`,
          share: index / groups.length,
          rows: rows.rows,
        });
        importance.push(
          yield* importanceOf(rows, cost, group, {
            repeats,
            seed,
            level: 1 - (1 - level) / groups.length,
          }),
        );
      }
      const ranked = importance.toSorted((a, b) => b.extraCost.estimate - a.extraCost.estimate);
      const shown = ranked.flatMap(({ features }) => features).slice(0, dependence);
      const explanation: Explanation = {
        rows: rows.rows,
        unit: metric.unit,
        level,
        cost: cost.reduce((sum, one) => sum + one, 0) / rows.rows,
        importance: ranked,
        contributions: yield* contributionsOf(rows, yield* rows.prepare(rows.features)),
        dependence: yield* Effect.forEach(shown, (feature) => {
          const column = names.indexOf(feature);
          return curvesOf(rows, column, gridOf(rows.features[column] ?? new Float64Array()));
        }),
      };
      yield* Effect.forEach(exhibitsOf(explanation, business.threshold), exhibit);
      return explanation;
    }, Effect.scoped),
  });
};

const requireUsable = (
  options: {
    readonly together: ReadonlyArray<ReadonlyArray<string>>;
    readonly correlatedFrom: number | null;
    readonly repeats: number;
    readonly dependence: number;
    readonly rows: number;
    readonly level: number;
  },
  names: ReadonlyArray<string>,
): void => {
  const { together, correlatedFrom, level } = options;
  const listed = together.flat();
  const problems = [
    ...listed
      .filter((name) => !names.includes(name))
      .map((name) => `together: there is no feature "${name}"`),
    ...listed
      .filter((name, index) => listed.indexOf(name) < index)
      .map((name) => `together: "${name}" is named twice`),
    ...(correlatedFrom === null || (correlatedFrom > 0 && correlatedFrom <= 1)
      ? []
      : [`correlatedFrom is ${correlatedFrom}, give a correlation above 0, at most 1`]),
    ...(level > 0 && level < 1 ? [] : [`level is ${level}, give a probability between 0 and 1`]),
    ...(["repeats", "rows"] as const).flatMap((name) =>
      Number.isInteger(options[name]) && options[name] >= 1
        ? []
        : [`${name} is ${options[name]}, give a whole number, 1 or more`],
    ),
    ...(Number.isInteger(options.dependence) && options.dependence >= 0
      ? []
      : [`dependence is ${options.dependence}, give a number of features`]),
  ];
  if (problems.length > 0) throw new TypeError(`explain: ${problems.join("; ")}`);
};
