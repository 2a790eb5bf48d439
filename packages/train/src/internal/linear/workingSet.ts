/**
 * Fits under an l1 of which most coefficients are 0: on the features of a working set alone, to which those are
 * added whose gradient says that 0 is not their best, until there is none (Friedman, Hastie & Tibshirani 2010,
 * section 2.6; Tibshirani et al. 2012, "Strong rules", which have the set checked in the same way).
 */
import * as Effect from "effect/Effect";
import { type TrainingError, trainingError } from "../trainingData.ts";
import { derivativesAt, perOutput } from "./derivatives.ts";
import { designOf } from "./design.ts";
import { newton } from "./newton.ts";
import { type LinearProblem, type LinearSolution, mostDense } from "./problem.ts";

/** Features that the set begins with; it doubles until nothing is missing. */
const first = 20;

/** Solves for any number of parameters, if few of them are not 0. */
export const workingSet: (problem: LinearProblem) => Effect.Effect<LinearSolution, TrainingError> =
  Effect.fnUntraced(function* (problem) {
    const { rows, outputs, scaling, l1, stopAt } = problem;
    const design = yield* designOf(rows.columns, rows.labels.length, scaling);
    const size = problem.start.length / outputs;
    let members: ReadonlyArray<number> = [];
    let parameters = problem.start;
    let iterations = 0;
    // While features are still missing, the others need not be exact.
    let loose = Math.max(stopAt, l1 / 10);
    for (;;) {
      const found = yield* newton(within({ ...problem, stopAt: loose }, parameters, members));
      iterations += found.iterations;
      parameters = without(found.parameters, members, size, outputs);

      const sums = yield* perOutput(design, parameters, outputs);
      const { residuals } = derivativesAt(problem, sums);
      const gradients = yield* Effect.forEach(residuals, design.transposed);
      const inside = new Set(members);
      const missing = rows.columns
        .map((_, j) => ({
          j,
          pull: Math.max(...gradients.map((gradient) => Math.abs(gradient[j]!))),
        }))
        .filter(({ j, pull }) => !inside.has(j) && scaling.varies[j] === 1 && pull > l1 + stopAt)
        .toSorted((a, b) => b.pull - a.pull || a.j - b.j);
      if (missing.length === 0) {
        if (loose === stopAt) return { parameters, iterations };
        loose = stopAt;
        continue;
      }
      // What has become 0 leaves; it comes back if it must.
      const staying = members.filter((j) =>
        Array.from({ length: outputs }, (_, k) => parameters[k * size + j]).some((w) => w !== 0),
      );
      const more = missing.slice(0, Math.max(first, staying.length)).map(({ j }) => j);
      members = [...staying, ...more].toSorted((a, b) => a - b);
      if ((members.length + 1) * outputs > mostDense) return yield* tooMany(members.length);
    }
  });

/** The problem of some features only, from where the others are 0. */
const within = (
  problem: LinearProblem,
  parameters: Float64Array,
  members: ReadonlyArray<number>,
): LinearProblem => {
  const { rows, scaling, outputs } = problem;
  const size = parameters.length / outputs;
  const places = [...members, size - 1];
  return {
    ...problem,
    rows: { ...rows, columns: members.map((j) => rows.columns[j]!) },
    scaling: {
      mean: Float64Array.from(members, (j) => scaling.mean[j]!),
      sd: Float64Array.from(members, (j) => scaling.sd[j]!),
      varies: Uint8Array.from(members, (j) => scaling.varies[j]!),
    },
    start: Float64Array.from(
      Array.from({ length: outputs }, (_, k) =>
        places.map((j) => parameters[k * size + j]!),
      ).flat(),
    ),
  };
};

/** The parameters of all features from those of some. */
const without = (
  found: Float64Array,
  members: ReadonlyArray<number>,
  size: number,
  outputs: number,
): Float64Array => {
  const places = [...members, size - 1];
  const all = new Float64Array(size * outputs);
  for (let k = 0; k < outputs; k++) {
    for (const [at, j] of places.entries()) all[k * size + j] = found[k * places.length + at]!;
  }
  return all;
};

const tooMany = (features: number): TrainingError =>
  trainingError("size", [
    {
      what: `more than ${features} features have a coefficient that is not 0`,
      where: "linear model",
      next: "Raise l1 until fewer are left, or use l2 alone (l1: 0), which takes any number.",
    },
  ]);
