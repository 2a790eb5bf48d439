/** Watching a run: a live tree on a terminal, plain lines elsewhere, or JSON. */
import { Console } from "node:console";
import type { Engine, Run } from "@ml-pipe/ml-pipe";
import type * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import type { Terminal } from "../Terminal.ts";
import { eventLine } from "../view/json.ts";
import { lineTeller } from "../view/lines.ts";
import { openScreen } from "../view/LiveScreen.ts";
import { after, nothing } from "../view/progress.ts";
import { summaryLine } from "../view/run.ts";
import { treeLines } from "../view/tree.ts";

/** Shows events as they happen. */
export interface Watch {
  readonly tell: (event: Engine.RunEvent) => void;
  /** One line that says how the run ended, where the events did not show it. */
  readonly tellSummary: (run: Run.Run) => void;
  /** Where what stages log goes: it must not get between the lines. */
  readonly logging: Layer.Layer<never>;
  readonly close: () => void;
}

/** Starts watching. */
export const openWatch = (form: "text" | "json", terminal: Terminal): Watch => {
  if (form === "json") return jsonWatch(terminal);
  return process.stdout.isTTY ? liveWatch(terminal) : lineWatch(terminal);
};

const logTo = (write: (line: string) => void): Layer.Layer<never> =>
  Logger.layer([Logger.make((entry) => write(Logger.formatLogFmt.log(entry)))]);

/** Only events on standard output: what stages print goes to standard error. */
const jsonWatch = ({ out, err }: Terminal): Watch => {
  const usual = globalThis.console;
  globalThis.console = new Console(process.stderr);
  return {
    tell: (event) => out(eventLine(event)),
    tellSummary: () => {},
    logging: logTo(err),
    close: () => {
      globalThis.console = usual;
    },
  };
};

const lineWatch = ({ out, err, style }: Terminal): Watch => {
  const lines = lineTeller(style);
  return {
    tell: (event) => {
      for (const line of lines(event, new Date())) out(line);
    },
    tellSummary: (run) => out(`\n${summaryLine(run, style, new Date())}`),
    logging: logTo(err),
    close: () => {},
  };
};

const liveWatch = ({ out, style }: Terminal): Watch => {
  let progress = nothing;
  const screen = openScreen(process.stdout, (columns) =>
    treeLines(progress, { style, columns, now: new Date() }),
  );
  return {
    tell: (event) => {
      const finished = progress.run?.endedAt !== undefined;
      // A hook started another run: the first one's tree stays above.
      if (event._tag === "RunStarted" && finished) {
        const last = treeLines(progress, { style, columns: 80, now: new Date() });
        screen.print([...last, ""]);
      }
      progress = after(progress, event);
    },
    tellSummary: (run) => out(`\n${summaryLine(run, style, new Date())}`),
    logging: logTo((line) => screen.print([line])),
    close: screen.close,
  };
};
