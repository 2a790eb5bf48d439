import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { compileKernels, makeMemory } from "./kernels.ts";
import { makeControl, type Shared, sharedDoubles, sharedInts, sharedWords } from "./layout.ts";
import { runThreads } from "./trainingThreads.ts";

/** Open ports to threads. */
const ports = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;

describe("runThreads", () => {
  it.live("fails, and ends the other threads, when a thread fails", () =>
    Effect.gen(function* () {
      const fourRows = {
        rows: 4,
        labels: sharedDoubles(4),
        weights: null,
        raw: sharedDoubles(4),
        state: sharedDoubles(4),
        queries: null,
      };
      const broken: Shared = {
        training: fourRows,
        validation: { ...fourRows, rows: 0 },
        features: 1,
        threads: 2,
        baseScores: [0],
        largestWeight: 1,
        settings: {
          objective: "logistic",
          quantile: 0.5,
          ndcgDepth: 30,
          categorical: [false],
          monotone: [0],
          learningRate: 0.1,
          maxTrees: 1,
          maxLeaves: 2,
          maxDepth: 1,
          minSamplesLeaf: 1,
          minHessianLeaf: 0,
          minGain: 0,
          l2: 0,
          maxBins: 255,
          binningSample: 1000,
          seed: 0,
          patience: null,
          tolerance: 0,
        },
        module: compileKernels(),
        memory: makeMemory(65536),
        addresses: {
          // Beyond the memory.
          bins: 2 ** 24,
          binsStride: 64,
          identity: 0,
          even: 0,
          odd: 0,
          pairs: 0,
          ordered: 0,
          goesLeft: 0,
          histograms: 0,
          slotBytes: 0,
          end: 0,
        },
        control: makeControl(),
        leftCounts: sharedInts(2),
        validationBins: [],
        blocks: sharedDoubles(6),
        splits: sharedDoubles(12),
        leftSets: sharedWords(0),
        nodeValues: sharedDoubles(4),
      };
      const before = ports();
      const data = { columns: [new Float64Array(4)], keep: null, codes: [null] };
      const error = yield* Effect.flip(runThreads(broken, data, Effect.never, () => {}));
      assert.strictEqual(error.reason, "worker");
      assert.include(error.what, "length");
      assert.strictEqual(ports(), before);
    }),
  );
});
