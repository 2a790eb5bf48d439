/**
 * What the threads of one training share: plain settings and the buffers with their addresses.
 */
import type { Estimator } from "@ml-pipe/data";
import { binBytes, type CompiledModule, maximumPages, type SharedMemory } from "./kernels.ts";
import type { ScoredRows } from "./objective/Objective.ts";
import { maximumCategories } from "./splitter.ts";
import { controlWords } from "./team.ts";

/** Everything that decides the model; documented at `BoostedTreesOptions`. */
export interface BoostingSettings {
  readonly objective: Estimator.TreeObjective;
  readonly quantile: number;
  readonly ndcgDepth: number;
  /** By feature: whether it is a category, and the sign of its monotone constraint. */
  readonly categorical: ReadonlyArray<boolean>;
  readonly monotone: ReadonlyArray<-1 | 0 | 1>;
  readonly learningRate: number;
  readonly maxTrees: number;
  readonly maxLeaves: number;
  readonly maxDepth: number;
  readonly minSamplesLeaf: number;
  readonly minHessianLeaf: number;
  readonly minGain: number;
  readonly l2: number;
  readonly maxBins: number;
  readonly binningSample: number;
  readonly seed: number;
  /** Trees without improvement of the validation loss before stopping; `null` never stops. */
  readonly patience: number | null;
  readonly tolerance: number;
}

/** Byte addresses in the kernels' memory. */
export interface Addresses {
  /** Column `j` of bins starts at `bins + j * binsStride`. */
  readonly bins: number;
  readonly binsStride: number;
  /** Row numbers: the identity, and two buffers that alternate from level to level of a tree. */
  readonly identity: number;
  readonly even: number;
  readonly odd: number;
  /** Int32 pairs (gradient, hessian) by row, and those of the node at work, in its order. */
  readonly pairs: number;
  readonly ordered: number;
  /** One 256-byte table per thread. */
  readonly goesLeft: number;
  /** Histogram of leaf slot `s`: `histograms + s * slotBytes`. */
  readonly histograms: number;
  readonly slotBytes: number;
  readonly end: number;
}

/** Rows whose losses are summed together; fixed, so that sums do not depend on the threads. */
export const blockRows = 16384;
/** Doubles per block of rows: loss, weight, largest gradient and hessian, gradient and hessian sum. */
export const blockWidth = 6;
/** Doubles per best split: gain, bin, missing left, then the left side's three sums. */
export const splitWidth = 6;

/** Buffers and settings, as posted to every thread. */
export interface Shared {
  readonly training: ScoredRows;
  readonly validation: ScoredRows;
  readonly features: number;
  readonly threads: number;
  /** One per output. */
  readonly baseScores: ReadonlyArray<number>;
  readonly largestWeight: number;
  readonly settings: BoostingSettings;
  readonly module: CompiledModule;
  readonly memory: SharedMemory;
  readonly addresses: Addresses;
  readonly control: Int32Array;
  /** Left counts per thread, for partitions done together. */
  readonly leftCounts: Int32Array;
  readonly validationBins: ReadonlyArray<Uint8Array>;
  /** `blockWidth` numbers per block of training rows, then of validation rows. */
  readonly blocks: Float64Array;
  /** `splitWidth` numbers per leaf slot and feature. */
  readonly splits: Float64Array;
  /** The bins that go left in the best split, `setWords` per leaf slot and feature; empty without categories. */
  readonly leftSets: Uint32Array;
  /** What nodes are worth, by number, where that is not the Newton step. */
  readonly nodeValues: Float64Array;
}

/** How many blocks `rows` rows make. */
export const blocksOf = (rows: number): number => Math.ceil(rows / blockRows);

/** Places all buffers of the kernels' memory one after another. */
export const placeBuffers = (
  rows: number,
  threads: number,
  settings: BoostingSettings,
): Addresses => {
  const features = settings.categorical.length;
  let end = 0;
  const place = (bytes: number): number => {
    const start = end;
    end += Math.ceil(bytes / 64) * 64;
    return start;
  };
  const binsStride = Math.ceil(rows / 64) * 64;
  const slotBytes = settings.categorical.reduce(
    (sum, category) => sum + ((category ? maximumCategories : settings.maxBins) + 1) * binBytes,
    0,
  );
  return {
    bins: place(binsStride * features),
    binsStride,
    identity: place(4 * rows),
    even: place(4 * rows),
    odd: place(4 * rows),
    pairs: place(8 * rows),
    ordered: place(8 * (Math.floor(rows / 2) + 1)),
    goesLeft: place(256 * threads),
    histograms: place(slotBytes * settings.maxLeaves),
    slotBytes,
    end,
  };
};

/** Whether 32-bit addresses reach the end. */
export const fitsMemory = (addresses: Addresses): boolean =>
  addresses.end < (maximumPages - 1) * 65536;

/** Zeroed shared buffers. */
export const sharedDoubles = (length: number): Float64Array<SharedArrayBuffer> =>
  new Float64Array(new SharedArrayBuffer(8 * length));
export const sharedBytes = (length: number): Uint8Array<SharedArrayBuffer> =>
  new Uint8Array(new SharedArrayBuffer(length));
export const sharedInts = (length: number): Int32Array<SharedArrayBuffer> =>
  new Int32Array(new SharedArrayBuffer(4 * length));
export const sharedWords = (length: number): Uint32Array<SharedArrayBuffer> =>
  new Uint32Array(new SharedArrayBuffer(4 * length));
/** The team's control block. */
export const makeControl = (): Int32Array<SharedArrayBuffer> => sharedInts(controlWords);

/** One tree while it grows and when it is done; parallel lists by node, as in `Estimator.Tree`. */
export interface GrownTree {
  readonly feature: Array<number>;
  /** The last bin that goes left, of a number. */
  readonly bin: Array<number>;
  /** The bins that go left, of a category. */
  readonly leftBins: Array<ReadonlyArray<number> | null>;
  readonly left: Array<number>;
  readonly right: Array<number>;
  readonly missingLeft: Array<0 | 1>;
  readonly value: Array<number>;
  readonly gain: Array<number>;
  readonly cover: Array<number>;
}
