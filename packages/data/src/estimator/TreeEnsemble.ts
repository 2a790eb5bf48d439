/** Gradient-boosted trees as a document, and how they score. */
import * as Schema from "effect/Schema";
import { distinct, type Report, sameLength } from "./problems.ts";
import { applyLink, type Link, type Scorer } from "./Scorer.ts";

const Numbers = Schema.Array(Schema.Finite);
const Indexes = Schema.Array(Schema.Int);

/**
 * One decision tree as parallel lists, one entry per node; node 0 is the root.
 *
 * A node with `feature[i] === -1` is a leaf and adds `value[i]`. Otherwise a row goes to `left[i]` if
 * its feature is `<= threshold[i]`, to `right[i]` if it is greater, and when it is missing to
 * `left[i]` if `missingLeft[i]` is 1, else to `right[i]`. Children come after their parent.
 *
 * Where the feature is a category, `leftCategories[i]` lists the codes that go left; `threshold[i]` is
 * not used, and a code that no training row had counts as missing.
 */
export const Tree = Schema.Struct({
  feature: Indexes,
  threshold: Numbers,
  left: Indexes,
  right: Indexes,
  missingLeft: Schema.Array(Schema.Literals([0, 1])),
  value: Numbers,
  /** Training rows that reached the node. */
  cover: Numbers,
  /** `null` for leaves and nodes on a number; left out if no node is on a category. */
  leftCategories: Schema.optionalKey(Schema.Array(Schema.NullOr(Numbers))),
});
/** See {@link Tree}. */
export type Tree = typeof Tree.Type;

/** What trees are boosted for. */
export const TreeObjective = Schema.Literals([
  "logistic",
  "softmax",
  "squaredError",
  "absoluteError",
  "quantile",
  "poisson",
  "lambdaRank",
]);
/** See {@link TreeObjective}. */
export type TreeObjective = typeof TreeObjective.Type;

/**
 * Gradient-boosted trees: a base score plus the leaf values of all trees (learning rate included), for
 * each output. Tree `t` belongs to output `t % baseScores.length`; only `softmax` has several, one per
 * class. The sum is log-odds for objective `logistic` and the score its sigmoid; the classes'
 * scores are the softmax of their sums; for `poisson` the score is e to the sum; else it is the sum.
 *
 * `importance[j]` is the total gain (reduction of the training objective, times two) of all splits
 * on feature `j`, unscaled: Friedman 2001, "Greedy function approximation", section 8.1.
 */
export const TreeEnsemble = Schema.TaggedStruct("TreeEnsemble", {
  version: Schema.Literal(1),
  objective: TreeObjective,
  features: Schema.Array(Schema.String),
  /** The codes of each feature that is a category, as training rows had them; `null` for a number. */
  categories: Schema.optionalKey(Schema.Array(Schema.NullOr(Numbers))),
  baseScores: Numbers,
  trees: Schema.Array(Tree),
  importance: Numbers,
});
/** See {@link TreeEnsemble}. */
export type TreeEnsemble = typeof TreeEnsemble.Type;

/** How raw scores of trees become predictions. */
export const linkOf = (objective: TreeObjective): Link => {
  switch (objective) {
    case "logistic":
      return "logit";
    case "softmax":
      return "softmax";
    case "poisson":
      return "log";
    default:
      return "identity";
  }
};

/** Reports the faults of the ensemble's structure. */
export const treesProblems = (model: TreeEnsemble, report: Report): void => {
  const { features, baseScores, categories, trees } = model;
  sameLength(model, ["importance"], features.length, "", report);
  const outputs = baseScores.length;
  if (model.objective === "softmax" ? outputs < 2 : outputs !== 1) {
    const expected = model.objective === "softmax" ? "2 or more" : "1";
    report("baseScores", `${outputs} entries where ${expected} are expected`);
  } else if (trees.length % outputs !== 0) {
    report("trees", `${trees.length} trees are not a multiple of ${outputs} classes`);
  }
  if (categories !== undefined) {
    sameLength({ categories }, ["categories"], features.length, "", report);
    for (const [j, codes] of categories.entries())
      distinct(codes ?? [], `categories[${j}]`, report);
  }
  const known = features.map((_, j) => {
    const codes = categories?.[j] ?? null;
    return codes === null ? null : new Set(codes);
  });
  for (const [t, tree] of trees.entries()) treeProblems(tree, known, `trees[${t}].`, report);
};

/** `known[j]`: the codes of feature `j` if it is a category. */
const treeProblems = (
  tree: Tree,
  known: ReadonlyArray<ReadonlySet<number> | null>,
  at: string,
  report: Report,
): void => {
  const nodes = tree.feature.length;
  if (nodes === 0) return report(`${at}feature`, "a tree has no nodes");
  const lists = ["threshold", "left", "right", "missingLeft", "value", "cover"] as const;
  if (!sameLength(tree, lists, nodes, at, report)) return;
  const { leftCategories } = tree;
  if (
    leftCategories !== undefined &&
    !sameLength({ leftCategories }, ["leftCategories"], nodes, at, report)
  ) {
    return;
  }
  const hasParent = new Uint8Array(nodes);
  for (let i = 0; i < nodes; i++) {
    const feature = tree.feature[i]!;
    if (!(tree.cover[i]! >= 0)) report(`${at}cover[${i}]`, `${tree.cover[i]} is less than 0 rows`);
    if (feature === -1) continue;
    if (feature < 0 || feature >= known.length) {
      report(`${at}feature[${i}]`, `feature index ${feature} is not in 0..${known.length - 1}`);
    } else {
      const codes = known[feature] ?? null;
      const left = leftCategories?.[i] ?? null;
      const where = `${at}leftCategories[${i}]`;
      if ((codes === null) !== (left === null)) {
        report(where, `feature ${feature} is ${codes === null ? "a number" : "a category"}`);
      }
      for (const code of left ?? []) {
        if (codes?.has(code) === false) report(where, `feature ${feature} has no category ${code}`);
      }
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

/** All trees in flat arrays, for scoring. */
interface CompiledTrees {
  /** Per node: feature (-1 in a leaf, −2 − feature for a category), left, right, and the child of a missing value. */
  readonly link: Int32Array;
  /** Per node: the threshold, or the value of a leaf, or where its set of categories starts. */
  readonly number: Float64Array;
  /** 1 for each category, by position, that goes left. */
  readonly sets: Uint8Array;
  readonly roots: Int32Array;
}

const compileTrees = (model: TreeEnsemble): CompiledTrees => {
  const nodes = model.trees.reduce((sum, tree) => sum + tree.feature.length, 0);
  const link = new Int32Array(4 * nodes);
  const number = new Float64Array(nodes);
  const roots = new Int32Array(model.trees.length);
  const sets: Array<number> = [];
  let root = 0;
  for (const [t, tree] of model.trees.entries()) {
    roots[t] = root;
    for (const [i, feature] of tree.feature.entries()) {
      const left = root + tree.left[i]!;
      const right = root + tree.right[i]!;
      const goLeft = tree.leftCategories?.[i] ?? null;
      const at = root + i;
      const tag = goLeft === null ? feature : -2 - feature;
      link.set([tag, left, right, tree.missingLeft[i] === 1 ? left : right], 4 * at);
      if (goLeft === null) {
        number[at] = feature === -1 ? tree.value[i]! : tree.threshold[i]!;
      } else {
        const leftSet = new Set(goLeft);
        number[at] = sets.length;
        for (const code of model.categories?.[feature] ?? []) sets.push(leftSet.has(code) ? 1 : 0);
      }
    }
    root += tree.feature.length;
  }
  return { link, number, roots, sets: Uint8Array.from(sets) };
};

/** The value of the leaf that the row at `row[offset..]` reaches from `root`. */
const leafValue = (
  { link, number, sets }: CompiledTrees,
  root: number,
  row: ArrayLike<number>,
  offset: number,
): number => {
  let node = root;
  let feature = link[4 * node]!;
  while (feature !== -1) {
    let side: number;
    if (feature >= 0) {
      const x = row[offset + feature]!;
      const threshold = number[node]!;
      side = x <= threshold ? 1 : x > threshold ? 2 : 3;
    } else {
      const category = row[offset - 2 - feature]!;
      side = category !== category ? 3 : sets[number[node]! + category] === 1 ? 1 : 2;
    }
    node = link[4 * node + side]!;
    feature = link[4 * node]!;
  }
  return number[node]!;
};

/**
 * Replaces codes by their positions, in a copy of the rows; what is not known becomes `NaN`. Without
 * categories rows are used as they are.
 */
const categoryEncoder = (
  model: TreeEnsemble,
): ((rows: ArrayLike<number>, count: number) => ArrayLike<number>) => {
  const features = model.features.length;
  const positions = (model.categories ?? []).flatMap((codes, feature) =>
    codes === null
      ? []
      : [{ feature, of: new Map(codes.map((code, position) => [code, position])) }],
  );
  if (positions.length === 0) return (rows) => rows;
  let copy = new Float64Array(features);
  return (rows, count) => {
    const values = count * features;
    if (copy.length < values) copy = new Float64Array(values);
    for (let i = 0; i < values; i++) copy[i] = rows[i] ?? Number.NaN;
    for (const { feature, of } of positions) {
      for (let i = feature; i < values; i += features) {
        copy[i] = of.get(copy[i]!) ?? Number.NaN;
      }
    }
    return copy;
  };
};

/** Compiles the ensemble. */
export const treesScorer = (model: TreeEnsemble): Scorer => {
  const compiled = compileTrees(model);
  const encode = categoryEncoder(model);
  const link = linkOf(model.objective);
  const base = Float64Array.from(model.baseScores);
  const { roots } = compiled;
  const width = base.length;
  const features = model.features.length;
  return {
    width,
    score: (given, count, out, at) => {
      const rows = encode(given, count);
      const end = at + count * width;
      for (let i = at; i < end; i += width) out.set(base, i);
      // Tree by tree: a tree and a block of rows stay in the cache.
      for (let t = 0; t < roots.length; t++) {
        const root = roots[t]!;
        for (let i = at + (t % width), offset = 0; i < end; i += width, offset += features) {
          out[i] = out[i]! + leafValue(compiled, root, rows, offset);
        }
      }
      applyLink(link, width, out, at, end);
    },
  };
};
