/** Fitted transformations in ONNX: from the columns of a feature table to what the model reads. */
import type { Ast, ColumnAst } from "../../internal/ast.ts";
import { columnsOf } from "../../internal/ast.ts";
import type { Fitted, Output } from "../../transform/spec.ts";
import { type Columns, formulaGraph, unwritable, type Written } from "./formula.ts";
import { doubles, type Graph, type Port, strings, type Value } from "./graph.ts";

/** A column that the file takes, by what it holds. */
export interface ColumnInput {
  readonly name: string;
  /** `time`: milliseconds since 1970 (UTC). `boolean`: 1 and 0. Of these and of numbers, NaN is missing. */
  readonly holds: "number" | "boolean" | "time" | "text";
}

/** What keeps an output from being written: which operators ONNX does not have. */
export interface Unwritable {
  readonly column: string;
  readonly uses: ReadonlyArray<string>;
}

/** All outputs that cannot be written. */
export const unwritableIn = ({ outputs }: Fitted): ReadonlyArray<Unwritable> =>
  outputs.flatMap((output) => {
    const uses = unwritable(formulaOf(output));
    return uses.length === 0 ? [] : [{ column: output.name, uses }];
  });

/** The columns that a transformation reads: features in their order, then others by name. */
export const inputsOf = (
  { outputs }: Fitted,
  features: ReadonlyArray<string>,
): ReadonlyArray<ColumnInput> => {
  const read = new Map(outputs.flatMap((output) => columnsIn(formulaOf(output))));
  const own = features.filter((name) => read.has(name));
  const kept = [...read.keys()].filter((name) => !own.includes(name)).toSorted();
  return [...own, ...kept].map((name) => ({ name, holds: read.get(name) ?? "number" }));
};

/** As they are declared. */
export const portOf = ({ name, holds }: ColumnInput): Port => ({
  name,
  type: holds === "text" ? "string" : "double",
  columns: 1,
});

/** A text that stands for a missing one, and is none of those that the transformation knows. */
export const missingTextOf = ({ outputs }: Fitted): string => {
  const known = JSON.stringify(outputs);
  let text = "(missing)";
  while (known.includes(JSON.stringify(text))) text = `(${text})`;
  return text;
};

/** The outputs side by side: rows × outputs. */
export const transformGraph = (
  graph: Graph,
  { outputs }: Fitted,
  given: {
    /** Has as many rows as there are. */
    readonly rows: Value;
    readonly columns: ReadonlyArray<ColumnInput & { readonly value: Value }>;
    readonly missingText: string;
  },
): Value => {
  const { rows, missingText } = given;
  const columns: Columns = new Map(
    given.columns.map(({ name, holds, value }): readonly [string, Written] => [
      name,
      holds === "text"
        ? {
            _tag: "text",
            value,
            missing: graph.node("Equal", [value, graph.constant(strings([missingText], 1, 1))]),
          }
        : { _tag: "number", value },
    ]),
  );
  // A constant reads nothing of what it is given.
  if (outputs.length === 0) return rows;
  const written = outputs.map((output) => {
    const { value } =
      output._tag === "formula"
        ? formulaGraph(graph, columns, output.expr)
        : { value: lookupGraph(graph, columns, output) };
    // What is the same for every row has one so far.
    return columnsOf(formulaOf(output)).size > 0 ? value : graph.everyRow(rows, value);
  });
  return graph.node("Concat", written, { axis: 1 });
};

const lookupGraph = (
  graph: Graph,
  columns: Columns,
  { of, values, numbers, missing, unknown }: Extract<Output, { _tag: "lookup" }>,
): Value => {
  const { node, constant } = graph;
  const text = formulaGraph(graph, columns, of);
  const cell = (value: number | null) => constant(doubles([value ?? Number.NaN], 1, 1));
  if (text._tag === "number") return cell(missing);
  // An encoder without a key is none.
  if (values.length === 0) return node("Where", [text.missing, cell(missing), cell(unknown)]);
  // The place among the values, and one further for all others.
  const place = node(
    "LabelEncoder",
    [text.value],
    {
      keys_strings: { strings: values },
      values_int64s: [...values.keys()],
      default_int64: values.length,
    },
    "ai.onnx.ml",
  );
  const found = node("Gather", [constant(doubles([...numbers, unknown ?? Number.NaN])), place], {
    axis: 0,
  });
  return node("Where", [text.missing, cell(missing), found]);
};

const formulaOf = (output: Output): Ast => (output._tag === "formula" ? output.expr : output.of);

const columnsIn = (ast: Ast): ReadonlyArray<readonly [string, ColumnInput["holds"]]> => {
  switch (ast._tag) {
    case "column":
      return [[ast.name, holds[ast.type]]];
    case "call":
      return ast.args.flatMap(columnsIn);
    default:
      return [];
  }
};

/** Lists are refused before: see {@link unwritableIn}. */
const holds: { readonly [type in ColumnAst["type"]]: ColumnInput["holds"] } = {
  boolean: "boolean",
  int: "number",
  float: "number",
  timestamp: "time",
  string: "text",
  list: "number",
  embedding: "number",
};
