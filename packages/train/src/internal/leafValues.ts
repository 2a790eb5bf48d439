/**
 * Leaf values of objectives that have their own, such as a quantile of residuals, instead of the Newton step.
 *
 * Monotone constraints hold for them as for Newton steps: at a split on a constrained feature the leaves of
 * either side stay on their side of the middle between what the two sides are worth as a whole. A tree that
 * was grown by gradients alone may have them in the wrong order; then both sides get the middle.
 */
import type { Growth, LeafRows } from "./grower.ts";
import type { GrownTree, Shared } from "./layout.ts";
import { clip } from "./splitter.ts";
import type { Team } from "./team.ts";

/** Sets the values of a tree's leaves; the work is divided among the threads. */
export const setLeafValues = (
  { settings, memory, nodeValues }: Shared,
  team: Team,
  { tree, leaves }: Growth,
  valueOf: (index: Int32Array) => number,
): void => {
  const { monotone, learningRate } = settings;
  const byNode = new Map(leaves.map((leaf) => [leaf.node, leaf]));
  const constrained = constrainedNodes(tree, monotone);
  const wanted = new Set(byNode.keys());
  for (const node of constrained) wanted.add(tree.left[node]!).add(tree.right[node]!);
  const nodes = [...wanted];
  for (let k = team.take(); k < nodes.length; k = team.take()) {
    const rows = leavesUnder(tree, byNode, nodes[k]!);
    nodeValues[nodes[k]!] = valueOf(rowsOf(memory.buffer, rows));
  }
  team.barrier();

  const place = (node: number, lower: number, upper: number): void => {
    const [left, right] = [tree.left[node]!, tree.right[node]!];
    if (byNode.has(node)) {
      tree.value[node] = clip(nodeValues[node]!, lower, upper) * learningRate;
      return;
    }
    const sign = monotone[tree.feature[node]!]!;
    if (sign === 0) {
      place(left, lower, upper);
      return place(right, lower, upper);
    }
    const middle =
      (clip(nodeValues[left]!, lower, upper) + clip(nodeValues[right]!, lower, upper)) / 2;
    place(left, sign < 0 ? middle : lower, sign > 0 ? middle : upper);
    place(right, sign > 0 ? middle : lower, sign < 0 ? middle : upper);
  };
  place(0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
};

/** The nodes that are split on a constrained feature. */
const constrainedNodes = (
  { feature }: GrownTree,
  monotone: ReadonlyArray<-1 | 0 | 1>,
): ReadonlyArray<number> =>
  [...feature.keys()].filter((node) => {
    const j = feature[node]!;
    return j >= 0 && monotone[j] !== 0;
  });

const leavesUnder = (
  tree: GrownTree,
  byNode: ReadonlyMap<number, LeafRows>,
  node: number,
): ReadonlyArray<LeafRows> => {
  const leaf = byNode.get(node);
  if (leaf !== undefined) return [leaf];
  return [tree.left[node]!, tree.right[node]!].flatMap((child) => leavesUnder(tree, byNode, child));
};

/** The row numbers of some leaves. */
const rowsOf = (memory: SharedArrayBuffer, leaves: ReadonlyArray<LeafRows>): Int32Array => {
  const parts = leaves.map(({ index, rows }) => new Int32Array(memory, index, rows));
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return only;
  const all = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
