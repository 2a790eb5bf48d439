/** Linear models on standardised features. */
import * as Schema from "effect/Schema";
import { type Report, sameLength } from "./problems.ts";
import { applyLink, type Scorer } from "./Scorer.ts";

const Numbers = Schema.Array(Schema.Finite);

/**
 * A linear model on standardised features: `intercept + Σ coefficients[j] · (x_j − mean[j]) / sd[j]`,
 * where a missing `x_j` is replaced by `imputation[j]`. Link `logit` scores the sigmoid of that sum.
 */
export const LinearModel = Schema.TaggedStruct("LinearModel", {
  version: Schema.Literal(1),
  link: Schema.Literals(["logit", "identity"]),
  features: Schema.Array(Schema.String),
  intercept: Schema.Finite,
  coefficients: Numbers,
  mean: Numbers,
  /** Standard deviation, greater than zero (1 for a feature that never varied). */
  sd: Numbers,
  imputation: Numbers,
});
/** See {@link LinearModel}. */
export type LinearModel = typeof LinearModel.Type;

/** Reports the faults of the model's lists. */
export const linearProblems = (model: LinearModel, report: Report): void => {
  const lists = ["coefficients", "mean", "sd", "imputation"] as const;
  sameLength(model, lists, model.features.length, "", report);
  for (const [j, sd] of model.sd.entries()) {
    if (!(sd > 0)) report(`sd[${j}]`, `standard deviation ${sd} is not positive`);
  }
};

/** Compiles the model. */
export const linearScorer = (model: LinearModel): Scorer => {
  const { intercept, link } = model;
  const weight = Float64Array.from(model.coefficients, (c, j) => c / model.sd[j]!);
  const mean = Float64Array.from(model.mean);
  const whenMissing = weight.map((w, j) => w * (model.imputation[j]! - mean[j]!));
  const features = weight.length;
  return {
    width: 1,
    score: (rows, count, out, at) => {
      for (let i = 0, offset = 0; i < count; i++, offset += features) {
        let sum = intercept;
        for (let j = 0; j < features; j++) {
          const term = weight[j]! * (rows[offset + j]! - mean[j]!);
          sum += term === term ? term : whenMissing[j]!;
        }
        out[at + i] = sum;
      }
      applyLink(link, 1, out, at, at + count);
    },
  };
};
