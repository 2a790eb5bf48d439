/** `ml-pipe report`: the HTML report of a recorded run. */
import { spawn } from "node:child_process";
import * as path from "node:path";
import type { Holdout, Run } from "@ml-pipe/core";
import { InfoSheet, ModelCard, OnePage } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { sheetHtml, sheetMarkdown } from "../report/infoSheet.ts";
import { cardMarkdown } from "../report/modelCard.ts";
import { onePageHtml } from "../report/onePage.ts";
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

/** A file that is written for a person, made from a run and the holdout ledger. */
interface Sheet {
  /** What is printed with `--json`. */
  readonly json: Schema.Json;
  /** What is written, by the ending of its name. */
  readonly files: { readonly [ending: string]: string };
  /** What is left to say on the terminal. */
  readonly note?: string;
}

const sheet =
  (name: string, of: (run: Run.Run, looks: ReadonlyArray<Holdout.Look>) => Sheet) =>
  (options: ReportOptions, context: CommandContext): Promise<number> => {
    const { stateFolder, json } = options;
    const { terminal } = context;
    return runCommand(
      context,
      Effect.gen(function* () {
        const { run, looks } = yield* withStore(stateFolder, (store) =>
          Effect.all({ run: runIn(store, stateFolder, options.run), looks: store.holdouts.all }),
        );
        const made = of(run, looks);
        if (json) {
          terminal.out(pretty(made.json));
          return ExitCode.succeeded;
        }
        const named = options.out ?? reportFile(stateFolder, `${run.id}-${name}`);
        const target = path.resolve(named.replace(/\.(?:html|md|json)$/, ""));
        const written = Object.entries(made.files).map(
          ([ending, text]) => [`${target}.${ending}`, text] as const,
        );
        yield* Effect.forEach(written, ([file, text]) => writeWhole(file, text));
        terminal.out(written.map(([file]) => file).join("\n"));
        if (made.note !== undefined) terminal.out(made.note);
        const page = written.find(([file]) => file.endsWith(".html"))?.[0];
        if (options.open && page !== undefined) openInBrowser(page);
        return ExitCode.succeeded;
      }).pipe(Effect.catchTag("RunMissing", (error) => tellMissing(error, context))),
    );
  };

/** Writes the info sheet of a run, as HTML and as Markdown beside it; `--json` prints it instead. */
export const infoSheet = sheet("info-sheet", (run, looks) => {
  const made = InfoSheet.of(run, looks);
  const left = made.asked - made.answered;
  return {
    json: Schema.encodeSync(InfoSheet.InfoSheet)(made),
    files: { html: sheetHtml(made), md: sheetMarkdown(made) },
    note: `${made.answered} of ${made.asked} questions answered; ${left} for a person`,
  };
});

/** Writes the model card of a run, as Markdown and as JSON beside it. */
export const modelCard = sheet("model-card", (run, looks) => {
  const card = ModelCard.of(run, looks);
  const json = Schema.encodeSync(ModelCard.ModelCard)(card);
  return {
    json,
    files: { md: cardMarkdown(card), json: pretty(json) },
    note: `${card.forPerson.length} fields are left to a person`,
  };
});

/** Writes the owner's page of a run, as HTML for one sheet of A4. */
export const onePage = sheet("one-page", (run, looks) => {
  const page = OnePage.of(run, looks);
  return { json: Schema.encodeSync(OnePage.OnePage)(page), files: { html: onePageHtml(page) } };
});

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
