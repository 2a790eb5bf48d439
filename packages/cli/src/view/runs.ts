/** The list of runs as text. */
import type { Run } from "@ml-pipe/core";
import { markOf, statusWord } from "./marks.ts";
import type { Style } from "./Style.ts";
import { causeText } from "./words.ts";
import { columns, duration, instant } from "./text.ts";

/** One line for each run, the newest first. */
export const runsText = (runs: ReadonlyArray<Run.RunSummary>, style: Style): string =>
  columns(
    runs.map((run) => [
      markOf(run.status, style),
      run.id,
      run.pipeline,
      statusWord(run.status, style),
      run.endedAt === undefined ? "" : duration(run.endedAt.getTime() - run.startedAt.getTime()),
      style.dim(instant(run.startedAt)),
      style.dim(causeText(run)),
    ]),
  ).join("\n");
