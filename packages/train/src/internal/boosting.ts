/**
 * The boosting loop (Friedman 2001, algorithm 1), run in step by every thread of a team.
 *
 * Per round: losses by blocks of rows; for each output, gradients, one tree grown on them, its leaf
 * values added to the raw scores of the training rows; then the round's trees are added to those of the
 * validation rows. Whether to go on is decided from shared sums, so all threads decide alike.
 */
import { nearest } from "./exponential.ts";
import { fixedPointFor, scaleFor } from "./fixedPoint.ts";
import { type Growth, makeGrower } from "./grower.ts";
import { makeKernels } from "./kernels.ts";
import { blockRows, blocksOf, blockWidth, type GrownTree, type Shared } from "./layout.ts";
import { setLeafValues } from "./leafValues.ts";
import { makeObjective } from "./objective/makeObjective.ts";
import type { Measured } from "./objective/Objective.ts";
import type { SplitRules } from "./splitter.ts";
import type { Team } from "./team.ts";

/** The losses after `tree` rounds. */
export interface Progress {
  readonly tree: number;
  readonly trainLoss: number;
  readonly validationLoss: number | undefined;
}

/** Why boosting ended. */
export type Stopped = "maxTrees" | "noGain" | "earlyStopping" | "asked";

/** The trees to keep, the losses after each round (the first entry: of none), and how many rounds to keep. */
export interface Boosted {
  readonly trees: ReadonlyArray<GrownTree>;
  readonly history: ReadonlyArray<Progress>;
  readonly bestTree: number;
  readonly stopped: Stopped;
}

/** Runs the loop on one thread; `bins[j]` is the number of bins of feature `j` without the missing one. */
export const boost = (
  shared: Shared,
  team: Team,
  bins: Int32Array,
  onTree: (progress: Progress) => void,
): Boosted => {
  const { settings, training, validation, blocks, addresses, largestWeight } = shared;
  const { rows, weights } = training;
  const outputs = shared.baseScores.length;
  const kernels = makeKernels(shared.module, shared.memory);
  const grow = makeGrower(shared, kernels, team, bins);
  const objective = makeObjective(settings, training, outputs, largestWeight);
  const validationObjective = makeObjective(settings, validation, outputs, 1);
  const pairs = new Int32Array(shared.memory.buffer, addresses.pairs, 2 * rows);
  const trainBlocks = blocksOf(rows);
  const allBlocks = trainBlocks + blocksOf(validation.rows);
  const fixed = fixedPointFor(rows);
  const measured: Measured = { loss: 0, weight: 0, gradient: 0, hessian: 0 };
  let gradientScale = 1;
  let hessianScale = 1;

  /** Divides the blocks `0..last` of both sets among the threads. */
  const eachBlock = (
    last: number,
    work: (at: number, start: number, end: number, training: boolean) => void,
  ): void => {
    for (let b = team.take(); b < last; b = team.take()) {
      const own = b < trainBlocks ? b : b - trainBlocks;
      const end = Math.min((own + 1) * blockRows, b < trainBlocks ? rows : validation.rows);
      work(b * blockWidth, own * blockRows, end, b < trainBlocks);
    }
    team.barrier();
  };
  const blockSum = (first: number, last: number, field: number): number => {
    let sum = 0;
    for (let b = first; b < last; b++) sum += blocks[b * blockWidth + field]!;
    return sum;
  };
  const largestOf = (field: number): number => {
    let largest = 0;
    for (let b = 0; b < trainBlocks; b++) {
      largest = Math.max(largest, blocks[b * blockWidth + field]!);
    }
    return largest;
  };

  /** The losses so far, and the scales of the next gradients. */
  const measure = (tree: number): Progress => {
    eachBlock(allBlocks, (at, start, end, training) => {
      (training ? objective : validationObjective).measure(start, end, measured);
      blocks[at] = measured.loss;
      blocks[at + 1] = measured.weight;
      blocks[at + 2] = measured.gradient;
      blocks[at + 3] = measured.hessian;
    });
    gradientScale = scaleFor(largestOf(2), fixed.gradientBits);
    hessianScale = scaleFor(largestOf(3), fixed.hessianBits);
    const lossOf = (first: number, last: number) =>
      blockSum(first, last, 0) / blockSum(first, last, 1);
    return {
      tree,
      trainLoss: lossOf(0, trainBlocks),
      validationLoss: validation.rows > 0 ? lossOf(trainBlocks, allBlocks) : undefined,
    };
  };

  /** The fixed-point pairs of an output's rows, and the sums of the blocks. */
  const setGradients = (output: number): void =>
    eachBlock(trainBlocks, (at, start, end) => {
      let gradient = 0;
      let hessian = 0;
      for (let i = start; i < end; i++) {
        const w = weights === null ? 1 : weights[i]!;
        const g = nearest(objective.gradient(i, output) * w * gradientScale);
        const h = nearest(objective.hessian(i, output) * w * hessianScale);
        pairs[2 * i] = g;
        pairs[2 * i + 1] = h;
        gradient += g;
        hessian += h;
      }
      blocks[at + 4] = gradient;
      blocks[at + 5] = hessian;
    });

  const growTree = (output: number): Growth => {
    setGradients(output);
    const rules: SplitRules = {
      minSamplesLeaf: settings.minSamplesLeaf,
      minHessian: settings.minHessianLeaf * hessianScale,
      minGain: settings.minGain,
      l2: settings.l2,
      gradientUnit: 1 / gradientScale,
      hessianUnit: 1 / hessianScale,
      countShift: fixed.countShift,
      bounded: settings.monotone.some((sign) => sign !== 0),
    };
    const gradient = blockSum(0, trainBlocks, 4);
    const hessian = blockSum(0, trainBlocks, 5);
    const growth = grow({ gradient, hessian, count: rows }, rules);
    if (objective.leafValue !== null) setLeafValues(shared, team, growth, objective.leafValue);
    return growth;
  };

  const trees: Array<GrownTree> = [];
  const history: Array<Progress> = [];
  const record = (progress: Progress): void => {
    history.push(progress);
    onTree(progress);
  };
  record(measure(0));
  let bestTree = 0;
  let bestLoss = history[0]!.validationLoss ?? 0;
  let stopped: Stopped = "maxTrees";

  for (let round = 1; round <= settings.maxTrees; round++) {
    const grown: Array<GrownTree> = [];
    let split = false;
    for (let output = 0; output < outputs; output++) {
      const growth = growTree(output);
      grown.push(growth.tree);
      split ||= growth.leaves.length > 1;
      addLeaves(shared, team, output, growth);
      team.barrier();
    }
    // No split gains anything, and none will: later trees would see the same gradients.
    if (!split) {
      stopped = "noGain";
      break;
    }
    trees.push(...grown);
    eachBlock(allBlocks, (_at, start, end, training) => {
      if (training) return;
      for (const [output, tree] of grown.entries()) {
        addTree(tree, shared.validationBins, bins, validation, output, start, end);
      }
    });
    const progress = measure(round);
    record(progress);
    const { validationLoss } = progress;
    if (validationLoss !== undefined && settings.patience !== null) {
      if (validationLoss < bestLoss - settings.tolerance) {
        bestLoss = validationLoss;
        bestTree = round;
      } else if (round - bestTree >= settings.patience) {
        stopped = "earlyStopping";
        break;
      }
    } else bestTree = round;
    if (team.stopAsked()) {
      stopped = "asked";
      break;
    }
  }
  return { trees: trees.slice(0, bestTree * outputs), history, bestTree, stopped };
};

/** Adds the leaf values to the raw scores of this thread's share of the ordered rows. */
const addLeaves = (shared: Shared, team: Team, output: number, { tree, leaves }: Growth): void => {
  const { raw, rows } = shared.training;
  const offset = output * rows;
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
    const value = tree.value[leaf.node]!;
    for (let i = 0; i < index.length; i++) {
      const at = offset + index[i]!;
      raw[at] = raw[at]! + value;
    }
  }
};

/** Adds a tree's values to the raw scores of the binned rows `start..end`. */
const addTree = (
  tree: GrownTree,
  columns: ReadonlyArray<Uint8Array>,
  bins: Int32Array,
  { raw, rows }: { readonly raw: Float64Array; readonly rows: number },
  output: number,
  start: number,
  end: number,
): void => {
  const { feature, bin, left, right, missingLeft, value } = tree;
  const leftSets = tree.leftBins.map((leftBins) => (leftBins === null ? null : new Set(leftBins)));
  const offset = output * rows;
  for (let i = start; i < end; i++) {
    let node = 0;
    for (let j = feature[0]!; j !== -1; j = feature[node]!) {
      const b = columns[j]![i]!;
      const set = leftSets[node]!;
      const goesLeft =
        b === bins[j]! ? missingLeft[node] === 1 : set === null ? b <= bin[node]! : set.has(b);
      node = goesLeft ? left[node]! : right[node]!;
    }
    raw[offset + i] = raw[offset + i]! + value[node]!;
  }
};
