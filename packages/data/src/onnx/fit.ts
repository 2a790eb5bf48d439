/** Whether an ONNX file can be a model of given features, and by which of its inputs and outputs. */
import type { OnnxInvalid } from "./errors.ts";
import type { Port, Structure } from "./structure.ts";

/** One thing that keeps a file from being a model. */
export type Problem = OnnxInvalid["problems"][number];

/** What the author says of a file. */
export interface Wanted {
  readonly features: ReadonlyArray<string>;
  readonly input?: string | undefined;
  readonly output?: string | undefined;
}

/** How a file is used. */
export interface Fitting {
  readonly input: { readonly name: string; readonly type: "float32" | "float64" };
  readonly output: string;
}

/** The domains whose operators ONNX Runtime has built in; `""` is ONNX's own. */
const knownDomains: ReadonlySet<string> = new Set(["", "ai.onnx.ml", "com.microsoft"]);

/** Finds the input and the output, and everything that is wrong; `fitting` is there if nothing is. */
export const fit = (
  structure: Structure,
  wanted: Wanted,
): { readonly problems: ReadonlyArray<Problem>; readonly fitting: Fitting | undefined } => {
  const input = inputOf(structure, wanted);
  const output = outputOf(structure, wanted);
  const problems = [...unsafe(structure), ...input.problems, ...output.problems];
  const fitting =
    problems.length === 0 && input.found !== undefined && output.found !== undefined
      ? { input: input.found, output: output.found }
      : undefined;
  return { problems, fitting };
};

/** What a file may not have, whatever its features: foreign code and numbers from elsewhere. */
export const unsafe = (structure: Structure): ReadonlyArray<Problem> => {
  const { operators, functions, external, outputs } = structure;
  const own = new Set(functions.map(nameOf));
  const foreign = operators.filter((one) => !knownDomains.has(one.domain) && !own.has(nameOf(one)));
  const problems: Array<Problem> = [];
  if (foreign.length > 0) {
    problems.push({
      where: "operators",
      expected: "those of ONNX, which ONNX Runtime has built in",
      found: some(foreign.map(nameOf)),
      next: "Export without custom operators: a library that computes them would be foreign code.",
    });
  }
  if (external.length > 0) {
    problems.push({
      where: "weights",
      expected: "all numbers in the file itself",
      found: `${some(external.map((name) => `"${name}"`))} in other files`,
      next: "Save the model as one file, without external data.",
    });
  }
  if (outputs.length === 0) {
    const next = "Export the model with its scores as an output.";
    problems.push({ where: "outputs", expected: "at least one", found: "none", next });
  }
  return problems;
};

const nameOf = ({ domain, name }: Structure["operators"][number]): string =>
  domain === "" ? name : `${domain}.${name}`;

const some = (names: ReadonlyArray<string>): string =>
  names.length <= 5
    ? names.join(", ")
    : `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;

/** A part of the file, or what is wrong with it. */
interface Search<A> {
  readonly found: A | undefined;
  readonly problems: ReadonlyArray<Problem>;
}

const inputOf = ({ inputs }: Structure, { features, input }: Wanted): Search<Fitting["input"]> => {
  const failing = (problem: Problem) => ({ found: undefined, problems: [problem] });
  const port = input === undefined && inputs.length === 1 ? inputs[0] : named(inputs, input);
  if (port === undefined) {
    return failing({
      where: input === undefined ? "inputs" : `input "${input}"`,
      expected: "one input that takes all features",
      found: inputs.length === 0 ? "no input" : inputs.map(wordsOf).join(", "),
      next: "Export the model with one matrix of features as its input.",
    });
  }
  const { name, type, shape } = port;
  const where = `input "${name}"`;
  const problems: Array<Problem> = [];
  if (inputs.length > 1) {
    const others = inputs.filter((one) => one !== port).map(wordsOf);
    problems.push({
      where: "inputs",
      expected: `no other input than "${name}"`,
      found: others.join(", "),
      next: "Export the model with one matrix of features as its input.",
    });
  }
  if (type !== "float32" && type !== "float64") {
    problems.push({
      where,
      expected: "numbers of type float32 or float64",
      found: type,
      next: "Encode texts and categories in the feature set or its transformation, and export the model for numbers.",
    });
  }
  const [rows, columns] = shape ?? [null, null];
  if (shape !== null && shape.length !== 2) {
    problems.push({
      where,
      expected: "a matrix of rows × features",
      found: `${shape.length} dimensions`,
      next: "Export the model for rows of features.",
    });
  } else {
    if (typeof rows === "number") {
      problems.push({
        where,
        expected: "any number of rows",
        found: `exactly ${rows}`,
        next: "Export the model with an open first dimension.",
      });
    }
    if (typeof columns === "number" && columns !== features.length) {
      problems.push({
        where,
        expected: `${features.length} features (${some(features)})`,
        found: `${columns}`,
        next: "Train the model on the features of this feature set, in their order.",
      });
    }
  }
  const usable = type === "float32" || type === "float64";
  return { found: usable && problems.length === 0 ? { name, type } : undefined, problems };
};

const floating: ReadonlySet<string> = new Set(["float32", "float64"]);

const outputOf = ({ outputs }: Structure, { output }: Wanted): Search<string> => {
  const floats = outputs.filter(({ type }) => floating.has(type));
  const port = output === undefined && floats.length === 1 ? floats[0] : named(outputs, output);
  if (port !== undefined && floating.has(port.type)) return { found: port.name, problems: [] };
  if (outputs.length === 0) return { found: undefined, problems: [] };
  const maps = outputs.some(({ type }) => type === "sequence" || type === "map");
  return {
    found: undefined,
    problems: [
      {
        where: output === undefined ? "outputs" : `output "${output}"`,
        expected: "one tensor of scores, of type float32 or float64",
        found: outputs.map(wordsOf).join(", "),
        next: maps
          ? 'Export probabilities as a tensor, not as a list of maps: options={"zipmap": False} of skl2onnx, zipmap=False of onnxmltools.'
          : "Name the output that has the scores.",
      },
    ],
  };
};

const named = (ports: ReadonlyArray<Port>, name: string | undefined): Port | undefined =>
  name === undefined ? undefined : ports.find((port) => port.name === name);

const wordsOf = ({ name, type, shape }: Port): string =>
  `"${name}" (${type}${shape === null ? "" : `[${shape.map((one) => one ?? "?").join(", ")}]`})`;
