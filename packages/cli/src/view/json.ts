/** Records as JSON, by the schemas of core. */
import { type Engine, Graph, Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";

/** A run as one JSON document. */
export const runJson = (run: Run.Run): string => pretty(Schema.encodeSync(Run.Run)(run));

/** A graph as one JSON document. */
export const graphJson = (graph: Graph.Graph): string =>
  pretty(Schema.encodeSync(Graph.Graph)(graph));

/** One stage of a graph as one JSON document. */
export const stageJson = (stage: Graph.StageNode): string =>
  pretty(Schema.encodeSync(Graph.StageNode)(stage));

/** Any JSON value as a document. */
export const pretty = (value: unknown): string => JSON.stringify(value, undefined, 2);

/** What happens while a pipeline runs, one of `run --json`'s lines. */
export const EventJson = Schema.Union([
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

/** One event as one line of JSON. */
export const eventLine = (event: Engine.RunEvent): string =>
  JSON.stringify(Schema.encodeSync(EventJson)(event));
