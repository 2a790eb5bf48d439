/** What `run --json` and `resume --json` print: one JSON object a line, told apart by `_tag`. */
import { Approval, type Engine, Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";

/** An event of the engine. */
const EventJson = Schema.Union([
  Schema.TaggedStruct("RunStarted", { run: Run.Run }),
  Schema.TaggedStruct("StageStarted", { stage: Run.StageRun }),
  Schema.TaggedStruct("StageRetried", { stage: Schema.String, attempt: Run.Attempt }),
  Schema.TaggedStruct("StageProgress", {
    stage: Schema.String,
    progress: Schema.Struct({
      label: Schema.String,
      share: Schema.optionalKey(Schema.Finite),
      rows: Schema.optionalKey(Schema.Finite),
      items: Schema.optionalKey(Run.ItemCounts),
      failedItems: Schema.optionalKey(Schema.Array(Schema.String)),
    }),
  }),
  Schema.TaggedStruct("StageEnded", { stage: Run.StageRun }),
  Schema.TaggedStruct("HookDecided", { record: Run.HookRecord }),
  Schema.TaggedStruct("RunEnded", { run: Run.Run }),
]);

const ProblemJson = Schema.Struct({
  tag: Schema.String,
  message: Schema.String,
  file: Schema.optionalKey(Schema.String),
  line: Schema.optionalKey(Schema.Int),
  column: Schema.optionalKey(Schema.Int),
  stage: Schema.optionalKey(Schema.String),
  constant: Schema.optionalKey(Schema.String),
});

/** Any line: an event, or what comes before and after the run. */
export const RunLine = Schema.Union([
  ...EventJson.members,
  /** The pipeline is not valid: nothing ran. */
  Schema.TaggedStruct("Refused", { problems: Schema.Array(ProblemJson) }),
  /** An answer at a gate was recorded; the run goes on below. */
  Schema.TaggedStruct("WordRecorded", { approval: Approval.Approval }),
  /** The run could not begin, or could not be recorded. */
  Schema.TaggedStruct("Failed", { problems: Schema.Array(ProblemJson) }),
  Schema.TaggedStruct("ReportWritten", { path: Schema.String }),
]);

/** One event as one line of JSON. */
export const eventLine = (event: Engine.RunEvent): string =>
  JSON.stringify(Schema.encodeSync(EventJson)(event));
