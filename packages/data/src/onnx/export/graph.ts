/**
 * ONNX graphs as they are written: nodes in order, and constants. Numbers of fields are those of
 * `onnx.proto` (IR version 10, ONNX 1.16).
 */
import { bytes, int, ints, joined, message, text } from "./wire.ts";

/** The operator sets that a model is written for: those of ONNX 1.16, in ONNX Runtime since 1.20. */
export const opsets = { "": 21, "ai.onnx.ml": 5 } as const;
const irVersion = 10;

/** Types of elements, by their numbers in `TensorProto.DataType`. */
const elements = { uint8: 2, int64: 7, string: 8, bool: 9, double: 11 } as const;
/** A type of elements. */
export type Element = keyof typeof elements;

/** A constant tensor. */
export type Tensor =
  | {
      readonly type: Exclude<Element, "string">;
      readonly shape: ReadonlyArray<number>;
      readonly values: ArrayLike<number>;
    }
  | {
      readonly type: "string";
      readonly shape: ReadonlyArray<number>;
      readonly values: ReadonlyArray<string>;
    };

/** An attribute of a node. */
export type Attribute =
  | number
  | string
  | ReadonlyArray<number>
  | { readonly strings: ReadonlyArray<string> }
  | Tensor;

/** The name of a value that a node has computed, or of a constant. */
export type Value = string & { readonly Value: unique symbol };

/** A matrix of doubles; without a number of rows a vector. */
export const doubles = (values: ArrayLike<number>, ...shape: ReadonlyArray<number>): Tensor => ({
  type: "double",
  shape: shape.length === 0 ? [values.length] : shape,
  values,
});

/** Texts of so many dimensions. */
export const strings = (
  values: ReadonlyArray<string>,
  ...shape: ReadonlyArray<number>
): Tensor => ({ type: "string", shape, values });

/** An input or an output: any number of rows, and a known number of columns. */
export interface Port {
  readonly name: string;
  readonly type: "double" | "string";
  readonly columns: number;
}

/** A graph while it is being written. */
export interface Graph {
  readonly constant: (tensor: Tensor) => Value;
  /** Adds a node and gives back its output. */
  readonly node: (
    operator: string,
    inputs: ReadonlyArray<Value>,
    attributes?: { readonly [name: string]: Attribute },
    domain?: keyof typeof opsets,
  ) => Value;
  /** The columns of a value, each as rows × 1. */
  readonly split: (input: Value, columns: number) => ReadonlyArray<Value>;
  /** A single row, 1 × columns, for every row of a value. */
  readonly everyRow: (of: Value, row: Value) => Value;
}

/** One or more of something. */
export type Inputs<A> = readonly [A, ...ReadonlyArray<A>];

/** What is said of a model beside its graph. */
export interface ModelInfo {
  readonly name: string;
  readonly description: string;
  readonly inputs: Inputs<Port>;
  readonly output: Port;
  readonly metadata: { readonly [key: string]: string };
}

/**
 * Writes a model: `build` adds the nodes to the inputs, in their order, and gives back the value that is the
 * output.
 */
export const writeModel = (
  info: ModelInfo,
  build: (graph: Graph, inputs: Inputs<Value>) => Value,
): Uint8Array => {
  const nodes: Array<Uint8Array> = [];
  const constants: Array<Uint8Array> = [];
  let named = 0;
  // No input or output is called so: they have the names of columns.
  const name = (what: string) => `${what}~${++named}` as Value;
  const add: Graph["node"] = (operator, inputs, attributes = {}, domain = "") => {
    const output = name(operator.toLowerCase());
    nodes.push(nodeMessage({ operator, inputs, outputs: [output], attributes, domain }));
    return output;
  };
  const constant: Graph["constant"] = (tensor) => {
    const given = name("constant");
    constants.push(message(5, [...tensorFields(tensor), text(8, given)]));
    return given;
  };
  const graph: Graph = {
    node: add,
    constant,
    everyRow: (of, row) => {
      const rows = add("Shape", [of], { start: 0, end: 1 });
      const columns = constant({ type: "int64", shape: [1], values: [1] });
      const shape = add("Concat", [rows, columns], { axis: 0 });
      return add("Expand", [row, shape]);
    },
    split: (from, parts) => {
      const outputs = Array.from({ length: parts }, () => name("column"));
      const attributes = { axis: 1, num_outputs: parts };
      nodes.push(
        nodeMessage({ operator: "Split", inputs: [from], outputs, attributes, domain: "" }),
      );
      return outputs;
    },
  };
  const [first, ...others] = info.inputs;
  const inputOf = (port: Port) => port.name as Value;
  const result = build(graph, [inputOf(first), ...others.map(inputOf)]);
  const output = info.output.name as Value;
  nodes.push(
    nodeMessage({
      operator: "Identity",
      inputs: [result],
      outputs: [output],
      attributes: {},
      domain: "",
    }),
  );
  return joined([
    int(1, irVersion),
    text(2, "ml-pipe"),
    text(6, info.description),
    message(7, [
      ...nodes,
      text(2, info.name),
      ...constants,
      ...info.inputs.map((port) => message(11, portFields(port))),
      message(12, portFields(info.output)),
    ]),
    ...Object.entries(opsets).map(([domain, version]) =>
      message(8, [text(1, domain), int(2, version)]),
    ),
    ...Object.entries(info.metadata).map(([key, value]) =>
      message(14, [text(1, key), text(2, value)]),
    ),
  ]);
};

interface Node {
  readonly operator: string;
  readonly inputs: ReadonlyArray<string>;
  readonly outputs: ReadonlyArray<string>;
  readonly attributes: { readonly [name: string]: Attribute };
  readonly domain: string;
}

const nodeMessage = ({ operator, inputs, outputs, attributes, domain }: Node): Uint8Array =>
  message(1, [
    ...inputs.map((one) => text(1, one)),
    ...outputs.map((one) => text(2, one)),
    text(4, operator),
    ...Object.entries(attributes).map(([key, value]) =>
      message(5, [text(1, key), ...attributeFields(value)]),
    ),
    ...(domain === "" ? [] : [text(7, domain)]),
  ]);

/** The value and, in field 20, which kind it is. */
const attributeFields = (value: Attribute): ReadonlyArray<Uint8Array> => {
  if (typeof value === "number") return [int(3, value), int(20, 2)];
  if (typeof value === "string") return [text(4, value), int(20, 3)];
  if ("type" in value) return [message(5, tensorFields(value)), int(20, 4)];
  if ("strings" in value) return [...value.strings.map((one) => text(9, one)), int(20, 8)];
  return [...value.map((one) => int(8, one)), int(20, 7)];
};

const tensorFields = (tensor: Tensor): ReadonlyArray<Uint8Array> => [
  ints(1, tensor.shape),
  int(2, elements[tensor.type]),
  ...(tensor.type === "string"
    ? tensor.values.map((one) => text(6, one))
    : [bytes(9, rawData(tensor.type, tensor.values))]),
];

/** Little-endian, as the format wants. */
const rawData = (type: Exclude<Element, "string">, values: ArrayLike<number>): Uint8Array => {
  if (type === "uint8" || type === "bool") return Uint8Array.from(values);
  const raw = new DataView(new ArrayBuffer(8 * values.length));
  for (let i = 0; i < values.length; i++) {
    if (type === "double") raw.setFloat64(8 * i, values[i]!, true);
    else raw.setBigInt64(8 * i, BigInt(values[i]!), true);
  }
  return new Uint8Array(raw.buffer);
};

const portFields = ({ name, type, columns }: Port): ReadonlyArray<Uint8Array> => [
  text(1, name),
  message(2, [
    message(1, [
      int(1, elements[type]),
      message(2, [message(1, [text(2, "rows")]), message(1, [int(1, columns)])]),
    ]),
  ]),
];

/** The number of a type of elements, for `Cast`. */
export const elementNumber = (type: Element): number => elements[type];
