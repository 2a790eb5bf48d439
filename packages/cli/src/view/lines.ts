/** A run as plain lines, for logs and pipes: one for each thing that happened. */
import type { Engine, Run } from "@ml-pipe/core";
import { markOf } from "./marks.ts";
import type { Style } from "./Style.ts";
import { countFindings, findingsText } from "./progress.ts";
import { causeText, retryText } from "./words.ts";
import { duration, plural } from "./text.ts";

/** Progress of one stage is told at most this often. */
const everyMillis = 5_000;

/** Turns events into lines. Keeps the time of the last progress of each stage. */
export const lineTeller = (
  style: Style,
): ((event: Engine.RunEvent, now: Date) => ReadonlyArray<string>) => {
  const told = new Map<string, number>();
  return (event, now) => {
    switch (event._tag) {
      case "RunStarted": {
        told.clear();
        const cause = causeText(event.run);
        const why = cause === "" ? "" : ` (${cause})`;
        return [`${event.run.pipeline}  run ${event.run.id}${why}`];
      }
      case "StageStarted":
        told.set(event.stage.stage, now.getTime());
        return [
          `${markOf("running", style)} ${event.stage.stage}  started: ${event.stage.cacheNote}`,
        ];
      case "StageRetried":
        return [`${markOf("running", style)} ${event.stage}  ${retryText(event.attempt)}`];
      case "StageProgress": {
        const { label, share } = event.progress;
        if (now.getTime() - (told.get(event.stage) ?? 0) < everyMillis) return [];
        told.set(event.stage, now.getTime());
        const percent = share === undefined ? "" : ` (${Math.round(share * 100)} %)`;
        return [`${markOf("running", style)} ${event.stage}  ${label}${percent}`];
      }
      case "StageEnded":
        return endLines(event.stage, style);
      case "HookDecided":
      case "RunEnded":
        return [];
    }
  };
};

const endLines = (stage: Run.StageRun, style: Style): ReadonlyArray<string> => {
  const { status, startedAt, endedAt = startedAt, rows } = stage;
  const took =
    status === "cached" || status === "skipped" || status === "not-reached"
      ? `${status.replace("-", " ")}: ${stage.cacheNote}`
      : `${status} in ${duration(endedAt.getTime() - startedAt.getTime())}`;
  const parts = [
    `${stage.stage}  ${took}`,
    rows === undefined ? "" : plural(rows, "row"),
    findingsText(countFindings(stage)),
  ];
  return [`${markOf(status, style)} ${parts.filter((part) => part !== "").join("  ")}`];
};
