/**
 * Pipelines: a charter and a typed graph of stages.
 *
 * Describing a pipeline runs nothing. The result is a static value that can be shown, diffed, planned
 * and cached before any row is read. Its error and requirement types are the unions of its stages'.
 */
import * as Schema from "effect/Schema";
import type { Charter } from "./Charter.ts";
import { type ContractSpec, contractOf } from "./Contract.ts";
import * as Digest from "./Digest.ts";
import { type CallSite, callSite } from "./internal/callSite.ts";
import { currentBuilder, type GraphNode, type Guard, withBuilder } from "./internal/builder.ts";
import type { Hook } from "./Hook.ts";
import type { ErrorOf, NeedsOf, Ref, SignalRef, Source, Traced } from "./Ref.ts";
import type { Fields } from "./Stage.ts";
import type { Trigger } from "./Trigger.ts";

/** A hook on the graph: a signal of one node, what it causes, and where. */
export interface Feedback {
  readonly node: string;
  /** Name of the kind of signal. */
  readonly signal: string;
  readonly hook: Hook;
  /** The node that the hook's action starts from, if it concerns one. */
  readonly to: string | undefined;
  readonly declaredAt: CallSite | undefined;
}

/**
 * A pipeline whose graph may fail with `E` and needs the services `R`.
 *
 * @typeParam A - a record of the outputs' references
 */
export interface Pipeline<out A = unknown, out E = unknown, out R = unknown> extends Traced<E, R> {
  readonly name: string;
  readonly description: string;
  readonly charter: Charter;
  /** In an order in which each node comes after those it depends on. */
  readonly nodes: ReadonlyArray<GraphNode<E, R>>;
  readonly feedback: ReadonlyArray<Feedback>;
  /** What makes `ml-pipe daemon` run it. */
  readonly triggers: ReadonlyArray<Trigger<R>>;
  readonly outputs: A;
  /** Where each output comes from. */
  readonly outputSources: { readonly [output: string]: Source };
  readonly declaredAt: CallSite | undefined;
}

/** A graph that cannot be run: says which stage, where, and what to change. */
export class PipelineInvalid extends Schema.TaggedError<PipelineInvalid>()("PipelineInvalid", {
  pipeline: Schema.String,
  stage: Schema.optionalKey(Schema.String),
  problem: Schema.String,
  next: Schema.String,
  file: Schema.optionalKey(Schema.String),
  line: Schema.optionalKey(Schema.Int),
}) {
  override get message(): string {
    const stage = this.stage === undefined ? "" : `, stage "${this.stage}"`;
    return `pipeline "${this.pipeline}"${stage}: ${this.problem}. ${this.next}`;
  }
}

/**
 * Describes a pipeline. `build` calls stages with the references that other stages returned, and
 * returns those that are the pipeline's outputs; every stage must lead to one. Throws
 * {@link PipelineInvalid} if the graph makes no sense.
 *
 * @example
 * ```ts
 * import { type Charter, Pipeline, Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const source = Stage.make("source", { input: {}, output: Schema.Finite, run: () => Effect.succeed(2) });
 * const double = Stage.make("double", {
 *   input: { n: Schema.Finite }, output: Schema.Finite, run: ({ n }) => Effect.succeed(2 * n),
 * });
 * const describe = (charter: Charter.Charter) =>
 *   Pipeline.make("doubling", { charter }, () => ({ four: double({ n: source() }) }));
 * ```
 */
export const make = <const A extends { readonly [output: string]: Traced }, R = never>(
  name: string,
  options: {
    readonly charter: Charter;
    readonly description?: string;
    readonly triggers?: ReadonlyArray<Trigger<R>>;
  },
  build: () => A,
): Pipeline<A, ErrorOf<A>, NeedsOf<A> | R> => {
  const nodes: Array<GraphNode> = [];
  const feedbacks: Array<Feedback> = [];
  const invalid = (node: GraphNode | undefined, problem: string, next: string) =>
    new PipelineInvalid({
      pipeline: name,
      problem,
      next,
      ...(node === undefined ? {} : { stage: node.info.name }),
      ...(node?.calledAt === undefined
        ? {}
        : { file: node.calledAt.file, line: node.calledAt.line }),
    });

  const add = (node: GraphNode) => {
    const { charter, inputs, name: stage } = node.info;
    if (nodes.some((other) => other.info.name === stage)) {
      throw invalid(
        node,
        "it is called twice",
        `Give the second one its own name: Stage.named("${stage}-2", ${stage})`,
      );
    }
    if (charter !== undefined && charter !== options.charter.digest) {
      throw invalid(
        node,
        "it was built for another charter",
        "Give the stage and the pipeline the same charter",
      );
    }
    for (const [port, schema] of Object.entries(inputs)) {
      const problem = problemOf(port, schema, nodes, node.inputs[port]);
      if (problem !== undefined)
        throw invalid(node, problem, "Wire an output of the expected kind to it");
    }
    for (const [port, source] of Object.entries(node.inputs)) {
      const problem = branchProblem(port, source, node, nodes);
      if (problem !== undefined)
        throw invalid(node, problem, "Hand the value on through the end of its Stage.when");
    }
    const extra = Object.keys(node.inputs).find((port) => !(port in inputs));
    if (extra !== undefined) {
      throw invalid(
        node,
        `it has no input "${extra}"`,
        `It takes ${Object.keys(inputs).join(", ") || "none"}`,
      );
    }
    nodes.push(node);
  };

  const outputs = withBuilder(
    {
      add,
      feedback: (edge) => feedbacks.push(edge),
      schemaOf: (source) => outputSchema(nodes, source),
      group: [],
      when: [],
    },
    build,
  );
  for (const [output, ref] of Object.entries(outputs)) {
    if (!nodes.some(({ info }) => info.name === ref?.source?.node)) {
      throw invalid(
        undefined,
        `its output "${output}" does not come from one of its stages`,
        "Return references that were made inside this pipeline",
      );
    }
    const from = nodes.find(({ info }) => info.name === ref.source.node);
    if (from !== undefined && from.when.length > 0) {
      throw invalid(
        from,
        `its output "${output}" is on a branch, which may not be taken`,
        "Return what Stage.when returns",
      );
    }
  }
  for (const { node: stage, signal, to } of feedbacks) {
    const node = nodes.find(({ info }) => info.name === stage);
    const emits = Object.values(node?.info.signals ?? {}).some(({ name }) => name === signal);
    if (!emits || (to !== undefined && !nodes.some(({ info }) => info.name === to))) {
      throw invalid(
        node,
        `the hook on signal "${signal}" of stage "${stage}"${to === undefined ? "" : ` to "${to}"`} leaves the pipeline`,
        "Hang hooks on signals of this pipeline's stages, and aim them at its stages",
      );
    }
  }
  const used = ancestors(nodes, Object.values(outputs));
  for (const node of nodes) {
    if (!used.has(node.info.name)) {
      throw invalid(
        node,
        "nothing uses its output",
        "Wire it to another stage, or return it among the pipeline's outputs",
      );
    }
  }
  if (nodes.length === 0)
    throw invalid(undefined, "it has no stages", "Return at least one output");
  const triggers = options.triggers ?? [];
  const twice = triggers.map(({ spec }) => spec.name).find((one, at, all) => all.indexOf(one) < at);
  if (twice !== undefined)
    throw invalid(undefined, `it has two triggers "${twice}"`, "Give one of them another name");
  return {
    "~ml-pipe/traced": { _E: (_: never) => _, _R: (_: never) => _ },
    source: { node: name },
    name,
    description: options.description ?? "",
    charter: options.charter,
    // Every node leads to an output, and an output's type carries the errors and needs of all before it.
    nodes: nodes as ReadonlyArray<GraphNode<ErrorOf<A>, NeedsOf<A>>>,
    feedback: feedbacks,
    triggers,
    outputs,
    outputSources: Object.fromEntries(
      Object.entries(outputs).map(([output, { source }]) => [output, source]),
    ),
    declaredAt: callSite(make),
  };
};

/**
 * Hangs a hook on a signal: an edge of the graph that runs upstream.
 *
 * @example
 * ```ts
 * import { Hook, Pipeline, type Ref } from "@ml-pipe/core";
 *
 * // inside Pipeline.make:
 * const wire = (drift: Ref.SignalRef<{ column: string }>, model: Ref.Traced) =>
 *   Pipeline.feedback({ on: drift, to: model, hook: Hook.rerun({ armAt: 0.2, confirm: 3 }) });
 * ```
 */
export const feedback = (edge: {
  readonly on: SignalRef<unknown>;
  readonly to?: Traced;
  readonly hook: Hook;
}): void =>
  currentBuilder("feedback was declared").feedback({
    node: edge.on.node,
    signal: edge.on.signal,
    hook: edge.hook,
    to: edge.to?.source.node,
    declaredAt: callSite(feedback),
  });

/**
 * A sub-pipeline: the stages that `build` calls get names that begin with `name/`, and views show them
 * together. A sub-pipeline that is used several times is a function of its inputs.
 *
 * @example
 * ```ts
 * import { Pipeline, type Ref, Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const double = Stage.make("double", {
 *   input: { n: Schema.Finite }, output: Schema.Finite, run: ({ n }) => Effect.succeed(2 * n),
 * });
 * // inside Pipeline.make: stages north/double and south/double
 * const region = (name: string, n: Ref.Ref<number, never, never>) =>
 *   Pipeline.group(name, () => double({ n }));
 * ```
 */
export const group = <A>(name: string, build: () => A): A => {
  const builder = currentBuilder(`the group "${name}" was described`);
  return withBuilder({ ...builder, group: [...builder.group, name] }, build);
};

/**
 * Whether a value is a pipeline. Says nothing about what it needs: the type checker does.
 *
 * @example
 * ```ts
 * import { Pipeline } from "@ml-pipe/core";
 *
 * const no: boolean = Pipeline.isPipeline({ name: "not one" }); // false
 * ```
 */
export const isPipeline = (value: unknown): value is Pipeline =>
  typeof value === "object" &&
  value !== null &&
  "~ml-pipe/traced" in value &&
  "outputSources" in value;

/**
 * The schema of the output that a source points at; none if the source names no such output.
 *
 * @example
 * ```ts
 * import { Pipeline, type Ref } from "@ml-pipe/core";
 *
 * const schemaOf = (pipeline: Pipeline.Pipeline, ref: Ref.Traced) =>
 *   Pipeline.outputSchema(pipeline.nodes, ref.source);
 * ```
 */
export const outputSchema = (
  nodes: ReadonlyArray<GraphNode>,
  source: Source,
): Fields[string] | undefined => {
  const output = nodes.find(({ info }) => info.name === source.node)?.info.output;
  if (output === undefined) return undefined;
  if ("single" in output) return source.port === undefined ? output.single : undefined;
  return source.port === undefined ? undefined : output.ports[source.port];
};

/**
 * The kind of value in words, such as `Table<flight, train>`: the title of its schema, if it has one.
 * Wiring one kind to an input of another is refused, so a title is a promise, not a caption.
 *
 * @example
 * ```ts
 * import { Pipeline, Verdict } from "@ml-pipe/core";
 *
 * const kind: string | undefined = Pipeline.kindOf(Verdict.Passed); // "Verdict<passed>"
 * ```
 */
export const kindOf = (schema: Fields[string]): string | undefined => {
  const title = Schema.resolveAnnotations(schema)?.["title"];
  return typeof title === "string" ? title : undefined;
};

/** Why the output that a source points at cannot be wired to an input, if it cannot. */
const problemOf = (
  port: string,
  schema: Fields[string],
  nodes: ReadonlyArray<GraphNode>,
  source: Source | undefined,
): string | undefined => {
  if (source === undefined) return `its input "${port}" is missing`;
  const from = sourceName(source);
  if (!nodes.some(({ info }) => info.name === source.node)) {
    return `its input "${port}" comes from "${from}", a stage of another pipeline`;
  }
  const found = outputSchema(nodes, source);
  if (found === undefined) {
    return `its input "${port}" gets all of "${from}", which has no output of that name`;
  }
  const [wanted, got] = [kindOf(schema), kindOf(found)];
  if (wanted !== undefined && got !== undefined && !fits(got, wanted)) {
    return `its input "${port}" takes ${wanted}, but gets ${got} from "${from}"`;
  }
  const [promised, given] = [contractOf(schema), contractOf(found)];
  if (promised === undefined || given === undefined) return undefined;
  if (Digest.ofJson(promised) === Digest.ofJson(given)) return undefined;
  const label = ({ name, version }: ContractSpec) => `contract ${name} ${version}`;
  const same = label(promised) === label(given) ? " of other content" : "";
  return `its input "${port}" is under ${label(promised)}, but gets ${label(given)}${same} from "${from}"`;
};

/** Why a value of a branch cannot be used where a node is, if it cannot. */
const branchProblem = (
  port: string,
  source: Source,
  node: GraphNode,
  nodes: ReadonlyArray<GraphNode>,
): string | undefined => {
  const from = nodes.find(({ info }) => info.name === source.node);
  const here = [...node.when, ...branchesOf(node)];
  const outside = from?.when.find((guard) => !here.some((other) => isSameGuard(guard, other)));
  return outside === undefined
    ? undefined
    : `its input "${port}" comes from "${source.node}", on a branch of "${outside.choice}" that may not be taken`;
};

/** Where branches meet again, they may be looked into. */
const branchesOf = ({ info, inputs }: GraphNode): ReadonlyArray<Guard> => {
  const from = inputs["if"];
  if (info.kind !== "choice" || from === undefined) return [];
  return [true, false].map((is) => ({ choice: info.name, from, is }));
};

const isSameGuard = (a: Guard, b: Guard): boolean => a.choice === b.choice && a.is === b.is;

/** `Verdict<passed>` fits `Verdict`, as any narrower kind fits the wider one. */
const fits = (got: string, wanted: string): boolean =>
  got === wanted || got.startsWith(`${wanted}<`);

const sourceName = (source: Source | undefined): string =>
  source?.port === undefined ? `${source?.node}` : `${source.node}.${source.port}`;

const ancestors = (
  nodes: ReadonlyArray<GraphNode>,
  roots: ReadonlyArray<Traced>,
): ReadonlySet<string> => {
  const found = new Set<string>();
  const visit = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    const inputs = nodes.find(({ info }) => info.name === name)?.inputs ?? {};
    for (const source of Object.values(inputs)) visit(source.node);
  };
  for (const root of roots) visit(root.source.node);
  return found;
};

/** The type of the value that each output of a pipeline stands for. */
export type OutputsOf<P extends Pipeline> = {
  readonly [K in keyof P["outputs"]]: P["outputs"][K] extends Ref<infer A> ? A : unknown;
};
