/** The same scores for every row. */
import * as Schema from "effect/Schema";
import type { Report } from "./problems.ts";
import type { Scorer } from "./Scorer.ts";

/** The same score for every row, or one for each class: what every other model has to beat. */
export const ConstantModel = Schema.TaggedStruct("ConstantModel", {
  version: Schema.Literal(1),
  features: Schema.Array(Schema.String),
  values: Schema.Array(Schema.Finite),
});
/** See {@link ConstantModel}. */
export type ConstantModel = typeof ConstantModel.Type;

/** Reports a model without a score. */
export const constantProblems = ({ values }: ConstantModel, report: Report): void => {
  if (values.length === 0) report("values", "0 entries where 1 or more are expected");
};

/** Compiles the model. */
export const constantScorer = ({ values }: ConstantModel): Scorer => ({
  width: values.length,
  score: (_rows, count, out, at) => {
    for (let i = 0; i < count; i++) out.set(values, at + i * values.length);
  },
});
