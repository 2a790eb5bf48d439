/** `ml-pipe report`: the HTML report of a recorded run. */
import { spawn } from "node:child_process";
import * as path from "node:path";
import { InfoSheet } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { sheetHtml, sheetMarkdown } from "../report/infoSheet.ts";
import { findRun, reportFile, runIn, type RunMissing, withStore } from "../StateFolder.ts";
import { pretty } from "../view/json.ts";
import { problemText, toProblem } from "../view/problem.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";
import { renderTo, writeWhole } from "./writeReport.ts";

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
  const { terminal } = context;
  return runCommand(
    context,
    Effect.gen(function* () {
      const run = yield* findRun(stateFolder, options.run);
      const target = path.resolve(options.out ?? reportFile(stateFolder, run.id));
      yield* renderTo(run, target);
      terminal.out(json ? pretty({ run: run.id, path: target }) : target);
      if (options.open) openInBrowser(target);
      return ExitCode.succeeded;
    }).pipe(Effect.catchTag("RunMissing", (error) => tellMissing(error, context))),
  );
};

/** Writes the info sheet of a run, as HTML and as Markdown beside it; `--json` prints it instead. */
export const infoSheet = (options: ReportOptions, context: CommandContext): Promise<number> => {
  const { stateFolder, json } = options;
  const { terminal } = context;
  return runCommand(
    context,
    Effect.gen(function* () {
      const { run, looks } = yield* withStore(stateFolder, (store) =>
        Effect.all({ run: runIn(store, stateFolder, options.run), looks: store.holdouts.all }),
      );
      const sheet = InfoSheet.of(run, looks);
      if (json) {
        terminal.out(pretty(Schema.encodeSync(InfoSheet.InfoSheet)(sheet)));
        return ExitCode.succeeded;
      }
      const named = options.out ?? reportFile(stateFolder, `${run.id}-info-sheet`);
      const target = path.resolve(named.replace(/\.(?:html|md)$/, ""));
      yield* writeWhole(`${target}.html`, sheetHtml(sheet));
      yield* writeWhole(`${target}.md`, sheetMarkdown(sheet));
      terminal.out(`${target}.html\n${target}.md`);
      const left = sheet.asked - sheet.answered;
      terminal.out(`${sheet.answered} of ${sheet.asked} questions answered; ${left} for a person`);
      if (options.open) openInBrowser(`${target}.html`);
      return ExitCode.succeeded;
    }).pipe(Effect.catchTag("RunMissing", (error) => tellMissing(error, context))),
  );
};

/** A run that is not there was asked for wrongly. */
const tellMissing = (error: RunMissing, { terminal, debug }: CommandContext) =>
  Effect.sync(() => {
    terminal.err(problemText(toProblem(error), terminal.errStyle, debug));
    return ExitCode.invalid;
  });

/** Asks the desktop to show a file; nothing happens where there is none. */
const openInBrowser = (file: string): void => {
  const opener = { darwin: "open", win32: "explorer" }[String(process.platform)] ?? "xdg-open";
  spawn(opener, [file], { detached: true, stdio: "ignore" })
    .on("error", () => {})
    .unref();
};
