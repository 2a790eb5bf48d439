/** What the main thread and the training threads say to one another. */
import type { Progress } from "./boosting.ts";
import type { GrownTree, Shared } from "./layout.ts";

/** Given to a thread when it starts. */
export interface WorkerInput {
  readonly shared: Shared;
  readonly thread: number;
}

/** A column on shared memory. */
export type SharedColumn = Float64Array | Float32Array;

/** To a training thread. */
export type Request =
  | {
      /** Find boundaries for a column and bin it, for training and for validation. */
      readonly _tag: "Bin";
      readonly feature: number;
      readonly column: SharedColumn;
      readonly validation: SharedColumn | null;
    }
  | {
      /** Boost; to all threads at once. `bins[j]` is the number of numeric bins of feature `j`. */
      readonly _tag: "Boost";
      readonly bins: Int32Array;
    };

/** From a training thread; the last two only from thread 0. */
export type Reply =
  | { readonly _tag: "Binned"; readonly feature: number; readonly thresholds: Float64Array }
  | { readonly _tag: "Grown"; readonly progress: Progress }
  | {
      readonly _tag: "Done";
      readonly trees: ReadonlyArray<GrownTree>;
      readonly history: ReadonlyArray<Progress>;
      readonly bestTree: number;
    };
