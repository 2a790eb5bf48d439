/** Watching a run: a live tree on a terminal, plain lines elsewhere, or JSON. */
import type { Engine, Run } from "@ml-pipe/ml-pipe";
import type * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import { isLive, type Terminal } from "../Terminal.ts";
import { capture } from "../view/capture.ts";
import { eventLine } from "../view/events.ts";
import { lineTeller } from "../view/lines.ts";
import { type LiveScreen, openScreen } from "../view/LiveScreen.ts";
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
  return isLive() ? liveWatch(terminal) : lineWatch(terminal);
};

const logTo = (write: (line: string) => void): Layer.Layer<never> =>
  Logger.layer([Logger.make((entry) => write(Logger.formatLogFmt.log(entry)))]);

/** Only events on standard output: what stages print goes to standard error. */
const jsonWatch = ({ err }: Terminal): Watch => {
  const stdout = capture(process.stdout, err);
  return {
    tell: (event) => stdout.write(`${eventLine(event)}\n`),
    tellSummary: () => {},
    logging: logTo(err),
    close: stdout.release,
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

/** A tree that is drawn in place; what anybody prints meanwhile stands above it. */
const liveWatch = ({ out, style }: Terminal): Watch => {
  let progress = nothing;
  const print = (line: string) => screen.print([line]);
  const stdout = capture(process.stdout, print);
  const stderr = process.stderr.isTTY ? capture(process.stderr, print) : undefined;
  const release = () => {
    stdout.release();
    stderr?.release();
  };
  // Before the screen's own: what has no end of line yet is said too.
  process.once("exit", release);
  const screen = openScreen(
    {
      write: stdout.write,
      get columns() {
        return process.stdout.columns;
      },
      get rows() {
        return process.stdout.rows;
      },
    },
    (size) => treeLines(progress, { style, ...size, now: new Date() }),
  );
  process.stdout.on("resize", screen.resized);
  const unhook = onJobControl(screen);
  return {
    tell: (event) => {
      const finished = progress.run?.endedAt !== undefined;
      // A hook started another run: the first one's tree stays above.
      if (event._tag === "RunStarted" && finished) {
        const columns = Math.min(process.stdout.columns || 80, 100);
        screen.print([...treeLines(progress, { style, columns, rows: 100, now: new Date() }), ""]);
      }
      progress = after(progress, event);
    },
    tellSummary: (run) => out(`\n${summaryLine(run, style, new Date())}`),
    logging: logTo(print),
    close: () => {
      unhook();
      process.stdout.removeListener("resize", screen.resized);
      process.removeListener("exit", release);
      release();
      screen.close();
    },
  };
};

/** Gives the cursor back while the process is stopped with Ctrl-Z, and before Ctrl-\ ends it. */
const onJobControl = (screen: LiveScreen): (() => void) => {
  if (process.platform === "win32") return () => {};
  const stop = () => {
    screen.pause();
    process.kill(process.pid, "SIGSTOP");
  };
  const quit = () => {
    screen.pause();
    process.removeListener("SIGQUIT", quit);
    process.kill(process.pid, "SIGQUIT");
  };
  const hooks = [
    ["SIGTSTP", stop],
    ["SIGCONT", screen.resume],
    ["SIGQUIT", quit],
  ] as const;
  for (const [signal, hook] of hooks) process.on(signal, hook);
  return () => {
    for (const [signal, hook] of hooks) process.removeListener(signal, hook);
  };
};
