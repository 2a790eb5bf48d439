/** How a process of a stage can fail. */
import * as ByteSize from "effect/ByteSize";
import * as Duration from "effect/Duration";
import * as Schema from "effect/Schema";

/** The last lines that a process printed, indented. */
const printed = (lines: ReadonlyArray<string>): string =>
  lines.length === 0
    ? " It printed nothing."
    : ` Its last lines:\n${lines.map((line) => `  ${line}`).join("\n")}\n`;

/** A process ended with an exit code other than 0, by a signal, or could not be started. */
export class ProcessFailed extends Schema.TaggedError<ProcessFailed>()("ProcessFailed", {
  stage: Schema.String,
  command: Schema.String,
  exitCode: Schema.NullOr(Schema.Int),
  signal: Schema.NullOr(Schema.String),
  /** What it printed last on stderr, or else on stdout. */
  lines: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const { stage, command, exitCode, signal } = this;
    const how =
      exitCode !== null
        ? `ended with exit code ${exitCode}`
        : signal !== null
          ? `was ended by ${signal}`
          : "could not be started";
    const killed =
      signal === "SIGKILL"
        ? " Nobody here killed it: the system may have run out of memory; declare `memory`, so that less runs beside it."
        : "";
    return `stage "${stage}": ${command} ${how}.${printed(this.lines)}${killed} Correct the command or what it is given; \`ml-pipe run\` goes on from here.`;
  }
}

/** A process took longer than it may. Its whole group has ended. */
export class ProcessTimedOut extends Schema.TaggedError<ProcessTimedOut>()("ProcessTimedOut", {
  stage: Schema.String,
  command: Schema.String,
  limitMs: Schema.Finite,
  lines: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const limit = Duration.format(Duration.millis(this.limitMs));
    return `stage "${this.stage}": ${this.command} took longer than ${limit} and was ended.${printed(this.lines)} Raise its \`timeout\`, or give it less to do.`;
  }
}

/** The processes of a stage took more memory than they may. They were killed. */
export class ProcessOutOfMemory extends Schema.TaggedError<ProcessOutOfMemory>()(
  "ProcessOutOfMemory",
  {
    stage: Schema.String,
    command: Schema.String,
    limitBytes: Schema.Int,
    /** Resident memory of all its processes together. */
    foundBytes: Schema.Int,
    processes: Schema.Int,
  },
) {
  override get message(): string {
    const { stage, command, limitBytes, foundBytes, processes } = this;
    const many = processes === 1 ? "it" : `its ${processes} processes`;
    const words = (bytes: number) =>
      ByteSize.format(ByteSize.bytes(bytes), { system: "binary", precision: 1 });
    return `stage "${stage}": ${command} was killed: ${many} took ${words(foundBytes)} of memory, and ${words(limitBytes)} are allowed. Raise its \`memory\`, or give it less to do at once.`;
  }
}

/** What a process needs is not there: its program, its folder, or a file that it reads. */
export class ProcessNotFound extends Schema.TaggedError<ProcessNotFound>()("ProcessNotFound", {
  stage: Schema.String,
  what: Schema.Literals(["executable", "folder", "file"]),
  path: Schema.String,
  /** Where it was looked for. */
  searched: Schema.String,
}) {
  override get message(): string {
    const { stage, path, searched } = this;
    const [what, next] = {
      executable: ["program", "Install it, or name it by its full path"],
      folder: ["working folder", "Make it, or correct `cwd`"],
      file: ["file that it reads", "Put it there, or correct `command` and `reads`"],
    }[this.what];
    return `stage "${stage}": the ${what} "${path}" is not there, or cannot be used (looked in ${searched}). ${next}.`;
  }
}

/** A process ended well, but what it handed back is not what the stage promises. */
export class ProcessOutputInvalid extends Schema.TaggedError<ProcessOutputInvalid>()(
  "ProcessOutputInvalid",
  {
    stage: Schema.String,
    command: Schema.String,
    /** `output` is the name of one of several outputs, or "". */
    problems: Schema.Array(Schema.Struct({ output: Schema.String, problem: Schema.String })),
  },
) {
  override get message(): string {
    const lines = this.problems.map(({ output, problem }) =>
      output === "" ? `the output: ${problem}` : `output "${output}": ${problem}`,
    );
    return `stage "${this.stage}": ${this.command} broke its contract.\n  ${lines.join("\n  ")}\nCorrect what it writes to ML_PIPE_OUTPUT, or the schema if it promises too much.`;
  }
}
