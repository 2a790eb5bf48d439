/** What the daemon does, one line each: for logs, or as JSON. */
import { type Daemon, Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { markOf, statusWord } from "./marks.ts";
import type { Style } from "./Style.ts";
import { duration, instant } from "./text.ts";

/** One line of the log, with the instant it was written. */
export const daemonLine = (event: Daemon.DaemonEvent, now: Date, style: Style): string =>
  `${style.dim(instant(now))}  ${style.bold(event.pipeline)}  ${text(event, style)}`;

const text = (event: Daemon.DaemonEvent, style: Style): string => {
  const by = event.trigger === "~approval" ? "a word at its gate" : event.trigger;
  switch (event._tag) {
    case "Next":
      return style.dim(`next at ${instant(event.at)} (${by})`);
    case "Due":
      return `due: ${event.occurrence} (${by})`;
    case "RunStarted": {
      const again = event.run.resumedAt === undefined ? "started" : "goes on";
      return `${markOf("running", style)} run ${event.run.id} ${again}`;
    }
    case "RunEnded":
      return endText(event.run, style);
    case "NotRun":
      return `${markOf("failed", style)} ${event.occurrence} (${by}) could not run, and is tried again: ${event.problem}`;
    case "LookFailed":
      return style.yellow(`! could not look (${by}), and looks again: ${event.problem}`);
  }
};

const endText = (run: Run.Run, style: Style): string => {
  const millis = (run.endedAt ?? run.startedAt).getTime() - lastStart(run).getTime();
  const line = `${markOf(run.status, style)} run ${run.id} ${statusWord(run.status, style)} in ${duration(millis)}`;
  const ended = run.stages.find(({ status, failure }) => status === run.status && failure);
  return ended?.failure === undefined
    ? line
    : `${line}: ${ended.stage}: ${ended.failure.message.replaceAll(/\s*\n\s*/g, " ")}`;
};

const lastStart = ({ startedAt, resumedAt = [] }: Run.RunSummary): Date =>
  resumedAt.at(-1) ?? startedAt;

const about = { pipeline: Schema.String, trigger: Schema.String, occurrence: Schema.String };
const { occurrence: _, ...place } = about;

/** What the daemon does, one of `daemon --json`'s lines. */
export const DaemonEventJson = Schema.Union([
  Schema.TaggedStruct("Next", { ...place, at: Schema.DateFromString }),
  Schema.TaggedStruct("Due", about),
  Schema.TaggedStruct("RunStarted", { ...about, run: Run.RunSummary }),
  Schema.TaggedStruct("RunEnded", { ...about, run: Run.RunSummary }),
  Schema.TaggedStruct("NotRun", { ...about, problem: Schema.String }),
  Schema.TaggedStruct("LookFailed", { ...place, problem: Schema.String }),
]);

/** One event as one line of JSON. */
export const daemonEventLine = (event: Daemon.DaemonEvent): string =>
  JSON.stringify(Schema.encodeSync(DaemonEventJson)(event));
