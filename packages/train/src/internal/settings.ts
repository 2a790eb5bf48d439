/** What a caller asks of boosting, completed and checked. */
import * as Effect from "effect/Effect";
import type { BoostedTreesOptions } from "../BoostedTrees.ts";
import type { BoostingSettings } from "./layout.ts";
import { checkOptions, failOn, type TrainingError, type TrainingProblem } from "./trainingData.ts";

/** The defaults of `BoostedTreesOptions` filled in, with options by feature in the features' order. */
export const settingsFrom = (
  options: BoostedTreesOptions,
  features: ReadonlyArray<string>,
  validation: boolean,
): BoostingSettings => {
  const stopping = options.earlyStopping ?? {};
  const categorical = new Set(options.categorical ?? []);
  const monotone = new Map(Object.entries(options.monotone ?? {}));
  return {
    objective: options.objective ?? "logistic",
    quantile: options.quantile ?? 0.5,
    ndcgDepth: options.ndcgDepth ?? 30,
    categorical: features.map((name) => categorical.has(name)),
    monotone: features.map((name) => {
      const direction = monotone.get(name);
      return direction === undefined ? 0 : direction === "increasing" ? 1 : -1;
    }),
    learningRate: options.learningRate ?? 0.1,
    maxTrees: options.maxTrees ?? 100,
    maxLeaves: options.maxLeaves ?? 31,
    maxDepth: options.maxDepth ?? Number.POSITIVE_INFINITY,
    minSamplesLeaf: options.minSamplesLeaf ?? 20,
    minHessianLeaf: options.minHessianLeaf ?? 1e-3,
    minGain: options.minGain ?? 0,
    l2: options.l2 ?? 0,
    maxBins: options.maxBins ?? 255,
    binningSample: options.binningSample ?? 200_000,
    seed: options.seed ?? 0,
    patience: stopping === false || !validation ? null : (stopping.rounds ?? 10),
    tolerance: stopping === false ? 0 : (stopping.tolerance ?? 1e-7),
  };
};

/** Fails with every option that cannot be. */
export const checkSettings: (
  settings: BoostingSettings,
  options: BoostedTreesOptions,
  features: ReadonlyArray<string>,
  threads: number,
) => Effect.Effect<void, TrainingError> = Effect.fnUntraced(
  function* (settings, options, features, threads) {
    yield* checkOptions([
      { name: "quantile", value: settings.quantile, min: 0, above: true, max: 1 - Number.EPSILON },
      { name: "ndcgDepth", value: settings.ndcgDepth, min: 1, integer: true },
      { name: "learningRate", value: settings.learningRate, min: 0, above: true },
      { name: "maxTrees", value: settings.maxTrees, min: 1, max: 100_000, integer: true },
      { name: "maxLeaves", value: settings.maxLeaves, min: 2, max: 65_536, integer: true },
      { name: "maxDepth", value: settings.maxDepth, min: 1, integer: true },
      { name: "minSamplesLeaf", value: settings.minSamplesLeaf, min: 1, integer: true },
      { name: "minHessianLeaf", value: settings.minHessianLeaf, min: 0 },
      { name: "minGain", value: settings.minGain, min: 0 },
      { name: "l2", value: settings.l2, min: 0 },
      { name: "maxBins", value: settings.maxBins, min: 2, max: 255, integer: true },
      { name: "binningSample", value: settings.binningSample, min: 1000, integer: true },
      { name: "earlyStopping.rounds", value: settings.patience ?? 1, min: 1, integer: true },
      { name: "earlyStopping.tolerance", value: settings.tolerance, min: 0 },
      { name: "threads", value: threads, min: 1, max: 256, integer: true },
    ]);
    const categorical = options.categorical ?? [];
    const monotone = Object.keys(options.monotone ?? {});
    const unknown = (names: ReadonlyArray<string>, option: string): Array<TrainingProblem> =>
      names
        .filter((name) => !features.includes(name))
        .map((name) => ({
          what: `there is no feature "${name}"`,
          where: `option ${option}`,
          next: `Name some of the features: ${features.join(", ")}.`,
        }));
    const problems = [...unknown(categorical, "categorical"), ...unknown(monotone, "monotone")];
    for (const name of monotone.filter((name) => categorical.includes(name))) {
      problems.push({
        what: `"${name}" is a category, which has no order`,
        where: "option monotone",
        next: "Take it out of categorical or of monotone.",
      });
    }
    if (monotone.length > 0 && settings.objective === "softmax") {
      problems.push({
        what: "several classes have no monotone constraints: what one gains, another loses",
        where: "option monotone",
        next: "Take it out, or train one model for each class against all others.",
      });
    }
    yield* failOn("options", problems);
  },
);
