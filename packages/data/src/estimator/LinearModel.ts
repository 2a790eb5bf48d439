/** Linear models on standardised features. */
import * as Schema from "effect/Schema";
import { type Report, sameLength } from "./problems.ts";
import { applyLink, type Scorer } from "./Scorer.ts";

const Numbers = Schema.Array(Schema.Finite);

/**
 * A linear model on standardised features. Each output `k` has the sum
 * `intercepts[k] + Σ coefficients[k][j] · (x_j − mean[j]) / sd[j]`, where a missing `x_j` is replaced by
 * `imputation[j]`. Link `identity` scores that sum; `logit` its sigmoid; `log` e to the sum, times the
 * feature `exposure` if there is one (0 where that is negative). Only `softmax` has several outputs, one for
 * each class, and scores the softmax of their sums.
 */
export const LinearModel = Schema.TaggedStruct("LinearModel", {
  version: Schema.Literal(1),
  link: Schema.Literals(["logit", "identity", "log", "softmax"]),
  features: Schema.Array(Schema.String),
  intercepts: Numbers,
  coefficients: Schema.Array(Numbers),
  mean: Numbers,
  /** Standard deviation, greater than zero (1 for a feature that never varied). */
  sd: Numbers,
  imputation: Numbers,
  /** The feature in proportion to which a count grows; its coefficient is 0. Only for link `log`. */
  exposure: Schema.optionalKey(Schema.String),
});
/** See {@link LinearModel}. */
export type LinearModel = typeof LinearModel.Type;

/** Reports the faults of the model's lists. */
export const linearProblems = (model: LinearModel, report: Report): void => {
  const { features, link, intercepts, coefficients, exposure } = model;
  sameLength(model, ["mean", "sd", "imputation"], features.length, "", report);
  for (const [j, sd] of model.sd.entries()) {
    if (!(sd > 0)) report(`sd[${j}]`, `standard deviation ${sd} is not positive`);
  }
  const outputs = intercepts.length;
  if (link === "softmax" ? outputs < 2 : outputs !== 1) {
    const expected = link === "softmax" ? "2 or more" : "1";
    report("intercepts", `${outputs} entries where ${expected} are expected`);
  }
  sameLength(model, ["coefficients"], outputs, "", report);
  for (const [k, own] of coefficients.entries()) {
    if (own.length === features.length) continue;
    report(`coefficients[${k}]`, `${own.length} entries where ${features.length} are expected`);
  }
  if (exposure === undefined) return;
  if (link !== "log") report("exposure", `link ${link} has no exposure`);
  const index = features.indexOf(exposure);
  const coefficient = coefficients[0]?.[index];
  if (index < 0) report("exposure", `"${exposure}" is no feature`);
  else if (coefficient !== 0) {
    report(`coefficients[0][${index}]`, `the exposure has the coefficient ${coefficient}`);
  }
};

/** Compiles the model. */
export const linearScorer = (model: LinearModel): Scorer => {
  const { link } = model;
  const intercepts = Float64Array.from(model.intercepts);
  const width = intercepts.length;
  const features = model.features.length;
  const mean = Float64Array.from(model.mean);
  const weight = Float64Array.from(
    model.coefficients.flat(),
    (c, at) => c / model.sd[at % features]!,
  );
  const whenMissing = weight.map((w, at) => {
    const j = at % features;
    return w * (model.imputation[j]! - mean[j]!);
  });
  const exposure = model.exposure === undefined ? -1 : model.features.indexOf(model.exposure);
  return {
    width,
    score: (rows, count, out, at) => {
      for (let i = 0, offset = 0; i < count; i++, offset += features) {
        for (let k = 0; k < width; k++) {
          let sum = intercepts[k]!;
          for (let j = 0, own = k * features; j < features; j++, own++) {
            const term = weight[own]! * (rows[offset + j]! - mean[j]!);
            sum += term === term ? term : whenMissing[own]!;
          }
          out[at + i * width + k] = sum;
        }
      }
      applyLink(link, width, out, at, at + count * width);
      if (exposure < 0) return;
      for (let i = 0, from = exposure; i < count; i++, from += features) {
        const given = rows[from]!;
        const exposed = given === given ? given : model.imputation[exposure]!;
        out[at + i] = out[at + i]! * (exposed > 0 ? exposed : 0);
      }
    },
  };
};
