/** What fitting a transformation can fail with. */
import * as Schema from "effect/Schema";

/** One fault: in which column, what it is, and what to do next. */
const TransformProblem = Schema.Struct({
  column: Schema.String,
  what: Schema.String,
  next: Schema.String,
});
/** See {@link TransformProblem}. */
export type TransformProblem = typeof TransformProblem.Type;

/** A transformation cannot be fitted to these training rows. Lists everything that is wrong. */
export class TransformError extends Schema.TaggedError<TransformError>()("TransformError", {
  contract: Schema.String,
  problems: Schema.Array(TransformProblem),
}) {
  override get message(): string {
    const lines = this.problems.map(
      ({ column, what, next }) => `column "${column}": ${what}. ${next}`,
    );
    return `the transformation of ${this.contract} cannot be fitted: ${lines.join(" ")}`;
  }
}
