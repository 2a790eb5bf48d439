/** One stage of the live tree as one line. */
import { markOf } from "./marks.ts";
import { findingsText, type StageProgress } from "./progress.ts";
import type { Style } from "./Style.ts";
import { compact, count, cut, duration, pad } from "./text.ts";
import { askedText, attemptsText, retryText, stoppedText } from "./words.ts";

/** How lines look, and when it is. */
export interface Look {
  readonly style: Style;
  /** No line takes more. */
  readonly columns: number;
  readonly now: Date;
}

/** The line of a stage under `name`; names take `names` columns, behind `indent` spaces. */
export const stageLine = (
  stage: StageProgress,
  {
    name,
    names,
    indent,
  }: { readonly name: string; readonly names: number; readonly indent: number },
  { style, columns, now }: Look,
): string => {
  const room = Math.max(1, Math.min(Math.max(4, names - indent), columns - indent - 4));
  const shown = pad(cut(name, room), room);
  const marked = `${" ".repeat(2 + indent)}${mark(stage, style, now)} `;
  const [took, ...details] = detailsOf(stage, now, columns < 60 ? 5 : 10);
  const text = [pad(took, columns < 60 ? 8 : 9), details.filter((part) => part !== "").join("  ")];
  // Measured before it is coloured: colours take no columns.
  const rest = cut(text.join(" ").trimEnd(), Math.max(0, columns - indent - room - 5));
  return rest === ""
    ? `${marked}${paintName(stage, shown.trimEnd(), style)}`
    : `${marked}${paintName(stage, shown, style)} ${paint(stage, rest, style)}`;
};

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

const mark = (stage: StageProgress, style: Style, now: Date): string => {
  if (stage.status === "waiting") return style.dim("·");
  if (stage.status !== "running") return markOf(stage.status, style);
  const frame = Math.floor(now.getTime() / 100) % spinner.length;
  return style.cyan(spinner[frame] ?? "▸");
};

const paintName = ({ status }: StageProgress, name: string, style: Style): string => {
  if (status === "waiting" || status === "not-reached" || status === "skipped") {
    return style.dim(name);
  }
  return status === "running" ? style.bold(name) : name;
};

const paint = ({ status, findings, items }: StageProgress, text: string, style: Style): string => {
  if (status === "failed" || findings.fail > 0) return style.red(text);
  if (status === "stopped" || findings.warn > 0 || (items?.failed ?? 0) > 0) {
    return style.yellow(text);
  }
  if (status === "suspended") return style.cyan(text);
  return status === "running" ? text : style.dim(text);
};

/** How long it took, and what there is to say, the most important first. */
const detailsOf = (
  stage: StageProgress,
  now: Date,
  barColumns: number,
): readonly [took: string, ...details: ReadonlyArray<string>] => {
  const { status, startedAt, endedAt = now, note, kind } = stage;
  const millis = startedAt === undefined ? 0 : endedAt.getTime() - startedAt.getTime();
  const rows = rowsText(stage, millis);
  const found = findingsText(stage.findings);
  const ended = [itemsEnded(stage), rows, attemptsText(stage.attempts), stoppedText(stage), found];
  switch (status) {
    case "waiting":
      return ["", stage.label];
    case "skipped":
      return ["", "branch not taken"];
    case "not-reached":
      return ["", "not reached"];
    case "suspended":
      return ["waits", stage.asks === undefined ? note : askedText(stage.asks), found];
    case "running": {
      const retry = retrying(stage, now);
      if (stage.items !== undefined) {
        return [duration(millis), retry, ...itemsRunning(stage, millis, barColumns)];
      }
      // Of rows that are gone through again and again, a rate says nothing.
      const beside = stage.curve === undefined ? rows : line(stage.curve, barColumns);
      return [duration(millis), retry, bar(stage.share, barColumns), beside, stage.label];
    }
    case "cached":
      return ["cached", ...ended];
    case "succeeded":
      return kind === "choice" ? ["", note] : [duration(millis), ...ended];
    case "failed":
    case "stopped":
    case "interrupted":
      return [status, itemsEnded(stage), note, attemptsText(stage.attempts), found];
  }
};

const retrying = ({ attempts }: StageProgress, now: Date): string => {
  const last = attempts.at(-1);
  return last === undefined ? "" : retryText(last, { number: attempts.length + 1, now });
};

const rowsText = ({ rows, status }: StageProgress, millis: number): string => {
  if (rows === undefined) return "";
  const text = `${compact(rows)} ${rows === 1 ? "row" : "rows"}`;
  // Shorter than this, the rate says more about the clock.
  if (millis < 50 || status === "cached") return text;
  return `${text}, ${compact((rows / millis) * 1_000)}/s`;
};

/** `██████░░░░  413/1,000  2 failed: a, b  30 cached  24/s`. */
const itemsRunning = (
  { items, failedItems }: StageProgress,
  millis: number,
  barColumns: number,
): ReadonlyArray<string> => {
  if (items === undefined) return [];
  const { total, succeeded, cached, failed } = items;
  const done = succeeded + cached + failed;
  const rate = millis < 500 ? 0 : ((succeeded + failed) / millis) * 1_000;
  return [
    `${blocks(total === 0 ? 1 : done / total, barColumns)} ${count(done)}/${count(total)}`,
    failedText(failed, failedItems),
    cached > 0 ? `${count(cached)} cached` : "",
    rate === 0 ? "" : `${compact(rate)}/s`,
  ];
};

/** `1,000 items  30 cached  2 failed: a, b`. */
const itemsEnded = ({ items, failedItems, status }: StageProgress): string => {
  if (items === undefined) return "";
  const { total, succeeded, cached, failed } = items;
  const done = succeeded + cached + failed;
  const all = done === total ? count(total) : `${count(done)} of ${count(total)}`;
  return [
    `${all} ${total === 1 ? "item" : "items"}`,
    failedText(failed, failedItems),
    // Of a stage that was itself found in the cache, nothing ran now.
    cached > 0 && status !== "cached" ? `${count(cached)} cached` : "",
  ]
    .filter((part) => part !== "")
    .join("  ");
};

/** A few are named. */
const named = 3;

const failedText = (failed: number, keys: ReadonlyArray<string>): string => {
  if (failed === 0) return "";
  const shown = keys.slice(0, named);
  const more = failed > shown.length ? ", …" : "";
  return `${count(failed)} failed${shown.length === 0 ? "" : `: ${shown.join(", ")}${more}`}`;
};

const blocks = (share: number, columns: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, share)) * columns);
  return "█".repeat(full) + "░".repeat(columns - full);
};

const heights = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** The last values that there is room for, between their lowest and their highest: `█▅▃▂▁▁`. */
const line = (curve: ReadonlyArray<number>, columns: number): string => {
  const shown = curve.slice(-columns).filter(Number.isFinite);
  const low = Math.min(...shown);
  const range = Math.max(...shown) - low;
  return shown
    .map((y) => heights[range === 0 ? 0 : Math.round(((y - low) / range) * 7)] ?? "")
    .join("");
};

const bar = (share: number | undefined, columns: number): string =>
  share === undefined
    ? ""
    : `${blocks(share, columns)} ${String(Math.round(share * 100)).padStart(3)} %`;
