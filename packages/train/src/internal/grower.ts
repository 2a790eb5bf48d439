/**
 * Growing one tree leaf by leaf: always the leaf whose best split gains most (Ke et al. 2017,
 * "LightGBM"; Shi 2007, "Best-first decision tree learning").
 *
 * Every thread of the team runs `grow` and comes to the same decisions, because decisions read only
 * shared, finished numbers; the work in between (partitioning rows, histograms by feature) is divided.
 * Only the smaller child's histogram is summed; the larger one's is the parent's minus it.
 */
import type { Kernels } from "./kernels.ts";
import { binBytes } from "./kernels.ts";
import { type GrownTree, type Shared, splitWidth } from "./layout.ts";
import {
  findCategorySplit,
  findSplit,
  isIn,
  newtonStep,
  type Node,
  setWords,
  type SplitRules,
  type Sums,
} from "./splitter.ts";
import type { Team } from "./team.ts";

/** Nodes below this many rows are partitioned by one thread. */
const partitionTogether = 16384;

/** Where a leaf's rows are: `rows` row numbers from byte address `index`. */
export interface LeafRows {
  readonly node: number;
  readonly index: number;
  readonly start: number;
  readonly rows: number;
}

interface Split {
  readonly gain: number;
  readonly feature: number;
  readonly bin: number;
  readonly missingLeft: 0 | 1;
  /** The bins that go left, of a category. */
  readonly leftBins: ReadonlyArray<number> | null;
  readonly left: Sums;
}

interface Leaf {
  readonly node: number;
  readonly depth: number;
  readonly start: number;
  readonly sums: Node;
  /** Where its histogram is. */
  readonly slot: number;
  readonly split: Split | null;
}

/** A grown tree, and its leaves with their rows. */
export interface Growth {
  readonly tree: GrownTree;
  readonly leaves: ReadonlyArray<LeafRows>;
}

/** Prepares growing on one thread; `bins[j]` is the number of numeric bins of feature `j`. */
export const makeGrower = (shared: Shared, kernels: Kernels, team: Team, bins: Int32Array) => {
  const { addresses: at, features, settings, splits, leftSets, leftCounts } = shared;
  const { categorical, monotone } = settings;
  const { rows } = shared.training;
  const memory = shared.memory.buffer;
  const histograms = { signed: new Int32Array(memory), unsigned: new Uint32Array(memory) };
  const bytes = new Uint8Array(memory);
  const goesLeft = at.goesLeft + 256 * team.thread;
  const offsets = new Int32Array(features + 1);
  for (let j = 0; j < features; j++) offsets[j + 1] = offsets[j]! + (bins[j]! + 1) * binBytes;

  const histogramAt = (slot: number, feature: number): number =>
    at.histograms + slot * at.slotBytes + offsets[feature]!;
  const binsAt = (feature: number): number => at.bins + feature * at.binsStride;
  /** The rows of a node at `depth` are in one of three buffers. */
  const indexAt = (depth: number, start: number): number =>
    (depth === 0 ? at.identity : depth % 2 === 1 ? at.odd : at.even) + 4 * start;
  const splitAt = (slot: number, feature: number): number =>
    (slot * features + feature) * splitWidth;
  const setAt = (slot: number, feature: number): number => (slot * features + feature) * setWords;

  const clear = (slot: number, feature: number): void => {
    const from = histogramAt(slot, feature);
    bytes.fill(0, from, from + (bins[feature]! + 1) * binBytes);
  };
  const find = (slot: number, j: number, node: Node, rules: SplitRules): void => {
    const first = histogramAt(slot, j) >>> 2;
    const to = splitAt(slot, j);
    if (categorical[j]!) {
      const set = setAt(slot, j);
      findCategorySplit(histograms, first, bins[j]!, node, rules, splits, to, leftSets, set);
    } else findSplit(histograms, first, bins[j]!, node, monotone[j]!, rules, splits, to);
  };

  const bestOf = (slot: number): Split | null => {
    let feature = -1;
    let gain = 0;
    for (let j = 0; j < features; j++) {
      const candidate = splits[splitAt(slot, j)]!;
      if (candidate > gain) {
        gain = candidate;
        feature = j;
      }
    }
    if (feature < 0) return null;
    const p = splitAt(slot, feature);
    const set = setAt(slot, feature);
    return {
      gain,
      feature,
      bin: splits[p + 1]!,
      missingLeft: splits[p + 2] === 1 ? 1 : 0,
      leftBins: categorical[feature]!
        ? Array.from({ length: bins[feature]! }, (_, b) => b).filter((b) => isIn(leftSets, set, b))
        : null,
      left: { gradient: splits[p + 3]!, hessian: splits[p + 4]!, count: splits[p + 5]! },
    };
  };

  /** Moves this thread's stretch of the node's rows to the children; gathers the smaller one's pairs. */
  const partition = (leaf: Leaf, split: Split, gatherSmall: boolean): void => {
    const { depth, start } = leaf;
    const { count } = leaf.sums;
    const together = team.threads > 1 && count >= partitionTogether;
    if (!together && team.thread > 0) return;
    if (split.leftBins === null) {
      for (let b = 0; b < bins[split.feature]!; b++) bytes[goesLeft + b] = b <= split.bin ? 1 : 0;
    } else {
      bytes.fill(0, goesLeft, goesLeft + bins[split.feature]!);
      for (const b of split.leftBins) bytes[goesLeft + b] = 1;
    }
    bytes[goesLeft + bins[split.feature]!] = split.missingLeft;

    const column = binsAt(split.feature);
    const part = together ? team.thread : 0;
    const parts = together ? team.threads : 1;
    const from = Math.floor((count * part) / parts);
    const rows = Math.floor((count * (part + 1)) / parts) - from;
    const index = indexAt(depth, start + from);
    let leftBefore = 0;
    let leftHere = split.left.count;
    if (together) {
      leftCounts[part] = kernels.countLeft(column, goesLeft, index, rows);
      team.barrier();
      for (let k = 0; k < part; k++) leftBefore += leftCounts[k]!;
      leftHere = leftCounts[part]!;
    }
    const left = start + leftBefore;
    const right = start + split.left.count + (from - leftBefore);
    kernels.partition(
      column,
      goesLeft,
      index,
      rows,
      indexAt(depth + 1, left),
      indexAt(depth + 1, right),
    );
    if (!gatherSmall) return;
    const leftIsSmall = split.left.count * 2 <= count;
    const written = leftIsSmall ? leftHere : rows - leftHere;
    if (written === 0) return;
    const first = leftIsSmall ? left : right;
    const offset = leftIsSmall ? leftBefore : from - leftBefore;
    kernels.gather(at.pairs, indexAt(depth + 1, first), written, at.ordered + 8 * offset);
  };

  return (sums: Sums, rules: SplitRules): Growth => {
    const rootNode = { ...sums, lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY };
    const one = 1n << BigInt(rules.countShift);
    const tree: GrownTree = {
      feature: [],
      bin: [],
      leftBins: [],
      left: [],
      right: [],
      missingLeft: [],
      cover: [],
      value: [],
      gain: [],
    };
    const addNode = (sums: Sums, value: number): number => {
      const node = tree.feature.push(-1) - 1;
      tree.bin.push(0);
      tree.leftBins.push(null);
      tree.left.push(0);
      tree.right.push(0);
      tree.missingLeft.push(0);
      tree.cover.push(sums.count);
      tree.gain.push(0);
      tree.value.push(value * settings.learningRate);
      return node;
    };
    const canSplit = ({ count }: Sums, depth: number): boolean =>
      count >= 2 * settings.minSamplesLeaf && depth < settings.maxDepth;

    const leaves: Array<Leaf> = [];
    const root = {
      node: addNode(rootNode, newtonStep(rootNode, rootNode, rules)),
      depth: 0,
      start: 0,
      sums: rootNode,
      slot: 0,
    };
    if (canSplit(rootNode, 0) && settings.maxLeaves > 1) {
      for (let j = team.take(); j < features; j = team.take()) {
        clear(0, j);
        kernels.histogramAll(binsAt(j), at.pairs, rows, histogramAt(0, j), one);
        find(0, j, rootNode, rules);
      }
      team.barrier();
      leaves.push({ ...root, split: bestOf(0) });
    } else {
      leaves.push({ ...root, split: null });
    }

    while (leaves.length < settings.maxLeaves) {
      let chosen = -1;
      for (let k = 0; k < leaves.length; k++) {
        const gain = leaves[k]!.split?.gain ?? 0;
        if (gain > (chosen < 0 ? 0 : leaves[chosen]!.split!.gain)) chosen = k;
      }
      if (chosen < 0) break;
      const parent = leaves[chosen]!;
      const split = parent.split!;
      const { left, right, leftValue, rightValue } = childrenOf(
        parent.sums,
        split.left,
        monotone[split.feature]!,
        rules,
      );
      const depth = parent.depth + 1;
      const leftIsSmall = left.count * 2 <= parent.sums.count;
      const small = leftIsSmall ? left : right;
      const splitLeft = canSplit(left, depth);
      const splitRight = canSplit(right, depth);
      const last = leaves.length + 1 === settings.maxLeaves;
      const goOn = !last && (splitLeft || splitRight);
      // The larger child takes over the parent's histogram, the smaller one the next free slot.
      const smallSlot = leaves.length;
      const leftSlot = leftIsSmall ? smallSlot : parent.slot;
      const rightSlot = leftIsSmall ? parent.slot : smallSlot;

      partition(parent, split, goOn);
      team.barrier();
      if (goOn) {
        const smallIndex = indexAt(depth, parent.start + (leftIsSmall ? 0 : left.count));
        for (let j = team.take(); j < features; j = team.take()) {
          const histogram = histogramAt(smallSlot, j);
          clear(smallSlot, j);
          kernels.histogramOf(binsAt(j), smallIndex, at.ordered, small.count, histogram, one);
          kernels.subtract(histogramAt(parent.slot, j), histogram, bins[j]! + 1);
          if (splitLeft) find(leftSlot, j, left, rules);
          if (splitRight) find(rightSlot, j, right, rules);
        }
        team.barrier();
      }

      const leftNode = addNode(left, leftValue);
      const rightNode = addNode(right, rightValue);
      tree.feature[parent.node] = split.feature;
      tree.bin[parent.node] = split.bin;
      tree.leftBins[parent.node] = split.leftBins;
      tree.missingLeft[parent.node] = split.missingLeft;
      tree.left[parent.node] = leftNode;
      tree.right[parent.node] = rightNode;
      tree.gain[parent.node] = split.gain;
      tree.value[parent.node] = 0;
      leaves[chosen] = {
        node: leftNode,
        depth,
        start: parent.start,
        sums: left,
        slot: leftSlot,
        split: goOn && splitLeft ? bestOf(leftSlot) : null,
      };
      leaves.push({
        node: rightNode,
        depth,
        start: parent.start + left.count,
        sums: right,
        slot: rightSlot,
        split: goOn && splitRight ? bestOf(rightSlot) : null,
      });
    }

    return {
      tree,
      leaves: leaves.map((leaf) => ({
        node: leaf.node,
        index: indexAt(leaf.depth, leaf.start),
        start: leaf.start,
        rows: leaf.sums.count,
      })),
    };
  };
};

/**
 * The two sides of a split, their values, and the bounds on the values below them: on either side of the
 * middle if the feature has a monotone constraint, else those of their parent. So all values on the left stay
 * below all on the right (XGBoost and scikit-learn do the same).
 */
const childrenOf = (parent: Node, left: Sums, monotone: -1 | 0 | 1, rules: SplitRules) => {
  const right: Sums = {
    gradient: parent.gradient - left.gradient,
    hessian: parent.hessian - left.hessian,
    count: parent.count - left.count,
  };
  const { lower, upper } = parent;
  const leftValue = newtonStep(left, parent, rules);
  const rightValue = newtonStep(right, parent, rules);
  const middle = (leftValue + rightValue) / 2;
  return {
    leftValue,
    rightValue,
    left: {
      ...left,
      lower: monotone < 0 ? middle : lower,
      upper: monotone > 0 ? middle : upper,
    },
    right: {
      ...right,
      lower: monotone > 0 ? middle : lower,
      upper: monotone < 0 ? middle : upper,
    },
  };
};
