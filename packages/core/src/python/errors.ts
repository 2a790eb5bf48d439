/** How a Python environment can be unfit for a script. */
import * as Schema from "effect/Schema";

/** There is no interpreter where one is expected, or none that can be used. */
export class PythonUnusable extends Schema.TaggedError<PythonUnusable>()("PythonUnusable", {
  interpreter: Schema.String,
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `Python cannot be used: ${this.interpreter} ${this.problem}. ${this.next}.`;
  }
}

/** The installed packages are not those of the lock file. */
export class PythonPackagesDiffer extends Schema.TaggedError<PythonPackagesDiffer>()(
  "PythonPackagesDiffer",
  {
    interpreter: Schema.String,
    requirements: Schema.String,
    problems: Schema.Array(
      Schema.Struct({
        package: Schema.String,
        /** The pinned version, or null if any will do. */
        expected: Schema.NullOr(Schema.String),
        /** Null if it is not installed. */
        found: Schema.NullOr(Schema.String),
      }),
    ),
  },
) {
  override get message(): string {
    const { interpreter, requirements, problems } = this;
    const lines = problems.map(
      (one) =>
        `${one.package}: expected ${one.expected ?? "any version"}, found ${one.found ?? "none"}`,
    );
    return `${interpreter} does not have the packages of ${requirements}:\n  ${lines.join("\n  ")}\nInstall them: ${interpreter} -m pip install -r ${requirements}`;
  }
}

/** A script imports a package that is not installed, or a module that is not there. */
export class PythonPackageMissing extends Schema.TaggedError<PythonPackageMissing>()(
  "PythonPackageMissing",
  {
    stage: Schema.String,
    module: Schema.String,
    interpreter: Schema.String,
    /** The last lines of the traceback. */
    lines: Schema.Array(Schema.String),
  },
) {
  override get message(): string {
    const { stage, module, interpreter, lines } = this;
    return `stage "${stage}": the script imports ${module}, which ${interpreter} does not have:\n${lines.map((line) => `  ${line}`).join("\n")}\nInstall the package that has it (${interpreter} -m pip install …), and pin it in the requirements; a module of your own is put beside the script.`;
  }
}

/** A script imports a file that its result is not known by, so that a change there would be overlooked. */
export class PythonModuleUntracked extends Schema.TaggedError<PythonModuleUntracked>()(
  "PythonModuleUntracked",
  { stage: Schema.String, module: Schema.String, file: Schema.String },
) {
  override get message(): string {
    return `stage "${this.stage}": the script imports ${this.module} from ${this.file}, which is no part of the cache key: reading the script did not lead there, and it is not installed. Name the file in \`reads\`, put it beside the script, or install it as a package.`;
  }
}
