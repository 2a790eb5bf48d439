/** One execution of a stage in a worker thread. */
import { basename } from "node:path";
import { Worker } from "node:worker_threads";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Queue from "effect/Queue";
import * as Schema from "effect/Schema";
import { Finding } from "../Finding.ts";
import { type Fields, InputMismatch, type StageInfo } from "../stage/make.ts";
import { type StageContext } from "../stage/events.ts";
import { WorkerFailed, WorkerOutOfMemory, WorkerOutputInvalid } from "../stage/workerErrors.ts";
import { notCrossable } from "./crossable.ts";
import { CurrentRun } from "./CurrentRun.ts";
import { ProgressTold } from "./directive.ts";
import type { Values } from "./executeProcess.ts";
import { eachLine } from "./outputLines.ts";
import { outputsOf } from "./outputs.ts";
import { secretsOf } from "./secretText.ts";
import { failureOfThrown, type WorkerMessage, type WorkerTask } from "./workerMessages.ts";

const entry = new URL(
  import.meta.url.endsWith(".ts") ? "./workerEntry.ts" : "./workerEntry.js",
  import.meta.url,
);

/** What happens to a thread. */
type Happening =
  | WorkerMessage
  | { readonly _tag: "Thrown"; readonly error: unknown }
  | { readonly _tag: "Ended"; readonly exitCode: number };

const secrets = secretsOf({});
const progressOf = Schema.decodeUnknownEffect(ProgressTold);
const findingOf = Schema.decodeUnknownEffect(Finding);

/** Runs the module, and gives its outputs by port; a single one has the port "". */
export const executeWorker = Effect.fnUntraced(function* (
  spec: { readonly url: URL; readonly limitBytes: number | undefined },
  info: StageInfo,
  input: Values,
  context: StageContext<{}>,
) {
  const stage = (yield* CurrentRun)?.stage ?? info.name;
  const module = basename(spec.url.pathname);
  for (const [port, value] of Object.entries(input)) {
    const found = notCrossable(value);
    if (found === undefined) continue;
    const problem = `${found} does not survive the way to a thread: only plain data does`;
    return yield* new InputMismatch({ stage, input: port, problem });
  }
  const happenings = yield* Queue.unbounded<Happening>();
  const failed = (thrown: unknown) => {
    const { name: error, problem, calls } = failureOfThrown(thrown);
    return new WorkerFailed({ stage, module, error, problem, calls });
  };

  const answer = Effect.gen(function* () {
    while (true) {
      const happening = yield* Queue.take(happenings);
      switch (happening._tag) {
        case "Progress":
          yield* told(progressOf(happening.progress), context.progress);
          break;
        case "Finding":
          yield* told(findingOf(happening.finding), context.finding);
          break;
        case "Done":
          return happening.output;
        case "Failed": {
          const { name: error, problem, calls } = happening.failure;
          return yield* new WorkerFailed({ stage, module, error, problem, calls });
        }
        case "Thrown": {
          const { limitBytes = null } = spec;
          if (codeOf(happening.error) === "ERR_WORKER_OUT_OF_MEMORY") {
            return yield* new WorkerOutOfMemory({ stage, module, limitBytes });
          }
          return yield* failed(happening.error);
        }
        case "Ended":
          return yield* failed(new Error(`it ended with exit code ${happening.exitCode}`));
      }
    }
  });
  const told = <A>(
    decoded: Effect.Effect<A, Schema.SchemaError>,
    use: (value: A) => Effect.Effect<void>,
  ) =>
    Effect.matchEffect(decoded, {
      onFailure: ({ message }) => log("stdout", `what it told is not valid: ${message}`),
      onSuccess: use,
    });
  const log = (stream: "stdout" | "stderr", line: string) =>
    Effect.annotateLogs(Effect.logInfo(line), { stage, stream });

  const exit = yield* Effect.acquireUseRelease(
    Effect.try({
      try: () => startThread(spec, stage, { input, params: info.params }, happenings),
      catch: failed,
    }),
    (worker) =>
      Effect.map(
        Effect.all(
          [
            Effect.exit(answer).pipe(Effect.tap(Effect.promise(() => worker.terminate()))),
            eachLine(worker.stdout, secrets, (line) => log("stdout", line)),
            eachLine(worker.stderr, secrets, (line) => log("stderr", line)),
          ],
          { concurrency: "unbounded" },
        ),
        ([exit]) => exit,
      ),
    (worker) => Effect.promise(() => worker.terminate()),
  );
  if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause);
  const { values, problems } = yield* checked(info, exit.value);
  if (problems.length > 0) return yield* new WorkerOutputInvalid({ stage, module, problems });
  return values;
});

const startThread = (
  { url, limitBytes }: { readonly url: URL; readonly limitBytes: number | undefined },
  stage: string,
  given: Pick<WorkerTask, "input" | "params">,
  happenings: Queue.Queue<Happening>,
): Worker => {
  const task: WorkerTask = { module: url.href, ...given };
  const worker = new Worker(entry, {
    workerData: task,
    name: `ml-pipe ${stage}`,
    stdout: true,
    stderr: true,
    ...(limitBytes === undefined
      ? {}
      : { resourceLimits: { maxOldGenerationSizeMb: Math.max(1, limitBytes / 2 ** 20) } }),
  });
  const tell = (happening: Happening) => void Queue.offerUnsafe(happenings, happening);
  worker.on("message", tell);
  worker.on("messageerror", (error) => tell({ _tag: "Thrown", error }));
  worker.on("error", (error) => tell({ _tag: "Thrown", error }));
  worker.on("exit", (exitCode) => tell({ _tag: "Ended", exitCode }));
  return worker;
};

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

/** The outputs that fit their schemas, and what is wrong with the others. */
const checked = Effect.fnUntraced(function* (info: StageInfo, returned: unknown) {
  const single = "single" in info.output;
  const values: Record<string, unknown> = {};
  const problems: Array<WorkerOutputInvalid["problems"][number]> = [];
  for (const [output, schema] of outputsOf(info)) {
    const value: unknown = single ? returned : Object(returned)[output];
    const decoded = yield* Effect.result(typeCheck(schema)(value));
    if (decoded._tag === "Success") values[output] = decoded.success;
    else problems.push({ output, problem: decoded.failure.message.slice(0, 10_000) });
  }
  return { values, problems };
});

const typeCheck = (schema: Fields[string]) =>
  Schema.decodeUnknownEffect(Schema.toType(schema), { errors: "all", reportInput: true });
