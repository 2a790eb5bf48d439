/**
 * The `ml-pipe` command: reads the command line and runs a verb. Bundled into one file, because
 * loading hundreds of small ones is what makes a Node program slow to start; so nothing here may
 * import, even indirectly, what only some verbs need (see heavy.ts).
 */
import { createRequire } from "node:module";
import * as CliConfig from "effect/cli/CliConfig";
import * as CliError from "effect/cli/CliError";
import * as CliOutput from "effect/cli/CliOutput";
import * as Command from "effect/cli/Command";
import * as GlobalFlag from "effect/cli/GlobalFlag";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { commandLine } from "./commandLine.ts";
import * as ExitCode from "./ExitCode.ts";
import { platform } from "./platform.ts";
import { presenter } from "./presenter.ts";
import * as Terminal from "./Terminal.ts";
import { Invocation } from "./Verb.ts";
import { problemText, toProblem } from "./view/problem.ts";

const terminal = Terminal.ofProcess();
const debug = process.argv.includes("--debug") || process.env["ML_PIPE_DEBUG"] === "1";
// The bundle is one long line: a stack trace is to name the sources.
if (debug) process.setSourceMapsEnabled(true);

const manifest: unknown = createRequire(import.meta.url)("../package.json");
const { version } = Schema.decodeUnknownSync(Schema.Struct({ version: Schema.String }))(manifest);

// Features that Node calls experimental are ours to worry about, not the user's.
process.removeAllListeners("warning");
process.on("warning", ({ name, message }) => {
  if (name !== "ExperimentalWarning") terminal.err(`${name}: ${message}`);
});

// `ml-pipe runs | head` ends when head does.
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  process.exit(code === "EPIPE" ? ExitCode.succeeded : ExitCode.failed);
});

/** The first Ctrl-C interrupts, the second kills. */
const interruption = new AbortController();
const interrupt = () => {
  if (interruption.signal.aborted) process.exit(ExitCode.interrupted);
  interruption.abort();
  terminal.err("\ninterrupting … (again to stop at once)");
};
process.on("SIGINT", interrupt);
process.on("SIGTERM", interrupt);

/** `--help` and `--version` end without a verb. */
let exitCode: number = ExitCode.succeeded;

/** Errors that say that something else must be asked for. */
const asked = new Set(["RunMissing", "ArtifactUnknown", "NothingBefore"]);

/** What a verb ended with becomes the exit code. */
const end = (exit: { readonly code: number } | { readonly error: unknown }) => {
  if ("code" in exit) {
    exitCode = exit.code;
    return;
  }
  const problem = toProblem(exit.error);
  terminal.err(problemText(problem, terminal.errStyle, debug));
  exitCode = asked.has(problem.tag) ? ExitCode.invalid : ExitCode.failed;
};

const context = { terminal, signal: interruption.signal, debug };
const program = Command.runWith(commandLine, { version })(process.argv.slice(2)).pipe(
  Effect.provideService(Invocation, { context, version, end }),
  Effect.provide(
    Layer.mergeAll(
      platform,
      CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] }),
      CliOutput.layerPresenter(presenter(terminal)),
    ),
  ),
);

// If everything comes to rest before a verb has ended, something was waited for in vain.
process.exitCode = ExitCode.failed;
const exit = await Effect.runPromiseExit(program);
process.off("SIGINT", interrupt);
process.off("SIGTERM", interrupt);

if (Exit.isFailure(exit)) {
  const error = Cause.squash(exit.cause);
  const isUsage = CliError.isCliError(error) && error._tag === "ShowHelp";
  if (!isUsage) end({ error });
  else if (error.errors.length > 0) exitCode = ExitCode.invalid;
}
process.exitCode = exitCode;

// Whatever a pipeline left open (a worker, a connection) does not keep the command alive.
setTimeout(() => process.exit(), 2_000).unref();
