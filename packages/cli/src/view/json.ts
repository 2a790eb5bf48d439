/** Records as JSON, by the schemas of core. */
import { Graph, Run } from "@ml-pipe/core";
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
