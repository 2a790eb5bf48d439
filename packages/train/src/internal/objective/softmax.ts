/**
 * Several classes, one output each: loss −log p_y with p_k = e^F_k / Σ e^F, gradient p_k − [k = y] and the
 * diagonal of the hessian, p_k(1−p_k). The state of a row is its p_k, laid out as the raw scores.
 */
import { exponential } from "../exponential.ts";
import { byRow, type Objective, type ScoredRows } from "./Objective.ts";

/** See the head of this file. */
export const softmax = (data: ScoredRows, classes: number): Objective => {
  const { rows, raw, labels, state } = data;
  const end = classes * rows;
  return byRow(data, classes, {
    visit: (i) => {
      let largest = raw[i]!;
      for (let at = i + rows; at < end; at += rows) largest = Math.max(largest, raw[at]!);
      let sum = 0;
      for (let at = i; at < end; at += rows) {
        sum += state[at] = exponential(raw[at]! - largest);
      }
      for (let at = i; at < end; at += rows) state[at] = state[at]! / sum;
      return largest + Math.log(sum) - raw[labels[i]! * rows + i]!;
    },
    gradient: (i, output) => state[output * rows + i]! - (labels[i] === output ? 1 : 0),
    hessian: (i, output) => state[output * rows + i]! * (1 - state[output * rows + i]!),
    leafValue: null,
  });
};
