/** What was removed, or would be, and why the rest stays, as text. */
import type { Retention } from "@ml-pipe/core";
import { bytesText } from "./bytes.ts";
import type { Style } from "./Style.ts";
import { columns, instant, plural } from "./text.ts";

/** Every run and file that would go; of those that went, only how many. Every run that stays. */
export const retentionText = (retention: Retention.Retention, style: Style): string => {
  const { dry, removed, stays, shrunkBytes } = retention;
  const runs = removed.runs.map(({ run, pipeline, startedAt }) => [
    `  ${run}`,
    pipeline,
    style.dim(instant(startedAt)),
  ]);
  const files = [...removed.artifacts, ...removed.files].map(({ path, bytes }) => [
    `  ${path}`,
    bytesText(bytes),
  ]);
  const total = `${dry ? "would remove" : "removed"} ${[
    plural(removed.runs.length, "run"),
    plural(removed.artifacts.length, "artifact"),
    plural(removed.files.length, "other file"),
  ].join(", ")}: ${bytesText(removed.bytes)}`;
  return [
    style.bold(total),
    ...columns(runs),
    ...(dry ? columns(files) : []),
    ...(shrunkBytes > 0 ? [`  the record of runs shrank by ${bytesText(shrunkBytes)}`] : []),
    "",
    style.bold("Stays"),
    ...columns(
      stays.runs.map(({ run, pipeline, reasons }) => [
        `  ${run}`,
        pipeline,
        style.dim(reasons.join("; ")),
      ]),
    ),
    `  ${plural(stays.artifacts.count, "artifact")} that something refers to: ${bytesText(stays.artifacts.bytes)}`,
    ...(stays.young.count === 0
      ? []
      : [
          `  ${plural(stays.young.count, "artifact")} younger than an hour: ${bytesText(stays.young.bytes)}`,
        ]),
  ].join("\n");
};
