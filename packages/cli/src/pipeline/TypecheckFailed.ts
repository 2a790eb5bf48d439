/** Errors of the type check. */
import * as Schema from "effect/Schema";

/** One error of TypeScript's, with the stage it is about. */
export const TypeProblem = Schema.Struct({
  file: Schema.String,
  line: Schema.Int,
  column: Schema.Int,
  /** Such as `TS2322`; `MissingService` if the pipeline needs what the engine does not provide. */
  code: Schema.String,
  /** TypeScript's own words; further lines explain the first. */
  message: Schema.String,
  stage: Schema.optionalKey(Schema.String),
  /** The constant that it is in, outside of any stage. */
  constant: Schema.optionalKey(Schema.String),
});
/** See {@link TypeProblem}. */
export type TypeProblem = typeof TypeProblem.Type;

/** The pipeline does not type-check. */
export class TypecheckFailed extends Schema.TaggedError<TypecheckFailed>()("TypecheckFailed", {
  file: Schema.String,
  problems: Schema.Array(TypeProblem),
}) {
  override get message(): string {
    return `it has ${this.problems.length === 1 ? "a type error" : `${this.problems.length} type errors`}. Correct them, or run without this check: --no-types`;
  }
}

/** The type check itself could not be done. */
export class TypecheckUnavailable extends Schema.TaggedError<TypecheckUnavailable>()(
  "TypecheckUnavailable",
  { file: Schema.String, problem: Schema.String },
) {
  override get message(): string {
    return `its types could not be checked: ${this.problem}. To run without this check, add --no-types`;
  }
}
