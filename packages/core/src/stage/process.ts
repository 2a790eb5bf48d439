/** Stages that run a command: any program, with a contract on both sides. */
import { basename } from "node:path";
import * as ByteSize from "effect/ByteSize";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type * as Schema from "effect/Schema";
import type { ArtifactMissing, ArtifactStore, ArtifactStoreError } from "../Artifact.ts";
import { callSites } from "../internal/callSite.ts";
import { digestOf, findExecutable, pathOf, shortNames } from "../internal/executable.ts";
import type { Paths } from "../internal/exchange.ts";
import {
  executeProcess,
  folderOf,
  type SecretSources,
  type Spec,
  type Values,
} from "../internal/executeProcess.ts";
import type { OutOf, OutputSide, TypesOf } from "../internal/outputSide.ts";
import { problemWithNames } from "../internal/processEnvironment.ts";
import { derive, type Fields, make, type Stage, type StageInfo, StageInvalid } from "./make.ts";
import { type StageContext } from "./events.ts";
import {
  ProcessFailed,
  type ProcessNotFound,
  type ProcessOutOfMemory,
  type ProcessOutputInvalid,
  type ProcessTimedOut,
} from "./processErrors.ts";

/** What a stage that runs a process can fail with, beside what its secrets can. */
export type ProcessError =
  | ProcessFailed
  | ProcessTimedOut
  | ProcessOutOfMemory
  | ProcessNotFound
  | ProcessOutputInvalid
  | ArtifactMissing
  | ArtifactStoreError;

/** The files of one execution, as `args` gets them: {@link process} says what they are. */
export type ProcessPaths = Paths;

/** What the author of a process stage writes, beside its outputs. */
export interface Definition<I extends Fields, X extends SecretSources> {
  readonly description?: string;
  /**
   * The program and its first arguments, as they are: no shell looks at them. A program without a
   * slash is looked for on PATH. A file as `new URL("./train.py", import.meta.url)` becomes its path,
   * and its bytes are part of the cache key.
   */
  readonly command: readonly [program: string | URL, ...args: ReadonlyArray<string | URL>];
  /** More arguments, from the inputs. */
  args?(input: TypesOf<I>, paths: ProcessPaths): ReadonlyArray<string>;
  readonly input: I;
  readonly params?: Schema.Json;
  /** Variables of this process that the child sees too; their values are part of the cache key. */
  readonly environment?: ReadonlyArray<string>;
  /** Variables for the child alone, such as `{ API_KEY: Config.Redacted("API_KEY") }`. */
  readonly secrets?: X;
  /** Files that the program reads: a script, a lock file. Their bytes are part of the cache key. */
  readonly reads?: ReadonlyArray<string | URL>;
  /** Default: an empty folder that is removed afterwards. */
  readonly cwd?: string | URL;
  readonly timeout?: Duration.Input;
  /** Resident memory of all its processes together; above it they are killed. */
  readonly memory?: ByteSize.Input;
  /** How long its processes have to end when they are asked to. Default: 5 seconds. */
  readonly grace?: Duration.Input;
  /** Default: one core, and the memory of `memory`. */
  readonly resources?: { readonly cores?: number | "all"; readonly memory?: ByteSize.Input };
  readonly cache?: "content" | "never";
  /** The charter the stage was built for; a pipeline with another one refuses it. */
  readonly charter?: { readonly digest: string };
}

/** What a stage with these secrets can fail with. */
export type Failing<X extends SecretSources> = ProcessError | Effect.Error<X[keyof X]>;
/** What a stage with these secrets needs. */
export type Needing<X extends SecretSources> = ArtifactStore | Effect.Services<X[keyof X]>;

/**
 * A stage that runs a command in a process group of its own.
 *
 * The command is told in environment variables where its files are: `ML_PIPE_INPUT` (the inputs by
 * name, as JSON; artifacts among them have a `path`), `ML_PIPE_PARAMS`, `ML_PIPE_OUTPUT` (where it
 * writes its output as JSON) and `ML_PIPE_ARTIFACTS` (a folder: the output refers to a file in it as
 * `{ "artifact": "model.onnx", "mediaType": "application/onnx" }`). It sees nothing else of this
 * process's environment than PATH, HOME, LANG, TMPDIR, and what is declared.
 *
 * What it prints is logged line by line. A line `::ml-pipe progress {"label": "…", "share": 0.5}` or
 * `::ml-pipe finding {…}` on stdout is progress or a finding. Interruption, `timeout`, `memory` and the
 * death of this process end all its processes.
 *
 * @example
 * ```ts
 * import { Artifact, Stage } from "@ml-pipe/core";
 * import * as Config from "effect/Config";
 * import * as Schema from "effect/Schema";
 *
 * const train = Stage.process("train", {
 *   command: ["python3", new URL("./train.py", import.meta.url), "--trees", "100"],
 *   reads: [new URL("./requirements.lock", import.meta.url)],
 *   input: { table: Artifact.Artifact },
 *   outputs: { model: Artifact.Artifact, auc: Schema.Finite },
 *   secrets: { HUB_TOKEN: Config.Redacted("HUB_TOKEN") },
 *   timeout: "2 hours",
 *   memory: "8 GiB",
 * });
 * ```
 */
export const process: <
  const I extends Fields,
  T = never,
  const O extends Fields = never,
  const X extends SecretSources = {},
>(
  name: string,
  definition: Definition<I, X> & OutputSide<T, O>,
) => Stage<TypesOf<I>, OutOf<T, O>, {}, Failing<X>, Needing<X>> = (
  name: string,
  definition: AnyDefinition & OutputSide<unknown, Fields>,
): never => {
  return processStage(name, definition, callSites(process));
};

/** What a stage for one kind of program adds to a process. */
export interface Extension {
  /** Part of the cache key. */
  readonly identity: Effect.Effect<Schema.Json, unknown>;
  /** Looks before the process starts whether it can, and gives variables for it alone. */
  readonly prepare: Effect.Effect<{ readonly [name: string]: string }, unknown>;
  /** What an error of the process is called where more is known of the program. */
  readonly named: (error: ProcessFailed) => { readonly _tag: string };
}

/** A stage that runs a command, and what is done around it. Typed by the function that authors call. */
export const processStage = (
  name: string,
  definition: AnyDefinition & OutputSide<unknown, Fields>,
  frames: ReturnType<typeof callSites>,
  extension?: Extension,
): never => {
  const spec = specOf(name, definition);
  const { description, input, params, environment, memory, resources = {} } = definition;
  const { cache, charter, output, outputs } = definition;
  const own = fingerprintOf(name, definition);
  const common = {
    input,
    resources: { ...(memory === undefined ? {} : { memory }), ...resources },
    fingerprint:
      extension === undefined
        ? own
        : Effect.map(Effect.all([extension.identity, own]), ([program, rest]) => ({
            ...rest,
            program,
          })),
    ...(description === undefined ? {} : { description }),
    ...(params === undefined ? {} : { params }),
    ...(environment === undefined ? {} : { environment }),
    ...(cache === undefined ? {} : { cache }),
    ...(charter === undefined ? {} : { charter }),
  };
  const run = Effect.fnUntraced(function* (input: Values, context: StageContext<{}>) {
    const variables = extension === undefined ? {} : yield* extension.prepare;
    const process = executeProcess({ ...spec, variables }, stage.info, input, context);
    return yield* Effect.mapError(process, (error) =>
      extension !== undefined && error instanceof ProcessFailed ? extension.named(error) : error,
    );
  });
  const stage: { readonly info: StageInfo } =
    outputs === undefined
      ? make(name, {
          ...common,
          output,
          run: (input, context) => Effect.map(run(input, context), (values) => values[""]),
        })
      : make(name, { ...common, outputs, run });
  return derive(stage, { info: () => ({ definedAt: frames[0], frames }) });
};

/** A definition with its types forgotten. */
export type AnyDefinition = Definition<Fields, SecretSources>;

const specOf = (stage: string, definition: AnyDefinition): Omit<Spec, "variables"> => {
  const { command, args = () => [], cwd, environment = [], secrets = {} } = definition;
  const { timeout, memory, grace = "5 seconds" } = definition;
  const invalid = (problem: string, next: string) => new StageInvalid({ stage, problem, next });
  const millis = (what: string, input: Duration.Input, least: number) => {
    const duration = Option.map(Duration.fromInput(input), Duration.toMillis);
    if (Option.isSome(duration) && duration.value >= least) return duration.value;
    throw invalid(`its ${what} is no time`, 'Give a duration such as "10 minutes"');
  };
  const bytes = (input: ByteSize.Input) => {
    const size = Option.flatMap(ByteSize.fromInput(input), ByteSize.toNumber);
    if (Option.isSome(size) && size.value > 0) return size.value;
    throw invalid("its memory is no size", 'Give a size such as "2 GiB"');
  };
  const problem = problemWithNames(environment, Object.keys(secrets));
  if (problem !== undefined) throw invalid(problem.problem, problem.next);
  const shown = command.slice(0, 2).map((word) => shortName(word).slice(0, 60));
  return {
    command,
    args,
    environment,
    secrets,
    cwd,
    limitMs: timeout === undefined ? undefined : millis("timeout", timeout, 1),
    limitBytes: memory === undefined ? undefined : bytes(memory),
    graceMs: millis("grace", grace, 0),
    shown: shown.join(" "),
  };
};

const shortName = (word: string | URL): string =>
  basename(typeof word === "string" ? word : decodeURIComponent(word.pathname));

/** The bytes of the program and of the files that it reads, and its literal arguments. */
const fingerprintOf = Effect.fnUntraced(function* (
  stage: string,
  { command, cwd, reads = [] }: AnyDefinition,
) {
  const folder = folderOf({ cwd });
  const [program, ...args] = command;
  const executable = yield* findExecutable(stage, program, folder);
  const named = [...args.filter((arg) => arg instanceof URL), ...reads];
  const files = named.map((file) => pathOf(file, folder));
  const names = shortNames(files);
  const digests: Record<string, Schema.Json> = {};
  for (const [index, file] of files.entries()) {
    digests[names[index] ?? file] = yield* digestOf(stage, file);
  }
  return {
    program: yield* digestOf(stage, executable),
    args: args.map((arg) => (typeof arg === "string" ? arg : shortName(arg))),
    files: digests,
  };
});
