/**
 * What an ONNX file says of itself, read without a runtime: its inputs and outputs, the operators that
 * it uses, and where its numbers are. The fields are those of onnx.proto, IR version 13:
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { type Field, fieldsOf, NotProtobuf, textOf } from "./protobuf.ts";

/** An input or an output of the graph. */
export interface Port {
  readonly name: string;
  /** Element type of a tensor, such as `float32`; `sequence`, `map`, `optional` or `sparse` otherwise. */
  readonly type: string;
  /** A number, the name of an open dimension, or null; null as a whole where the rank is open. */
  readonly shape: ReadonlyArray<number | string | null> | null;
}

/** An operator or a function, in its domain; `""` is ONNX's own. */
export interface Operator {
  readonly domain: string;
  readonly name: string;
}

/** See {@link structureOf}. */
export interface Structure {
  readonly irVersion: number;
  /** The program that wrote the file, such as `skl2onnx 1.20.0`; may be empty. */
  readonly producer: string;
  /** Version of each operator set; that of ONNX's own is under `""`. */
  readonly opsets: { readonly [domain: string]: number };
  /** What must be given; constants with the name of an input are not among them. */
  readonly inputs: ReadonlyArray<Port>;
  readonly outputs: ReadonlyArray<Port>;
  /** Each once, also those of branches, loops and functions. */
  readonly operators: ReadonlyArray<Operator>;
  /** Functions that the file itself defines of operators. */
  readonly functions: ReadonlyArray<Operator>;
  /** Names of tensors whose numbers are in other files. */
  readonly external: ReadonlyArray<string>;
}

/** Branches within branches deeper than this are not read: no exporter writes them. */
const maxDepth = 32;

/** Element types of tensors by their number (TensorProto.DataType). */
const elementTypes: ReadonlyArray<string> = [
  "undefined",
  "float32",
  "uint8",
  "int8",
  "uint16",
  "int16",
  "int32",
  "int64",
  "string",
  "bool",
  "float16",
  "float64",
  "uint32",
  "uint64",
  "complex64",
  "complex128",
  "bfloat16",
];

/** Reads the structure of a model. Throws {@link NotProtobuf} if the bytes are none. */
export const structureOf = (model: Uint8Array): Structure => {
  const found = { operators: new Map<string, Operator>(), external: new Set<string>() };
  const functions: Array<Operator> = [];
  const opsets: Record<string, number> = {};
  let irVersion = 0;
  let producer = ["", ""];
  let graph: Graph | undefined;
  for (const field of fieldsOf(model)) {
    if (field.number === 1) irVersion = field.integer;
    else if (field.number === 2) producer[0] = textOf(field);
    else if (field.number === 3) producer[1] = textOf(field);
    else if (field.number === 7) graph = graphOf(messageOf(field), found, 0);
    else if (field.number === 8) {
      const { domain, version } = opsetOf(messageOf(field));
      opsets[domain] = version;
    } else if (field.number === 25) functions.push(functionOf(messageOf(field), found));
  }
  if (graph === undefined) throw new NotProtobuf("it holds no graph");
  const constants = new Set(graph.constants);
  return {
    irVersion,
    producer: producer.join(" ").trim(),
    opsets,
    inputs: graph.inputs.filter(({ name }) => !constants.has(name)),
    outputs: graph.outputs,
    operators: [...found.operators.values()],
    functions,
    external: [...found.external],
  };
};

interface Found {
  readonly operators: Map<string, Operator>;
  readonly external: Set<string>;
}

interface Graph {
  readonly inputs: Array<Port>;
  readonly outputs: Array<Port>;
  readonly constants: Array<string>;
}

const messageOf = ({ bytes }: Field): Uint8Array => {
  if (bytes === undefined) throw new NotProtobuf("a number stands where a message should");
  return bytes;
};

const opsetOf = (message: Uint8Array): { readonly domain: string; readonly version: number } => {
  let [domain, version] = ["", 0];
  for (const field of fieldsOf(message)) {
    if (field.number === 1) domain = ownDomain(textOf(field));
    else if (field.number === 2) version = field.integer;
  }
  return { domain, version };
};

/** ONNX's own domain has two names. */
const ownDomain = (domain: string): string => (domain === "ai.onnx" ? "" : domain);

const graphOf = (message: Uint8Array, found: Found, depth: number): Graph => {
  if (depth > maxDepth) throw new NotProtobuf(`its branches are nested deeper than ${maxDepth}`);
  const graph: Graph = { inputs: [], outputs: [], constants: [] };
  for (const field of fieldsOf(message)) {
    if (field.number === 1) readNode(messageOf(field), found, depth);
    else if (field.number === 5) graph.constants.push(readTensor(messageOf(field), found));
    else if (field.number === 11) graph.inputs.push(portOf(messageOf(field)));
    else if (field.number === 12) graph.outputs.push(portOf(messageOf(field)));
    else if (field.number === 15) readSparse(messageOf(field), found);
  }
  return graph;
};

const functionOf = (message: Uint8Array, found: Found): Operator => {
  let [domain, name] = ["", ""];
  for (const field of fieldsOf(message)) {
    if (field.number === 1) name = textOf(field);
    else if (field.number === 7) readNode(messageOf(field), found, 0);
    else if (field.number === 10) domain = ownDomain(textOf(field));
  }
  return { domain, name };
};

const readNode = (message: Uint8Array, { operators, external }: Found, depth: number): void => {
  let [domain, name] = ["", ""];
  for (const field of fieldsOf(message)) {
    if (field.number === 4) name = textOf(field);
    else if (field.number === 7) domain = ownDomain(textOf(field));
    else if (field.number === 5) readAttribute(messageOf(field), { operators, external }, depth);
  }
  operators.set(`${domain}:${name}`, { domain, name });
};

/** An attribute may hold tensors and whole graphs: the branches of `If`, the body of `Loop`. */
const readAttribute = (message: Uint8Array, found: Found, depth: number): void => {
  for (const field of fieldsOf(message)) {
    if (field.number === 5 || field.number === 10) readTensor(messageOf(field), found);
    else if (field.number === 6 || field.number === 11) graphOf(messageOf(field), found, depth + 1);
    else if (field.number === 22 || field.number === 23) readSparse(messageOf(field), found);
  }
};

/** Gives the name of a tensor, and notes it if its numbers are elsewhere. */
const readTensor = (message: Uint8Array, { external }: Found): string => {
  let name = "";
  let isExternal = false;
  for (const field of fieldsOf(message)) {
    if (field.number === 8) name = textOf(field);
    else if (field.number === 13) isExternal = true;
    else if (field.number === 14 && field.integer === 1) isExternal = true;
  }
  if (isExternal) external.add(name);
  return name;
};

const readSparse = (message: Uint8Array, found: Found): void => {
  for (const field of fieldsOf(message)) {
    if (field.number === 1 || field.number === 2) readTensor(messageOf(field), found);
  }
};

const portOf = (message: Uint8Array): Port => {
  let name = "";
  let type: Omit<Port, "name"> = { type: "undefined", shape: null };
  for (const field of fieldsOf(message)) {
    if (field.number === 1) name = textOf(field);
    else if (field.number === 2) type = typeOf(messageOf(field));
  }
  return { name, ...type };
};

const otherTypes: { readonly [field: number]: string } = {
  4: "sequence",
  5: "map",
  7: "opaque",
  8: "sparse",
  9: "optional",
};

const typeOf = (message: Uint8Array): Omit<Port, "name"> => {
  for (const field of fieldsOf(message)) {
    if (field.number === 1) return tensorTypeOf(messageOf(field));
    const other = otherTypes[field.number];
    if (other !== undefined) return { type: other, shape: null };
  }
  return { type: "undefined", shape: null };
};

const tensorTypeOf = (message: Uint8Array): Omit<Port, "name"> => {
  let type = "undefined";
  let shape: Port["shape"] = null;
  for (const field of fieldsOf(message)) {
    if (field.number === 1) type = elementTypes[field.integer] ?? `type ${field.integer}`;
    else if (field.number === 2) {
      shape = [...fieldsOf(messageOf(field))].map((one) =>
        one.number === 1 ? dimensionOf(messageOf(one)) : null,
      );
    }
  }
  return { type, shape };
};

const dimensionOf = (message: Uint8Array): number | string | null => {
  for (const field of fieldsOf(message)) {
    if (field.number === 1) return field.integer;
    if (field.number === 2) return textOf(field);
  }
  return null;
};
