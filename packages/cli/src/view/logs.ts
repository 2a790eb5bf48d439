/** Logs of a run as lines. */
import type { LogReader } from "@ml-pipe/observe";
import type { Style } from "./Style.ts";

/** One entry: time, level, stage, message, annotations; a cause on lines of its own. */
export const entryText = (entry: LogReader.Entry, stageWidth: number, style: Style): string => {
  const { at, level, stage = "", message, annotations = {}, cause } = entry;
  const extra = Object.entries(annotations).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const head = [
    style.dim(at.toISOString().replace("T", " ")),
    emphasis(level, style)(level.padEnd(5)),
    style.bold(stage.padEnd(stageWidth)),
    entry.event === undefined ? message : style.dim(message),
    ...extra.map(style.dim),
  ];
  return [head.join("  "), ...(cause === undefined ? [] : [indented(cause)])].join("\n");
};

const indented = (text: string): string => text.replaceAll(/^/gm, "    ");

const emphasis = (level: LogReader.Level, style: Style): ((text: string) => string) => {
  switch (level) {
    case "error":
    case "fatal":
      return style.red;
    case "warn":
      return style.yellow;
    default:
      return style.dim;
  }
};
