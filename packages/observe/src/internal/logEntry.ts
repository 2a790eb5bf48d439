/** What is logged, as entries of the log that is kept with a run. */
import { type Engine, Finding, type Run, Stage } from "@ml-pipe/core";
import * as Cause from "effect/Cause";
import { formatJson } from "effect/Formatter";
import type * as Logger from "effect/Logger";
import { CurrentLogAnnotations } from "effect/References";
import * as Schema from "effect/Schema";
import type { Entry, Level } from "./Entry.ts";

/** Longer messages and causes are cut: a log is no place for data. */
const maxLength = 32_768;

const cut = (text: string): string =>
  text.length <= maxLength
    ? text
    : `${text.slice(0, maxLength)}… (${text.length - maxLength} more characters)`;

/** What a stage has logged. */
export const ofLog = ({
  message,
  logLevel,
  cause,
  fiber,
  date,
}: Logger.Options<unknown>): { readonly entry: Entry; readonly run: string | undefined } => {
  const place = fiber.getRef(Stage.CurrentRun);
  const annotations = Object.entries(fiber.getRef(CurrentLogAnnotations));
  const { span } = fiber.cache;
  const entry: Entry = {
    at: date,
    level: levels[logLevel] ?? "info",
    ...(place === undefined ? {} : { stage: place.stage }),
    message: cut((Array.isArray(message) ? message : [message]).map(textOf).join(" ")),
    ...(annotations.length === 0
      ? {}
      : { annotations: Object.fromEntries(annotations.map(([key, value]) => [key, json(value)])) }),
    ...(cause.reasons.length === 0 ? {} : { cause: cut(Cause.pretty(cause)) }),
    ...(span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }),
  };
  return { entry, run: place?.run };
};

const levels: { readonly [level: string]: Level } = {
  Trace: "trace",
  Debug: "debug",
  Info: "info",
  Warn: "warn",
  Error: "error",
  Fatal: "fatal",
};

/** Secrets print as `<redacted>`, wherever they are. */
const textOf = (value: unknown): string =>
  typeof value === "string"
    ? value
    : value instanceof Error
      ? `${value.name}: ${value.message}`
      : formatJson(value);

const json = (value: unknown): Schema.Json => {
  if (typeof value === "string") return cut(value);
  const text = formatJson(value);
  return text.length > maxLength ? cut(text) : decodeJson(text);
};

const decodeJson = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Json));

/** What the engine tells, as entries; progress is not for a log. */
export const ofEvent = (event: Engine.RunEvent, now: Date): ReadonlyArray<Entry> => {
  const entry = (level: Level, message: string, more: Partial<Entry> = {}): Entry => ({
    at: now,
    level,
    message: cut(message),
    event: event._tag,
    ...more,
  });
  switch (event._tag) {
    case "RunStarted": {
      const { run } = event;
      const again = run.resumedAt === undefined ? "started" : "goes on";
      return [entry("info", `run of ${run.pipeline} ${again} in process ${run.pid}`)];
    }
    case "StageStarted": {
      const { stage, cacheNote } = event.stage;
      return [entry("info", `started: ${cacheNote}`, { stage })];
    }
    case "StageRetried": {
      const { stage, attempt } = event;
      const { failure, delayMs } = attempt;
      const wait = words(delayMs);
      const text = `attempt failed, again in ${wait}: ${failure.tag}: ${failure.message}`;
      return [entry("warn", text, { stage })];
    }
    case "StageEnded":
      return stageEnded(event.stage).map((found) => ({ at: now, event: event._tag, ...found }));
    case "RunEnded":
      return [entry(levelOf(event.run.status), `run ${event.run.status}`)];
    case "StageProgress":
    case "HookDecided":
      return [];
  }
};

type Told = Pick<Entry, "level" | "message" | "stage"> & Partial<Entry>;

const stageEnded = (record: Run.StageRun): ReadonlyArray<Told> => {
  const { stage, status, cacheNote, failure, findings, startedAt, endedAt = startedAt } = record;
  if (status === "cached" || status === "skipped" || status === "not-reached") {
    return [{ level: "info", stage, message: `${status.replace("-", " ")}: ${cacheNote}` }];
  }
  const took = words(endedAt.getTime() - startedAt.getTime());
  const why = failure === undefined ? "" : `: ${failure.tag}: ${failure.message}`;
  return [
    ...findings.map((finding): Told => ({
      event: "Finding",
      level: severities[finding.severity],
      stage,
      // Its severity is the level.
      message: cut(Finding.toLine(finding).slice(finding.severity.length + 1)),
    })),
    { level: levelOf(status), stage, message: cut(`${status} after ${took}${why}`) },
  ];
};

const words = (millis: number): string =>
  millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(1)} s`;

const severities = { fail: "error", warn: "warn", info: "info" } as const;

const levelOf = (status: Run.StageStatus): Level =>
  status === "failed"
    ? "error"
    : status === "stopped" || status === "interrupted"
      ? "warn"
      : "info";
