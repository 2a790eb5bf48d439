/**
 * Python environments: which interpreter runs a script, and what it has. A virtual environment is known
 * by what is installed in it, so that a stage is executed again when a package changes, and refused where
 * the packages are not those of the lock file.
 */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { digestOf, findExecutable, pathOf, shortNames } from "./internal/executable.ts";
import { PythonPackagesDiffer, PythonUnusable } from "./python/errors.ts";
import { modulesOf, type Probed, probe } from "./python/probe.ts";
import { isVersion, normalName, requirementsOf } from "./python/requirements.ts";
import type { ProcessNotFound } from "./stage/processErrors.ts";

export {
  PythonModuleUntracked,
  PythonPackageMissing,
  PythonPackagesDiffer,
  PythonUnusable,
} from "./python/errors.ts";

/** Where Python is, and what it must have. */
export interface Environment {
  /** The folder of a virtual environment, such as `new URL("./.venv", import.meta.url)`. */
  readonly venv?: string | URL;
  /** An interpreter by path, or by name if it is on PATH. Default, without `venv`: `python3`. */
  readonly interpreter?: string | URL;
  /**
   * A lock file. Its bytes are part of the cache key. Of one that pip reads (`*.txt`), what it pins is
   * compared with what is installed before anything runs.
   */
  readonly requirements?: string | URL;
}

/** An interpreter that was found. */
export interface Interpreter {
  readonly executable: string;
  /** Such as `3.11.7`. */
  readonly version: string;
  readonly implementation: string;
  readonly platform: string;
  readonly packages: ReadonlyArray<{
    readonly name: string;
    readonly version: string;
    /** Installed as a reference to a folder, whose content may change at any time. */
    readonly editable: boolean;
  }>;
}

/** What looking at an environment can fail with. */
export type PythonError = PythonUnusable | PythonPackagesDiffer;

/**
 * Finds the interpreter of an environment and what it has. Fails if there is none, or if the packages are
 * not those of the lock file: with all differences.
 *
 * @example
 * ```ts
 * import { Python } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const version = Effect.map(Python.inspect({ venv: ".venv" }), ({ version }) => version);
 * ```
 */
export const inspect: (environment: Environment) => Effect.Effect<Interpreter, PythonError> = (
  environment,
) => Effect.map(look(environment), ({ executable, probed }) => ({ ...probed, executable }));

/** Whether an interpreter has a package. */
export const has = ({ packages }: Pick<Interpreter, "packages">, name: string): boolean =>
  packages.some((one) => normalName(one.name) === normalName(name));

/** What runs in an environment. */
export interface Program {
  readonly script?: string | URL;
  /** Other files that it reads. */
  readonly reads?: ReadonlyArray<string | URL>;
}

/**
 * What a result depends on: the interpreter and each package, by content, the lock file, the script with the
 * modules beside it that it imports, and what it reads; not where they are. A package that is installed as a
 * reference to a folder cannot be hashed: with one, nothing is ever the same.
 */
export const identity = Effect.fnUntraced(function* (
  stage: string,
  environment: Environment,
  { script, reads = [] }: Program = {},
): Effect.fn.Return<{ readonly [name: string]: Schema.Json }, PythonError | ProcessNotFound> {
  const { executable, probed } = yield* look(environment);
  const { version, implementation, platform, packages } = probed;
  const { requirements } = environment;
  const editable = packages.filter((one) => one.editable).map(({ name }) => name);
  const now = yield* Clock.currentTimeMillis;
  const own =
    script === undefined
      ? []
      : yield* scriptFiles(stage, executable, pathOf(script, process.cwd()));
  const paths = [helper, ...own, ...reads.map((file) => pathOf(file, process.cwd()))];
  const names = shortNames(paths);
  const digests: Record<string, Schema.Json> = {};
  for (const [index, file] of paths.entries()) {
    digests[names[index] ?? file] = yield* digestOf(stage, file);
  }
  return {
    python: `${implementation} ${version} ${platform}`,
    interpreter: yield* digestOf(stage, executable),
    files: digests,
    packages: Object.fromEntries(
      packages.map(({ name, version, digest }) => [name, `${version} ${digest}`.trim()]),
    ),
    ...(editable.length === 0 ? {} : { cannotBeHashed: `${editable.join(", ")} at ${now}` }),
    ...(requirements === undefined
      ? {}
      : { requirements: yield* digestOf(stage, pathOf(requirements, process.cwd())) }),
  };
});

/** The path or the name of an environment's interpreter. */
export const programOf = ({ venv, interpreter }: Environment): string | URL => {
  if (venv === undefined) return interpreter ?? "python3";
  const folder = typeof venv === "string" ? path.resolve(venv) : fileURLToPath(venv);
  return process.platform === "win32"
    ? path.join(folder, "Scripts", "python.exe")
    : path.join(folder, "bin", "python");
};

/** The folder with `ml_pipe.py`, which is shipped as it is and found on PYTHONPATH. */
export const helperFolder = fileURLToPath(
  new URL(
    import.meta.url.endsWith(".ts") ? "./python/helper" : "../src/python/helper",
    import.meta.url,
  ),
);

const helper = path.join(helperFolder, "ml_pipe.py");

/** A script, and the files that it imports and that are neither installed nor part of Python. */
const scriptFiles = Effect.fnUntraced(function* (
  stage: string,
  executable: string,
  script: string,
) {
  yield* digestOf(stage, script);
  return [script, ...(yield* modulesOf(executable, helperFolder, script))];
});

const look = Effect.fnUntraced(function* (
  environment: Environment,
): Effect.fn.Return<{ readonly executable: string; readonly probed: Probed }, PythonError> {
  const program = programOf(environment);
  const executable = yield* findExecutable("", program, process.cwd()).pipe(
    Effect.mapError(({ searched }) => absent(environment, program, searched)),
  );
  const probed = yield* probe(executable);
  const { requirements } = environment;
  if (requirements !== undefined) {
    yield* requirePackages(executable, probed, pathOf(requirements, process.cwd()));
  }
  return { executable, probed };
});

const absent = (
  { venv, requirements }: Environment,
  program: string | URL,
  searched: string,
): PythonUnusable => {
  const interpreter = String(program);
  const problem = `is not there (looked in ${searched})`;
  if (venv === undefined) {
    const next = "Install Python, or name the interpreter by its full path";
    return new PythonUnusable({ interpreter, problem, next });
  }
  const folder = typeof venv === "string" ? venv : fileURLToPath(venv);
  const install =
    requirements === undefined
      ? ""
      : ` && ${interpreter} -m pip install -r ${pathOf(requirements, process.cwd())}`;
  const next = `Make the environment: python3 -m venv ${folder}${install}`;
  return new PythonUnusable({ interpreter, problem, next });
};

const requirePackages = Effect.fnUntraced(function* (
  executable: string,
  { packages }: Probed,
  requirements: string,
) {
  const text = yield* Effect.tryPromise({
    try: () => fs.readFile(requirements, "utf8"),
    catch: () =>
      new PythonUnusable({
        interpreter: executable,
        problem: `is to have the packages of ${requirements}, which cannot be read`,
        next: "Correct the path, or write the file: python -m pip freeze",
      }),
  });
  if (!requirements.endsWith(".txt")) return;
  const installed = new Map(packages.map(({ name, version }) => [normalName(name), version]));
  const problems = requirementsOf(text).flatMap((one) => {
    const found = installed.get(normalName(one.package));
    const fits =
      found === undefined
        ? one.conditional
        : one.version === undefined || isVersion(found, one.version);
    return fits
      ? []
      : [{ package: one.package, expected: one.version ?? null, found: found ?? null }];
  });
  if (problems.length > 0) {
    return yield* new PythonPackagesDiffer({ interpreter: executable, requirements, problems });
  }
});
