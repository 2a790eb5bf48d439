/** The graph under construction: what stages add themselves to while `Pipeline.make` runs. */
import * as Ref from "../Ref.ts";
import type { Implementation } from "../Stage.ts";
import type { Feedback } from "../Pipeline.ts";
import type { CallSite } from "./callSite.ts";

/** A stage placed in a graph. */
export interface GraphNode<out E = unknown, out R = unknown> extends Implementation<E, R> {
  readonly inputs: { readonly [port: string]: Ref.Source };
  readonly calledAt: CallSite | undefined;
}

/** A call of a stage. */
interface NodeCall extends Omit<GraphNode, "inputs"> {
  readonly inputs: { readonly [port: string]: { readonly source?: Ref.Source } | undefined };
}

/** What is told about a graph while it is described. */
export interface Builder {
  readonly add: (node: GraphNode) => void;
  readonly feedback: (edge: Feedback) => void;
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
export const addNode = (call: NodeCall): unknown => {
  const { name, output, signals } = call.info;
  // Types vanish: what is no reference counts as missing, and the pipeline says so.
  const inputs = Object.entries(call.inputs).flatMap(([port, ref]) =>
    ref?.source === undefined ? [] : [[port, ref.source] as const],
  );
  currentBuilder(`stage "${name}" was called`).add({ ...call, inputs: Object.fromEntries(inputs) });
  const ports = "ports" in output ? Object.keys(output.ports) : [];
  return {
    ...Ref.make({ node: name }),
    ...Object.fromEntries(ports.map((port) => [port, Ref.make({ node: name, port })])),
    signals: Object.fromEntries(
      Object.entries(signals).map(([key, signal]) => [key, Ref.makeSignal(name, signal.name)]),
    ),
  };
};
