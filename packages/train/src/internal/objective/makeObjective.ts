/** The objective that settings name, on a set of rows. */
import type { BoostingSettings } from "../layout.ts";
import { lambdaRank } from "./lambdaRank.ts";
import { logistic } from "./logistic.ts";
import type { Objective, ScoredRows } from "./Objective.ts";
import { poisson } from "./poisson.ts";
import { absoluteError, quantile, squaredError } from "./residuals.ts";
import { softmax } from "./softmax.ts";

/** Numbers that `measure` keeps of each row. */
export const stateWidth = (objective: BoostingSettings["objective"], outputs: number): number =>
  objective === "lambdaRank" ? 2 : outputs;

/** `largestWeight` is 1 without weights; `outputs` counts the classes of `softmax`. */
export const makeObjective = (
  settings: BoostingSettings,
  data: ScoredRows,
  outputs: number,
  largestWeight: number,
): Objective => {
  switch (settings.objective) {
    case "logistic":
      return logistic(data, largestWeight);
    case "softmax":
      return softmax(data, outputs);
    case "poisson":
      return poisson(data);
    case "squaredError":
      return squaredError(data);
    case "absoluteError":
      return absoluteError(data);
    case "quantile":
      return quantile(data, settings.quantile);
    case "lambdaRank":
      return lambdaRank(data, settings.ndcgDepth);
  }
};
