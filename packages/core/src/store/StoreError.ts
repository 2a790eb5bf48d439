import * as Schema from "effect/Schema";

/** The record of runs could not be read or written. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.String,
  path: Schema.String,
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `cannot ${this.operation} in ${this.path}: ${this.problem}. ${this.next}`;
  }
}
