/** Whether an ONNX file can be a model of given features, and by which of its inputs and outputs. */
import type { OnnxInvalid } from "./errors.ts";
import { fitInputs, type Input, some, type WantedInputs, wordsOf } from "./inputs.ts";
import type { Port, Structure } from "./structure.ts";

/** One thing that keeps a file from being a model. */
export type Problem = OnnxInvalid["problems"][number];

/** What the author says of a file. */
export interface Wanted extends WantedInputs {
  readonly output?: string | undefined;
}

/** How a file is used. */
export interface Fitting {
  readonly inputs: ReadonlyArray<Input>;
  readonly output: string;
}

/** The domains whose operators ONNX Runtime has built in; `""` is ONNX's own. */
const knownDomains: ReadonlySet<string> = new Set(["", "ai.onnx.ml", "com.microsoft"]);

/** Finds the inputs and the output, and everything that is wrong; `fitting` is there if nothing is. */
export const fit = (
  structure: Structure,
  wanted: Wanted,
): { readonly problems: ReadonlyArray<Problem>; readonly fitting: Fitting | undefined } => {
  const { inputs, ...input } = fitInputs(structure, wanted);
  const output = outputOf(structure, wanted);
  const problems = [...unsafe(structure), ...input.problems, ...output.problems];
  const fitting =
    problems.length === 0 && output.found !== undefined
      ? { inputs, output: output.found }
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

const floating: ReadonlySet<string> = new Set(["float32", "float64"]);

const outputOf = (
  { outputs }: Structure,
  { output }: Wanted,
): { readonly found: string | undefined; readonly problems: ReadonlyArray<Problem> } => {
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
