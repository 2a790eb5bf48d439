/**
 * Built-in models as JSON values, and scoring with them in plain TypeScript.
 *
 * Training produces an {@link Estimator}; evaluation, deployment and monitoring score with it. It
 * is data only: loading one never runs code. A document from outside goes through {@link load},
 * which checks its shape (schema) and its structure (tree indexes in range, no cycles, lists of
 * equal length) and says what is wrong and where.
 *
 * Features are numbers in the order of `features`; `NaN` means missing. A row has one score, or one per
 * class ({@link width}). A score is a probability for classification, a rate for counts (`poisson`), a
 * score without unit for ranking, and a value in the label's unit otherwise.
 *
 * @example
 * ```ts
 * import { Estimator } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const score = Effect.fn(function* (text: string) {
 *   const model = yield* Estimator.load(JSON.parse(text));
 *   return Estimator.scoreRow(model)([0.3, Number.NaN, 12]);
 * });
 * ```
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import {
  type Column,
  requireColumns,
  rowsOf,
  type ScoreInputInvalid,
} from "./estimator/columns.ts";
import { ConstantModel, constantProblems, constantScorer } from "./estimator/ConstantModel.ts";
import { LinearModel, linearProblems, linearScorer } from "./estimator/LinearModel.ts";
import { distinct, EstimatorProblem, type Report } from "./estimator/problems.ts";
import type { Scorer } from "./estimator/Scorer.ts";
import { TreeEnsemble, treesProblems, treesScorer } from "./estimator/TreeEnsemble.ts";

export { ScoreInputInvalid } from "./estimator/columns.ts";
export { ConstantModel } from "./estimator/ConstantModel.ts";
export { LinearModel } from "./estimator/LinearModel.ts";
export { EstimatorProblem } from "./estimator/problems.ts";
export { sigmoid } from "./estimator/Scorer.ts";
export { Tree, TreeEnsemble, TreeObjective } from "./estimator/TreeEnsemble.ts";

/** A built-in model. Persisted as it is: `JSON.stringify(estimator)`; read back with {@link load}. */
export const Estimator = Schema.Union([TreeEnsemble, LinearModel, ConstantModel]);
/** See {@link Estimator}. */
export type Estimator = typeof Estimator.Type;

/**
 * A model document cannot be used. `what` and `where` are the first of `problems`, which lists them
 * all (at most {@link maxProblems}).
 */
export class EstimatorInvalid extends Schema.TaggedError<EstimatorInvalid>()("EstimatorInvalid", {
  what: Schema.String,
  where: Schema.String,
  next: Schema.String,
  problems: Schema.Array(EstimatorProblem),
}) {
  override get message(): string {
    const more = this.problems.length > 1 ? ` (and ${this.problems.length - 1} more)` : "";
    return `this model cannot be used: ${this.what} at ${this.where}${more}. ${this.next}`;
  }
}

/** How many problems of one document are listed before the check stops. */
export const maxProblems = 100;

/**
 * Every structural fault of a model that already has the right shape; empty if it is sound.
 *
 * @example
 * ```ts
 * import { Estimator } from "@ml-pipe/data";
 *
 * // such as [{ what: "child 0 does not come after its parent", where: "trees[0].left[0]" }]
 * const isSound = (model: Estimator.Estimator) => Estimator.problems(model).length === 0;
 * ```
 */
export const problems = (estimator: Estimator): ReadonlyArray<EstimatorProblem> => {
  const found: Array<EstimatorProblem> = [];
  const report: Report = (where, what) => {
    if (found.length < maxProblems) found.push({ what, where });
  };
  distinct(estimator.features, "features", report);
  switch (estimator._tag) {
    case "ConstantModel":
      constantProblems(estimator, report);
      break;
    case "LinearModel":
      linearProblems(estimator, report);
      break;
    case "TreeEnsemble":
      treesProblems(estimator, report);
  }
  return found;
};

const invalid = (found: ReadonlyArray<EstimatorProblem>): EstimatorInvalid =>
  new EstimatorInvalid({
    what: found[0]?.what ?? "unknown fault",
    where: found[0]?.where ?? "document",
    next: "Train the model again, or restore the artifact it was released with.",
    problems: found,
  });

const decode = Schema.decodeUnknownEffect(Estimator);

/**
 * Reads a model from parsed JSON, checking shape and structure. Never executes anything.
 *
 * @example
 * ```ts
 * import { Estimator } from "@ml-pipe/data";
 *
 * const model = Estimator.load({ _tag: "ConstantModel" }); // fails with EstimatorInvalid
 * ```
 */
export const load: (json: unknown) => Effect.Effect<Estimator, EstimatorInvalid> =
  Effect.fnUntraced(function* (json: unknown) {
    const estimator = yield* decode(json).pipe(
      Effect.mapError((error) => invalid([{ what: error.message, where: "document" }])),
    );
    const found = problems(estimator);
    if (found.length > 0) return yield* invalid(found);
    return estimator;
  });

const compile = (estimator: Estimator): Scorer => {
  switch (estimator._tag) {
    case "ConstantModel":
      return constantScorer(estimator);
    case "LinearModel":
      return linearScorer(estimator);
    case "TreeEnsemble":
      return treesScorer(estimator);
  }
};

/**
 * How many scores a row gets: one per class for several classes, else 1.
 *
 * @example
 * ```ts
 * import { Estimator } from "@ml-pipe/data";
 *
 * const scoresOf = (model: Estimator.Estimator, rows: number) =>
 *   new Float64Array(rows * Estimator.width(model));
 * ```
 */
export const width = (estimator: Estimator): number => {
  switch (estimator._tag) {
    case "ConstantModel":
      return estimator.values.length;
    case "LinearModel":
      return estimator.intercepts.length;
    case "TreeEnsemble":
      return estimator.baseScores.length;
  }
};

/**
 * Compiles a model to a closure that writes the scores of one row to `out[0..width]` without
 * allocating. The model must be sound (trained here, or read with {@link load}). A row shorter than
 * `features` counts the rest as missing.
 *
 * @example
 * ```ts
 * import { Estimator } from "@ml-pipe/data";
 *
 * const probabilitiesOf = (model: Estimator.Estimator) => {
 *   const out = new Float64Array(Estimator.width(model));
 *   Estimator.scoreInto(model)([31, Number.NaN], out);
 *   return out; // such as [0.1, 0.7, 0.2]
 * };
 * ```
 */
export const scoreInto = (
  estimator: Estimator,
): ((features: ArrayLike<number>, out: Float64Array) => void) => {
  const { score } = compile(estimator);
  return (features, out) => score(features, 1, out, 0);
};

/**
 * As {@link scoreInto}, for models with one score per row, which it returns. A model with more is a
 * defect.
 *
 * @example
 * ```ts
 * import { Estimator } from "@ml-pipe/data";
 *
 * const scoreOf = (model: Estimator.Estimator) =>
 *   Estimator.scoreRow(model)(new Float64Array([31, Number.NaN])); // such as 0.82
 * ```
 */
export const scoreRow = (estimator: Estimator): ((features: ArrayLike<number>) => number) => {
  const { width, score } = compile(estimator);
  if (width !== 1) throw new TypeError(`scoreRow: ${width} scores per row; use scoreInto`);
  const out = new Float64Array(1);
  return (features) => {
    score(features, 1, out, 0);
    return out[0]!;
  };
};

/** Rows per block: a block of 20 features and its scores stay in a second-level cache. */
const blockRows = 1024;
/** Let other fibres run about this often, in milliseconds. */
const yieldEvery = 20;

/**
 * Scores columns in blocks: the scores of row `i` go to `out[i * width..]`, so `out` is `rows` ×
 * {@link width} long. `columns` are in the order of `features`, all `rows` long; `NaN` is missing. Gives
 * way to other fibres between blocks, so it can be interrupted and does not freeze the process.
 *
 * @example
 * ```ts
 * import { Estimator } from "@ml-pipe/data";
 *
 * const ages = Float64Array.of(31, 54, 27);
 * const score = (model: Estimator.Estimator, out = new Float64Array(ages.length)) =>
 *   Estimator.scoreColumns(model, [ages], out);
 * ```
 */
export const scoreColumns: (
  estimator: Estimator,
  columns: ReadonlyArray<Column>,
  out: Float64Array,
) => Effect.Effect<void, ScoreInputInvalid> = Effect.fnUntraced(
  function* (estimator, columns, out) {
    const { features } = estimator;
    const { width, score } = compile(estimator);
    const rows = yield* rowsOf(out, width);
    if (estimator._tag === "ConstantModel") return score([], rows, out, 0);
    yield* requireColumns(features, columns, rows);
    const block = new Float64Array(blockRows * columns.length);
    let last = performance.now();
    for (let start = 0; start < rows; start += blockRows) {
      const end = Math.min(start + blockRows, rows);
      for (const [j, column] of columns.entries()) {
        for (let i = start, at = j; i < end; i++, at += columns.length) block[at] = column[i]!;
      }
      score(block, end - start, out, start * width);
      if (performance.now() - last > yieldEvery) {
        yield* Effect.yieldNow;
        last = performance.now();
      }
    }
  },
);
