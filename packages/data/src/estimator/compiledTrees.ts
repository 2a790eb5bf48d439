/** Trees in flat arrays: how a row finds its leaf. */
import type { TreeEnsemble } from "./TreeEnsemble.ts";

/** All trees of an ensemble, one after another. */
export interface CompiledTrees {
  /** Per node: feature (-1 in a leaf, −2 − feature for a category), left, right, and the child of a missing value. */
  readonly link: Int32Array;
  /** Per node: the threshold, or the value of a leaf, or where its set of categories starts. */
  readonly number: Float64Array;
  /** 1 for each category, by position, that goes left. */
  readonly sets: Uint8Array;
  readonly roots: Int32Array;
}

/** Lays the trees out. */
export const compileTrees = (model: TreeEnsemble): CompiledTrees => {
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

/** Where a row goes from a node on this feature (or category). */
export const nextNode = (
  { link, number, sets }: CompiledTrees,
  node: number,
  feature: number,
  row: ArrayLike<number>,
  offset: number,
): number => {
  let side: number;
  if (feature >= 0) {
    const x = row[offset + feature]!;
    const threshold = number[node]!;
    side = x <= threshold ? 1 : x > threshold ? 2 : 3;
  } else {
    const category = row[offset - 2 - feature]!;
    side = category !== category ? 3 : sets[number[node]! + category] === 1 ? 1 : 2;
  }
  return link[4 * node + side]!;
};

/** The value of the leaf that the row at `row[offset..]` reaches from `root`. */
export const leafValue = (
  trees: CompiledTrees,
  root: number,
  row: ArrayLike<number>,
  offset: number,
): number => {
  const { link } = trees;
  let node = root;
  let feature = link[4 * node]!;
  while (feature !== -1) {
    node = nextNode(trees, node, feature, row, offset);
    feature = link[4 * node]!;
  }
  return trees.number[node]!;
};

/**
 * Replaces codes by their positions, in a copy of the rows; what is not known becomes `NaN`. Without
 * categories rows are used as they are.
 */
export const encoder = (
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
