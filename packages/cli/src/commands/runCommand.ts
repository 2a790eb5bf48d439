/** How every heavy command runs: errors become text and an exit code; Ctrl-C interrupts it. */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as ExitCode from "../ExitCode.ts";
import type { Terminal } from "../Terminal.ts";
import { type Problem, problemText, toProblem } from "../view/problem.ts";

/** What a command gets from the one who calls it. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Show stack traces. */
  readonly debug: boolean;
}

/**
 * Runs a command to its exit code, or to what is to be done afterwards, which handles Ctrl-C by itself.
 * Nothing is thrown.
 */
export const runCommand = async (
  context: CommandContext,
  command: Effect.Effect<number | (() => Promise<number>), unknown>,
): Promise<number> => {
  const exit = await Effect.runPromiseExit(command, { signal: context.signal });
  if (Exit.isSuccess(exit)) return typeof exit.value === "number" ? exit.value : exit.value();
  if (Cause.hasInterruptsOnly(exit.cause)) return ExitCode.interrupted;
  tellCause(exit.cause, context);
  return exitCodeOf(exit.cause);
};

/** The exit code of what failed: something broke, or something else must be asked for. */
export const exitCodeOf = (cause: Cause.Cause<unknown>): number =>
  problemsOf(cause).every(({ tag }) => asked.has(tag)) ? ExitCode.invalid : ExitCode.failed;

/** Errors that say that something else must be asked for. */
const asked = new Set([
  "ReleaseNotFound",
  "NotAModel",
  "ProjectExists",
  "RunMissing",
  "NothingToResume",
  "RunFileMissing",
  "RunNotResumable",
  "ApprovalRefused",
  "InputNotRead",
  "ContractUnknown",
  "AcceptUnreadable",
  "LookupUnknown",
  "LookupTwice",
  "RowsMissing",
  "RowsUnreadable",
  "NotAsked",
  "ReasonMissing",
  "DocumentUnreadable",
  "NotDrafted",
  "NotMaterialised",
  "FileExists",
]);

/** Writes the errors of a cause. */
export const tellCause = (
  cause: Cause.Cause<unknown>,
  { terminal, debug }: CommandContext,
): void => {
  for (const problem of problemsOf(cause)) {
    terminal.err(problemText(problem, terminal.errStyle, debug));
  }
};

/** Every error of a cause; what nobody expected says so. */
export const problemsOf = (cause: Cause.Cause<unknown>): ReadonlyArray<Problem> =>
  cause.reasons.flatMap((reason): ReadonlyArray<Problem> => {
    if (Cause.isFailReason(reason)) return [toProblem(reason.error)];
    if (!Cause.isDieReason(reason)) return [];
    const problem = toProblem(reason.defect);
    return [{ ...problem, message: `${problem.message} (unexpected: --debug shows where)` }];
  });
