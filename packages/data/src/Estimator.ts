/**
 * Built-in models as JSON values, and scoring with them in plain TypeScript.
 *
 * Training produces an {@link Estimator}; evaluation, deployment and monitoring score with it. It
 * is data only: loading one never runs code. A document from outside goes through {@link load},
 * which checks its shape (schema) and its structure (tree indexes in range, no cycles, lists of
 * equal length) and says what is wrong and where.
 *
 * Features are numbers in the order of `features`; `NaN` means missing. A score is a probability for
 * classification (`logistic`, `logit`) and a value in the label's unit otherwise.
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

const Numbers = Schema.Array(Schema.Finite);
const Indexes = Schema.Array(Schema.Int);

/**
 * One decision tree as parallel lists, one entry per node; node 0 is the root.
 *
 * A node with `feature[i] === -1` is a leaf and adds `value[i]`. Otherwise a row goes to `left[i]` if
 * its feature is `<= threshold[i]`, to `right[i]` if it is greater, and when it is missing to
 * `left[i]` if `missingLeft[i]` is 1, else to `right[i]`. Children come after their parent.
 */
export const Tree = Schema.Struct({
  feature: Indexes,
  threshold: Numbers,
  left: Indexes,
  right: Indexes,
  missingLeft: Schema.Array(Schema.Literals([0, 1])),
  value: Numbers,
});
/** See {@link Tree}. */
export type Tree = typeof Tree.Type;

/**
 * Gradient-boosted trees: `baseScore` plus the leaf values of all trees (learning rate included).
 * With objective `logistic` that sum is log-odds and the score is its sigmoid; with `squaredError`
 * it is the score.
 *
 * `importance[j]` is the total gain (reduction of the training objective, times two) of all splits
 * on feature `j`, unscaled: Friedman 2001, "Greedy function approximation", section 8.1.
 */
export const TreeEnsemble = Schema.TaggedStruct("TreeEnsemble", {
  version: Schema.Literal(1),
  objective: Schema.Literals(["logistic", "squaredError"]),
  features: Schema.Array(Schema.String),
  baseScore: Schema.Finite,
  trees: Schema.Array(Tree),
  importance: Numbers,
});
/** See {@link TreeEnsemble}. */
export type TreeEnsemble = typeof TreeEnsemble.Type;

/**
 * A linear model on standardised features: `intercept + Σ coefficients[j] · (x_j − mean[j]) / sd[j]`,
 * where a missing `x_j` is replaced by `imputation[j]`. Link `logit` scores the sigmoid of that sum.
 */
export const LinearModel = Schema.TaggedStruct("LinearModel", {
  version: Schema.Literal(1),
  link: Schema.Literals(["logit", "identity"]),
  features: Schema.Array(Schema.String),
  intercept: Schema.Finite,
  coefficients: Numbers,
  mean: Numbers,
  /** Standard deviation, greater than zero (1 for a feature that never varied). */
  sd: Numbers,
  imputation: Numbers,
});
/** See {@link LinearModel}. */
export type LinearModel = typeof LinearModel.Type;

/** The same score for every row: the baseline every other model has to beat. */
export const ConstantModel = Schema.TaggedStruct("ConstantModel", {
  version: Schema.Literal(1),
  features: Schema.Array(Schema.String),
  value: Schema.Finite,
});
/** See {@link ConstantModel}. */
export type ConstantModel = typeof ConstantModel.Type;

/** A built-in model. Persisted as it is: `JSON.stringify(estimator)`; read back with {@link load}. */
export const Estimator = Schema.Union([TreeEnsemble, LinearModel, ConstantModel]);
/** See {@link Estimator}. */
export type Estimator = typeof Estimator.Type;

/** One fault of a model document: what is wrong, and the path to it such as `trees[3].left[7]`. */
export const EstimatorProblem = Schema.Struct({ what: Schema.String, where: Schema.String });
/** See {@link EstimatorProblem}. */
export type EstimatorProblem = typeof EstimatorProblem.Type;

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

/** The columns given to {@link scoreColumns} do not fit the model or one another. */
export class ScoreInputInvalid extends Schema.TaggedError<ScoreInputInvalid>()(
  "ScoreInputInvalid",
  {
    what: Schema.String,
    where: Schema.String,
    next: Schema.String,
  },
) {
  override get message(): string {
    return `cannot score: ${this.what} (${this.where}). ${this.next}`;
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
  const { features } = estimator;
  for (const [j, name] of features.entries()) {
    if (features.indexOf(name) < j) report(`features[${j}]`, `"${name}" is listed twice`);
  }
  if (estimator._tag === "LinearModel") {
    sameLength(
      estimator,
      ["coefficients", "mean", "sd", "imputation"],
      features.length,
      "",
      report,
    );
    for (const [j, sd] of estimator.sd.entries()) {
      if (!(sd > 0)) report(`sd[${j}]`, `standard deviation ${sd} is not positive`);
    }
  } else if (estimator._tag === "TreeEnsemble") {
    sameLength(estimator, ["importance"], features.length, "", report);
    for (const [t, tree] of estimator.trees.entries()) {
      treeProblems(tree, features.length, `trees[${t}].`, report);
    }
  }
  return found;
};

type Report = (where: string, what: string) => void;

const sameLength = <K extends string>(
  holder: { readonly [P in K]: ReadonlyArray<number> },
  keys: ReadonlyArray<K>,
  expected: number,
  at: string,
  report: Report,
): boolean => {
  const wrong = keys.filter((key) => holder[key].length !== expected);
  for (const key of wrong) {
    report(`${at}${key}`, `${holder[key].length} entries where ${expected} are expected`);
  }
  return wrong.length === 0;
};

const treeProblems = (tree: Tree, features: number, at: string, report: Report): void => {
  const nodes = tree.feature.length;
  if (nodes === 0) return report(`${at}feature`, "a tree has no nodes");
  const lists = ["threshold", "left", "right", "missingLeft", "value"] as const;
  if (!sameLength(tree, lists, nodes, at, report)) return;
  const hasParent = new Uint8Array(nodes);
  for (let i = 0; i < nodes; i++) {
    const feature = tree.feature[i]!;
    if (feature === -1) continue;
    if (feature < 0 || feature >= features) {
      report(`${at}feature[${i}]`, `feature index ${feature} is not in 0..${features - 1}`);
    }
    for (const side of ["left", "right"] as const) {
      const child = tree[side][i]!;
      const where = `${at}${side}[${i}]`;
      if (child >= nodes) report(where, `child ${child} is not in 0..${nodes - 1}`);
      else if (child <= i) report(where, `child ${child} does not come after its parent`);
      else if (hasParent[child] === 1) report(where, `child ${child} has two parents`);
      else hasParent[child] = 1;
    }
  }
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

/** `1 / (1 + e^−x)`: the probability of log-odds `x`. */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The linear sum of the row at `row[offset..]`. */
const linearSum = (model: LinearModel): ((row: ArrayLike<number>, offset: number) => number) => {
  const { intercept } = model;
  const weight = Float64Array.from(model.coefficients, (c, j) => c / model.sd[j]!);
  const mean = Float64Array.from(model.mean);
  const whenMissing = weight.map((w, j) => w * (model.imputation[j]! - mean[j]!));
  return (row, offset) => {
    let sum = intercept;
    for (let j = 0; j < weight.length; j++) {
      const term = weight[j]! * (row[offset + j]! - mean[j]!);
      sum += term === term ? term : whenMissing[j]!;
    }
    return sum;
  };
};

/**
 * Compiles a model to a closure that scores one row without allocating. The model must be sound
 * (trained here, or read with {@link load}). A row shorter than `features` counts the rest as missing.
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
  switch (estimator._tag) {
    case "ConstantModel": {
      const value = estimator.value;
      return () => value;
    }
    case "LinearModel": {
      const sum = linearSum(estimator);
      return estimator.link === "logit" ? (row) => sigmoid(sum(row, 0)) : (row) => sum(row, 0);
    }
    case "TreeEnsemble": {
      const compiled = compileTrees(estimator);
      const { baseScore } = estimator;
      const { roots } = compiled;
      const sumOfTrees = (row: ArrayLike<number>): number => {
        let sum = baseScore;
        for (let t = 0; t < roots.length; t++) sum += leafValue(compiled, roots[t]!, row, 0);
        return sum;
      };
      return estimator.objective === "logistic" ? (row) => sigmoid(sumOfTrees(row)) : sumOfTrees;
    }
  }
};

/** All trees in two flat arrays, for scoring. */
interface CompiledTrees {
  /** Per node: feature (-1 in a leaf), left, right, and the child of a missing value. */
  readonly link: Int32Array;
  /** Per node: the threshold, or the value of a leaf. */
  readonly number: Float64Array;
  readonly roots: Int32Array;
}

const compileTrees = (model: TreeEnsemble): CompiledTrees => {
  const nodes = model.trees.reduce((sum, tree) => sum + tree.feature.length, 0);
  const link = new Int32Array(4 * nodes);
  const number = new Float64Array(nodes);
  const roots = new Int32Array(model.trees.length);
  let root = 0;
  for (const [t, tree] of model.trees.entries()) {
    roots[t] = root;
    for (const [i, feature] of tree.feature.entries()) {
      const left = root + tree.left[i]!;
      const right = root + tree.right[i]!;
      link.set([feature, left, right, tree.missingLeft[i] === 1 ? left : right], 4 * (root + i));
      number[root + i] = feature === -1 ? tree.value[i]! : tree.threshold[i]!;
    }
    root += tree.feature.length;
  }
  return { link, number, roots };
};

/** The value of the leaf that the row at `row[offset..]` reaches from `root`. */
const leafValue = (
  { link, number }: CompiledTrees,
  root: number,
  row: ArrayLike<number>,
  offset: number,
): number => {
  let node = root;
  let feature = link[4 * node]!;
  while (feature !== -1) {
    const x = row[offset + feature]!;
    const threshold = number[node]!;
    node = link[4 * node + (x <= threshold ? 1 : x > threshold ? 2 : 3)]!;
    feature = link[4 * node]!;
  }
  return number[node]!;
};

/** Rows per block: a block of 20 features and its scores stay in a second-level cache. */
const blockRows = 1024;
/** Let other fibres run about this often, in milliseconds. */
const yieldEvery = 20;

/**
 * Scores columns in blocks: `out[i]` becomes the score of row `i`. `columns` are in the order of
 * `features`, all as long as `out`; `NaN` is missing. Gives way to other fibres between blocks, so
 * it can be interrupted and does not freeze the process.
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
  columns: ReadonlyArray<Float64Array | Float32Array>,
  out: Float64Array,
) => Effect.Effect<void, ScoreInputInvalid> = Effect.fnUntraced(
  function* (estimator, columns, out) {
    const { features } = estimator;
    if (estimator._tag === "ConstantModel") {
      out.fill(estimator.value);
      return;
    }
    if (columns.length !== features.length) {
      return yield* new ScoreInputInvalid({
        what: `${columns.length} columns where the model has ${features.length} features`,
        where: "columns",
        next: `Give one column per feature, in this order: ${features.join(", ")}.`,
      });
    }
    for (const [j, column] of columns.entries()) {
      if (column.length === out.length) continue;
      return yield* new ScoreInputInvalid({
        what: `${column.length} values where ${out.length} rows are to be scored`,
        where: `column "${features[j]}"`,
        next: "Give columns of one table, all of the same length as the output.",
      });
    }
    const score = blockScorer(estimator, columns, out);
    let last = performance.now();
    for (let start = 0; start < out.length; start += blockRows) {
      score(start, Math.min(start + blockRows, out.length));
      if (performance.now() - last > yieldEvery) {
        yield* Effect.yieldNow;
        last = performance.now();
      }
    }
  },
);

const blockScorer = (
  estimator: TreeEnsemble | LinearModel,
  columns: ReadonlyArray<Float64Array | Float32Array>,
  out: Float64Array,
): ((start: number, end: number) => void) => {
  const width = columns.length;
  const rows = new Float64Array(blockRows * width);
  const linear = estimator._tag === "LinearModel" ? linearSum(estimator) : null;
  const trees = estimator._tag === "TreeEnsemble" ? compileTrees(estimator) : null;
  const base = estimator._tag === "TreeEnsemble" ? estimator.baseScore : 0;
  const probability =
    estimator._tag === "TreeEnsemble"
      ? estimator.objective === "logistic"
      : estimator.link === "logit";
  return (start, end) => {
    for (const [j, column] of columns.entries()) {
      for (let i = start, at = j; i < end; i++, at += width) rows[at] = column[i]!;
    }
    out.fill(base, start, end);
    if (linear !== null) {
      for (let i = start, at = 0; i < end; i++, at += width) out[i] = linear(rows, at);
    } else if (trees !== null) {
      for (const root of trees.roots) {
        for (let i = start, at = 0; i < end; i++, at += width) {
          out[i] = out[i]! + leafValue(trees, root, rows, at);
        }
      }
    }
    if (probability) for (let i = start; i < end; i++) out[i] = sigmoid(out[i]!);
  };
};
