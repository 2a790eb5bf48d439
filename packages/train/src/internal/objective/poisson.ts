/**
 * Counts and rates, with μ = e^F: the loss is the Poisson deviance 2(y log(y/μ) − y + μ); gradient μ−y and
 * hessian μ are those of half of it (McCullagh & Nelder 1989, "Generalized Linear Models", section 2.3).
 * The state of a row is its μ.
 */
import { exponential } from "../exponential.ts";
import { byRow, type Objective, type ScoredRows } from "./Objective.ts";

/** See the head of this file. */
export const poisson = (data: ScoredRows): Objective => {
  const { raw, labels, state } = data;
  return byRow(data, 1, {
    visit: (i) => {
      const f = raw[i]!;
      const y = labels[i]!;
      const rate = exponential(f);
      state[i] = rate;
      return 2 * ((y > 0 ? y * (Math.log(y) - f) : 0) - y + rate);
    },
    gradient: (i) => state[i]! - labels[i]!,
    hessian: (i) => state[i]!,
    leafValue: null,
  });
};
