/** The list of runs as text and as data. */
import { Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { pretty } from "./json.ts";
import { markOf, statusWord } from "./marks.ts";
import type { Style } from "./Style.ts";
import { causeText, wordText } from "./words.ts";
import { columns, duration, instant } from "./text.ts";

/** A run in a list; one that is suspended says whom it waits for. */
export const ListedRun = Schema.Struct({
  ...Run.RunSummary.fields,
  waitsFor: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        stage: Schema.String,
        question: Schema.String,
        approvers: Schema.Array(Schema.String),
        /** The word that was given since: the run goes on when it is resumed. */
        given: Schema.optionalKey(
          Schema.Struct({
            approver: Schema.String,
            decision: Schema.Literals(["approve", "reject"]),
          }),
        ),
      }),
    ),
  ),
});
/** See {@link ListedRun}. */
export type ListedRun = typeof ListedRun.Type;

/** As one JSON document. */
export const runsJson = (runs: ReadonlyArray<ListedRun>): string =>
  pretty(Schema.encodeSync(Schema.Array(ListedRun))(runs));

/** One line for each run, the newest first. */
export const runsText = (runs: ReadonlyArray<ListedRun>, style: Style): string =>
  columns(
    runs.map((run) => [
      markOf(run.status, style),
      run.id,
      run.pipeline,
      statusWord(run.status, style),
      run.endedAt === undefined ? "" : duration(run.endedAt.getTime() - run.startedAt.getTime()),
      style.dim(instant(run.startedAt)),
      [style.dim(causeText(run)), waitText(run)].filter((text) => text !== "").join("  "),
    ]),
  ).join("\n");

/** `sign-off waits for ana or ben`, or `ana approved sign-off: resume it`. */
const waitText = ({ waitsFor = [] }: ListedRun): string =>
  waitsFor
    .map(({ stage, approvers, given }) =>
      given === undefined
        ? `${stage} waits for ${approvers.join(" or ")}`
        : `${wordText({ ...given, gate: stage })}: resume it`,
    )
    .join(", ");
