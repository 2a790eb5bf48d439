/**
 * Explanations: how much each feature moved one prediction of a built-in model, exactly. What the model expects
 * without the features (`base`) plus all contributions is its raw score.
 *
 * Trees: path-dependent Shapley values (TreeSHAP; Lundberg et al. 2020). Linear models: `coefficient · (x −
 * mean)`, which are the Shapley values of a linear model whose features are taken one by one (Štrumbelj &
 * Kononenko 2014, "Explaining prediction models and individual predictions with feature contributions").
 *
 * They say what the model did with a feature, not what the world would do if the feature changed. Of features
 * that go together, either may get what belongs to both. A calibration is not explained: it moves all predictions
 * alike.
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type Column, requireColumns, type ScoreInputInvalid } from "./estimator/columns.ts";
import type { LinearModel } from "./estimator/LinearModel.ts";
import { treeShap } from "./estimator/treeShap.ts";
import { type Estimator, width as widthOf } from "./Estimator.ts";

/**
 * What contributions are in: `logOdds` of a probability, `logRate` (the logarithm of a count or amount),
 * `classScores` (of which the softmax gives the classes' probabilities), `value` in the label's unit or, of a ranking,
 * without one.
 */
export const Scale = Schema.Literals(["logOdds", "logRate", "classScores", "value"]);
/** See {@link Scale}. */
export type Scale = typeof Scale.Type;

/** How one prediction came about: `base` and all contributions add up to the model's raw score. */
export const Explanation = Schema.Struct({
  scale: Scale,
  /** What the model expects without knowing the features. */
  base: Schema.Finite,
  /** By how much each feature moved the score from there, the largest first. */
  contributions: Schema.Array(
    Schema.Struct({ feature: Schema.String, contribution: Schema.Finite }),
  ),
});
/** See {@link Explanation}. */
export type Explanation = typeof Explanation.Type;

/** A model that is ready to explain itself. Keeps scratch space of its own: one call at a time. */
export interface Explainer {
  readonly scale: Scale;
  readonly features: ReadonlyArray<string>;
  /** Outputs: one per class for several classes, else 1. */
  readonly width: number;
  /** What is expected of each output without knowing the features. */
  readonly base: Float64Array;
  /** Writes the contribution of feature `j` to output `k` of one row to `out[k * features + j]`. */
  readonly explain: (row: ArrayLike<number>, out: Float64Array) => void;
}

/**
 * Makes a model ready to explain itself; it must be sound, as for scoring.
 *
 * @example
 * ```ts
 * import { type Estimator, Explanation } from "@ml-pipe/data";
 *
 * const contributionsOf = (model: Estimator.Estimator, row: ReadonlyArray<number>) => {
 *   const { width, features, explain } = Explanation.make(model);
 *   const out = new Float64Array(width * features.length);
 *   explain(row, out);
 *   return out; // such as [0.8, -0.1]: the first feature raised the log-odds by 0.8
 * };
 * ```
 */
export const make = (estimator: Estimator): Explainer => {
  const { features } = estimator;
  const common = { features, width: widthOf(estimator) };
  switch (estimator._tag) {
    case "ConstantModel":
      return {
        ...common,
        scale: "value",
        base: Float64Array.from(estimator.values),
        explain: (_row, out) => {
          out.fill(0);
        },
      };
    case "LinearModel":
      return { ...common, ...linear(estimator) };
    case "TreeEnsemble": {
      const { base, add } = treeShap(estimator);
      return {
        ...common,
        scale: treeScales[estimator.objective],
        base,
        explain: (row, out) => {
          out.fill(0);
          add(row, out);
        },
      };
    }
  }
};

const treeScales = {
  logistic: "logOdds",
  softmax: "classScores",
  poisson: "logRate",
  squaredError: "value",
  absoluteError: "value",
  quantile: "value",
  lambdaRank: "value",
} as const;

const linearScales = {
  identity: "value",
  logit: "logOdds",
  log: "logRate",
  softmax: "classScores",
} as const;

/** Keeps the logarithm of nothing finite. */
const least = Number.MIN_VALUE;

const linear = (model: LinearModel): Pick<Explainer, "scale" | "base" | "explain"> => {
  const { features, mean, sd, imputation, coefficients, exposure } = model;
  const base = Float64Array.from(model.intercepts);
  const exposed = exposure === undefined ? -1 : features.indexOf(exposure);
  const usualExposure = Math.log(Math.max(least, mean[exposed] ?? 1));
  if (exposed >= 0) base[0]! += usualExposure;
  return {
    scale: linearScales[model.link],
    base,
    explain: (row, out) => {
      for (const [k, own] of coefficients.entries()) {
        for (let j = 0; j < features.length; j++) {
          const given = row[j] ?? Number.NaN;
          const x = Number.isNaN(given) ? imputation[j]! : given;
          out[k * features.length + j] =
            j === exposed
              ? Math.log(Math.max(least, x)) - usualExposure
              : (own[j]! * (x - mean[j]!)) / sd[j]!;
        }
      }
    },
  };
};

/**
 * Explains every output of one row: one explanation for each class of several, else one.
 *
 * @example
 * ```ts
 * import { type Estimator, Explanation } from "@ml-pipe/data";
 *
 * const why = (model: Estimator.Estimator, row: ReadonlyArray<number>) =>
 *   Explanation.explain(Explanation.make(model), row);
 * // such as [{ scale: "logOdds", base: -1.2, contributions: [{ feature: "age", contribution: 0.8 }] }]
 * ```
 */
export const explain = (
  { scale, features, width, base, explain }: Explainer,
  row: ArrayLike<number>,
): ReadonlyArray<Explanation> => {
  const out = new Float64Array(width * features.length);
  explain(row, out);
  return Array.from({ length: width }, (_, output) => ({
    scale,
    base: base[output]!,
    contributions: features
      .map((feature, j) => ({ feature, contribution: out[output * features.length + j]! }))
      .toSorted((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)),
  }));
};

/** Explain this long, in milliseconds, before other fibres run. */
const yieldEvery = 20;

/**
 * How much each feature moves the predictions of these rows, up or down: the mean of the absolute contributions
 * (the bars of a SHAP summary plot), that of feature `j` to output `k` at `k * features + j`. Columns are in the order
 * of the features, `NaN` is missing. A thousand rows drawn at random tell enough: time grows with the rows.
 *
 * @example
 * ```ts
 * import { type Estimator, Explanation } from "@ml-pipe/data";
 *
 * const importance = (model: Estimator.Estimator, columns: ReadonlyArray<Float64Array>) =>
 *   Explanation.meanAbsolute(model, columns); // such as [0.6, 0.02], one per feature of each output
 * ```
 */
export const meanAbsolute: (
  estimator: Estimator,
  columns: ReadonlyArray<Column>,
) => Effect.Effect<Float64Array, ScoreInputInvalid> = Effect.fnUntraced(
  function* (estimator, columns) {
    const { features, width, explain } = make(estimator);
    const rows = columns[0]?.length ?? 0;
    yield* requireColumns(features, columns, rows);
    const row = new Float64Array(features.length);
    const out = new Float64Array(width * features.length);
    const sums = new Float64Array(out.length);
    let last = performance.now();
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < row.length; j++) row[j] = columns[j]![i]!;
      explain(row, out);
      for (let at = 0; at < out.length; at++) sums[at]! += Math.abs(out[at]!);
      if (performance.now() - last > yieldEvery) {
        yield* Effect.yieldNow;
        last = performance.now();
      }
    }
    return rows === 0 ? sums : sums.map((sum) => sum / rows);
  },
);
