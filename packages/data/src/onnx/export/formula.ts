/**
 * Formulas in ONNX, as far as its operators mean the same: arithmetic, comparisons, logic, choices, equal
 * texts. A value is rows × 1, or 1 × 1 if it is the same for every row. Numbers are doubles, NaN being missing,
 * and yes and no are 1 and 0, as in the closures; beside a text stands where it is missing.
 */
import type { Ast } from "../../internal/ast.ts";
import { kindOf } from "../../internal/kinds.ts";
import type { OperatorName } from "../../internal/operators.ts";
import type { Param } from "../../internal/operators/Operator.ts";
import { doubles, elementNumber, type Graph, strings, type Value } from "./graph.ts";

/** A value while the graph is written. */
export type Written = NumberValue | TextValue;

interface NumberValue {
  readonly _tag: "number";
  readonly value: Value;
}

interface TextValue {
  readonly _tag: "text";
  readonly value: Value;
  /** Of type `bool`. */
  readonly missing: Value;
}

/** The columns that formulas read. */
export type Columns = ReadonlyMap<string, Written>;

/** What keeps a formula from being written, each once; empty if nothing does. */
export const unwritable = (ast: Ast): ReadonlyArray<string> => [...new Set(strange(ast))];

const strange = (ast: Ast): ReadonlyArray<string> => {
  switch (ast._tag) {
    case "literal":
      return [];
    case "column":
      return ast.path === undefined && ast.type !== "list" && ast.type !== "embedding"
        ? []
        : ["a part of a list or struct"];
    case "history":
      return ["a history"];
    case "call": {
      const ofText = ast.args.some((arg) => kindOf(arg) === "text");
      const known = Object.hasOwn(ofText ? texts : numbers, ast.operator);
      const own = ofText ? `${ast.operator} of texts` : ast.operator;
      return [...(known ? [] : [own]), ...ast.args.flatMap(strange)];
    }
  }
};

/** Writes a formula for which {@link unwritable} finds nothing. */
export const formulaGraph = (graph: Graph, columns: Columns, ast: Ast): Written => {
  switch (ast._tag) {
    case "literal":
      return typeof ast.value === "string"
        ? { _tag: "text", value: graph.constant(strings([ast.value], 1, 1)), missing: no(graph) }
        : numberOf(constant(graph, ast.value === null ? Number.NaN : Number(ast.value)));
    case "column":
      return columns.get(ast.name) ?? impossible(`column "${ast.name}"`);
    case "history":
      return impossible("a history");
    case "call": {
      const args = ast.args.map((arg) => formulaGraph(graph, columns, arg));
      const params = ast.params ?? [];
      if (args.some(({ _tag }) => _tag === "text")) {
        const write = texts[ast.operator] ?? impossible(ast.operator);
        return write(graph, args, params);
      }
      const write = numbers[ast.operator] ?? impossible(ast.operator);
      return numberOf(
        write(
          graph,
          args.map(({ value }) => value),
          params,
        ),
      );
    }
  }
};

const impossible = (what: string): never => {
  throw new TypeError(`${what} is not in ONNX`);
};

const numberOf = (value: Value): NumberValue => ({ _tag: "number", value });

const constant = ({ constant }: Graph, ...row: ReadonlyArray<number>): Value =>
  constant(doubles(row, 1, row.length));

const no = ({ constant }: Graph): Value => constant({ type: "bool", shape: [1, 1], values: [0] });

const isMissing = ({ node }: Graph, value: Value): Value => node("IsNaN", [value]);

const toDouble = ({ node }: Graph, flag: Value): Value =>
  node("Cast", [flag], { to: elementNumber("double") });

const where = ({ node }: Graph, condition: Value, yes: Value, other: Value): Value =>
  node("Where", [condition, yes, other]);

/** Missing where one of the arguments is. */
const unlessMissing = (graph: Graph, args: ReadonlyArray<Value>, value: Value): Value =>
  args.reduce(
    (result, arg) => where(graph, isMissing(graph, arg), constant(graph, Number.NaN), result),
    value,
  );

/** Missing unless finite. */
const finite = (graph: Graph, value: Value): Value =>
  where(graph, graph.node("IsInf", [value]), constant(graph, Number.NaN), value);

/** Whether any number of each row is set. */
const any = (graph: Graph, flags: Value): Value => {
  const axes = graph.constant({ type: "int64", shape: [1], values: [1] });
  return graph.node("ReduceMax", [toDouble(graph, flags), axes], { keepdims: 1 });
};

type WriteNumber = (
  graph: Graph,
  args: ReadonlyArray<Value>,
  params: ReadonlyArray<Param>,
) => Value;

const arithmetic =
  (operator: string, attributes: { readonly [name: string]: number } = {}): WriteNumber =>
  (graph, args) =>
    finite(graph, graph.node(operator, args, attributes));

const unary =
  (operator: string): WriteNumber =>
  ({ node }, args) =>
    node(operator, args);

const compared =
  (operator: string): WriteNumber =>
  (graph, args) =>
    unlessMissing(graph, args, toDouble(graph, graph.node(operator, args)));

const not = (graph: Graph, value: Value): Value => graph.node("Sub", [constant(graph, 1), value]);

const truncated = (graph: Graph, value: Value): Value => {
  const { node } = graph;
  return node("Mul", [node("Sign", [value]), node("Floor", [node("Abs", [value])])]);
};

/** If one side is `decisive`, that; else what `otherwise` makes of both, where a missing one stays. */
const logic =
  (decisive: 0 | 1, otherwise: "Mul" | "Add"): WriteNumber =>
  (graph, args) => {
    const { node } = graph;
    const sides = args.map((arg) => node("Equal", [arg, constant(graph, decisive)]));
    return where(graph, node("Or", sides), constant(graph, decisive), node(otherwise, args));
  };

/** Halves go away from zero; a number just below a half does not, as it would if a half were added. */
const rounded: WriteNumber = (graph, [value = impossible("round")]) => {
  const { node } = graph;
  const size = node("Abs", [value]);
  const below = node("Floor", [size]);
  const up = node("GreaterOrEqual", [node("Sub", [size, below]), constant(graph, 0.5)]);
  return node("Mul", [node("Sign", [value]), node("Add", [below, toDouble(graph, up)])]);
};

/** Operators on numbers, and yes and no. What is missing is NaN. */
const numbers: { readonly [name in OperatorName]?: WriteNumber } = {
  add: arithmetic("Add"),
  subtract: arithmetic("Sub"),
  multiply: arithmetic("Mul"),
  divide: arithmetic("Div"),
  modulo: arithmetic("Mod", { fmod: 1 }),
  quotient: (graph, args) => truncated(graph, finite(graph, graph.node("Div", args))),
  negate: unary("Neg"),
  abs: unary("Abs"),
  sign: unary("Sign"),
  floor: unary("Floor"),
  ceil: unary("Ceil"),
  trunc: (graph, [value = impossible("trunc")]) => truncated(graph, value),
  round: rounded,
  roundTo: (graph, [value = impossible("roundTo")], [step = 1]) => {
    const by = constant(graph, Number(step));
    const steps = rounded(graph, [graph.node("Div", [value, by])], []);
    return finite(graph, graph.node("Mul", [steps, by]));
  },
  sqrt: unary("Sqrt"),
  // C says that anything to the power of 0 is 1, also what is missing.
  power: (graph, args) => unlessMissing(graph, args, finite(graph, graph.node("Pow", args))),
  exp: arithmetic("Exp"),
  ln: arithmetic("Log"),
  min: (graph, args) => unlessMissing(graph, args, graph.node("Min", args)),
  max: (graph, args) => unlessMissing(graph, args, graph.node("Max", args)),
  bucket: (graph, args, edges) => {
    const { node } = graph;
    const reached = node("GreaterOrEqual", [...args, constant(graph, ...edges.map(Number))]);
    const axes = graph.constant({ type: "int64", shape: [1], values: [1] });
    const place = node("ReduceSum", [toDouble(graph, reached), axes], { keepdims: 1 });
    return unlessMissing(graph, args, place);
  },
  equals: compared("Equal"),
  notEquals: (graph, args) =>
    unlessMissing(graph, args, not(graph, toDouble(graph, graph.node("Equal", args)))),
  greaterThan: compared("Greater"),
  greaterOrEqual: compared("GreaterOrEqual"),
  lessThan: compared("Less"),
  lessOrEqual: compared("LessOrEqual"),
  isIn: (graph, args, values) => {
    const same = graph.node("Equal", [...args, constant(graph, ...values.map(Number))]);
    return unlessMissing(graph, args, any(graph, same));
  },
  and: logic(0, "Mul"),
  or: logic(1, "Add"),
  not: (graph, [value = impossible("not")]) => not(graph, value),
  isNull: (graph, [value = impossible("isNull")]) => toDouble(graph, isMissing(graph, value)),
  orElse: (graph, [value = impossible("orElse"), other = value]) =>
    where(graph, isMissing(graph, value), other, value),
  choose: (graph, [condition = impossible("choose"), yes = condition, other = yes]) =>
    where(graph, graph.node("Equal", [condition, constant(graph, 1)]), yes, other),
  toNumber: (_, [value = impossible("toNumber")]) => value,
};

type WriteText = (
  graph: Graph,
  args: ReadonlyArray<Written>,
  params: ReadonlyArray<Param>,
) => Written;

/** A text; a literal null, which is a number, is one that is missing. */
const textOf = (graph: Graph, written: Written | undefined): TextValue => {
  if (written?._tag === "text") return written;
  const missing = graph.constant({ type: "bool", shape: [1, 1], values: [1] });
  return { _tag: "text", value: graph.constant(strings([""], 1, 1)), missing };
};

const sameText =
  (means: (graph: Graph, equal: Value) => Value): WriteText =>
  (graph, args) => {
    const sides = args.map((arg) => textOf(graph, arg));
    const equal = toDouble(
      graph,
      graph.node(
        "Equal",
        sides.map(({ value }) => value),
      ),
    );
    return numberOf(
      sides.reduce(
        (result, { missing }) => where(graph, missing, constant(graph, Number.NaN), result),
        means(graph, equal),
      ),
    );
  };

/** Where a condition holds one text, else the other; the runtime has no `Where` of flags. */
const chosen = (graph: Graph, condition: Value, yes: TextValue, other: TextValue): TextValue => {
  const { node } = graph;
  const missing = node("Or", [
    node("And", [condition, yes.missing]),
    node("And", [node("Not", [condition]), other.missing]),
  ]);
  return { _tag: "text", value: where(graph, condition, yes.value, other.value), missing };
};

/** Operators on texts. */
const texts: { readonly [name in OperatorName]?: WriteText } = {
  equals: sameText((_, equal) => equal),
  notEquals: sameText(not),
  isIn: (graph, [arg], values) => {
    const { value, missing } = textOf(graph, arg);
    const list = graph.constant(strings(values.map(String), 1, values.length));
    const found = any(graph, graph.node("Equal", [value, list]));
    return numberOf(where(graph, missing, constant(graph, Number.NaN), found));
  },
  isNull: (graph, [arg]) => numberOf(toDouble(graph, textOf(graph, arg).missing)),
  orElse: (graph, [arg, other]) => {
    const text = textOf(graph, arg);
    return chosen(graph, text.missing, textOf(graph, other), text);
  },
  choose: (graph, [condition = impossible("choose"), yes, other]) => {
    const holds = graph.node("Equal", [condition.value, constant(graph, 1)]);
    return chosen(graph, holds, textOf(graph, yes), textOf(graph, other));
  },
};
