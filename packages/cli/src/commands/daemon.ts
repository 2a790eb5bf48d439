/** `ml-pipe daemon`: runs pipelines when their triggers are due. */
import * as path from "node:path";
import { Daemon, Engine, Local, Observer, Trigger } from "@ml-pipe/ml-pipe";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import * as ExitCode from "../ExitCode.ts";
import * as CodeOf from "../pipeline/codeOf.ts";
import { charterWarnings } from "../pipeline/contracts.ts";
import type { Runnable } from "../pipeline/loadPipeline.ts";
import { startedBy } from "../pipeline/startedBy.ts";
import type { Terminal } from "../Terminal.ts";
import { capture } from "../view/capture.ts";
import { daemonEventLine, daemonLine } from "../view/daemon.ts";
import { instant, shortPath } from "../view/text.ts";
import { triggerText } from "../view/trigger.ts";
import { problemJson, tellProblems } from "./check.ts";
import { prepare } from "./prepare.ts";
import { type CommandContext, runCommand, tellCause } from "./runCommand.ts";
import { writeReport } from "./writeReport.ts";

/** What `daemon` was asked for. */
export interface DaemonOptions {
  readonly files: ReadonlyArray<string>;
  readonly stateFolder: string;
  readonly types: boolean;
  readonly once: boolean;
  readonly dry: boolean;
  readonly startedBy: string | undefined;
  readonly json: boolean;
}

interface Watched {
  readonly pipeline: Runnable;
  readonly file: string;
}

/** Runs the command until it is told to stop; the result is its exit code. */
export const daemon = (options: DaemonOptions, context: CommandContext): Promise<number> => {
  const codeOf = CodeOf.make(options.stateFolder);
  const load = Effect.gen(function* () {
    const watched: Array<Watched> = [];
    for (const file of options.files) {
      const loaded = yield* loadOne(file, codeOf, options, context);
      if (loaded === undefined) return ExitCode.invalid;
      watched.push(loaded);
    }
    const twice = sameName(watched);
    if (twice !== undefined) {
      const { err, errStyle } = context.terminal;
      err(`${errStyle.red("✗")} ${twice}. Give one of the pipelines another name.`);
      return ExitCode.invalid;
    }
    if (options.dry) {
      for (const line of dryLines(watched, new Date(), options.json)) context.terminal.out(line);
      return ExitCode.succeeded;
    }
    tellWatched(watched, options, context);
    return () => watch(watched, codeOf, options, context);
  });
  return runCommand(context, load);
};

/** Checks a pipeline, and reads the code of its stages now: that is what runs until the daemon ends. */
const loadOne = (
  file: string,
  codeOf: CodeOf.CodeOf,
  { json, ...options }: DaemonOptions,
  context: CommandContext,
) =>
  prepare({ ...options, file, writes: !options.dry }, (pipeline) =>
    Effect.forEach(pipeline.nodes, codeOf, { concurrency: "unbounded", discard: true }),
  ).pipe(
    Effect.map(({ pipeline }): Watched | undefined => ({ pipeline, file: path.resolve(file) })),
    Effect.catchTag("NotValid", ({ problems }) =>
      Effect.sync((): Watched | undefined => {
        const told = { _tag: "Refused", problems: problems.map(problemJson) };
        if (json) context.terminal.out(JSON.stringify(told));
        tellProblems(problems, file, context);
        return undefined;
      }),
    ),
  );

const sameName = (watched: ReadonlyArray<Watched>): string | undefined => {
  const files = new Map<string, string>();
  for (const { pipeline, file } of watched) {
    const other = files.get(pipeline.name);
    if (other !== undefined) {
      return `${shortPath(other)} and ${shortPath(file)} are both called "${pipeline.name}"`;
    }
    files.set(pipeline.name, file);
  }
  return undefined;
};

/** How many instants of a calendar are shown. */
const shown = 3;

const dryLines = (
  watched: ReadonlyArray<Watched>,
  now: Date,
  json: boolean,
): ReadonlyArray<string> =>
  watched.flatMap(({ pipeline, file }) => {
    const triggers = pipeline.triggers.map(({ spec }) => {
      const next: Array<Date> = [];
      for (let at = Trigger.next(spec, now); at !== undefined && next.length < shown;) {
        next.push(at);
        at = Trigger.next(spec, at);
      }
      return { spec, next };
    });
    if (json) return [JSON.stringify({ pipeline: pipeline.name, file, triggers })];
    return [
      `${pipeline.name} (${shortPath(file)})`,
      ...triggers.flatMap(({ spec, next }) => [
        `  ${spec.name}: ${triggerText(spec)}`,
        ...next.map((at) => `    ${instant(at)}`),
      ]),
    ];
  });

const tellWatched = (
  watched: ReadonlyArray<Watched>,
  { json }: DaemonOptions,
  { terminal: { out, err, errStyle } }: CommandContext,
): void => {
  for (const { pipeline, file } of watched) {
    const idle = `${pipeline.name} has no triggers: it only goes on with runs that somebody approved`;
    const warnings = [
      ...charterWarnings(pipeline, new Date()),
      ...(pipeline.triggers.length === 0 ? [idle] : []),
    ];
    for (const warning of warnings) err(errStyle.yellow(`! ${warning}`));
    if (json) continue;
    const names = pipeline.triggers.map(({ spec }) => spec.name).join(", ");
    out(`watches ${pipeline.name} (${shortPath(file)})${names === "" ? "" : `: ${names}`}`);
  }
};

/** Watches until it is told to stop; that is a success. */
const watch = async (
  watched: ReadonlyArray<Watched>,
  codeOf: CodeOf.CodeOf,
  options: DaemonOptions,
  context: CommandContext,
): Promise<number> => {
  const { stateFolder, json, once } = options;
  const { terminal } = context;
  // What stages print does not get between the events.
  const stdout = json ? capture(process.stdout, terminal.err) : undefined;
  const onEvent = (event: Daemon.DaemonEvent, { pipeline }: Watched) => {
    if (stdout === undefined) terminal.out(daemonLine(event, new Date(), terminal.style));
    else stdout.write(`${daemonEventLine(event)}\n`);
    if (event._tag === "RunEnded") return writeReport(event.run, stateFolder, context);
    if (event._tag !== "RunStarted") return Effect.void;
    return Effect.map(changedCode(pipeline, codeOf), (changed) => {
      if (changed.length === 0) return;
      const note = `${pipeline.name}: ${changed.join(", ")} changed since the daemon read it, and this run uses what it was. Start the daemon again to use the change.`;
      terminal.err(terminal.errStyle.yellow(`! ${note}`));
    });
  };
  const stops = takeSignals(terminal);
  const one = (watched: Watched) =>
    Effect.gen(function* () {
      const { pipeline, file } = watched;
      const observer = yield* Observer.Observer;
      yield* Daemon.run({
        pipelines: [{ pipeline, file }],
        once,
        stop: stops.first,
        startedBy: startedBy(options.startedBy, file),
        onEvent: (event) => onEvent(event, watched),
        onRunEvent: observer.onEvent,
      });
    }).pipe(
      // Each has its own, because an event does not say which run it is about.
      Effect.provide(Layer.fresh(Observer.layer(stateFolder))),
    );
  const all = Effect.forEach(watched, one, { concurrency: "unbounded", discard: true });
  const exit = await Effect.runPromiseExit(
    all.pipe(
      Effect.provideService(Engine.CodeOf, codeOf),
      Effect.provide(
        Logger.layer([Logger.make((entry) => terminal.err(Logger.formatLogFmt.log(entry)))]),
      ),
      Effect.provide(Local.layer(stateFolder)),
    ),
    { signal: stops.second },
  );
  stops.release();
  stdout?.release();
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return ExitCode.succeeded;
  tellCause(exit.cause, context);
  return ExitCode.failed;
};

/** Files and packages of a pipeline's stages that are not what they were when the daemon read them. */
const changedCode = Effect.fnUntraced(function* (pipeline: Runnable, codeOf: CodeOf.CodeOf) {
  const codeNow = CodeOf.make();
  const changed = new Set<string>();
  for (const node of pipeline.nodes) {
    const [was, is] = [yield* codeOf(node), yield* codeNow(node)];
    if (was._tag === "Unknown") continue;
    const parts = is._tag === "Unknown" ? {} : is.parts;
    for (const file of new Set([...Object.keys(was.parts), ...Object.keys(parts)])) {
      if (was.parts[file] !== parts[file]) changed.add(file);
    }
  }
  return [...changed].toSorted();
});

/**
 * Ctrl-C and the system's request to end, as long as the daemon watches: the first lets it finish, the
 * second interrupts its runs, the third ends the process at once.
 */
const takeSignals = ({ err }: Terminal) => {
  const names = ["SIGINT", "SIGTERM"] as const;
  const before = names.map((name) => process.listeners(name));
  const second = new AbortController();
  const first = Promise.withResolvers<void>();
  let count = 0;
  const onSignal = () => {
    count++;
    if (count === 1) {
      err("\nstopping when the current run has ended … (again to interrupt it)");
      first.resolve();
    } else if (count === 2) {
      err("\ninterrupting … (again to stop at once)");
      second.abort();
    } else process.exit(ExitCode.interrupted);
  };
  for (const name of names) {
    process.removeAllListeners(name);
    process.on(name, onSignal);
  }
  return {
    first: Effect.promise(() => first.promise),
    second: second.signal,
    release: () => {
      for (const [index, name] of names.entries()) {
        process.off(name, onSignal);
        for (const listener of before[index] ?? []) process.on(name, listener);
      }
    },
  };
};
