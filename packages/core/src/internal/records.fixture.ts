/** Records of runs that never ran, for tests. */
import type * as Schema from "effect/Schema";
import * as Digest from "../Digest.ts";
import type { Graph } from "../Graph.ts";
import type { Run, StageRun } from "../Run.ts";
import { charter } from "./charter.fixture.ts";

/** An instant, so many seconds after the first. */
export const at = (second: number): Date => new Date(Date.UTC(2026, 10, 24, 7, 0, second));

/** A graph of stages, each with the outputs of others as its inputs: `"load"` or `"split.test"`. */
export const graphOf = (
  stages: { readonly [stage: string]: { readonly [input: string]: string } },
  pipeline = "count",
): Graph => ({
  pipeline,
  description: "",
  charter: charter.spec,
  charterDigest: charter.digest,
  stages: Object.entries(stages).map(([name, inputs]) => ({
    name,
    description: "",
    params: null,
    inputs: Object.entries(inputs).map(([input, from]) => {
      const [stage = "", port = ""] = from.split(".");
      return { name: input, kind: "value", from: { stage, port } };
    }),
    outputs: [{ name: "", kind: "value" }],
    signals: [],
  })),
  feedback: [],
  contracts: {},
});

/** A run that succeeded. */
export const runOf = (id: string, graph: Graph, change: Partial<Run> = {}): Run => ({
  id,
  pipeline: graph.pipeline,
  status: "succeeded",
  startedAt: at(0),
  endedAt: at(9),
  pid: process.pid,
  graph,
  stages: [],
  hooks: [],
  ...change,
});

/** A stage of a run that succeeded. */
export const stageOf = (run: string, stage: string, change: Partial<StageRun> = {}): StageRun => ({
  run,
  stage,
  status: "succeeded",
  startedAt: at(0),
  endedAt: at(1),
  cacheNote: "",
  findings: [],
  exhibits: [],
  signals: [],
  ...change,
});

/** An artifact as it stands in an output. */
export const artifact = (content: string): { readonly [key: string]: Schema.Json } => ({
  digest: Digest.ofBytes(content),
  bytes: Buffer.byteLength(content),
  mediaType: "text/plain",
});

/** A file outside the state folder, as it stands in an output. */
export const sourceFile = (
  path: string,
  content: string,
): { readonly [key: string]: Schema.Json } => ({
  path,
  digest: Digest.ofBytes(content),
  bytes: Buffer.byteLength(content),
});
