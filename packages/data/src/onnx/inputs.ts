/** Which inputs of a file take which features, and how rows become what they take. */
import * as Schema from "effect/Schema";
import type { Column } from "../estimator/columns.ts";
import type { Problem } from "./fit.ts";
import type { Port, Structure } from "./structure.ts";

const common = {
  name: Schema.String,
  /** Places of the features that it takes, in its order. */
  features: Schema.Array(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  /** Takes one number or text for each row, not a matrix of one column. */
  vector: Schema.Boolean,
} as const;

/** An input that takes features: numbers, or the texts that the numbers of a feature are the places of. */
export const Input = Schema.Union([
  Schema.Struct({ ...common, type: Schema.Literals(["float32", "float64", "int64"]) }),
  Schema.Struct({
    ...common,
    type: Schema.Literal("string"),
    /** For each of its features. What is missing is given as the empty text. */
    texts: Schema.Array(Schema.Array(Schema.String)),
  }),
]);
/** See {@link Input}. */
export type Input = typeof Input.Type;

/** What the author says of a file's inputs. */
export interface WantedInputs {
  /** Names of the features, in the order in which rows have them. */
  readonly features: ReadonlyArray<string>;
  /** Of features that stand for texts: the texts, in the places that their numbers are. */
  readonly texts?: { readonly [feature: string]: ReadonlyArray<string> } | undefined;
  /**
   * The features that each input takes, by its name. Default: a single one takes all; of several, each takes
   * the feature whose name it has.
   */
  readonly inputs?: { readonly [input: string]: ReadonlyArray<string> } | undefined;
}

/** Finds which features each input takes, and all that is wrong; usable only if nothing is. */
export const fitInputs = (
  { inputs: ports }: Pick<Structure, "inputs">,
  wanted: WantedInputs,
): { readonly inputs: ReadonlyArray<Input>; readonly problems: ReadonlyArray<Problem> } => {
  const problems: Array<Problem> = [];
  const inputs: Array<Input> = [];
  const taken = takenBy(ports, wanted, problems);
  for (const [port, names] of taken) inputs.push(inputOf(port, names, wanted, problems));
  return { inputs, problems };
};

const takenBy = (
  ports: ReadonlyArray<Port>,
  { features, inputs: given }: WantedInputs,
  problems: Array<Problem>,
): ReadonlyArray<readonly [Port, ReadonlyArray<string>]> => {
  const [first] = ports;
  const unnamed = ports.filter(({ name }) => !features.includes(name));
  if (given !== undefined) {
    const names = new Set(ports.map(({ name }) => name));
    const silent = ports.filter(({ name }) => given[name] === undefined);
    const foreign = Object.values(given)
      .flat()
      .filter((name) => !features.includes(name));
    const wrong = [
      ...silent.map((port) => `nothing for ${wordsOf(port)}`),
      ...Object.keys(given)
        .filter((name) => !names.has(name))
        .map((name) => `"${name}", which the file does not have`),
      ...foreign.map((name) => `the feature "${name}", which there is not`),
    ];
    if (wrong.length > 0) {
      problems.push({
        where: "inputs",
        expected: `features (${some(features)}) for each input of the file`,
        found: wrong.join(", "),
        next: "Name the features that each input takes, by the input's name.",
      });
      return [];
    }
    return ports.map((port) => [port, given[port.name] ?? []] as const);
  }
  if (first !== undefined && ports.length === 1) {
    const single = unnamed.length === 0 && (first.shape === null || first.shape[1] === 1);
    return [[first, single ? [first.name] : features]];
  }
  if (ports.length > 0 && unnamed.length === 0) return ports.map((port) => [port, [port.name]]);
  problems.push({
    where: "inputs",
    expected: `one that takes all features, or one for each with its name (${some(features)})`,
    found: ports.length === 0 ? "no input" : unnamed.map(wordsOf).join(", "),
    next: "Export the model with one matrix, or with inputs that have the names of features; or say in `inputs` which features each takes.",
  });
  return [];
};

const inputOf = (
  { name, type, shape }: Port,
  names: ReadonlyArray<string>,
  { features, texts = {} }: WantedInputs,
  problems: Array<Problem>,
): Input => {
  const problem = (one: Omit<Problem, "where">) =>
    problems.push({ where: `input "${name}"`, ...one });
  const [rows, columns = 1] = shape ?? [null, null];
  if (shape !== null && shape.length !== 2 && !(shape.length === 1 && names.length === 1)) {
    problem({
      expected: "a matrix of rows × features",
      found: shape.length === 1 ? "1 dimension" : `${shape.length} dimensions`,
      next: "Export the model for rows of features.",
    });
  } else {
    if (typeof rows === "number") {
      problem({
        expected: "any number of rows",
        found: `exactly ${rows}`,
        next: "Export the model with an open first dimension.",
      });
    }
    if (typeof columns === "number" && columns !== names.length) {
      problem({
        expected: `${names.length} features (${some(names)})`,
        found: `${columns}`,
        next: "Train the model on the features of this feature set, in their order.",
      });
    }
  }
  const common = {
    name,
    features: names.map((one) => features.indexOf(one)),
    vector: shape?.length === 1,
  };
  if (type === "string") {
    const numbers = names.filter((one) => texts[one] === undefined);
    if (numbers.length > 0) {
      problem({
        expected: "numbers, which these features are",
        found: `texts for ${some(numbers)}`,
        next: "Prepare them with Transform.ordinal, which knows the texts, or export the model for numbers.",
      });
    }
    return { ...common, type, texts: names.map((one) => texts[one] ?? []) };
  }
  if (isNumeric(type)) return { ...common, type };
  problem({
    expected: "numbers of type float32, float64 or int64, or texts",
    found: type,
    next: "Export the model for inputs of one of these types.",
  });
  return { ...common, type: "float64" };
};

const isNumeric = (type: string): type is "float32" | "float64" | "int64" =>
  type === "float32" || type === "float64" || type === "int64";

/** An input's name with what it takes. */
export const wordsOf = ({ name, type, shape }: Port): string =>
  `"${name}" (${type}${shape === null ? "" : `[${shape.map((one) => one ?? "?").join(", ")}]`})`;

/** The first few of some names. */
export const some = (names: ReadonlyArray<string>): string =>
  names.length <= 5
    ? names.join(", ")
    : `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;

/** What an input is given for some rows, one row after another. */
export type Given =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | ReadonlyArray<string>;

/** A value that an input cannot be given. */
export class NotGiven extends Error {}

/** What an input is given for the rows from one to before another. Throws {@link NotGiven}. */
export const pack = (
  input: Input,
  columns: ReadonlyArray<Column>,
  names: ReadonlyArray<string>,
  [from, to]: readonly [number, number],
): Given => {
  const width = input.features.length;
  const each = (set: (at: number, value: number, k: number) => void): void => {
    for (const [k, j] of input.features.entries()) {
      const column = columns[j]!;
      for (let i = from, at = k; i < to; i++, at += width) set(at, column[i]!, k);
    }
  };
  const length = (to - from) * width;
  switch (input.type) {
    case "float32":
    case "float64": {
      const packed = input.type === "float32" ? new Float32Array(length) : new Float64Array(length);
      each((at, value) => {
        packed[at] = value;
      });
      return packed;
    }
    case "int64": {
      const packed = new BigInt64Array(length);
      each((at, value, k) => {
        if (!Number.isSafeInteger(value)) {
          throw new NotGiven(
            `its input "${input.name}" takes whole numbers, and the feature ${names[input.features[k]!]} is ${Number.isNaN(value) ? "missing" : value}`,
          );
        }
        packed[at] = BigInt(value);
      });
      return packed;
    }
    case "string": {
      const packed = Array.from({ length }, () => "");
      each((at, value, k) => {
        packed[at] = input.texts[k]?.[value] ?? "";
      });
      return packed;
    }
  }
};
