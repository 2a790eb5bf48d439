/** `ml-pipe report`: the HTML report of a recorded run. */
import { spawn } from "node:child_process";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { findRun, reportFile } from "../StateFolder.ts";
import { pretty } from "../view/json.ts";
import { problemText, toProblem } from "../view/problem.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";
import { renderTo } from "./writeReport.ts";

/** What `report` was asked for. */
export interface ReportOptions {
  readonly stateFolder: string;
  /** The newest run if absent. */
  readonly run: string | undefined;
  /** Default: in the state folder. */
  readonly out: string | undefined;
  readonly open: boolean;
  readonly json: boolean;
}

/** Runs the command; the result is its exit code. */
export const report = (options: ReportOptions, context: CommandContext): Promise<number> => {
  const { stateFolder, json } = options;
  const { terminal, debug } = context;
  return runCommand(
    context,
    Effect.gen(function* () {
      const run = yield* findRun(stateFolder, options.run);
      const target = path.resolve(options.out ?? reportFile(stateFolder, run.id));
      yield* renderTo(run, target);
      terminal.out(json ? pretty({ run: run.id, path: target }) : target);
      if (options.open) openInBrowser(target);
      return ExitCode.succeeded;
    }).pipe(
      Effect.catchTag("RunMissing", (error) =>
        Effect.sync(() => {
          terminal.err(problemText(toProblem(error), terminal.errStyle, debug));
          return ExitCode.invalid;
        }),
      ),
    ),
  );
};

/** Asks the desktop to show a file; nothing happens where there is none. */
const openInBrowser = (file: string): void => {
  const opener = { darwin: "open", win32: "explorer" }[String(process.platform)] ?? "xdg-open";
  spawn(opener, [file], { detached: true, stdio: "ignore" })
    .on("error", () => {})
    .unref();
};
