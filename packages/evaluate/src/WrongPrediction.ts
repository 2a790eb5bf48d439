/** What a model says, and whether that can be judged. */
import type { Model } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** The model says something else than what is judged here, such as a ranking's score where a number is needed. */
export class WrongPrediction extends Schema.TaggedError<WrongPrediction>()("WrongPrediction", {
  kind: Schema.String,
  gives: Schema.String,
  needed: Schema.String,
}) {
  override get message(): string {
    return `the ${this.kind} gives ${this.gives}, and ${this.needed} is judged here. Train a model that gives it, or judge this one by what it is for.`;
  }
}

const said = {
  probability: "a probability",
  value: "a number",
  classes: "a probability for each class",
  score: "a score that only puts rows in order",
} as const;

/** Fails unless the model says what is judged. */
export const requireSignature = (
  { kind }: Model.AnyModel,
  { _tag }: Model.Signature,
  needed: Model.Signature["_tag"],
): Effect.Effect<void, WrongPrediction> =>
  _tag === needed
    ? Effect.void
    : Effect.fail(new WrongPrediction({ kind, gives: said[_tag], needed: said[needed] }));
