/** Records as JSON, by the schemas of core. */
import { Approval, Graph, Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";

/** A run, with the words that were given since at the gates where it waits, if there are any. */
export const ShownRun = Schema.Struct({
  ...Run.Run.fields,
  given: Schema.optionalKey(Schema.Array(Approval.Approval)),
});

/** A run as one JSON document. */
export const runJson = (run: Run.Run, given: ReadonlyArray<Approval.Approval>): string =>
  pretty(Schema.encodeSync(ShownRun)(given.length === 0 ? run : { ...run, given }));

/** A graph as one JSON document. */
export const graphJson = (graph: Graph.Graph): string =>
  pretty(Schema.encodeSync(Graph.Graph)(graph));

/** One stage of a graph as one JSON document. */
export const stageJson = (stage: Graph.StageNode): string =>
  pretty(Schema.encodeSync(Graph.StageNode)(stage));

/** Any JSON value as a document. */
export const pretty = (value: unknown): string => JSON.stringify(value, undefined, 2);
