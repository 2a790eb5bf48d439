import * as Schema from "effect/Schema";

/** A run is the first of its pipeline, so there is nothing to compare it with. */
export class NothingBefore extends Schema.TaggedError<NothingBefore>()("NothingBefore", {
  run: Schema.String,
  pipeline: Schema.String,
}) {
  override get message(): string {
    return `run ${this.run} is the first of ${this.pipeline} that is recorded. Name two runs: ml-pipe diff RUN RUN (ml-pipe runs lists them)`;
  }
}
