/** A run as plain lines, for logs and pipes: one for each thing that happened. */
import type { Engine, Run } from "@ml-pipe/core";
import { markOf } from "./marks.ts";
import type { Style } from "./Style.ts";
import { countFindings, findingsText } from "./progress.ts";
import { count, duration, plural } from "./text.ts";
import { askedText, attemptsText, causeText, itemsText, retryText, stoppedText } from "./words.ts";

/** Progress of one stage is told for the first time after this. */
const firstMillis = 5_000;
/** The next time after twice as long, up to this: a day of work is not a day of lines. */
const mostMillis = 60_000;

/** Turns events into lines. Remembers for each stage that runs when to tell of its progress next. */
export const lineTeller = (
  style: Style,
): ((event: Engine.RunEvent, now: Date) => ReadonlyArray<string>) => {
  const running = new Map<string, Telling>();
  return (event, now) => {
    switch (event._tag) {
      case "RunStarted": {
        running.clear();
        const cause = causeText(event.run);
        const why = cause === "" ? "" : ` (${cause})`;
        return [`${event.run.pipeline}  run ${event.run.id}${why}`];
      }
      case "StageStarted":
        running.set(event.stage.stage, {
          startedAt: now.getTime(),
          nextAt: now.getTime() + firstMillis,
          attempts: 0,
        });
        return [
          `${markOf("running", style)} ${event.stage.stage}  started: ${event.stage.cacheNote}`,
        ];
      case "StageRetried": {
        const telling = running.get(event.stage);
        const attempts = (telling?.attempts ?? 0) + 1;
        if (telling !== undefined) running.set(event.stage, { ...telling, attempts });
        const text = retryText(event.attempt, { number: attempts + 1, now });
        return [`${markOf("running", style)} ${event.stage}  ${text}`];
      }
      case "StageProgress": {
        // One that has not started waits for cores or memory: the log of the others shows that.
        const telling = running.get(event.stage);
        if (telling === undefined || now.getTime() < telling.nextAt) return [];
        const { startedAt, nextAt } = telling;
        const wait = Math.min(mostMillis, 2 * Math.max(firstMillis, nextAt - startedAt));
        running.set(event.stage, { ...telling, nextAt: now.getTime() + wait });
        const text = progressText(event.progress, now.getTime() - startedAt);
        return [`${markOf("running", style)} ${event.stage}  ${text}`];
      }
      case "StageEnded":
        running.delete(event.stage.stage);
        return endLines(event.stage, style);
      case "HookDecided":
      case "RunEnded":
        return [];
    }
  };
};

interface Telling {
  readonly startedAt: number;
  readonly nextAt: number;
  readonly attempts: number;
}

/** `tree 40 of 100 (40 %)`, `scored: 5,970`, or `413 of 1,000 items, 2 failed (41 %), about 25 s left`. */
const progressText = ({ label, share, rows, items }: StageProgress, millis: number): string => {
  const percent = share === undefined ? "" : ` (${Math.round(share * 100)} %)`;
  if (items === undefined) return `${labelText(label, rows)}${percent}`;
  const ran = items.succeeded + items.failed;
  const left = items.total - ran - items.cached;
  const leftText = ran === 0 || left === 0 ? "" : `, about ${duration((millis / ran) * left)} left`;
  return `${itemsText(items)}${percent}${leftText}`;
};

const labelText = (label: string, rows: number | undefined): string => {
  if (rows === undefined) return label;
  return label === "rows" ? plural(rows, "row") : `${label}: ${count(rows)}`;
};

type StageProgress = Extract<Engine.RunEvent, { readonly _tag: "StageProgress" }>["progress"];

const endLines = (stage: Run.StageRun, style: Style): ReadonlyArray<string> => {
  const { status, startedAt, endedAt = startedAt, rows } = stage;
  const parts = [
    `${stage.stage}  ${endText(stage, endedAt.getTime() - startedAt.getTime())}`,
    stage.items === undefined ? "" : itemsText(stage.items),
    rows === undefined ? "" : plural(rows, "row"),
    attemptsText(stage.attempts),
    stoppedText(stage),
    findingsText(countFindings(stage)),
  ];
  return [`${markOf(status, style)} ${parts.filter((part) => part !== "").join("  ")}`];
};

const endText = ({ status, cacheNote, asks }: Run.StageRun, millis: number): string => {
  switch (status) {
    case "cached":
    case "skipped":
    case "not-reached":
      return `${status.replace("-", " ")}: ${cacheNote}`;
    case "suspended":
      return `waits: ${asks === undefined ? cacheNote : askedText(asks)}`;
    default:
      return `${status} in ${duration(millis)}`;
  }
};
