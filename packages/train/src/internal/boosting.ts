/**
 * The boosting loop (Friedman 2001, algorithm 1), run in step by every thread of a team.
 *
 * Per tree: gradients and losses by blocks of rows, one tree grown on them, its leaf values added to
 * the raw scores of the training and validation rows. Whether to go on is decided from shared sums, so
 * all threads decide alike.
 */
import { fixedPointFor, scaleFor } from "./fixedPoint.ts";
import { type Growth, makeGrower } from "./grower.ts";
import { makeKernels } from "./kernels.ts";
import { blockRows, blocksOf, blockWidth, type GrownTree, type Shared } from "./layout.ts";
import {
  type BlockSums,
  blockLoss,
  largestResidual,
  logisticBlock,
  squaredBlock,
} from "./objective.ts";
import type { SplitRules } from "./splitter.ts";
import type { Team } from "./team.ts";

/** The losses after `tree` trees. */
export interface Progress {
  readonly tree: number;
  readonly trainLoss: number;
  readonly validationLoss: number | undefined;
}

/** All grown trees, the losses after each (the first entry: of none), and how many to keep. */
export interface Boosted {
  readonly trees: ReadonlyArray<GrownTree>;
  readonly history: ReadonlyArray<Progress>;
  readonly bestTree: number;
}

/** Runs the loop on one thread; `bins[j]` is the number of numeric bins of feature `j`. */
export const boost = (
  shared: Shared,
  team: Team,
  bins: Int32Array,
  onTree: (progress: Progress) => void,
): Boosted => {
  const { settings, rows, validationRows, raw, labels, weights, blocks, addresses } = shared;
  const kernels = makeKernels(shared.module, shared.memory);
  const grow = makeGrower(shared, kernels, team, bins);
  const pairs = new Int32Array(shared.memory.buffer, addresses.pairs, 2 * rows);
  const trainBlocks = blocksOf(rows);
  const allBlocks = trainBlocks + blocksOf(validationRows);
  const fixed = fixedPointFor(rows);
  const logistic = settings.objective === "logistic";
  const hessianScale = scaleFor(shared.largestWeight * (logistic ? 0.25 : 1), fixed.hessianBits);
  let gradientScale = scaleFor(shared.largestWeight, fixed.gradientBits);
  const totalWeight = sumOf(weights, rows);
  const sums: BlockSums = { loss: 0, gradient: 0, hessian: 0 };

  /** Divides the blocks `first..last` of both sets among the threads. */
  const eachBlock = (
    last: number,
    work: (block: number, start: number, end: number) => void,
  ): void => {
    for (let b = team.take(); b < last; b = team.take()) {
      const own = b < trainBlocks ? b : b - trainBlocks;
      const end = Math.min((own + 1) * blockRows, b < trainBlocks ? rows : validationRows);
      work(b, own * blockRows, end);
    }
    team.barrier();
  };
  const blockSum = (first: number, last: number, field: number): number => {
    let sum = 0;
    for (let b = first; b < last; b++) sum += blocks[b * blockWidth + field]!;
    return sum;
  };

  /** Gradients for the next tree, and the losses so far; also updates the validation scores. */
  const measure = (tree: number, latest: GrownTree | null): Progress => {
    if (!logistic) {
      eachBlock(trainBlocks, (b, start, end) => {
        blocks[b * blockWidth + 1] = largestResidual(raw, labels, weights, start, end);
      });
      let largest = 0;
      for (let b = 0; b < trainBlocks; b++)
        largest = Math.max(largest, blocks[b * blockWidth + 1]!);
      gradientScale = scaleFor(largest, fixed.gradientBits);
    }
    const gradients = logistic ? logisticBlock : squaredBlock;
    eachBlock(allBlocks, (b, start, end) => {
      const at = b * blockWidth;
      if (b < trainBlocks) {
        gradients(raw, labels, weights, start, end, pairs, gradientScale, hessianScale, sums);
        blocks[at] = sums.loss;
        blocks[at + 2] = sums.gradient;
        blocks[at + 3] = sums.hessian;
      } else {
        if (latest !== null)
          addTree(latest, shared.validationBins, bins, shared.validationRaw, start, end);
        blocks[at] = blockLoss(
          settings.objective,
          shared.validationRaw,
          shared.validationLabels,
          start,
          end,
        );
      }
    });
    const validationLoss =
      validationRows > 0 ? blockSum(trainBlocks, allBlocks, 0) / validationRows : undefined;
    return { tree, trainLoss: blockSum(0, trainBlocks, 0) / totalWeight, validationLoss };
  };

  const trees: Array<GrownTree> = [];
  const history: Array<Progress> = [];
  const record = (progress: Progress): void => {
    history.push(progress);
    onTree(progress);
  };
  record(measure(0, null));
  let bestTree = 0;
  let bestLoss = history[0]!.validationLoss ?? 0;

  while (trees.length < settings.maxTrees) {
    const rules: SplitRules = {
      minSamplesLeaf: settings.minSamplesLeaf,
      minHessian: settings.minHessianLeaf * hessianScale,
      minGain: settings.minGain,
      l2: settings.l2,
      gradientUnit: 1 / gradientScale,
      hessianUnit: 1 / hessianScale,
      countShift: fixed.countShift,
    };
    const root = {
      gradient: blockSum(0, trainBlocks, 2),
      hessian: blockSum(0, trainBlocks, 3),
      count: rows,
    };
    const { tree, leaves } = grow(root, rules);
    // No split gains anything, and none will: later trees would see the same gradients.
    if (leaves.length === 1) break;
    trees.push(tree);
    addLeaves(shared, team, leaves);
    team.barrier();
    const progress = measure(trees.length, tree);
    record(progress);
    const { validationLoss } = progress;
    if (validationLoss !== undefined && settings.patience !== null) {
      if (validationLoss < bestLoss - settings.tolerance) {
        bestLoss = validationLoss;
        bestTree = trees.length;
      } else if (trees.length - bestTree >= settings.patience) break;
    } else bestTree = trees.length;
  }
  return { trees: trees.slice(0, bestTree), history, bestTree };
};

const sumOf = (weights: Float64Array | null, rows: number): number => {
  if (weights === null) return rows;
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += weights[i]!;
  return sum;
};

/** Adds the leaf values to the raw scores of this thread's share of the ordered rows. */
const addLeaves = (shared: Shared, team: Team, leaves: Growth["leaves"]): void => {
  const { raw, rows } = shared;
  const from = Math.floor((rows * team.thread) / team.threads);
  const to = Math.floor((rows * (team.thread + 1)) / team.threads);
  for (const leaf of leaves) {
    const start = Math.max(from, leaf.start);
    const end = Math.min(to, leaf.start + leaf.rows);
    if (start >= end) continue;
    const index = new Int32Array(
      shared.memory.buffer,
      leaf.index + 4 * (start - leaf.start),
      end - start,
    );
    const { value } = leaf;
    for (let i = 0; i < index.length; i++) {
      const row = index[i]!;
      raw[row] = raw[row]! + value;
    }
  }
};

/** Adds a tree's values to the raw scores of the binned rows `start..end`. */
const addTree = (
  tree: GrownTree,
  columns: ReadonlyArray<Uint8Array>,
  bins: Int32Array,
  raw: Float64Array,
  start: number,
  end: number,
): void => {
  const { feature, bin, left, right, missingLeft, value } = tree;
  for (let i = start; i < end; i++) {
    let node = 0;
    for (let j = feature[0]!; j !== -1; j = feature[node]!) {
      const b = columns[j]![i]!;
      const goesLeft = b === bins[j]! ? missingLeft[node] === 1 : b <= bin[node]!;
      node = goesLeft ? left[node]! : right[node]!;
    }
    raw[i] = raw[i]! + value[node]!;
  }
};
