/** The constant raw scores that boosting starts from: the best there are for each objective. */
import type { Estimator } from "@ml-pipe/data";
import { weightedQuantile } from "./weightedQuantile.ts";

/** One per output; `classes` outputs for `softmax`. */
export const baseScoresOf = (
  objective: Estimator.TreeObjective,
  labels: Float64Array,
  weights: Float64Array | null,
  options: { readonly classes: number; readonly quantile: number },
): ReadonlyArray<number> => {
  switch (objective) {
    case "logistic": {
      const mean = meanOf(labels, weights);
      return [Math.log(mean / (1 - mean))];
    }
    case "softmax": {
      const logs = Array.from({ length: options.classes }, (_, k) =>
        Math.log(meanOf(labels, weights, k)),
      );
      // Any shift gives the same probabilities; around 0 none is favoured.
      const middle = logs.reduce((sum, log) => sum + log, 0) / logs.length;
      return logs.map((log) => log - middle);
    }
    case "poisson":
      return [Math.log(meanOf(labels, weights))];
    case "squaredError":
      return [meanOf(labels, weights)];
    case "absoluteError":
      return [weightedQuantile(labels, weights, 0.5)];
    case "quantile":
      return [weightedQuantile(labels, weights, options.quantile)];
    case "lambdaRank":
      return [0];
  }
};

/** The weighted mean of the labels, or how often they are `label`. */
const meanOf = (labels: Float64Array, weights: Float64Array | null, label?: number): number => {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const w = weights === null ? 1 : weights[i]!;
    sum += w * (label === undefined ? labels[i]! : Number(labels[i] === label));
    total += w;
  }
  return sum / total;
};
