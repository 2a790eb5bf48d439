import * as Schema from "effect/Schema";

/** The store cannot be read or written: a file that is damaged or locked, a server that does not answer. */
export class FeatureStoreError extends Schema.TaggedError<FeatureStoreError>()(
  "FeatureStoreError",
  {
    operation: Schema.String,
    /** The file or the server. */
    store: Schema.String,
    problem: Schema.String,
    next: Schema.String,
  },
) {
  override get message(): string {
    return `the feature store ${this.store} could not ${this.operation}: ${this.problem}. ${this.next}`;
  }
}
