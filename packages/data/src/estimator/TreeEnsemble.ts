/** Gradient-boosted trees as a document, and how they score. */
import * as Schema from "effect/Schema";
import { compileTrees, encoder, leafValue } from "./compiledTrees.ts";
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

/** Compiles the ensemble. */
export const treesScorer = (model: TreeEnsemble): Scorer => {
  const compiled = compileTrees(model);
  const encode = encoder(model);
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
