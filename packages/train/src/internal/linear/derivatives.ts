/** Loss, residuals and curvature of rows whose linear sums are known. */
import * as Effect from "effect/Effect";
import type { Design } from "./design.ts";
import { singleLinks, softmaxInPlace } from "./links.ts";
import type { LinearProblem } from "./problem.ts";

/** Of each output a number for each row. */
export type ByOutput = ReadonlyArray<Float64Array>;

/** The linear sums at some parameters, without an offset. */
export const perOutput = (
  design: Design,
  parameters: Float64Array,
  outputs: number,
): Effect.Effect<ByOutput> => {
  const size = parameters.length / outputs;
  return Effect.forEach(
    Array.from({ length: outputs }, (_, k) => parameters.subarray(k * size, (k + 1) * size)),
    design.times,
  );
};

/** At some linear sums. */
export interface RowDerivatives {
  readonly loss: number;
  /** The derivative of the loss by each sum. */
  readonly residuals: ByOutput;
  /** The second derivative by each sum, for one output after the other. */
  readonly curvature: ByOutput;
  /** The second derivatives times a change of the sums. */
  readonly bent: (change: ByOutput) => ByOutput;
}

/** The sums are without the offset, which is added here. */
export const derivativesAt = (
  { rows, link, outputs }: Pick<LinearProblem, "rows" | "link" | "outputs">,
  sums: ByOutput,
): RowDerivatives => {
  const { labels, weights, offset } = rows;
  const count = labels.length;
  const weightOf = (i: number) => (weights === undefined ? 1 : weights[i]!);
  const empty = () => Array.from({ length: outputs }, () => new Float64Array(count));
  const residuals = empty();
  const curvature = empty();
  let loss = 0;
  if (link === "softmax") {
    const probabilities = empty();
    const p = new Float64Array(outputs);
    for (let i = 0; i < count; i++) {
      const y = labels[i]!;
      const w = weightOf(i);
      if (w === 0) continue;
      for (let k = 0; k < outputs; k++) p[k] = sums[k]![i]!;
      const own = p[y]!;
      loss += w * (softmaxInPlace(p) - own);
      for (let k = 0; k < outputs; k++) {
        probabilities[k]![i] = p[k]!;
        residuals[k]![i] = w * (p[k]! - (k === y ? 1 : 0));
        curvature[k]![i] = w * p[k]! * (1 - p[k]!);
      }
    }
    return {
      loss,
      residuals,
      curvature,
      bent: (change) => {
        const bent = empty();
        for (let i = 0; i < count; i++) {
          const w = weightOf(i);
          let mean = 0;
          for (let k = 0; k < outputs; k++) mean += probabilities[k]![i]! * change[k]![i]!;
          for (let k = 0; k < outputs; k++) {
            bent[k]![i] = w * probabilities[k]![i]! * (change[k]![i]! - mean);
          }
        }
        return bent;
      },
    };
  }
  const { mean, curvature: bend, loss: lossOf } = singleLinks[link];
  const [sum = new Float64Array(count)] = sums;
  const [residual = sum] = residuals;
  const [curve = sum] = curvature;
  for (let i = 0; i < count; i++) {
    const w = weightOf(i);
    if (w === 0) continue;
    const at = sum[i]! + (offset === undefined ? 0 : offset[i]!);
    loss += w * lossOf(at, labels[i]!);
    const m = mean(at);
    residual[i] = w * (m - labels[i]!);
    curve[i] = w * bend(m);
  }
  return {
    loss,
    residuals,
    curvature,
    bent: ([change = sum]) => [change.map((one, i) => one * curve[i]!)],
  };
};
