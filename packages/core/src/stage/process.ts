/** Stages that run a command: any program, with a contract on both sides. */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import * as ByteSize from "effect/ByteSize";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Redacted from "effect/Redacted";
import type * as Schema from "effect/Schema";
import { type ArtifactMissing, ArtifactStore, type ArtifactStoreError } from "../Artifact.ts";
import { callSites } from "../internal/callSite.ts";
import { type Child, type Ended, start } from "../internal/childProcess.ts";
import { CurrentRun } from "../internal/CurrentRun.ts";
import { directiveIn } from "../internal/directive.ts";
import { digestOf, findExecutable, pathOf, shortNames } from "../internal/executable.ts";
import { codecOf, collect, type Paths, prepare } from "../internal/exchange.ts";
import { outputsOf } from "../internal/outputs.ts";
import { eachLine } from "../internal/outputLines.ts";
import { childEnvironment, problemWithNames } from "../internal/processEnvironment.ts";
import { membersOf } from "../internal/processGroup.ts";
import { type Secrets, secretsOf } from "../internal/secretText.ts";
import {
  derive,
  type Fields,
  InputMismatch,
  make,
  type Ports,
  type Stage,
  type StageContext,
  type StageInfo,
  StageInvalid,
} from "./make.ts";
import {
  ProcessFailed,
  ProcessNotFound,
  ProcessOutOfMemory,
  ProcessOutputInvalid,
  ProcessTimedOut,
} from "./processErrors.ts";

type TypesOf<F extends Fields> = { readonly [K in keyof F]: F[K]["Type"] };

/** How each secret is had, by the name of the child's environment variable. */
interface SecretSources {
  readonly [name: string]: Effect.Effect<Redacted.Redacted<string>, unknown, unknown>;
}

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
interface Definition<I extends Fields, X extends SecretSources> {
  readonly description?: string;
  /**
   * The program and its first arguments, as they are: no shell looks at them. A program without a
   * slash is looked for on PATH. A file as `new URL("./train.py", import.meta.url)` becomes its path,
   * and its bytes are part of the cache key.
   */
  readonly command: readonly [program: string | URL, ...args: ReadonlyArray<string | URL>];
  /** More arguments, from the inputs. */
  readonly args?: (input: TypesOf<I>, paths: ProcessPaths) => ReadonlyArray<string>;
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

type Single<T> = {
  readonly output: Schema.ConstraintCodec<T, unknown>;
  readonly outputs?: never;
};
type Several<O> = { readonly outputs: O; readonly output?: never };
type Failing<X extends SecretSources> = ProcessError | Effect.Error<X[keyof X]>;
type Needing<X extends SecretSources> = ArtifactStore | Effect.Services<X[keyof X]>;

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
export const process: {
  <const I extends Fields, T, const X extends SecretSources = {}>(
    name: string,
    definition: Definition<I, X> & Single<T>,
  ): Stage<TypesOf<I>, T, {}, Failing<X>, Needing<X>>;
  <const I extends Fields, const O extends Fields, const X extends SecretSources = {}>(
    name: string,
    definition: Definition<I, X> & Several<O>,
  ): Stage<TypesOf<I>, Ports<TypesOf<O>>, {}, Failing<X>, Needing<X>>;
} = (
  name: string,
  definition: Definition<Fields, SecretSources> & (Single<unknown> | Several<Fields>),
): never => {
  const frames = callSites(process);
  const spec = specOf(name, definition);
  const { memory, resources = {}, output, outputs, ...rest } = definition;
  const { description, input, params, environment, cache, charter } = rest;
  const common = {
    input,
    resources: { ...(memory === undefined ? {} : { memory }), ...resources },
    fingerprint: fingerprintOf(name, definition),
    ...(description === undefined ? {} : { description }),
    ...(params === undefined ? {} : { params }),
    ...(environment === undefined ? {} : { environment }),
    ...(cache === undefined ? {} : { cache }),
    ...(charter === undefined ? {} : { charter }),
  };
  const run = (input: Values, context: StageContext<{}>) =>
    execute(spec, stage.info, input, context);
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

interface Values {
  readonly [port: string]: unknown;
}

/** A definition that was found to work. */
interface Spec {
  readonly definition: Definition<Fields, SecretSources>;
  readonly limitMs: number | undefined;
  readonly limitBytes: number | undefined;
  readonly graceMs: number;
  /** For people. */
  readonly command: string;
}

const specOf = (stage: string, definition: Definition<Fields, SecretSources>): Spec => {
  const { timeout, memory, grace = "5 seconds", environment = [], secrets = {} } = definition;
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
  const words = definition.command.map((word) =>
    typeof word === "string" ? basename(word) : basename(word.pathname),
  );
  return {
    definition,
    limitMs: timeout === undefined ? undefined : millis("timeout", timeout, 1),
    limitBytes: memory === undefined ? undefined : bytes(memory),
    graceMs: millis("grace", grace, 0),
    command: words.slice(0, 2).join(" "),
  };
};

/** Relative paths are of the stage's folder, if it has one. */
const folderOf = ({ cwd }: Pick<Definition<Fields, SecretSources>, "cwd">): string =>
  cwd === undefined ? globalThis.process.cwd() : pathOf(cwd, globalThis.process.cwd());

/** The bytes of the program and of the files that it reads, and its literal arguments. */
const fingerprintOf = Effect.fnUntraced(function* (
  stage: string,
  definition: Definition<Fields, SecretSources>,
) {
  const folder = folderOf(definition);
  const [program, ...args] = definition.command;
  const executable = yield* findExecutable(stage, program, folder);
  const named = [...args.filter((arg) => arg instanceof URL), ...(definition.reads ?? [])];
  const files = named.map((file) => pathOf(file, folder));
  const names = shortNames(files);
  const digests: Record<string, Schema.Json> = {};
  for (const [index, file] of files.entries()) {
    digests[names[index] ?? file] = yield* digestOf(stage, file);
  }
  return {
    program: yield* digestOf(stage, executable),
    args: args.map((arg) => (typeof arg === "string" ? arg : basename(arg.pathname))),
    files: digests,
  };
});

/** So often the memory of a group is looked at. */
const memoryPauseMs = 200;
/** So long after the end of its group a process is listened to. */
const lingerMs = 5000;
/** So much of what a process printed last is in an error. */
const keptLines = 20;
const keptCharacters = 500;

const execute = Effect.fnUntraced(function* (
  spec: Spec,
  info: StageInfo,
  input: Values,
  context: StageContext<{}>,
) {
  const { definition, command } = spec;
  // A stage goes by another name if it was renamed.
  const stage = (yield* CurrentRun)?.stage ?? info.name;
  const folder = folderOf(definition);
  const [program, ...words] = definition.command;
  const executable = yield* findExecutable(stage, program, folder);
  if (definition.cwd !== undefined && !(yield* Effect.promise(() => isFolder(folder)))) {
    return yield* new ProcessNotFound({ stage, what: "folder", path: folder, searched: folder });
  }
  const revealed = yield* Effect.all(definition.secrets ?? {});
  const values = Object.fromEntries(
    Object.entries(revealed).map(([name, secret]) => [name, Redacted.value(secret)]),
  );
  const secrets = secretsOf(values);
  const encoded: Record<string, Schema.Json> = {};
  for (const [port, schema] of Object.entries(info.inputs)) {
    encoded[port] = yield* Effect.mapError(
      codecOf(schema).encode(input[port]),
      ({ message }) => new InputMismatch({ stage, input: port, problem: message }),
    );
  }
  const private_ = yield* (yield* ArtifactStore).temporaryFolder;
  const paths = yield* prepare(private_, encoded, info.params);
  const args = words.map((word) => (typeof word === "string" ? word : pathOf(word, folder)));

  const printed = { stdout: new Array<string>(), stderr: new Array<string>() };
  const keep = (stream: "stdout" | "stderr", line: string) => {
    const lines = printed[stream];
    lines.push(shortened(line, keptCharacters));
    if (lines.length > keptLines) lines.shift();
  };
  const last = () => (printed.stderr.length > 0 ? printed.stderr : printed.stdout);
  const hear = (stream: "stdout" | "stderr") =>
    Effect.fnUntraced(function* (line: string) {
      const told = stream === "stdout" ? directiveIn(line) : undefined;
      if (told?._tag === "Progress") return yield* context.progress(told.progress);
      if (told?._tag === "Finding") return yield* context.finding(told.finding);
      keep(stream, line);
      const log =
        told === undefined
          ? Effect.logInfo(line)
          : Effect.andThen(
              Effect.logInfo(line),
              Effect.logWarning(`this line says nothing to ml-pipe: ${told.problem}`),
            );
      yield* Effect.annotateLogs(log, { stage, stream });
    });

  const run = Effect.acquireUseRelease(
    start({
      executable,
      args: [...args, ...(definition.args?.(input, paths) ?? [])],
      cwd: definition.cwd === undefined ? paths.work : folder,
      environment: { ...childEnvironment(definition.environment ?? [], paths), ...values },
    }).pipe(
      Effect.mapError(({ message }) => {
        const lines = [secrets.scrub(message)];
        return new ProcessFailed({ stage, command, exitCode: null, signal: null, lines });
      }),
    ),
    (child) => {
      const done = attend(child, spec, secrets, hear);
      const { limitBytes } = spec;
      if (limitBytes === undefined) return done;
      return Effect.raceFirst(
        done,
        Effect.flatMap(exceeding(child, limitBytes), (found) =>
          Effect.fail(new ProcessOutOfMemory({ stage, command, limitBytes, ...found })),
        ),
      );
    },
    (child) => Effect.promise(() => child.end(spec.graceMs).finally(child.close)),
  );
  const { limitMs } = spec;
  const ended = yield* limitMs === undefined
    ? run
    : Effect.timeoutOrElse(run, {
        duration: limitMs,
        orElse: () => Effect.fail(new ProcessTimedOut({ stage, command, limitMs, lines: last() })),
      });
  if (ended.exitCode !== 0) {
    return yield* new ProcessFailed({ stage, command, ...ended, lines: last() });
  }
  return yield* outputOf(stage, command, info, paths, secrets);
}, Effect.scoped);

const shortened = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

const isFolder = (folder: string): Promise<boolean> =>
  stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Hears what a process prints until it and all that it started have ended. */
const attend = Effect.fnUntraced(function* (
  child: Child,
  { graceMs }: Spec,
  secrets: Secrets,
  hear: (stream: "stdout" | "stderr") => (line: string) => Effect.Effect<void>,
): Effect.fn.Return<Ended> {
  const settled = Effect.promise(async () => {
    const ended = await child.ended;
    await child.end(graceMs);
    // Something that left the group may keep the pipes open for ever.
    setTimeout(child.close, lingerMs).unref();
    return ended;
  });
  const [ended] = yield* Effect.all(
    [
      settled,
      eachLine(child.stdout, secrets, hear("stdout")),
      eachLine(child.stderr, secrets, hear("stderr")),
    ],
    { concurrency: "unbounded" },
  );
  return ended;
});

/** Waits until a group takes more memory than it may, and kills it. */
const exceeding = (child: Child, limitBytes: number) =>
  Effect.promise(async (signal) => {
    while (true) {
      const began = performance.now();
      const members = await membersOf(child.group);
      const foundBytes = members.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
      if (foundBytes > limitBytes) {
        child.kill();
        return { foundBytes, processes: members.length };
      }
      // On a machine with very many processes a look takes its time.
      const tookMs = performance.now() - began;
      await wait(Math.max(memoryPauseMs, 20 * tookMs), undefined, { signal });
    }
  });

/** What a process handed back, as its schemas promise it, by port; a single output has the port "". */
const outputOf = Effect.fnUntraced(function* (
  stage: string,
  command: string,
  info: StageInfo,
  paths: Paths,
  secrets: Secrets,
) {
  const invalid = (problems: ProcessOutputInvalid["problems"]) =>
    new ProcessOutputInvalid({ stage, command, problems });
  const json = yield* Effect.catchTag(collect(paths, secrets), "Unusable", ({ problem }) =>
    Effect.fail(invalid([{ output: "", problem }])),
  );
  const problems: Array<ProcessOutputInvalid["problems"][number]> = [];
  const values: Record<string, unknown> = {};
  const single = "single" in info.output;
  const isRecord = typeof json === "object" && json !== null && !Array.isArray(json);
  if (!single && !isRecord) {
    return yield* invalid([{ output: "", problem: "it is no object with the outputs by name" }]);
  }
  const given = isRecord ? new Map(Object.entries(json)) : new Map<string, Schema.Json>();
  for (const [output, schema] of outputsOf(info)) {
    const part = single ? json : given.get(output);
    if (part === undefined) {
      problems.push({ output, problem: "it is missing" });
      continue;
    }
    const decoded = yield* Effect.result(codecOf(schema).decode(part));
    if (decoded._tag === "Success") values[output] = decoded.success;
    else {
      const problem = secrets.scrub(decoded.failure.message);
      problems.push({ output, problem: shortened(problem, keptCharacters * keptLines) });
    }
  }
  const known = new Set(outputsOf(info).map(([output]) => output));
  for (const output of single ? [] : given.keys()) {
    if (!known.has(output)) problems.push({ output, problem: "the stage has no such output" });
  }
  if (problems.length > 0) return yield* invalid(problems);
  return values;
});
