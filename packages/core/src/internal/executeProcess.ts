/** One execution of a stage that runs a process. */
import { stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import type * as Schema from "effect/Schema";
import { ArtifactStore } from "../Artifact.ts";
import type { Finding } from "../Finding.ts";
import { InputMismatch, type StageInfo } from "../stage/make.ts";
import { type StageContext } from "../stage/events.ts";
import {
  ProcessFailed,
  ProcessNotFound,
  ProcessOutOfMemory,
  ProcessOutputInvalid,
  ProcessTimedOut,
} from "../stage/processErrors.ts";
import { type Child, type Ended, start } from "./childProcess.ts";
import { CurrentRun } from "./CurrentRun.ts";
import { directiveIn } from "./directive.ts";
import { findExecutable, pathOf } from "./executable.ts";
import { codecOf, collect, type Paths, prepare } from "./exchange.ts";
import { eachLine } from "./outputLines.ts";
import { outputsOf } from "./outputs.ts";
import { childEnvironment, exchangeVariables } from "./processEnvironment.ts";
import { membersOf } from "./processGroup.ts";
import { type Secrets, secretsOf } from "./secretText.ts";

/** Values of inputs or outputs by name. */
export interface Values {
  readonly [port: string]: unknown;
}

/** How each secret is had, by the name of the child's environment variable. */
export interface SecretSources {
  readonly [name: string]: Effect.Effect<Redacted.Redacted<string>, unknown, unknown>;
}

/** What to run, and within which limits. */
export interface Spec {
  readonly command: readonly [program: string | URL, ...args: ReadonlyArray<string | URL>];
  readonly args: (input: Values, paths: Paths) => ReadonlyArray<string>;
  readonly environment: ReadonlyArray<string>;
  /** Variables of the child alone. */
  readonly variables: { readonly [name: string]: string };
  readonly secrets: SecretSources;
  readonly cwd: string | URL | undefined;
  readonly limitMs: number | undefined;
  readonly limitBytes: number | undefined;
  readonly graceMs: number;
  /** The command in short, for people. */
  readonly shown: string;
}

/** Relative paths are of the stage's folder, if it has one. */
export const folderOf = ({ cwd }: Pick<Spec, "cwd">): string =>
  cwd === undefined ? process.cwd() : pathOf(cwd, process.cwd());

/** So often the memory of a group is looked at. */
const memoryPauseMs = 200;
/** So long after the end of its group a process is listened to. */
const lingerMs = 5000;
/** So much of what a process printed last is in an error. */
const keptLines = 20;
const keptCharacters = 500;

/** Runs the process, and gives its outputs by port; a single one has the port "". */
export const executeProcess = Effect.fnUntraced(function* (
  spec: Spec,
  info: StageInfo,
  input: Values,
  context: StageContext<{}>,
) {
  const { shown: command } = spec;
  // A stage goes by another name if it was renamed.
  const stage = (yield* CurrentRun)?.stage ?? info.name;
  const folder = folderOf(spec);
  const [program, ...words] = spec.command;
  const executable = yield* findExecutable(stage, program, folder);
  if (spec.cwd !== undefined && !(yield* Effect.promise(() => isFolder(folder)))) {
    return yield* new ProcessNotFound({ stage, what: "folder", path: folder, searched: folder });
  }
  const revealed = yield* Effect.all(spec.secrets);
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
      args: [...args, ...spec.args(input, paths)],
      cwd: spec.cwd === undefined ? paths.work : folder,
      environment: {
        ...childEnvironment(spec.environment),
        ...spec.variables,
        ...exchangeVariables(paths),
        ...values,
      },
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
      if (process.platform === "win32") return Effect.andThen(context.finding(notLimited), done);
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

/** A limit that nobody watches is no limit. */
const notLimited: Finding = {
  check: "process.memory",
  severity: "warn",
  expected: "a limit to its memory",
  found: "that memory cannot be limited on Windows",
  next: "Watch it, or run this stage elsewhere.",
};

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
