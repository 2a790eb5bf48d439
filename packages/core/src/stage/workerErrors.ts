/** How a worker thread of a stage can fail. */
import * as ByteSize from "effect/ByteSize";
import * as Schema from "effect/Schema";

/** The code in a worker thread threw, could not be loaded, or ended without an answer. */
export class WorkerFailed extends Schema.TaggedError<WorkerFailed>()("WorkerFailed", {
  stage: Schema.String,
  module: Schema.String,
  /** The tag or the class of what was thrown. */
  error: Schema.String,
  problem: Schema.String,
  /** Where it was thrown, the innermost calls first. */
  calls: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const calls = this.calls.map((call) => `\n  ${call}`).join("");
    return `stage "${this.stage}": ${this.module} failed in its thread with ${this.error}: ${this.problem}${calls}\nCorrect the module or its input.`;
  }
}

/** A worker thread needed a larger heap than it may have. */
export class WorkerOutOfMemory extends Schema.TaggedError<WorkerOutOfMemory>()(
  "WorkerOutOfMemory",
  { stage: Schema.String, module: Schema.String, limitBytes: Schema.NullOr(Schema.Int) },
) {
  override get message(): string {
    const { stage, module, limitBytes } = this;
    const limit =
      limitBytes === null
        ? "the heap that Node gives a thread"
        : ByteSize.format(ByteSize.bytes(limitBytes), { system: "binary", precision: 1 });
    return `stage "${stage}": ${module} was ended, since it needed more memory than ${limit}. Raise its \`memory\`, or give it less to do at once.`;
  }
}

/** A worker thread returned something that the stage does not promise. */
export class WorkerOutputInvalid extends Schema.TaggedError<WorkerOutputInvalid>()(
  "WorkerOutputInvalid",
  {
    stage: Schema.String,
    module: Schema.String,
    /** `output` is the name of one of several outputs, or "". */
    problems: Schema.Array(Schema.Struct({ output: Schema.String, problem: Schema.String })),
  },
) {
  override get message(): string {
    const lines = this.problems.map(({ output, problem }) =>
      output === "" ? `the output: ${problem}` : `output "${output}": ${problem}`,
    );
    return `stage "${this.stage}": ${this.module} broke its contract.\n  ${lines.join("\n  ")}\nCorrect what it returns, or the schema if it promises too much.`;
  }
}
