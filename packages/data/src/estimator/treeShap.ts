/**
 * Exact Shapley values of trees in polynomial time: TreeSHAP, path-dependent (Lundberg, Erion & Lee 2018,
 * "Consistent individualized feature attribution for tree ensembles", algorithm 2; Lundberg et al. 2020, "From
 * local explanations to global understanding with explainable AI for trees"). What a tree says without a feature
 * is the mean over the branches of its splits, by the training rows that took them (`cover`).
 *
 * A path holds the features met on the way from the root. Of each it knows which share of the training rows
 * (`zero`) and whether the row itself (`one`) goes on, and for sets of each size their summed weight. Time per row
 * is in the number of leaves times the square of the depth.
 */
import { compileTrees, encoder, nextNode } from "./compiledTrees.ts";
import type { TreeEnsemble } from "./TreeEnsemble.ts";

/** Contributions of trees to the raw scores. */
export interface TreeShap {
  /** Expected raw score of each output over the training rows. */
  readonly base: Float64Array;
  /** Adds the contribution of feature `j` to output `k` of a row to `out[k * features + j]`. */
  readonly add: (row: ArrayLike<number>, out: Float64Array) => void;
}

/** Compiles an ensemble. */
export const treeShap = (model: TreeEnsemble): TreeShap => {
  const trees = compileTrees(model);
  const { link, number, roots } = trees;
  const encode = encoder(model);
  const features = model.features.length;
  const outputs = model.baseScores.length;
  const cover = Float64Array.from(model.trees.flatMap((tree) => tree.cover));
  /** The share of a node's training rows that went to this child. */
  const share = (child: number, node: number) =>
    cover[node]! > 0 ? cover[child]! / cover[node]! : 0;

  const expected = (node: number): number => {
    if (link[4 * node] === -1) return number[node]!;
    const [left, right] = [link[4 * node + 1]!, link[4 * node + 2]!];
    return share(left, node) * expected(left) + share(right, node) * expected(right);
  };
  const base = Float64Array.from(model.baseScores);
  for (let t = 0; t < roots.length; t++) base[t % outputs]! += expected(roots[t]!);

  const depthOf = (node: number): number =>
    link[4 * node] === -1
      ? 0
      : 1 + Math.max(depthOf(link[4 * node + 1]!), depthOf(link[4 * node + 2]!));
  const deepest = roots.reduce((depth, root) => Math.max(depth, depthOf(root)), 0);
  const path = makePath(deepest);

  let row: ArrayLike<number> = [];
  let out: Float64Array = new Float64Array(0);
  let offset = 0;

  /** `length` elements of the path so far start at `from`; the rows that go on at `node` did so by `feature`. */
  const visit = (
    node: number,
    length: number,
    from: number,
    zero: number,
    one: number,
    feature: number,
  ): void => {
    // Neither the row nor any training row comes here: nothing below counts.
    if (zero === 0 && one === 0) return;
    const start = path.copy(from, length);
    path.extend(start, length, zero, one, feature);
    const tag = link[4 * node]!;
    if (tag === -1) {
      const value = number[node]!;
      for (let i = 1; i <= length; i++) {
        const at = start + i;
        const weight = path.unwoundSum(start, length, i) * (path.one[at]! - path.zero[at]!);
        out[offset + path.feature[at]!]! += weight * value;
      }
      return;
    }
    const split = tag >= 0 ? tag : -2 - tag;
    const hot = nextNode(trees, node, tag, row, 0);
    const cold = link[4 * node + 1] === hot ? link[4 * node + 2]! : link[4 * node + 1]!;
    const before = path.find(start, length, split);
    const zeroBefore = before < 0 ? 1 : path.zero[start + before]!;
    const oneBefore = before < 0 ? 1 : path.one[start + before]!;
    if (before >= 0) path.unwind(start, length, before);
    const next = before < 0 ? length + 1 : length;
    visit(hot, next, start, share(hot, node) * zeroBefore, oneBefore, split);
    visit(cold, next, start, share(cold, node) * zeroBefore, 0, split);
  };

  return {
    base,
    add: (given, into) => {
      row = encode(given, 1);
      out = into;
      for (let t = 0; t < roots.length; t++) {
        offset = (t % outputs) * features;
        visit(roots[t]!, 0, 0, 1, 1, -1);
      }
    },
  };
};

/** Paths of all nodes on the way to one, one after another: each is as long as its node is deep. */
const makePath = (deepest: number) => {
  const size = ((deepest + 2) * (deepest + 3)) / 2;
  const feature = new Int32Array(size);
  const zero = new Float64Array(size);
  const one = new Float64Array(size);
  const weight = new Float64Array(size);
  return {
    feature,
    zero,
    one,
    /** Copies a path behind itself, with room for one more element; where the copy starts. */
    copy: (from: number, length: number): number => {
      const to = from + length;
      for (let i = 0; i < length; i++) {
        feature[to + i] = feature[from + i]!;
        zero[to + i] = zero[from + i]!;
        one[to + i] = one[from + i]!;
        weight[to + i] = weight[from + i]!;
      }
      return to;
    },
    /** Makes an element the last of a path that had `length`. */
    extend: (start: number, length: number, z: number, o: number, f: number): void => {
      feature[start + length] = f;
      zero[start + length] = z;
      one[start + length] = o;
      weight[start + length] = length === 0 ? 1 : 0;
      for (let i = length - 1; i >= 0; i--) {
        const w = weight[start + i]!;
        weight[start + i + 1]! += (o * w * (i + 1)) / (length + 1);
        weight[start + i] = (z * w * (length - i)) / (length + 1);
      }
    },
    /** Takes element `index` out again; `last` is the index of the last one. */
    unwind: (start: number, last: number, index: number): void => {
      const z = zero[start + index]!;
      const o = one[start + index]!;
      let next = weight[start + last]!;
      for (let i = last - 1; i >= 0; i--) {
        const w = weight[start + i]!;
        if (o !== 0) {
          const without = (next * (last + 1)) / ((i + 1) * o);
          weight[start + i] = without;
          next = w - (without * z * (last - i)) / (last + 1);
        } else weight[start + i] = (w * (last + 1)) / (z * (last - i));
      }
      for (let i = start + index; i < start + last; i++) {
        feature[i] = feature[i + 1]!;
        zero[i] = zero[i + 1]!;
        one[i] = one[i + 1]!;
      }
    },
    /** The sum of the weights that {@link unwind} would leave. */
    unwoundSum: (start: number, last: number, index: number): number => {
      const z = zero[start + index]!;
      const o = one[start + index]!;
      let total = 0;
      let next = weight[start + last]!;
      for (let i = last - 1; i >= 0; i--) {
        if (o !== 0) {
          const without = next / ((i + 1) * o);
          total += without;
          next = weight[start + i]! - without * z * (last - i);
        } else total += weight[start + i]! / (z * (last - i));
      }
      return total * (last + 1);
    },
    /** The index of a feature in a path, or −1. */
    find: (start: number, last: number, wanted: number): number => {
      for (let i = 1; i <= last; i++) if (feature[start + i] === wanted) return i;
      return -1;
    },
  };
};
