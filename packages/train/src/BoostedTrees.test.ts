import { assert, describe, it } from "@effect/vitest";
import { Estimator } from "@ml-pipe/data";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as fc from "fast-check";
import { mixedData } from "../test-fixtures/boosting.ts";
import { everyFourth, names, randomNumbers, syntheticData } from "../test-fixtures/reference.ts";
import { type BoostedTreesOptions, fitBoostedTrees, type TrainingData } from "./BoostedTrees.ts";

/** One tree on few rows, without shrinkage or lower limits. */
const stump: BoostedTreesOptions = {
  maxTrees: 1,
  maxLeaves: 2,
  learningRate: 1,
  minSamplesLeaf: 1,
  minHessianLeaf: 0,
  threads: 1,
};

const oneFeature = (x: ReadonlyArray<number>, labels: ReadonlyArray<number>): TrainingData => ({
  featureNames: ["x"],
  columns: [Float64Array.from(x)],
  labels: Float64Array.from(labels),
});

const small = everyFourth(syntheticData(1200));
const smallData: TrainingData = {
  featureNames: names(10),
  columns: small.train.columns,
  labels: small.train.labels,
};
const NaN_ = Number.NaN;

describe("one split, by hand", () => {
  it.effect("squared error: leaves −G/(H+λ), gain G_L²/(H_L+λ) + G_R²/(H_R+λ) − G²/(H+λ)", () =>
    Effect.gen(function* () {
      // Mean 5; residuals F − y are 4, 2, −1, −5.
      const data = oneFeature([1, 2, 3, 4], [1, 3, 6, 10]);
      const { estimator, history } = yield* fitBoostedTrees(data, {
        ...stump,
        objective: "squaredError",
        l2: 1,
      });
      assert.deepStrictEqual(estimator.baseScores, [5]);
      const [tree] = estimator.trees;
      assert.deepStrictEqual(tree?.feature, [0, -1, -1]);
      assert.strictEqual(tree?.threshold[0], 2.5);
      // G_L = 6, H_L = 2; G_R = −6, H_R = 2; λ = 1.
      assert.closeTo(tree?.value[1] ?? NaN_, -6 / 3, 1e-8);
      assert.closeTo(tree?.value[2] ?? NaN_, 6 / 3, 1e-8);
      assert.closeTo(estimator.importance[0] ?? NaN_, 36 / 3 + 36 / 3 - 0, 1e-7);
      assert.closeTo(history[0]?.trainLoss ?? NaN_, (16 + 4 + 1 + 25) / 4, 1e-12);
      assert.closeTo(history[1]?.trainLoss ?? NaN_, (4 + 0 + 1 + 9) / 4, 1e-7);
    }),
  );

  it.effect("logistic: log-odds base, gradient p − y, hessian p(1 − p)", () =>
    Effect.gen(function* () {
      const data = oneFeature([1, 2, 3, 4], [0, 0, 0, 1]);
      const { estimator } = yield* fitBoostedTrees(data, { ...stump, l2: 0.5 });
      assert.closeTo(estimator.baseScores[0] ?? 0, Math.log(1 / 3), 1e-12);
      const [tree] = estimator.trees;
      // p = 1/4, h = 3/16. Right of 3.5: G = −3/4, H = 3/16; left: G = 3/4, H = 9/16.
      assert.strictEqual(tree?.threshold[0], 3.5);
      assert.closeTo(tree?.value[1] ?? NaN_, -0.75 / (9 / 16 + 0.5), 1e-7);
      assert.closeTo(tree?.value[2] ?? NaN_, 0.75 / (3 / 16 + 0.5), 1e-7);
      const score = Estimator.scoreRow(estimator);
      const raw = Math.log(1 / 3) + 0.75 / (3 / 16 + 0.5);
      assert.closeTo(score([4]), Estimator.sigmoid(raw), 1e-7);
    }),
  );

  it.effect("weights multiply gradients and hessians", () =>
    Effect.gen(function* () {
      const data = oneFeature([1, 2, 3], [0, 6, 6]);
      const { estimator } = yield* fitBoostedTrees(
        { ...data, weights: Float64Array.of(2, 1, 3) },
        { ...stump, objective: "squaredError", l2: 2 },
      );
      // Weighted mean 4. Left G = 2·4, H = 2; right G = 4·(4 − 6), H = 4.
      assert.deepStrictEqual(estimator.baseScores, [4]);
      assert.closeTo(estimator.trees[0]?.value[1] ?? NaN_, -8 / 4, 1e-8);
      assert.closeTo(estimator.trees[0]?.value[2] ?? NaN_, 8 / 6, 1e-8);
    }),
  );

  it.effect(
    "missing values go where they gain, on either side or alone",
    () =>
      Effect.gen(function* () {
        const fit = (x: ReadonlyArray<number>, y: ReadonlyArray<number>) =>
          fitBoostedTrees(oneFeature(x, y), { ...stump, objective: "squaredError" }).pipe(
            Effect.map(({ estimator }) => estimator.trees[0]),
          );
        const left = yield* fit([1, NaN_, 2, 3], [0, 0, 9, 9]);
        assert.deepStrictEqual([left?.threshold[0], left?.missingLeft[0]], [1.5, 1]);
        const right = yield* fit([1, 2, NaN_, 3], [0, 0, 9, 9]);
        assert.deepStrictEqual([right?.threshold[0], right?.missingLeft[0]], [2.5, 0]);
        const alone = yield* fit([1, 2, NaN_, NaN_, 3], [0, 0, 9, 9, 0]);
        assert.deepStrictEqual([alone?.threshold[0], alone?.missingLeft[0]], [Number.MAX_VALUE, 0]);
        const never = yield* fit([1, 2, 3, 4, 5], [0, 0, 0, 9, 9]);
        assert.strictEqual(never?.missingLeft[0], 1, "unseen missing values go with the majority");
      }),
    60_000,
  );

  it.effect(
    "limits on leaves hold",
    () =>
      Effect.gen(function* () {
        const data = oneFeature([1, 2, 3, 4, 5, 6], [0, 1, 1, 1, 1, 1]);
        const two = yield* fitBoostedTrees(data, { ...stump, minSamplesLeaf: 2 });
        assert.strictEqual(two.estimator.trees[0]?.threshold[0], 2.5);
        // Hessians are 5/36 a row.
        const heavy = yield* fitBoostedTrees(data, { ...stump, minHessianLeaf: (5 / 36) * 2.5 });
        assert.strictEqual(heavy.estimator.trees[0]?.threshold[0], 3.5);
        for (const none of [{ minSamplesLeaf: 4 }, { minGain: 1e6 }]) {
          const { estimator, bestTree } = yield* fitBoostedTrees(data, { ...stump, ...none });
          assert.deepStrictEqual([estimator.trees.length, bestTree], [0, 0]);
          assert.closeTo(Estimator.scoreRow(estimator)([1]), 5 / 6, 1e-12);
        }
        const deep = yield* fitBoostedTrees(smallData, { maxTrees: 3, maxLeaves: 64, maxDepth: 3 });
        for (const tree of deep.estimator.trees) {
          assert.isAtMost(tree.feature.filter((f) => f === -1).length, 8);
        }
      }),
    60_000,
  );
});

describe("properties", () => {
  const fit = (data: TrainingData, options: BoostedTreesOptions = {}) =>
    fitBoostedTrees(data, { maxTrees: 8, threads: 1, ...options });

  it.effect(
    "the same model on 1, 2, 3 and 5 threads, to the bit",
    () =>
      Effect.gen(function* () {
        // Enough rows that nodes are partitioned together, and more than the sample for the bins.
        const random = randomNumbers(5);
        const rows = 40_000;
        const columns = Array.from({ length: 3 }, (_, j) =>
          Float32Array.from({ length: rows }, () => (random() < 0.1 * j ? NaN_ : random())),
        );
        const labels = Float64Array.from({ length: rows }, (_, i) =>
          random() < (columns[0]?.[i] ?? 0) * 0.6 + (Number.isNaN(columns[2]?.[i]) ? 0.3 : 0)
            ? 1
            : 0,
        );
        const weights = Float64Array.from({ length: rows }, () => 1 + random());
        const validation = {
          columns: columns.map((c) => c.slice(0, 18_000)),
          labels: labels.slice(0, 18_000),
        };
        for (const objective of ["logistic", "squaredError"] as const) {
          const data = { featureNames: names(3), columns, labels, validation };
          const options = { objective, binningSample: 5000, maxTrees: 4 };
          const input = objective === "logistic" ? data : { ...data, weights };
          const first = yield* fit(input, options);
          for (const threads of [2, 3, 5]) {
            assert.deepStrictEqual(yield* fit(input, { ...options, threads }), first);
          }
        }
      }),
    60_000,
  );

  it.effect(
    "the same for every objective, with categories and constraints",
    () =>
      Effect.gen(function* () {
        const { columns, kind, value, count, relevance, weight } = mixedData(18_000);
        const queries = Int32Array.from(relevance, (_, i) => Math.floor(i / 7));
        const none = {};
        for (const [objective, labels, more] of [
          ["softmax", kind, none],
          ["poisson", count, { monotone: { f0: "increasing" } }],
          ["quantile", value, { quantile: 0.7 }],
          ["lambdaRank", relevance, { monotone: { f2: "decreasing" } }],
        ] as const) {
          const data = { featureNames: names(7), columns, labels, weights: weight, queries };
          const options = {
            objective,
            categorical: ["f5", "f6"],
            ...more,
            maxTrees: 1,
            maxLeaves: 8,
          };
          const [one, three] = [1, 3].map((threads) =>
            fit({ ...data, validation: data }, { ...options, threads }),
          );
          assert.deepStrictEqual(yield* three!, yield* one!);
        }
      }),
    60_000,
  );

  it.effect(
    "monotone constraints hold exactly, wherever the other features are",
    () =>
      Effect.gen(function* () {
        const { columns, binary, value, count, relevance } = mixedData(1500);
        const random = randomNumbers(3);
        // Labels that speak against the constraints.
        const monotone = { f0: "decreasing", f1: "increasing", f2: "increasing" } as const;
        const queries = Int32Array.from(relevance, (_, i) => Math.floor(i / 10));
        for (const [objective, labels] of [
          ["logistic", binary],
          ["squaredError", value],
          ["absoluteError", value],
          ["quantile", value],
          ["poisson", count],
          ["lambdaRank", relevance],
        ] as const) {
          const { estimator } = yield* fit(
            { featureNames: names(7), columns, labels, queries },
            {
              objective,
              quantile: 0.8,
              monotone,
              categorical: ["f5"],
              maxTrees: 20,
              minSamplesLeaf: 5,
            },
          );
          const score = Estimator.scoreRow(estimator);
          const used = new Set(estimator.trees.flatMap((tree) => tree.feature));
          assert.isTrue([0, 1, 2].some((j) => used.has(j)));
          for (let k = 0; k < 100; k++) {
            const row = columns.map((c) =>
              random() < 0.1 ? NaN_ : c[Math.floor(random() * 1500)]!,
            );
            for (const [j, sign] of [-1, 1, 1].entries()) {
              const scores = Array.from({ length: 40 }, (_, i) => score(row.with(j, i / 39)));
              for (let i = 1; i < 40; i++) {
                assert.isAtLeast(sign * (scores[i]! - scores[i - 1]!), 0, `${objective} f${j}`);
              }
            }
          }
        }
      }),
    60_000,
  );

  it.effect("renumbering a category's codes in the same order changes nothing but the codes", () =>
    Effect.gen(function* () {
      const { columns, binary } = mixedData(1500);
      const of = (codes: Float64Array) =>
        fit(
          { featureNames: ["code"], columns: [codes], labels: binary },
          { categorical: ["code"], minSamplesLeaf: 1 },
        );
      const a = (yield* of(columns[6]!)).estimator;
      const b = (yield* of(columns[6]!.map((c) => c * 1000 - 7))).estimator;
      assert.isNotEmpty(a.trees);
      for (const [t, tree] of a.trees.entries()) {
        const left = tree.leftCategories?.map((codes) => codes?.map((c) => c * 1000 - 7) ?? null);
        assert.deepStrictEqual(b.trees[t], { ...tree, leftCategories: left ?? [] });
      }
    }),
  );

  it.effect("the training loss never rises, and the history is what the model scores", () =>
    Effect.gen(function* () {
      const { history, estimator } = yield* fit(smallData, { maxTrees: 40 });
      assert.deepStrictEqual(
        history.map(({ tree }) => tree),
        Array.from({ length: 41 }, (_, t) => t),
      );
      for (let t = 1; t < history.length; t++) {
        assert.isBelow(history[t]?.trainLoss ?? NaN_, history[t - 1]?.trainLoss ?? NaN_);
      }
      const out = new Float64Array(smallData.labels.length);
      yield* Estimator.scoreColumns(estimator, smallData.columns, out);
      let loss = 0;
      for (const [i, p] of out.entries()) loss -= Math.log(smallData.labels[i] === 1 ? p : 1 - p);
      assert.closeTo(loss / out.length, history.at(-1)?.trainLoss ?? NaN_, 1e-9);
    }),
  );

  it.effect("survives JSON and scores identically", () =>
    Effect.gen(function* () {
      const { estimator } = yield* fit(smallData);
      const copy = yield* Estimator.load(JSON.parse(JSON.stringify(estimator)));
      assert.deepStrictEqual(copy, estimator);
      const before = new Float64Array(small.test.labels.length);
      const after = new Float64Array(small.test.labels.length);
      yield* Estimator.scoreColumns(estimator, small.test.columns, before);
      yield* Estimator.scoreColumns(copy, small.test.columns, after);
      assert.deepStrictEqual(after, before);
    }),
  );

  it.effect("the order of rows does not matter, to the bit", () =>
    Effect.gen(function* () {
      const random = randomNumbers(9);
      const order = Array.from(smallData.labels.keys())
        .map((i) => [random(), i] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, i]) => i);
      const shuffled = (column: ArrayLike<number>) =>
        Float64Array.from(order, (i) => column[i] ?? 0);
      const a = yield* fit(smallData);
      const b = yield* fit({
        ...smallData,
        columns: smallData.columns.map(shuffled),
        labels: shuffled(smallData.labels),
      });
      assert.deepStrictEqual(b.estimator, a.estimator);
    }),
  );

  it.effect("the order of features only renames them", () =>
    Effect.gen(function* () {
      // Large leaves, so that no two features ever split the same rows: the first would win such a tie.
      const options = { minSamplesLeaf: 60 };
      const a = yield* fit(smallData, options);
      const reversed = {
        ...smallData,
        featureNames: smallData.featureNames.toReversed(),
        columns: smallData.columns.toReversed(),
      };
      const b = yield* fit(reversed, options);
      assert.deepStrictEqual(b.estimator.importance.toReversed(), a.estimator.importance);
      const renamed = b.estimator.trees.map((tree) => tree.feature.map((f) => (f < 0 ? f : 9 - f)));
      assert.deepStrictEqual(
        renamed,
        a.estimator.trees.map((tree) => tree.feature),
      );
      assert.deepStrictEqual(
        b.estimator.trees.map((tree) => tree.value),
        a.estimator.trees.map((tree) => tree.value),
      );
    }),
  );

  it.effect("exchanging the classes mirrors the scores", () =>
    Effect.gen(function* () {
      const flipped = Float64Array.from(smallData.labels, (y) => 1 - y);
      const a = Estimator.scoreRow((yield* fit(smallData)).estimator);
      const b = Estimator.scoreRow((yield* fit({ ...smallData, labels: flipped })).estimator);
      for (let i = 0; i < 50; i++) {
        const row = small.test.columns.map((column) => column[i] ?? 0);
        assert.closeTo(a(row), 1 - b(row), 1e-6);
      }
    }),
  );

  it.effect("a monotone change of a feature changes no leaf value", () =>
    Effect.gen(function* () {
      const columns = smallData.columns.map((c, j) => (j === 0 ? c.map((x) => x ** 3 * 1000) : c));
      const a = yield* fit(smallData);
      const b = yield* fit({ ...smallData, columns });
      assert.deepStrictEqual(
        b.estimator.trees.map((tree) => tree.value),
        a.estimator.trees.map((tree) => tree.value),
      );
    }),
  );

  it.effect(
    "random small data: sound, finite, and never worse than the mean",
    () =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.array(
              fc.tuple(
                fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(NaN_)),
                fc.double({ min: -1e6, max: 1e6, noNaN: true }),
              ),
              { minLength: 2, maxLength: 40 },
            ),
            async (rows) => {
              const y = rows.map(([, v]) => v);
              fc.pre(new Set(y).size > 1);
              const { estimator, history } = await Effect.runPromise(
                fit(
                  oneFeature(
                    rows.map(([x]) => x),
                    y,
                  ),
                  {
                    objective: "squaredError",
                    minSamplesLeaf: 1,
                    maxTrees: 3,
                  },
                ),
              );
              assert.deepStrictEqual(Estimator.problems(estimator), []);
              const losses = history.map(({ trainLoss }) => trainLoss);
              assert.isTrue(losses.every(Number.isFinite));
              assert.isAtMost(losses.at(-1) ?? NaN_, (losses[0] ?? NaN_) * (1 + 1e-9));
            },
          ),
          { numRuns: 15 },
        ),
      ),
    60_000,
  );
});

describe("validation rows", () => {
  it.effect("stop the training and decide how many trees are kept", () =>
    Effect.gen(function* () {
      const validation = { columns: small.test.columns, labels: small.test.labels };
      const seen: Array<number> = [];
      const { estimator, history, bestTree } = yield* fitBoostedTrees(
        { ...smallData, validation },
        {
          maxTrees: 300,
          learningRate: 0.3,
          onProgress: ({ tree, trees }) => {
            assert.strictEqual(trees, 300);
            seen.push(tree);
          },
        },
      );
      const losses = history.map(({ validationLoss }) => validationLoss ?? NaN_);
      assert.strictEqual(losses.indexOf(Math.min(...losses)), bestTree);
      assert.strictEqual(history.length - 1, bestTree + 10);
      assert.strictEqual(estimator.trees.length, bestTree);
      assert.deepStrictEqual(
        seen,
        history.map(({ tree }) => tree),
      );
      const out = new Float64Array(small.test.labels.length);
      yield* Estimator.scoreColumns(estimator, small.test.columns, out);
      let loss = 0;
      for (const [i, p] of out.entries()) loss -= Math.log(small.test.labels[i] === 1 ? p : 1 - p);
      assert.closeTo(loss / out.length, losses[bestTree] ?? NaN_, 1e-9);
    }),
  );

  it.effect("only measure when early stopping is off", () =>
    Effect.gen(function* () {
      const validation = { columns: small.test.columns, labels: small.test.labels };
      const options = { maxTrees: 60, learningRate: 0.5, earlyStopping: false } as const;
      const { bestTree, history } = yield* fitBoostedTrees({ ...smallData, validation }, options);
      assert.strictEqual(bestTree, 60);
      assert.isNumber(history.at(-1)?.validationLoss);
    }),
  );
});

describe("stopping", () => {
  const endless: BoostedTreesOptions = { maxTrees: 100_000, threads: 2, earlyStopping: false };

  it.live("when asked to keeps the trees so far, and those are the same as ever", () =>
    Effect.gen(function* () {
      const enough = yield* Deferred.make<void>();
      const stopped = yield* fitBoostedTrees(smallData, {
        ...endless,
        stop: Deferred.await(enough),
        onProgress: ({ tree }) => {
          if (tree === 3) Deferred.doneUnsafe(enough, Effect.void);
        },
      });
      assert.strictEqual(stopped.stopped, "asked");
      assert.isAtLeast(stopped.bestTree, 3);
      assert.isBelow(stopped.bestTree, 100_000);
      const maxTrees = stopped.bestTree;
      const whole = yield* fitBoostedTrees(smallData, { maxTrees });
      assert.deepStrictEqual(whole, { ...stopped, maxTrees, stopped: "maxTrees" });
    }),
  );

  it.live("when the time is over keeps at least one tree, the best so far", () =>
    Effect.gen(function* () {
      const validation = { columns: small.test.columns, labels: small.test.labels };
      const { stopped, bestTree, history } = yield* fitBoostedTrees(
        { ...smallData, validation },
        { ...endless, timeBudget: "1 millis", earlyStopping: { rounds: 100_000 } },
      );
      assert.strictEqual(stopped, "timeBudget");
      assert.isAtLeast(bestTree, 1);
      assert.isAtLeast(history.length - 1, bestTree);
    }),
  );

  it.effect("early says why, for every objective", () =>
    Effect.gen(function* () {
      const { columns, kind, value, count, relevance } = mixedData(600);
      const queries = Int32Array.from(relevance, (_, i) => Math.floor(i / 10));
      for (const [objective, labels] of [
        ["softmax", kind],
        ["absoluteError", value],
        ["poisson", count],
        ["lambdaRank", relevance],
      ] as const) {
        const part = (from: number, to: number) => ({
          columns: columns.map((c) => c.subarray(from, to)),
          labels: labels.subarray(from, to),
          queries: queries.subarray(from, to),
        });
        const { estimator, history, bestTree, stopped } = yield* fitBoostedTrees(
          { featureNames: names(7), ...part(0, 400), validation: part(400, 600) },
          { objective, maxTrees: 500, learningRate: 0.3, threads: 1 },
        );
        assert.strictEqual(stopped, "earlyStopping");
        const losses = history.map(({ validationLoss }) => validationLoss ?? NaN_);
        assert.strictEqual(losses.indexOf(Math.min(...losses)), bestTree);
        assert.strictEqual(estimator.trees.length, bestTree * Estimator.width(estimator));
      }
    }),
  );
});

/** Worker threads of this process that are training. */
const trainingThreads = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === "MessagePort" || name === "Worker")
    .length;

describe("interruption", () => {
  it.live(
    "ends the threads, and the calling thread stays responsive",
    () =>
      Effect.gen(function* () {
        const before = trainingThreads();
        const random = randomNumbers(11);
        const rows = 200_000;
        const columns = Array.from({ length: 4 }, () =>
          Float64Array.from({ length: rows }, random),
        );
        const labels = Uint8Array.from({ length: rows }, () => (random() < 0.5 ? 1 : 0));
        let trees = 0;
        let turns = 0;
        const fiber = yield* fitBoostedTrees(
          { featureNames: names(4), columns, labels },
          { maxTrees: 100_000, threads: 3, onProgress: () => trees++ },
        ).pipe(Effect.forkChild);
        yield* Effect.sync(() => turns++).pipe(
          Effect.andThen(Effect.sleep("2 millis")),
          Effect.repeat({ until: () => trees >= 5 }),
        );
        assert.isAbove(turns, 5);
        assert.isAbove(trainingThreads(), before);
        yield* Fiber.interrupt(fiber);
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)));
        const after = trees;
        yield* Effect.sleep("50 millis");
        assert.strictEqual(trees, after);
        assert.strictEqual(trainingThreads(), before);
      }),
    60_000,
  );

  it.live(
    "leaves no thread behind when it succeeds or when the caller's code throws",
    () =>
      Effect.gen(function* () {
        const before = trainingThreads();
        yield* fitBoostedTrees(smallData, { maxTrees: 2 });
        assert.strictEqual(trainingThreads(), before);
        const exit = yield* Effect.exit(
          fitBoostedTrees(smallData, {
            onProgress: () => {
              throw new Error("cannot draw");
            },
          }),
        );
        assert.isTrue(Exit.hasDies(exit));
        assert.strictEqual(trainingThreads(), before);
      }),
    60_000,
  );
});
