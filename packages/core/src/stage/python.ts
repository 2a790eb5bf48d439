/** Stages that run a Python script in an environment that is known, with a contract on both sides. */
import { pathToFileURL } from "node:url";
import * as Effect from "effect/Effect";
import { callSites } from "../internal/callSite.ts";
import { digestOf, pathOf } from "../internal/executable.ts";
import { folderOf, type SecretSources } from "../internal/executeProcess.ts";
import type { OutOf, OutputSide, TypesOf } from "../internal/outputSide.ts";
import * as Python from "../Python.ts";
import { pythonVariables } from "../python/probe.ts";
import type { Fields, Stage } from "./make.ts";
import { type Definition, type Failing, type Needing, processStage } from "./process.ts";
import type { ProcessFailed } from "./processErrors.ts";

/** What the author of a Python stage writes, beside its outputs. */
export interface PythonDefinition<I extends Fields, X extends SecretSources>
  extends Omit<Definition<I, X>, "command" | "args">, Python.Environment {
  /** The script, as `new URL("./train.py", import.meta.url)`. */
  readonly script: string | URL;
  /** Arguments of the script. */
  readonly args?: ReadonlyArray<string>;
}

/**
 * A stage that runs a Python script, as {@link process} runs a program. Its environment is looked at
 * first: which Python it is and what is installed are part of the cache key, and packages other than the
 * lock file's are refused.
 *
 * The script may import `ml_pipe`, a module without dependencies that reads what it is given and hands
 * back what it made: `ml_pipe.inputs`, `ml_pipe.params`, `ml_pipe.artifact(…)`, `ml_pipe.output(…)`.
 * Modules beside the script are found as always, and are part of the key; one from elsewhere is named in
 * `reads`, or refused as soon as it is imported.
 *
 * @example
 * ```ts
 * import { Artifact, Stage } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 *
 * const embed = Stage.python("embed", {
 *   script: new URL("./embed.py", import.meta.url),
 *   venv: new URL("./.venv", import.meta.url),
 *   requirements: new URL("./requirements.txt", import.meta.url),
 *   input: { texts: Artifact.Artifact },
 *   outputs: { vectors: Artifact.Artifact, dimensions: Schema.Int },
 *   timeout: "1 hour",
 *   memory: "8 GiB",
 * });
 * ```
 */
export const python: <
  const I extends Fields,
  T = never,
  const O extends Fields = never,
  const X extends SecretSources = {},
>(
  name: string,
  definition: PythonDefinition<I, X> & OutputSide<T, O>,
) => Stage<
  TypesOf<I>,
  OutOf<T, O>,
  {},
  Failing<X> | Python.PythonError | Python.PythonPackageMissing | Python.PythonModuleUntracked,
  Needing<X>
> = (
  name: string,
  definition: PythonDefinition<Fields, SecretSources> & OutputSide<unknown, Fields>,
): never => {
  const { script, args = [], venv, interpreter, requirements, ...rest } = definition;
  const environment: Python.Environment = {
    ...(venv === undefined ? {} : { venv }),
    ...(interpreter === undefined ? {} : { interpreter }),
    ...(requirements === undefined ? {} : { requirements }),
  };
  const file = pathOf(script, process.cwd());
  const reads = (rest.reads ?? []).map((one) => pathOf(one, folderOf({ cwd: rest.cwd })));
  return processStage(
    name,
    { ...rest, command: [Python.programOf(environment), pathToFileURL(file), ...args] },
    callSites(python),
    {
      identity: Python.identity(name, environment, { script }),
      prepare: Effect.map(
        Effect.all([Python.inspect(environment), digestOf(name, file)]),
        ([{ packages }]) => ({
          ...pythonVariables,
          PYTHONPATH: Python.helperFolder,
          // With a package that cannot be hashed nothing comes from the cache, so nothing can be missed.
          ...(packages.some(({ editable }) => editable)
            ? {}
            : { ML_PIPE_SCRIPT: file, ML_PIPE_READS: JSON.stringify(reads) }),
        }),
      ),
      named: (error) => namedBetter(error, environment),
    },
  );
};

/** A package that is missing, or a module that nobody looked for, is another thing than a script that fails. */
const namedBetter = (
  error: ProcessFailed,
  environment: Python.Environment,
): ProcessFailed | Python.PythonPackageMissing | Python.PythonModuleUntracked => {
  const { stage } = error;
  const last = error.lines.at(-1) ?? "";
  const lines = error.lines.slice(-3);
  const [, missing] = /^ModuleNotFoundError: No module named '([^']+)'$/.exec(last) ?? [];
  if (missing !== undefined) {
    const interpreter = String(Python.programOf(environment));
    return new Python.PythonPackageMissing({ stage, module: missing, interpreter, lines });
  }
  const [, module, file] =
    /^ml_pipe_modules\.UntrackedModule: (\S+) is imported from (.+)$/.exec(last) ?? [];
  return module === undefined || file === undefined
    ? error
    : new Python.PythonModuleUntracked({ stage, module, file });
};
