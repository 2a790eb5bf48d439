/**
 * The graph of a pipeline as data: one read-only snapshot with a schema. The CLI, the report and every
 * other view render this and nothing else.
 */
import * as Schema from "effect/Schema";
import * as Charter from "./Charter.ts";
import { type ContractSpec, contractOf } from "./Contract.ts";
import { Digest } from "./Digest.ts";
import * as Hook from "./Hook.ts";
import { outputsOf } from "./internal/outputs.ts";
import { TriggerSpec } from "./internal/trigger/spec.ts";
import * as Pipeline from "./Pipeline.ts";
import type { Fields, Resources } from "./Stage.ts";

const Place = Schema.Struct({ file: Schema.String, line: Schema.Int, column: Schema.Int });

const Port = Schema.Struct({
  /** Empty for the only output of a stage. */
  name: Schema.String,
  /** The kind of value in words, such as `Table<flight, train>`. */
  kind: Schema.String,
  /** Name of the contract on this edge, if the value is under one. */
  contract: Schema.optionalKey(Schema.String),
});

/** One stage on the graph. */
export const StageNode = Schema.Struct({
  name: Schema.String,
  description: Schema.String,
  /** Absent for an ordinary stage. */
  kind: Schema.optionalKey(Schema.Literals(["each", "choice", "approval"])),
  /** The sub-pipelines it is in, from the outside in. */
  group: Schema.optionalKey(Schema.Array(Schema.String)),
  /** The branches it is on, from the outside in: it runs if each of these values is as said. */
  when: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        choice: Schema.String,
        from: Schema.Struct({ stage: Schema.String, port: Schema.String }),
        is: Schema.Boolean,
      }),
    ),
  ),
  resources: Schema.optionalKey(
    Schema.Struct({
      cores: Schema.Union([Schema.Int, Schema.Literal("all")]),
      memoryBytes: Schema.Finite,
    }),
  ),
  params: Schema.Json,
  inputs: Schema.Array(
    Schema.Struct({
      ...Port.fields,
      from: Schema.Struct({ stage: Schema.String, port: Schema.String }),
    }),
  ),
  outputs: Schema.Array(Port),
  signals: Schema.Array(Schema.Struct({ name: Schema.String, description: Schema.String })),
  place: Schema.optionalKey(Place),
});
/** See {@link StageNode}. */
export type StageNode = typeof StageNode.Type;

/** An edge that runs upstream: a signal, and what the hook on it causes where. */
export const FeedbackEdge = Schema.Struct({
  from: Schema.String,
  signal: Schema.String,
  to: Schema.optionalKey(Schema.String),
  hook: Hook.Hook,
});
/** See {@link FeedbackEdge}. */
export type FeedbackEdge = typeof FeedbackEdge.Type;

/** A pipeline as data. */
export const Graph = Schema.Struct({
  pipeline: Schema.String,
  description: Schema.String,
  charter: Charter.CharterSpec,
  charterDigest: Digest,
  stages: Schema.Array(StageNode),
  feedback: Schema.Array(FeedbackEdge),
  /** What makes `ml-pipe daemon` run it; absent if nothing does. */
  triggers: Schema.optionalKey(Schema.Array(TriggerSpec)),
  /** Contracts on the graph's edges, by name. */
  contracts: Schema.Record(Schema.String, Schema.Json),
  place: Schema.optionalKey(Place),
});
/** See {@link Graph}. */
export type Graph = typeof Graph.Type;

const isUsual = ({ cores, memoryBytes }: Resources): boolean => cores === 1 && memoryBytes === 0;

/**
 * The snapshot of a pipeline.
 *
 * @example
 * ```ts
 * import { Graph, type Pipeline } from "@ml-pipe/core";
 *
 * const stageNames = (pipeline: Pipeline.Pipeline): ReadonlyArray<string> =>
 *   Graph.of(pipeline).stages.map((stage) => stage.name);
 * ```
 */
export const of = (pipeline: Pipeline.Pipeline): Graph => {
  const contracts: Record<string, ContractSpec> = {};
  const port = (name: string, schema: Fields[string] | undefined) => {
    const kind = (schema && Pipeline.kindOf(schema)) ?? "value";
    const contract = schema && contractOf(schema);
    if (contract === undefined) return { name, kind };
    contracts[contract.name] = contract;
    return { name, kind, contract: contract.name };
  };
  const stages = pipeline.nodes.map(({ info, inputs, group, when, calledAt }): StageNode => ({
    name: info.name,
    description: info.description,
    ...(info.kind === "stage" ? {} : { kind: info.kind }),
    ...(group.length === 0 ? {} : { group }),
    ...(when.length === 0
      ? {}
      : {
          when: when.map(({ choice, from, is }) => ({
            choice,
            from: { stage: from.node, port: from.port ?? "" },
            is,
          })),
        }),
    ...(isUsual(info.resources) ? {} : { resources: info.resources }),
    params: info.params,
    inputs: Object.entries(inputs).map(([name, source]) => ({
      ...port(name, Pipeline.outputSchema(pipeline.nodes, source)),
      from: { stage: source.node, port: source.port ?? "" },
    })),
    outputs: outputsOf(info).map(([name, schema]) => port(name, schema)),
    signals: Object.values(info.signals).map(({ name, description }) => ({ name, description })),
    ...(calledAt === undefined ? {} : { place: calledAt }),
  }));
  return {
    pipeline: pipeline.name,
    description: pipeline.description,
    charter: pipeline.charter.spec,
    charterDigest: pipeline.charter.digest,
    stages,
    feedback: pipeline.feedback.map(({ node, signal, to, hook }) => ({
      from: node,
      signal,
      hook,
      ...(to === undefined ? {} : { to }),
    })),
    ...(pipeline.triggers.length === 0
      ? {}
      : { triggers: pipeline.triggers.map(({ spec }) => spec) }),
    contracts,
    ...(pipeline.declaredAt === undefined ? {} : { place: pipeline.declaredAt }),
  };
};
