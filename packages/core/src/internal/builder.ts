/** The graph under construction: what stages add themselves to while `Pipeline.make` runs. */
import * as Ref from "../Ref.ts";
import type { Fields, Implementation, StageInfo } from "../Stage.ts";
import type { Feedback } from "../Pipeline.ts";
import type { CallSite } from "./callSite.ts";

/** What must be so for a node on a branch to run. */
export interface Guard {
  /** Name of the node where the branches meet again. */
  readonly choice: string;
  /** The value that decides. */
  readonly from: Ref.Source;
  readonly is: boolean;
}

/** A stage placed in a graph. */
export interface GraphNode<out E = unknown, out R = unknown> extends Implementation<E, R> {
  readonly inputs: { readonly [port: string]: Ref.Source };
  /** The sub-pipelines it is in, from the outside in. */
  readonly group: ReadonlyArray<string>;
  /** The branches it is on, from the outside in. */
  readonly when: ReadonlyArray<Guard>;
  readonly calledAt: CallSite | undefined;
}

/** A call of a stage. */
interface NodeCall {
  readonly info: StageInfo;
  /** The behaviour under the name that the stage has in the graph. */
  readonly implement: (info: StageInfo) => Implementation;
  readonly inputs: { readonly [port: string]: { readonly source?: Ref.Source } | undefined };
  readonly calledAt: CallSite | undefined;
}

/** What is told about a graph while it is described, and where in it we are. */
export interface Builder {
  readonly add: (node: GraphNode) => void;
  readonly feedback: (edge: Feedback) => void;
  /** The schema of an output that was added before. */
  readonly schemaOf: (source: Ref.Source) => Fields[string] | undefined;
  readonly group: ReadonlyArray<string>;
  readonly when: ReadonlyArray<Guard>;
}

let current: Builder | undefined;

/** Runs `build` with stages adding themselves to `builder`. */
export const withBuilder = <A>(builder: Builder, build: () => A): A => {
  const outer = current;
  current = builder;
  try {
    return build();
  } finally {
    current = outer;
  }
};

/** The builder of the surrounding `Pipeline.make`; throws outside one. */
export const currentBuilder = (what: string): Builder => {
  if (current === undefined) {
    throw new TypeError(
      `${what} outside Pipeline.make. Call it inside the function given to Pipeline.make; to run one stage by itself, use its run(input).`,
    );
  }
  return current;
};

/** Adds a node to the graph under construction and returns the references that stand for it. */
export const addNode = ({ info: { name, ...info }, implement, ...call }: NodeCall): unknown => {
  const { add, group, when } = currentBuilder(`stage "${name}" was called`);
  const implementation = implement({ ...info, name: [...group, name].join("/") });
  // Types vanish: what is no reference counts as missing, and the pipeline says so.
  const inputs = Object.entries(call.inputs).flatMap(([port, ref]) =>
    ref?.source === undefined ? [] : [[port, ref.source] as const],
  );
  add({
    ...implementation,
    inputs: Object.fromEntries(inputs),
    group,
    when,
    calledAt: call.calledAt,
  });
  return referencesTo(implementation.info);
};

/** The references that stand for a node. */
export const referencesTo = ({ name: node, output, signals }: StageInfo) => {
  const ports = "ports" in output ? Object.keys(output.ports) : [];
  return {
    ...Ref.make({ node }),
    ...Object.fromEntries(ports.map((port) => [port, Ref.make({ node, port })])),
    signals: Object.fromEntries(
      Object.entries(signals).map(([key, signal]) => [key, Ref.makeSignal(node, signal.name)]),
    ),
  };
};
