/** The same score for every row. */
import * as Schema from "effect/Schema";
import type { Scorer } from "./Scorer.ts";

/** The same score for every row: the baseline every other model has to beat. */
export const ConstantModel = Schema.TaggedStruct("ConstantModel", {
  version: Schema.Literal(1),
  features: Schema.Array(Schema.String),
  value: Schema.Finite,
});
/** See {@link ConstantModel}. */
export type ConstantModel = typeof ConstantModel.Type;

/** Compiles the model. */
export const constantScorer = ({ value }: ConstantModel): Scorer => ({
  width: 1,
  score: (_rows, count, out, at) => {
    out.fill(value, at, at + count);
  },
});
