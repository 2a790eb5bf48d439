/** What the main thread and the training threads say to one another. */
import type { Boosted, Progress } from "./boosting.ts";
import type { Shared } from "./layout.ts";

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
      /**
       * Bin a column, for training and for validation: by boundaries to be found, or by the codes of
       * its categories.
       */
      readonly _tag: "Bin";
      readonly feature: number;
      readonly codes: Float64Array | null;
      readonly column: SharedColumn;
      readonly validation: SharedColumn | null;
    }
  | {
      /** Boost; to all threads at once. `bins[j]` is the number of bins of feature `j` without the missing one. */
      readonly _tag: "Boost";
      readonly bins: Int32Array;
    };

/** From a training thread; the last two only from thread 0. */
export type Reply =
  | {
      readonly _tag: "Binned";
      readonly feature: number;
      /** The boundaries, or the codes. */
      readonly thresholds: Float64Array;
    }
  | { readonly _tag: "Grown"; readonly progress: Progress }
  | ({ readonly _tag: "Done" } & Boosted);
