/** Contributions: how far each feature of a model moves its predictions. */
import { Explanation } from "@ml-pipe/data";
import * as Schema from "effect/Schema";

/**
 * How far each feature moves the predictions, up or down: means over rows of the absolute Shapley values
 * (Lundberg et al. 2020). Features are the model's own, after its transformation.
 */
export const Contributions = Schema.Struct({
  rows: Schema.Int,
  scale: Explanation.Scale,
  /** The classes that {@link features} says it of, in this order; empty unless there are classes. */
  classes: Schema.Array(Schema.String),
  /** Most first: of each output, and summed over them. */
  features: Schema.Array(
    Schema.Struct({
      feature: Schema.String,
      mean: Schema.Finite,
      byOutput: Schema.Array(Schema.Finite),
    }),
  ),
}).annotate({ title: "Contributions" });
/** See {@link Contributions}. */
export type Contributions = typeof Contributions.Type;
